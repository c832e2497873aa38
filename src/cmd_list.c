/* harness list, harness describe: what there is, from the descriptors. */
#include "cmd.h"

#include "base/param.h"
#include "base/text.h"
#include "config/places.h"
#include "config/plan.h"
#include "metrics/metric.h"
#include "plugin/page.h"
#include "plugin/registry.h"
#include "split/split.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct thing {
    const char *name, *summary;
};

/* Everything of the four kinds, as names and summaries. */
struct things {
    struct rh_arena arena;
    struct rh_registry registry;
    struct rh_data_env env;
    struct thing *thing; /* [n] sorted within a kind */
    int32_t n;
};
enum { MOST_THINGS = 1024 };

static void add_thing(struct things *t, const char *name, const char *summary)
{
    if (t->n < MOST_THINGS && name && summary)
        t->thing[t->n++] = (struct thing){ name, summary };
}

static int is_description(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 4 && e->d_name[0] != '.' && !strcmp(e->d_name + n - 4, ".ini");
}

static bool has(const struct things *t, const char *name)
{
    for (int32_t i = 0; i < t->n; i++)
        if (!strcmp(t->thing[i].name, name))
            return true;
    return false;
}

static void add_datasets(struct things *t)
{
    for (const char *const *folder = t->env.descriptions; folder && *folder; folder++) {
        struct dirent **entry = NULL;
        int n = scandir(*folder, &entry, is_description, alphasort);
        for (int i = 0; i < n; i++) {
            char *name = rh_arena_strndup(&t->arena, entry[i]->d_name, strlen(entry[i]->d_name) - 4);
            struct rh_dataset *d = NULL;
            struct rh_error why = { 0 };
            if (name && !has(t, name)) {
                if (rh_dataset_open(&t->arena, &t->env, name, NULL, 0, &d, &why) >= 0)
                    add_thing(t, name, rh_dataset_summary(d));
                else
                    add_thing(t, name, rh_arena_printf(&t->arena, "(%s)", why.text));
            }
            free(entry[i]);
        }
        if (n >= 0)
            free(entry);
    }
}

/* The summary, and the variants that there is a choice of. */
static const char *metric_line(struct rh_arena *a, const struct rh_metric *m)
{
    const char *line = m->summary;
    for (const struct rh_metric_variant *v = m->variant; line && v && v->key; v++)
        if (!v->choice || v->choice[1].word)
            line = rh_arena_printf(a, "%s /%s=", line, v->key);
    return line;
}

static int collect(const struct rh_cmd *c, const char *kind, struct things *t, struct rh_error *err)
{
    if (!t->thing)
        t->thing = rh_alloc(&t->arena, MOST_THINGS, sizeof *t->thing);
    t->env.descriptions = rh_description_folders(&t->arena, NULL, NULL, c->installed);
    if (!t->thing || !t->env.descriptions)
        return rh_fail_memory(err, "a list", MOST_THINGS * sizeof *t->thing);
    if (!strcmp(kind, "algorithms")) {
        const char *path = getenv("RH_PLUGIN_PATH");
        RH_TRY(rh_registry_init(&t->registry, &t->arena, err));
        if (path)
            RH_TRY(rh_registry_load_list(&t->registry, path, err));
        for (int32_t i = 0; i < t->registry.n; i++)
            add_thing(t, t->registry.plugin[i].algorithm->name, t->registry.plugin[i].algorithm->summary);
    } else if (!strcmp(kind, "metrics")) {
        for (const struct rh_metric *const *m = rh_metrics(); *m; m++)
            add_thing(t, (*m)->name, metric_line(&t->arena, *m));
    } else if (!strcmp(kind, "splits")) {
        for (const struct rh_split *const *s = rh_splits(); *s; s++)
            add_thing(t, (*s)->name, (*s)->summary);
    } else if (!strcmp(kind, "datasets")) {
        add_datasets(t);
    } else {
        static const char *const kinds[] = { "algorithms", "datasets", "metrics", "splits" };
        const char *nearest = rh_nearest(kind, kinds, 4);
        return rh_fail(err, RH_EINVAL, "there is no list of '%s'; %s%s%s", kind,
                       nearest ? "did you mean '" : "there are: algorithms, datasets, metrics, splits",
                       nearest ? nearest : "", nearest ? "'?" : "");
    }
    return RH_OK;
}

int rh_cmd_list(const struct rh_cmd *c, int argc, char **argv)
{
    bool names = false;
    const struct rh_option option[] = {
        { "names", NULL, "names only, one a line", .flag = &names },
        RH_OPTIONS_END,
    };
    char **kind;
    int n, status;
    if (!rh_options(argc, argv, "list algorithms|datasets|metrics|splits [OPTION]...",
                    "Lists what there is, one line each.", option, &kind, &n, &status))
        return status;
    if (n != 1)
        return rh_usage_error("list takes one of: algorithms, datasets, metrics, splits");
    struct things t = { 0 };
    struct rh_error err = { 0 };
    struct rh_text text = { 0 };
    if (collect(c, kind[0], &t, &err) < 0) {
        status = rh_complain(&err);
    } else {
        int width = 0;
        for (int32_t i = 0; i < t.n; i++)
            width = (int)strlen(t.thing[i].name) > width ? (int)strlen(t.thing[i].name) : width;
        for (int32_t i = 0; i < t.n; i++)
            if (names)
                rh_text_printf(&text, "%s\n", t.thing[i].name);
            else
                rh_text_printf(&text, "%-*s  %s\n", width, t.thing[i].name, t.thing[i].summary);
        status = rh_print(text.s);
    }
    rh_text_release(&text);
    rh_arena_release(&t.arena);
    return status;
}

/* ----------------------------------------------------------------------------------------------- describe */

/* A parameter with `def` as its default; the default of a text is its own. */
static void describe_param(const struct rh_param *p, double def, struct rh_text *out)
{
    struct rh_text allowed = { 0 }, shown = { 0 };
    union {
        int64_t i;
        double d;
        bool b;
        int e;
        const char *s;
    } value;
    struct rh_param one[2] = { *p, RH_PARAMS_END };
    one[0].offset = 0;
    one[0].def = def;
    rh_params_defaults(one, &value);
    rh_param_allowed(p, &allowed);
    rh_param_text(one, &value, &shown);
    rh_text_printf(out, "  %s = %s    (%s)\n      %s\n", p->name, shown.s && *shown.s ? shown.s : "\"\"",
                   allowed.s ? allowed.s : "", p->help);
    for (const struct rh_choice *w = p->type == RH_P_ENUM ? p->choices : NULL; w && w->word; w++)
        rh_text_printf(out, "        %-14s %s\n", w->word, w->help ? w->help : "");
    rh_text_release(&allowed);
    rh_text_release(&shown);
}

static void describe_params(const struct rh_param *table, struct rh_text *out)
{
    if (!rh_param_count(table))
        return;
    rh_text_add(out, "\nparameters\n");
    for (const struct rh_param *p = table; p->type != RH_P_END; p++)
        describe_param(p, p->def, out);
}

static void describe_algorithm(const struct rh_algorithm *a, struct rh_text *out)
{
    rh_text_printf(out, "algorithm %s, revision %u\n%s\n%s\n", a->name, a->revision, a->summary, a->reference);
    if (a->cost)
        rh_text_printf(out, "cost: %s\n", a->cost);
    if (a->advice)
        rh_text_printf(out, "advice: %s\n", a->advice);
    rh_text_add(out, a->flags ? "\n" : "");
    rh_algorithm_flags_text(a, out);
    rh_text_add(out, "\n");
    describe_params(a->params, out);
    if (a->epoch) {
        describe_param(&rh_training_params[0], a->epochs, out);
        for (const struct rh_param *p = &rh_training_params[1]; p->type != RH_P_END; p++)
            if (strcmp(p->name, "init_from") || a->flags & RH_A_RESUMES)
                describe_param(p, p->def, out);
    }
}

static void describe_variant(const struct rh_metric_variant *v, struct rh_text *out)
{
    rh_text_printf(out, "  /%s=%s\n", v->key, v->choice ? v->choice[0].word : "NAME    (a block of item features)");
    for (const struct rh_choice *c = v->choice; c && c->word; c++)
        rh_text_printf(out, "        %-14s %s\n", c->word, c->help);
}

static void describe_metric(const struct rh_metric *m, struct rh_text *out)
{
    rh_text_printf(out, "metric %s\n%s\n%s\n\nformula     %s\n", m->name, m->summary, m->reference, m->formula);
    rh_text_printf(out, "range       %g to %g, %s is better%s\n", m->min, m->max,
                   m->flags & RH_M_LOWER_IS_BETTER ? "lower" : "higher",
                   m->flags & RH_M_RUN ? "; one value a run, none a user" : "");
    for (const struct rh_metric_alias *a = rh_metric_aliases(); a->name; a++)
        if (!strcmp(a->stands_for, m->name))
            rh_text_printf(out, "also        %s%s%s (%s)\n", a->name, *a->variants ? " = /" : "", a->variants, a->of);
    if (m->variant)
        rh_text_printf(out, "\nvariants, such as %s%s; the first word is the default\n", m->name,
                       m->flags & RH_M_AT_K ? "@10/..." : "/...");
    for (const struct rh_metric_variant *v = m->variant; v && v->key; v++)
        describe_variant(v, out);
}

static void describe_split(const struct rh_split *s, struct rh_text *out)
{
    rh_text_printf(out, "split %s, revision %u\n%s\n%s\n%s%s%s", s->name, s->revision, s->summary, s->reference,
                   s->needs_time ? "\nneeds timestamps" : "",
                   s->needs_given ? "\nneeds a dataset with train and test files" : "",
                   s->needs_sources ? "\nneeds source domains" : "");
    describe_params(s->params, out);
}

static bool describe_dataset(struct things *t, const char *name, struct rh_text *out)
{
    if (!strcmp(name, "dataset")) {
        rh_text_add(out, "the options of every dataset that is made of files\n");
        describe_params(rh_data_params, out);
        return true;
    }
    struct rh_dataset *d = NULL;
    struct rh_error why = { 0 };
    if (rh_dataset_open(&t->arena, &t->env, name, NULL, 0, &d, &why) < 0)
        return false;
    rh_text_printf(out, "dataset %s\n%s\n\ndomains ", name, rh_dataset_summary(d));
    for (int32_t i = 0; i < rh_dataset_domain_count(d); i++)
        rh_text_printf(out, "%s%s", i ? ", " : "", rh_dataset_domain(d, i));
    rh_text_printf(out, "\nharness data info %s tells of its files\n", name);
    return true;
}

/* A metric by its name, an alias, or an id such as ndcg@10/gain=exp. */
static const struct rh_metric *metric_called(const char *name)
{
    char bare[64];
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(name, "@/"), name);
    for (const struct rh_metric_alias *a = rh_metric_aliases(); a->name; a++)
        if (!strcmp(a->name, bare))
            return rh_metric_find(a->stands_for);
    return rh_metric_find(bare);
}

/* False: nothing is called so. */
static bool describe(struct things *t, const char *name, struct rh_text *out)
{
    const struct rh_algorithm *a = rh_registry_find(&t->registry, name);
    const struct rh_metric *m = metric_called(name);
    const struct rh_split *s = rh_split_find(name);
    if (a)
        describe_algorithm(a, out);
    if (m)
        describe_metric(m, out);
    if (s)
        describe_split(s, out);
    return a || m || s || describe_dataset(t, name, out);
}

/* The other kinds are collected for the hint alone. */
static int no_such_thing(const struct rh_cmd *c, const char *name, const char *const *kinds, struct things *t,
                         struct rh_error *err)
{
    const char *names[MOST_THINGS];
    for (; *kinds; kinds++)
        RH_TRY(collect(c, *kinds, t, err));
    for (int32_t i = 0; i < t->n; i++)
        names[i] = t->thing[i].name;
    const char *nearest = rh_nearest(name, names, (size_t)t->n);
    return rh_fail(err, RH_EINVAL, "there is no algorithm, metric, split or dataset '%s'%s", name,
                   nearest ? rh_did_you_mean(nearest, (char[RH_HINT]){ 0 }) : "; see harness list");
}

int rh_cmd_describe(const struct rh_cmd *c, int argc, char **argv)
{
    static const char *const kinds[] = { "algorithms", "metrics", "splits", "datasets", NULL };
    const struct rh_option option[] = { RH_OPTIONS_END };
    char **name;
    int n, status;
    if (!rh_options(argc, argv, "describe NAME", "Describes an algorithm, a metric, a split or a dataset.", option,
                    &name, &n, &status))
        return status;
    if (n != 1)
        return rh_usage_error("describe takes one name, such as itemknn; see harness list algorithms");
    struct things t = { 0 };
    struct rh_error err = { 0 };
    struct rh_text text = { 0 };
    if (collect(c, kinds[0], &t, &err) >= 0 && !describe(&t, name[0], &text))
        no_such_thing(c, name[0], kinds + 1, &t, &err);
    status = err.status < 0 ? rh_complain(&err) : rh_print(text.s);
    rh_text_release(&text);
    rh_arena_release(&t.arena);
    return status;
}
