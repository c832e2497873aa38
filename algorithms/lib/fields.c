#include "algorithms/lib/fields.h"

#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------------ set-up */

static bool has_data(const struct rh_features *x)
{
    return x->n_cols > 0 && (x->dense || (x->row && x->row[x->n_rows] > 0));
}

/* What there is to describe; the tables are still empty. */
static int describe(struct rh_ctx *ctx, struct rh_fields *f, const char *who, const struct rh_train *train, int32_t E)
{
    const struct rh_domain *target = &train->domain[train->target];
    int32_t most = train->n_item_blocks + train->n_user_blocks, widest = 0;
    *f = (struct rh_fields){ .E = E };
    f->field = ctx->host->alloc(ctx, (size_t)(most ? most : 1), sizeof *f->field);
    if (!f->field)
        return RH_ENOMEM;
    for (int32_t b = 0; b < most; b++) {
        bool item = b < train->n_item_blocks;
        const struct rh_features *x =
            item ? &target->item_features[b] : &train->user_features[b - train->n_item_blocks];
        if (!has_data(x))
            continue;
        f->field[f->n] = (struct rh_field){ .of = x, .at = f->n * E };
        f->n++;
        f->n_item += item;
        widest = x->dense && x->n_cols > widest ? x->n_cols : widest;
    }
    f->item_width = f->n_item * E;
    f->width = f->n * E;
    f->column = ctx->host->alloc(ctx, (size_t)widest + 1, sizeof *f->column);
    if (!f->column)
        return RH_ENOMEM;
    for (int32_t j = 0; j < widest; j++)
        f->column[j] = j;
    if (f->n_item == 0)
        return ctx->host->fail(ctx, RH_EDATA, "%s needs item features, but the items of '%s' have none", who,
                               target->name);
    return RH_OK;
}

static bool is_one_value(const struct rh_features *x)
{
    for (int32_t k = 0; !x->dense && k < x->n_rows; k++)
        if (x->row[k + 1] - x->row[k] > 1)
            return false;
    return !x->dense;
}

int rh_fields_init(struct rh_ctx *ctx, struct rh_fields *f, const char *who, const struct rh_train *train, int32_t E)
{
    int status = describe(ctx, f, who, train, E);
    for (int32_t k = 0; k < f->n && status == RH_OK; k++) {
        struct rh_field *x = &f->field[k];
        struct rh_rng r = ctx->host->stream(ctx, "fields", (uint64_t)k);
        bool one = is_one_value(x->of);
        status = rh_embedding_init(ctx, &x->table, x->of->n_cols, E, 1, one ? &r : NULL);
        double limit = 1 / sqrt((double)x->of->n_cols);
        for (int64_t i = 0; status == RH_OK && !one && i < (int64_t)x->of->n_cols * E; i++)
            x->table.w[i] = (rh_real)(limit * (2 * rh_rng_uniform(&r) - 1));
    }
    return status;
}

int rh_fields_persist(struct rh_ctx *ctx, struct rh_fields *f, const char *who, const struct rh_train *train,
                      int32_t E)
{
    int status = f->field ? RH_OK : describe(ctx, f, who, train, E);
    for (int32_t k = 0; k < f->n && status >= 0; k++) {
        struct rh_field *x = &f->field[k];
        char name[32];
        snprintf(name, sizeof name, "field_%d", k);
        x->table.n = x->of->n_cols;
        x->table.E = E;
        status = rh_embedding_persist(ctx, &x->table, name, ctx->host->purpose(ctx));
    }
    return status;
}

/* --------------------------------------------------------------------------------------------------- there and back */

/* The columns of a row and their values; *mean: they are averaged. */
static int32_t columns_of(const struct rh_fields *f, const struct rh_features *x, int32_t row, const int32_t **col,
                          const float **val, bool *mean)
{
    *mean = !x->dense;
    *col = x->dense ? f->column : x->col + x->row[row];
    *val = x->dense ? x->dense + (size_t)row * (size_t)x->n_cols : x->val ? x->val + x->row[row] : NULL;
    return x->dense ? x->n_cols : (int32_t)(x->row[row + 1] - x->row[row]);
}

static void look_up(const struct rh_fields *f, int32_t from, int32_t to, int32_t row, rh_real *x)
{
    memset(x, 0, (size_t)(to - from) * (size_t)f->E * sizeof *x);
    for (int32_t k = from; k < to; k++, x += f->E) {
        const int32_t *col;
        const float *val;
        bool mean;
        int32_t n = columns_of(f, f->field[k].of, row, &col, &val, &mean);
        if (n > 0)
            rh_embedding_bag(&f->field[k].table, n, col, val, mean, x);
    }
}

void rh_fields_item(const struct rh_fields *f, int32_t item, rh_real *x)
{
    look_up(f, 0, f->n_item, item, x);
}

void rh_fields_user(const struct rh_fields *f, int32_t user, rh_real *x)
{
    look_up(f, f->n_item, f->n, user, x);
}

struct way_back {
    struct rh_fields *f;
    int32_t n;
    const int32_t *user, *item;
    const rh_real *dx;
    const struct rh_optimizer_state *optimizer;
};

static void add_row(const struct rh_fields *f, struct rh_field *x, int32_t row, const rh_real *dout)
{
    const int32_t *col;
    const float *val;
    bool mean;
    int32_t n = columns_of(f, x->of, row, &col, &val, &mean);
    if (n > 0)
        rh_embedding_bag_back(&x->table, n, col, val, mean, dout);
}

static int back_part(struct rh_ctx *ctx, void *arg, int64_t k, int64_t end)
{
    (void)end;
    struct way_back *w = arg;
    struct rh_fields *f = w->f;
    struct rh_field *x = &f->field[k];
    size_t width = (size_t)f->width;
    const rh_real *dx = w->dx + x->at;
    rh_real *sum = ctx->host->scratch(ctx, (size_t)f->E, sizeof *sum);
    if (!sum)
        return RH_ENOMEM;
    if (k < f->n_item) {
        for (int32_t i = 0; i < w->n; i++)
            add_row(f, x, w->item[i], dx + (size_t)i * width);
        return RH_OK;
    }
    for (int32_t i = 0; i < w->n; i++) {
        rh_axpy(f->E, 1, dx + (size_t)i * width, sum);
        if (i + 1 == w->n || w->user[i + 1] != w->user[i]) {
            add_row(f, x, w->user[i], sum);
            memset(sum, 0, (size_t)f->E * sizeof *sum);
        }
    }
    return RH_OK;
}

int rh_fields_back(struct rh_ctx *ctx, struct rh_fields *f, int32_t n, const int32_t *user, const int32_t *item,
                   const rh_real *dx)
{
    struct way_back w = { .f = f, .n = n, .user = user, .item = item, .dx = dx };
    return ctx->host->parallel(ctx, f->n, 1, back_part, &w);
}

static int descend_part(struct rh_ctx *ctx, void *arg, int64_t k, int64_t end)
{
    (void)ctx, (void)end;
    struct way_back *w = arg;
    rh_embedding_descend_all(&w->f->field[k].table, w->optimizer);
    return RH_OK;
}

int rh_fields_descend(struct rh_ctx *ctx, struct rh_fields *f, const struct rh_optimizer_state *o)
{
    struct way_back w = { .f = f, .optimizer = o };
    return ctx->host->parallel(ctx, f->n, 1, descend_part, &w);
}

bool rh_fields_finite(const struct rh_fields *f)
{
    for (int32_t k = 0; k < f->n; k++)
        if (!rh_nn_finite((int64_t)f->field[k].table.n * f->E, f->field[k].table.w))
            return false;
    return true;
}
