/* Placebos: problems whose transferable knowledge is destroyed and that are otherwise the same. The split has been made
 * before, so the same rows are asked. */
#include "base/stream.h"
#include "split/build.h"

#include <string.h>

/* One cycle through x[n] at random (Sattolo 1986): nothing stays where it was. */
static void turn(struct rh_rng *rng, int32_t *x, int32_t n)
{
    for (int32_t i = n - 1; i > 0; i--) {
        int32_t j = (int32_t)rh_rng_below(rng, (uint32_t)i), t = x[i];
        x[i] = x[j];
        x[j] = t;
    }
}

/* For each source, the users that target and source share swap their source rows: every user keeps the target rows, the
 * source keeps its users with their rows, and nobody's rows belong together any more. */
int rh_build_placebo_users(struct rh_build *b, struct rh_error *err)
{
    int32_t n_users = b->p->train.n_users, most = 0;
    int32_t *shared = rh_build_alloc(&b->work, (size_t)n_users, sizeof *shared, "a placebo", err);
    int32_t *there = rh_build_alloc(&b->work, (size_t)n_users, sizeof *there, "a placebo", err);
    if (!shared || !there)
        return RH_ENOMEM;
    for (int32_t d = 1; d < b->n_domains; d++) {
        int32_t n = 0;
        for (int32_t u = 0; u < n_users; u++)
            if (b->user[0][u] >= 0 && b->user[d][u] >= 0) {
                shared[n] = u;
                there[n++] = b->user[d][u];
            }
        struct rh_rng rng = rh_stream(b->spec->seed, b->domain[d]->content, "placebo users", (uint64_t)d);
        turn(&rng, there, n);
        int32_t *user = rh_build_alloc(&b->work, (size_t)n_users, sizeof *user, "a placebo", err);
        if (!user)
            return RH_ENOMEM;
        memcpy(user, b->user[d], (size_t)n_users * sizeof *user);
        for (int32_t i = 0; i < n; i++)
            user[shared[i]] = there[i];
        b->user[d] = user;
        most = n > most ? n : most;
    }
    if (most < 2)
        return rh_fail(err, RH_EDATA, "placebo = users has nobody to shuffle: problem '%s' shares %s with its sources",
                       b->spec->name, most ? "one user" : "no user");
    return RH_OK;
}

static int shuffle_sparse(struct rh_build *b, const int32_t *from, struct rh_features *f, struct rh_error *err)
{
    struct rh_arena *a = &b->p->arena;
    size_t nnz = (size_t)f->row[f->n_rows];
    int64_t *row = rh_build_alloc(a, (size_t)f->n_rows + 1, sizeof *row, "a placebo", err);
    int32_t *col = rh_build_alloc(a, nnz, sizeof *col, "a placebo", err);
    float *val = f->val ? rh_build_alloc(a, nnz, sizeof *val, "a placebo", err) : NULL;
    if (!row || !col || (f->val && !val))
        return RH_ENOMEM;
    for (int32_t i = 0; i < f->n_rows; i++) {
        int64_t at = f->row[from[i]], n = f->row[from[i] + 1] - at;
        memcpy(col + row[i], f->col + at, (size_t)n * sizeof *col);
        if (val)
            memcpy(val + row[i], f->val + at, (size_t)n * sizeof *val);
        row[i + 1] = row[i] + n;
    }
    f->row = row;
    f->col = col;
    f->val = val;
    return RH_OK;
}

static int shuffle_dense(struct rh_build *b, const int32_t *from, struct rh_features *f, struct rh_error *err)
{
    size_t width = (size_t)f->n_cols;
    float *dense = rh_build_alloc(&b->p->arena, (size_t)f->n_rows * width, sizeof *dense, "a placebo", err);
    if (!dense)
        return RH_ENOMEM;
    for (int32_t i = 0; i < f->n_rows; i++)
        memcpy(dense + (size_t)i * width, f->dense + (size_t)from[i] * width, width * sizeof *dense);
    f->dense = dense;
    return RH_OK;
}

/* One permutation a domain, for all its blocks: an item gets the whole description of another one. */
int rh_build_placebo_features(struct rh_build *b, struct rh_error *err)
{
    bool any = false;
    for (int32_t d = 0; d < b->n_domains; d++) {
        int32_t n = b->domain[d]->n_items;
        int32_t *from = rh_build_alloc(&b->work, (size_t)n, sizeof *from, "a placebo", err);
        struct rh_features *f = rh_build_alloc(&b->p->arena, (size_t)b->p->train.n_item_blocks, sizeof *f,
                                               "a placebo", err);
        if (!from || !f)
            return RH_ENOMEM;
        for (int32_t i = 0; i < n; i++)
            from[i] = i;
        struct rh_rng rng = rh_stream(b->spec->seed, b->domain[d]->content, "placebo features", (uint64_t)d);
        turn(&rng, from, n);
        for (int32_t k = 0; k < b->p->train.n_item_blocks; k++) {
            f[k] = b->view[d].item_features[k];
            any |= f[k].row || f[k].dense;
            if (f[k].row)
                RH_TRY(shuffle_sparse(b, from, &f[k], err));
            else if (f[k].dense)
                RH_TRY(shuffle_dense(b, from, &f[k], err));
        }
        b->view[d].item_features = f;
    }
    if (!any)
        return rh_fail(err, RH_EDATA, "placebo = features has nothing to shuffle: no domain of problem '%s' has item "
                       "features", b->spec->name);
    return RH_OK;
}
