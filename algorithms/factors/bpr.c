/* bpr - Bayesian personalised ranking: factors that put what a user has above what they have not.
 *
 * Rendle, Freudenthaler, Gantner and Schmidt-Thieme 2009, "BPR: Bayesian personalized ranking from implicit feedback"
 * (UAI). For a user, an item they have and one they have not, checked to be none of theirs, minimised is
 *
 *     softplus(-x) + regularisation,    x = p(u).(q(liked) - q(other)) + b(liked) - b(other)
 *
 * by a step a triple (their LearnBPR), or by minibatches. Settings of other programs:
 *   MyMediaLite (BPRMF): factors = 10, init_sd = 0.1, rate = 0.05, reg_user = 0.0025, reg_liked = 0.0025,
 *     reg_other = 0.00025, bias = yes, reg_bias = 0, positives = users, epochs = 30
 *   RecBole (BPR): factors = 64, step = adam, batch = 2048, rate = 0.001, init = xavier, bias = no, reg_* = 0
 *   implicit: factors = 100, init_sd = 0.01 or so, rate = 0.01, reg_* = 0.01, bias = yes, negatives = popularity,
 *     epochs = 100
 *
 * The numbers do not depend on threads (algorithms/lib/pairs.h says how), unless `ordered = no` lets them race. The
 * mathematics has no vector for an unseen user: such a user gets the items in the order of their biases. */
#include "algorithms/lib/factors.h"
#include "algorithms/lib/pairwise.h"

struct bpr_params {
    int64_t factors, batch;
    double rate, reg_user, reg_liked, reg_other, reg_bias, power, init_sd;
    int step, positives, negatives, init;
    bool bias, ordered;
};

static const struct rh_param bpr_table[] = {
    RH_INT(struct bpr_params, factors, 64, 1, 4096, "number d of factors"),
    RH_REAL(struct bpr_params, rate, 0.05, 1e-9, 100, "learning rate"),
    RH_REAL(struct bpr_params, reg_user, 0.0025, 0, 1e6, "L2 regularisation of the user's vector in each triple"),
    RH_REAL(struct bpr_params, reg_liked, 0.0025, 0, 1e6, "of the vector of the item that the user has"),
    RH_REAL(struct bpr_params, reg_other, 0.00025, 0, 1e6, "of the vector of the item that the user has not"),
    RH_BOOL(struct bpr_params, bias, true, "items have a bias"),
    RH_REAL(struct bpr_params, reg_bias, 0, 0, 1e6, "L2 regularisation of the biases"),
    RH_ENUM(struct bpr_params, positives, RH_EACH_INTERACTION, rh_positives_from_words, "what an epoch goes through"),
    RH_ENUM(struct bpr_params, negatives, RH_UNIFORM_ITEMS, rh_negatives_from_words, "how the other item is drawn"),
    RH_REAL(struct bpr_params, power, 1, 0, 10, "of popularity (negatives = popularity)"),
    RH_ENUM(struct bpr_params, init, RH_INIT_NORMAL, rh_pair_init_words, "initial vectors"),
    RH_REAL(struct bpr_params, init_sd, 0.1, 0, 10, "standard deviation of their elements (init = normal)"),
    RH_ENUM(struct bpr_params, step, RH_PAIR_SGD, rh_pair_step_words, "how weights move"),
    RH_INT(struct bpr_params, batch, 2048, 1, 1 << 24, "triples a step (step = adam)"),
    RH_BOOL(struct bpr_params, ordered, true,
            "threads wait for one another where they would share a row; no: lock-free, and not reproducible"),
    RH_PARAMS_END,
};

struct bpr_state {
    struct rh_pair_model model;
    struct rh_pairs pairs;
    bool free;
};

static void take_params(struct bpr_state *s, const struct bpr_params *p, const struct rh_train *train)
{
    *s = (struct bpr_state){ .model = {
        .user.n = train->n_users, .item.n = train->domain[train->target].n_items, .factors = (int32_t)p->factors,
        .width = rh_factor_width(p->factors), .loss = RH_PAIR_LOG, .step = p->step, .rate = (float)p->rate,
        .reg_user = (float)p->reg_user, .reg_liked = (float)p->reg_liked, .reg_other = (float)p->reg_other,
        .reg_bias = (float)p->reg_bias, .batch = p->batch,
    }, .free = !p->ordered };
}

static int bpr_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct bpr_params *p = params;
    struct bpr_state *s = state;
    take_params(s, p, train);
    int status = rh_pairs_init(ctx, &s->pairs, &train->domain[train->target], train->n_users, p->positives,
                               p->negatives, p->power);
    return status < 0 ? status : rh_pair_model_init(ctx, &s->model, &s->pairs, p->init, p->init_sd, p->bias);
}

static int bpr_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct bpr_state *s = state;
    struct rh_learning l = { .pairs = &s->pairs, .free = s->free };
    return rh_pair_model_pass(ctx, &s->model, &l, epoch, loss);
}

static int bpr_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                     size_t stride)
{
    const struct bpr_state *s = state;
    return rh_pair_model_score(ctx, &s->model, query, n, out, stride);
}

static int bpr_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct bpr_state *s = state;
    const struct bpr_params *p = params;
    if (!s->model.width) /* loading */
        take_params(s, p, train);
    return rh_pair_model_persist(ctx, &s->model, p->bias);
}

static const struct rh_algorithm bpr = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "bpr",
    .summary = "Bayesian personalised ranking: factors that put what a user has above what they have not",
    .reference = "Rendle, Freudenthaler, Gantner and Schmidt-Thieme 2009, BPR: Bayesian personalized ranking from "
                 "implicit feedback, UAI",
    .cost = "epoch O(nnz d), and O(nnz / batch (U + I) d) more with step = adam; score O(I d) a query; memory 4 d (U "
            "+ I) bytes (twice with adagrad, three times with adam), and 32 bytes a triple of at most 2^20 at a time",
    .advice = "A ranking baseline for implicit feedback, good for AUC more than for the top of the list, where ials "
              "and neighbours are often ahead. Tune rate and the number of epochs (early stopping), then "
              "regularisation. Unseen users cannot be folded in: they get the items in the order of the biases. "
              "ordered = no may be quicker on several threads of a busy machine, but its numbers are other ones each "
              "time: no run of it can be reproduced.",
    .revision = 1,
    .flags = RH_A_RANDOM | RH_A_RESUMES,
    .params = bpr_table,
    .params_size = sizeof(struct bpr_params),
    .state_size = sizeof(struct bpr_state),
    .epochs = 30,
    .fit = bpr_fit,
    .epoch = bpr_epoch,
    .score = bpr_score,
    .persist = bpr_persist,
};

RH_ALGORITHM(bpr)
