/* neumf - neural matrix factorisation, and its two parts alone: GMF and MLP.
 *
 * He, Liao, Nie, Hu and Chua 2017, "Neural collaborative filtering" (WWW). The score of user u and item i is
 *
 *     gmf = h_g . (p_u * q_i) + b_g                                      p, q [F], '*' element by element
 *     mlp = h_m . relu(W_L .. relu(W_1 [p'_u ; q'_i] + b_1) .. + b_L) + b_m     widths F 2^(L-1), .., 2 F, F
 *
 * or their sum (their eq. 8, 10, 12), with vectors p', q' [F 2^(L-1)] of its own for the MLP: the sizes of the authors'
 * program, whose layers = [64,32,16,8] are factors = 8, depth = 3. Trained by Adam on the binary cross-entropy of each
 * interaction and `negatives` items that the user has not taken, drawn anew in every epoch. A liked item and its
 * negatives are in the same step.
 *
 * pretrain = n: for n epochs the two parts learn each for itself (and answer as the mean with weights alpha, 1 -
 * alpha); then their heads are joined with these weights and learn together by plain gradient descent of rate
 * tuning_rate (section 3.4.1).
 *
 * Adam is that of whole tables, as in the authors' program: rows that a step does not touch move on (nn.h,
 * rh_nn_rest). Threads do not change the numbers (ncf.h).
 *
 * The user of a query is a row of the tables: users who were not in training have the vector 0, so that they get what
 * the network makes of the items alone. */
#include "algorithms/lib/ncf.h"
#include "algorithms/lib/negative.h"

#include <string.h>

#define TILE 128    /* items that are scored together */
#define DRAWN_AT 64 /* steps whose examples are drawn at once */

enum mode { NEUMF, GMF_ALONE, MLP_ALONE };

struct neumf_params {
    int64_t factors, depth, negatives, batch, pretrain;
    double rate, tuning_rate, alpha, spread, dropout, decay;
    int mode;
};

static const struct rh_choice modes[] = {
    { "neumf", NEUMF, "both parts" },
    { "gmf", GMF_ALONE, "generalised matrix factorisation" },
    { "mlp", MLP_ALONE, "layers over the two vectors" },
    { NULL, 0, NULL },
};

static const struct rh_param neumf_table[] = {
    RH_ENUM(struct neumf_params, mode, NEUMF, modes, "which of the models of the paper"),
    RH_INT(struct neumf_params, factors, 16, 1, 1024,
           "predictive factors F: width of GMF's vectors and MLP's last layer"),
    RH_INT(struct neumf_params, depth, 3, 1, RH_MLP_LAYERS - 1,
           "hidden layers L of MLP, each half as wide as the one before"),
    RH_INT(struct neumf_params, negatives, 4, 1, 1000, "sampled items an interaction, none of them of the user"),
    RH_INT(struct neumf_params, batch, 256, 1, 1 << 20, "examples a step, liked and sampled"),
    RH_REAL(struct neumf_params, rate, 0.001, 1e-9, 1, "learning rate of Adam"),
    RH_REAL(struct neumf_params, decay, 0, 0, 1, "weight decay: share taken from a weight by a step of rate 1"),
    RH_REAL(struct neumf_params, dropout, 0, 0, 0.99, "share of MLP's hidden units that training drops"),
    RH_REAL(struct neumf_params, spread, 0.01, 1e-9, 10, "standard deviation of initial vectors"),
    RH_INT(struct neumf_params, pretrain, 0, 0, 1000000, "epochs in which the parts learn alone (mode = neumf)"),
    RH_REAL(struct neumf_params, alpha, 0.5, 0, 1, "weight of GMF where the parts are joined after pretraining"),
    RH_REAL(struct neumf_params, tuning_rate, 0.001, 1e-9, 10, "rate of gradient descent after pretraining"),
    RH_PARAMS_END,
};

struct neumf_state {
    const struct neumf_params *params;
    const struct rh_domain *domain;
    struct rh_ncf net;
    int32_t n_users, n_liked;
    int32_t *liked;   /* [n_liked] rows of users who have some items and not all */
    int32_t *user_of; /* [interactions] */
    rh_real *by_item; /* [n_items x width of MLP's first layer] the items' half of it, with the bias */
};

/* Shapes, which follow from the parameters alone. */
static void take_shapes(struct neumf_state *s, const struct neumf_params *p, const struct rh_train *train)
{
    *s = (struct neumf_state){ .params = p, .domain = &train->domain[train->target], .n_users = train->n_users };
    s->net = (struct rh_ncf){ .share = { 1, 1 },
                              .alone = p->pretrain > 0,
                              .dropout = p->dropout,
                              .rule = { .kind = RH_ADAM, .rate = p->rate, .decay = p->decay } };
    rh_ncf_shape(&s->net, p->mode != MLP_ALONE, p->mode != GMF_ALONE, (int32_t)p->factors, (int32_t)p->depth);
    if (s->net.alone) {
        s->net.share[RH_GMF] = (rh_real)p->alpha;
        s->net.share[RH_MLP] = (rh_real)(1 - p->alpha);
    }
}

static int neumf_check(struct rh_ctx *ctx, const void *params)
{
    const struct neumf_params *p = params;
    if (p->factors << p->depth > 16384)
        return ctx->host->fail(ctx, RH_EINVAL,
                               "factors = %lld and depth = %lld make a first layer of %lld inputs, at "
                               "most are 16384: lower one of them",
                               (long long)p->factors, (long long)p->depth, (long long)(p->factors << p->depth));
    if (p->pretrain > 0 && p->mode != NEUMF)
        return ctx->host->fail(ctx, RH_EINVAL,
                               "pretrain = %lld is for mode = neumf, which joins two parts that "
                               "learned alone",
                               (long long)p->pretrain);
    if (p->rate * p->decay > 0.05)
        return ctx->host->fail(ctx, RH_EINVAL,
                               "rate * decay = %g, at most is 0.05: a step would take that share of "
                               "every weight",
                               p->rate * p->decay);
    return RH_OK;
}

/* ---------------------------------------------------------------------------------------------------- one epoch */

struct drawing {
    const struct neumf_state *s;
    const int32_t *order;   /* [n_liked] shuffled */
    int32_t groups;         /* liked rows a step */
    int32_t n_steps, first; /* of an epoch; the first of those drawn */
    uint64_t epoch;
    int32_t *row[2]; /* [DRAWN_AT x groups x m] users, items */
};

static int32_t groups_of(const struct drawing *d, int32_t step)
{
    int64_t from = (int64_t)step * d->groups, left = d->s->n_liked - from;
    return (int32_t)(left < d->groups ? left : d->groups);
}

static int draw_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct drawing *d = arg;
    const struct neumf_state *s = d->s;
    int32_t m = (int32_t)s->params->negatives + 1;
    for (int64_t at = begin; at < end; at++) {
        int32_t step = d->first + (int32_t)at;
        struct rh_rng r = ctx->host->stream(ctx, "negatives", d->epoch * (uint64_t)d->n_steps + (uint64_t)step);
        for (int32_t g = 0; g < groups_of(d, step); g++) {
            int32_t row = d->order[(int64_t)step * d->groups + g], user = s->user_of[row];
            for (int32_t k = 0; k < m; k++) {
                size_t to = ((size_t)at * (size_t)d->groups + (size_t)g) * (size_t)m + (size_t)k;
                d->row[0][to] = user;
                d->row[1][to] = k == 0 ? s->domain->item[row] : rh_negative(s->domain, user, &r);
            }
        }
    }
    return RH_OK;
}

/* Draws the steps from d->first on, as many as are drawn at once. */
static int draw(struct rh_ctx *ctx, struct drawing *d)
{
    int32_t left = d->n_steps - d->first;
    return ctx->host->parallel(ctx, left < DRAWN_AT ? left : DRAWN_AT, 1, draw_part, d);
}

/* Points t's next rows at those of this step, if it is drawn. */
static void look_ahead(struct rh_ncf_step *t, const struct drawing *d, int32_t step)
{
    t->n_next = 0;
    if (step >= d->n_steps || step >= d->first + DRAWN_AT)
        return;
    t->n_next = groups_of(d, step) * t->m;
    for (int side = 0; side < 2; side++)
        t->next[side] = d->row[side] + (size_t)(step - d->first) * (size_t)d->groups * (size_t)t->m;
}

static int run_steps(struct rh_ctx *ctx, struct drawing *d, struct rh_ncf_step *t, double *loss)
{
    int32_t chunk_end = 0;
    int status = RH_OK;
    for (int32_t step = 0; step < d->n_steps && status >= 0; step++) {
        if (step == chunk_end) {
            d->first = step;
            chunk_end = step + DRAWN_AT;
            status = draw(ctx, d);
            t->n = 0;
            look_ahead(t, d, step);
            status = status < 0 ? status : rh_ncf_move(ctx, t); /* wakes the first */
        }
        t->n = t->n_next;
        t->row[0] = t->next[0];
        t->row[1] = t->next[1];
        t->number = d->epoch * (uint64_t)d->n_steps + (uint64_t)step;
        look_ahead(t, d, step + 1);
        status = status < 0 ? status : rh_ncf_learn(ctx, t, loss);
        status = status < 0 ? status : rh_ncf_move(ctx, t);
        status = status < 0 ? status : ctx->host->tick(ctx, step + 1, d->n_steps);
    }
    return status;
}

/* ------------------------------------------------------------------------------------------------------ scoring */

static int items_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct neumf_state *s = arg;
    const struct rh_mlp *m = &s->net.part[RH_MLP].net;
    size_t E = (size_t)s->net.table[RH_MLP_ITEM].E, H = (size_t)m->width[1];
    rh_real *x = ctx->host->scratch(ctx, TILE, 2 * E * sizeof *x), *y = ctx->host->scratch(ctx, TILE, H * sizeof *y);
    if (!x || !y)
        return RH_ENOMEM;
    for (int64_t i = begin; i < end; i++)
        memcpy(x + (size_t)(i - begin) * 2 * E + E, rh_embedding_row(&s->net.table[RH_MLP_ITEM], (int32_t)i),
               E * sizeof *x);
    rh_nn_linear(TILE, m->width[0], m->width[1], x, s->net.part[RH_MLP].phi,
                 s->net.part[RH_MLP].phi + (size_t)m->width[0] * H, y);
    memcpy(s->by_item + (size_t)begin * H, y, (size_t)(end - begin) * H * sizeof *y);
    return RH_OK;
}

/* Makes what scoring reads; after each epoch. */
static int publish(struct rh_ctx *ctx, struct neumf_state *s)
{
    if (!rh_ncf_finite(&s->net))
        return ctx->host->fail(ctx, RH_ENUMERIC,
                               "the weights are no numbers any more; lower rate, which is %g, or "
                               "tuning_rate, which is %g",
                               s->params->rate, s->params->tuning_rate);
    return s->net.used[RH_MLP] ? ctx->host->parallel(ctx, s->domain->n_items, TILE, items_part, s) : RH_OK;
}

/* What scoring one user takes. */
struct asking {
    rh_real *taste;    /* [F] p * h_g */
    rh_real *by_user;  /* [width[1]] */
    rh_real *h, *tape; /* [TILE x width[1]], and what the layers above need */
};

/* a[width[1]]: the user's half of MLP's first layer. */
static void user_half(const struct neumf_state *s, int32_t user, rh_real *a)
{
    const struct rh_mlp *m = &s->net.part[RH_MLP].net;
    const rh_real *p = rh_embedding_row(&s->net.table[RH_MLP_USER], user);
    for (int32_t h = 0; h < m->width[1]; h++)
        a[h] = rh_dot(s->net.table[RH_MLP_USER].E, p, s->net.part[RH_MLP].phi + (size_t)h * (size_t)m->width[0]);
}

/* Adds MLP's part to the scores of a tile of n items. */
static void score_tile(const struct neumf_state *s, const rh_real *a, int32_t n, const int32_t *item, int32_t first,
                       struct asking *x, float *out)
{
    const struct rh_mlp *m = &s->net.part[RH_MLP].net;
    int32_t H = m->width[1];
    for (int32_t k = 0; k < n; k++) {
        const rh_real *b = s->by_item + (size_t)(item ? item[k] : first + k) * (size_t)H;
        rh_real *h = x->h + (size_t)k * (size_t)H;
#pragma omp simd
        for (int32_t f = 0; f < H; f++)
            h[f] = a[f] + b[f] > 0 ? a[f] + b[f] : 0;
    }
    struct rh_mlp upper = { .layers = m->layers - 1, .hidden = m->hidden, .last = m->last };
    memcpy(upper.width, m->width + 1, (size_t)m->layers * sizeof *upper.width);
    const rh_real *phi = s->net.part[RH_MLP].phi + rh_mlp_layer(m, 2, NULL);
    const rh_real *y = rh_mlp_forward(&upper, phi, TILE, x->h, NULL, x->tape); /* always a full tile: same sums */
    for (int32_t k = 0; k < n; k++)
        out[k] += (float)(s->net.share[RH_MLP] * y[k]);
}

static void score_user(const struct neumf_state *s, const struct rh_query *q, struct asking *x, float *out)
{
    const struct rh_embedding *p = &s->net.table[RH_GMF_USER], *items = &s->net.table[RH_GMF_ITEM];
    memset(out, 0, (size_t)q->n_candidates * sizeof *out);
    if (s->net.used[RH_GMF]) {
        memset(x->taste, 0, (size_t)p->E * sizeof *x->taste);
        rh_axpy_product(p->E, s->net.share[RH_GMF], rh_embedding_row(p, q->user), s->net.part[RH_GMF].phi, x->taste);
        for (int32_t c = 0; c < q->n_candidates; c++)
            out[c] = (float)(rh_dot(p->E, x->taste, rh_embedding_row(items, q->candidate ? q->candidate[c] : c)) +
                             s->net.share[RH_GMF] * s->net.part[RH_GMF].phi[p->E]);
    }
    if (!s->net.used[RH_MLP])
        return;
    user_half(s, q->user, x->by_user);
    for (int32_t c = 0; c < q->n_candidates; c += TILE) {
        int32_t n = q->n_candidates - c < TILE ? q->n_candidates - c : TILE;
        score_tile(s, x->by_user, n, q->candidate ? q->candidate + c : NULL, c, x, out + c);
    }
}

static int neumf_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                       size_t stride)
{
    const struct neumf_state *s = state;
    const struct rh_mlp *m = &s->net.part[RH_MLP].net;
    size_t cell = sizeof(rh_real), H = (size_t)m->width[1];
    struct asking x = { .taste = ctx->host->scratch(ctx, (size_t)s->params->factors, cell),
                        .by_user = ctx->host->scratch(ctx, H, cell),
                        .h = ctx->host->scratch(ctx, TILE, H * cell),
                        .tape = ctx->host->scratch(ctx, rh_mlp_tape(m, TILE), cell) };
    if (!x.taste || !x.by_user || !x.h || !x.tape)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++)
        score_user(s, &query[k], &x, out + (size_t)k * stride);
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------- fit, epochs */

static int take_rows(struct rh_ctx *ctx, struct neumf_state *s)
{
    const struct rh_domain *d = s->domain;
    int64_t n = d->row[s->n_users];
    if (n > INT32_MAX)
        return ctx->host->fail(ctx, RH_EDATA, "domain '%s' has %lld interactions, at most are 2147483647", d->name,
                               (long long)n);
    s->liked = ctx->host->alloc(ctx, (size_t)n + 1, sizeof *s->liked);
    s->user_of = ctx->host->alloc(ctx, (size_t)n + 1, sizeof *s->user_of);
    if (!s->liked || !s->user_of)
        return RH_ENOMEM;
    for (int32_t u = 0; u < s->n_users; u++)
        for (int64_t j = d->row[u]; j < d->row[u + 1]; j++) {
            s->user_of[j] = u;
            if (d->row[u + 1] - d->row[u] < d->n_items)
                s->liked[s->n_liked++] = (int32_t)j;
        }
    if (!s->n_liked)
        return ctx->host->fail(ctx, RH_EDATA,
                               "domain '%s' has no user with some items and not all, so there is "
                               "nothing to learn from",
                               d->name);
    return RH_OK;
}

static int take_by_item(struct rh_ctx *ctx, struct neumf_state *s)
{
    if (!s->net.used[RH_MLP])
        return RH_OK;
    s->by_item = ctx->host->alloc(ctx, (size_t)s->domain->n_items,
                                  (size_t)s->net.part[RH_MLP].net.width[1] * sizeof *s->by_item);
    return s->by_item ? RH_OK : RH_ENOMEM;
}

/* Users without interactions have the vector 0, where it stays: nothing is learned about them. */
static void forget_strangers(struct neumf_state *s)
{
    for (int k = RH_GMF_USER; k < RH_NCF_TABLES; k += 2) {
        struct rh_embedding *t = &s->net.table[k];
        for (int32_t u = 0; u < t->n; u++)
            if (s->domain->row[u] == s->domain->row[u + 1])
                memset(t->w + (size_t)u * (size_t)t->E, 0, (size_t)t->E * sizeof *t->w);
    }
}

static int neumf_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct neumf_state *s = state;
    int status;
    take_shapes(s, params, train);
    if ((status = take_rows(ctx, s)) < 0 || (status = take_by_item(ctx, s)) < 0 ||
        (status = rh_ncf_init(ctx, &s->net, s->n_users, s->domain->n_items, s->params->spread)) < 0)
        return status;
    forget_strangers(s);
    return publish(ctx, s);
}

/* Joins the parts that learned alone: one head of both, with their weights, and one bias. */
static void join(struct neumf_state *s)
{
    for (int k = 0; k < RH_NCF_PARTS; k++) {
        int64_t size, at = rh_mlp_layer(&s->net.part[k].net, s->net.part[k].net.layers, &size);
        for (int64_t i = 0; i < size; i++)
            s->net.part[k].phi[at + i] *= s->net.share[k];
        s->net.share[k] = 1;
    }
    s->net.alone = false;
    s->net.rule.kind = RH_SGD;
    s->net.rule.rate = s->params->tuning_rate;
}

static int neumf_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct neumf_state *s = state;
    int32_t m = (int32_t)s->params->negatives + 1, groups = (int32_t)(s->params->batch / m);
    groups = groups < 1 ? 1 : groups < s->n_liked ? groups : s->n_liked;
    if (s->net.alone && epoch > s->params->pretrain)
        join(s);
    struct drawing d = {
        .s = s, .groups = groups, .n_steps = (s->n_liked + groups - 1) / groups, .epoch = (uint64_t)epoch
    };
    int32_t *order = ctx->host->scratch(ctx, (size_t)s->n_liked, sizeof *order);
    size_t drawn = DRAWN_AT * (size_t)groups;
    d.row[0] = ctx->host->scratch(ctx, drawn, (size_t)m * sizeof *d.row[0]);
    d.row[1] = ctx->host->scratch(ctx, drawn, (size_t)m * sizeof *d.row[1]);
    if (!order || !d.row[0] || !d.row[1])
        return RH_ENOMEM;
    struct rh_rng r = ctx->host->stream(ctx, "order", (uint64_t)epoch);
    memcpy(order, s->liked, (size_t)s->n_liked * sizeof *order);
    rh_rng_shuffle(&r, order, s->n_liked);
    d.order = order;
    struct rh_ncf_step t;
    int status = rh_ncf_step_init(ctx, &s->net, groups * m, m, &t);
    *loss = 0;
    if (status < 0 || (status = run_steps(ctx, &d, &t, loss)) < 0)
        return status;
    *loss /= (double)s->n_liked * m;
    for (int k = 0; k < RH_NCF_TABLES; k++)
        if (s->net.used[k / 2])
            rh_embedding_wake_all(&s->net.table[k], &s->net.rule);
    return publish(ctx, s);
}

static int neumf_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct neumf_state *s = state;
    bool made = s->params;
    if (!made)
        take_shapes(s, params, train);
    int status = rh_ncf_persist(ctx, &s->net, s->n_users, s->domain->n_items);
    if (status < 0 || !(ctx->host->purpose(ctx) & RH_FOR_LOADING))
        return status;
    if (!made && (status = take_by_item(ctx, s)) < 0)
        return status;
    return publish(ctx, s);
}

static const struct rh_algorithm neumf = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "neumf",
    .summary = "neural matrix factorisation: products and layers over vectors of users and items",
    .reference = "He, Liao, Nie, Hu and Chua 2017, Neural collaborative filtering, WWW",
    .cost = "epoch O(nnz (1 + negatives) S) with S weights of the layers, about 2.7 F^2 4^(L-1) x 2; score O(S) a user "
            "and item, the first layer's items are made once; memory 16 (U + I) F (1 + 2^(L-1)) bytes",
    .advice = "The network that many later ones are compared with; tuned neighbours, ease and ials are often better "
              "(Rendle et al. 2020, Ferrari Dacrema et al. 2021), so run them beside it. Tune factors, rate and the "
              "number of epochs (early stopping) first, then negatives and decay. Users who were not in training get "
              "what the items' side says: no folding in.",
    .revision = 1,
    .flags = RH_A_RANDOM | RH_A_RESUMES,
    .params = neumf_table,
    .params_size = sizeof(struct neumf_params),
    .state_size = sizeof(struct neumf_state),
    .epochs = 20,
    .check = neumf_check,
    .fit = neumf_fit,
    .epoch = neumf_epoch,
    .score = neumf_score,
    .persist = neumf_persist,
};

RH_ALGORITHM(neumf)
