#include "config/expand.h"

#include "base/file.h"
#include "base/param.h"
#include "config/sweep.h"
#include "data/input.h"
#include "plugin/instance.h"

#include <stdio.h>
#include <string.h>

/* A growing array in the arena: returns the place of the next element, or NULL. */
static void *push(struct rh_arena *a, void **array, int32_t n, size_t elem)
{
    if ((n & (n - 1)) == 0) { /* full at powers of two */
        char *bigger = rh_alloc(a, (size_t)(n ? 2 * n : 1), elem);
        if (!bigger)
            return NULL;
        if (n)
            memcpy(bigger, *array, (size_t)n * elem);
        *array = bigger;
    }
    return (char *)*array + (size_t)n * elem;
}

static int out_of_memory(struct rh_planning *p)
{
    return rh_fail_memory(p->err, "the plan", p->a->used);
}

struct settings {
    struct rh_key_value *kv;
    int32_t n;
};

static int add_setting(struct rh_planning *p, struct settings *s, const char *key, const char *value, bool swept)
{
    struct rh_key_value *kv = push(p->a, (void **)&s->kv, s->n, sizeof *kv);
    if (!kv || !key || !value)
        return out_of_memory(p);
    *kv = (struct rh_key_value){ key, value, swept };
    s->n++;
    return RH_OK;
}

/* Appends every parameter of a table with its effective value; `swept` marks the keys that the sweep turns. */
static int add_params(struct rh_planning *p, struct settings *s, const char *prefix, const struct rh_param *table,
                      const void *values, const struct rh_sweep *sweep, int32_t owner)
{
    for (const struct rh_param *q = table; q && q->type != RH_P_END; q++) {
        struct rh_text t = { 0 };
        rh_param_text(q, values, &t);
        bool swept = false;
        for (int32_t i = 0; i < sweep->n; i++)
            swept |= sweep->owner[i] == owner && rh_sweep_swept(sweep, i) &&
                     !strcmp(sweep->axis[i]->entry->key, q->name);
        int status = t.failed ? out_of_memory(p)
                              : add_setting(p, s, rh_arena_printf(p->a, "%s%s", prefix, q->name),
                                            rh_arena_strdup(p->a, t.s ? t.s : ""), swept);
        rh_text_release(&t);
        RH_TRY(status);
    }
    return RH_OK;
}

/* ----------------------------------------------------------------------------------------------- problems */

#define OWNER_SPLIT (-1)

/* A dataset section that a problem refers to, once. */
struct used_dataset {
    const char *section, *description;
    const struct rh_ini_entry *use; /* where to complain, may be NULL */
    const struct rh_dataset *open;  /* for the combination at hand */
};

struct reference {
    int32_t dataset;    /* index into used */
    const char *domain; /* NULL: the only one */
};

struct problem_section {
    const char *section, *name;
    const struct rh_ini_entry *target, *sources, *split_entry;
    const struct rh_split *split;
    struct used_dataset *used; /* [n_used] */
    int32_t n_used;
    struct reference *reference; /* [n_references] target first */
    int32_t n_references;
    struct rh_sweep sweep;
};

static int no_such_dataset(struct rh_planning *p, const struct rh_ini_entry *e, const char *name,
                           struct rh_error *why)
{
    char place[300];
    const char *names[128];
    size_t n = 0;
    for (size_t i = 0; i < p->ini->n && n < 128; i++)
        if (!p->ini->entry[i].key && !strncmp(p->ini->entry[i].section, "dataset.", 8))
            names[n++] = p->ini->entry[i].section + 8;
    const char *nearest = rh_nearest(name, names, n);
    if (nearest && strcmp(nearest, name))
        return rh_fail(p->err, RH_EINVAL, "%s: [%s] %s = %s: there is no [dataset.%s] here; did you mean '%s'?",
                       rh_entry_place(e, place, sizeof place), e->section, e->key, e->value, name, nearest);
    return rh_fail(p->err, why->status, "%s: [%s] %s = %s: %s", rh_entry_place(e, place, sizeof place), e->section,
                   e->key, e->value, why->text);
}

/* "section" or "section/domain". */
static int refer(struct rh_planning *p, struct problem_section *s, const char *text)
{
    const char *slash = strchr(text, '/');
    char *section = rh_arena_strndup(p->a, text, slash ? (size_t)(slash - text) : strlen(text));
    if (!section)
        return out_of_memory(p);
    int32_t d = 0;
    while (d < s->n_used && strcmp(s->used[d].section, section))
        d++;
    if (d == s->n_used) {
        struct used_dataset *u = push(p->a, (void **)&s->used, s->n_used, sizeof *u);
        const char *header = rh_arena_printf(p->a, "dataset.%s", section);
        if (!u || !header)
            return out_of_memory(p);
        const struct rh_ini_entry *use = rh_ini_find(p->ini, header, "use");
        *u = (struct used_dataset){ .section = section, .description = use ? use->value : section, .use = use };
        s->n_used++;
        static const char *const skip[] = { "use", NULL };
        struct rh_axis *axis;
        int32_t n;
        RH_TRY(rh_section_axes(p->a, p->ini, header, skip, &axis, &n, p->err));
        RH_TRY(rh_sweep_add(&s->sweep, p->a, axis, n, d, p->err));
    }
    struct reference *r = push(p->a, (void **)&s->reference, s->n_references, sizeof *r);
    if (!r)
        return out_of_memory(p);
    *r = (struct reference){ d, slash ? slash + 1 : NULL };
    s->n_references++;
    return RH_OK;
}

static int open_datasets(struct rh_planning *p, struct problem_section *s)
{
    for (int32_t d = 0; d < s->n_used; d++) {
        struct rh_ini_entry *setting = rh_alloc(p->a, (size_t)s->sweep.n, sizeof *setting);
        size_t n = 0;
        if (!setting)
            return out_of_memory(p);
        for (int32_t i = 0; i < s->sweep.n; i++)
            if (s->sweep.owner[i] == d) {
                setting[n] = *s->sweep.axis[i]->entry;
                setting[n++].value = rh_sweep_value(&s->sweep, i);
            }
        struct rh_error why = { 0 };
        struct rh_dataset *open = NULL;
        if (rh_dataset_open(p->a, p->env, s->used[d].description, setting, n, &open, &why) < 0) {
            if (n || s->used[d].use || s->n_references == 0) {
                char place[300];
                const struct rh_ini_entry *use = s->used[d].use;
                return use && strncmp(why.text, use->file, strlen(use->file))
                           ? rh_fail(p->err, why.status, "%s: [%s] use = %s: %s",
                                     rh_entry_place(use, place, sizeof place), use->section, use->value, why.text)
                           : rh_fail(p->err, why.status, "%s", why.text);
            }
            return no_such_dataset(p, d == s->reference[0].dataset ? s->target : s->sources, s->used[d].section,
                                   &why);
        }
        s->used[d].open = open;
    }
    return RH_OK;
}

static int resolve(struct rh_planning *p, const struct problem_section *s, int32_t reference,
                   struct rh_plan_domain *out)
{
    char place[300];
    const struct reference *r = &s->reference[reference];
    const struct used_dataset *u = &s->used[r->dataset];
    const struct rh_ini_entry *e = reference == 0 ? s->target : s->sources;
    int32_t n = rh_dataset_domain_count(u->open);
    *out = (struct rh_plan_domain){ .dataset = u->open, .section = u->section };
    if (!r->domain && n == 1) {
        out->domain = rh_dataset_domain(u->open, 0);
        return RH_OK;
    }
    struct rh_text names = { 0 };
    for (int32_t i = 0; i < n; i++) {
        const char *domain = rh_dataset_domain(u->open, i);
        if (r->domain && !strcmp(domain, r->domain)) {
            out->domain = domain;
            rh_text_release(&names);
            return RH_OK;
        }
        rh_text_printf(&names, "%s%s/%s", i ? ", " : "", u->section, domain);
    }
    rh_fail(p->err, RH_EINVAL, "%s: [%s] %s = %s: name one domain of dataset '%s': %s",
            rh_entry_place(e, place, sizeof place), e->section, e->key, e->value, u->section,
            names.s ? names.s : "it has none");
    rh_text_release(&names);
    return RH_EINVAL;
}

/* The settings that tell this problem from others, for the store. */
static int problem_settings(struct rh_planning *p, const struct problem_section *s, const void *params,
                            const struct rh_asking *asking, uint64_t seed, int32_t fold, struct settings *out)
{
    for (int32_t d = 0; d < s->n_used; d++) {
        RH_TRY(add_setting(p, out, rh_arena_printf(p->a, "%s.dataset", s->used[d].section),
                           rh_dataset_name(s->used[d].open), false));
        RH_TRY(add_setting(p, out, rh_arena_printf(p->a, "%s.summary", s->used[d].section),
                           rh_dataset_summary(s->used[d].open), false));
        if (rh_dataset_generated(s->used[d].open))
            RH_TRY(
                add_setting(p, out, rh_arena_printf(p->a, "%s.generator", s->used[d].section), "synthetic", false));
        for (int32_t i = 0; i < s->sweep.n; i++)
            if (s->sweep.owner[i] == d)
                RH_TRY(add_setting(p, out,
                                   rh_arena_printf(p->a, "%s.%s", s->used[d].section, s->sweep.axis[i]->entry->key),
                                   rh_sweep_value(&s->sweep, i), rh_sweep_swept(&s->sweep, i)));
    }
    RH_TRY(add_params(p, out, "split.", s->split->params, params, &s->sweep, OWNER_SPLIT));
    RH_TRY(add_params(p, out, "problem.", rh_asking_params, asking, &s->sweep, OWNER_SPLIT));
    RH_TRY(add_setting(p, out, "problem.seed", rh_arena_printf(p->a, "%llu", (unsigned long long)seed), false));
    return add_setting(p, out, "problem.fold", rh_arena_printf(p->a, "%d", fold), false);
}

/* The place of a file that a problem names: beside the experiment, or in the data folder. */
static int find_place(struct rh_planning *p, const struct problem_section *s, const char *key, const char **file)
{
    char place[300];
    const char *slash = strrchr(p->plan->file, '/');
    const char *beside = slash ? rh_arena_strndup(p->a, p->plan->file, (size_t)(slash - p->plan->file)) : ".";
    const char *folder[] = { beside, p->env->data };
    if (!**file)
        return RH_OK;
    for (size_t i = 0; i < 2; i++) {
        const char *there = folder[i] ? rh_path_join(p->a, folder[i], *file) : NULL;
        const char *path = there ? rh_arena_strndup(p->a, there, rh_place_file(there)) : NULL;
        if (path && rh_file_exists(path)) {
            *file = there;
            return RH_OK;
        }
    }
    const struct rh_ini_entry *e = rh_ini_find(p->ini, s->section, key);
    return rh_fail(p->err, RH_EINVAL, "%s: [%s] %s = %s: there is no such file in %s or in the data folder %s",
                   rh_entry_place(e ? e : s->target, place, sizeof place), s->section, key, *file, beside,
                   p->env->data ? p->env->data : "(none)");
}

static int find_places(struct rh_planning *p, const struct problem_section *s, struct rh_asking *q)
{
    if (strcmp(q->item_bridge, RH_BRIDGE_IDS) != 0)
        RH_TRY(find_place(p, s, "item_bridge", &q->item_bridge));
    return find_place(p, s, "candidates_file", &q->candidates_file);
}

static int add_problem(struct rh_planning *p, struct problem_section *s)
{
    char place[300];
    rh_entry_place(s->split_entry, place, sizeof place);
    RH_TRY(open_datasets(p, s));
    struct rh_plan_domain *domain = rh_alloc(p->a, (size_t)s->n_references, sizeof *domain);
    void *params = rh_alloc(p->a, 1, s->split->params_size);
    struct rh_asking *asking = rh_alloc(p->a, 1, sizeof *asking), named;
    const char *label = rh_sweep_label(&s->sweep, p->a, s->name);
    if (!domain || !params || !asking || !label)
        return out_of_memory(p);
    for (int32_t r = 0; r < s->n_references; r++) {
        RH_TRY(resolve(p, s, r, &domain[r]));
        for (int32_t q = 0; q < r; q++)
            if (domain[q].dataset == domain[r].dataset && !strcmp(domain[q].domain, domain[r].domain))
                return rh_fail(p->err, RH_EINVAL,
                               "%s: [%s] names the domain %s/%s twice; target and sources must differ",
                               rh_entry_place(s->sources ? s->sources : s->target, place, sizeof place), s->section,
                               domain[r].section, domain[r].domain);
    }
    rh_params_defaults(s->split->params, params);
    rh_params_defaults(rh_asking_params, asking);
    struct rh_table_of table[] = { { s->split->params, params }, { rh_asking_params, asking } };
    static const char *const also[] = { "target", "sources", "split", NULL };
    for (int32_t i = 0; i < s->sweep.n; i++)
        if (s->sweep.owner[i] == OWNER_SPLIT)
            RH_TRY(
                rh_section_set(s->sweep.axis[i]->entry, rh_sweep_value(&s->sweep, i), table, 2, also, p->a, p->err));
    struct rh_error why = { 0 };
    if ((s->split->check && s->split->check(params, &why) < 0) ||
        rh_asking_check(asking, s->n_references - 1, &why) < 0)
        return rh_fail(p->err, why.status, "%s: [%s] %s", place, s->section, why.text);
    named = *asking; /* the settings say what the user wrote, not where it was found */
    RH_TRY(find_places(p, s, asking));
    if (s->split->needs_sources && s->n_references < 2)
        return rh_fail(p->err, RH_EINVAL, "%s: [%s] split %s needs source domains; add 'sources = ...'", place,
                       s->section, s->split->name);
    int32_t folds = s->split->folds ? s->split->folds(params) : 1;
    for (int64_t repeat = 0; repeat < p->plan->repeats; repeat++)
        for (int32_t fold = 0; fold < folds; fold++) {
            struct rh_plan_problem *q = push(p->a, (void **)&p->plan->problem, p->plan->n_problems, sizeof *q);
            struct settings settings = { 0 };
            uint64_t seed = p->plan->seed + (uint64_t)repeat;
            RH_TRY(problem_settings(p, s, params, &named, seed, fold, &settings));
            if (!q)
                return out_of_memory(p);
            *q = (struct rh_plan_problem){
                .name = s->name,
                .label = label,
                .target = domain[0],
                .source = domain + 1,
                .n_sources = s->n_references - 1,
                .split = s->split,
                .params = params,
                .asking = asking,
                .seed = seed,
                .fold = fold,
                .n_folds = folds,
                .setting = settings.kv,
                .n_settings = settings.n,
            };
            p->plan->n_problems++;
        }
    return RH_OK;
}

static int unknown_split(struct rh_planning *p, const struct rh_ini_entry *e)
{
    char place[300];
    const char *names[64];
    size_t n = 0;
    struct rh_text known = { 0 };
    for (const struct rh_split *const *s = rh_splits(); *s && n < 64; s++) {
        names[n++] = (*s)->name;
        rh_text_printf(&known, "%s%s", n > 1 ? ", " : "", (*s)->name);
    }
    const char *nearest = rh_nearest(e->value, names, n);
    rh_entry_place(e, place, sizeof place);
    if (nearest)
        rh_fail(p->err, RH_EINVAL, "%s: [%s] there is no split '%s'; did you mean '%s'?", place, e->section, e->value,
                nearest);
    else
        rh_fail(p->err, RH_EINVAL, "%s: [%s] there is no split '%s'; there are: %s", place, e->section, e->value,
                known.s ? known.s : "none");
    rh_text_release(&known);
    return RH_EINVAL;
}

static int read_problem(struct rh_planning *p, const struct rh_ini_entry *header)
{
    char place[300];
    const char *section = header->section;
    struct problem_section s = {
        .section = section,
        .name = section[7] ? section + 8 : "problem", /* behind "problem." */
        .target = rh_ini_find(p->ini, section, "target"),
        .sources = rh_ini_find(p->ini, section, "sources"),
        .split_entry = rh_ini_find(p->ini, section, "split"),
    };
    if (!s.target || !*s.target->value || !s.split_entry)
        return rh_fail(p->err, RH_EINVAL, "%s: [%s] needs the key '%s'", rh_entry_place(header, place, sizeof place),
                       section, s.target && *s.target->value ? "split" : "target");
    s.split = rh_split_find(s.split_entry->value);
    if (!s.split)
        return unknown_split(p, s.split_entry);
    RH_TRY(refer(p, &s, s.target->value));
    int32_t n = 0;
    const char **source = s.sources ? rh_list(p->a, s.sources->value, &n) : NULL;
    if (s.sources && !source)
        return out_of_memory(p);
    for (int32_t i = 0; i < n; i++)
        RH_TRY(refer(p, &s, source[i]));
    static const char *const skip[] = { "target", "sources", "split", NULL };
    struct rh_axis *axis;
    RH_TRY(rh_section_axes(p->a, p->ini, section, skip, &axis, &n, p->err));
    RH_TRY(rh_sweep_add(&s.sweep, p->a, axis, n, OWNER_SPLIT, p->err));
    do
        RH_TRY(add_problem(p, &s));
    while (rh_sweep_next(&s.sweep));
    return RH_OK;
}

int rh_expand_problems(struct rh_planning *p)
{
    for (size_t i = 0; i < p->ini->n; i++) {
        const struct rh_ini_entry *e = &p->ini->entry[i];
        if (!e->key && (!strcmp(e->section, "problem") || !strncmp(e->section, "problem.", 8)))
            RH_TRY(read_problem(p, e));
    }
    if (!p->plan->n_problems)
        return rh_fail(p->err, RH_EINVAL, "%s: no [problem]: say what is asked with target = ... and split = ...",
                       p->plan->file);
    return RH_OK;
}

/* --------------------------------------------------------------------------------------------- algorithms */

/* The loop over epochs belongs to the host, and so do its keys. */
const struct rh_param rh_training_params[] = {
    RH_INT(struct rh_training, epochs, 10, 0, 100000, "passes over the training data at most"),
    RH_INT(struct rh_training, patience, 0, 0, 100000,
           "stop when the validation metric has not risen for so many validations, and go back to the best epoch; 0: "
           "all epochs, the last one counts"),
    RH_INT(struct rh_training, validate_every, 1, 1, 100000, "epochs between validations"),
    RH_STR(struct rh_training, init_from, "", "a saved model that the epochs go on from: its file, or its run"),
    RH_PARAMS_END,
};

static int add_algorithm(struct rh_planning *p, const char *section, const struct rh_algorithm *alg,
                         const struct rh_sweep *sweep, const char *const *only, int32_t n_only)
{
    struct rh_training training = { 0 };
    rh_params_defaults(rh_training_params, &training);
    training.epochs = alg->epoch ? alg->epochs : 0;
    void *params = rh_alloc(p->a, 1, alg->params_size);
    struct rh_plan_algorithm *q = push(p->a, (void **)&p->plan->algorithm, p->plan->n_algorithms, sizeof *q);
    const char *label = rh_sweep_label(sweep, p->a, section + 10); /* behind "algorithm." */
    if (!params || !q || !label)
        return out_of_memory(p);
    rh_params_defaults(alg->params, params);
    struct rh_table_of table[] = { { alg->params, params }, { rh_training_params, &training } };
    static const char *const also[] = { "use", "problems", "twin", NULL };
    const char *init = NULL, *init_hash = NULL;
    for (int32_t i = 0; i < sweep->n; i++) {
        const struct rh_ini_entry *entry = sweep->axis[i]->entry;
        if (!strcmp(entry->key, "init_from"))
            RH_TRY(rh_find_init(p, alg, entry, rh_sweep_value(sweep, i), &init, &init_hash));
        RH_TRY(rh_section_set(entry, rh_sweep_value(sweep, i), table, alg->epoch ? 2 : 1, also, p->a, p->err));
    }
    struct rh_error why = { 0 };
    if (rh_algorithm_check(alg, params, &why) < 0) {
        char place[300];
        const struct rh_ini_entry *header = rh_ini_find(p->ini, section, NULL);
        return rh_fail(p->err, why.status, "%s: [%s] %s", rh_entry_place(header, place, sizeof place), section,
                       why.text);
    }
    const struct rh_ini_entry *twin = rh_ini_find(p->ini, section, "twin");
    struct settings settings = { 0 };
    RH_TRY(add_params(p, &settings, "", alg->params, params, sweep, 0));
    if (alg->epoch)
        RH_TRY(add_params(p, &settings, "", rh_training_params, &training, sweep, 0));
    if (alg->epoch && !init)
        settings.n--; /* init_from, the last: the identities of runs without it are those of before there was one */
    *q = (struct rh_plan_algorithm){
        .algorithm = alg,
        .section = section + 10,
        .label = label,
        .twin = twin ? twin->value : "",
        .params = params,
        .epochs = (int32_t)training.epochs,
        .patience = (int32_t)training.patience,
        .validate_every = (int32_t)training.validate_every,
        .init_from = init,
        .init_hash = init_hash,
        .param = settings.kv,
        .n_params = settings.n,
        .only = only,
        .n_only = n_only,
    };
    p->plan->n_algorithms++;
    return RH_OK;
}

static int read_algorithm(struct rh_planning *p, const struct rh_ini_entry *header)
{
    char place[300];
    const char *section = header->section;
    const struct rh_ini_entry *use = rh_ini_find(p->ini, section, "use");
    const struct rh_ini_entry *problems = rh_ini_find(p->ini, section, "problems");
    const char *name = use ? use->value : section + 10;
    rh_entry_place(use ? use : header, place, sizeof place);
    const struct rh_algorithm *alg = rh_registry_find(p->registry, name);
    if (!alg) {
        const char *nearest = rh_registry_nearest(p->registry, name);
        return rh_fail(p->err, RH_EINVAL, "%s: [%s] there is no algorithm '%s'; %s%s%s", place, section, name,
                       nearest ? "did you mean '" : "see `harness list algorithms`, or name one with 'use = ...'",
                       nearest ? nearest : "", nearest ? "'?" : "");
    }
    int32_t n_only = 0;
    const char **only = problems ? rh_list(p->a, problems->value, &n_only) : NULL;
    if (problems && !only)
        return out_of_memory(p);
    for (int32_t i = 0; i < n_only; i++) {
        bool known = false;
        for (int32_t q = 0; q < p->plan->n_problems; q++)
            known |= !strcmp(p->plan->problem[q].name, only[i]);
        if (!known)
            return rh_fail(p->err, RH_EINVAL, "%s: [%s] problems = %s: there is no [problem.%s]",
                           rh_entry_place(problems, place, sizeof place), section, problems->value, only[i]);
    }
    static const char *const skip[] = { "use", "problems", "twin", NULL };
    struct rh_axis *axis;
    int32_t n;
    RH_TRY(rh_section_axes(p->a, p->ini, section, skip, &axis, &n, p->err));
    struct rh_sweep sweep = { 0 };
    RH_TRY(rh_sweep_add(&sweep, p->a, axis, n, 0, p->err));
    do
        RH_TRY(add_algorithm(p, section, alg, &sweep, only, n_only));
    while (rh_sweep_next(&sweep));
    return RH_OK;
}

int rh_expand_algorithms(struct rh_planning *p)
{
    for (size_t i = 0; i < p->ini->n; i++)
        if (!p->ini->entry[i].key && !strncmp(p->ini->entry[i].section, "algorithm.", 10))
            RH_TRY(read_algorithm(p, &p->ini->entry[i]));
    if (!p->plan->n_algorithms)
        return rh_fail(p->err, RH_EINVAL, "%s: no [algorithm.NAME]; see `harness list algorithms`", p->plan->file);
    return RH_OK;
}

/* --------------------------------------------------------------------------------------------------- runs */

static bool is_for(const struct rh_plan_algorithm *alg, const struct rh_plan_problem *problem)
{
    bool wanted = alg->n_only == 0;
    for (int32_t i = 0; i < alg->n_only; i++)
        wanted |= !strcmp(alg->only[i], problem->name);
    return wanted;
}

int rh_expand_runs(struct rh_planning *p)
{
    struct rh_plan *plan = p->plan;
    for (int32_t q = 0; q < plan->n_problems; q++)
        for (int32_t g = 0; g < plan->n_algorithms; g++) {
            const struct rh_plan_problem *problem = &plan->problem[q];
            const struct rh_plan_algorithm *alg = &plan->algorithm[g];
            if (!is_for(alg, problem))
                continue;
            if (alg->algorithm->flags & RH_A_NEEDS_SOURCES && !problem->n_sources) {
                char place[300];
                const char *section = rh_arena_printf(p->a, "algorithm.%s", alg->section);
                const struct rh_ini_entry *header = section ? rh_ini_find(p->ini, section, NULL) : NULL;
                return rh_fail(
                    p->err, RH_EINVAL,
                    "%s: [algorithm.%s] needs source domains, and problem '%s' has none; give it 'sources = "
                    "...', or name the problems it is for with 'problems = ...'",
                    header ? rh_entry_place(header, place, sizeof place) : plan->file, alg->section, problem->name);
            }
            int64_t fits = alg->algorithm->flags & RH_A_RANDOM ? plan->init_repeats : 1;
            for (int32_t init = 0; init < fits; init++) {
                struct rh_plan_run *run = push(p->a, (void **)&plan->run, plan->n_runs, sizeof *run);
                if (!run)
                    return out_of_memory(p);
                *run = (struct rh_plan_run){ q, g, init };
                plan->n_runs++;
            }
        }
    return RH_OK;
}
