/* lightgcn - vectors of users and items that are smoothed over the graph of who has what, learned by BPR.
 *
 * He, Deng, Wang, Li, Zhang and Wang 2020, "LightGCN: simplifying and powering graph convolution network for
 * recommendation" (SIGIR). With the normalised adjacency A~ (algorithms/lib/propagate.h) and learned vectors x,
 *
 *     f = 1/(K+1) sum over l = 0 .. K of A~^l x,     score(u, i) = f(u) . f(i)            (their eq. 4, 7)
 *
 * minimised over minibatches of users u with an item i they have and a sampled item j they have not is the mean of
 *
 *     softplus(f(u).f(j) - f(u).f(i)) + reg/2 (|x(u)|^2 + |x(i)|^2 + |x(j)|^2)                 (their eq. 15)
 *
 * by Adam. A step carries all of x through K layers and its gradient back through the same, so what a step costs
 * hardly depends on the size of the minibatch. Settings of other programs: the authors' code has batch = 2048, rate =
 * 0.001, reg = 0.0001, init_sd = 0.1, positives = users; RecBole has batch = 4096 or so, init_sd = 0, and its
 * reg_weight is not this reg (it takes the norm of a minibatch, not its square).
 *
 * An unseen user is a new node with edges to the items H of the history, a vector x of 0, and the degrees of the
 * items as they were; the others do not see it. Then
 *
 *     f(u) = |H|^(-1/2) sum over i in H of r(i),     r(i) = d(i)^(-1/2) / (K+1) sum over l = 0 .. K-1 of (A~^l x)(i)
 *
 * For a user of the train part with the train row as history that sum and x(u) / (K+1) is f(u) itself, so every query
 * is answered by this one formula, and a score is a sum over the items of the history. */
#include "algorithms/lib/explain.h"
#include "algorithms/lib/factors.h"
#include "algorithms/lib/propagate.h"

#include <string.h>

struct lightgcn_params {
    int64_t factors, layers, batch;
    double rate, reg, init_sd, power;
    int positives, negatives;
};

static const struct rh_param lightgcn_table[] = {
    RH_INT(struct lightgcn_params, factors, 64, 1, 4096, "length of the vectors"),
    RH_INT(struct lightgcn_params, layers, 2, 0, 16, "number K of layers; 0: no graph, BPR by minibatches"),
    RH_REAL(struct lightgcn_params, rate, 0.005, 1e-9, 10, "learning rate of Adam"),
    RH_REAL(struct lightgcn_params, reg, 0.0001, 0, 1e6, "L2 regularisation of the vectors of each triple"),
    RH_INT(struct lightgcn_params, batch, 2048, 1, 1 << 24, "triples a step; each step goes through the whole graph"),
    RH_REAL(struct lightgcn_params, init_sd, 0.1, 0, 10,
            "standard deviation of initial vectors; 0: sqrt(2 / (rows + factors)) (Glorot and Bengio 2010)"),
    RH_ENUM(struct lightgcn_params, positives, RH_EACH_INTERACTION, rh_positives_from_words,
            "what an epoch goes through"),
    RH_ENUM(struct lightgcn_params, negatives, RH_UNIFORM_ITEMS, rh_negatives_from_words,
            "how the other item is drawn"),
    RH_REAL(struct lightgcn_params, power, 1, 0, 10, "of popularity (negatives = popularity)"),
    RH_PARAMS_END,
};

struct lightgcn_state {
    const struct lightgcn_params *params;
    int32_t n_users, n_items, width, layers, target;
    struct rh_graph graph;
    struct rh_pairs pairs;
    struct rh_slices shape;      /* users, then items */
    rh_real *x, *first, *second; /* tables: learned vectors, Adam's moments */
    int64_t steps;
    float *own;   /* [n_users x width] x(u) / (K+1) */
    float *item;  /* [n_items x width] f(i) */
    float *reach; /* [n_items x width] r(i) */
};

struct step { /* what an epoch works with */
    rh_real *f, *g, *spare; /* tables: f, later the gradient by x; gradient by f, 0 between steps; room */
    struct rh_slices_batch batch;
};

static void take_params(struct lightgcn_state *s, const struct lightgcn_params *p, const struct rh_train *train)
{
    s->params = p;
    s->n_users = train->n_users;
    s->target = train->target;
    s->n_items = train->domain[train->target].n_items;
    s->width = rh_factor_width(p->factors);
    s->layers = (int32_t)p->layers;
}

static int step_init(struct rh_ctx *ctx, const struct lightgcn_state *s, struct step *w)
{
    int64_t most = s->params->batch < s->pairs.n ? s->params->batch : s->pairs.n;
    w->f = rh_slices_take(ctx, &s->shape, ctx->host->scratch);
    w->g = rh_slices_take(ctx, &s->shape, ctx->host->scratch);
    w->spare = rh_slices_take(ctx, &s->shape, ctx->host->scratch);
    if (!w->f || !w->g || !w->spare)
        return RH_ENOMEM;
    w->batch = (struct rh_slices_batch){ .first_item = s->n_users, .kind = RH_BPR, .weight = 1 };
    return rh_slices_batch_init(ctx, &w->batch, most);
}

/* The gradient of the loss of w->batch by x into w->f; adds the mean over the triples, without regularisation, to
 * *loss. */
static int gradient(struct rh_ctx *ctx, const struct lightgcn_state *s, struct step *w, double *loss)
{
    rh_real reg = (rh_real)(s->params->reg / (double)w->batch.n);
    int status = rh_graph_mean(ctx, &s->graph, &s->shape, s->layers, s->x, w->spare, w->f);
    if (status >= 0)
        status = rh_slices_learn(ctx, &s->shape, w->f, &w->batch, w->g, loss);
    if (status >= 0) /* the mean of layers is symmetric: its transpose is itself */
        status = rh_graph_mean(ctx, &s->graph, &s->shape, s->layers, w->g, w->spare, w->f);
    if (status >= 0 && reg > 0)
        status = rh_slices_shrink(ctx, &s->shape, s->x, &w->batch, reg, w->f);
    memset(w->g, 0, (size_t)rh_slices_size(&s->shape) * sizeof *w->g);
    return status;
}

/* What score needs, from x. */
static int publish(struct rh_ctx *ctx, struct lightgcn_state *s, struct step *w)
{
    double share = 1 / (s->layers + 1.0);
    int status = rh_graph_mean(ctx, &s->graph, &s->shape, s->layers, s->x, w->spare, w->f);
    if (status >= 0)
        status = rh_slices_rows(ctx, &s->shape, s->x, 0, s->n_users, share, s->own);
    if (status >= 0)
        status = rh_slices_rows(ctx, &s->shape, w->f, s->n_users, s->n_items, 1, s->item);
    if (status >= 0 && s->layers > 0)
        status = rh_slices_rows(ctx, &s->shape, w->spare, s->n_users, s->n_items, share, s->reach);
    for (int32_t i = 0; i < s->n_items && status >= 0; i++)
        for (int32_t c = 0; c < s->width; c++)
            s->reach[(int64_t)i * s->width + c] *= (float)s->graph.scale[s->n_users + i];
    return status;
}

static int draw_vectors(struct rh_ctx *ctx, struct lightgcn_state *s)
{
    const struct lightgcn_params *p = s->params;
    double of_users = p->init_sd, of_items = p->init_sd;
    if (p->init_sd <= 0) {
        of_users = sqrt(2 / ((double)s->n_users + (double)p->factors));
        of_items = sqrt(2 / ((double)s->n_items + (double)p->factors));
    }
    int status = rh_slices_draw(ctx, &s->shape, s->x, 0, s->n_users, p->factors, of_users, "users");
    if (status >= 0)
        status = rh_slices_draw(ctx, &s->shape, s->x, s->n_users, s->n_items, p->factors, of_items, "items");
    rh_graph_forget(&s->graph, &s->shape, s->x);
    return status;
}

static int lightgcn_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct lightgcn_state *s = state;
    const struct lightgcn_params *p = params;
    const struct rh_domain *d = &train->domain[train->target];
    struct step w;
    take_params(s, p, train);
    s->shape = (struct rh_slices){ (int64_t)s->n_users + s->n_items, rh_slices_of(p->factors) };
    size_t row = (size_t)s->width * sizeof(float);
    s->x = rh_slices_take(ctx, &s->shape, ctx->host->alloc);
    s->first = rh_slices_take(ctx, &s->shape, ctx->host->alloc);
    s->second = rh_slices_take(ctx, &s->shape, ctx->host->alloc);
    s->own = ctx->host->alloc(ctx, (size_t)s->n_users, row);
    s->item = ctx->host->alloc(ctx, (size_t)s->n_items, row);
    s->reach = ctx->host->alloc(ctx, (size_t)s->n_items, row);
    if (!s->x || !s->first || !s->second || !s->own || !s->item || !s->reach)
        return RH_ENOMEM;
    int status = rh_pairs_init(ctx, &s->pairs, d, train->n_users, p->positives, p->negatives, p->power);
    if (status >= 0)
        status = rh_graph_init(ctx, &s->graph, d, train->n_users);
    if (status >= 0)
        status = draw_vectors(ctx, s);
    if (status >= 0)
        status = step_init(ctx, s, &w);
    return status < 0 || ctx->host->purpose(ctx) & RH_FOR_LOADING ? status : publish(ctx, s, &w);
}

static int lightgcn_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct lightgcn_state *s = state;
    const struct lightgcn_params *p = s->params;
    const struct rh_learning drawing = { .pairs = &s->pairs };
    struct rh_optimizer_state rule = { .kind = RH_ADAM, .rate = p->rate, .step = s->steps };
    struct rh_triple *t;
    struct step w;
    int64_t n;
    double sum = 0;
    int status = rh_pairs_draw(ctx, &drawing, epoch, &t, &n);
    if (status >= 0)
        status = step_init(ctx, s, &w);
    for (int64_t k = 0; status >= 0 && k < n; k += w.batch.n) {
        double of_batch = 0;
        w.batch.t = t + k;
        w.batch.n = n - k < p->batch ? n - k : p->batch;
        rh_nn_step(&rule, 1);
        if ((status = gradient(ctx, s, &w, &of_batch)) < 0 ||
            (status = rh_slices_descend(ctx, &s->shape, &rule, s->x, w.f, s->first, s->second)) < 0)
            return status;
        sum += of_batch * (double)w.batch.n;
        status = ctx->host->tick(ctx, k + w.batch.n, n);
    }
    if (status < 0)
        return status;
    s->steps = rule.step;
    *loss = sum / (double)n;
    if (!isfinite(*loss) || !rh_nn_finite(rh_slices_size(&s->shape), s->x))
        return ctx->host->fail(ctx, RH_ENUMERIC, "the vectors are no numbers any more in epoch %d; lower rate, which "
                               "is %g", epoch, p->rate);
    return publish(ctx, s, &w);
}

/* f of the user of a query: [width] */
static void user_vector(const struct lightgcn_state *s, const struct rh_query *q, float *x)
{
    const struct rh_history *h = &q->history[s->target];
    const float *own = s->own + (int64_t)q->user * s->width;
    for (int32_t m = 0; m < h->n; m++)
        rh_factor_add(x, 1, s->reach + (int64_t)h->item[m] * s->width, s->width);
    float scale = h->n ? 1 / sqrtf((float)h->n) : 0;
    for (int32_t c = 0; c < s->width; c++)
        x[c] = own[c] + scale * x[c];
}

static int lightgcn_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                          size_t stride)
{
    const struct lightgcn_state *s = state;
    float *x = ctx->host->scratch(ctx, (size_t)n, (size_t)s->width * sizeof *x);
    if (!x)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++)
        user_vector(s, &query[k], x + (int64_t)k * s->width);
    rh_factors_score(x, s->item, NULL, s->n_items, s->width, query, n, out, stride);
    return RH_OK;
}

/* A score is the part of the user's own vector and one part an item of the history. */
static int lightgcn_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item,
                            int32_t max, int32_t *why, float *weight)
{
    const struct lightgcn_state *s = state;
    const struct rh_history *h = &query->history[s->target];
    int32_t n = 0;
    (void)ctx;
    for (int32_t m = 0; m < h->n; m++) {
        float part = rh_factor_dot(s->reach + (int64_t)h->item[m] * s->width, s->item + (int64_t)item * s->width,
                                   s->width);
        n = rh_insert_part(why, weight, n, max, h->item[m], part / sqrtf((float)h->n));
    }
    return n;
}

static int persist_vectors(struct rh_ctx *ctx, struct lightgcn_state *s, unsigned purpose)
{
    int64_t n = rh_slices_size(&s->shape);
    int status = RH_OK;
    if (purpose & RH_FOR_STARTING)
        status = ctx->host->field(ctx, "vectors", &s->x, n, sizeof *s->x);
    if (status < 0 || !(purpose & RH_FOR_RESUMING))
        return status;
    if ((status = ctx->host->field(ctx, "first moments", &s->first, n, sizeof *s->x)) < 0 ||
        (status = ctx->host->field(ctx, "second moments", &s->second, n, sizeof *s->x)) < 0)
        return status;
    return ctx->host->value(ctx, "steps", &s->steps, sizeof s->steps);
}

static int lightgcn_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct lightgcn_state *s = state;
    size_t row = (size_t)rh_factor_width(((const struct lightgcn_params *)params)->factors) * sizeof(float);
    bool made = s->x, loading = ctx->host->purpose(ctx) & RH_FOR_LOADING;
    int status = RH_OK;
    struct step w;
    take_params(s, params, train);
    if (!(made && loading) && /* else they are made anew from x, for the layers and the train rows of now */
        ((status = ctx->host->field(ctx, "own", &s->own, s->n_users, row)) < 0 ||
         (status = ctx->host->field(ctx, "items", &s->item, s->n_items, row)) < 0 ||
         (status = ctx->host->field(ctx, "reach", &s->reach, s->n_items, row)) < 0))
        return status;
    if (!made || (status = persist_vectors(ctx, s, ctx->host->purpose(ctx))) < 0 || !loading)
        return status;
    status = step_init(ctx, s, &w);
    return status < 0 ? status : publish(ctx, s, &w);
}

static const struct rh_algorithm lightgcn = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "lightgcn",
    .summary = "vectors of users and items, smoothed over the graph of who has what, learned by BPR",
    .reference = "He, Deng, Wang, Li, Zhang and Wang 2020, LightGCN: simplifying and powering graph convolution "
                 "network for recommendation, SIGIR",
    .cost = "a step O(K nnz d + (U + I) d), an epoch nnz / batch steps; score O((|history| + I) d) a query; memory "
            "16 U d + 20 I d + 4 nnz bytes, and 12 (U + I) d + 16 nnz while an epoch runs",
    .advice = "Where users have few items: neighbours of neighbours then help. Every step goes through the whole "
              "graph, so twice the batch is half the time of an epoch, but fewer steps want a higher rate or more "
              "epochs. Tune the number of epochs (early stopping), layers (1 to 3), rate, reg. "
              "ease and ials are often ahead for a fraction of the time.",
    .revision = 1,
    .flags = RH_A_COLD_USERS | RH_A_RANDOM | RH_A_RESUMES,
    .params = lightgcn_table,
    .params_size = sizeof(struct lightgcn_params),
    .state_size = sizeof(struct lightgcn_state),
    .epochs = 40,
    .fit = lightgcn_fit,
    .epoch = lightgcn_epoch,
    .score = lightgcn_score,
    .explain = lightgcn_explain,
    .persist = lightgcn_persist,
};

RH_ALGORITHM(lightgcn)
