/* emcdr_rating - ratings of users who are cold in the target, by their mapped vectors from the sources.
 *
 * The protocol that EMCDR (Man, Shen, Jin and Cheng 2017, IJCAI) and PTUPCDR (Zhu et al. 2022, WSDM) are compared in:
 * (1) a factorisation of ratings for the sources and one for the target, by minibatches of Adam on the squared error,
 *
 *     r(u, i) = mean + b(u) + b(i) + p(u) . q(i)             (offsets = no: the product alone, as theirs)
 *
 * (2) a map from p of the sources to p of the target. linear and mlp (tanh) are EMCDR's, learned from the distance of
 * the vectors of users with rows in both; personal is PTUPCDR's, a matrix for each user made from their history
 * (algorithms/lib/personal.h), learned from the squared error of those users' ratings in the target;
 * (3) who has no training rows in the target gets the mapped vector and no offset of the user.
 *
 * (1) is made by fit; epochs are passes over the shared users for (2). Several sources are one matrix. The two
 * factorisations of (1) run side by side on two threads, each row by row in an order of its own: the numbers do not
 * depend on threads. Only rows of a minibatch move (lazy Adam).
 *
 * Time: fit O(epochs nnz d); epoch O(shared d^2), of personal as in ptupcdr. Memory: 16 d bytes a user and side and an
 * item, 12 bytes a rating. */
#include "algorithms/lib/embedding.h"
#include "algorithms/lib/mlp.h"
#include "algorithms/lib/personal_learn.h"
#include "algorithms/lib/preconditions.h"
#include "algorithms/lib/rating.h"

#include <string.h>

#define ROWS 64 /* ratings of a user that a personal map is learned from in an epoch */

enum map { LINEAR, MLP, PERSONAL };
static const struct rh_choice maps[] = {
    { "linear", LINEAR, "a matrix (EMCDR)" },
    { "mlp", MLP, "a hidden layer of tanh units (EMCDR)" },
    { "personal", PERSONAL, "a matrix for each user, made from their history (PTUPCDR)" },
    { NULL, 0, NULL },
};

struct params {
    int64_t factors, factor_epochs, batch, hidden, history, map_batch;
    double rate, decay, init_sd, map_rate, map_decay;
    bool offsets;
    int map;
};

static const struct rh_param table[] = {
    RH_INT(struct params, factors, 10, 1, 128, "number d of factors"),
    RH_BOOL(struct params, offsets, true, "mean and offsets beside the factors"),
    RH_INT(struct params, factor_epochs, 10, 1, 100000, "passes over the ratings, before the epochs of the map"),
    RH_INT(struct params, batch, 256, 1, 1048576, "ratings a step"),
    RH_REAL(struct params, rate, 0.01, 1e-7, 10, "learning rate of the factors (Adam)"),
    RH_REAL(struct params, decay, 1, 0, 100, "weight decay of the factors: share taken by a step of rate 1"),
    RH_REAL(struct params, init_sd, 0.1, 0, 10, "standard deviation of the initial factors"),
    RH_ENUM(struct params, map, LINEAR, maps, "from source vectors to target vectors"),
    RH_INT(struct params, hidden, 50, 1, 4096, "hidden units of the mlp, or of the network that makes personal maps"),
    RH_INT(struct params, history, 20, 1, 1000, "items of the sources that a personal map is made from"),
    RH_INT(struct params, map_batch, 64, 1, 65536, "users a step of the map"),
    RH_REAL(struct params, map_rate, 0.01, 1e-7, 10, "learning rate of the map (Adam)"),
    RH_REAL(struct params, map_decay, 0, 0, 100, "weight decay of the map"),
    RH_PARAMS_END,
};

/* A factorisation of the ratings of some domains. */
struct side {
    struct rh_embedding user, item;               /* [n_users x d], [n_items x d] */
    struct rh_embedding user_offset, item_offset; /* [n_users x 1], [n_items x 1] */
    int32_t *row_user, *row_item;                 /* [n] */
    float *row_value;
    int64_t n;
    int32_t n_items;
    double mean; /* 0 without offsets */
};

struct state {
    const struct params *params;
    const struct rh_train *train;
    struct side source, target;
    int32_t *first_item;   /* [n_domains + 1] of the sources among source.item */
    int32_t *shared;       /* [n_shared] users with train rows in both */
    uint8_t *known;        /* [n_users] have train rows in the target */
    uint8_t *known_source; /* [n_users] in a source */
    int32_t n_shared, d;
    struct rh_mlp shape; /* of the map, where it is not personal */
    rh_real *map, *gradient, *first, *second;
    struct rh_optimizer_state adam;
    struct rh_personal_model personal;
};

/* ---------------------------------------------------------------------------------------------------- factors */

static int check_values(struct rh_ctx *ctx, const struct rh_train *train)
{
    for (int32_t k = 0; k < train->n_domains; k++)
        if (!train->domain[k].value)
            return ctx->host->fail(ctx, RH_EDATA, "emcdr_rating predicts ratings, and domain '%s' has none",
                                   train->domain[k].name);
    return RH_OK;
}

/* The rows of the target, or of all others. */
static int take_rows(struct rh_ctx *ctx, struct side *s, const struct rh_train *train, bool target,
                     const int32_t *first_item)
{
    for (int32_t k = 0; k < train->n_domains; k++)
        if ((k == train->target) == target)
            s->n += train->domain[k].row[train->n_users];
    s->row_user = ctx->host->alloc(ctx, (size_t)s->n + 1, sizeof *s->row_user);
    s->row_item = ctx->host->alloc(ctx, (size_t)s->n + 1, sizeof *s->row_item);
    s->row_value = ctx->host->alloc(ctx, (size_t)s->n + 1, sizeof *s->row_value);
    if (!s->row_user || !s->row_item || !s->row_value)
        return RH_ENOMEM;
    if (!s->n)
        return ctx->host->fail(ctx, RH_EDATA, "emcdr_rating needs ratings in the target and in a source, and there "
                               "are none in %s", target ? "the target" : "the sources");
    if (s->n > INT32_MAX)
        return ctx->host->fail(ctx, RH_EDATA, "emcdr_rating orders at most %d ratings, and there are %lld", INT32_MAX,
                               (long long)s->n);
    int64_t at = 0;
    double sum = 0;
    for (int32_t k = 0; k < train->n_domains; k++) {
        const struct rh_domain *d = &train->domain[k];
        for (int32_t u = 0; (k == train->target) == target && u < train->n_users; u++)
            for (int64_t e = d->row[u]; e < d->row[u + 1]; e++, at++) {
                s->row_user[at] = u;
                s->row_item[at] = (target ? 0 : first_item[k]) + d->item[e];
                s->row_value[at] = d->value[e];
                sum += (double)d->value[e];
            }
    }
    s->mean = sum / (double)s->n;
    return RH_OK;
}

static int make_side(struct rh_ctx *ctx, const struct params *p, struct side *s, const struct rh_train *train,
                     bool target, const int32_t *first_item)
{
    int status = take_rows(ctx, s, train, target, first_item);
    if (status < 0)
        return status;
    s->mean = p->offsets ? s->mean : 0;
    s->n_items = target ? train->domain[train->target].n_items : first_item[train->n_domains];
    struct rh_rng r = ctx->host->stream(ctx, target ? "target factors" : "source factors", 0);
    if ((status = rh_embedding_init(ctx, &s->user, train->n_users, (int32_t)p->factors, p->init_sd, &r)) < 0 ||
        (status = rh_embedding_init(ctx, &s->item, s->n_items, (int32_t)p->factors, p->init_sd, &r)) < 0 ||
        (status = rh_embedding_init(ctx, &s->user_offset, train->n_users, 1, 0, NULL)) < 0)
        return status;
    return rh_embedding_init(ctx, &s->item_offset, s->n_items, 1, 0, NULL);
}

/* Predicts row k, and adds the gradient of weight * error^2 / 2. Returns the error. */
static double learn_row(const struct params *p, struct side *s, int32_t k, rh_real weight)
{
    int32_t u = s->row_user[k], i = s->row_item[k], d = s->user.E;
    const rh_real *x = rh_embedding_row(&s->user, u), *y = rh_embedding_row(&s->item, i);
    double predicted = s->mean + (double)(*rh_embedding_row(&s->user_offset, u) +
                                          *rh_embedding_row(&s->item_offset, i) + rh_dot(d, x, y));
    double error = predicted - (double)s->row_value[k];
    rh_real g = weight * (rh_real)error;
    rh_axpy(d, g, y, rh_embedding_gradient(&s->user, u));
    rh_axpy(d, g, x, rh_embedding_gradient(&s->item, i));
    if (p->offsets) {
        *rh_embedding_gradient(&s->user_offset, u) += g;
        *rh_embedding_gradient(&s->item_offset, i) += g;
    }
    return error;
}

static int learn_factors(struct rh_ctx *ctx, const struct params *p, struct side *s, const char *purpose)
{
    struct rh_optimizer_state adam = { .kind = RH_ADAM, .rate = p->rate, .decay = p->decay };
    int32_t *order = ctx->host->scratch(ctx, (size_t)s->n, sizeof *order), n = (int32_t)s->n;
    if (!order)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++)
        order[k] = k;
    for (int64_t epoch = 0; epoch < p->factor_epochs; epoch++) {
        double sum = 0;
        struct rh_rng r = ctx->host->stream(ctx, purpose, (uint64_t)epoch);
        rh_rng_shuffle(&r, order, n);
        for (int32_t at = 0; at < n; at += (int32_t)p->batch) {
            int32_t rows = n - at < p->batch ? n - at : (int32_t)p->batch;
            for (int32_t k = 0; k < rows; k++) {
                double error = learn_row(p, s, order[at + k], 2 / (rh_real)rows); /* d of the mean of error^2 */
                sum += error * error;
            }
            rh_nn_step(&adam, 1);
            rh_embedding_descend(&s->user, &adam);
            rh_embedding_descend(&s->item, &adam);
            rh_embedding_descend(&s->user_offset, &adam);
            rh_embedding_descend(&s->item_offset, &adam);
        }
        if (!isfinite(sum))
            return ctx->host->fail(ctx, RH_ENUMERIC, "the factors diverged; lower rate below %g", p->rate);
        int status = ctx->host->tick(ctx, epoch, p->factor_epochs);
        if (status < 0)
            return status;
    }
    return RH_OK;
}

static int learn_side(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct state *s = arg;
    for (int64_t k = begin; k < end; k++) {
        int status = k ? learn_factors(ctx, s->params, &s->target, "target order")
                       : learn_factors(ctx, s->params, &s->source, "source order");
        if (status < 0)
            return status;
    }
    return RH_OK;
}

/* -------------------------------------------------------------------------------------------------------- maps */

/* Squared error of (up to ROWS of) the user's ratings in the target by the mapped vector. */
static double of_user(const void *arg, struct rh_rng *r, int32_t user, const struct rh_history *history,
                      const rh_real *y, rh_real weight, rh_real *dy)
{
    const struct state *s = arg;
    const struct rh_history *h = &history[s->train->target];
    int32_t rows = h->n < ROWS ? h->n : ROWS;
    double sum = 0;
    (void)user;
    for (int32_t k = 0; k < rows; k++) {
        int32_t j = rows == h->n ? k : (int32_t)rh_rng_below(r, (uint32_t)h->n), i = h->item[j];
        const rh_real *q = rh_embedding_row(&s->target.item, i);
        double predicted = s->target.mean + (double)(*rh_embedding_row(&s->target.item_offset, i) + rh_dot(s->d, y, q));
        double error = predicted - (double)h->value[j];
        rh_axpy(s->d, weight * 2 * (rh_real)error / (rh_real)rows, q, dy);
        sum += error * error / rows;
    }
    return sum;
}

/* A pass over the shared users, towards their vectors in the target. */
static int learn_map(struct rh_ctx *ctx, struct state *s, int32_t epoch, double *loss)
{
    int32_t n = s->n_shared, batch = s->params->map_batch < n ? (int32_t)s->params->map_batch : n, d = s->d;
    size_t row = (size_t)d * sizeof(rh_real);
    int32_t *order = ctx->host->scratch(ctx, (size_t)n, sizeof *order);
    rh_real *x = ctx->host->scratch(ctx, (size_t)batch, row), *dy = ctx->host->scratch(ctx, (size_t)batch, row);
    rh_real *tape = ctx->host->scratch(ctx, rh_mlp_tape(&s->shape, batch), sizeof *tape);
    rh_real *work = ctx->host->scratch(ctx, rh_mlp_work(&s->shape, batch), sizeof *work);
    if (!order || !x || !dy || !tape || !work)
        return RH_ENOMEM;
    memcpy(order, s->shared, (size_t)n * sizeof *order);
    struct rh_rng r = ctx->host->stream(ctx, "map order", (uint64_t)epoch);
    rh_rng_shuffle(&r, order, n);
    *loss = 0;
    for (int32_t at = 0; at < n; at += batch) {
        int32_t rows = n - at < batch ? n - at : batch;
        for (int32_t k = 0; k < rows; k++)
            memcpy(x + (int64_t)k * d, rh_embedding_row(&s->source.user, order[at + k]), row);
        const rh_real *y = rh_mlp_forward(&s->shape, s->map, rows, x, NULL, tape);
        for (int32_t k = 0; k < rows; k++)
            for (int32_t f = 0; f < d; f++) {
                rh_real e = y[(int64_t)k * d + f] - rh_embedding_row(&s->target.user, order[at + k])[f];
                dy[(int64_t)k * d + f] = 2 * e / (rh_real)(rows * d); /* of the mean of e^2 */
                *loss += (double)e * e / d / n;
            }
        rh_mlp_back(&s->shape, s->map, rows, x, NULL, tape, dy, s->gradient, NULL, work);
        rh_nn_step(&s->adam, 1);
        rh_nn_descend(&s->adam, rh_mlp_size(&s->shape), s->map, s->gradient, s->first, s->second);
    }
    if (!isfinite(*loss) || !rh_nn_finite(rh_mlp_size(&s->shape), s->map))
        return ctx->host->fail(ctx, RH_ENUMERIC, "the map diverged; lower map_rate below %g", s->params->map_rate);
    return RH_OK;
}

/* What does not depend on training. */
static int set_out(struct rh_ctx *ctx, struct state *s, const struct params *p, const struct rh_train *train)
{
    const struct rh_host *host = ctx->host;
    int32_t d = (int32_t)p->factors;
    s->params = p;
    s->train = train;
    s->d = d;
    s->shape =
        (struct rh_mlp){ .layers = 1, .width = { d, d }, .hidden = RH_TANH, .last = RH_LINEAR, .biasless = true };
    if (p->map == MLP)
        s->shape = (struct rh_mlp){ .layers = 2, .width = { d, (int32_t)p->hidden, d }, .hidden = RH_TANH,
                                    .last = RH_LINEAR };
    s->adam = (struct rh_optimizer_state){ .kind = RH_ADAM, .rate = p->map_rate, .decay = p->map_decay };
    s->first_item = host->alloc(ctx, (size_t)train->n_domains + 1, sizeof *s->first_item);
    s->known = host->alloc(ctx, (size_t)train->n_users, 1);
    s->known_source = host->alloc(ctx, (size_t)train->n_users, 1);
    if (!s->first_item || !s->known || !s->known_source)
        return RH_ENOMEM;
    for (int32_t k = 0; k < train->n_domains; k++) {
        const struct rh_domain *domain = &train->domain[k];
        s->first_item[k + 1] = s->first_item[k] + (k != train->target ? domain->n_items : 0);
        for (int32_t u = 0; u < train->n_users; u++)
            if (domain->row[u] < domain->row[u + 1])
                (k == train->target ? s->known : s->known_source)[u] = 1;
    }
    if (p->map != PERSONAL)
        return RH_OK;
    return rh_personal_open(ctx, &s->personal,
                            &(struct rh_personal_options){ p->factors, p->hidden, p->history, p->map_batch,
                                                           p->map_rate, p->map_decay }, train);
}

static void connect(struct state *s)
{
    s->personal.first_item = s->first_item;
    s->personal.item = s->source.item.w;
    s->personal.user = s->source.user.w;
    s->personal.width = s->d;
}

static int start_map(struct rh_ctx *ctx, struct state *s)
{
    const struct rh_host *host = ctx->host;
    if (s->params->map == PERSONAL)
        return rh_personal_start(ctx, &s->personal);
    size_t size = (size_t)rh_mlp_size(&s->shape);
    s->map = host->alloc(ctx, size, sizeof *s->map);
    s->gradient = host->alloc(ctx, size, sizeof *s->gradient);
    s->first = host->alloc(ctx, size, sizeof *s->first);
    s->second = host->alloc(ctx, size, sizeof *s->second);
    if (!s->map || !s->gradient || !s->first || !s->second)
        return RH_ENOMEM;
    struct rh_rng r = host->stream(ctx, "map", 0);
    rh_mlp_init(&s->shape, &r, s->map);
    return RH_OK;
}

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    int status = check_values(ctx, train);
    if (status < 0 || (status = set_out(ctx, s, p, train)) < 0 ||
        (status = make_side(ctx, p, &s->source, train, false, s->first_item)) < 0 ||
        (status = make_side(ctx, p, &s->target, train, true, s->first_item)) < 0)
        return status;
    s->shared = ctx->host->alloc(ctx, (size_t)train->n_users + 1, sizeof *s->shared);
    if (!s->shared)
        return RH_ENOMEM;
    for (int32_t u = 0; u < train->n_users; u++)
        if (s->known[u] && s->known_source[u])
            s->shared[s->n_shared++] = u;
    if (!s->n_shared)
        return rh_needs_shared_users(ctx, "emcdr_rating", "learns its map from", train);
    if ((status = ctx->host->parallel(ctx, 2, 1, learn_side, s)) < 0)
        return status;
    connect(s);
    return start_map(ctx, s);
}

static int epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct state *s = state;
    if (s->params->map == PERSONAL)
        return rh_personal_epoch(ctx, &s->personal, s->train, s->shared, s->n_shared, number, of_user, s, loss);
    int status = learn_map(ctx, s, number, loss);
    return status < 0 ? status : ctx->host->tick(ctx, 1, 1);
}

/* ------------------------------------------------------------------------------------------------------ answers */

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                 size_t stride)
{
    const struct state *s = state;
    size_t row = (size_t)s->d * sizeof(rh_real);
    rh_real *x = ctx->host->scratch(ctx, (size_t)n, row), *mapped = ctx->host->scratch(ctx, (size_t)n, row);
    if (!x || !mapped)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++)
        memcpy(x + (int64_t)k * s->d, rh_embedding_row(&s->source.user, query[k].user), row);
    if (s->params->map == PERSONAL) {
        int status = rh_personal_map(ctx, &s->personal, query, n, x, mapped);
        if (status < 0)
            return status;
    } else {
        rh_real *tape = ctx->host->scratch(ctx, rh_mlp_tape(&s->shape, n), sizeof *tape);
        if (!tape)
            return RH_ENOMEM;
        memcpy(mapped, rh_mlp_forward(&s->shape, s->map, n, x, NULL, tape), (size_t)n * row);
    }
    for (int32_t k = 0; k < n; k++) {
        const struct rh_query *q = &query[k];
        int32_t u = q->user;
        bool own = s->known[u];
        const rh_real *y = own ? rh_embedding_row(&s->target.user, u)
                           : s->known_source[u] ? mapped + (int64_t)k * s->d : NULL; /* NULL: a stranger to both */
        rh_real offset = own ? *rh_embedding_row(&s->target.user_offset, u) : 0;
        for (int32_t c = 0; c < q->n_candidates; c++) {
            int32_t i = rh_candidate(q, c);
            rh_real product = y ? rh_dot(s->d, y, rh_embedding_row(&s->target.item, i)) : 0;
            out[(size_t)k * stride + (size_t)c] =
                (float)(s->target.mean + (double)(offset + *rh_embedding_row(&s->target.item_offset, i) + product));
        }
    }
    return RH_OK;
}

/* The weights of a table that is read alone. */
static int persist_table(struct rh_ctx *ctx, const char *name, struct rh_embedding *t, int32_t n, int32_t width)
{
    t->n = n;
    t->E = width;
    return ctx->host->field(ctx, name, &t->w, (int64_t)n * width, sizeof *t->w);
}

static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    int32_t users = train->n_users, items = train->domain[train->target].n_items, d = (int32_t)p->factors;
    int status = s->params ? RH_OK : set_out(ctx, s, p, train);
    if (status < 0 || (status = ctx->host->value(ctx, "mean", &s->target.mean, sizeof s->target.mean)) < 0 ||
        (status = persist_table(ctx, "source users", &s->source.user, users, d)) < 0 ||
        (status = persist_table(ctx, "source items", &s->source.item, s->first_item[train->n_domains], d)) < 0 ||
        (status = persist_table(ctx, "users", &s->target.user, users, d)) < 0 ||
        (status = persist_table(ctx, "items", &s->target.item, items, d)) < 0 ||
        (status = persist_table(ctx, "user offsets", &s->target.user_offset, users, 1)) < 0 ||
        (status = persist_table(ctx, "item offsets", &s->target.item_offset, items, 1)) < 0)
        return status;
    connect(s);
    return p->map == PERSONAL ? rh_personal_persist(ctx, &s->personal)
                              : ctx->host->field(ctx, "map", &s->map, rh_mlp_size(&s->shape), sizeof *s->map);
}

static const struct rh_algorithm emcdr_rating = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "emcdr_rating",
    .summary = "ratings of cold users by vectors mapped from the sources: EMCDR's maps and PTUPCDR's personal ones",
    .reference = "Man, Shen, Jin and Cheng 2017, Cross-domain recommendation: an embedding and mapping approach, "
                 "IJCAI; Zhu, Tang, Liu, Zhuang, Xie, Zhang, Lin and He 2022, Personalized transfer of user "
                 "preferences for cross-domain recommendation, WSDM",
    .cost = "fit O(factor_epochs nnz d); epoch O(shared d^2), of personal maps O(shared (hidden d^2 + history d^2)); "
            "memory 16 d (2 U + I) + 12 nnz bytes",
    .advice = "For RMSE and MAE of users who have rated in a source alone; ranking is the business of emcdr and "
              "ptupcdr. Judge it against mean and baseline, which offsets = yes contains, and by the last epoch or by "
              "validation, never by the best test value over epochs.",
    .revision = 1,
    .flags = RH_A_NEEDS_VALUES | RH_A_RATES | RH_A_USES_SOURCES | RH_A_NEEDS_SOURCES | RH_A_COLD_USERS | RH_A_RANDOM,
    .params = table,
    .params_size = sizeof(struct params),
    .state_size = sizeof(struct state),
    .epochs = 10,
    .fit = fit,
    .epoch = epoch,
    .score = score,
    .persist = persist,
};
RH_ALGORITHM(emcdr_rating)
