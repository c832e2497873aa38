#include "config/plan.h"

#include "base/file.h"
#include "base/param.h"
#include "config/expand.h"
#include "config/places.h"
#include "config/published.h"
#include "config/section.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct experiment {
    const char *name, *title, *store;
    int64_t seed, repeats, init_repeats, memory, keep_rankings;
};
static const struct rh_param experiment_params[] = {
    RH_STR(struct experiment, name, "", "name in the store; the file's name when empty"),
    RH_STR(struct experiment, title, "", "one line for tables and pictures"),
    RH_STR(struct experiment, store, RH_STORE_DEFAULT, "the SQLite file that results go to"),
    RH_INT(struct experiment, seed, 42, 0, 9007199254740992, "of splits and algorithms"),
    RH_INT(struct experiment, repeats, 1, 1, 10000, "times everything is repeated with seed, seed + 1, ..."),
    RH_INT(struct experiment, init_repeats, 1, 1, 10000, "times an algorithm that draws is fitted on each problem, "
           "with other draws"),
    RH_INT(struct experiment, memory, 0, 0, 1073741824, "MiB that an algorithm may use; 0: what the machine has"),
    RH_INT(struct experiment, keep_rankings, 0, 0, 1000000, "best items of every query to store, for export and "
           "evaluate; 0: none"),
    RH_PARAMS_END,
};

struct data {
    const char *path, *cache, *descriptions;
};
static const struct rh_param data_params[] = {
    RH_STR(struct data, path, "", "folder with the raw files; --data goes before it, $HARNESS_DATA behind it"),
    RH_STR(struct data, cache, "", "folder for loaded domains, or 'none'"),
    RH_STR(struct data, descriptions, "", "folder with dataset descriptions of one's own"),
    RH_PARAMS_END,
};

struct plugins {
    const char *path;
};
static const struct rh_param plugins_params[] = {
    RH_STR(struct plugins, path, "", "modules (.so) or folders of them, separated by ':'"),
    RH_PARAMS_END,
};

struct evaluate {
    const char *metrics, *cutoffs, *relevant_from, *validate;
    int no_relevant, few_candidates, no_history;
    int64_t relevant_best;
};
static const struct rh_choice no_relevant_words[] = {
    { "skip", RH_NO_RELEVANT_SKIP, "undefined for it" },
    { "zero", RH_NO_RELEVANT_ZERO, "0" },
    { NULL, 0, NULL },
};
static const struct rh_choice odd_words[] = {
    { "keep", RH_ODD_KEEP, "they count like others" },
    { "skip", RH_ODD_SKIP, "undefined for them" },
    { NULL, 0, NULL },
};
static const struct rh_param evaluate_params[] = {
    RH_STR(struct evaluate, metrics, "ndcg, recall, auc", "the first one is what tables and pictures look at first"),
    RH_STR(struct evaluate, cutoffs, "10", "for metrics named without @k"),
    RH_STR(struct evaluate, relevant_from, "all", "a held-out item is relevant from this rating on, or 'all' are"),
    RH_INT(struct evaluate, relevant_best, 0, 0, 1000000,
           "no more than the so many highest rated of a query are relevant; 0: however many"),
    RH_ENUM(struct evaluate, no_relevant, RH_NO_RELEVANT_SKIP, no_relevant_words,
            "a ranking metric of a query without a relevant candidate"),
    RH_ENUM(struct evaluate, few_candidates, RH_ODD_KEEP, odd_words, "metrics at k of queries with fewer candidates"),
    RH_ENUM(struct evaluate, no_history, RH_ODD_KEEP, odd_words, "queries of users without a visible row anywhere"),
    RH_STR(struct evaluate, validate, "", "the metric that guides early stopping; the first of metrics when empty"),
    RH_PARAMS_END,
};

struct plot {
    const char *title, *y, *x, *series;
    int kind;
};
enum plot_kind { PLOT_BARS, PLOT_LINES, PLOT_CD };
static const struct rh_choice plot_kinds[] = {
    { "bars", PLOT_BARS, "one bar an algorithm" },
    { "lines", PLOT_LINES, "one line an algorithm over a swept setting" },
    { "cd", PLOT_CD, "critical differences: mean ranks over users, and which of them a test does not separate" },
    { NULL, 0, NULL },
};
static const struct rh_param plot_params[] = {
    RH_STR(struct plot, title, "", "above the picture"),
    RH_STR(struct plot, y, "", "a metric such as ndcg@10; the first of metrics when empty"),
    RH_STR(struct plot, x, "algorithm", "algorithm, or the key of a swept setting (lines)"),
    RH_STR(struct plot, series, "", "what makes a line or a colour: algorithm, problem or a swept key"),
    RH_ENUM(struct plot, kind, PLOT_BARS, plot_kinds, "how it is drawn"),
    RH_PARAMS_END,
};

/* Fills `values` from a section; a section that is not there leaves the defaults. */
static int read_section(struct rh_planning *p, const char *section, const struct rh_param *table, void *values)
{
    struct rh_table_of of = { table, values };
    rh_params_defaults(table, values);
    for (size_t i = 0; i < p->ini->n; i++) {
        const struct rh_ini_entry *e = &p->ini->entry[i];
        if (e->key && !strcmp(e->section, section))
            RH_TRY(rh_section_set(e, e->value, &of, 1, NULL, p->a, p->err));
    }
    return RH_OK;
}

static int check_sections(struct rh_planning *p)
{
    static const char *const whole[] = { "experiment", "data", "plugins", "evaluate", "problem", "published" };
    static const char *const family[] = { "problem.", "dataset.", "algorithm.", "plot.", "published." };
    static const char *const shown[] = { "experiment",   "data",         "plugins",        "evaluate", "problem",
                                         "problem.NAME", "dataset.NAME", "algorithm.NAME", "plot.NAME" };
    for (size_t i = 0; i < p->ini->n; i++) {
        const struct rh_ini_entry *e = &p->ini->entry[i];
        bool known = false;
        for (size_t k = 0; k < sizeof whole / sizeof *whole; k++)
            known |= !strcmp(e->section, whole[k]);
        for (size_t k = 0; k < sizeof family / sizeof *family; k++) {
            size_t n = strlen(family[k]);
            known |= !strncmp(e->section, family[k], n) && e->section[n];
        }
        if (known)
            continue;
        char place[300], stem[64];
        snprintf(stem, sizeof stem, "%.*s", (int)strcspn(e->section, "."), e->section);
        const char *stems[] = {
            "experiment", "data", "plugins", "evaluate", "problem", "dataset", "algorithm", "plot", "published"
        };
        const char *nearest = rh_nearest(stem, stems, sizeof stems / sizeof *stems);
        for (size_t k = 0; nearest && k < sizeof shown / sizeof *shown; k++)
            if (!strncmp(shown[k], nearest, strlen(nearest)))
                nearest = shown[k];
        return rh_fail(p->err, RH_EINVAL, "%s: there is no section [%s]; %s%s%s",
                       rh_entry_place(e, place, sizeof place), e->section,
                       nearest ? "did you mean ["
                               : "there are [experiment] [data] [plugins] [dataset.NAME] [problem.NAME] [evaluate] "
                                 "[algorithm.NAME] [plot.NAME] [published] [published.ROW]",
                       nearest ? nearest : "", nearest ? "]?" : "");
    }
    return RH_OK;
}

/* Puts "FILE:LINE: [evaluate] key" in front of a message about a value of [evaluate]. */
static int blame(struct rh_planning *p, const char *key, const struct rh_error *why)
{
    char place[300];
    const struct rh_ini_entry *e = rh_ini_find(p->ini, "evaluate", key);
    return rh_fail(p->err, why->status, "%s: [evaluate] %s: %s",
                   e ? rh_entry_place(e, place, sizeof place) : p->plan->file, key, why->text);
}

static int read_evaluate(struct rh_planning *p)
{
    struct rh_plan *plan = p->plan;
    struct evaluate v;
    struct rh_error why = { 0 };
    RH_TRY(read_section(p, "evaluate", evaluate_params, &v));
    int32_t n_names = 0, n_cutoffs = 0;
    const char **names = rh_list(p->a, v.metrics, &n_names), **texts = rh_list(p->a, v.cutoffs, &n_cutoffs);
    int32_t *cutoff = rh_alloc(p->a, (size_t)n_cutoffs + 1, sizeof *cutoff);
    if (!names || !texts || !cutoff)
        return rh_fail_memory(p->err, "the plan", p->a->used);
    for (int32_t i = 0; i < n_cutoffs; i++) {
        int64_t k;
        if (!rh_parse_int(texts[i], &k) || k < 1 || k > INT32_MAX) {
            rh_fail(&why, RH_EINVAL, "cut-off '%s' is not allowed: expected integers from 1, such as 5, 10, 20",
                    texts[i]);
            return blame(p, "cutoffs", &why);
        }
        cutoff[i] = (int32_t)k;
    }
    struct rh_metric_use *use = NULL;
    if (!n_names)
        rh_fail(&why, RH_EINVAL, "name at least one metric; see `harness list metrics`");
    if (why.status < 0 ||
        rh_metrics_expand(p->a, names, (size_t)n_names, cutoff, (size_t)n_cutoffs, &use, &plan->n_metrics, &why) < 0)
        return blame(p, "metrics", &why);
    plan->metric = use;
    plan->validate = use[0];
    if (*v.validate) {
        int32_t n = 0;
        if (rh_metrics_expand(p->a, &v.validate, 1, cutoff, (size_t)(n_cutoffs > 0), &use, &n, &why) < 0)
            return blame(p, "validate", &why);
        plan->validate = use[0];
    }
    plan->policy = (struct rh_eval_policy){ v.no_relevant, v.few_candidates, v.no_history };
    plan->relevant_best = (int32_t)v.relevant_best;
    plan->relevant_from = -INFINITY;
    if (strcmp(v.relevant_from, "all") && !rh_parse_real(v.relevant_from, &plan->relevant_from)) {
        rh_fail(&why, RH_EINVAL, "relevant_from = %s is not allowed: expected a rating, or all", v.relevant_from);
        return blame(p, "relevant_from", &why);
    }
    return RH_OK;
}

/* "ndcg@10", and beside it "ndcg@10/candidates=sampled" and "/candidates=corrected" where a problem is sampled. */
static bool is_measured(const struct rh_plan *plan, const char *y)
{
    bool sampled = false;
    for (int32_t i = 0; i < plan->n_problems; i++)
        sampled |= plan->problem[i].asking->candidates == RH_UNIVERSE_SAMPLED;
    for (int32_t m = 0; m < plan->n_metrics; m++) {
        const char *id = plan->metric[m].id;
        size_t n = strlen(id);
        if (!strcmp(y, id) || (sampled && !strncmp(y, id, n) && (!strcmp(y + n, "/candidates=sampled") ||
                                                                 !strcmp(y + n, "/candidates=corrected"))))
            return true;
    }
    return false;
}

/* The id of a metric that may be written otherwise: hr@10 is hit@10. */
static const char *canonical_id(struct rh_planning *p, const char *name)
{
    struct rh_metric_use *use;
    struct rh_error why = { 0 };
    int32_t n = 0;
    return rh_metrics_expand(p->a, &name, 1, NULL, 0, &use, &n, &why) == RH_OK && n == 1 ? use[0].id : name;
}

/* Mean ranks stand on an axis of their own. */
static int check_axes(struct rh_planning *p, const char *section, const struct plot *v)
{
    static const char *const keys[] = { "x", "series" };
    for (size_t i = 0; i < 2 && v->kind == PLOT_CD; i++) {
        char place[300];
        const struct rh_ini_entry *at = rh_ini_find(p->ini, section, keys[i]);
        if (at)
            return rh_fail(p->err, RH_EINVAL, "%s: [%s] %s: kind = cd has none; it draws every problem by itself",
                           rh_entry_place(at, place, sizeof place), section, keys[i]);
    }
    return RH_OK;
}

static int read_plots(struct rh_planning *p)
{
    struct rh_plan *plan = p->plan;
    int32_t most = 0;
    for (size_t i = 0; i < p->ini->n; i++)
        most += !p->ini->entry[i].key && !strncmp(p->ini->entry[i].section, "plot.", 5);
    struct rh_plot_row *row = rh_alloc(p->a, (size_t)most, sizeof *row);
    if (!row)
        return rh_fail_memory(p->err, "the plan", p->a->used);
    plan->plot = row;
    for (size_t i = 0; i < p->ini->n; i++) {
        const struct rh_ini_entry *e = &p->ini->entry[i];
        struct plot v;
        if (e->key || strncmp(e->section, "plot.", 5))
            continue;
        RH_TRY(read_section(p, e->section, plot_params, &v));
        RH_TRY(check_axes(p, e->section, &v));
        const char *y = *v.y ? canonical_id(p, v.y) : plan->metric[0].id;
        const char *ids[256];
        size_t n = 0;
        for (int32_t m = 0; m < plan->n_metrics && n < 256; m++)
            ids[n++] = plan->metric[m].id;
        if (!is_measured(plan, y)) {
            char place[300];
            const struct rh_ini_entry *at = rh_ini_find(p->ini, e->section, "y");
            const char *nearest = rh_nearest(y, ids, n);
            return rh_fail(p->err, RH_EINVAL, "%s: [%s] y = %s is not among the metrics of [evaluate]%s",
                           rh_entry_place(at ? at : e, place, sizeof place), e->section, y,
                           rh_did_you_mean(nearest, (char[RH_HINT]){ 0 }));
        }
        row[plan->n_plots++] = (struct rh_plot_row){
            .name = e->section + 5,
            .title = v.title,
            .kind = plot_kinds[v.kind].word,
            .x = v.x,
            .y = y,
            .series = v.series,
        };
    }
    return RH_OK;
}

static const char *file_stem(struct rh_arena *a, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    return rh_arena_strndup(a, name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
}

static int plan_fill(struct rh_planning *p, const struct rh_plan_input *in, struct rh_registry *registry,
                     struct rh_data_env *env)
{
    struct rh_plan *plan = p->plan;
    struct experiment x;
    struct data data;
    struct plugins plugins;
    RH_TRY(check_sections(p));
    RH_TRY(read_section(p, "experiment", experiment_params, &x));
    RH_TRY(read_section(p, "data", data_params, &data));
    RH_TRY(read_section(p, "plugins", plugins_params, &plugins));
    plan->name = *x.name ? x.name : file_stem(p->a, in->file);
    plan->title = x.title;
    plan->seed = (uint64_t)x.seed;
    plan->repeats = x.repeats;
    plan->init_repeats = x.init_repeats;
    plan->keep_rankings = x.keep_rankings;
    plan->memory = x.memory;
    plan->store = in->store ? in->store : x.store;
    env->data = in->data ? in->data : *data.path ? data.path : rh_default_data();
    env->cache = in->cache ? in->cache : *data.cache ? data.cache : rh_default_cache(p->a);
    if (env->cache && !strcmp(env->cache, "none"))
        env->cache = NULL;
    env->descriptions = rh_description_folders(p->a, data.descriptions, in->file, in->installed);
    if (!plan->name || !env->descriptions)
        return rh_fail_memory(p->err, "the plan", p->a->used);
    if (in->plugin_path)
        RH_TRY(rh_registry_load_list(registry, in->plugin_path, p->err));
    if (rh_registry_load_list(registry, plugins.path, p->err) < 0) {
        char place[300];
        return rh_error_context(p->err, "%s",
                                rh_entry_place(rh_ini_find(p->ini, "plugins", "path"), place, sizeof place));
    }
    RH_TRY(read_evaluate(p));
    RH_TRY(rh_expand_problems(p));
    RH_TRY(rh_expand_algorithms(p));
    RH_TRY(rh_expand_twins(p));
    RH_TRY(rh_expand_runs(p));
    RH_TRY(read_plots(p));
    return rh_read_published(p);
}

int rh_plan_read(struct rh_arena *a, const struct rh_plan_input *in, struct rh_registry *registry,
                 struct rh_data_env *env, const struct rh_plan **out, struct rh_error *err)
{
    struct rh_ini ini = { 0 };
    struct rh_plan *plan = rh_alloc(a, 1, sizeof *plan);
    char *text = NULL;
    size_t n = 0;
    if (!plan)
        return rh_fail_memory(err, "the plan", sizeof *plan);
    /* Read once: the text that is stored is the text that was understood. */
    if (in->text) {
        n = strlen(in->text);
        text = rh_arena_strdup(a, in->text);
        if (!text)
            return rh_fail_memory(err, "the plan", n);
    } else {
        RH_TRY(rh_read_file(a, in->file, &text, &n, err));
    }
    RH_TRY(rh_ini_read_text(&ini, a, in->file, text, n, err));
    plan->file = in->file;
    plan->ini = text;
    for (int32_t i = 0; i < in->n_set; i++) {
        RH_TRY(rh_ini_set(&ini, a, in->set[i], err));
        plan->ini = rh_arena_printf(a, "%s; --set %s\n", plan->ini, in->set[i]);
        if (!plan->ini)
            return rh_fail_memory(err, "the plan", n);
    }
    struct rh_planning p = { .a = a, .ini = &ini, .registry = registry, .env = env, .plan = plan,
                             .recalled = in->text != NULL, .err = err };
    RH_TRY(plan_fill(&p, in, registry, env));
    *out = plan;
    return RH_OK;
}
