#include "algorithms/lib/neighbors.h"

#include "algorithms/lib/invert.h"
#include "algorithms/lib/topk.h"

#include <float.h>
#include <string.h>

#define LANES 16 /* floats of a cache line: pairs looked at together */
#define STRIPE_FLOATS ((int64_t)1 << 20)
#define STRIPE_ROWS 128

/* The items are taken in stripes [first, end). For item i of a stripe, one thread counts x(i, j) for all j < i in a
 * private accumulator (half of the matrix is enough), offers the items j to the list of i, and leaves the row in the
 * stripe. When the stripe is complete, the columns are looked at: item i of the stripe is offered to the lists of the
 * items j < i. So every list has one writer at a time, and no row of the matrix lives longer than its stripe. */
struct finder {
    const struct rh_neighbor_job *job;
    struct rh_inverted users; /* of an item */
    struct rh_topk *list;     /* [n_items] */
    int32_t first, end;       /* the stripe */
    int64_t stride;           /* floats from row to row of the stripe */
    float *stripe;            /* [end - first x stride] x(first + r, j); 0 from the diagonal on */
    const float *a, *b, *c;   /* [n_items rounded up to LANES] as in the job, for the quick test */
    float gamma, shrinkage;
};

static double similarity(const struct rh_neighbor_job *job, int32_t owner, int32_t other, double x)
{
    double below = job->a[owner] * job->b[other] + (job->c[owner] + job->c[other]) + job->shrinkage - job->gamma * x;
    return below > 0 ? x / below : 0;
}

/* Quick tests without a division, for 16 pairs at a time: s >= floor is x (1 + gamma floor) >= floor (a b + c + c +
 * shrinkage). They err on the side of letting pairs pass: a few roundings to float are far below SLACK. */
#define SLACK 0.9999f

static bool some_other_may_enter(const struct finder *f, int32_t owner, const float *x, int32_t other)
{
    float floor = rh_topk_floor(&f->list[owner]), gain = 1 + f->gamma * floor, reach = floor * SLACK;
    float a = f->a[owner], c = f->c[owner] + f->shrinkage;
    const float *bs = f->b + other, *cs = f->c + other;
    int hit = 0;
    for (int l = 0; l < LANES; l++)
        hit |= x[l] * gain >= reach * (a * bs[l] + (c + cs[l])) + FLT_MIN;
    return hit;
}

static bool some_owner_takes(const struct finder *f, const float *owner_floor, int32_t owner, const float *x,
                             int32_t other)
{
    float b = f->b[other], c = f->c[other] + f->shrinkage;
    const float *as = f->a + owner, *cs = f->c + owner;
    int hit = 0;
    for (int l = 0; l < LANES; l++) {
        float floor = owner_floor[l], reach = floor * SLACK;
        hit |= x[l] * (1 + f->gamma * floor) >= reach * (as[l] * b + (c + cs[l])) + FLT_MIN;
    }
    return hit;
}

/* x(i, j) for all j < i, as floats (exact for counts up to 2^24) into row; the accumulator is left zero. */
static void count(const struct finder *f, int32_t i, int32_t *restrict sum, float *restrict row)
{
    const struct rh_domain *d = f->job->domain;
    for (int64_t k = f->users.row[i]; k < f->users.row[i + 1]; k++) {
        const int32_t *item = d->item + d->row[f->users.user[k]];
        int32_t before = f->users.at[k];
        for (int32_t m = 0; m < before; m++)
            sum[item[m]]++;
    }
    for (int32_t j = 0; j < i; j++)
        row[j] = (float)sum[j];
    memset(sum, 0, (size_t)i * sizeof *sum);
}

static void multiply(const struct finder *f, int32_t i, double *restrict sum, float *restrict row)
{
    const struct rh_domain *d = f->job->domain;
    for (int64_t k = f->users.row[i]; k < f->users.row[i + 1]; k++) {
        int64_t begin = d->row[f->users.user[k]];
        const int32_t *item = d->item + begin;
        const float *value = f->job->value + begin;
        double own = f->users.value[k];
        int32_t before = f->users.at[k];
        for (int32_t m = 0; m < before; m++)
            sum[item[m]] += own * value[m];
    }
    for (int32_t j = 0; j < i; j++)
        row[j] = (float)sum[j];
    memset(sum, 0, (size_t)i * sizeof *sum);
}

/* Rows [begin, end) of the stripe: counted, and offered to the lists of their own items. */
static int rows_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct finder *f = arg;
    bool counts = !f->job->value;
    void *sum = ctx->host->scratch(ctx, (size_t)f->end, counts ? sizeof(int32_t) : sizeof(double));
    if (!sum)
        return RH_ENOMEM;
    for (int64_t r = begin; r < end; r++) {
        int32_t i = f->first + (int32_t)r;
        float *row = f->stripe + r * f->stride;
        if (counts)
            count(f, i, sum, row);
        else
            multiply(f, i, sum, row);
        for (int32_t j = 0; j < i; j += LANES)
            if (some_other_may_enter(f, i, row + j, j))
                for (int32_t l = j; l < j + LANES && l < i; l++)
                    rh_topk_push(&f->list[i], (float)similarity(f->job, i, l, row[l]), l);
    }
    return RH_OK;
}

/* Columns [16 begin, 16 end) of the stripe: its items offered to the lists of earlier items. */
static int columns_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct finder *f = arg;
    for (int64_t group = begin; group < end; group++) {
        int32_t j = (int32_t)(group * LANES), n = f->end - j < LANES ? f->end - j : LANES;
        float floor[LANES] = { 0 };
        for (int l = 0; l < n; l++)
            floor[l] = rh_topk_floor(&f->list[j + l]);
        for (int32_t i = f->first > j ? f->first : j + 1; i < f->end; i++) {
            const float *x = f->stripe + (i - f->first) * f->stride + j;
            if (!some_owner_takes(f, floor, j, x, i))
                continue;
            for (int l = 0; l < n && j + l < i; l++) {
                rh_topk_push(&f->list[j + l], (float)similarity(f->job, j + l, i, x[l]), i);
                floor[l] = rh_topk_floor(&f->list[j + l]);
            }
        }
    }
    return RH_OK;
}

static const float *as_floats(struct rh_ctx *ctx, const double *x, int32_t n)
{
    float *y = ctx->host->scratch(ctx, (size_t)n + LANES, sizeof *y);
    for (int32_t i = 0; y && i < n; i++)
        y[i] = (float)x[i];
    return y;
}

/* Empty lists, all in one block. */
static struct rh_topk *make_lists(struct rh_ctx *ctx, int32_t n_items, int32_t k)
{
    if (k > n_items - 1)
        k = n_items > 1 ? n_items - 1 : 1;
    int64_t capacity = 2 * (int64_t)k + 32;
    if (capacity > n_items)
        capacity = n_items; /* that many pairs never come */
    struct rh_topk *list = ctx->host->scratch(ctx, (size_t)n_items, sizeof *list);
    uint64_t *key = list ? ctx->host->scratch(ctx, (size_t)n_items, (size_t)capacity * sizeof *key) : NULL;
    if (!key)
        return NULL;
    for (int32_t i = 0; i < n_items; i++)
        list[i] = (struct rh_topk){ .key = key + i * capacity, .k = k, .capacity = (int32_t)capacity };
    return list;
}

/* The number of rows that a stripe beginning at `first` may have. */
static int32_t stripe_rows(int32_t first, int32_t n_items)
{
    int64_t rows = STRIPE_FLOATS / ((int64_t)n_items + LANES);
    if (rows < STRIPE_ROWS)
        rows = STRIPE_ROWS;
    return rows < n_items - first ? (int32_t)rows : n_items - first;
}

static int pack(struct rh_ctx *ctx, struct rh_topk *list, int32_t n_items, struct rh_neighbors *out)
{
    int64_t *row = ctx->host->alloc(ctx, (size_t)n_items + 1, sizeof *row);
    if (!row)
        return RH_ENOMEM;
    for (int32_t i = 0; i < n_items; i++) {
        if (list[i].n > list[i].k)
            rh_topk_shrink(&list[i]);
        row[i + 1] = row[i] + list[i].n;
    }
    int32_t *item = ctx->host->alloc(ctx, (size_t)row[n_items], sizeof *item);
    float *weight = ctx->host->alloc(ctx, (size_t)row[n_items], sizeof *weight);
    if (!item || !weight)
        return RH_ENOMEM;
    for (int32_t i = 0; i < n_items; i++)
        for (int32_t m = 0; m < list[i].n; m++) {
            item[row[i] + m] = rh_topk_index(list[i].key[m]);
            weight[row[i] + m] = rh_topk_similarity(list[i].key[m]);
        }
    *out = (struct rh_neighbors){ n_items, row, item, weight };
    return RH_OK;
}

int rh_neighbors_find(struct rh_ctx *ctx, const struct rh_neighbor_job *job, struct rh_neighbors *out)
{
    int32_t n = job->domain->n_items;
    struct finder f = {
        .job = job,
        .stride = ((int64_t)n + LANES - 1) / LANES * LANES,
        .list = make_lists(ctx, n, job->k),
        .a = as_floats(ctx, job->a, n),
        .b = as_floats(ctx, job->b, n),
        .c = as_floats(ctx, job->c, n),
        .gamma = (float)job->gamma,
        .shrinkage = (float)job->shrinkage,
    };
    f.stripe = ctx->host->scratch(ctx, (size_t)stripe_rows(0, n), (size_t)f.stride * sizeof *f.stripe);
    if (!f.list || !f.a || !f.b || !f.c || !f.stripe)
        return RH_ENOMEM;
    int status = rh_invert(ctx, job->domain, job->n_users, job->value, true, ctx->host->scratch, &f.users);
    for (f.first = 0; status >= 0 && f.first < n; f.first = f.end) {
        f.end = f.first + stripe_rows(f.first, n);
        status = ctx->host->tick(ctx, f.first, n);
        if (status >= 0)
            status = ctx->host->parallel(ctx, f.end - f.first, 4, rows_part, &f);
        if (status >= 0)
            status = ctx->host->parallel(ctx, (f.end + LANES - 1) / LANES, 8, columns_part, &f);
    }
    return status < 0 ? status : pack(ctx, f.list, n, out);
}

int rh_neighbors_transpose(struct rh_ctx *ctx, const struct rh_neighbors *in, struct rh_neighbors *out)
{
    int64_t n = in->row[in->n_items];
    int64_t *row = ctx->host->alloc(ctx, (size_t)in->n_items + 2, sizeof *row);
    int32_t *item = ctx->host->alloc(ctx, (size_t)n, sizeof *item);
    float *weight = ctx->host->alloc(ctx, (size_t)n, sizeof *weight);
    if (!row || !item || !weight)
        return RH_ENOMEM;
    for (int64_t m = 0; m < n; m++)
        row[in->item[m] + 2]++;
    for (int32_t i = 0; i < in->n_items; i++)
        row[i + 2] += row[i + 1];
    for (int32_t i = 0; i < in->n_items; i++)
        for (int64_t m = in->row[i]; m < in->row[i + 1]; m++) {
            int64_t to = row[in->item[m] + 1]++;
            item[to] = i;
            weight[to] = in->weight[m];
        }
    *out = (struct rh_neighbors){ in->n_items, row, item, weight };
    return RH_OK;
}
