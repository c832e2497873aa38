/* multvae - variational autoencoder with a multinomial likelihood, Mult-VAE, and its denoising twin, Mult-DAE.
 *
 * Liang, Krishnan, Hoffman and Jebara 2018, "Variational autoencoders for collaborative filtering" (WWW). For a user
 * with items x (0 or 1), x~ = x / |x| thinned by dropout, and hidden widths H and L,
 *
 *     h1 = tanh(W1 x~ + b1),   (mu, log var) = W2 h1 + b2,   z = mu + exp(log var / 2) e,  e ~ N(0, I)
 *     h3 = tanh(W3 z + b3),    s = W4 h3 + b4
 *     loss = - sum over items of x  log softmax(s)_i  +  beta KL(N(mu, var) || N(0, I))  (+ reg sum of squared
 * weights)
 *
 * (their eq. 5 to 7), the mean over the users of a minibatch, minimised by Adam; beta grows by 1 / anneal_steps a
 * step, up to anneal_cap. model = dae: z = tanh(W2 h1 + b2), without noise and KL. A query's scores are s with
 * nothing dropped and z = mu, from its history alone: unseen users are answered like all others.
 *
 * RecBole's settings: hidden = 600, latent = 128, batch = 2048, the rest as here. The layers next to the items cost
 * all of the time: the first is a sum of the rows of the items at hand, the last is a matrix product over all items,
 * forwards and twice backwards. Every number is made by one part of a loop in a fixed order, so threads do not change
 * it. */
#include "algorithms/lib/factors.h"
#include "algorithms/lib/nn.h"
#include "algorithms/lib/vexp.h"

#include <cblas.h>
#include <string.h>

#define ROWS 32       /* users of a part */
#define ITEMS_AT 256  /* items of a part */
#define UNITS_AT 64   /* rows of a gradient that a part makes */
#define WEIGHTS_AT 32768

enum kind { VAE, DAE };

struct multvae_params {
    int64_t hidden, latent, batch;
    double rate, dropout, reg, anneal_cap, anneal_steps;
    int model;
};

static const struct rh_choice models[] = {
    { "vae", VAE, "Mult-VAE" },
    { "dae", DAE, "Mult-DAE: without noise and KL" },
    { NULL, 0, NULL },
};

static const struct rh_param multvae_table[] = {
    RH_ENUM(struct multvae_params, model, VAE, models, "which of the two models of the paper"),
    RH_INT(struct multvae_params, hidden, 600, 1, 8192, "units H of the hidden layers"),
    RH_INT(struct multvae_params, latent, 200, 1, 8192, "units L of the layer between"),
    RH_REAL(struct multvae_params, rate, 0.001, 1e-9, 1, "learning rate of Adam"),
    RH_INT(struct multvae_params, batch, 500, 1, 1 << 20, "users a step"),
    RH_REAL(struct multvae_params, dropout, 0.5, 0, 0.99, "share of the items that the input loses in training"),
    RH_REAL(struct multvae_params, anneal_cap, 0.2, 0, 100, "largest weight beta of the KL divergence (model = vae)"),
    RH_REAL(struct multvae_params, anneal_steps, 200000, 1, 1e12, "steps in which beta would grow to 1"),
    RH_REAL(struct multvae_params, reg, 0, 0, 1e6, "L2 regularisation of the weights"),
    RH_PARAMS_END,
};

/* Arrays of the network, one after another: weights and their biases. `hidden` is padded as factors are; the padding
 * of the weights is 0 and stays so, for nothing flows through it. */
enum { W1, B1, W2, B2, W3, B3, W4, B4, N_ARRAYS };

struct multvae_state {
    int64_t at[N_ARRAYS + 1]; /* offsets: W1[I x H], W2[2L or L x H], W3[H x L], W4[I x H] */
    float *w, *g, *first, *second; /* [at[N_ARRAYS]]; scoring needs w alone */
    int32_t n_items, hidden, units, latent, out2; /* units: H unpadded; out2: rows of W2 */
    int32_t n_users, target;
    int32_t *learner; /* [n_learners] users with items */
    int32_t n_learners;
    const int64_t *row;
    const int32_t *item;
    struct rh_optimizer_state rule;
    double dropout, reg, anneal_cap, anneal_steps;
    int64_t batch;
    int model;
};

static int64_t rounded(int64_t n)
{
    return (n + 15) / 16 * 16;
}

static void take_params(struct multvae_state *s, const struct multvae_params *p, const struct rh_train *train)
{
    const struct rh_domain *d = &train->domain[train->target];
    *s = (struct multvae_state){
        .n_items = d->n_items, .units = (int32_t)p->hidden, .hidden = rh_factor_width(p->hidden),
        .latent = (int32_t)p->latent, .out2 = (int32_t)(p->model == VAE ? 2 * p->latent : p->latent),
        .n_users = train->n_users, .target = train->target, .row = d->row, .item = d->item,
        .rule = { .kind = RH_ADAM, .rate = p->rate }, .dropout = p->dropout, .reg = p->reg,
        .anneal_cap = p->anneal_cap, .anneal_steps = p->anneal_steps, .batch = p->batch, .model = p->model,
    };
    const int64_t size[N_ARRAYS] = {
        (int64_t)s->n_items * s->hidden, s->hidden, (int64_t)s->out2 * s->hidden, s->out2,
        (int64_t)s->hidden * s->latent,  s->hidden, (int64_t)s->n_items * s->hidden, s->n_items,
    };
    for (int k = 0; k < N_ARRAYS; k++)
        s->at[k + 1] = s->at[k] + rounded(size[k]);
}

/* ------------------------------------------------------------------------------------------------ layers of users */

/* What is known of n users inside a step; rows are users. */
struct rows {
    int32_t n;
    const int64_t *entry;  /* [n + 1] their items, in item and input */
    const int32_t *item;
    float *input;          /* x~, 0 where dropped */
    float *h1, *out, *z, *h3; /* [n x hidden], [n x out2], [n x latent], [n x hidden] */
    float *noise;          /* [n x latent] e, or NULL: z = mu */
};

/* Rows [begin, end) from input to h3. */
RH_WIDE static void forward(const struct multvae_state *s, const struct rows *r, int32_t begin, int32_t end)
{
    int32_t h = s->hidden, l = s->latent, n = end - begin;
    for (int32_t k = begin; k < end; k++) {
        float *h1 = r->h1 + (int64_t)k * h;
        memcpy(h1, s->w + s->at[B1], (size_t)h * sizeof *h1);
        for (int64_t e = r->entry[k]; e < r->entry[k + 1]; e++)
            if (r->input[e] != 0)
                rh_factor_add(h1, r->input[e], s->w + s->at[W1] + (int64_t)r->item[e] * h, h);
        for (int32_t f = 0; f < s->units; f++)
            h1[f] = tanhf(h1[f]);
    }
    float *out = r->out + (int64_t)begin * s->out2, *z = r->z + (int64_t)begin * l, *h3 = r->h3 + (int64_t)begin * h;
    rh_nn_linear(n, h, s->out2, r->h1 + (int64_t)begin * h, s->w + s->at[W2], s->w + s->at[B2], out);
    for (int32_t k = 0; k < n; k++)
        for (int32_t f = 0; f < l; f++) {
            float mu = out[(int64_t)k * s->out2 + f];
            float e = r->noise ? r->noise[(int64_t)(begin + k) * l + f] : 0;
            z[(int64_t)k * l + f] = s->model == DAE ? tanhf(mu) : mu;
            if (r->noise)
                z[(int64_t)k * l + f] += e * expf(out[(int64_t)k * s->out2 + l + f] / 2);
        }
    rh_nn_linear(n, l, h, z, s->w + s->at[W3], s->w + s->at[B3], h3);
    for (int64_t f = 0; f < (int64_t)n * h; f++)
        h3[f] = tanhf(h3[f]);
}

/* ---------------------------------------------------------------------------------------------------- one step */

struct step {
    const struct multvae_state *s;
    struct rows r;
    const int32_t *user;   /* [n] */
    int32_t epoch, stride; /* stride: of s, the items rounded up */
    float beta;
    float *score;          /* [n x stride] s, then its derivatives */
    float *d1, *d2, *d3;   /* derivatives by what goes into h1, by out, by what goes into h3 */
    double *loss;          /* [n] */
    int array;             /* that descends */
};

static int forward_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct step *t = arg;
    const struct multvae_state *s = t->s;
    for (int64_t k = begin; k < end; k++) {
        uint64_t index = (uint64_t)t->epoch << 32 | (uint32_t)t->user[k];
        struct rh_rng rng = ctx->host->stream(ctx, "dropout", index);
        int64_t from = t->r.entry[k], to = t->r.entry[k + 1];
        float x = (float)(1 / (sqrt((double)(to - from)) * (1 - s->dropout)));
        for (int64_t e = from; e < to; e++)
            t->r.input[e] = s->dropout > 0 && rh_rng_uniform(&rng) < s->dropout ? 0 : x;
        rng = ctx->host->stream(ctx, "noise", index);
        for (int32_t f = 0; t->r.noise && f < s->latent; f++)
            t->r.noise[k * s->latent + f] = (float)rh_rng_normal(&rng);
    }
    forward(s, &t->r, (int32_t)begin, (int32_t)end);
    return RH_OK;
}

static int score_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct step *t = arg;
    const struct multvae_state *s = t->s;
    (void)ctx;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, t->r.n, (int)(end - begin), s->hidden, 1, t->r.h3, s->hidden,
                s->w + s->at[W4] + begin * s->hidden, s->hidden, 0, t->score + begin, t->stride);
    return RH_OK;
}

/* The loss of a row of scores, which become their derivatives, over n users. */
RH_WIDE static double softmax_row(const struct multvae_state *s, const int32_t *item, int64_t n_own, float *score,
                                  int32_t stride, int32_t n)
{
    const float *bias = s->w + s->at[B4];
    float most = -INFINITY, own = (float)n_own / (float)n;
    double loss = 0;
    for (int32_t i = 0; i < s->n_items; i++) {
        score[i] += bias[i];
        most = score[i] > most ? score[i] : most;
    }
    for (int64_t e = 0; e < n_own; e++)
        loss -= (double)(score[item[e]] - most);
#pragma omp simd
    for (int32_t i = 0; i < s->n_items; i++)
        score[i] = rh_exp(score[i] - most);
    memset(score + s->n_items, 0, (size_t)(stride - s->n_items) * sizeof *score);
    rh_lanes *x = (rh_lanes *)score, sum = { 0 };
    for (int32_t k = 0; k < stride / 8; k++)
        sum += x[k];
    float whole = ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
    for (int32_t k = 0; k < stride / 8; k++)
        x[k] *= own / whole;
    for (int64_t e = 0; e < n_own; e++)
        score[item[e]] -= 1 / (float)n;
    return loss + (double)n_own * log((double)whole);
}

/* Rows [begin, end): loss, and derivatives back to what goes into h1. */
RH_WIDE static int back_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct step *t = arg;
    const struct multvae_state *s = t->s;
    const struct rows *r = &t->r;
    int32_t h = s->hidden, l = s->latent, n = (int32_t)(end - begin);
    float share = 1 / (float)r->n, *dz = ctx->host->scratch(ctx, (size_t)n, (size_t)l * sizeof *dz);
    if (!dz)
        return RH_ENOMEM;
    for (int64_t k = begin; k < end; k++)
        t->loss[k] = softmax_row(s, r->item + r->entry[k], r->entry[k + 1] - r->entry[k], t->score + k * t->stride,
                                 t->stride, r->n);
    float *d3 = t->d3 + begin * h, *d2 = t->d2 + begin * s->out2, *d1 = t->d1 + begin * h;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, h, s->n_items, 1, t->score + begin * t->stride,
                t->stride, s->w + s->at[W4], h, 0, d3, h);
    for (int64_t f = 0; f < (int64_t)n * h; f++)
        d3[f] *= 1 - r->h3[begin * h + f] * r->h3[begin * h + f];
    rh_nn_product(n, h, l, d3, s->w + s->at[W3], dz);
    for (int32_t k = 0; k < n; k++)
        for (int32_t f = 0; f < l; f++) {
            const float *out = r->out + (begin + k) * s->out2;
            float *d = d2 + (int64_t)k * s->out2, by_z = dz[(int64_t)k * l + f];
            if (s->model == DAE) {
                float z = r->z[(begin + k) * l + f];
                d[f] = by_z * (1 - z * z);
                continue;
            }
            float mu = out[f], log_var = out[l + f], sd = expf(log_var / 2);
            t->loss[begin + k] += (double)t->beta * 0.5 * (double)(sd * sd + mu * mu - 1 - log_var);
            d[f] = by_z + share * t->beta * mu;
            d[l + f] = by_z * r->noise[(begin + k) * l + f] * sd / 2 + share * t->beta * (sd * sd - 1) / 2;
        }
    rh_nn_product(n, s->out2, h, d2, s->w + s->at[W2], d1);
    for (int64_t f = 0; f < (int64_t)n * h; f++)
        d1[f] *= 1 - r->h1[begin * h + f] * r->h1[begin * h + f];
    return RH_OK;
}

/* Rows [begin, end) of dW[.. x in] += dy' x and of db, from n rows of dy (stride apart) and x. */
static void gradient(int32_t n, const float *dy, int32_t stride, const float *x, int32_t in, int64_t begin,
                     int64_t end, float *dw, float *db)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)(end - begin), in, n, 1, dy + begin, stride, x, in, 1,
                dw + begin * in, in);
    for (int32_t k = 0; k < n; k++)
        for (int64_t o = begin; o < end; o++)
            db[o] += dy[(int64_t)k * stride + o];
}

static int gradient_4(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct step *t = arg;
    const struct multvae_state *s = t->s;
    (void)ctx;
    gradient(t->r.n, t->score, t->stride, t->r.h3, s->hidden, begin, end, s->g + s->at[W4], s->g + s->at[B4]);
    return RH_OK;
}

static int gradient_3(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct step *t = arg;
    const struct multvae_state *s = t->s;
    (void)ctx;
    gradient(t->r.n, t->d3, s->hidden, t->r.z, s->latent, begin, end, s->g + s->at[W3], s->g + s->at[B3]);
    return RH_OK;
}

static int gradient_2(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct step *t = arg;
    const struct multvae_state *s = t->s;
    (void)ctx;
    gradient(t->r.n, t->d2, s->out2, t->r.h1, s->hidden, begin, end, s->g + s->at[W2], s->g + s->at[B2]);
    return RH_OK;
}

/* Columns [begin, end) of dW1: the users' rows are sparse, so columns are what parts can share out. */
static int gradient_1(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct step *t = arg;
    const struct multvae_state *s = t->s;
    int32_t n = (int32_t)(end - begin);
    (void)ctx;
    for (int32_t k = 0; k < t->r.n; k++) {
        const float *d = t->d1 + (int64_t)k * s->hidden + begin;
        rh_axpy(n, 1, d, s->g + s->at[B1] + begin);
        for (int64_t e = t->r.entry[k]; e < t->r.entry[k + 1]; e++)
            if (t->r.input[e] != 0)
                rh_axpy(n, t->r.input[e], d, s->g + s->at[W1] + (int64_t)t->r.item[e] * s->hidden + begin);
    }
    return RH_OK;
}

static int descend_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct step *t = arg;
    const struct multvae_state *s = t->s;
    int64_t at = s->at[t->array] + begin;
    (void)ctx;
    if (s->reg > 0 && t->array % 2 == 0)
        rh_axpy((int32_t)(end - begin), (float)(2 * s->reg), s->w + at, s->g + at);
    rh_nn_descend(&s->rule, end - begin, s->w + at, s->g + at, s->first + at, s->second + at);
    return RH_OK;
}

/* Forwards and backwards: fills t->loss and adds to s->g. */
static int learn(struct rh_ctx *ctx, struct step *t)
{
    const struct multvae_state *s = t->s;
    int status;
    if ((status = ctx->host->parallel(ctx, t->r.n, ROWS, forward_part, t)) < 0 ||
        (status = ctx->host->parallel(ctx, s->n_items, ITEMS_AT, score_part, t)) < 0 ||
        (status = ctx->host->parallel(ctx, t->r.n, ROWS, back_part, t)) < 0 ||
        (status = ctx->host->parallel(ctx, s->n_items, ITEMS_AT, gradient_4, t)) < 0 ||
        (status = ctx->host->parallel(ctx, s->hidden, UNITS_AT, gradient_3, t)) < 0 ||
        (status = ctx->host->parallel(ctx, s->out2, UNITS_AT, gradient_2, t)) < 0)
        return status;
    return ctx->host->parallel(ctx, s->hidden, UNITS_AT, gradient_1, t);
}

static bool take_rows(struct rh_ctx *ctx, const struct multvae_state *s, int64_t n, int64_t entries, bool noise,
                      struct rows *r)
{
    size_t rows = (size_t)(n ? n : 1), cell = sizeof(float);
    r->input = ctx->host->scratch(ctx, (size_t)entries + 1, cell);
    r->h1 = ctx->host->scratch(ctx, rows, (size_t)s->hidden * cell);
    r->out = ctx->host->scratch(ctx, rows, (size_t)s->out2 * cell);
    r->z = ctx->host->scratch(ctx, rows, (size_t)s->latent * cell);
    r->h3 = ctx->host->scratch(ctx, rows, (size_t)s->hidden * cell);
    r->noise = noise ? ctx->host->scratch(ctx, rows, (size_t)s->latent * cell) : NULL;
    return r->input && r->h1 && r->out && r->z && r->h3 && (!noise || r->noise);
}

static bool take_step(struct rh_ctx *ctx, const struct multvae_state *s, int64_t n, int64_t entries, struct step *t)
{
    size_t rows = (size_t)n, cell = sizeof(float);
    t->stride = (int32_t)rounded(s->n_items);
    t->score = ctx->host->scratch(ctx, rows, (size_t)t->stride * cell);
    t->d1 = ctx->host->scratch(ctx, rows, (size_t)s->hidden * cell);
    t->d2 = ctx->host->scratch(ctx, rows, (size_t)s->out2 * cell);
    t->d3 = ctx->host->scratch(ctx, rows, (size_t)s->hidden * cell);
    t->loss = ctx->host->scratch(ctx, rows, sizeof *t->loss);
    return t->score && t->d1 && t->d2 && t->d3 && t->loss && take_rows(ctx, s, n, entries, s->model == VAE, &t->r);
}

/* The items of users user[n], one after another, to item and entry. */
static void list_items(const struct multvae_state *s, const int32_t *user, int32_t n, int32_t *item, int64_t *entry)
{
    entry[0] = 0;
    for (int32_t k = 0; k < n; k++) {
        int64_t from = s->row[user[k]], count = s->row[user[k] + 1] - from;
        memcpy(item + entry[k], s->item + from, (size_t)count * sizeof *item);
        entry[k + 1] = entry[k] + count;
    }
}

/* The most items of a minibatch of this order. */
static int64_t most_entries(const struct multvae_state *s, const int32_t *user, int64_t batch)
{
    int64_t most = 0, sum = 0;
    for (int32_t k = 0; k < s->n_learners; k++) {
        sum = k % batch ? sum : 0;
        sum += s->row[user[k] + 1] - s->row[user[k]];
        most = sum > most ? sum : most;
    }
    return most;
}

static int multvae_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct multvae_state *s = state;
    int64_t batch = s->batch < s->n_learners ? s->batch : s->n_learners;
    int32_t *user = ctx->host->scratch(ctx, (size_t)s->n_learners, sizeof *user);
    if (!user)
        return RH_ENOMEM;
    struct rh_rng rng = ctx->host->stream(ctx, "order", (uint64_t)epoch);
    memcpy(user, s->learner, (size_t)s->n_learners * sizeof *user);
    rh_rng_shuffle(&rng, user, s->n_learners);
    int64_t entries = most_entries(s, user, batch);
    struct step t = { .s = s, .epoch = epoch };
    int32_t *item = ctx->host->scratch(ctx, (size_t)entries, sizeof *item);
    int64_t *entry = ctx->host->scratch(ctx, (size_t)batch + 1, sizeof *entry);
    if (!item || !entry || !take_step(ctx, s, batch, entries, &t))
        return RH_ENOMEM;
    t.r.item = item;
    t.r.entry = entry;
    *loss = 0;
    for (int32_t k = 0; k < s->n_learners; k += t.r.n) {
        t.user = user + k;
        t.r.n = (int32_t)(s->n_learners - k < batch ? s->n_learners - k : batch);
        list_items(s, t.user, t.r.n, item, entry);
        t.beta = (float)fmin(s->anneal_cap, (double)s->rule.step / s->anneal_steps);
        int status = learn(ctx, &t);
        rh_nn_step(&s->rule, 1);
        for (t.array = 0; status >= 0 && t.array < N_ARRAYS; t.array++)
            status = ctx->host->parallel(ctx, s->at[t.array + 1] - s->at[t.array], WEIGHTS_AT, descend_part, &t);
        if (status < 0 || (status = ctx->host->tick(ctx, k + t.r.n, s->n_learners)) < 0)
            return status;
        for (int32_t r = 0; r < t.r.n; r++)
            *loss += t.loss[r];
    }
    *loss /= s->n_learners;
    if (!isfinite(*loss) || !rh_nn_finite(s->at[N_ARRAYS], s->w))
        return ctx->host->fail(ctx, RH_ENUMERIC, "the weights are no numbers any more in epoch %d; lower rate, which "
                               "is %g", epoch, s->rule.rate);
    return RH_OK;
}

/* --------------------------------------------------------------------------------------------------- fit, score */

/* Uniform in +- sqrt(6 / (rows + columns)) (Glorot and Bengio 2010), the first `cols` of `stride` columns. */
static void draw(struct rh_ctx *ctx, const char *purpose, float *w, int64_t rows, int32_t cols, int32_t stride)
{
    double limit = sqrt(6 / (double)(rows + cols));
    for (int64_t r = 0; r < rows; r++) {
        struct rh_rng rng = ctx->host->stream(ctx, purpose, (uint64_t)r);
        for (int32_t c = 0; c < cols; c++)
            w[r * stride + c] = (float)(limit * (2 * rh_rng_uniform(&rng) - 1));
    }
}

static int multvae_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct multvae_state *s = state;
    take_params(s, params, train);
    size_t n = (size_t)s->at[N_ARRAYS];
    s->learner = ctx->host->alloc(ctx, (size_t)(s->n_users ? s->n_users : 1), sizeof *s->learner);
    s->w = ctx->host->alloc(ctx, n, sizeof *s->w);
    s->g = ctx->host->alloc(ctx, n, sizeof *s->g);
    s->first = ctx->host->alloc(ctx, n, sizeof *s->first);
    s->second = ctx->host->alloc(ctx, n, sizeof *s->second);
    if (!s->learner || !s->w || !s->g || !s->first || !s->second)
        return RH_ENOMEM;
    for (int32_t u = 0; u < s->n_users; u++)
        if (s->row[u + 1] > s->row[u])
            s->learner[s->n_learners++] = u;
    if (!s->n_learners)
        return ctx->host->fail(ctx, RH_EDATA, "domain '%s' has no interactions to learn from",
                               train->domain[train->target].name);
    draw(ctx, "w1", s->w + s->at[W1], s->n_items, s->units, s->hidden);
    draw(ctx, "w2", s->w + s->at[W2], s->out2, s->units, s->hidden);
    draw(ctx, "w3", s->w + s->at[W3], s->units, s->latent, s->latent);
    draw(ctx, "w4", s->w + s->at[W4], s->n_items, s->units, s->hidden);
    return RH_OK;
}

static int multvae_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                         size_t stride)
{
    const struct multvae_state *s = state;
    int64_t entries = 0, *entry = ctx->host->scratch(ctx, (size_t)n + 1, sizeof *entry);
    struct rows r = { .n = n, .entry = entry };
    for (int32_t k = 0; k < n; k++)
        entries += query[k].history[s->target].n;
    int32_t *item = ctx->host->scratch(ctx, (size_t)entries + 1, sizeof *item);
    if (!entry || !item || !take_rows(ctx, s, n, entries, false, &r))
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++) {
        const struct rh_history *h = &query[k].history[s->target];
        entry[k + 1] = entry[k] + h->n;
        for (int32_t i = 0; i < h->n; i++) {
            item[entry[k] + i] = h->item[i];
            r.input[entry[k] + i] = (float)(1 / sqrt((double)h->n));
        }
    }
    r.item = item;
    forward(s, &r, 0, n);
    rh_factors_score(r.h3, s->w + s->at[W4], s->w + s->at[B4], s->n_items, s->hidden, query, n, out, stride);
    return RH_OK;
}

static int multvae_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct multvae_state *s = state;
    if (!s->hidden) /* loading */
        take_params(s, params, train);
    int64_t n = s->at[N_ARRAYS];
    int status = ctx->host->field(ctx, "weights", &s->w, n, sizeof *s->w);
    if (status < 0 || !(ctx->host->purpose(ctx) & RH_FOR_RESUMING) ||
        (status = ctx->host->field(ctx, "first moments", &s->first, n, sizeof *s->first)) < 0 ||
        (status = ctx->host->field(ctx, "second moments", &s->second, n, sizeof *s->second)) < 0)
        return status;
    return ctx->host->value(ctx, "steps", &s->rule.step, sizeof s->rule.step);
}

static const struct rh_algorithm multvae = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "multvae",
    .summary = "variational or denoising autoencoder of a user's items with a multinomial likelihood",
    .reference = "Liang, Krishnan, Hoffman and Jebara 2018, Variational autoencoders for collaborative "
                 "filtering, WWW",
    .cost = "epoch O(U H (I + L) + nnz H) and O(U / batch I H) for the weights; score O(|history| H + H L + I H) a "
            "query; memory 32 I H + 4 batch I bytes",
    .advice = "Strong where there are many users, and for unseen users, who are answered from their history alone. "
              "Tune the number of epochs (early stopping), anneal_cap and dropout first; on small data anneal_steps "
              "must shrink with the number of steps (users / batch x epochs) for the KL to matter at all.",
    .revision = 1,
    .flags = RH_A_COLD_USERS | RH_A_RANDOM | RH_A_RESUMES,
    .params = multvae_table,
    .params_size = sizeof(struct multvae_params),
    .state_size = sizeof(struct multvae_state),
    .epochs = 50,
    .fit = multvae_fit,
    .epoch = multvae_epoch,
    .score = multvae_score,
    .persist = multvae_persist,
};

RH_ALGORITHM(multvae)
