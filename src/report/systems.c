#include "report/systems.h"

#include "base/parallel.h"
#include "base/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOISE 1e-12 /* sums of the same numbers in other orders differ by less, relative to the sum of their sizes */

/* ------------------------------------------------------------------------------------------------- loading */

/* Which rows have values, and how many of them each query has. */
static int find_systems(struct rh_store *s, const struct rh_users *u, const char *metric, struct rh_query_values *v,
                        int32_t *have, struct rh_systems *out, struct rh_error *err)
{
    for (int32_t i = 0; i < u->part->n_rows; i++) {
        bool any = false;
        RH_TRY(rh_query_values_load(s, u, &u->part->row[i], metric, v, err));
        for (int64_t q = 0; q < u->n_queries; q++) {
            have[q] += v->count[q] > 0;
            any |= v->count[q] > 0;
        }
        if (any)
            out->row[out->n++] = &u->part->row[i];
    }
    return RH_OK;
}

int rh_systems_load(struct rh_store *s, struct rh_arena *a, const struct rh_users *u, const char *metric,
                    struct rh_systems *out, struct rh_error *err)
{
    struct rh_query_values v;
    size_t queries = (size_t)u->n_queries + 1, users = (size_t)u->n + 1;
    *out = (struct rh_systems){ .row = rh_alloc(a, (size_t)u->part->n_rows + 1, sizeof *out->row),
                                .complete = rh_alloc(a, queries, sizeof *out->complete) };
    int32_t *have = rh_alloc(a, queries, sizeof *have), *asked = rh_alloc(a, users, sizeof *asked);
    int64_t *place = rh_alloc(a, users, sizeof *place);
    RH_TRY(rh_query_values_new(a, u, &v, err));
    if (!out->row || !out->complete || !have || !asked || !place)
        return rh_fail_memory(err, "values of systems", queries * 16);
    RH_TRY(find_systems(s, u, metric, &v, have, out, err));
    for (int64_t q = 0; q < u->n_queries; q++) {
        out->complete[q] = out->n && have[q] == out->n;
        asked[rh_user_of(u, q)] += out->complete[q];
    }
    for (int64_t k = 0; k < u->n; k++)
        place[k] = asked[k] ? out->n_users++ : -1;
    size_t row = (size_t)out->n * sizeof *out->value;
    out->value = rh_alloc(a, (size_t)out->n_users + 1, row ? row : 1);
    if (!out->value)
        return rh_fail_memory(err, "values of systems", (size_t)out->n_users * row);
    for (int32_t i = 0; i < out->n; i++) {
        RH_TRY(rh_query_values_load(s, u, out->row[i], metric, &v, err));
        for (int64_t q = 0; q < u->n_queries; q++) {
            int64_t k = rh_user_of(u, q);
            if (out->complete[q])
                out->value[place[k] * out->n + i] += v.sum[q] / v.count[q] / asked[k];
        }
    }
    return RH_OK;
}

int32_t rh_systems_find(const struct rh_systems *s, const struct rh_row *row)
{
    for (int32_t i = 0; i < s->n; i++)
        if (s->row[i] == row)
            return i;
    return -1;
}

void rh_systems_mask(const struct rh_systems *s, int64_t n_queries, struct rh_query_values *v)
{
    for (int64_t q = 0; q < n_queries; q++)
        if (!s->complete[q]) {
            v->sum[q] = 0;
            v->count[q] = 0;
        }
}

/* ---------------------------------------------------------------------------------------------- Tukey's HSD */

struct exchange {
    const double *value; /* [n_users x n] */
    int64_t n_users;
    int32_t n;
    const char *identity;
    double *largest; /* [RH_TUKEY_PERMUTATIONS] difference of two sums */
    double *work;    /* [threads x 2 n] sums, one user's values */
};

/* Adds a random order of v to the sums. One draw of 64 bits serves several places, as long as the product of their
 * choices stays below 2^32: the bias of a choice is then below 2^-32, and drawing is most of the time. */
static void add_shuffled(struct rh_rng *rng, double *v, int32_t n, double *sum)
{
    uint64_t bits = 0, choices = UINT64_MAX;
    for (int32_t i = n; i > 1; i--) {
        if (choices > UINT32_MAX / (uint64_t)i) {
            bits = rh_rng_next(rng);
            choices = 1;
        }
        choices *= (uint64_t)i;
        unsigned __int128 product = (unsigned __int128)bits * (uint64_t)i;
        bits = (uint64_t)product;
        int32_t k = (int32_t)(product >> 64);
        sum[i - 1] += v[k];
        v[k] = v[i - 1];
    }
    sum[0] += v[0];
}

static int exchange(void *arg, int thread, int64_t begin, int64_t end)
{
    const struct exchange *e = arg;
    size_t bytes = (size_t)e->n * sizeof(double);
    double *sum = e->work + (int64_t)thread * 2 * e->n, *v = sum + e->n;
    for (int64_t b = begin; b < end; b++) {
        struct rh_rng rng = rh_stream(0, e->identity, "tukey", (uint64_t)b);
        double least = INFINITY, most = -INFINITY;
        memset(sum, 0, bytes);
        for (int64_t u = 0; u < e->n_users; u++) {
            memcpy(v, e->value + u * e->n, bytes);
            add_shuffled(&rng, v, e->n, sum);
        }
        for (int32_t i = 0; i < e->n; i++) {
            least = fmin(least, sum[i]);
            most = fmax(most, sum[i]);
        }
        e->largest[b] = most - least;
    }
    return RH_OK;
}

static int by_size(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* How many of the sorted x are at least `least`. */
static int64_t at_least(const double *x, int64_t n, double least)
{
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (x[middle] < least)
            low = middle + 1;
        else
            high = middle;
    }
    return n - low;
}

int rh_tukey(struct rh_arena *a, const double *value, int64_t n_users, int32_t n, const char *identity, double level,
             double *p, double *critical, struct rh_error *err)
{
    if (critical)
        *critical = NAN;
    for (int64_t i = 0; i < (int64_t)n * n; i++)
        p[i] = NAN;
    if (n < 2 || n_users < 2)
        return RH_OK;
    struct rh_arena_mark m = rh_arena_mark(a);
    int threads = rh_cpu_count();
    struct exchange e = { value, n_users, n, identity, rh_alloc(a, RH_TUKEY_PERMUTATIONS, sizeof *e.largest),
                          rh_alloc(a, (size_t)threads * 2, (size_t)n * sizeof *e.work) };
    double *sum = rh_alloc(a, (size_t)n, sizeof *sum), sizes = 0;
    if (!e.largest || !e.work || !sum)
        return rh_fail_memory(err, "permutations", RH_TUKEY_PERMUTATIONS * sizeof *e.largest);
    for (int64_t i = 0; i < n_users * n; i++) {
        sum[i % n] += value[i];
        sizes += fabs(value[i]);
    }
    int status = rh_loop(threads, RH_TUKEY_PERMUTATIONS, 16, exchange, &e);
    qsort(e.largest, RH_TUKEY_PERMUTATIONS, sizeof *e.largest, by_size);
    for (int32_t i = 0; i < n; i++)
        for (int32_t k = 0; k < n; k++) {
            int64_t hits = at_least(e.largest, RH_TUKEY_PERMUTATIONS, fabs(sum[i] - sum[k]) - NOISE * sizes);
            p[(int64_t)i * n + k] = (double)(hits + 1) / (RH_TUKEY_PERMUTATIONS + 1);
        }
    /* p < level allows so many hits at most: the difference must be larger than the one after them. */
    int64_t hits = (int64_t)ceil(level * (RH_TUKEY_PERMUTATIONS + 1)) - 2;
    if (critical && hits >= 0 && hits < RH_TUKEY_PERMUTATIONS)
        *critical = e.largest[RH_TUKEY_PERMUTATIONS - 1 - hits] / (double)n_users;
    rh_arena_rewind(a, m);
    return status < 0 ? rh_fail(err, status, "cannot exchange labels") : RH_OK;
}
