#include "algorithms/lib/tower.h"

#include "algorithms/lib/wide.h"

#include <string.h>

/* Columns are spread over this many parts for the backward pass: a column belongs to one part, and its sum has the
 * order of the items, whatever the number of parts. More parts for more threads cost more visits to each item. */
#define PARTS 4

/* ------------------------------------------------------------------------------------------------------ set-up */

bool rh_tower_fills(const struct rh_features *f)
{
    return f->n_cols > 0 && (f->dense || (f->row && f->row[f->n_rows] > 0));
}

int rh_tower_check(struct rh_ctx *ctx, const char *who, const struct rh_train *train)
{
    const struct rh_domain *target = &train->domain[train->target];
    for (int32_t b = 0; b < train->n_item_blocks; b++)
        if (rh_tower_fills(&target->item_features[b]))
            return RH_OK;
    return ctx->host->fail(ctx, RH_EDATA,
                           "%s needs item features, but the items of '%s' have %s; choose a dataset with genres, "
                           "titles, descriptions or text vectors",
                           who, target->name, train->n_item_blocks ? "only empty feature blocks" : "none");
}

static void count_columns(struct rh_tower *t)
{
    for (int32_t d = 0; d < t->n_domains; d++)
        for (int32_t b = 0; b < t->n_blocks && rh_tower_domain_items(t, d) > 0; b++) {
            const struct rh_features *f = &t->train->domain[d].item_features[b];
            for (int64_t j = 0; f->row && j < f->row[f->n_rows]; j++)
                t->idf[t->first_column[b] + f->col[j]] += 1;
        }
    for (int32_t c = 0; c < t->n_columns; c++)
        t->idf[c] = (rh_real)(log((1.0 + t->n_items) / (1.0 + (double)t->idf[c])) + 1);
}

/* A row of a block: its features with the factor that makes the bag of them. */
struct row {
    const struct rh_features *f;
    int64_t begin, end; /* into col and val; of a dense block: columns 0 .. n_cols */
    const float *x;     /* dense values, or NULL */
    rh_real factor;
    const rh_real *weight; /* of the features, as far as it is known */
};

static inline rh_real weight_of(const struct rh_tower *t, const struct row *r, int32_t first, int64_t j)
{
    rh_real w = r->f->val ? (rh_real)r->f->val[j] : 1;
    return t->idf ? w * t->idf[first + r->f->col[j]] : w;
}

static struct row open_row(const struct rh_tower *t, int32_t domain, int32_t block, int32_t item)
{
    const struct rh_features *f = &t->train->domain[domain].item_features[block];
    struct row r = { .f = f };
    if (f->dense) {
        r.end = f->n_cols;
        r.x = f->dense + (size_t)item * (size_t)f->n_cols;
        return r;
    }
    if (!f->row)
        return r;
    r.begin = f->row[item];
    r.end = f->row[item + 1];
    r.factor = t->factor[(size_t)(t->first_item[domain] + item) * (size_t)t->n_blocks + (size_t)block];
    r.weight = t->weight ? t->weight[domain * t->n_blocks + block] : NULL;
    return r;
}

static int32_t domain_of(const struct rh_tower *t, int32_t item)
{
    int32_t d = 0;
    while (item >= t->first_item[d + 1])
        d++;
    return d;
}

/* 1 over the sum of the weights' sizes, or over their length. A row without features has 0. */
static void find_factors(struct rh_tower *t)
{
    for (int32_t d = 0; d < t->n_domains; d++)
        for (int32_t i = 0; i < rh_tower_domain_items(t, d); i++)
            for (int32_t b = 0; b < t->n_blocks; b++) {
                struct row r = { .f = &t->train->domain[d].item_features[b] };
                rh_real sum = 0;
                for (int64_t j = r.f->row ? r.f->row[i] : 0; r.f->row && j < r.f->row[i + 1]; j++) {
                    rh_real w = weight_of(t, &r, t->first_column[b], j);
                    sum += t->bag == RH_BAG_UNIT ? w * w : rh_real_abs(w);
                }
                if (t->bag == RH_BAG_UNIT)
                    sum = rh_real_sqrt(sum);
                rh_real factor = t->bag == RH_BAG_SUM ? 1 : sum > 0 ? 1 / sum : 0;
                t->factor[(size_t)(t->first_item[d] + i) * (size_t)t->n_blocks + (size_t)b] = factor;
            }
}

/* The weights of the features in their vectors, which do not change. */
static int find_weights(struct rh_ctx *ctx, struct rh_tower *t)
{
    t->weight = ctx->host->alloc(ctx, (size_t)t->n_domains * (size_t)t->n_blocks + 1, sizeof *t->weight);
    if (!t->weight)
        return RH_ENOMEM;
    for (int32_t d = 0; d < t->n_domains; d++)
        for (int32_t b = 0; b < t->n_blocks; b++) {
            const struct rh_features *f = &t->train->domain[d].item_features[b];
            if (f->dense || !f->row || !rh_tower_domain_items(t, d))
                continue;
            rh_real *w = ctx->host->alloc(ctx, (size_t)f->row[f->n_rows] + 1, sizeof *w);
            if (!w)
                return RH_ENOMEM;
            for (int32_t i = 0; i < f->n_rows; i++) {
                struct row r = open_row(t, d, b, i);
                for (int64_t j = r.begin; j < r.end; j++)
                    w[j] = r.factor * weight_of(t, &r, t->first_column[b], j);
            }
            t->weight[d * t->n_blocks + b] = w;
        }
    return RH_OK;
}

/* Goes through the features of the items, in order, and moves the place in `row` of part and item on by each: counting
 * (column NULL), or putting it there. */
static void by_part(const struct rh_tower *t, int64_t *row, int32_t *column, rh_real *weight)
{
    for (int32_t i = 0; i < t->n_items; i++) {
        int32_t d = domain_of(t, i);
        for (int32_t b = 0; b < t->n_blocks; b++) {
            struct row r = open_row(t, d, b, i - t->first_item[d]);
            for (int64_t j = r.begin; j < r.end && !r.x; j++) {
                int32_t c = t->first_column[b] + r.f->col[j];
                int64_t at = row[(int64_t)(c % PARTS) * t->n_items + i]++;
                if (column) {
                    column[at] = c / PARTS;
                    weight[at] = r.weight[j];
                }
            }
        }
    }
}

static int sort_by_part(struct rh_ctx *ctx, struct rh_tower *t)
{
    size_t rows = PARTS * (size_t)t->n_items;
    int64_t *row = ctx->host->alloc(ctx, rows + 1, sizeof *row), n = 0;
    if (!row)
        return RH_ENOMEM;
    by_part(t, row, NULL, NULL);
    for (size_t k = 0; k <= rows; k++) {
        int64_t count = row[k];
        row[k] = n;
        n += count;
    }
    t->part_column = ctx->host->alloc(ctx, (size_t)n + 1, sizeof *t->part_column);
    t->part_weight = ctx->host->alloc(ctx, (size_t)n + 1, sizeof *t->part_weight);
    if (!t->part_column || !t->part_weight)
        return RH_ENOMEM;
    by_part(t, row, t->part_column, t->part_weight); /* each begin is the next one's now */
    memmove(row + 1, row, rows * sizeof *row);
    row[0] = 0;
    t->part_row = row;
    return RH_OK;
}

int rh_tower_number(struct rh_ctx *ctx, struct rh_tower *tower, const char *who, const struct rh_train *train,
                    const bool *used)
{
    tower->train = train;
    tower->n_domains = train->n_domains;
    tower->first_item = ctx->host->alloc(ctx, (size_t)train->n_domains + 1, sizeof *tower->first_item);
    if (!tower->first_item)
        return RH_ENOMEM;
    int64_t items = 0;
    for (int32_t d = 0; d < train->n_domains; d++) {
        items += used[d] ? train->domain[d].n_items : 0;
        tower->first_item[d + 1] = (int32_t)(items > INT32_MAX ? 0 : items);
    }
    if (items > INT32_MAX)
        return ctx->host->fail(ctx, RH_EDATA, "%s: %lld items: at most 2147483647", who ? who : "network",
                               (long long)items);
    tower->n_items = (int32_t)items;
    return RH_OK;
}

int rh_tower_init(struct rh_ctx *ctx, struct rh_tower *tower, const char *who, const struct rh_train *train,
                  const bool *used, int32_t E, enum rh_bag bag, bool idf, bool own, double spread)
{
    const struct rh_host *host = ctx->host;
    *tower = (struct rh_tower){ .E = E, .bag = bag, .n_blocks = train->n_item_blocks };
    int status = who ? rh_tower_check(ctx, who, train) : RH_OK;
    if (status < 0)
        return status;
    status = rh_tower_number(ctx, tower, who, train, used);
    tower->first_column = host->alloc(ctx, (size_t)train->n_item_blocks + 1, sizeof *tower->first_column);
    if (status < 0 || !tower->first_column)
        return status < 0 ? status : RH_ENOMEM;
    int64_t columns = 0;
    for (int32_t b = 0; b < train->n_item_blocks; b++) {
        columns += train->domain[train->target].item_features[b].n_cols;
        tower->first_column[b + 1] = (int32_t)(columns > INT32_MAX ? 0 : columns);
    }
    if (columns > INT32_MAX)
        return host->fail(ctx, RH_EDATA, "%s: %lld feature columns: at most 2147483647", who ? who : "network",
                          (long long)columns);
    tower->n_columns = (int32_t)columns;

    size_t rows = (size_t)columns, width = (size_t)E * sizeof(rh_real);
    tower->table = host->alloc(ctx, rows, width);
    tower->table_first = host->alloc(ctx, rows, width);
    tower->table_second = host->alloc(ctx, rows, width);
    tower->table_gradient = host->alloc(ctx, rows, width);
    tower->touched = host->alloc(ctx, rows, 1);
    if (!tower->table || !tower->table_first || !tower->table_second || !tower->table_gradient || !tower->touched)
        return RH_ENOMEM;
    if (idf) {
        tower->idf = host->alloc(ctx, rows, sizeof *tower->idf);
        if (!tower->idf)
            return RH_ENOMEM;
        count_columns(tower);
    }
    tower->factor = host->alloc(ctx, (size_t)tower->n_items * (size_t)tower->n_blocks, sizeof *tower->factor);
    if (!tower->factor)
        return RH_ENOMEM;
    find_factors(tower);
    if ((status = find_weights(ctx, tower)) < 0 || (status = sort_by_part(ctx, tower)) < 0)
        return status;
    if (own) {
        tower->own = host->alloc(ctx, (size_t)tower->n_items, width);
        tower->own_first = host->alloc(ctx, (size_t)tower->n_items, width);
        tower->own_second = host->alloc(ctx, (size_t)tower->n_items, width);
        if (!tower->own || !tower->own_first || !tower->own_second)
            return RH_ENOMEM;
    }
    struct rh_rng r = host->stream(ctx, "item tower", 0);
    for (size_t i = 0; i < rows * (size_t)E; i++)
        tower->table[i] = (rh_real)(spread * rh_rng_normal(&r));
    return RH_OK;
}

int rh_tower_persist(struct rh_ctx *ctx, struct rh_tower *tower, unsigned purpose)
{
    const struct {
        const char *name;
        rh_real **x;
        int64_t rows;
    } field[] = { { "table", &tower->table, tower->n_columns },
                  { "own_vectors", &tower->own, tower->n_items },
                  { "table_first", &tower->table_first, tower->n_columns },
                  { "table_second", &tower->table_second, tower->n_columns },
                  { "own_first", &tower->own_first, tower->n_items },
                  { "own_second", &tower->own_second, tower->n_items } };
    int status = RH_OK;
    for (size_t k = 0; k < (purpose & RH_FOR_RESUMING ? 6 : 2) && status >= 0; k++)
        if (*field[k].x && !(k == 1 && purpose & RH_FOR_OTHERS))
            status = ctx->host->field(ctx, field[k].name, field[k].x, field[k].rows * tower->E, sizeof **field[k].x);
    return status;
}

/* ------------------------------------------------------------------------------------------- forward, backward */

/* Vectors of the processor in a block of a row: as many as registers have room for. Loads need no alignment. */
typedef rh_real rh_tower_lanes __attribute__((vector_size(32), may_alias, aligned(sizeof(rh_real))));
#define LANES ((int32_t)(sizeof(rh_tower_lanes) / sizeof(rh_real)))
#define BLOCK (4 * LANES)

/* y[E] += sum of w[j] times row col[j], in order. */
RH_WIDE static void add_rows(int32_t E, int64_t n, const int32_t *col, const rh_real *w, const rh_real *table,
                             rh_real *restrict y)
{
    int32_t e = 0;
    for (; e + BLOCK <= E; e += BLOCK) {
        rh_tower_lanes *to = (rh_tower_lanes *)(y + e), s0 = to[0], s1 = to[1], s2 = to[2], s3 = to[3];
        for (int64_t j = 0; j < n; j++) {
            const rh_tower_lanes *x = (const rh_tower_lanes *)(table + (size_t)col[j] * (size_t)E + e);
            s0 += w[j] * x[0];
            s1 += w[j] * x[1];
            s2 += w[j] * x[2];
            s3 += w[j] * x[3];
        }
        to[0] = s0;
        to[1] = s1;
        to[2] = s2;
        to[3] = s3;
    }
    for (int64_t j = 0; j < n && e < E; j++)
        rh_axpy(E - e, w[j], table + (size_t)col[j] * (size_t)E + e, y + e);
}

void rh_tower_vectors(const struct rh_tower *t, const int32_t *item, int32_t begin, int32_t n, rh_real *out)
{
    size_t E = (size_t)t->E;
    for (int32_t k = 0; k < n; k++) {
        int32_t through = item ? item[k] : begin + k, d = domain_of(t, through), i = through - t->first_item[d];
        rh_real *y = out + (size_t)k * E;
        if (t->own)
            memcpy(y, t->own + (size_t)through * E, E * sizeof *y);
        else
            memset(y, 0, E * sizeof *y);
        for (int32_t b = 0; b < t->n_blocks; b++) {
            struct row r = open_row(t, d, b, i);
            if (!r.x && r.begin < r.end)
                add_rows(t->E, r.end - r.begin, r.f->col + r.begin, r.weight + r.begin,
                         t->table + (size_t)t->first_column[b] * E, y);
            for (int64_t c = 0; c < r.end && r.x; c++)
                rh_axpy(t->E, (rh_real)r.x[c], t->table + (size_t)(t->first_column[b] + c) * E, y);
        }
    }
}

struct back {
    struct rh_tower *tower;
    const struct rh_optimizer_state *optimizer;
    const int32_t *item;
    int32_t n;
    const rh_real *dout;
};

/* The features of the items of a minibatch that belong to a part, by column. */
struct turned {
    int32_t n_columns;
    int64_t *begin; /* [n_columns + 1] */
    int32_t *slot;
    rh_real *weight;
};

/* Items stay in order inside a column. */
static int turn(struct rh_ctx *ctx, const struct back *s, int64_t part, struct turned *x)
{
    const struct rh_tower *t = s->tower;
    const int64_t *row = t->part_row + part * t->n_items;
    int64_t n = 0;
    x->n_columns = (int32_t)((t->n_columns - part + PARTS - 1) / PARTS);
    x->begin = ctx->host->scratch(ctx, (size_t)x->n_columns + 2, sizeof *x->begin);
    if (!x->begin)
        return RH_ENOMEM;
    int64_t *next = x->begin + 1; /* counts, then where a column goes on, then where it has ended */
    for (int32_t k = 0; k < s->n; k++)
        for (int64_t j = row[s->item[k]]; j < row[s->item[k] + 1]; j++)
            next[t->part_column[j]]++;
    for (int32_t c = 0; c < x->n_columns; c++) {
        int64_t count = next[c];
        next[c] = n;
        n += count;
    }
    x->slot = ctx->host->scratch(ctx, (size_t)n + 1, sizeof *x->slot);
    x->weight = ctx->host->scratch(ctx, (size_t)n + 1, sizeof *x->weight);
    if (!x->slot || !x->weight)
        return RH_ENOMEM;
    for (int32_t k = 0; k < s->n; k++)
        for (int64_t j = row[s->item[k]]; j < row[s->item[k] + 1]; j++) {
            int64_t at = next[t->part_column[j]]++;
            x->slot[at] = k;
            x->weight[at] = t->part_weight[j];
        }
    return RH_OK;
}

/* Dense blocks have all columns in all items. */
static void dense_back(const struct back *s, int32_t block, int64_t part)
{
    struct rh_tower *t = s->tower;
    int32_t first = t->first_column[block], begin = (int32_t)((part + PARTS - first % PARTS) % PARTS);
    bool any = false;
    for (int32_t d = 0; d < t->n_domains; d++)
        any |= t->train->domain[d].item_features[block].dense != NULL;
    for (int32_t k = 0; k < s->n && any; k++) {
        int32_t d = domain_of(t, s->item[k]);
        struct row r = open_row(t, d, block, s->item[k] - t->first_item[d]);
        for (int32_t c = begin; r.x && c < r.end; c += PARTS) {
            rh_axpy(t->E, (rh_real)r.x[c], s->dout + (size_t)k * (size_t)t->E,
                    t->table_gradient + (size_t)(first + c) * (size_t)t->E);
            t->touched[first + c] = 1;
        }
    }
}

static int back_part(struct rh_ctx *ctx, void *arg, int64_t part, int64_t end)
{
    (void)end;
    struct back *s = arg;
    struct rh_tower *t = s->tower;
    struct turned x;
    if (part < t->n_columns && turn(ctx, s, part, &x) < 0)
        return RH_ENOMEM;
    for (int32_t c = 0; part < t->n_columns && c < x.n_columns; c++) {
        int64_t at = x.begin[c], n = x.begin[c + 1] - at, column = (int64_t)c * PARTS + part;
        if (n == 0)
            continue;
        add_rows(t->E, n, x.slot + at, x.weight + at, s->dout, t->table_gradient + (size_t)column * (size_t)t->E);
        t->touched[column] = 1;
    }
    for (int32_t b = 0; b < t->n_blocks; b++)
        dense_back(s, b, part);
    return RH_OK;
}

int rh_tower_back(struct rh_ctx *ctx, struct rh_tower *tower, const int32_t *item, int32_t n, const rh_real *dout)
{
    struct back s = { .tower = tower, .item = item, .n = n, .dout = dout };
    return ctx->host->parallel(ctx, PARTS, 1, back_part, &s);
}

static int descend_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    struct back *s = arg;
    struct rh_tower *t = s->tower;
    struct rh_optimizer_state o = *s->optimizer;
    size_t E = (size_t)t->E;
    if (t->anchor)
        o.decay = 0;
    for (int64_t c = begin, next; c < end; c = next) { /* columns side by side in one go */
        for (next = c; next < end && t->touched[next]; next++)
            t->touched[next] = 0;
        size_t at = (size_t)c * E;
        int64_t n = (next - c) * t->E;
        if (t->anchor && n)
            rh_nn_pull(n, (rh_real)t->pull, t->anchor + at, t->table + at);
        if (n)
            rh_nn_descend(&o, n, t->table + at, t->table_gradient + at, t->table_first + at, t->table_second + at);
        next += !n;
    }
    return RH_OK;
}

int rh_tower_descend(struct rh_ctx *ctx, struct rh_tower *tower, const struct rh_optimizer_state *o,
                     const int32_t *item, int32_t n, rh_real *dout)
{
    size_t E = (size_t)tower->E;
    for (int32_t k = 0; k < n && tower->own; k++) {
        size_t at = (size_t)item[k] * E;
        rh_nn_descend(o, tower->E, tower->own + at, dout + (size_t)k * E, tower->own_first + at,
                      tower->own_second + at);
    }
    struct back s = { .tower = tower, .optimizer = o };
    return ctx->host->parallel(ctx, tower->n_columns, 1024, descend_part, &s);
}

/* ------------------------------------------------------------------------------------------------------- slots */

int rh_slots_init(struct rh_ctx *ctx, struct rh_slots *s, int32_t n_items)
{
    *s = (struct rh_slots){ .item = ctx->host->scratch(ctx, (size_t)n_items, sizeof *s->item),
                            .of = ctx->host->scratch(ctx, (size_t)n_items, sizeof *s->of) };
    if (!s->item || !s->of)
        return RH_ENOMEM;
    memset(s->of, -1, (size_t)n_items * sizeof *s->of);
    return RH_OK;
}

void rh_slots_clear(struct rh_slots *s)
{
    for (int32_t i = 0; i < s->n; i++)
        s->of[s->item[i]] = -1;
    s->n = 0;
}
