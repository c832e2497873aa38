/* normal - the floor of tables of predicted ratings: a draw from the normal distribution of the training ratings,
 * with their mean and standard deviation (maximum likelihood). NormalPredictor of Surprise, which its tables call
 * Random.
 *
 * The draw belongs to (seed, user, item), not to the order of asking, so the same pair always has the same
 * prediction; for the same reason it is not number by number that of Surprise. Time: some 30 ns a candidate. Memory:
 * three numbers. */
#include "algorithms/lib/rating.h"

struct normal_params {
    char none; /* there is nothing to set */
};

static const struct rh_param normal_table[] = { RH_PARAMS_END };

struct normal_state {
    double mean, deviation;
    struct rh_rng key; /* of this run */
};

static int normal_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)params;
    struct normal_state *s = state;
    int status;
    const struct rh_domain *d = rh_rated_target(ctx, train, &status);
    if (!d)
        return status;
    int64_t n = d->row[train->n_users];
    double sum = 0;
    s->mean = rh_mean_rating(d->value, n);
    for (int64_t k = 0; k < n; k++)
        sum += (d->value[k] - s->mean) * (d->value[k] - s->mean);
    s->deviation = sqrt(sum / (double)n);
    s->key = ctx->host->stream(ctx, "score", 0);
    return RH_OK;
}

/* A generator of the pair: seeded by splitmix64 (Steele, Lea and Flood 2014), as its authors advise for xoshiro. */
static struct rh_rng of_pair(const struct rh_rng *key, int32_t user, int32_t item)
{
    struct rh_rng r;
    uint64_t at = key->s[0] ^ ((uint64_t)(uint32_t)user << 32 | (uint32_t)item);
    for (int k = 0; k < 4; k++) {
        uint64_t x = (at += 0x9e3779b97f4a7c15u) + key->s[1];
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
        r.s[k] = x ^ (x >> 31);
    }
    return r;
}

static int normal_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                        size_t stride)
{
    (void)ctx;
    const struct normal_state *s = state;
    for (int32_t k = 0; k < n; k++)
        for (int32_t c = 0; c < query[k].n_candidates; c++) {
            struct rh_rng r = of_pair(&s->key, query[k].user, rh_candidate(&query[k], c));
            out[(size_t)k * stride + (size_t)c] = (float)(s->mean + s->deviation * rh_rng_normal(&r));
        }
    return RH_OK;
}

static int normal_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)params, (void)train;
    return ctx->host->value(ctx, "state", state, sizeof(struct normal_state));
}

static const struct rh_algorithm normal = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "normal",
    .summary = "predicts a random rating, normally distributed as the training ratings are",
    .reference = "Hug 2020, Surprise: a Python library for recommender systems, JOSS 5(52) (NormalPredictor)",
    .cost = "fit O(nnz), memory 48 bytes; a query O(candidates)",
    .advice = "The floor for RMSE and MAE: it knows how ratings are distributed and nothing else.",
    .revision = 1,
    .flags = RH_A_NEEDS_VALUES | RH_A_RATES | RH_A_COLD_USERS | RH_A_COLD_ITEMS | RH_A_RANDOM,
    .params = normal_table,
    .params_size = sizeof(struct normal_params),
    .state_size = sizeof(struct normal_state),
    .fit = normal_fit,
    .score = normal_score,
    .persist = normal_persist,
};
RH_ALGORITHM(normal)
