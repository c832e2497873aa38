/* random - the floor of every table: a uniform score for each (user, item).
 *
 * The score is a hash of (seed, user, item), not the next draw of a generator, so it is the same whatever the batch,
 * the order of the queries, the candidates beside it and the number of threads. Expected AUC: 0.5.
 *
 * Hash: two rounds of the finaliser of splitmix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
 * generators", variant 13 of Stafford). Time: some 3 ns a score. Memory: one number. */
#include <rh/plugin.h>

struct random_params {
    char none; /* there is nothing to set */
};

struct random_state {
    uint64_t key; /* of this run */
};

static const struct rh_param random_table[] = { RH_PARAMS_END };

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static int random_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)params, (void)train;
    struct random_state *s = state;
    struct rh_rng r = ctx->host->stream(ctx, "score", 0);
    s->key = rh_rng_next(&r);
    return RH_OK;
}

static int random_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                        size_t stride)
{
    (void)ctx;
    const struct random_state *s = state;
    for (int32_t q = 0; q < n; q++) {
        uint64_t user = mix(s->key + 0x9e3779b97f4a7c15u * ((uint64_t)(uint32_t)query[q].user + 1));
        float *row = out + (size_t)q * stride;
        for (int32_t c = 0; c < query[q].n_candidates; c++) {
            uint32_t item = (uint32_t)(query[q].candidate ? query[q].candidate[c] : c);
            uint64_t bits = mix(user + 0x9e3779b97f4a7c15u * ((uint64_t)item + 1));
            row[c] = (float)(bits >> 40) * 0x1.0p-24f; /* [0, 1): 24 bits, all that a float holds */
        }
    }
    return RH_OK;
}

static int random_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)params, (void)train;
    struct random_state *s = state;
    return ctx->host->value(ctx, "key", &s->key, sizeof s->key);
}

static const struct rh_algorithm random_scores = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "random",
    .summary = "a uniform random score for each user and item",
    .reference = "none: the floor every method has to beat",
    .cost = "fit O(1), score O(I) a query, memory 8 bytes",
    .advice = "A check of the protocol: its AUC is 0.5 on expectation, and its other figures are the floor. There is "
              "nothing to tune.",
    .revision = 1,
    .flags = RH_A_COLD_USERS | RH_A_COLD_ITEMS | RH_A_RANDOM,
    .params = random_table,
    .params_size = sizeof(struct random_params),
    .state_size = sizeof(struct random_state),
    .fit = random_fit,
    .score = random_score,
    .persist = random_persist,
};
RH_ALGORITHM(random_scores)
