#include "data/domain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void hash_array(struct rh_hash *h, const void *p, int64_t n, size_t elem)
{
    /* The number before the bytes, so that an array that is not there differs from an empty one. */
    rh_hash_u64(h, p ? (uint64_t)n : UINT64_MAX);
    if (p && n)
        rh_hash_bytes(h, p, (size_t)n * elem);
}

static void hash_strings(struct rh_hash *h, const struct rh_strings *s)
{
    rh_hash_u64(h, (uint64_t)s->n);
    if (!s->n)
        return;
    hash_array(h, s->offset, (int64_t)s->n + 1, sizeof *s->offset);
    hash_array(h, s->pool, s->offset[s->n], 1);
}

static void hash_blocks(struct rh_hash *h, const struct rh_block *block, int32_t n)
{
    rh_hash_u64(h, (uint64_t)n);
    for (int32_t i = 0; i < n; i++) {
        const struct rh_features *f = &block[i].features;
        rh_hash_text(h, block[i].name);
        hash_strings(h, &block[i].column);
        rh_hash_u64(h, (uint64_t)f->n_rows);
        rh_hash_u64(h, (uint64_t)f->n_cols);
        hash_array(h, f->row, (int64_t)f->n_rows + 1, sizeof *f->row);
        int64_t n_values = f->row ? f->row[f->n_rows] : 0;
        hash_array(h, f->col, n_values, sizeof *f->col);
        hash_array(h, f->val, n_values, sizeof *f->val);
        hash_array(h, f->dense, (int64_t)f->n_rows * f->n_cols, sizeof *f->dense);
    }
}

void rh_domain_data_hash(struct rh_domain_data *d)
{
    struct rh_hash h;
    rh_hash_init(&h);
    rh_hash_u64(&h, (uint64_t)d->n_users);
    rh_hash_u64(&h, (uint64_t)d->n_items);
    rh_hash_u64(&h, (uint64_t)d->n_rows);
    hash_strings(&h, &d->user_id);
    hash_strings(&h, &d->item_id);
    hash_strings(&h, &d->title);
    hash_array(&h, d->row, (int64_t)d->n_users + 1, sizeof *d->row);
    hash_array(&h, d->item, d->n_rows, sizeof *d->item);
    hash_array(&h, d->value, d->n_rows, sizeof *d->value);
    hash_array(&h, d->time, d->n_rows, sizeof *d->time);
    hash_array(&h, d->position, d->n_rows, sizeof *d->position);
    hash_array(&h, d->given, d->n_rows, sizeof *d->given);
    hash_array(&h, &d->value_min, 1, sizeof d->value_min);
    hash_array(&h, &d->value_max, 1, sizeof d->value_max);
    hash_blocks(&h, d->item_block, d->n_item_blocks);
    hash_blocks(&h, d->user_block, d->n_user_blocks);
    rh_hash_u64(&h, (uint64_t)d->n_removed);
    for (int32_t i = 0; i < d->n_removed; i++) {
        const struct rh_removed *r = &d->removed[i];
        rh_hash_text(&h, r->step);
        rh_hash_u64(&h, (uint64_t)r->rows);
        rh_hash_u64(&h, (uint64_t)r->users);
        rh_hash_u64(&h, (uint64_t)r->items);
    }
    if (d->cold_user) { /* the hash of other domains stays what it was before there were marks */
        rh_hash_text(&h, "cold");
        hash_array(&h, d->cold_user, d->n_users, sizeof *d->cold_user);
        hash_array(&h, d->cold_item, d->n_items, sizeof *d->cold_item);
    }
    rh_hash_hex(&h, d->content);
}

/* ------------------------------------------------------------------------------------------------ checks */

static int check_strings(const struct rh_strings *s, const char *what, int32_t n, struct rh_error *err)
{
    if (s->n != n)
        return rh_fail(err, RH_EBUG, "%s: %d texts, expected %d", what, s->n, n);
    if (n == 0)
        return RH_OK;
    if (!s->offset || !s->pool || s->offset[0] != 0)
        return rh_fail(err, RH_EBUG, "%s: no texts, or the first is not at the start of the pool", what);
    for (int32_t i = 0; i < n; i++) {
        if (s->offset[i + 1] <= s->offset[i] || s->pool[s->offset[i + 1] - 1] != '\0')
            return rh_fail(err, RH_EBUG, "%s: text %d does not end with a NUL before the next", what, i);
        if (strlen(s->pool + s->offset[i]) + 1 != (size_t)(s->offset[i + 1] - s->offset[i]))
            return rh_fail(err, RH_EBUG, "%s: a NUL inside text %d", what, i);
    }
    return RH_OK;
}

/* Offsets of n rows over n_values entries, each row ascending below n_cols without repetition. */
static int check_rows(const char *what, const int64_t *row, const int32_t *col, int32_t n, int32_t n_cols,
                      struct rh_error *err)
{
    if (row[0] != 0)
        return rh_fail(err, RH_EBUG, "%s: the first row does not start at 0", what);
    for (int32_t r = 0; r < n; r++) {
        if (row[r + 1] < row[r])
            return rh_fail(err, RH_EBUG, "%s: row %d ends before it starts", what, r);
        if (!col && row[r + 1] > row[r])
            return rh_fail(err, RH_EBUG, "%s: row %d has entries but there are no columns", what, r);
        int32_t before = -1;
        for (int64_t k = row[r]; k < row[r + 1]; k++) {
            if (col[k] <= before || col[k] >= n_cols)
                return rh_fail(err, RH_EBUG, "%s: row %d is not ascending, or %d is not below %d", what, r, col[k],
                               n_cols);
            before = col[k];
        }
    }
    return RH_OK;
}

static int check_floats(const char *what, const float *v, int64_t n, struct rh_error *err)
{
    for (int64_t k = 0; k < n; k++)
        if (!isfinite(v[k]))
            return rh_fail(err, RH_EBUG, "%s: value %lld is not a finite number", what, (long long)k);
    return RH_OK;
}

static int check_blocks(const struct rh_block *block, int32_t n, int32_t n_rows, struct rh_error *err)
{
    if (n < 0 || (n > 0 && !block))
        return rh_fail(err, RH_EBUG, "%d blocks, but no list of them", n);
    for (int32_t b = 0; b < n; b++) {
        const struct rh_features *f = &block[b].features;
        const char *name = block[b].name;
        if (!name || !*name || !f->name || strcmp(name, f->name))
            return rh_fail(err, RH_EBUG, "block %d has no name, or two", b);
        for (int32_t other = 0; other < b; other++)
            if (!strcmp(name, block[other].name))
                return rh_fail(err, RH_EBUG, "block '%s' is there twice", name);
        if (f->n_rows != n_rows || f->n_cols < 0 || (f->row && f->dense))
            return rh_fail(err, RH_EBUG, "block '%s': %d rows, expected %d, or both sparse and dense", name,
                           f->n_rows, n_rows);
        RH_TRY(check_strings(&block[b].column, name, f->dense ? 0 : f->n_cols, err));
        if (f->row) {
            RH_TRY(check_rows(name, f->row, f->col, n_rows, f->n_cols, err));
            RH_TRY(check_floats(name, f->val, f->val ? f->row[n_rows] : 0, err));
        }
        RH_TRY(check_floats(name, f->dense, f->dense ? (int64_t)n_rows * f->n_cols : 0, err));
    }
    return RH_OK;
}

/* Positions are 0 .. N-1, each once. */
static int check_positions(const int32_t *position, int64_t n, struct rh_error *err)
{
    unsigned char *seen = calloc((size_t)n / 8 + 1, 1);
    if (!seen)
        return rh_fail_memory(err, "a check", (size_t)n / 8 + 1);
    int status = RH_OK;
    for (int64_t k = 0; k < n && status == RH_OK; k++) {
        int32_t p = position[k];
        if (p < 0 || p >= n || seen[p / 8] & 1u << p % 8)
            status = rh_fail(err, RH_EBUG, "position %d of row %lld is out of range or there twice", p, (long long)k);
        else
            seen[p / 8] = (unsigned char)(seen[p / 8] | 1u << p % 8);
    }
    free(seen);
    return status;
}

int rh_domain_data_check(const struct rh_domain_data *d, struct rh_error *err)
{
    if (!d->name || !*d->name || strlen(d->content) != RH_HASH_HEX - 1)
        return rh_fail(err, RH_EBUG, "the domain has no name or no content hash");
    if (d->n_users < 0 || d->n_items < 0 || d->n_rows < 0 || d->n_rows > INT32_MAX || !d->row)
        return rh_fail(err, RH_EBUG, "%d users, %d items, %lld rows: out of range", d->n_users, d->n_items,
                       (long long)d->n_rows);
    if (d->n_rows && (!d->item || !d->position))
        return rh_fail(err, RH_EBUG, "rows without items or positions");
    RH_TRY(check_strings(&d->user_id, "user ids", d->n_users, err));
    RH_TRY(check_strings(&d->item_id, "item ids", d->n_items, err));
    if (d->title.n)
        RH_TRY(check_strings(&d->title, "titles", d->n_items, err));
    RH_TRY(check_rows("interactions", d->row, d->item, d->n_users, d->n_items, err));
    if (d->row[d->n_users] != d->n_rows)
        return rh_fail(err, RH_EBUG, "rows end at %lld, expected %lld", (long long)d->row[d->n_users],
                       (long long)d->n_rows);
    RH_TRY(check_positions(d->position, d->n_rows, err));
    for (int64_t k = 0; d->given && k < d->n_rows; k++)
        if (d->given[k] > RH_GIVEN_TEST)
            return rh_fail(err, RH_EBUG, "row %lld belongs to part %d", (long long)k, d->given[k]);
    if (!d->cold_user != !d->cold_item)
        return rh_fail(err, RH_EBUG, "marks of cold users without those of items, or the other way round");
    for (int32_t u = 0; d->cold_user && u < d->n_users; u++)
        if (d->cold_user[u] > 1)
            return rh_fail(err, RH_EBUG, "user %d has the mark %d", u, d->cold_user[u]);
    for (int32_t i = 0; d->cold_item && i < d->n_items; i++)
        if (d->cold_item[i] > 1)
            return rh_fail(err, RH_EBUG, "item %d has the mark %d", i, d->cold_item[i]);
    if (!d->value && (d->value_min != 0 || d->value_max != 0))
        return rh_fail(err, RH_EBUG, "a rating scale without ratings");
    for (int64_t k = 0; d->value && k < d->n_rows; k++)
        if (!(d->value[k] >= d->value_min && d->value[k] <= d->value_max))
            return rh_fail(err, RH_EBUG, "rating %g of row %lld is outside the scale %g to %g", (double)d->value[k],
                           (long long)k, (double)d->value_min, (double)d->value_max);
    RH_TRY(check_blocks(d->item_block, d->n_item_blocks, d->n_items, err));
    RH_TRY(check_blocks(d->user_block, d->n_user_blocks, d->n_users, err));
    for (int32_t i = 0; i < d->n_removed; i++)
        if (!memchr(d->removed[i].step, '\0', sizeof d->removed[i].step) || d->removed[i].rows < 0 ||
            d->removed[i].users < 0 || d->removed[i].items < 0)
            return rh_fail(err, RH_EBUG, "step %d of the filter ledger is broken", i);
    return RH_OK;
}

void rh_domain_data_free(struct rh_domain_data *d)
{
    if (!d)
        return;
    /* The map first: after a cached load the arena holds the struct arrays that point into it. */
    if (d->map)
        munmap(d->map, d->map_size);
    rh_arena_release(&d->arena);
    free(d);
}
