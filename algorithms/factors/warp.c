/* warp - weighted approximate-rank pairwise loss: a pair counts the more, the further down the liked item stands.
 *
 * Weston, Bengio and Usunier 2011, "WSABIE: Scaling up to large vocabulary image annotation" (IJCAI), on factors as
 * in LightFM (Kula 2015, "Metadata embeddings for user and item cold-start recommendations"). For a user and an item
 * that they have, others are drawn until one violates the margin, score(other) > score(liked) - 1, at most `tries`.
 * If it was the N-th, some (I - 1) / N items stand above the liked one, and minimised is
 *
 *     L(floor((I - 1) / N)) max(0, 1 - x) + regularisation,    x = score(liked) - score(other)
 *
 * with L(k) = 1 + 1/2 + .. + 1/k (Weston et al.) or log k (LightFM), at most `most`. LightFM's settings: factors =
 * 10, rate = 0.05, step = adagrad, rank = log, most = 10, tries = 10, init_sd = 0.03 or so, reg_* = 0.
 *
 * Violators of `chunk` pairs are looked for at once, in the model before the chunk; then the steps are made, one
 * after the other: those whose margin has been won meanwhile are left out. So the numbers do not depend on threads
 * (algorithms/lib/pairs.h). The mathematics has no vector for an unseen user: such a user gets the items in the order
 * of their biases. */
#include "algorithms/lib/factors.h"
#include "algorithms/lib/pairwise.h"

enum rank_loss { HARMONIC, LOGARITHM };

struct warp_params {
    int64_t factors, tries, chunk;
    double rate, reg_user, reg_liked, reg_other, reg_bias, most, init_sd;
    int step, positives, rank;
    bool bias;
};

static const struct rh_choice rank_words[] = {
    { "harmonic", HARMONIC, "L(k) = 1 + 1/2 + .. + 1/k" },
    { "log", LOGARITHM, "L(k) = log k" },
    { NULL, 0, NULL },
};
static const struct rh_choice step_words[] = {
    { "sgd", RH_PAIR_SGD, "a step a pair" },
    { "adagrad", RH_PAIR_ADAGRAD, "shorter the more a weight has moved (Duchi et al. 2011)" },
    { NULL, 0, NULL },
};

static const struct rh_param warp_table[] = {
    RH_INT(struct warp_params, factors, 64, 1, 4096, "number d of factors"),
    RH_REAL(struct warp_params, rate, 0.05, 1e-9, 100, "learning rate"),
    RH_INT(struct warp_params, tries, 10, 1, 100000, "items drawn for a violator at most"),
    RH_ENUM(struct warp_params, rank, LOGARITHM, rank_words, "weight of a pair by the estimated rank k"),
    RH_REAL(struct warp_params, most, 10, 0, 1e6, "a weight is not larger"),
    RH_REAL(struct warp_params, reg_user, 0, 0, 1e6, "L2 regularisation of the user's vector in each pair"),
    RH_REAL(struct warp_params, reg_liked, 0, 0, 1e6, "of the vector of the item that the user has"),
    RH_REAL(struct warp_params, reg_other, 0, 0, 1e6, "of the vector of the item that the user has not"),
    RH_BOOL(struct warp_params, bias, true, "items have a bias"),
    RH_REAL(struct warp_params, reg_bias, 0, 0, 1e6, "L2 regularisation of the biases"),
    RH_ENUM(struct warp_params, positives, RH_EACH_INTERACTION, rh_positives_from_words, "pairs of an epoch"),
    RH_REAL(struct warp_params, init_sd, 0.03, 0, 10, "standard deviation of initial elements"),
    RH_ENUM(struct warp_params, step, RH_PAIR_ADAGRAD, step_words, "how weights move"),
    RH_INT(struct warp_params, chunk, 8192, 1, 1 << 20, "pairs whose violators are looked for at once"),
    RH_PARAMS_END,
};

struct warp_state {
    struct rh_pair_model model;
    struct rh_pairs pairs;
    float *weight; /* [n_items] L(k), at k - 1 */
    int32_t tries;
    int64_t chunk;
};

/* The first violator among `tries` draws, and its weight; -1: there is none. */
RH_WIDE static int32_t find_violator(const void *arg, struct rh_rng *rng, int32_t user, int32_t liked,
                                     const uint8_t *taken, float *weight)
{
    const struct warp_state *s = arg;
    const struct rh_pair_model *m = &s->model;
    const float *p = m->user.x + (int64_t)user * m->width;
    float limit = rh_factor_dot(p, m->item.x + (int64_t)liked * m->width, m->width) - 1;
    limit += m->bias.x ? m->bias.x[liked] : 0;
    for (int32_t n = 1; n <= s->tries; n++) {
        int32_t j = rh_pairs_other(&s->pairs, rng, taken);
        float score = rh_factor_dot(p, m->item.x + (int64_t)j * m->width, m->width) + (m->bias.x ? m->bias.x[j] : 0);
        if (score > limit) {
            int32_t rank = (s->pairs.n_items - 1) / n;
            *weight = s->weight[rank > 1 ? rank - 1 : 0];
            return j;
        }
    }
    return -1;
}

static void take_params(struct warp_state *s, const struct warp_params *p, const struct rh_train *train)
{
    *s = (struct warp_state){ .tries = (int32_t)p->tries, .chunk = p->chunk, .model = {
        .user.n = train->n_users, .item.n = train->domain[train->target].n_items, .factors = (int32_t)p->factors,
        .width = rh_factor_width(p->factors), .loss = RH_PAIR_HINGE, .step = p->step, .rate = (float)p->rate,
        .reg_user = (float)p->reg_user, .reg_liked = (float)p->reg_liked, .reg_other = (float)p->reg_other,
        .reg_bias = (float)p->reg_bias,
    } };
}

static int warp_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct warp_params *p = params;
    struct warp_state *s = state;
    take_params(s, p, train);
    int status = rh_pairs_init(ctx, &s->pairs, &train->domain[train->target], train->n_users, p->positives,
                               RH_UNIFORM_ITEMS, 1);
    if (status < 0)
        return status;
    s->weight = ctx->host->alloc(ctx, (size_t)s->pairs.n_items, sizeof *s->weight);
    if (!s->weight)
        return RH_ENOMEM;
    double sum = 0;
    for (int32_t k = 1; k <= s->pairs.n_items; k++) {
        sum += 1 / (double)k;
        s->weight[k - 1] = (float)fmin(p->most, p->rank == HARMONIC ? sum : log(k));
    }
    return rh_pair_model_init(ctx, &s->model, &s->pairs, RH_INIT_NORMAL, p->init_sd, p->bias);
}

static int warp_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct warp_state *s = state;
    struct rh_learning l = { .pairs = &s->pairs, .draw = find_violator, .draw_arg = s, .chunk = s->chunk };
    return rh_pair_model_pass(ctx, &s->model, &l, epoch, loss);
}

static int warp_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                      size_t stride)
{
    const struct warp_state *s = state;
    return rh_pair_model_score(ctx, &s->model, query, n, out, stride);
}

static int warp_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct warp_state *s = state;
    const struct warp_params *p = params;
    if (!s->model.width) /* loading */
        take_params(s, p, train);
    return rh_pair_model_persist(ctx, &s->model, p->bias);
}

static const struct rh_algorithm warp = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "warp",
    .summary = "weighted approximate-rank pairwise loss: factors learned from items that stand too high",
    .reference = "Weston, Bengio and Usunier 2011, WSABIE: Scaling up to large vocabulary image annotation, IJCAI; "
                 "Kula 2015, Metadata embeddings for user and item cold-start recommendations",
    .cost = "epoch O(nnz tries d) at most, less while violators are found soon; score O(I d) a query; memory 4 d (U "
            "+ I) bytes, twice with adagrad",
    .advice = "Where the top of the list counts: usually ahead of bpr there. Tune the number of epochs (early "
              "stopping) and rate first, then factors; more tries look deeper and cost more once the model is good. "
              "Unseen users cannot be folded in: they get the items in the order of the biases.",
    .revision = 1,
    .flags = RH_A_RANDOM | RH_A_RESUMES,
    .params = warp_table,
    .params_size = sizeof(struct warp_params),
    .state_size = sizeof(struct warp_state),
    .epochs = 30,
    .fit = warp_fit,
    .epoch = warp_epoch,
    .score = warp_score,
    .persist = warp_persist,
};

RH_ALGORITHM(warp)
