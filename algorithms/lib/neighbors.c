#include "algorithms/lib/neighbors.h"

#include "algorithms/lib/explain.h"
#include "algorithms/lib/invert.h"
#include "algorithms/lib/tally.h"
#include "algorithms/lib/topk.h"

#include <string.h>

#define PADDED(n) ((size_t)(n) + 128) /* room for whole groups behind the last item */
#define GRAIN 8                       /* items a part */
#define SHARE 512                     /* items between two ticks */

struct finder {
    const struct rh_neighbor_job *job;
    struct rh_inverted users;  /* of an item */
    struct rh_tally items;     /* of a user; for counts */
    const double *a, *b, *c;   /* [n_items padded] as in the job */
    const double *own_c;       /* [n_items] */
    int32_t k, first;          /* length of a list; first item of the share at work */
    int64_t *room;             /* [n_items + 1] where the keys of an item begin: room for its longest possible list */
    uint64_t *key;             /* [room[n_items]] */
    int32_t *length;           /* [n_items] keys in use */
};

/* Work space of a part. Between two items, count, sum and touched are zero. */
struct desk {
    void *planes;           /* of the tally */
    int32_t *count;         /* [n_items padded] x(i, j) as counts, or NULL */
    double *sum;            /* [n_items padded] x(i, j) of values, or NULL */
    unsigned char *touched; /* [groups] of 16 items: some x may be other than 0 */
    float *similarity;      /* [n_items padded] in the groups that are touched */
    uint64_t *group, *key;  /* of lib/topk.h */
};

static int set_desk(struct rh_ctx *ctx, const struct finder *f, struct desk *d)
{
    size_t n = (size_t)f->job->domain->n_items;
    *d = (struct desk){
        .touched = ctx->host->scratch(ctx, RH_TOPK_GROUPS(PADDED(n)), 1),
        .similarity = ctx->host->scratch(ctx, PADDED(n), sizeof *d->similarity),
        .group = ctx->host->scratch(ctx, RH_TOPK_GROUPS(n), sizeof *d->group),
        .key = ctx->host->scratch(ctx, RH_TOPK_ROOM(n) + 1, sizeof *d->key),
    };
    if (f->job->value) {
        d->sum = ctx->host->scratch(ctx, PADDED(n), sizeof *d->sum);
    } else {
        d->planes = ctx->host->scratch(ctx, rh_tally_space(&f->items), 1);
        d->count = ctx->host->scratch(ctx, PADDED(n), sizeof *d->count);
    }
    bool all = d->touched && d->similarity && d->group && d->key && (d->sum || (d->planes && d->count));
    return all ? RH_OK : RH_ENOMEM;
}

/* x(i, j) for all j. */
static void cross(const struct finder *f, int32_t i, struct desk *desk)
{
    const struct rh_domain *d = f->job->domain;
    int64_t begin = f->users.row[i], end = f->users.row[i + 1];
    if (desk->count) {
        rh_tally_add(&f->items, f->users.user + begin, end - begin, desk->planes, desk->count, desk->touched);
        desk->count[i] = 0;
        return;
    }
    const float *value = f->job->value;
    const int32_t *item = d->item;
    double *restrict sum = desk->sum;
    size_t groups = RH_TOPK_GROUPS(d->n_items);
    for (int64_t k = begin; k < end; k++) {
        int64_t first = d->row[f->users.user[k]], last = d->row[f->users.user[k] + 1];
        double own = f->users.value[k];
        for (int64_t m = first; m < last; m++)
            sum[item[m]] += own * value[m];
        if ((size_t)(last - first) > groups / 8)
            memset(desk->touched, 1, groups); /* cheaper than to look where */
        else
            for (int64_t m = first; m < last; m++)
                desk->touched[item[m] / RH_TOPK_GROUP] = 1;
    }
    sum[i] = 0;
}

/* s(i, j) for j in [begin, end); 0 where it is not positive, or 0 / 0. */
static void compare(const struct finder *f, int32_t i, const struct desk *desk, int32_t begin, int32_t end)
{
    const double *restrict b = f->b, *restrict cs = f->c, *restrict sum = desk->sum;
    const int32_t *restrict count = desk->count;
    float *restrict similarity = desk->similarity;
    double a = f->a[i], c = f->own_c[i], shrinkage = f->job->shrinkage, gamma = f->job->gamma;
    if (count)
        for (int32_t j = begin; j < end; j++) {
            double x = count[j];
            float s = (float)(x / (a * b[j] + (c + cs[j]) + shrinkage - gamma * x));
            similarity[j] = s > 0 ? s : 0;
        }
    else
        for (int32_t j = begin; j < end; j++) {
            double x = sum[j];
            float s = (float)(x / (a * b[j] + (c + cs[j]) + shrinkage - gamma * x));
            similarity[j] = s > 0 ? s : 0;
        }
}

/* Clears the desk for the next item. */
static void clear(struct desk *desk, int32_t begin, int32_t end)
{
    size_t n = (size_t)(end - begin);
    if (desk->count)
        memset(desk->count + begin, 0, n * sizeof *desk->count);
    else
        memset(desk->sum + begin, 0, n * sizeof *desk->sum);
    memset(desk->touched + begin / RH_TOPK_GROUP, 0, n / RH_TOPK_GROUP);
}

/* Finds the next run of touched groups from item *end on, as items [*begin, *end). */
static bool next_run(const struct desk *desk, int32_t n_groups, int32_t *begin, int32_t *end)
{
    int32_t g = *end / RH_TOPK_GROUP;
    while (g < n_groups && !desk->touched[g])
        g++;
    *begin = g * RH_TOPK_GROUP;
    while (g < n_groups && desk->touched[g])
        g++;
    *end = g * RH_TOPK_GROUP;
    return *begin < *end;
}

static int part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct finder *f = arg;
    struct desk desk;
    int status = set_desk(ctx, f, &desk);
    for (int64_t at = begin; at < end && status >= 0; at++) {
        int32_t i = f->first + (int32_t)at, n = f->job->domain->n_items, groups = (int32_t)RH_TOPK_GROUPS(n);
        cross(f, i, &desk);
        for (int32_t from, to = 0; next_run(&desk, groups, &from, &to);)
            compare(f, i, &desk, from, to);
        f->length[i] = rh_topk_nearest(desk.similarity, desk.touched, n, f->k, desk.group, desk.key);
        memcpy(f->key + f->room[i], desk.key, (size_t)f->length[i] * sizeof *f->key);
        for (int32_t from, to = 0; next_run(&desk, groups, &from, &to);)
            clear(&desk, from, to);
    }
    return status;
}

static const double *padded(struct rh_ctx *ctx, const double *x, int32_t n)
{
    double *y = ctx->host->scratch(ctx, PADDED(n), sizeof *y);
    if (y)
        memcpy(y, x, (size_t)n * sizeof *y);
    return y;
}

/* Room for the lists: an item has at most k neighbours, and not more than all items of its users. */
static int make_room(struct rh_ctx *ctx, struct finder *f)
{
    const struct rh_domain *d = f->job->domain;
    f->room = ctx->host->scratch(ctx, (size_t)d->n_items + 1, sizeof *f->room);
    f->length = ctx->host->scratch(ctx, (size_t)d->n_items, sizeof *f->length);
    if (!f->room || !f->length)
        return RH_ENOMEM;
    for (int32_t i = 0; i < d->n_items; i++) {
        int64_t most = 0;
        for (int64_t k = f->users.row[i]; k < f->users.row[i + 1] && most < f->k; k++)
            most += d->row[f->users.user[k] + 1] - d->row[f->users.user[k]] - 1;
        f->room[i + 1] = f->room[i] + (most < f->k ? most : f->k);
    }
    f->key = ctx->host->scratch(ctx, (size_t)f->room[d->n_items], sizeof *f->key);
    return f->key ? RH_OK : RH_ENOMEM;
}

static int pack(struct rh_ctx *ctx, const struct finder *f, struct rh_neighbors *out)
{
    int32_t n_items = f->job->domain->n_items;
    int64_t *row = ctx->host->alloc(ctx, (size_t)n_items + 1, sizeof *row);
    if (!row)
        return RH_ENOMEM;
    for (int32_t i = 0; i < n_items; i++)
        row[i + 1] = row[i] + f->length[i];
    int32_t *item = ctx->host->alloc(ctx, (size_t)row[n_items], sizeof *item);
    float *weight = ctx->host->alloc(ctx, (size_t)row[n_items], sizeof *weight);
    if (!item || !weight)
        return RH_ENOMEM;
    for (int32_t i = 0; i < n_items; i++)
        for (int32_t m = 0; m < f->length[i]; m++) {
            item[row[i] + m] = rh_topk_index(f->key[f->room[i] + m]);
            weight[row[i] + m] = rh_topk_similarity(f->key[f->room[i] + m]);
        }
    *out = (struct rh_neighbors){ n_items, row, item, weight };
    return RH_OK;
}

int rh_neighbors_find(struct rh_ctx *ctx, const struct rh_neighbor_job *job, struct rh_neighbors *out)
{
    const struct rh_domain *d = job->domain;
    int32_t n = d->n_items;
    struct finder f = {
        .job = job,
        .a = padded(ctx, job->a, n),
        .b = padded(ctx, job->b, n),
        .c = padded(ctx, job->c, n),
        .own_c = job->own_c ? job->own_c : job->c,
        .k = job->k < n ? job->k : n,
    };
    if (!f.a || !f.b || !f.c)
        return RH_ENOMEM;
    int status = rh_invert(ctx, d, job->n_users, job->value, ctx->host->scratch, &f.users);
    if (status >= 0 && !job->value)
        status = rh_tally_build(ctx, job->n_users, n, d->row, d->item, ctx->host->scratch, &f.items);
    if (status >= 0)
        status = make_room(ctx, &f);
    for (f.first = 0; status >= 0 && f.first < n; f.first += SHARE) {
        status = ctx->host->tick(ctx, f.first, n);
        if (status >= 0)
            status = ctx->host->parallel(ctx, n - f.first < SHARE ? n - f.first : SHARE, GRAIN, part, &f);
    }
    return status < 0 ? status : pack(ctx, &f, out);
}

void rh_neighbors_scale(struct rh_neighbors *lists)
{
    for (int32_t i = 0; i < lists->n_items; i++) {
        double sum = 0;
        for (int64_t m = lists->row[i]; m < lists->row[i + 1]; m++)
            sum += lists->weight[m];
        for (int64_t m = lists->row[i]; m < lists->row[i + 1]; m++)
            lists->weight[m] = (float)(lists->weight[m] / sum);
    }
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

int rh_neighbors_persist(struct rh_ctx *ctx, int32_t n_items, struct rh_neighbors *lists)
{
    const struct rh_host *host = ctx->host;
    int64_t n = lists->row ? lists->row[n_items] : 0;
    int status = host->value(ctx, "neighbors", &n, sizeof n);
    lists->n_items = n_items;
    if (status >= 0)
        status = host->field(ctx, "neighbor_row", &lists->row, (int64_t)n_items + 1, sizeof *lists->row);
    if (status >= 0)
        status = host->field(ctx, "neighbor_item", &lists->item, n, sizeof *lists->item);
    if (status >= 0)
        status = host->field(ctx, "neighbor_weight", &lists->weight, n, sizeof *lists->weight);
    if (status < 0)
        return status;
    bool right = lists->row[0] == 0 && lists->row[n_items] == n;
    for (int32_t i = 0; i < n_items; i++)
        right = right && lists->row[i] <= lists->row[i + 1];
    for (int64_t m = 0; m < n; m++)
        right = right && lists->item[m] >= 0 && lists->item[m] < n_items;
    return right ? RH_OK : host->fail(ctx, RH_EDATA, "the saved lists of neighbours point outside of the items");
}

static double history_weight(const struct rh_neighbor_model *s, const struct rh_history *h, int32_t m)
{
    return s->weighted && h->value ? h->value[m] : 1;
}

int rh_neighbor_model_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                            size_t stride)
{
    const struct rh_neighbor_model *s = state;
    const struct rh_neighbors *b = &s->brings;
    double *sum = ctx->host->scratch(ctx, (size_t)b->n_items, sizeof *sum);
    if (!sum)
        return RH_ENOMEM;
    for (int32_t q = 0; q < n; q++) {
        const struct rh_history *h = &query[q].history[s->target];
        for (int32_t m = 0; m < h->n; m++) {
            double weight = history_weight(s, h, m);
            for (int64_t k = b->row[h->item[m]]; k < b->row[h->item[m] + 1]; k++)
                sum[b->item[k]] += weight * b->weight[k];
        }
        float *row = out + (size_t)q * stride;
        if (!query[q].candidate)
            for (int32_t c = 0; c < query[q].n_candidates; c++)
                row[c] = (float)sum[c];
        else
            for (int32_t c = 0; c < query[q].n_candidates; c++)
                row[c] = (float)sum[query[q].candidate[c]];
        memset(sum, 0, (size_t)b->n_items * sizeof *sum);
    }
    return RH_OK;
}

int rh_neighbor_model_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item,
                              int32_t max, int32_t *why, float *weight)
{
    (void)ctx;
    const struct rh_neighbor_model *s = state;
    const struct rh_neighbors *b = &s->brings;
    const struct rh_history *h = &query->history[s->target];
    int32_t n = 0;
    for (int32_t m = 0; m < h->n; m++)
        for (int64_t k = b->row[h->item[m]]; k < b->row[h->item[m] + 1]; k++)
            if (b->item[k] == item)
                n = rh_insert_part(why, weight, n, max, h->item[m], (float)(history_weight(s, h, m) * b->weight[k]));
    return n;
}

int rh_neighbor_model_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)params;
    struct rh_neighbor_model *s = state;
    int32_t weighted = s->weighted; /* a file may hold what is no bool */
    int status = ctx->host->value(ctx, "weighted", &weighted, sizeof weighted);
    s->target = train->target;
    s->weighted = weighted != 0;
    return status < 0 ? status : rh_neighbors_persist(ctx, train->domain[train->target].n_items, &s->brings);
}
