#include "algorithms/lib/profile.h"

#include "algorithms/lib/explain.h"
#include "algorithms/lib/item_features.h"

#include <string.h>

#define LANES 8 /* doubles of a cache line: queries scored together */

/* ------------------------------------------------------------------------------------------------- features */

int rh_profile_blocks(struct rh_ctx *ctx, const char *list, const struct rh_train *train,
                      struct rh_profile_blocks *out)
{
    const struct rh_domain *d = &train->domain[train->target];
    int32_t n_blocks = train->n_item_blocks;
    bool all = !strcmp(list, "all");
    int status = all ? RH_OK : rh_blocks_check(ctx, list, d, n_blocks, true);
    if (status < 0)
        return status;
    *out = (struct rh_profile_blocks){
        .used = ctx->host->scratch(ctx, (size_t)n_blocks, sizeof *out->used),
        .first = ctx->host->scratch(ctx, (size_t)n_blocks + 1, sizeof *out->first),
        .n_blocks = n_blocks,
    };
    if (!out->used || !out->first)
        return RH_ENOMEM;
    int64_t columns = 0;
    for (int32_t f = 0; f < n_blocks; f++) {
        const struct rh_features *x = &d->item_features[f];
        out->used[f] = x->row && (all || rh_block_listed(list, x->name));
        columns += out->used[f] ? x->n_cols : 0;
        if (columns > INT32_MAX)
            return ctx->host->fail(ctx, RH_EDATA, "more than %d feature columns in all blocks", INT32_MAX);
        out->first[f + 1] = (int32_t)columns;
    }
    if (columns == 0)
        return ctx->host->fail(ctx, RH_EDATA, "no sparse item features (genres, categories, words) in domain '%s'",
                               d->name);
    out->n_cols = (int32_t)columns;
    return RH_OK;
}

int rh_profile_vectors(struct rh_ctx *ctx, const struct rh_profile_blocks *b, const struct rh_domain *d,
                       struct rh_vectors *out)
{
    int64_t n = 0, to = 0;
    for (int32_t f = 0; f < b->n_blocks; f++)
        if (b->used[f] && d->item_features[f].row)
            n += d->item_features[f].row[d->n_items];
    *out = (struct rh_vectors){ d->n_items, ctx->host->alloc(ctx, (size_t)d->n_items + 1, sizeof *out->row),
                                ctx->host->alloc(ctx, (size_t)n, sizeof *out->col),
                                ctx->host->alloc(ctx, (size_t)n, sizeof *out->val) };
    if (!out->row || !out->col || !out->val)
        return RH_ENOMEM;
    for (int32_t i = 0; i < d->n_items; i++) {
        for (int32_t f = 0; f < b->n_blocks; f++) {
            const struct rh_features *x = &d->item_features[f];
            if (!b->used[f] || !x->row)
                continue;
            for (int64_t k = x->row[i]; k < x->row[i + 1]; k++) {
                out->col[to] = b->first[f] + x->col[k];
                out->val[to++] = x->val ? x->val[k] : 1;
            }
        }
        out->row[i + 1] = to;
    }
    return RH_OK;
}

int rh_profiles_init(struct rh_ctx *ctx, const struct rh_profile_blocks *b, const struct rh_train *train, bool sources,
                     bool weighted, struct rh_profiles *s)
{
    int status = RH_OK;
    s->domain = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *s->domain);
    if (!s->domain)
        return RH_ENOMEM;
    s->n_domains = train->n_domains;
    s->target = train->target;
    s->n_cols = b->n_cols;
    s->weighted = weighted;
    for (int32_t d = 0; d < train->n_domains && status >= 0; d++)
        if (d == train->target || sources)
            status = rh_profile_vectors(ctx, b, &train->domain[d], &s->domain[d]);
    return status;
}

/* ------------------------------------------------------------------------------------------------- scoring */

/* Adds the history of a query to its lane of the profiles. */
static void add_history(const struct rh_profiles *s, const struct rh_query *query, double *lane)
{
    for (int32_t d = 0; d < s->n_domains; d++) {
        const struct rh_vectors *v = &s->domain[d];
        const struct rh_history *h = &query->history[d];
        for (int32_t m = 0; v->row && m < h->n; m++) {
            double weight = s->weighted && h->value ? h->value[m] : 1;
            for (int64_t k = v->row[h->item[m]]; k < v->row[h->item[m] + 1]; k++)
                lane[(int64_t)v->col[k] * LANES] += weight * v->val[k];
        }
    }
}

/* The length of the profile; its lane is zero again. A column met for the second time adds nothing. */
static double take_length(const struct rh_profiles *s, const struct rh_query *query, double *lane)
{
    double square = 0;
    for (int32_t d = 0; d < s->n_domains; d++) {
        const struct rh_vectors *v = &s->domain[d];
        const struct rh_history *h = &query->history[d];
        for (int32_t m = 0; v->row && m < h->n; m++)
            for (int64_t k = v->row[h->item[m]]; k < v->row[h->item[m] + 1]; k++) {
                double *x = &lane[(int64_t)v->col[k] * LANES];
                square += *x * *x;
                *x = 0;
            }
    }
    return sqrt(square);
}

static double saturated(const struct rh_profiles *s, double x)
{
    return s->cosine ? x : x * (s->k3 + 1) / (s->k3 + x);
}

/* All lanes at once: it is one pass over what is walked once an item anyway. */
static void saturate(const struct rh_profiles *s, double *profile)
{
    for (int64_t k = 0; !s->cosine && k < (int64_t)s->n_cols * LANES; k++)
        profile[k] = profile[k] > 0 ? saturated(s, profile[k]) : 0;
}

/* Products of all items with the profiles side by side, for the queries that ask for all items. The sum of a lane
 * runs in the same order here and in score_list, so a score does not depend on what is asked beside it. */
static void score_all(const struct rh_profiles *s, const double *profile, const struct rh_query *query, int32_t n,
                      float *out, size_t stride)
{
    const struct rh_vectors *v = &s->domain[s->target];
    for (int32_t i = 0; i < v->n_items; i++) {
        double sum[LANES] = { 0 };
        for (int64_t k = v->row[i]; k < v->row[i + 1]; k++) {
            const double *p = profile + (int64_t)v->col[k] * LANES;
            double x = s->weight[k];
            for (int l = 0; l < LANES; l++)
                sum[l] += x * p[l];
        }
        for (int32_t q = 0; q < n; q++)
            if (!query[q].candidate)
                out[(size_t)q * stride + (size_t)i] = (float)sum[q];
    }
}

static void score_list(const struct rh_profiles *s, const double *lane, const struct rh_query *query, float *row)
{
    const struct rh_vectors *v = &s->domain[s->target];
    for (int32_t c = 0; c < query->n_candidates; c++) {
        int32_t i = query->candidate[c];
        double sum = 0;
        for (int64_t k = v->row[i]; k < v->row[i + 1]; k++)
            sum += s->weight[k] * lane[(int64_t)v->col[k] * LANES];
        row[c] = (float)sum;
    }
}

int rh_profiles_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                      size_t stride)
{
    const struct rh_profiles *s = state;
    double *profile = ctx->host->scratch(ctx, (size_t)s->n_cols, LANES * sizeof *profile); /* [n_cols x LANES] */
    if (!profile)
        return RH_ENOMEM;
    for (int32_t at = 0; at < n; at += LANES) {
        int32_t lanes = n - at < LANES ? n - at : LANES;
        bool all = false;
        for (int32_t l = 0; l < lanes; l++) {
            add_history(s, &query[at + l], profile + l);
            all |= !query[at + l].candidate;
        }
        saturate(s, profile);
        if (all)
            score_all(s, profile, query + at, lanes, out + (size_t)at * stride, stride);
        for (int32_t l = 0; l < lanes; l++) {
            const struct rh_query *q = &query[at + l];
            float *row = out + (size_t)(at + l) * stride;
            if (q->candidate)
                score_list(s, profile + l, q, row);
            double length = take_length(s, q, profile + l);
            for (int32_t c = 0; s->cosine && c < q->n_candidates && length > 0; c++)
                row[c] = (float)(row[c] / length);
        }
    }
    return RH_OK;
}

/* --------------------------------------------------------------------------------------------- explaining, saving */

/* What the features of item j of the history give to the product with item i, when the profile has been summed up in
 * `lane`: a saturated sum is shared among its parts in proportion. Columns ascend. */
static double product(const struct rh_profiles *s, int32_t i, int32_t j, const double *lane)
{
    const struct rh_vectors *v = &s->domain[s->target];
    double sum = 0;
    int64_t k = v->row[j], end = v->row[j + 1];
    for (int64_t m = v->row[i]; m < v->row[i + 1]; m++) {
        while (k < end && v->col[k] < v->col[m])
            k++;
        if (k == end || v->col[k] != v->col[m])
            continue;
        double x = lane[(int64_t)v->col[k] * LANES], share = s->cosine ? 1 : x > 0 ? saturated(s, x) / x : 0;
        sum += (double)s->weight[m] * v->val[k] * share;
    }
    return sum;
}

int rh_profiles_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item, int32_t max,
                        int32_t *why, float *weight)
{
    const struct rh_profiles *s = state;
    const struct rh_history *h = &query->history[s->target];
    double *profile = ctx->host->scratch(ctx, (size_t)s->n_cols, LANES * sizeof *profile); /* [n_cols x LANES] */
    if (!profile)
        return RH_ENOMEM;
    double length = 1;
    if (s->cosine) {
        add_history(s, query, profile);
        length = take_length(s, query, profile);
    }
    add_history(s, query, profile);
    int32_t n = 0;
    for (int32_t m = 0; m < h->n && length > 0; m++) {
        double part = (s->weighted && h->value ? h->value[m] : 1) * product(s, item, h->item[m], profile) / length;
        if (part != 0)
            n = rh_insert_part(why, weight, n, max, h->item[m], (float)part);
    }
    return n;
}

static int persist_vectors(struct rh_ctx *ctx, int32_t n_items, int32_t n_cols, struct rh_vectors *v)
{
    const struct rh_host *host = ctx->host;
    int64_t n = v->row ? v->row[n_items] : 0;
    v->n_items = n_items;
    int status = host->value(ctx, "features", &n, sizeof n);
    if (status >= 0)
        status = host->field(ctx, "row", &v->row, (int64_t)n_items + 1, sizeof *v->row);
    if (status >= 0)
        status = host->field(ctx, "col", &v->col, n, sizeof *v->col);
    if (status >= 0)
        status = host->field(ctx, "val", &v->val, n, sizeof *v->val);
    if (status < 0)
        return status;
    bool right = v->row[0] == 0 && v->row[n_items] == n;
    for (int32_t i = 0; i < n_items; i++)
        right = right && v->row[i] <= v->row[i + 1];
    for (int64_t k = 0; k < n; k++)
        right = right && v->col[k] >= 0 && v->col[k] < n_cols;
    return right ? RH_OK : host->fail(ctx, RH_EDATA, "the saved feature vectors point outside of their columns");
}

int rh_profiles_persist(struct rh_ctx *ctx, const struct rh_train *train, bool sources, struct rh_profiles *s)
{
    const struct rh_host *host = ctx->host;
    if (!s->domain && !(s->domain = host->alloc(ctx, (size_t)train->n_domains, sizeof *s->domain)))
        return RH_ENOMEM;
    s->n_domains = train->n_domains;
    s->target = train->target;
    int status = host->value(ctx, "columns", &s->n_cols, sizeof s->n_cols);
    if (status >= 0 && s->n_cols < 0)
        return host->fail(ctx, RH_EDATA, "the saved model has %d feature columns", s->n_cols);
    for (int32_t d = 0; d < train->n_domains && status >= 0; d++)
        if (d == train->target || sources)
            status = persist_vectors(ctx, train->domain[d].n_items, s->n_cols, &s->domain[d]);
    if (status < 0)
        return status;
    const struct rh_vectors *v = &s->domain[s->target];
    if (!s->cosine)
        return host->field(ctx, "weight", &s->weight, v->row[v->n_items], sizeof *s->weight);
    s->weight = v->val;
    return RH_OK;
}
