#include "algorithms/lib/process.h"

#include <string.h>

#define LAYERS RH_PROCESS_LAYERS

/* ------------------------------------------------------------------------------------------------------- shapes */

static int32_t parts_of(const struct rh_process *p)
{
    return p->modulation == RH_GATING ? 4 : p->modulation == RH_FILM ? 2 : 0;
}

void rh_process_shape(struct rh_process *p)
{
    int32_t X = p->X, H = p->H;
    if (p->modulation == RH_PLAIN)
        p->T = p->K = 0;
    p->rows = (struct rh_mlp){ 3, { X + 1, H, H, p->Z }, RH_RELU, RH_LINEAR, false };
    p->latent = (struct rh_mlp){ 2, { p->Z, p->Z, 2 * p->Z }, RH_RELU, RH_LINEAR, false };
    p->task = (struct rh_mlp){ 3, { X + 1, H, H, p->T }, RH_RELU, RH_LINEAR, false };
    p->modulators = (struct rh_mlp){ 1, { p->T, parts_of(p) * LAYERS * H }, RH_LINEAR, RH_LINEAR, true };
    p->at_latent = p->Z > 0 ? rh_mlp_size(&p->rows) : 0;
    p->at_task = p->at_latent + (p->Z > 0 ? rh_mlp_size(&p->latent) : 0);
    p->at_pool = p->at_task + (p->T > 0 ? rh_mlp_size(&p->task) : 0);
    p->at_modulators = p->at_pool + (int64_t)p->K * p->T;
    int64_t at = p->at_modulators + (p->T > 0 ? rh_mlp_size(&p->modulators) : 0);
    for (int l = 0; l <= LAYERS; l++) {
        int32_t in = l == 0 ? X + p->Z : H, out = l == LAYERS ? 1 : H;
        p->decoder[l] = (struct rh_mlp){ 1, { in, out }, RH_LINEAR, RH_LINEAR, false };
        p->at_decoder[l] = at;
        at += rh_mlp_size(&p->decoder[l]);
    }
    p->size = at;
}

/* What a pass over n rows works in. d.. are gradients. */
struct pass {
    rh_real *in, *din;             /* [n x X + 1] rows with their ratings */
    rh_real *rows, *task;          /* tapes of n rows */
    rh_real *dout;                 /* [n x max(Z, T)] of one of the two */
    rh_real *mean, *dmean;         /* [2 x Z] r_S and r_{S+Q} */
    rh_real *latent, *dlatent;     /* tape of 2 rows; [2 x 2Z] */
    rh_real *z, *dz;               /* [Z] */
    rh_real *o, *dO, *t, *dt;      /* [T] */
    rh_real *c, *du;               /* [K] */
    rh_real *raw, *draw;           /* [parts x 3 x H] before tanh and sigmoid */
    rh_real *g, *s, *dg, *ds;      /* [3 x H] */
    rh_real *h0, *dh0;             /* [n x X + Z] */
    rh_real *a[LAYERS], *h[LAYERS]; /* [n x H] */
    rh_real *dh, *da;              /* [n x H] */
    rh_real *y, *dy;               /* [n] */
    rh_real *work;
};

static size_t most_work(const struct rh_process *p, int32_t n)
{
    size_t rows = rh_mlp_work(&p->rows, n), task = rh_mlp_work(&p->task, n), latent = rh_mlp_work(&p->latent, 2);
    size_t modulators = rh_mlp_work(&p->modulators, 1), most = rows > task ? rows : task;
    most = latent > most ? latent : most;
    return modulators > most ? modulators : most;
}

/* Cuts `work` up (NULL: measures alone) and returns how much it is. */
static size_t lay_out(const struct rh_process *p, int32_t rows, rh_real *work, struct pass *y)
{
    size_t n = (size_t)rows, X = (size_t)p->X, H = (size_t)p->H, Z = (size_t)p->Z, T = (size_t)p->T, K = (size_t)p->K;
    size_t raw = (size_t)parts_of(p) * LAYERS * H;
    struct {
        rh_real **where;
        size_t size;
    } part[] = { { &y->in, n * (X + 1) }, { &y->din, n * (X + 1) }, { &y->rows, rh_mlp_tape(&p->rows, rows) },
                 { &y->task, rh_mlp_tape(&p->task, rows) }, { &y->dout, n * (Z > T ? Z : T) }, { &y->mean, 2 * Z },
                 { &y->dmean, 2 * Z }, { &y->latent, rh_mlp_tape(&p->latent, 2) }, { &y->dlatent, 4 * Z },
                 { &y->z, Z }, { &y->dz, Z }, { &y->o, T }, { &y->dO, T }, { &y->t, T }, { &y->dt, T }, { &y->c, K },
                 { &y->du, K }, { &y->raw, raw }, { &y->draw, raw }, { &y->g, LAYERS * H }, { &y->s, LAYERS * H },
                 { &y->dg, LAYERS * H }, { &y->ds, LAYERS * H }, { &y->h0, n * (X + Z) }, { &y->dh0, n * (X + Z) },
                 { &y->a[0], n * H }, { &y->a[1], n * H }, { &y->a[2], n * H }, { &y->h[0], n * H },
                 { &y->h[1], n * H }, { &y->h[2], n * H }, { &y->dh, n * H }, { &y->da, n * H }, { &y->y, n },
                 { &y->dy, n }, { &y->work, most_work(p, rows) } };
    size_t at = 0;
    for (size_t k = 0; k < sizeof part / sizeof *part; at += part[k].size, k++)
        if (work)
            *part[k].where = work + at;
    return at;
}

size_t rh_process_work(const struct rh_process *p, int32_t n)
{
    struct pass y;
    return lay_out(p, n, NULL, &y);
}

/* ------------------------------------------------------------------------------------------------------ forward */

static void zero(size_t n, rh_real *x)
{
    memset(x, 0, n * sizeof *x);
}

/* mean[width] of the first n rows; of none: 0 */
static void mean_of(int32_t n, int32_t width, const rh_real *row, rh_real *mean)
{
    zero((size_t)width, mean);
    for (int32_t k = 0; k < n; k++)
        rh_axpy(width, 1 / (rh_real)n, row + (size_t)k * (size_t)width, mean);
}

static void join(const struct rh_process *p, const struct rh_process_set *set, struct pass *y)
{
    size_t X = (size_t)p->X;
    for (size_t k = 0; k < (size_t)set->n; k++) {
        memcpy(y->in + k * (X + 1), set->x + k * X, X * sizeof *y->in);
        y->in[k * (X + 1) + X] = set->y[k];
    }
}

/* mu and l of the support, then of all rows. */
static const rh_real *encode(const struct rh_process *p, const rh_real *phi, const struct rh_process_set *set,
                             struct pass *y)
{
    const rh_real *r = rh_mlp_forward(&p->rows, phi, set->n, y->in, NULL, y->rows);
    mean_of(set->n_support, p->Z, r, y->mean);
    mean_of(set->n, p->Z, r, y->mean + p->Z);
    return rh_mlp_forward(&p->latent, phi + p->at_latent, 2, y->mean, NULL, y->latent);
}

static void identify(const struct rh_process *p, const rh_real *phi, const struct rh_process_set *set, struct pass *y)
{
    size_t T = (size_t)p->T;
    const rh_real *pool = phi + p->at_pool;
    mean_of(set->n_support, p->T, rh_mlp_forward(&p->task, phi + p->at_task, set->n_support, y->in, NULL, y->task),
            y->o);
    memcpy(y->t, y->o, T * sizeof *y->t);
    rh_real most = -INFINITY, sum = 0;
    for (int32_t k = 0; k < p->K; k++) {
        rh_real far = 0;
        for (size_t j = 0; j < T; j++)
            far += (y->o[j] - pool[(size_t)k * T + j]) * (y->o[j] - pool[(size_t)k * T + j]);
        y->c[k] = (rh_real)(-(p->nu + 1) / 2) * rh_real_log1p(far / (rh_real)p->nu);
        most = y->c[k] > most ? y->c[k] : most;
    }
    for (int32_t k = 0; k < p->K; k++)
        sum += y->c[k] = rh_real_exp(y->c[k] - most);
    for (int32_t k = 0; k < p->K; k++) {
        y->c[k] /= sum;
        rh_axpy(p->T, y->c[k], pool + (size_t)k * T, y->t);
    }
}

/* The raw numbers of a layer are G, B, F, D, of H each. */
static void modulate(const struct rh_process *p, const rh_real *phi, struct pass *y)
{
    size_t H = (size_t)p->H, parts = (size_t)parts_of(p);
    rh_mlp_forward(&p->modulators, phi + p->at_modulators, 1, y->t, NULL, y->raw);
    for (size_t l = 0; l < LAYERS; l++) {
        rh_real *raw = y->raw + l * parts * H;
        for (size_t i = 0; i < H; i++) {
            rh_real g = raw[i] = rh_real_tanh(raw[i]), s = raw[H + i] = rh_real_tanh(raw[H + i]);
            if (p->modulation == RH_GATING) {
                rh_real e = raw[2 * H + i] = rh_real_tanh(raw[2 * H + i]);
                rh_real d = raw[3 * H + i] = rh_sigmoid(raw[3 * H + i]);
                g = d * g + (1 - d) * e;
                s = d * s + (1 - d) * e;
            }
            y->g[l * H + i] = g;
            y->s[l * H + i] = s;
        }
    }
}

static void plain(const struct rh_process *p, struct pass *y)
{
    for (int32_t i = 0; i < LAYERS * p->H; i++) {
        y->g[i] = 1;
        y->s[i] = 0;
    }
}

static const rh_real *decode(const struct rh_process *p, const rh_real *phi, int32_t n, const rh_real *x,
                             const rh_real *z, const rh_real *g, const rh_real *s, struct pass *y)
{
    size_t X = (size_t)p->X, Z = (size_t)p->Z, H = (size_t)p->H;
    for (size_t k = 0; k < (size_t)n; k++) {
        memcpy(y->h0 + k * (X + Z), x + k * X, X * sizeof *x);
        memcpy(y->h0 + k * (X + Z) + X, z, Z * sizeof *z);
    }
    const rh_real *below = y->h0;
    for (size_t l = 0; l < LAYERS; below = y->h[l], l++) {
        rh_mlp_forward(&p->decoder[l], phi + p->at_decoder[l], n, below, NULL, y->a[l]);
        for (size_t k = 0; k < (size_t)n; k++) {
            const rh_real *a = y->a[l] + k * H;
            rh_real *h = y->h[l] + k * H;
#pragma omp simd
            for (size_t i = 0; i < H; i++) {
                rh_real v = g[l * H + i] * a[i] + s[l * H + i];
                h[i] = v > 0 ? v : 0;
            }
        }
    }
    return rh_mlp_forward(&p->decoder[LAYERS], phi + p->at_decoder[LAYERS], n, below, NULL, y->y);
}

/* ----------------------------------------------------------------------------------------------------- backward */

/* From dy to dx, dz and the gradients of g and s. */
static void decode_back(const struct rh_process *p, const rh_real *phi, int32_t n, rh_real *dphi, rh_real *dx,
                        struct pass *y)
{
    size_t X = (size_t)p->X, Z = (size_t)p->Z, H = (size_t)p->H, rows = (size_t)n;
    zero(LAYERS * H, y->dg);
    zero(LAYERS * H, y->ds);
    zero(rows * H, y->dh);
    zero(rows * (X + Z), y->dh0);
    rh_mlp_back(&p->decoder[LAYERS], phi + p->at_decoder[LAYERS], n, y->h[LAYERS - 1], NULL, y->y, y->dy,
                dphi + p->at_decoder[LAYERS], y->dh, y->work);
    for (size_t l = LAYERS; l-- > 0;) {
        rh_real *dg = y->dg + l * H, *ds = y->ds + l * H;
        for (size_t k = 0; k < rows; k++) {
            const rh_real *a = y->a[l] + k * H, *h = y->h[l] + k * H;
            rh_real *dh = y->dh + k * H, *da = y->da + k * H;
#pragma omp simd
            for (size_t i = 0; i < H; i++) {
                rh_real d = h[i] > 0 ? dh[i] : 0;
                dg[i] += d * a[i];
                ds[i] += d;
                da[i] = d * y->g[l * H + i];
            }
        }
        if (l > 0)
            zero(rows * H, y->dh);
        rh_mlp_back(&p->decoder[l], phi + p->at_decoder[l], n, l > 0 ? y->h[l - 1] : y->h0, NULL, y->a[l], y->da,
                    dphi + p->at_decoder[l], l > 0 ? y->dh : y->dh0, y->work);
    }
    zero(Z, y->dz);
    for (size_t k = 0; k < rows; k++) {
        rh_axpy(p->X, 1, y->dh0 + k * (X + Z), dx + k * X);
        rh_axpy(p->Z, 1, y->dh0 + k * (X + Z) + X, y->dz);
    }
}

static void modulate_back(const struct rh_process *p, const rh_real *phi, rh_real *dphi, struct pass *y)
{
    size_t H = (size_t)p->H, parts = (size_t)parts_of(p);
    for (size_t l = 0; l < LAYERS; l++) {
        const rh_real *raw = y->raw + l * parts * H;
        rh_real *draw = y->draw + l * parts * H;
        for (size_t i = 0; i < H; i++) {
            rh_real dg = y->dg[l * H + i], ds = y->ds[l * H + i], g = raw[i], s = raw[H + i];
            if (p->modulation == RH_GATING) {
                rh_real e = raw[2 * H + i], d = raw[3 * H + i];
                draw[2 * H + i] = (dg + ds) * (1 - d) * (1 - e * e);
                draw[3 * H + i] = (dg * (g - e) + ds * (s - e)) * d * (1 - d);
                dg *= d;
                ds *= d;
            }
            draw[i] = dg * (1 - g * g);
            draw[H + i] = ds * (1 - s * s);
        }
    }
    zero((size_t)p->T, y->dt);
    rh_mlp_back(&p->modulators, phi + p->at_modulators, 1, y->t, NULL, y->raw, y->draw, dphi + p->at_modulators, y->dt,
                y->work);
}

/* Adds to dx what came to the inputs of the first n rows. */
static void part_back(const struct rh_process *p, int32_t n, rh_real *dx, const struct pass *y)
{
    size_t X = (size_t)p->X;
    for (size_t k = 0; k < (size_t)n; k++)
        rh_axpy(p->X, 1, y->din + k * (X + 1), dx + k * X);
}

/* From dt, and the clustering with d, whose derivative by the logarithm of what c is proportional to is
 * lambda (c - d). */
static void identify_back(const struct rh_process *p, const rh_real *phi, const struct rh_process_set *set,
                          const rh_real *d, rh_real *dphi, rh_real *dx, struct pass *y)
{
    size_t T = (size_t)p->T;
    rh_real mean = 0;
    memcpy(y->dO, y->dt, T * sizeof *y->dt);
    for (int32_t k = 0; k < p->K; k++) {
        y->du[k] = rh_dot(p->T, y->dt, phi + p->at_pool + (size_t)k * T);
        mean += y->c[k] * y->du[k];
    }
    for (int32_t k = 0; k < p->K; k++) {
        const rh_real *A = phi + p->at_pool + (size_t)k * T;
        rh_real *dA = dphi + p->at_pool + (size_t)k * T, far = 0;
        rh_real du = y->c[k] * (y->du[k] - mean) + (d ? (rh_real)p->lambda * (y->c[k] - d[k]) : 0);
        for (size_t j = 0; j < T; j++)
            far += (y->o[j] - A[j]) * (y->o[j] - A[j]);
        rh_real dfar = du * (rh_real)(-(p->nu + 1) / 2) / ((rh_real)p->nu + far);
        for (size_t j = 0; j < T; j++) {
            dA[j] += y->c[k] * y->dt[j] - 2 * dfar * (y->o[j] - A[j]);
            y->dO[j] += 2 * dfar * (y->o[j] - A[j]);
        }
    }
    size_t n = (size_t)set->n_support;
    zero(n * T, y->dout);
    for (size_t k = 0; k < n; k++)
        rh_axpy(p->T, 1 / (rh_real)n, y->dO, y->dout + k * T);
    zero(n * ((size_t)p->X + 1), y->din);
    rh_mlp_back(&p->task, phi + p->at_task, set->n_support, y->in, NULL, y->task, y->dout, dphi + p->at_task, y->din,
                y->work);
    part_back(p, set->n_support, dx, y);
}

/* KL of the normal of all rows from that of the support (own), each mu then l; its derivatives, times `weight`. */
static double divergence(int32_t Z, double weight, const rh_real *own, const rh_real *all, rh_real *down,
                         rh_real *dall)
{
    double sum = 0;
    rh_real w = (rh_real)weight;
    for (int32_t i = 0; i < Z; i++) {
        rh_real apart = all[i] - own[i], precision = rh_real_exp(-own[Z + i]);
        rh_real ratio = rh_real_exp(all[Z + i] - own[Z + i]), square = apart * apart * precision;
        sum += (double)((own[Z + i] - all[Z + i] - 1 + ratio + square) / 2);
        dall[i] = w * apart * precision;
        down[i] = -dall[i];
        dall[Z + i] = w * (ratio - 1) / 2;
        down[Z + i] = w * (1 - ratio - square) / 2;
    }
    return weight * sum;
}

/* From dz, and the divergence. */
static double encode_back(const struct rh_process *p, const rh_real *phi, const struct rh_process_set *set,
                          const rh_real *moments, const rh_real *noise, rh_real *dphi, rh_real *dx, struct pass *y)
{
    size_t Z = (size_t)p->Z, all = (size_t)set->n, own = (size_t)set->n_support;
    rh_real *dall = y->dlatent + 2 * Z;
    double value = divergence(p->Z, p->kl, moments, moments + 2 * Z, y->dlatent, dall);
    for (size_t i = 0; i < Z; i++) {
        dall[i] += y->dz[i];
        dall[Z + i] += y->dz[i] * noise[i] * rh_real_exp(moments[3 * Z + i] / 2) / 2;
    }
    zero(2 * Z, y->dmean);
    rh_mlp_back(&p->latent, phi + p->at_latent, 2, y->mean, NULL, y->latent, y->dlatent, dphi + p->at_latent, y->dmean,
                y->work);
    zero(all * Z, y->dout);
    for (size_t k = 0; k < all; k++) {
        rh_axpy(p->Z, 1 / (rh_real)all, y->dmean + Z, y->dout + k * Z);
        if (k < own)
            rh_axpy(p->Z, 1 / (rh_real)own, y->dmean, y->dout + k * Z);
    }
    zero(all * ((size_t)p->X + 1), y->din);
    rh_mlp_back(&p->rows, phi, set->n, y->in, NULL, y->rows, y->dout, dphi, y->din, y->work);
    part_back(p, set->n, dx, y);
    return value;
}

/* ---------------------------------------------------------------------------------------------------- a whole task */

void rh_process_assign(const struct rh_process *p, const rh_real *phi, const struct rh_process_set *set, rh_real *c,
                       rh_real *work)
{
    struct pass y;
    lay_out(p, set->n, work, &y);
    join(p, set, &y);
    identify(p, phi, set, &y);
    memcpy(c, y.c, (size_t)p->K * sizeof *c);
}

void rh_process_sharpen(int32_t n, int32_t K, rh_real *c)
{
    for (int32_t k = 0; k < K; k++) {
        rh_real sum = 0;
        for (int32_t i = 0; i < n; i++)
            sum += c[(size_t)i * (size_t)K + (size_t)k];
        for (int32_t i = 0; i < n && sum > 0; i++) {
            rh_real *x = &c[(size_t)i * (size_t)K + (size_t)k];
            *x = *x * *x / sum;
        }
    }
    for (int32_t i = 0; i < n; i++) {
        rh_real *x = c + (size_t)i * (size_t)K, sum = 0;
        for (int32_t k = 0; k < K; k++)
            sum += x[k];
        for (int32_t k = 0; k < K; k++)
            x[k] /= sum;
    }
}

static double clustering(const struct rh_process *p, const rh_real *c, const rh_real *d)
{
    double sum = 0;
    for (int32_t k = 0; k < p->K && d; k++)
        sum += d[k] > 0 ? (double)d[k] * log((double)d[k] / (double)c[k]) : 0;
    return p->lambda * sum;
}

double rh_process_loss(const struct rh_process *p, const rh_real *phi, const struct rh_process_set *set,
                       const rh_real *noise, const rh_real *d, rh_real *dphi, rh_real *dx, rh_real *work)
{
    struct pass y;
    lay_out(p, set->n, work, &y);
    join(p, set, &y);
    const rh_real *moments = NULL;
    size_t Z = (size_t)p->Z;
    if (Z > 0) {
        moments = encode(p, phi, set, &y);
        for (size_t i = 0; i < Z; i++)
            y.z[i] = moments[2 * Z + i] + rh_real_exp(moments[3 * Z + i] / 2) * noise[i];
    }
    if (p->T > 0) {
        identify(p, phi, set, &y);
        modulate(p, phi, &y);
    } else {
        plain(p, &y);
    }
    const rh_real *predicted = decode(p, phi, set->n, set->x, y.z, y.g, y.s, &y);
    double loss = 0;
    for (int32_t k = 0; k < set->n; k++) {
        rh_real error = predicted[k] - set->y[k];
        loss += (double)error * (double)error / set->n;
        y.dy[k] = 2 * error / (rh_real)set->n;
    }
    loss += clustering(p, y.c, d);
    decode_back(p, phi, set->n, dphi, dx, &y);
    if (p->T > 0) {
        modulate_back(p, phi, dphi, &y);
        identify_back(p, phi, set, d, dphi, dx, &y);
    }
    return Z > 0 ? loss + encode_back(p, phi, set, moments, noise, dphi, dx, &y) : loss;
}

/* ------------------------------------------------------------------------------------------------------ a query */

/* z, g and s */
size_t rh_process_met(const struct rh_process *p)
{
    return (size_t)p->Z + 2 * LAYERS * (size_t)p->H;
}

void rh_process_meet(const struct rh_process *p, const rh_real *phi, const struct rh_process_set *support, rh_real *met,
                     rh_real *work)
{
    struct pass y;
    lay_out(p, support->n, work, &y);
    join(p, support, &y);
    if (p->Z > 0)
        memcpy(met, encode(p, phi, support, &y), (size_t)p->Z * sizeof *met);
    if (p->T > 0) {
        identify(p, phi, support, &y);
        modulate(p, phi, &y);
    } else {
        plain(p, &y);
    }
    memcpy(met + p->Z, y.g, LAYERS * (size_t)p->H * sizeof *met);
    memcpy(met + p->Z + LAYERS * p->H, y.s, LAYERS * (size_t)p->H * sizeof *met);
}

const rh_real *rh_process_predict(const struct rh_process *p, const rh_real *phi, const rh_real *met, int32_t n,
                                  const rh_real *x, rh_real *work)
{
    struct pass y;
    lay_out(p, n, work, &y);
    return decode(p, phi, n, x, met, met + p->Z, met + p->Z + LAYERS * p->H, &y);
}
