#include "data/builder.h"

#include "base/parallel.h"
#include "data/csr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROWS ((int64_t)1 << 16)

static bool grow(void **p, int64_t n, size_t elem)
{
    void *grown = realloc(*p, (size_t)n * elem);
    if (grown)
        *p = grown;
    return grown != NULL;
}

int rh_builder_reserve(struct rh_builder *b, int64_t more, struct rh_error *err)
{
    if (b->n + more <= b->capacity)
        return RH_OK;
    if (b->n + more > INT32_MAX)
        return rh_fail(err, RH_EDATA, "more than %d rows: so many are not supported", INT32_MAX);
    int64_t n = b->capacity ? b->capacity * 2 : FIRST_ROWS;
    while (n < b->n + more)
        n *= 2;
    if (n > INT32_MAX)
        n = INT32_MAX;
    if (!grow((void **)&b->row_user, n, sizeof *b->row_user) ||
        !grow((void **)&b->row_item, n, sizeof *b->row_item) ||
        (b->has_value && !grow((void **)&b->row_value, n, sizeof *b->row_value)) ||
        (b->has_time && !grow((void **)&b->row_time, n, sizeof *b->row_time)) ||
        (b->has_given && !grow((void **)&b->row_given, n, sizeof *b->row_given)))
        return rh_fail_memory(err, "the rows", (size_t)n * 21);
    b->capacity = n;
    return RH_OK;
}

void rh_builder_rewind(struct rh_builder *b, int64_t n, int32_t n_users, int32_t n_items)
{
    b->n = n;
    rh_ids_truncate(&b->user, n_users);
    rh_ids_truncate(&b->item, n_items);
}

int rh_builder_id(struct rh_ids *ids, const char *what, const char *s, size_t n, int32_t *out, struct rh_error *err)
{
    *out = rh_ids_add(ids, s, n);
    if (*out == RH_IDS_FULL)
        return rh_fail(err, RH_EDATA, "more than %d different %ss: so many are not supported", INT32_MAX - 1, what);
    return *out < 0 ? rh_fail_memory(err, "the ids", ids->pool_n) : RH_OK;
}

static void release_rows(struct rh_builder *b)
{
    free(b->row_user);
    free(b->row_item);
    free(b->row_value);
    free(b->row_time);
    free(b->row_given);
    b->row_user = b->row_item = NULL;
    b->row_value = NULL;
    b->row_time = NULL;
    b->row_given = NULL;
    b->n = b->capacity = 0;
}

void rh_builder_release(struct rh_builder *b)
{
    release_rows(b);
    rh_ids_release(&b->user);
    rh_ids_release(&b->item);
}

/* -------------------------------------------------------------------------------------------- the steps */

static struct rh_removed *entry(struct rh_ledger *ledger)
{
    return &ledger->entry[ledger->n++]; /* there is room for every step */
}

/* Rows outside the window go before anything else looks at them; those of unknown time too. */
static void keep_window(struct rh_builder *b, const struct rh_build *how, struct rh_ledger *ledger)
{
    struct rh_removed *e = entry(ledger);
    snprintf(e->step, sizeof e->step, "time window%s%s%s%s", *how->options->from ? " from " : "", how->options->from,
             *how->options->until ? " until " : "", how->options->until);
    int64_t kept = 0;
    for (int64_t k = 0; k < b->n; k++) {
        if (b->row_time[k] == RH_NO_TIME || b->row_time[k] < how->from || b->row_time[k] > how->until)
            continue;
        b->row_user[kept] = b->row_user[k];
        b->row_item[kept] = b->row_item[k];
        b->row_time[kept] = b->row_time[k];
        if (b->has_value)
            b->row_value[kept] = b->row_value[k];
        if (b->has_given)
            b->row_given[kept] = b->row_given[k];
        kept++;
    }
    e->rows = b->n - kept;
    b->n = kept;
}

struct scattering {
    const struct rh_builder *b;
    const struct rh_csr *c;
    int64_t *at;    /* [n_users] where the next row of each user goes */
    int32_t *first; /* [pieces + 1] users of each piece */
};

/* A piece goes through all rows and takes those of its users: reading in order is cheap, what costs is the writing and
 * the fresh pages, and these are shared out. */
static int scatter_piece(void *arg, int thread, int64_t begin, int64_t end)
{
    const struct scattering *s = arg;
    const struct rh_builder *b = s->b;
    const struct rh_csr *c = s->c;
    const int32_t lo = s->first[begin], hi = s->first[end];
    (void)thread;
    for (int64_t k = 0; k < b->n; k++) {
        if (b->row_user[k] < lo || b->row_user[k] >= hi)
            continue;
        int64_t to = s->at[b->row_user[k]]++;
        c->item[to] = b->row_item[k];
        c->position[to] = (int32_t)k;
        if (c->value)
            c->value[to] = b->row_value[k];
        if (c->time)
            c->time[to] = b->row_time[k];
        if (c->given)
            c->given[to] = b->row_given[k];
    }
    return RH_OK;
}

static int scatter(struct rh_builder *b, struct rh_arena *a, int threads, struct rh_csr *c, struct rh_error *err)
{
    int64_t pieces = threads > 1 ? threads : 1;
    RH_TRY(rh_csr_new(a, b->user.n, b->item.n, b->n, b->has_value, b->has_time, b->has_given, c, err));
    for (int64_t k = 0; k < b->n; k++)
        c->row[b->row_user[k] + 1]++;
    for (int32_t u = 0; u < c->n_users; u++)
        c->row[u + 1] += c->row[u];
    struct rh_arena work = { 0 };
    struct scattering s = { .b = b, .c = c };
    s.at = rh_arena_copy(&work, c->row, (size_t)c->n_users, sizeof *s.at);
    s.first = rh_alloc(&work, (size_t)pieces + 1, sizeof *s.first);
    int status = s.at && s.first ? RH_OK : rh_fail_memory(err, "the rows", (size_t)c->n_users * sizeof *s.at);
    if (status >= 0) {
        int32_t u = 0;
        for (int64_t p = 1; p < pieces; p++) { /* users with about the same number of rows */
            while (u < c->n_users && c->row[u] < b->n / pieces * p)
                u++;
            s.first[p] = u;
        }
        s.first[pieces] = c->n_users;
        rh_loop((int)pieces, pieces, 1, scatter_piece, &s);
    }
    rh_arena_release(&work);
    return status;
}

static int no_rows(const struct rh_ledger *ledger, struct rh_error *err)
{
    for (int32_t i = ledger->n; i-- > 0;)
        if (ledger->entry[i].rows)
            return rh_fail(err, RH_EDATA,
                           "no row is left after the filter '%s', which removed the last %lld; widen it",
                           ledger->entry[i].step, (long long)ledger->entry[i].rows);
    return rh_fail(err, RH_EDATA, "there are no rows");
}

/* The scale of a domain without a given one is what its rows show. */
static void find_scale(const struct rh_csr *c, const struct rh_build *how, struct rh_domain_data *d)
{
    if (!c->value)
        return;
    d->value_min = how->scale_min;
    d->value_max = how->scale_max;
    if (how->scaled && how->options->duplicates != RH_DUPLICATES_SUM)
        return;
    d->value_min = d->value_max = c->value[0];
    for (int64_t k = 1; k < c->n_rows; k++) {
        if (c->value[k] < d->value_min)
            d->value_min = c->value[k];
        if (c->value[k] > d->value_max)
            d->value_max = c->value[k];
    }
}

static int build(struct rh_builder *b, const struct rh_build *how, struct rh_domain_data *d, struct rh_ledger *ledger,
                 struct rh_error *err)
{
    const struct rh_data_options *o = how->options;
    struct rh_csr c;
    struct rh_csr_order order = { 0 };
    bool windowed = how->from != INT64_MIN || how->until != INT64_MAX;
    int64_t n_read = b->n;
    if (windowed && !b->has_time)
        return rh_fail(err, RH_EINVAL, "from and until need timestamps, and the data has none");
    if (windowed)
        keep_window(b, how, ledger);
    if (b->n == 0)
        return no_rows(ledger, err);
    RH_TRY(scatter(b, &d->arena, how->threads, &c, err));
    release_rows(b);
    if (windowed)
        rh_csr_count_lost(&c, ledger->entry);
    RH_TRY(rh_csr_duplicates(&c, o->duplicates, &b->user, &b->item, how->threads, entry(ledger), err));
    if (o->rating_min > -RH_RATING_FREE || o->rating_max < RH_RATING_FREE) {
        if (!c.value)
            return rh_fail(err, RH_EINVAL, "rating_min and rating_max need ratings, and the data has none");
        RH_TRY(rh_csr_rating(&c, o->rating_min, o->rating_max, entry(ledger), err));
    }
    if (o->core_users > 1 || o->core_items > 1)
        RH_TRY(rh_csr_core(&c, o->core_users, o->core_items, entry(ledger), err));
    if (c.n_rows == 0)
        return no_rows(ledger, err);
    if (o->implicit)
        c.value = NULL;
    if (c.n_rows < n_read) {
        struct rh_arena old = d->arena;
        d->arena = (struct rh_arena){ 0 };
        int status = rh_csr_renumber(&c, &d->arena, &order, how->threads, err);
        rh_arena_release(&old);
        if (status < 0)
            return status;
    }
    d->n_users = c.n_users;
    d->n_items = c.n_items;
    d->n_rows = c.n_rows;
    d->row = c.row;
    d->item = c.item;
    d->value = c.value;
    d->time = c.time;
    d->position = c.position;
    d->given = c.given;
    find_scale(&c, how, d);
    int status = rh_ids_strings(&b->user, order.user, c.n_users, &d->arena, &d->user_id, err);
    if (status >= 0)
        status = rh_ids_strings(&b->item, order.item, c.n_items, &d->arena, &d->item_id, err);
    rh_csr_order_release(&order);
    RH_TRY(status);
    d->n_removed = ledger->n;
    d->removed = rh_arena_copy(&d->arena, ledger->entry, (size_t)ledger->n, sizeof *ledger->entry);
    d->name = rh_arena_strdup(&d->arena, how->name);
    return d->removed && d->name ? RH_OK : rh_fail_memory(err, "the filter ledger", sizeof *ledger);
}

int rh_builder_finish(struct rh_builder *b, const struct rh_build *how, struct rh_domain_data **out,
                      struct rh_error *err)
{
    struct rh_ledger ledger = { 0 };
    *out = NULL;
    struct rh_domain_data *d = calloc(1, sizeof *d);
    int status = d ? build(b, how, d, &ledger, err) : rh_fail_memory(err, "a domain", sizeof *d);
    rh_builder_release(b);
    if (status < 0) {
        rh_domain_data_free(d);
        return status;
    }
    *out = d;
    return RH_OK;
}
