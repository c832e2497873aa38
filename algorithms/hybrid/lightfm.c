/* lightfm - users and items are the sums of the vectors of their features.
 *
 * Kula 2015, "Metadata embeddings for user and item cold-start recommendations" (CBRecSys at RecSys). With F(u) the
 * features of a user and F(i) those of an item, each with its weight w, and `own` one that is theirs alone:
 *
 *     p(u) = sum over f in F(u) of w e(f)        q(i) = sum over f in F(i) of w e(f)       b(i), b(u) likewise
 *     score(u, i) = p(u).q(i) + b(i)             (b(u) is learned with logistic and orders nothing)
 *
 * Losses: `bpr` (Rendle et al. 2009): softplus(-x), x = score(u, liked) - score(u, other); `warp` (Weston et al.
 * 2011): log(floor((I - 1) / N)), at most `most`, times max(0, 1 - x), of the first violator of the margin, which was
 * the N-th of at most `tries` draws; `logistic`: softplus(-s) of the liked item and softplus(s) of one that the user
 * has not, as two examples, s = score + b(u). A step an example, by AdaGrad over the elements of all vectors in it.
 *
 * An item or a user without interactions has no vector of their own, and so the sum of what is known of them; without
 * features that is nothing, and such a user gets the items in the order of their biases.
 *
 * Features are shared, so steps are made one after the other, on one thread; violators of `chunk` pairs are looked for
 * on all threads at once, in the model before the chunk. The numbers do not depend on threads. */
#include "algorithms/lib/factors.h"
#include "algorithms/lib/item_features.h"
#include "algorithms/lib/pairwise.h"

#include <string.h>

enum lightfm_loss { LOGISTIC, BPR, WARP };

struct lightfm_params {
    RH_ITEM_FEATURES_FIELDS;
    const char *user_blocks;
    int64_t factors, tries, chunk;
    double rate, reg_user, reg_item, most;
    int loss, step;
    bool own, normalize;
};

static const struct rh_choice loss_words[] = {
    { "warp", WARP, "weighted approximate-rank pairwise loss: what stands too high" },
    { "bpr", BPR, "what a user has above what they have not" },
    { "logistic", LOGISTIC, "whether the user has it" },
    { NULL, 0, NULL },
};
static const struct rh_choice step_words[] = {
    { "adagrad", RH_PAIR_ADAGRAD, "shorter the more a weight has moved (Duchi et al. 2011)" },
    { "sgd", RH_PAIR_SGD, "all alike" },
    { NULL, 0, NULL },
};

static const struct rh_param lightfm_table[] = {
    RH_INT(struct lightfm_params, factors, 32, 1, 4096, "number d of elements of a vector"),
    RH_ENUM(struct lightfm_params, loss, WARP, loss_words, "what is minimised"),
    RH_REAL(struct lightfm_params, rate, 0.05, 1e-9, 100, "learning rate"),
    RH_ENUM(struct lightfm_params, step, RH_PAIR_ADAGRAD, step_words, "how weights move"),
    RH_REAL(struct lightfm_params, reg_user, 0, 0, 1e6, "L2 regularisation of vectors of users' features in each step"),
    RH_REAL(struct lightfm_params, reg_item, 0, 0, 1e6, "of those of items"),
    RH_ITEM_FEATURES_PARAMS(struct lightfm_params),
    RH_STR(struct lightfm_params, user_blocks, "all",
           "names of user feature blocks, separated by commas; all: every one; none (here and in blocks): none"),
    RH_BOOL(struct lightfm_params, own, true, "users and items with interactions have a vector of their own, too"),
    RH_BOOL(struct lightfm_params, normalize, false, "the weights of the features of one sum up to 1"),
    RH_INT(struct lightfm_params, tries, 10, 1, 100000, "items drawn for a violator at most (warp)"),
    RH_REAL(struct lightfm_params, most, 10, 0, 1e6, "a weight of a pair is not larger (warp)"),
    RH_INT(struct lightfm_params, chunk, 8192, 1, 1 << 20, "pairs whose violators are looked for at once (warp)"),
    RH_PARAMS_END,
};

/* Users or items, their features, and the vectors of these. */
struct side {
    int32_t n, n_features; /* own ones first, one for each of the n */
    int64_t *row;          /* [n + 1] offsets */
    int32_t *col;          /* [row[n]] */
    float *val;            /* [row[n]] */
    float *x, *square;     /* [n_features x width] vectors; 1 + sums of squared gradients */
    float *bias, *bias_square; /* [n_features] */
    float reg;
};

struct lightfm_state {
    struct rh_pair_model model; /* the sums, after each epoch: what scores */
    struct rh_pairs pairs;
    struct side user, item;
    float *work; /* [3 x width] sums of the example at work, and gradients of them */
    int32_t width, tries;
    int64_t chunk;
    int loss;
    float rate, most;
    bool adagrad;
};

/* ------------------------------------------------------------------------------------------------- features */

/* Rows of a side: who has interactions themselves (seen[n]), then the features but for the column of ones. */
static int take_rows(struct rh_ctx *ctx, const struct lightfm_params *p, const struct rh_item_features *f,
                     const bool *seen, struct side *s)
{
    int64_t most = s->n + (f ? f->row[s->n] : 0), at = 0;
    s->n_features = s->n + (f ? f->n_cols - 1 : 0);
    s->row = ctx->host->alloc(ctx, (size_t)s->n + 1, sizeof *s->row);
    s->col = ctx->host->alloc(ctx, (size_t)most, sizeof *s->col);
    s->val = ctx->host->alloc(ctx, (size_t)most, sizeof *s->val);
    if (!s->row || !s->col || !s->val)
        return RH_ENOMEM;
    for (int32_t r = 0; r < s->n; r++) {
        double sum = 0;
        if (p->own && seen[r]) {
            s->col[at] = r;
            s->val[at++] = 1;
        }
        for (int64_t k = f ? f->row[r] : 0; f && k < f->row[r + 1]; k++)
            if (f->col[k] < f->n_cols - 1) {
                s->col[at] = s->n + f->col[k];
                s->val[at++] = f->val[k];
            }
        for (int64_t k = s->row[r]; k < at; k++)
            sum += fabs(s->val[k]);
        for (int64_t k = s->row[r]; p->normalize && sum > 0 && k < at; k++)
            s->val[k] = (float)(s->val[k] / sum);
        s->row[r + 1] = at;
    }
    return RH_OK;
}

/* Vectors uniform in [-1/2, 1/2] / d, as Kula's program has them; feature f has the stream (purpose, f). */
static int take_vectors(struct rh_ctx *ctx, int64_t factors, int32_t width, const char *purpose, struct side *s)
{
    size_t n = (size_t)s->n_features, bytes = (size_t)width * sizeof(float);
    s->x = ctx->host->alloc(ctx, n, bytes);
    s->square = ctx->host->alloc(ctx, n, bytes);
    s->bias = ctx->host->alloc(ctx, n, sizeof *s->bias);
    s->bias_square = ctx->host->alloc(ctx, n, sizeof *s->bias_square);
    if (!s->x || !s->square || !s->bias || !s->bias_square)
        return RH_ENOMEM;
    for (int64_t f = 0; f < s->n_features; f++) {
        struct rh_rng rng = ctx->host->stream(ctx, purpose, (uint64_t)f);
        for (int64_t k = 0; k < factors; k++)
            s->x[f * width + k] = (float)((rh_rng_uniform(&rng) - 0.5) / (double)factors);
        for (int32_t k = 0; k < width; k++)
            s->square[f * width + k] = 1;
        s->bias_square[f] = 1;
    }
    return RH_OK;
}

static bool any_data(const struct rh_features *x, int32_t n)
{
    bool any = false;
    for (int32_t f = 0; f < n; f++)
        any |= x[f].row || x[f].dense;
    return any;
}

/* Items, or users, with the features that there are; names that are not there are refused. */
static int make_side(struct rh_ctx *ctx, const struct lightfm_params *p, const struct rh_train *train, bool items,
                     struct side *s)
{
    const struct rh_domain *d = &train->domain[train->target];
    struct rh_item_features_params features = p->features;
    features.blocks = items ? p->blocks : p->user_blocks;
    s->n = items ? d->n_items : train->n_users;
    s->reg = (float)(items ? p->reg_item : p->reg_user);
    struct rh_item_features f;
    bool *seen = ctx->host->scratch(ctx, (size_t)s->n, sizeof *seen), used = strcmp(features.blocks, "none") != 0;
    if (!seen)
        return RH_ENOMEM;
    if (!strcmp(features.blocks, "all"))
        used = items ? any_data(d->item_features, train->n_item_blocks)
                     : any_data(train->user_features, train->n_user_blocks);
    if (!used && !p->own)
        return ctx->host->fail(ctx, RH_EINVAL, "own = no leaves the %s of domain '%s' without a vector, for they have "
                               "no features", items ? "items" : "users", d->name);
    for (int32_t u = 0; u < train->n_users; u++)
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++)
            seen[items ? d->item[k] : u] = true;
    int status = !used ? RH_OK
               : items ? rh_item_features(ctx, &features, train, ctx->host->scratch, &f)
                       : rh_user_features(ctx, &features, train, ctx->host->scratch, &f);
    if (status >= 0)
        status = take_rows(ctx, p, used ? &f : NULL, seen, s);
    return status < 0 ? status : take_vectors(ctx, p->factors, rh_factor_width(p->factors),
                                              items ? "item features" : "user features", s);
}

/* The sum of the vectors of r; returns that of the biases. */
static inline __attribute__((always_inline)) float represent(const struct side *s, int32_t width, int32_t r,
                                                             float *out)
{
    float bias = 0;
    memset(out, 0, (size_t)width * sizeof *out);
    for (int64_t k = s->row[r]; k < s->row[r + 1]; k++) {
        rh_factor_add(out, s->val[k], s->x + (int64_t)s->col[k] * width, width);
        bias += s->val[k] * s->bias[s->col[k]];
    }
    return bias;
}

/* ------------------------------------------------------------------------------------------------- one example */

/* Moves all vectors of r against the gradient of the loss by their sum, and by the sum of their biases. */
static inline __attribute__((always_inline)) void move_side(const struct lightfm_state *m, struct side *s, int32_t r,
                                                            const float *restrict gradient, float of_bias)
{
    for (int64_t k = s->row[r]; k < s->row[r + 1]; k++) {
        float w = s->val[k], rate = m->rate, reg = s->reg;
        float *restrict x = s->x + (int64_t)s->col[k] * m->width;
        float *restrict square = s->square + (int64_t)s->col[k] * m->width;
        float *b = s->bias + s->col[k], *b2 = s->bias_square + s->col[k], g = w * of_bias;
        if (m->adagrad) {
            for (int32_t f = 0; f < m->width; f++) {
                float h = w * gradient[f] + reg * x[f];
                x[f] -= rate * h / sqrtf(square[f]);
                square[f] += h * h;
            }
            *b -= rate * g / sqrtf(*b2);
            *b2 += g * g;
        } else {
            for (int32_t f = 0; f < m->width; f++)
                x[f] -= rate * (w * gradient[f] + reg * x[f]);
            *b -= rate * g;
        }
    }
}

static double softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* Whether the user has the item: label 1 or 0. Returns the loss. */
RH_WIDE static double learn_label(struct lightfm_state *s, int32_t user, int32_t item, float label)
{
    float *p = s->work, *q = p + s->width, *d = q + s->width;
    float bias = represent(&s->user, s->width, user, p) + represent(&s->item, s->width, item, q);
    float score = rh_factor_dot(p, q, s->width) + bias, g = 1 / (1 + expf(-score)) - label;
    for (int32_t f = 0; f < s->width; f++)
        d[f] = g * q[f];
    for (int32_t f = 0; f < s->width; f++)
        q[f] = g * p[f];
    move_side(s, &s->user, user, d, g);
    move_side(s, &s->item, item, q, g);
    return softplus(label > 0 ? -score : score);
}

/* The liked item above the other. */
RH_WIDE static double learn_pair(struct lightfm_state *s, const struct rh_triple *t)
{
    float *p = s->work, *a = p + s->width, *b = a + s->width;
    represent(&s->user, s->width, t->user, p);
    float x = represent(&s->item, s->width, t->liked, a) - represent(&s->item, s->width, t->other, b);
    x += rh_factor_dot(p, a, s->width) - rh_factor_dot(p, b, s->width);
    if (s->loss == WARP && x >= 1)
        return 0; /* won since the violator was found */
    float g = s->loss == WARP ? t->weight : 1 / (1 + expf(x));
    for (int32_t f = 0; f < s->width; f++) {
        float of_user = g * (b[f] - a[f]);
        a[f] = -g * p[f];
        b[f] = g * p[f];
        p[f] = of_user;
    }
    move_side(s, &s->user, t->user, p, 0);
    move_side(s, &s->item, t->liked, a, -g);
    move_side(s, &s->item, t->other, b, g);
    return s->loss == WARP ? (double)t->weight * (1 - (double)x) : softplus(-(double)x);
}

/* ------------------------------------------------------------------------------------------------- passes */

static void represent_range(const struct side *s, int32_t width, float *out, float *bias, int64_t begin, int64_t end)
{
    for (int64_t r = begin; r < end; r++) {
        float b = represent(s, width, (int32_t)r, out + r * width);
        if (bias)
            bias[r] = b;
    }
}

static int represent_items(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    struct lightfm_state *s = arg;
    represent_range(&s->item, s->width, s->model.item.x, s->model.bias.x, begin, end);
    return RH_OK;
}

static int represent_users(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    struct lightfm_state *s = arg;
    represent_range(&s->user, s->width, s->model.user.x, NULL, begin, end);
    return RH_OK;
}

static int represent_all(struct rh_ctx *ctx, struct lightfm_state *s)
{
    int status = ctx->host->parallel(ctx, s->item.n, 256, represent_items, s);
    return status < 0 ? status : ctx->host->parallel(ctx, s->user.n, 256, represent_users, s);
}

static bool has(const struct rh_pairs *p, int32_t user, int32_t item)
{
    int64_t low = p->row[user], high = p->row[user + 1];
    while (low < high) {
        int64_t mid = low + (high - low) / 2;
        if (p->item[mid] < item)
            low = mid + 1;
        else
            high = mid;
    }
    return low < p->row[user + 1] && p->item[low] == item;
}

struct search {
    struct lightfm_state *s;
    struct rh_triple *t;
    uint64_t index; /* of the stream of the first part */
};

#define GRAIN 256 /* pairs of one stream */

/* Finds the violator of each pair, or -1, and its weight. As in Kula's program a draw that the user has counts. */
RH_WIDE static int find_violators(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct search *f = arg;
    const struct lightfm_state *s = f->s;
    const float *q = s->model.item.x, *bias = s->model.bias.x;
    float *p = ctx->host->scratch(ctx, (size_t)s->width, sizeof *p);
    struct rh_rng rng = ctx->host->stream(ctx, "violators", f->index + (uint64_t)(begin / GRAIN));
    if (!p)
        return RH_ENOMEM;
    for (int64_t k = begin; k < end; k++) {
        struct rh_triple *t = &f->t[k];
        represent(&s->user, s->width, t->user, p);
        float limit = rh_factor_dot(p, q + (int64_t)t->liked * s->width, s->width) + bias[t->liked] - 1;
        t->other = -1;
        for (int32_t n = 1; n <= s->tries && t->other < 0; n++) {
            int32_t j = (int32_t)rh_rng_below(&rng, (uint32_t)s->item.n);
            if (rh_factor_dot(p, q + (int64_t)j * s->width, s->width) + bias[j] <= limit ||
                has(&s->pairs, t->user, j))
                continue;
            t->other = j;
            t->weight = fminf(s->most, logf((float)((s->item.n - 1) / n > 1 ? (s->item.n - 1) / n : 1)));
        }
    }
    return RH_OK;
}

/* Violators are looked for later: the pass needs none. */
static int32_t no_other(const void *arg, struct rh_rng *rng, int32_t user, int32_t liked, const uint8_t *taken,
                        float *weight)
{
    (void)arg, (void)rng, (void)user, (void)taken, (void)weight;
    return liked;
}

static double learn_chunk(struct lightfm_state *s, const struct rh_triple *t, int64_t n)
{
    double sum = 0;
    for (int64_t k = 0; k < n; k++) {
        if (s->loss == LOGISTIC)
            sum += learn_label(s, t[k].user, t[k].liked, 1) + learn_label(s, t[k].user, t[k].other, 0);
        else if (t[k].other >= 0)
            sum += learn_pair(s, &t[k]);
    }
    return sum;
}

static int lightfm_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct lightfm_state *s = state;
    const struct rh_learning l = { .pairs = &s->pairs, .draw = s->loss == WARP ? no_other : NULL };
    struct rh_triple *t;
    int64_t n;
    int status = rh_pairs_draw(ctx, &l, epoch, &t, &n);
    double sum = 0;
    for (int64_t at = 0; status >= 0 && at < n; at += s->chunk) {
        struct search f = { s, t + at, (uint64_t)epoch << 36 | (uint64_t)(at / GRAIN + at / s->chunk) };
        int64_t m = n - at < s->chunk ? n - at : s->chunk;
        if (s->loss == WARP && ((status = ctx->host->parallel(ctx, s->item.n, 256, represent_items, s)) < 0 ||
                                (status = ctx->host->parallel(ctx, m, GRAIN, find_violators, &f)) < 0))
            return status;
        sum += learn_chunk(s, t + at, m);
        status = ctx->host->tick(ctx, at + m, n);
    }
    if (status >= 0)
        status = represent_all(ctx, s);
    if (status < 0)
        return status;
    *loss = sum / (double)n;
    bool finite = isfinite(*loss);
    for (int64_t k = 0; k < (int64_t)s->item.n * s->width; k++)
        finite &= isfinite(s->model.item.x[k]) != 0;
    return finite ? RH_OK : ctx->host->fail(ctx, RH_ENUMERIC, "the vectors are no numbers any more in epoch %d; lower "
                                            "rate, which is %g", epoch, (double)s->rate);
}

/* ------------------------------------------------------------------------------------------------- the plugin */

static void take_params(struct lightfm_state *s, const struct lightfm_params *p, const struct rh_train *train)
{
    *s = (struct lightfm_state){
        .width = rh_factor_width(p->factors), .tries = (int32_t)p->tries, .chunk = p->chunk, .loss = p->loss,
        .rate = (float)p->rate, .most = (float)p->most, .adagrad = p->step == RH_PAIR_ADAGRAD,
        .model = { .user.n = train->n_users, .item.n = train->domain[train->target].n_items,
                   .factors = (int32_t)p->factors, .width = rh_factor_width(p->factors) },
    };
}

static int lightfm_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct lightfm_params *p = params;
    struct lightfm_state *s = state;
    size_t row = (size_t)rh_factor_width(p->factors) * sizeof(float);
    take_params(s, p, train);
    int status = rh_pairs_init(ctx, &s->pairs, &train->domain[train->target], train->n_users, RH_EACH_INTERACTION,
                               RH_UNIFORM_ITEMS, 1);
    if (status < 0 || (status = make_side(ctx, p, train, true, &s->item)) < 0 ||
        (status = make_side(ctx, p, train, false, &s->user)) < 0)
        return status;
    s->work = ctx->host->alloc(ctx, 3, row);
    s->model.user.x = ctx->host->alloc(ctx, (size_t)s->model.user.n, row);
    s->model.item.x = ctx->host->alloc(ctx, (size_t)s->model.item.n, row);
    s->model.bias.x = ctx->host->alloc(ctx, (size_t)s->model.item.n, sizeof(float));
    if (!s->work || !s->model.user.x || !s->model.item.x || !s->model.bias.x)
        return RH_ENOMEM;
    return represent_all(ctx, s);
}

static int lightfm_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                         size_t stride)
{
    const struct lightfm_state *s = state;
    return rh_pair_model_score(ctx, &s->model, query, n, out, stride);
}

static int lightfm_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct lightfm_state *s = state;
    if (!s->width) /* loading */
        take_params(s, params, train);
    return rh_pair_model_persist(ctx, &s->model, true);
}

static const struct rh_algorithm lightfm = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "lightfm",
    .summary = "users and items as sums of the vectors of their features, learned by ranking (WARP, BPR) or logistic",
    .reference = "Kula 2015, Metadata embeddings for user and item cold-start recommendations, CBRecSys at RecSys",
    .cost = "epoch O(nnz F d) with F features of a user and two items, on one thread, and O(nnz tries d) on all for "
            "warp; score O(I d) a query; memory 8 d bytes a user, an item and a feature, and 16 bytes an interaction",
    .advice = "Where new users have features: by age, gender and occupation it is ahead of popularity on MovieLens "
              "100K for users without history; new items are ranked too, though bm25 and feature_ridge do it better "
              "there. Features help for seen users as well; warp is ahead of bpr and logistic at the top of the list. "
              "Tune the number of epochs (early stopping) and rate, then blocks. Histories of unseen users are not "
              "looked at.",
    .revision = 1,
    .flags = RH_A_COLD_USERS | RH_A_COLD_ITEMS | RH_A_RANDOM,
    .params = lightfm_table,
    .params_size = sizeof(struct lightfm_params),
    .state_size = sizeof(struct lightfm_state),
    .epochs = 30,
    .fit = lightfm_fit,
    .epoch = lightfm_epoch,
    .score = lightfm_score,
    .persist = lightfm_persist,
};

RH_ALGORITHM(lightfm)
