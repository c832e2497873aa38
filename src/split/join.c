/* Feature blocks of several domains, joined by the names of blocks and of columns: the target's first, then what the
 * sources add. Data that is right as it lies in a loaded domain is borrowed, not copied. */
#include "base/sort.h"
#include "split/build.h"
#include "split/names.h"

#include <string.h>

/* One joined block: who has it, and where its columns went. */
struct join {
    const char *name;
    const struct rh_block **block; /* [n_domains] or NULL */
    int32_t **column;              /* [n_domains][n_cols of the block] joined column; NULL: unchanged */
    int32_t n_cols;
    bool dense;
};

struct blocks { /* the item blocks, or the user blocks, of one domain */
    int32_t n;
    const struct rh_block *block;
};

static const struct rh_block *block_called(struct blocks list, const char *name)
{
    for (int32_t i = 0; i < list.n; i++)
        if (!strcmp(list.block[i].name, name))
            return &list.block[i];
    return NULL;
}

static bool has_data(const struct rh_block *k)
{
    return k && (k->features.row || k->features.dense);
}

/* Width alone must do: dense columns have no names. */
static int join_by_width(struct rh_build *b, struct join *j, struct rh_error *err)
{
    int32_t first = -1;
    for (int32_t d = 0; d < b->n_domains; d++) {
        if (!has_data(j->block[d]))
            continue;
        if (first < 0)
            first = d;
        if (j->block[d]->features.n_cols != j->block[first]->features.n_cols)
            return rh_fail(err, RH_EDATA,
                           "block '%s' has %d columns in domain '%s' and %d in '%s'; dense blocks are joined only "
                           "when they are equally wide", j->name, j->block[first]->features.n_cols,
                           b->domain[first]->name, j->block[d]->features.n_cols, b->domain[d]->name);
        j->n_cols = j->block[d]->features.n_cols;
    }
    return RH_OK;
}

static int join_by_names(struct rh_build *b, struct join *j, struct rh_error *err)
{
    int64_t most = 0;
    for (int32_t d = 0; d < b->n_domains; d++)
        if (j->block[d])
            most += j->block[d]->column.n;
    struct rh_names names;
    RH_TRY(rh_names_init(&names, &b->work, most, err));
    for (int32_t d = 0; d < b->n_domains; d++) {
        if (!j->block[d])
            continue;
        const struct rh_strings *column = &j->block[d]->column;
        int32_t *to = rh_build_alloc(&b->work, (size_t)column->n, sizeof *to, "feature columns", err);
        if (!to)
            return RH_ENOMEM;
        bool moved = false;
        for (int32_t c = 0; c < column->n; c++) {
            to[c] = rh_names_add(&names, rh_string(column, c));
            moved |= to[c] != c;
        }
        j->column[d] = moved ? to : NULL;
    }
    j->n_cols = names.n;
    return RH_OK;
}

static int join_columns(struct rh_build *b, struct join *j, struct rh_error *err)
{
    int32_t dense = -1, sparse = -1;
    for (int32_t d = 0; d < b->n_domains; d++)
        if (has_data(j->block[d]))
            *(j->block[d]->features.dense ? &dense : &sparse) = d;
    if (dense >= 0 && sparse >= 0)
        return rh_fail(err, RH_EDATA, "block '%s' is dense in domain '%s' and sparse in '%s'; they cannot be joined",
                       j->name, b->domain[dense]->name, b->domain[sparse]->name);
    j->dense = dense >= 0;
    return j->dense ? join_by_width(b, j, err) : join_by_names(b, j, err);
}

/* list: [n_domains]. *joins: [*n] */
static int join_blocks(struct rh_build *b, const struct blocks *list, struct join **joins, int32_t *n,
                       struct rh_error *err)
{
    int64_t most = 0;
    for (int32_t d = 0; d < b->n_domains; d++)
        most += list[d].n;
    struct rh_names names;
    RH_TRY(rh_names_init(&names, &b->work, most, err));
    for (int32_t d = 0; d < b->n_domains; d++)
        for (int32_t i = 0; i < list[d].n; i++)
            rh_names_add(&names, list[d].block[i].name);
    struct join *all = rh_build_alloc(&b->work, (size_t)names.n, sizeof *all, "feature blocks", err);
    if (!all)
        return RH_ENOMEM;
    for (int32_t k = 0; k < names.n; k++) {
        struct join *j = &all[k];
        j->name = names.name[k];
        j->block = rh_build_alloc(&b->work, (size_t)b->n_domains, sizeof *j->block, "feature blocks", err);
        j->column = rh_build_alloc(&b->work, (size_t)b->n_domains, sizeof *j->column, "feature blocks", err);
        if (!j->block || !j->column)
            return RH_ENOMEM;
        for (int32_t d = 0; d < b->n_domains; d++)
            j->block[d] = block_called(list[d], j->name);
        RH_TRY(join_columns(b, j, err));
    }
    *joins = all;
    *n = names.n;
    return RH_OK;
}

static int keep_names(struct rh_build *b, const struct join *joins, int32_t n, const char *const **out,
                      struct rh_error *err)
{
    const char **name = rh_build_alloc(&b->p->arena, (size_t)n, sizeof *name, "feature blocks", err);
    if (!name)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++)
        if (!(name[k] = rh_arena_strdup(&b->p->arena, joins[k].name)))
            return rh_fail_memory(err, "feature blocks", strlen(joins[k].name));
    *out = name;
    return RH_OK;
}

/* Where rows of sparse blocks are put together, and room to sort one. */
struct writer {
    int64_t *row;
    int32_t *col;
    float *val; /* NULL: all 1 */
    uint64_t *key, *room;
};

/* Gets a writer for n_rows rows of nnz entries, the longest of them `longest`. */
static int writer_open(struct rh_build *b, struct writer *w, int32_t n_rows, int64_t nnz, int64_t longest,
                       bool values, struct rh_error *err)
{
    struct rh_arena *a = &b->p->arena;
    w->row = rh_build_alloc(a, (size_t)n_rows + 1, sizeof *w->row, "feature rows", err);
    w->col = rh_build_alloc(a, (size_t)nnz, sizeof *w->col, "feature rows", err);
    w->val = values ? rh_build_alloc(a, (size_t)nnz, sizeof *w->val, "feature rows", err) : NULL;
    w->key = rh_build_alloc(&b->work, (size_t)longest, sizeof *w->key, "feature rows", err);
    w->room = rh_build_alloc(&b->work, (size_t)longest, sizeof *w->room, "feature rows", err);
    return w->row && w->col && (w->val || !values) && w->key && w->room ? RH_OK : RH_ENOMEM;
}

/* Appends row r of f as row `at`, its columns mapped and in order again. */
static void writer_add(struct writer *w, int32_t at, const struct rh_features *f, int32_t r, const int32_t *column)
{
    int64_t begin = f->row[r], n = f->row[r + 1] - begin, to = w->row[at];
    for (int64_t k = 0; k < n; k++) {
        int32_t c = f->col[begin + k];
        w->key[k] = (uint64_t)(uint32_t)(column ? column[c] : c) << 32 | (uint64_t)k;
    }
    if (column)
        rh_sort_u64(w->key, w->room, (size_t)n);
    for (int64_t k = 0; k < n; k++) {
        w->col[to + k] = (int32_t)(w->key[k] >> 32);
        if (w->val)
            w->val[to + k] = f->val ? f->val[begin + (int64_t)(uint32_t)w->key[k]] : 1.0f;
    }
    w->row[at + 1] = to + n;
}

static int64_t longest_row(const struct rh_features *f)
{
    int64_t longest = 0;
    for (int32_t r = 0; f->row && r < f->n_rows; r++)
        if (f->row[r + 1] - f->row[r] > longest)
            longest = f->row[r + 1] - f->row[r];
    return longest;
}

/* The joined block as domain d sees it. */
static int item_view(struct rh_build *b, const struct join *j, const char *name, int32_t d, struct rh_features *out,
                     struct rh_error *err)
{
    const struct rh_block *k = j->block[d];
    *out = (struct rh_features){ .name = name, .n_rows = b->domain[d]->n_items, .n_cols = j->n_cols };
    if (!has_data(k))
        return RH_OK;
    const struct rh_features *f = &k->features;
    out->row = f->row;
    out->col = f->col;
    out->val = f->val;
    out->dense = f->dense;
    if (!j->column[d])
        return RH_OK;
    struct writer w;
    struct rh_arena_mark mark = rh_arena_mark(&b->work);
    RH_TRY(writer_open(b, &w, f->n_rows, f->row[f->n_rows], longest_row(f), f->val != NULL, err));
    for (int32_t r = 0; r < f->n_rows; r++)
        writer_add(&w, r, f, r, j->column[d]);
    rh_arena_rewind(&b->work, mark);
    out->row = w.row;
    out->col = w.col;
    out->val = w.val;
    return RH_OK;
}

/* The domain that speaks for a user: the first one that knows something of the user in this block, or -1. */
static int32_t speaker(const struct rh_build *b, const struct join *j, int32_t u)
{
    for (int32_t d = 0; d < b->n_domains; d++) {
        int32_t r = b->user[d][u];
        if (r < 0 || !has_data(j->block[d]))
            continue;
        const struct rh_features *f = &j->block[d]->features;
        if (j->dense || f->row[r + 1] > f->row[r])
            return d;
    }
    return -1;
}

static int user_dense(struct rh_build *b, const struct join *j, struct rh_features *out, struct rh_error *err)
{
    size_t width = (size_t)j->n_cols;
    float *dense = rh_build_alloc(&b->p->arena, (size_t)out->n_rows * width, sizeof *dense, "user features", err);
    if (!dense)
        return RH_ENOMEM;
    for (int32_t u = 0; u < out->n_rows; u++) {
        int32_t d = speaker(b, j, u);
        if (d >= 0)
            memcpy(dense + (size_t)u * width, j->block[d]->features.dense + (size_t)b->user[d][u] * width,
                   width * sizeof *dense);
    }
    out->dense = dense;
    return RH_OK;
}

static int user_sparse(struct rh_build *b, const struct join *j, struct rh_features *out, struct rh_error *err)
{
    int64_t nnz = 0, longest = 0;
    bool values = false;
    for (int32_t d = 0; d < b->n_domains; d++)
        values |= has_data(j->block[d]) && j->block[d]->features.val;
    for (int32_t u = 0; u < out->n_rows; u++) {
        int32_t d = speaker(b, j, u);
        if (d < 0)
            continue;
        const int64_t *row = j->block[d]->features.row + b->user[d][u];
        nnz += row[1] - row[0];
        if (row[1] - row[0] > longest)
            longest = row[1] - row[0];
    }
    struct writer w;
    struct rh_arena_mark mark = rh_arena_mark(&b->work);
    RH_TRY(writer_open(b, &w, out->n_rows, nnz, longest, values, err));
    for (int32_t u = 0; u < out->n_rows; u++) {
        int32_t d = speaker(b, j, u);
        if (d >= 0)
            writer_add(&w, u, &j->block[d]->features, b->user[d][u], j->column[d]);
        else
            w.row[u + 1] = w.row[u];
    }
    rh_arena_rewind(&b->work, mark);
    out->row = w.row;
    out->col = w.col;
    out->val = w.val;
    return RH_OK;
}

static int user_view(struct rh_build *b, const struct join *j, const char *name, struct rh_features *out,
                     struct rh_error *err)
{
    int32_t n_users = b->p->train.n_users, with = 0;
    *out = (struct rh_features){ .name = name, .n_rows = n_users, .n_cols = j->n_cols };
    for (int32_t d = 0; d < b->n_domains; d++)
        with += has_data(j->block[d]);
    if (!with)
        return RH_OK;
    if (with == 1 && has_data(j->block[0]) && b->domain[0]->n_users == n_users) {
        const struct rh_features *f = &j->block[0]->features;
        out->row = f->row;
        out->col = f->col;
        out->val = f->val;
        out->dense = f->dense;
        return RH_OK;
    }
    return j->dense ? user_dense(b, j, out, err) : user_sparse(b, j, out, err);
}

static int join_items(struct rh_build *b, struct blocks *list, struct rh_error *err)
{
    struct rh_problem *p = b->p;
    struct join *joins;
    int32_t n;
    for (int32_t d = 0; d < b->n_domains; d++)
        list[d] = (struct blocks){ b->domain[d]->n_item_blocks, b->domain[d]->item_block };
    RH_TRY(join_blocks(b, list, &joins, &n, err));
    RH_TRY(keep_names(b, joins, n, &p->item_block_name, err));
    for (int32_t d = 0; d < b->n_domains; d++) {
        struct rh_features *f = rh_build_alloc(&p->arena, (size_t)n, sizeof *f, "feature blocks", err);
        if (!f)
            return RH_ENOMEM;
        for (int32_t k = 0; k < n; k++)
            RH_TRY(item_view(b, &joins[k], p->item_block_name[k], d, &f[k], err));
        b->view[d].item_features = f;
    }
    p->train.n_item_blocks = n;
    return RH_OK;
}

static int join_users(struct rh_build *b, struct blocks *list, struct rh_error *err)
{
    struct rh_problem *p = b->p;
    struct join *joins;
    int32_t n;
    for (int32_t d = 0; d < b->n_domains; d++)
        list[d] = (struct blocks){ b->domain[d]->n_user_blocks, b->domain[d]->user_block };
    RH_TRY(join_blocks(b, list, &joins, &n, err));
    RH_TRY(keep_names(b, joins, n, &p->user_block_name, err));
    struct rh_features *f = rh_build_alloc(&p->arena, (size_t)n, sizeof *f, "feature blocks", err);
    if (!f)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++)
        RH_TRY(user_view(b, &joins[k], p->user_block_name[k], &f[k], err));
    p->train.user_features = f;
    p->train.n_user_blocks = n;
    return RH_OK;
}

int rh_build_features(struct rh_build *b, struct rh_error *err)
{
    struct blocks *list = rh_build_alloc(&b->work, (size_t)b->n_domains, sizeof *list, "feature blocks", err);
    if (!list)
        return RH_ENOMEM;
    RH_TRY(join_items(b, list, err));
    return join_users(b, list, err);
}
