#include "data/csr.h"

#include "base/parallel.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define USERS_A_PIECE 256

/* Fresh pages are dear; where arrays are large, huge ones are a tenth of the price. */
static void *large_array(struct rh_arena *a, int64_t n, size_t elem)
{
    void *p = rh_alloc(a, (size_t)n, elem);
    uintptr_t huge = (uintptr_t)2 << 20, from = ((uintptr_t)p + huge - 1) & ~(huge - 1);
    uintptr_t end = ((uintptr_t)p + (size_t)n * elem) & ~(huge - 1);
    if (p && end > from)
        madvise((void *)from, end - from, MADV_HUGEPAGE); /* a wish: it may fail */
    return p;
}

int rh_csr_new(struct rh_arena *a, int32_t n_users, int32_t n_items, int64_t n_rows, bool has_value, bool has_time,
               bool has_given, struct rh_csr *out, struct rh_error *err)
{
    *out = (struct rh_csr){ .n_users = n_users, .n_items = n_items, .n_rows = n_rows };
    out->row = rh_alloc(a, (size_t)n_users + 1, sizeof *out->row);
    out->item = large_array(a, n_rows, sizeof *out->item);
    out->position = large_array(a, n_rows, sizeof *out->position);
    if (has_value)
        out->value = large_array(a, n_rows, sizeof *out->value);
    if (has_time)
        out->time = large_array(a, n_rows, sizeof *out->time);
    if (has_given)
        out->given = large_array(a, n_rows, sizeof *out->given);
    if (!out->row || !out->item || !out->position || (has_value && !out->value) || (has_time && !out->time) ||
        (has_given && !out->given))
        return rh_fail_memory(err, "the interactions", (size_t)n_rows * 21);
    return RH_OK;
}

static void move_row(const struct rh_csr *c, int64_t from, int64_t to)
{
    c->item[to] = c->item[from];
    c->position[to] = c->position[from];
    if (c->value)
        c->value[to] = c->value[from];
    if (c->time)
        c->time[to] = c->time[from];
    if (c->given)
        c->given[to] = c->given[from];
}

/* ------------------------------------------------------------------------------------------------ ledger */

/* Users and items that have a row. */
static int present(const struct rh_csr *c, int64_t *users, int64_t *items)
{
    unsigned char *seen = calloc((size_t)c->n_items + 1, 1);
    if (!seen)
        return RH_ENOMEM;
    *users = *items = 0;
    for (int32_t u = 0; u < c->n_users; u++)
        *users += c->row[u + 1] > c->row[u];
    for (int64_t k = 0; k < c->n_rows; k++) {
        *items += !seen[c->item[k]];
        seen[c->item[k]] = 1;
    }
    free(seen);
    return RH_OK;
}

void rh_csr_count_lost(const struct rh_csr *c, struct rh_removed *e)
{
    int64_t users, items;
    if (present(c, &users, &items) < 0)
        return;
    e->users += c->n_users - users;
    e->items += c->n_items - items;
}

typedef bool keep_fn(const void *arg, int32_t user, int64_t k);

/* Drops the rows that `keep` refuses and writes down what that removed. */
static int filter(struct rh_csr *c, keep_fn *keep, const void *arg, struct rh_removed *e, struct rh_error *err)
{
    int64_t users, items, users_left, items_left, to = 0, from = 0;
    if (present(c, &users, &items) < 0)
        return rh_fail_memory(err, "a filter", (size_t)c->n_items);
    for (int32_t u = 0; u < c->n_users; u++) {
        int64_t end = c->row[u + 1];
        for (; from < end; from++)
            if (keep(arg, u, from)) {
                if (to < from)
                    move_row(c, from, to);
                to++;
            }
        c->row[u + 1] = to;
    }
    e->rows = c->n_rows - to;
    c->n_rows = to;
    if (present(c, &users_left, &items_left) < 0)
        return rh_fail_memory(err, "a filter", (size_t)c->n_items);
    e->users = users - users_left;
    e->items = items - items_left;
    return RH_OK;
}

/* ---------------------------------------------------------------------------------------------- sorting */

struct scratch { /* for one row: keys twice, and a copy of its columns */
    int64_t capacity;
    uint64_t *key, *other; /* item << 32 | place in the row */
    void *copy;
};

static bool scratch_fits(struct scratch *s, int64_t n)
{
    if (n <= s->capacity)
        return true;
    int64_t capacity = n < 4096 ? 4096 : n + n / 2;
    free(s->key);
    free(s->other);
    free(s->copy);
    s->key = malloc((size_t)capacity * sizeof *s->key);
    s->other = malloc((size_t)capacity * sizeof *s->other);
    s->copy = malloc((size_t)capacity * sizeof(int64_t));
    s->capacity = s->key && s->other && s->copy ? capacity : 0;
    return s->capacity > 0;
}

static void scratch_release(struct scratch *s)
{
    free(s->key);
    free(s->other);
    free(s->copy);
}

/* Sorts by the upper half; the lower is ascending already. Radix sort by bytes, or insertion where rows are short. */
static uint64_t *sort_keys(uint64_t *key, uint64_t *other, int64_t n, int32_t n_items)
{
    if (n <= 48) {
        for (int64_t i = 1; i < n; i++) {
            uint64_t x = key[i];
            int64_t k = i;
            for (; k > 0 && key[k - 1] > x; k--)
                key[k] = key[k - 1];
            key[k] = x;
        }
        return key;
    }
    for (int shift = 32; shift < 64 && (uint64_t)n_items >> (shift - 32); shift += 8) {
        int64_t start[257] = { 0 };
        for (int64_t i = 0; i < n; i++)
            start[(key[i] >> shift & 255) + 1]++;
        for (int v = 0; v < 256; v++)
            start[v + 1] += start[v];
        for (int64_t i = 0; i < n; i++)
            other[start[key[i] >> shift & 255]++] = key[i];
        uint64_t *swap = key;
        key = other;
        other = swap;
    }
    return key;
}

#define PERMUTE(column, T)                                                                                     \
    do {                                                                                                       \
        T *copy_ = s->copy;                                                                                    \
        memcpy(copy_, c->column + from, (size_t)n * sizeof(T));                                                \
        for (int64_t i_ = 0; i_ < n; i_++)                                                                     \
            c->column[from + i_] = copy_[key[i_] & UINT32_MAX];                                                \
    } while (0)

static bool sort_row(const struct rh_csr *c, int64_t from, int64_t n, struct scratch *s)
{
    bool sorted = true;
    for (int64_t i = 1; i < n && sorted; i++)
        sorted = c->item[from + i - 1] <= c->item[from + i];
    if (sorted)
        return true;
    if (!scratch_fits(s, n))
        return false;
    for (int64_t i = 0; i < n; i++)
        s->key[i] = (uint64_t)c->item[from + i] << 32 | (uint64_t)i;
    const uint64_t *key = sort_keys(s->key, s->other, n, c->n_items);
    for (int64_t i = 0; i < n; i++)
        c->item[from + i] = (int32_t)(key[i] >> 32);
    PERMUTE(position, int32_t);
    if (c->value)
        PERMUTE(value, float);
    if (c->time)
        PERMUTE(time, int64_t);
    if (c->given)
        PERMUTE(given, uint8_t);
    return true;
}

struct sorting {
    const struct rh_csr *c;
    struct scratch *scratch; /* [threads] */
    atomic_bool repeated;    /* an item is twice in a row */
};

static int sort_piece(void *arg, int thread, int64_t begin, int64_t end)
{
    struct sorting *s = arg;
    const struct rh_csr *c = s->c;
    for (int64_t u = begin; u < end; u++) {
        int64_t from = c->row[u], to = c->row[u + 1];
        if (!sort_row(c, from, to - from, &s->scratch[thread]))
            return RH_ENOMEM;
        bool repeated = false;
        for (int64_t k = from + 1; k < to; k++)
            repeated |= c->item[k - 1] == c->item[k];
        if (repeated)
            atomic_store(&s->repeated, true);
    }
    return RH_OK;
}

static int sort_rows(const struct rh_csr *c, int threads, bool *repeated, struct rh_error *err)
{
    if (threads < 1)
        threads = 1;
    struct sorting s = { .c = c, .scratch = calloc((size_t)threads, sizeof *s.scratch) };
    int status = s.scratch ? rh_loop(threads, c->n_users, USERS_A_PIECE, sort_piece, &s) : RH_ENOMEM;
    for (int t = 0; s.scratch && t < threads; t++)
        scratch_release(&s.scratch[t]);
    free(s.scratch);
    *repeated = atomic_load(&s.repeated);
    return status < 0 ? rh_fail_memory(err, "sorting rows", 0) : RH_OK;
}

/* ------------------------------------------------------------------------------------------- duplicates */

/* One of the rows [from, to) of the same user and item, with the value that the rule gives it. */
static int64_t choose(const struct rh_csr *c, int64_t from, int64_t to, int rule)
{
    int64_t kept = from;
    double sum = 0, largest = 0, smallest = 0;
    for (int64_t k = from; k < to; k++) {
        int64_t t = c->time ? c->time[k] : 0, best = c->time ? c->time[kept] : 0;
        /* Ascending positions: among equal times the first stands for "first", a later one for "last". */
        if (rule == RH_DUPLICATES_FIRST ? t < best : t >= best)
            kept = k;
        double v = c->value ? (double)c->value[k] : 0;
        sum += v;
        largest = k == from || v > largest ? v : largest;
        smallest = k == from || v < smallest ? v : smallest;
    }
    if (c->value && rule >= RH_DUPLICATES_MEAN) {
        double v = rule == RH_DUPLICATES_MEAN ? sum / (double)(to - from)
                   : rule == RH_DUPLICATES_MAX ? largest : rule == RH_DUPLICATES_MIN ? smallest : sum;
        c->value[kept] = (float)v;
    }
    return kept;
}

struct chosen {
    const unsigned char *dropped; /* a bit a row */
};

static bool is_chosen(const void *arg, int32_t user, int64_t k)
{
    (void)user;
    return !(((const struct chosen *)arg)->dropped[k / 8] & 1u << k % 8);
}

static const char *rule_words[] = { "kept last", "kept first", "mean rating", "largest rating", "smallest rating",
                                    "sum of ratings", "not allowed" };

int rh_csr_duplicates(struct rh_csr *c, int rule, const struct rh_ids *user, const struct rh_ids *item, int threads,
                      struct rh_removed *e, struct rh_error *err)
{
    bool repeated;
    snprintf(e->step, sizeof e->step, "duplicates (%s)", rule_words[rule]);
    RH_TRY(sort_rows(c, threads, &repeated, err));
    if (!repeated)
        return RH_OK;
    unsigned char *dropped = calloc((size_t)c->n_rows / 8 + 1, 1);
    if (!dropped)
        return rh_fail_memory(err, "duplicates", (size_t)c->n_rows / 8);
    int status = RH_OK;
    for (int32_t u = 0; u < c->n_users && status >= 0; u++)
        for (int64_t k = c->row[u], to; k < c->row[u + 1]; k = to) {
            for (to = k + 1; to < c->row[u + 1] && c->item[to] == c->item[k]; to++)
                ;
            if (to == k + 1)
                continue;
            if (rule == RH_DUPLICATES_ERROR) {
                status = rh_fail(err, RH_EDATA,
                                 "user '%s' has item '%s' %lld times, first in rows %d and %d; to allow it set "
                                 "duplicates to last, first, mean, max, min or sum",
                                 rh_ids_text(user, u), rh_ids_text(item, c->item[k]), (long long)(to - k),
                                 c->position[k] + 1, c->position[k + 1] + 1);
                break;
            }
            int64_t kept = choose(c, k, to, rule);
            for (int64_t other = k; other < to; other++)
                if (other != kept)
                    dropped[other / 8] = (unsigned char)(dropped[other / 8] | 1u << other % 8);
        }
    if (status >= 0)
        status = filter(c, is_chosen, &(struct chosen){ dropped }, e, err);
    free(dropped);
    return status;
}

/* ---------------------------------------------------------------------------------------------- filters */

struct bounds {
    const struct rh_csr *c;
    double lo, hi;
};

static bool is_inside(const void *arg, int32_t user, int64_t k)
{
    const struct bounds *b = arg;
    (void)user;
    return (double)b->c->value[k] >= b->lo && (double)b->c->value[k] <= b->hi;
}

int rh_csr_rating(struct rh_csr *c, double lo, double hi, struct rh_removed *e, struct rh_error *err)
{
    if (hi >= RH_RATING_FREE)
        snprintf(e->step, sizeof e->step, "rating >= %g", lo);
    else if (lo <= -RH_RATING_FREE)
        snprintf(e->step, sizeof e->step, "rating <= %g", hi);
    else
        snprintf(e->step, sizeof e->step, "rating %g to %g", lo, hi);
    return filter(c, is_inside, &(struct bounds){ c, lo, hi }, e, err);
}

struct core {
    const struct rh_csr *c;
    int64_t *users, *items; /* rows of each that are left; 0: out */
};

static bool in_core(const void *arg, int32_t user, int64_t k)
{
    const struct core *core = arg;
    return core->users[user] && core->items[core->c->item[k]];
}

/* Counts the rows between users and items that are still in, then throws out those below; true: someone was. */
static bool core_round(const struct core *core, int64_t users, int64_t items, int64_t *n_user, int64_t *n_item)
{
    const struct rh_csr *c = core->c;
    memset(n_user, 0, (size_t)c->n_users * sizeof *n_user);
    memset(n_item, 0, (size_t)c->n_items * sizeof *n_item);
    for (int32_t u = 0; u < c->n_users; u++)
        for (int64_t k = c->row[u]; core->users[u] && k < c->row[u + 1]; k++)
            if (core->items[c->item[k]]) {
                n_user[u]++;
                n_item[c->item[k]]++;
            }
    bool out = false;
    for (int32_t u = 0; u < c->n_users; u++)
        if (core->users[u] && n_user[u] < users) {
            core->users[u] = 0;
            out = true;
        }
    for (int32_t i = 0; i < c->n_items; i++)
        if (core->items[i] && n_item[i] < items) {
            core->items[i] = 0;
            out = true;
        }
    return out;
}

int rh_csr_core(struct rh_csr *c, int64_t users, int64_t items, struct rh_removed *e, struct rh_error *err)
{
    snprintf(e->step, sizeof e->step, "core: users >= %lld, items >= %lld rows", (long long)users, (long long)items);
    struct rh_arena a = { 0 };
    struct core core = { .c = c };
    core.users = rh_alloc(&a, (size_t)c->n_users, sizeof *core.users);
    core.items = rh_alloc(&a, (size_t)c->n_items, sizeof *core.items);
    int64_t *n_user = rh_alloc(&a, (size_t)c->n_users, sizeof *n_user);
    int64_t *n_item = rh_alloc(&a, (size_t)c->n_items, sizeof *n_item);
    int status = RH_OK;
    if (!core.users || !core.items || !n_user || !n_item) {
        status = rh_fail_memory(err, "the core filter", ((size_t)c->n_users + (size_t)c->n_items) * 16);
        goto out;
    }
    for (int32_t u = 0; u < c->n_users; u++)
        core.users[u] = 1;
    for (int32_t i = 0; i < c->n_items; i++)
        core.items[i] = 1;
    while (core_round(&core, users > 1 ? users : 1, items > 1 ? items : 1, n_user, n_item))
        ;
    status = filter(c, in_core, &core, e, err);
out:
    rh_arena_release(&a);
    return status;
}

/* -------------------------------------------------------------------------------------------- numbering */

void rh_csr_order_release(struct rh_csr_order *order)
{
    free(order->user);
    free(order->item);
    *order = (struct rh_csr_order){ 0 };
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Old numbers in the order of their first position; those without one (INT32_MAX) are left out. */
static int32_t *by_first(const int32_t *first, int32_t n, int32_t *n_left)
{
    uint64_t *key = malloc(((size_t)n + 1) * sizeof *key);
    int32_t *order = malloc(((size_t)n + 1) * sizeof *order), left = 0;
    if (key && order) {
        for (int32_t i = 0; i < n; i++)
            if (first[i] != INT32_MAX)
                key[left++] = (uint64_t)first[i] << 32 | (uint32_t)i;
        qsort(key, (size_t)left, sizeof *key, ascending);
        for (int32_t i = 0; i < left; i++)
            order[i] = (int32_t)(key[i] & UINT32_MAX);
        *n_left = left;
    } else {
        free(order);
        order = NULL;
    }
    free(key);
    return order;
}

/* rank[p]: how many of the kept positions lie before p. */
static int32_t *ranks(const struct rh_csr *c)
{
    int32_t most = 0;
    for (int64_t k = 0; k < c->n_rows; k++)
        if (c->position[k] > most)
            most = c->position[k];
    int32_t *rank = calloc((size_t)most + 2, sizeof *rank);
    if (!rank)
        return NULL;
    for (int64_t k = 0; k < c->n_rows; k++)
        rank[c->position[k] + 1] = 1;
    for (int64_t p = 0; p <= most; p++)
        rank[p + 1] += rank[p];
    return rank;
}

int rh_csr_renumber(struct rh_csr *c, struct rh_arena *a, struct rh_csr_order *order, int threads,
                    struct rh_error *err)
{
    struct rh_csr old = *c, fresh;
    int status = RH_OK;
    int32_t n_users = 0, n_items = 0;
    int32_t *first_user = malloc(((size_t)old.n_users + 1) * sizeof *first_user);
    int32_t *first_item = malloc(((size_t)old.n_items + 1) * sizeof *first_item);
    int32_t *number = malloc(((size_t)old.n_items + 1) * sizeof *number); /* new number of an old item */
    int32_t *rank = ranks(&old);
    if (!first_user || !first_item || !number || !rank) {
        status = rh_fail_memory(err, "numbers", (size_t)old.n_rows * sizeof *rank);
        goto out;
    }
    for (int32_t i = 0; i < old.n_items; i++)
        first_item[i] = INT32_MAX;
    for (int32_t u = 0; u < old.n_users; u++) {
        first_user[u] = INT32_MAX;
        for (int64_t k = old.row[u]; k < old.row[u + 1]; k++) {
            int32_t p = old.position[k], *first = &first_item[old.item[k]];
            if (p < first_user[u])
                first_user[u] = p;
            if (p < *first)
                *first = p;
        }
    }
    order->user = by_first(first_user, old.n_users, &n_users);
    order->item = by_first(first_item, old.n_items, &n_items);
    if (!order->user || !order->item) {
        status = rh_fail_memory(err, "numbers", ((size_t)old.n_users + (size_t)old.n_items) * 12);
        goto out;
    }
    for (int32_t i = 0; i < n_items; i++)
        number[order->item[i]] = i;
    status = rh_csr_new(a, n_users, n_items, old.n_rows, old.value, old.time, old.given, &fresh, err);
    if (status < 0)
        goto out;
    int64_t to = 0;
    for (int32_t u = 0; u < n_users; u++) {
        for (int64_t k = old.row[order->user[u]]; k < old.row[order->user[u] + 1]; k++, to++) {
            fresh.item[to] = number[old.item[k]];
            fresh.position[to] = rank[old.position[k]];
            if (old.value)
                fresh.value[to] = old.value[k];
            if (old.time)
                fresh.time[to] = old.time[k];
            if (old.given)
                fresh.given[to] = old.given[k];
        }
        fresh.row[u + 1] = to;
    }
    bool repeated;
    status = sort_rows(&fresh, threads, &repeated, err);
    *c = fresh;
out:
    free(first_user);
    free(first_item);
    free(number);
    free(rank);
    return status;
}
