#include "metrics/ties.h"

#include <stdio.h>
#include <string.h>

/* In the order of the documentation. */
static const struct rh_metric *const all[] = {
    &rh_metric_ndcg, &rh_metric_recall, &rh_metric_precision, &rh_metric_hit,  &rh_metric_mrr,
    &rh_metric_map,  &rh_metric_auc,    &rh_metric_rmse,      &rh_metric_mae, NULL,
};
#define N_METRICS (sizeof all / sizeof *all - 1)

const struct rh_metric *const *rh_metrics(void)
{
    return all;
}

static const struct rh_metric *find(const char *name, size_t n)
{
    for (size_t i = 0; i < N_METRICS; i++)
        if (strlen(all[i]->name) == n && !memcmp(all[i]->name, name, n))
            return all[i];
    return NULL;
}

const struct rh_metric *rh_metric_find(const char *name)
{
    return find(name, strlen(name));
}

double rh_metric_finish(const struct rh_metric *m, double num, double weight)
{
    if (weight == 0)
        return NAN;
    double mean = num / weight;
    return m->finish ? m->finish(mean) : mean;
}

static int fail_unknown(const char *name, size_t n, struct rh_error *err)
{
    const char *names[N_METRICS];
    struct rh_text list = { 0 };
    char word[64];
    for (size_t i = 0; i < N_METRICS; i++) {
        names[i] = all[i]->name;
        rh_text_printf(&list, "%s%s", i ? ", " : "", names[i]);
    }
    snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), name);
    const char *near = rh_nearest(word, names, N_METRICS);
    rh_fail(err, RH_EINVAL, "there is no metric '%s'%s%s%s there are %s", word, near ? "; did you mean '" : "",
            near ? near : "", near ? "'?" : ";", list.s ? list.s : "");
    rh_text_release(&list);
    return RH_EINVAL;
}

/* The definition with "@k" made concrete. */
static const char *definition_at(struct rh_arena *a, const struct rh_metric *m, const char *cut)
{
    const char *at = strstr(m->definition, "@k");
    if (!at || !(m->flags & RH_M_AT_K))
        return m->definition;
    return rh_arena_printf(a, "%.*s@%s%s", (int)(at - m->definition), m->definition, cut, at + 2);
}

/* Appends the use unless it is there. `k` 0: no cut-off. */
static int add(struct rh_arena *a, const struct rh_metric *m, int32_t k, struct rh_metric_use *use, int32_t *n,
               struct rh_error *err)
{
    for (int32_t i = 0; i < *n; i++)
        if (use[i].metric == m && use[i].k == k)
            return RH_OK;
    char cut[16] = "all";
    if (k > 0)
        snprintf(cut, sizeof cut, "%d", k);
    bool bare = !(m->flags & RH_M_AT_K) || (k == 0 && m->flags & RH_M_BARE_ALL);
    const char *id = bare ? m->name : rh_arena_printf(a, "%s@%s", m->name, cut);
    const char *definition = definition_at(a, m, cut);
    if (!id || !definition)
        return rh_fail_memory(err, "the list of metrics", strlen(m->definition));
    use[(*n)++] = (struct rh_metric_use){ m, k, id, definition };
    return RH_OK;
}

/* Reads what stands behind the '@'. */
static int parse_cut(const struct rh_metric *m, const char *name, const char *text, int32_t *k, struct rh_error *err)
{
    if (!(m->flags & RH_M_AT_K))
        return rh_fail(err, RH_EINVAL, "metric '%s': %s takes no cut-off; write '%s'", name, m->name, m->name);
    if (m->flags & RH_M_ALL && !strcmp(text, "all")) {
        *k = 0;
        return RH_OK;
    }
    int64_t value;
    if (!rh_parse_int(text, &value) || value < 1 || value > INT32_MAX)
        return rh_fail(err, RH_EINVAL, "metric '%s': the cut-off '%s' is not an integer 1 to %d%s", name, text,
                       INT32_MAX, m->flags & RH_M_ALL ? " or 'all'" : "");
    *k = (int32_t)value;
    return RH_OK;
}

static int expand_name(struct rh_arena *a, const char *name, const int32_t *cutoffs, size_t n_cutoffs,
                       struct rh_metric_use *use, int32_t *n, struct rh_error *err)
{
    const char *at = strchr(name, '@');
    size_t length = at ? (size_t)(at - name) : strlen(name);
    const struct rh_metric *m = find(name, length);
    if (!m)
        return fail_unknown(name, length, err);
    int32_t k = 0;
    if (at) {
        RH_TRY(parse_cut(m, name, at + 1, &k, err));
        return add(a, m, k, use, n, err);
    }
    if (!(m->flags & RH_M_AT_K) || m->flags & RH_M_BARE_ALL)
        return add(a, m, 0, use, n, err);
    if (n_cutoffs == 0)
        return rh_fail(err, RH_EINVAL, "metric '%s' needs a cut-off: write '%s@10', or give cut-offs", name, name);
    for (size_t c = 0; c < n_cutoffs; c++)
        RH_TRY(add(a, m, cutoffs[c], use, n, err));
    return RH_OK;
}

int rh_metrics_expand(struct rh_arena *a, const char *const *names, size_t n_names, const int32_t *cutoffs,
                      size_t n_cutoffs, struct rh_metric_use **out, int32_t *n_out, struct rh_error *err)
{
    for (size_t c = 0; c < n_cutoffs; c++)
        if (cutoffs[c] < 1)
            return rh_fail(err, RH_EINVAL, "cut-off %d is not allowed: expected integer 1 to %d", cutoffs[c],
                           INT32_MAX);
    size_t most;
    if (__builtin_mul_overflow(n_names, n_cutoffs ? n_cutoffs : 1, &most) || most > INT32_MAX)
        return rh_fail(err, RH_EINVAL, "too many metrics: %zu names with %zu cut-offs", n_names, n_cutoffs);
    struct rh_metric_use *use = rh_alloc(a, most, sizeof *use);
    if (!use)
        return rh_fail_memory(err, "the list of metrics", most * sizeof *use);
    int32_t n = 0;
    for (size_t i = 0; i < n_names; i++)
        RH_TRY(expand_name(a, names[i], cutoffs, n_cutoffs, use, &n, err));
    *out = use;
    *n_out = n;
    return RH_OK;
}
