#include "run/recall.h"

#include "store/sql.h"

#include <string.h>

/* The settings that --set gave stand at the end of the stored text, as comments. Cuts them off and lists them. */
static int take_settings(struct rh_arena *a, char *text, const char ***set, int32_t *n, struct rh_error *err)
{
    static const char mark[] = "; --set ";
    size_t length = strlen(text);
    int32_t most = 0;
    for (const char *p = text; (p = strstr(p, mark)); p++)
        most++;
    *set = rh_alloc(a, (size_t)most + 1, sizeof **set);
    *n = 0;
    if (!*set)
        return rh_fail_memory(err, "the settings of an experiment", (size_t)most * sizeof **set);
    while (length) {
        size_t end = length, begin;
        if (text[end - 1] == '\n')
            end--;
        for (begin = end; begin && text[begin - 1] != '\n'; begin--)
            ;
        if (end - begin < strlen(mark) || strncmp(text + begin, mark, strlen(mark)))
            break;
        (*set)[*n] = rh_arena_strndup(a, text + begin + strlen(mark), end - begin - strlen(mark));
        if (!(*set)[(*n)++])
            return rh_fail_memory(err, "the settings of an experiment", end - begin);
        length = begin;
        text[length] = '\0';
    }
    for (int32_t i = 0; i < *n / 2; i++) { /* the first first */
        const char *swap = (*set)[i];
        (*set)[i] = (*set)[*n - 1 - i];
        (*set)[*n - 1 - i] = swap;
    }
    return RH_OK;
}

static int no_experiment(struct rh_store *s, const char *name, struct rh_error *err)
{
    struct rh_sql q;
    struct rh_arena a = { 0 };
    const char *names[128];
    char hint[RH_HINT];
    size_t n = 0;
    RH_TRY(rh_sql_open(&q, s, err, "SELECT name FROM experiment ORDER BY name", ""));
    while (n < 128 && rh_sql_step(&q, err) == RH_OK)
        names[n++] = rh_sql_text(&q, 0, &a);
    rh_sql_close(&q);
    rh_fail(err, RH_EINVAL, "store '%s' has no experiment '%s'%s", rh_store_path(s), name,
            rh_did_you_mean(rh_nearest(name, names, n), hint));
    rh_arena_release(&a);
    return RH_EINVAL;
}

int rh_recall_experiment(struct rh_store *s, const char *name, int64_t *out, struct rh_error *err)
{
    RH_TRY(rh_sql_number(s, out, 0, err, "SELECT id FROM experiment WHERE name = ?", "t", name));
    return *out ? RH_OK : no_experiment(s, name, err);
}

static int read_text(struct rh_arena *a, struct rh_store *s, int64_t experiment, char **ini, struct rh_error *err)
{
    struct rh_sql q;
    RH_TRY(rh_sql_open(&q, s, err, "SELECT ini FROM experiment WHERE id = ?", "i", experiment));
    int status = rh_sql_step(&q, err);
    *ini = status == RH_OK ? (char *)rh_sql_text(&q, 0, a) : NULL; /* ours: a copy in the arena */
    rh_sql_close(&q);
    if (status >= 0 && !*ini)
        status = rh_fail_memory(err, "the text of an experiment", 0);
    return status < 0 ? status : RH_OK;
}

static int read_problem(struct rh_arena *a, struct rh_recalled *r, struct rh_recalled_problem *p, struct rh_error *err)
{
    struct rh_sql q;
    char identity[RH_HASH_HEX];
    RH_TRY(rh_plan_problem_identity(r->plan, p->number, r->loader.env, identity, err));
    RH_TRY(rh_sql_open(&q, r->store, err,
                       "SELECT p.id, p.content FROM problem p JOIN experiment_problem e ON e.problem = p.id "
                       "WHERE e.experiment = ? AND p.identity = ?", "it", r->experiment, identity));
    int status = rh_sql_step(&q, err);
    if (status == RH_OK) {
        p->id = rh_sql_int(&q, 0);
        p->content = sqlite3_column_type(q.stmt, 1) == SQLITE_NULL ? NULL : rh_sql_text(&q, 1, a);
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

static int list_problems(struct rh_arena *a, struct rh_recalled *r, struct rh_error *err)
{
    const struct rh_plan *plan = r->plan;
    r->n_problems = plan->n_problems;
    r->problem = rh_alloc(a, (size_t)plan->n_problems, sizeof *r->problem);
    if (!r->problem)
        return rh_fail_memory(err, "the problems of an experiment", (size_t)plan->n_problems * sizeof *r->problem);
    for (int32_t i = 0; i < plan->n_problems; i++) {
        struct rh_recalled_problem *p = &r->problem[i];
        int32_t before = 0, alike = 0;
        for (int32_t k = 0; k < plan->n_problems; k++)
            if (!strcmp(plan->problem[k].label, plan->problem[i].label)) {
                alike++;
                before += k < i;
            }
        *p = (struct rh_recalled_problem){ .name = plan->problem[i].name, .label = plan->problem[i].label,
                                           .number = i };
        p->tag = alike > 1 ? rh_arena_printf(a, "%s/%d", p->label, before) : p->label;
        if (!p->tag)
            return rh_fail_memory(err, "a name", strlen(p->label));
        RH_TRY(read_problem(a, r, p, err));
    }
    return RH_OK;
}

int rh_recall(struct rh_arena *a, struct rh_store *s, const char *name, const struct rh_plan_input *in,
              struct rh_registry *registry, struct rh_data_env *env, struct rh_recalled *out, struct rh_error *err)
{
    struct rh_plan_input with = *in;
    const char **set;
    char *ini = NULL;
    *out = (struct rh_recalled){ .store = s, .loader = { .env = env } }; /* its warnings were said when it was stored */
    RH_TRY(rh_recall_experiment(s, name, &out->experiment, err));
    RH_TRY(read_text(a, s, out->experiment, &ini, err));
    RH_TRY(take_settings(a, ini, &set, &with.n_set, err));
    with.file = rh_arena_printf(a, "%s (as stored)", name);
    if (!with.file)
        return rh_fail_memory(err, "a name", strlen(name));
    with.text = ini;
    with.set = set;
    RH_TRY(rh_plan_read(a, &with, registry, env, &out->plan, err));
    return list_problems(a, out, err);
}

int rh_recall_find(const struct rh_recalled *r, const char *name, const struct rh_recalled_problem **out,
                   struct rh_error *err)
{
    struct rh_text names = { 0 };
    int32_t found = 0;
    for (int32_t i = 0; i < r->n_problems; i++) {
        const struct rh_recalled_problem *p = &r->problem[i];
        rh_text_printf(&names, "%s%s", i ? ", " : "", p->tag);
        if (!strcmp(p->tag, name) || !strcmp(p->label, name) || !strcmp(p->name, name)) {
            *out = p;
            found++;
        }
    }
    int status = RH_OK;
    if (!name[0])
        status = rh_fail(err, RH_EINVAL, "the experiment has %d problems; name one of %s", r->n_problems, names.s);
    else if (found != 1)
        status = rh_fail(err, RH_EINVAL, found ? "'%s' is more than one problem; name one of %s"
                                               : "there is no problem '%s' in the experiment; there are %s", name,
                         names.s ? names.s : "none");
    rh_text_release(&names);
    return status;
}

int rh_recall_build(struct rh_recalled *r, const struct rh_recalled_problem *p, struct rh_problem **out,
                    struct rh_error *err)
{
    *out = NULL;
    if (!p->id)
        return rh_fail(err, RH_EDATA, "problem '%s' is not in the store as its data and this program make it now; run "
                       "the experiment again", p->tag);
    struct rh_problem *built;
    RH_TRY(rh_loader_build(&r->loader, &r->plan->problem[p->number], &built, err));
    if (!p->content || strcmp(built->content, p->content)) {
        rh_problem_free(built);
        return rh_fail(err, RH_EDATA, "problem '%s' comes out other than it was stored; run the experiment again",
                       p->tag);
    }
    *out = built;
    return RH_OK;
}
