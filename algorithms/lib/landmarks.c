#include "algorithms/lib/landmarks.h"

#include <cblas.h>
#include <gsl/gsl_statistics.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS 1024 /* landmarks at most that the median distance is taken of */
#define ROUNDING 1e-12 /* of squared distances: rows have a length of about 1 a block */

/* ------------------------------------------------------------------------------------------------------- items */

static int32_t domain_of(const struct rh_landmarks *l, int32_t item)
{
    int32_t d = 0;
    while (item >= l->first_item[d + 1])
        d++;
    return d;
}

/* A row of a block, weighted by idf but not yet scaled: its weight at j, 0 <= j < n. */
struct row {
    const struct rh_features *f;
    const double *idf; /* of the block */
    int64_t begin, n;
};

static struct row open_row(const struct rh_landmarks *l, int32_t domain, int32_t block, int32_t item)
{
    const struct rh_features *f = &l->train->domain[domain].item_features[block];
    struct row r = { .f = f, .idf = l->idf + l->first_column[block] };
    if (f->dense) {
        r.begin = (int64_t)item * f->n_cols;
        r.n = f->n_cols;
    } else if (f->row) {
        r.begin = f->row[item];
        r.n = f->row[item + 1] - r.begin;
    }
    return r;
}

static inline int32_t column(const struct row *r, int64_t j)
{
    return r->f->dense ? (int32_t)j : r->f->col[r->begin + j];
}

static inline double weight(const struct row *r, int64_t j)
{
    if (r->f->dense)
        return (double)r->f->dense[r->begin + j];
    return (r->f->val ? (double)r->f->val[r->begin + j] : 1) * r->idf[r->f->col[r->begin + j]];
}

static double length_squared(const struct row *r)
{
    double square = 0;
    for (int64_t j = 0; j < r->n; j++)
        square += weight(r, j) * weight(r, j);
    return square;
}

/* What a row is multiplied by: of a sparse block 1 over its length, 0 of an empty one; of a dense block one number. */
static double row_factor(const struct rh_landmarks *l, int32_t block, const struct row *r)
{
    if (r->f->dense)
        return l->dense_factor[block];
    double square = length_squared(r);
    return square > 0 ? 1 / sqrt(square) : 0;
}

static double square_of(const struct rh_landmarks *l, int32_t domain, int32_t item)
{
    double sum = 0;
    for (int32_t b = 0; b < l->train->n_item_blocks; b++) {
        struct row r = open_row(l, domain, b, item);
        double factor = row_factor(l, b, &r);
        sum += factor * factor * length_squared(&r);
    }
    return sum;
}

/* ------------------------------------------------------------------------------------------------------ set-up */

static int number(struct rh_ctx *ctx, struct rh_landmarks *l, const char *who)
{
    const struct rh_train *train = l->train;
    int64_t items = 0, columns = 0;
    l->first_item = ctx->host->scratch(ctx, (size_t)train->n_domains + 1, sizeof *l->first_item);
    l->first_column = ctx->host->scratch(ctx, (size_t)train->n_item_blocks + 1, sizeof *l->first_column);
    if (!l->first_item || !l->first_column)
        return RH_ENOMEM;
    for (int32_t d = 0; d < train->n_domains; d++) {
        items += train->domain[d].n_items;
        l->first_item[d + 1] = (int32_t)(items > INT32_MAX ? 0 : items);
    }
    for (int32_t b = 0; b < train->n_item_blocks; b++) {
        columns += train->domain[train->target].item_features[b].n_cols;
        l->first_column[b + 1] = (int32_t)(columns > INT32_MAX ? 0 : columns);
    }
    if (items > INT32_MAX || columns > INT32_MAX)
        return ctx->host->fail(ctx, RH_EDATA, "%s: %lld items with %lld feature columns: at most 2147483647 of each",
                               who, (long long)items, (long long)columns);
    return RH_OK;
}

static int weigh_columns(struct rh_ctx *ctx, struct rh_landmarks *l)
{
    const struct rh_train *train = l->train;
    int32_t columns = l->first_column[train->n_item_blocks], items = rh_landmarks_items(l);
    l->idf = ctx->host->scratch(ctx, (size_t)columns, sizeof *l->idf);
    l->dense = ctx->host->scratch(ctx, (size_t)train->n_item_blocks, sizeof(double *));
    if (!l->idf || !l->dense)
        return RH_ENOMEM;
    for (int32_t d = 0; d < train->n_domains; d++)
        for (int32_t b = 0; b < train->n_item_blocks; b++) {
            const struct rh_features *f = &train->domain[d].item_features[b];
            for (int64_t j = 0; f->row && j < f->row[f->n_rows]; j++)
                l->idf[l->first_column[b] + f->col[j]] += 1;
        }
    for (int32_t c = 0; c < columns; c++)
        l->idf[c] = 1 + log((1.0 + items) / (1.0 + l->idf[c]));
    l->dense_factor = ctx->host->scratch(ctx, (size_t)train->n_item_blocks, sizeof *l->dense_factor);
    if (!l->dense_factor)
        return RH_ENOMEM;
    for (int32_t b = 0; b < train->n_item_blocks; b++) {
        double sum = 0;
        for (int32_t d = 0; d < train->n_domains; d++)
            for (int32_t i = 0; train->domain[d].item_features[b].dense && i < train->domain[d].n_items; i++) {
                struct row r = open_row(l, d, b, i);
                sum += length_squared(&r);
            }
        l->dense_factor[b] = sum > 0 ? sqrt(items / sum) : 0;
    }
    return RH_OK;
}

static int compare_ids(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Draws of the items with features `most`, half of them of the target. */
static int draw(struct rh_ctx *ctx, struct rh_landmarks *l, const char *who, int32_t most)
{
    int32_t items = rh_landmarks_items(l), n[2] = { 0, 0 };
    int32_t *side[2];
    for (int t = 0; t < 2; t++)
        if (!(side[t] = ctx->host->scratch(ctx, (size_t)items, sizeof **side)))
            return RH_ENOMEM;
    for (int32_t d = 0; d < l->train->n_domains; d++)
        for (int32_t i = 0; i < l->train->domain[d].n_items; i++) {
            int t = d == l->train->target;
            double square = square_of(l, d, i);
            if (!isfinite(square))
                return ctx->host->fail(ctx, RH_EDATA, "%s: '%s' has item features that are not finite", who,
                                       l->train->domain[d].name);
            if (square > 0)
                side[t][n[t]++] = l->first_item[d] + i;
        }
    if (n[0] + n[1] == 0)
        return ctx->host->fail(ctx, RH_EDATA, "%s: no item of any domain has features", who);
    struct rh_rng r = ctx->host->stream(ctx, "landmarks", 0);
    if (n[0] + n[1] > most) {
        int32_t few = n[0] < n[1] ? 0 : 1, half = most / 2;
        int32_t of_few = n[few] < half ? n[few] : half;
        for (int t = 0; t < 2; t++) {
            rh_rng_shuffle(&r, side[t], n[t]);
            n[t] = t == few ? of_few : most - of_few;
        }
    }
    l->n = n[0] + n[1];
    l->item = ctx->host->scratch(ctx, (size_t)l->n, sizeof *l->item);
    l->square = ctx->host->scratch(ctx, (size_t)l->n, sizeof *l->square);
    if (!l->item || !l->square)
        return RH_ENOMEM;
    memcpy(l->item, side[0], (size_t)n[0] * sizeof *l->item);
    memcpy(l->item + n[0], side[1], (size_t)n[1] * sizeof *l->item);
    qsort(l->item, (size_t)l->n, sizeof *l->item, compare_ids);
    for (int32_t k = 0; k < l->n; k++) {
        int32_t d = domain_of(l, l->item[k]);
        l->square[k] = square_of(l, d, l->item[k] - l->first_item[d]);
    }
    return RH_OK;
}

/* The landmarks' rows of dense blocks as matrices. */
static int lay_dense(struct rh_ctx *ctx, struct rh_landmarks *l)
{
    for (int32_t b = 0; b < l->train->n_item_blocks; b++) {
        bool dense = false;
        for (int32_t d = 0; d < l->train->n_domains; d++)
            dense |= l->train->domain[d].item_features[b].dense != NULL;
        if (!dense || l->first_column[b + 1] == l->first_column[b])
            continue;
        size_t width = (size_t)(l->first_column[b + 1] - l->first_column[b]);
        double *x = l->dense[b] = ctx->host->scratch(ctx, (size_t)l->n * width, sizeof *x);
        if (!x)
            return RH_ENOMEM;
        for (int32_t k = 0; k < l->n; k++) {
            int32_t d = domain_of(l, l->item[k]);
            struct row r = open_row(l, d, b, l->item[k] - l->first_item[d]);
            double factor = row_factor(l, b, &r);
            for (int64_t j = 0; j < r.n; j++)
                x[(size_t)k * width + (size_t)column(&r, j)] = factor * weight(&r, j);
        }
    }
    return RH_OK;
}

/* The landmarks of each column of the sparse blocks. */
static int lay_sparse(struct rh_ctx *ctx, struct rh_landmarks *l)
{
    int32_t columns = l->first_column[l->train->n_item_blocks];
    l->column_row = ctx->host->scratch(ctx, (size_t)columns + 2, sizeof *l->column_row);
    if (!l->column_row)
        return RH_ENOMEM;
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t k = 0; k < l->n; k++)
            for (int32_t b = 0; b < l->train->n_item_blocks; b++) {
                if (l->dense[b])
                    continue;
                int32_t d = domain_of(l, l->item[k]);
                struct row r = open_row(l, d, b, l->item[k] - l->first_item[d]);
                double factor = row_factor(l, b, &r);
                for (int64_t j = 0; j < r.n; j++) {
                    int32_t c = l->first_column[b] + column(&r, j);
                    if (pass == 0) {
                        l->column_row[c + 2]++;
                    } else {
                        int64_t at = l->column_row[c + 1]++;
                        l->column_landmark[at] = k;
                        l->column_value[at] = factor * weight(&r, j);
                    }
                }
            }
        if (pass == 1)
            break;
        for (int32_t c = 0; c < columns; c++)
            l->column_row[c + 2] += l->column_row[c + 1];
        size_t all = (size_t)l->column_row[columns + 1];
        l->column_landmark = ctx->host->scratch(ctx, all, sizeof *l->column_landmark);
        l->column_value = ctx->host->scratch(ctx, all, sizeof *l->column_value);
        if (!l->column_landmark || !l->column_value)
            return RH_ENOMEM;
    }
    return RH_OK;
}

/* b: the median of |x - y|^2 over pairs of different landmarks, of evenly spaced ones when there are many. */
static int find_scale(struct rh_ctx *ctx, struct rh_landmarks *l, const char *who, double width)
{
    size_t m = (size_t)l->n, chosen = m < PAIRS ? m : PAIRS, pairs = 0;
    double *phi = ctx->host->scratch(ctx, RH_LANDMARK_ROWS * m, sizeof *phi);
    double *work = ctx->host->scratch(ctx, rh_landmarks_work(l), sizeof *work);
    double *distance = ctx->host->scratch(ctx, chosen * (chosen - 1) / 2 + 1, sizeof *distance);
    if (!phi || !work || !distance)
        return RH_ENOMEM;
    for (size_t a = 0; a < chosen; a++) {
        int32_t item[RH_LANDMARK_ROWS], at = (int32_t)(a % RH_LANDMARK_ROWS), n = 0;
        for (size_t c = a; at == 0 && c < chosen && n < RH_LANDMARK_ROWS; c++)
            item[n++] = l->item[c * m / chosen];
        if (at == 0)
            rh_landmarks_rows(l, item, 0, n, phi, work);
        size_t i = a * m / chosen;
        for (size_t c = a + 1; c < chosen; c++) {
            size_t j = c * m / chosen;
            double square = l->square[i] + l->square[j] - 2 * phi[(size_t)at * m + j];
            distance[pairs++] = square > ROUNDING ? square : 0;
        }
    }
    l->scale = pairs ? width * gsl_stats_median(distance, 1, pairs) : 0;
    if (!(l->scale > 0))
        return ctx->host->fail(ctx, RH_EDATA, "%s: most items have the same features, so a Gaussian kernel has no "
                               "width; choose other features, or kernel = linear", who);
    return RH_OK;
}

int rh_landmarks_init(struct rh_ctx *ctx, struct rh_landmarks *l, const char *who, const struct rh_train *train,
                      enum rh_kernel kernel, double width, int32_t most)
{
    *l = (struct rh_landmarks){ .train = train, .kernel = RH_KERNEL_LINEAR };
    int status = number(ctx, l, who);
    if (status == RH_OK)
        status = weigh_columns(ctx, l);
    if (status == RH_OK)
        status = draw(ctx, l, who, most);
    if (status == RH_OK)
        status = lay_dense(ctx, l);
    if (status == RH_OK)
        status = lay_sparse(ctx, l);
    if (status == RH_OK && kernel == RH_KERNEL_GAUSSIAN)
        status = find_scale(ctx, l, who, width); /* by products: the kernel is still linear */
    l->kernel = kernel;
    return status;
}

/* -------------------------------------------------------------------------------------------------------- rows */

static void add_sparse(const struct rh_landmarks *l, int32_t block, const struct row *r, double *phi)
{
    double factor = row_factor(l, block, r);
    for (int64_t j = 0; j < r->n; j++) {
        int32_t c = l->first_column[block] + column(r, j);
        double w = factor * weight(r, j);
        for (int64_t k = l->column_row[c]; k < l->column_row[c + 1]; k++)
            phi[l->column_landmark[k]] += w * l->column_value[k];
    }
}

/* Columns of the widest dense block. */
static size_t widest(const struct rh_landmarks *l)
{
    int32_t most = 0;
    for (int32_t b = 0; b < l->train->n_item_blocks; b++) {
        int32_t width = l->first_column[b + 1] - l->first_column[b];
        most = l->dense[b] && width > most ? width : most;
    }
    return (size_t)most;
}

size_t rh_landmarks_work(const struct rh_landmarks *l)
{
    return RH_LANDMARK_ROWS * widest(l) + 1;
}

void rh_landmarks_rows(const struct rh_landmarks *l, const int32_t *item, int32_t begin, int32_t n, double *phi,
                       double *x)
{
    size_t m = (size_t)l->n;
    memset(phi, 0, (size_t)n * m * sizeof *phi);
    for (int32_t b = 0; b < l->train->n_item_blocks; b++) {
        size_t width = (size_t)(l->first_column[b + 1] - l->first_column[b]);
        if (l->dense[b])
            memset(x, 0, (size_t)n * width * sizeof *x);
        for (int32_t k = 0; k < n; k++) {
            int32_t through = item ? item[k] : begin + k, d = domain_of(l, through);
            struct row r = open_row(l, d, b, through - l->first_item[d]);
            if (!l->dense[b]) {
                add_sparse(l, b, &r, phi + (size_t)k * m);
                continue;
            }
            double factor = row_factor(l, b, &r);
            for (int64_t j = 0; j < r.n; j++)
                x[(size_t)k * width + (size_t)column(&r, j)] = factor * weight(&r, j);
        }
        if (l->dense[b])
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, l->n, (int)width, 1, x, (int)width, l->dense[b],
                        (int)width, 1, phi, l->n);
    }
    for (int32_t k = 0; k < n && l->kernel == RH_KERNEL_GAUSSIAN; k++) {
        int32_t through = item ? item[k] : begin + k, d = domain_of(l, through);
        double square = square_of(l, d, through - l->first_item[d]), *row = phi + (size_t)k * m;
        for (size_t j = 0; j < m; j++) {
            double distance = square + l->square[j] - 2 * row[j];
            row[j] = distance > 0 ? exp(-distance / l->scale) : 1;
        }
    }
}
