/* ease - embarrassingly shallow autoencoder.
 *
 * Steck 2019, "Embarrassingly shallow autoencoders for sparse data" (WWW 28). With X the users x items matrix of ones
 * where there is an interaction, the weights B minimise |X - X B|^2 + l2 |B|^2 under diag(B) = 0. With
 * P = (X'X + l2 I)^-1 that is B(i, j) = -P(i, j) / P(j, j) for i != j, and the score of item j is the sum of B(i, j)
 * over the items i of the history. Weights may be negative: an item can speak against another.
 *
 * X'X is counted and inverted by lib/gram.h. P is kept whole, so that the rows of a history are added front to back;
 * the division by P(j, j) comes last.
 *
 * Unseen users are folded in through their history. A user without history gets 0 for every item, as does an item
 * without interactions.
 *
 * Time: sum over users of the squared row length, and n^3 / 2 multiplications; a query: |history| n. Memory: 4 n^2
 * bytes. */
#include <rh/plugin.h>

#include "algorithms/lib/explain.h"
#include "algorithms/lib/gram.h"

#include <string.h>

struct ease_params {
    double l2;
};

static const struct rh_param ease_table[] = {
    RH_REAL(struct ease_params, l2, 500, 1e-3, 1e9, "regularisation: added to the diagonal of the item-item counts"),
    RH_PARAMS_END,
};

struct ease_state {
    int32_t target, n;
    float *p;     /* [n x n] P with zeros in the diagonal */
    float *scale; /* [n] -1 / P(j, j) */
};

static int ease_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct ease_params *p = params;
    struct ease_state *s = state;
    const struct rh_domain *d = &train->domain[train->target];
    s->target = train->target;
    s->n = d->n_items;
    s->p = ctx->host->alloc(ctx, (size_t)s->n * (size_t)s->n, sizeof *s->p);
    s->scale = ctx->host->alloc(ctx, (size_t)s->n, sizeof *s->scale);
    if (!s->p || !s->scale)
        return RH_ENOMEM;
    int status = rh_gram_count(ctx, d, train->n_users, s->p);
    return status < 0 ? status : rh_gram_weights(ctx, s->n, p->l2, "l2", s->p, s->scale);
}

static void score_all(const struct ease_state *s, const struct rh_history *h, float *restrict row)
{
    memset(row, 0, (size_t)s->n * sizeof *row);
    for (int32_t m = 0; m < h->n; m++) {
        const float *restrict p = s->p + (size_t)h->item[m] * (size_t)s->n;
        for (int32_t j = 0; j < s->n; j++)
            row[j] += p[j];
    }
    for (int32_t j = 0; j < s->n; j++)
        row[j] *= s->scale[j];
}

static int ease_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                      size_t stride)
{
    (void)ctx;
    const struct ease_state *s = state;
    for (int32_t q = 0; q < n; q++) {
        const struct rh_history *h = &query[q].history[s->target];
        float *row = out + (size_t)q * stride;
        if (!query[q].candidate) {
            score_all(s, h, row);
            continue;
        }
        for (int32_t c = 0; c < query[q].n_candidates; c++) { /* in the same order of additions as score_all */
            int32_t j = query[q].candidate[c];
            const float *p = s->p + (size_t)j * (size_t)s->n; /* symmetric: one row for one candidate */
            float sum = 0;
            for (int32_t m = 0; m < h->n; m++)
                sum += p[h->item[m]];
            row[c] = sum * s->scale[j];
        }
    }
    return RH_OK;
}

static int ease_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item,
                        int32_t max, int32_t *why, float *weight)
{
    (void)ctx;
    const struct ease_state *s = state;
    const struct rh_history *h = &query->history[s->target];
    const float *p = s->p + (size_t)item * (size_t)s->n;
    int32_t n = 0;
    for (int32_t m = 0; m < h->n; m++)
        if (h->item[m] != item)
            n = rh_insert_part(why, weight, n, max, h->item[m], p[h->item[m]] * s->scale[item]);
    return n;
}

static int ease_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)params;
    struct ease_state *s = state;
    s->target = train->target;
    s->n = train->domain[train->target].n_items;
    int status = ctx->host->field(ctx, "inverse", &s->p, (int64_t)s->n * s->n, sizeof *s->p);
    return status < 0 ? status : ctx->host->field(ctx, "scale", &s->scale, s->n, sizeof *s->scale);
}

static const struct rh_algorithm ease = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "ease",
    .summary = "linear weights between items in closed form, an item never its own reason",
    .reference = "Steck 2019, Embarrassingly shallow autoencoders for sparse data (WWW)",
    .cost = "fit O(sum over users of the squared row length + I^3), score O(|history| I) a query, memory 4 I^2 bytes",
    .advice = "Among the strongest linear models, with one parameter: tune l2 (10 to 10000). Time grows with the "
              "cube of the items, memory with the square: for very many items take neighbourhoods (itemknn) or factors "
              "(ials). It cannot score items without interactions.",
    .revision = 2,
    .flags = RH_A_COLD_USERS,
    .params = ease_table,
    .params_size = sizeof(struct ease_params),
    .state_size = sizeof(struct ease_state),
    .fit = ease_fit,
    .score = ease_score,
    .explain = ease_explain,
    .persist = ease_persist,
};
RH_ALGORITHM(ease)
