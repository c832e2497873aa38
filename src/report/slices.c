/* The values of strata with their intervals: ratios of sums over users, resampled by user. */
#include "report/breakdown.h"
#include "report/paired.h"

#include "base/parallel.h"
#include "base/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct resampling {
    const struct rh_share *share;
    const int64_t *first; /* [n_users + 1] shares of a user */
    uint32_t n_users;
    int32_t n_strata;
    const double *value;  /* [n_strata] */
    const char *identity;
    double *replicate;    /* [n_strata x RH_BOOTSTRAP_RESAMPLES] */
    double *work;         /* [threads x 2 n_strata] */
};

static int resample(void *arg, int thread, int64_t begin, int64_t end)
{
    const struct resampling *b = arg;
    double *sum = b->work + (size_t)thread * 2 * (size_t)b->n_strata, *weight = sum + b->n_strata;
    for (int64_t r = begin; r < end; r++) {
        struct rh_rng rng = rh_stream(0, b->identity, "breakdown", (uint64_t)r);
        memset(sum, 0, 2 * (size_t)b->n_strata * sizeof *sum);
        for (uint32_t i = 0; i < b->n_users; i++) {
            uint32_t u = rh_rng_below(&rng, b->n_users);
            for (int64_t k = b->first[u]; k < b->first[u + 1]; k++) {
                sum[b->share[k].stratum] += b->share[k].sum;
                weight[b->share[k].stratum] += b->share[k].weight;
            }
        }
        for (int32_t g = 0; g < b->n_strata; g++) /* a resample without any user of a stratum says nothing new of it */
            b->replicate[(int64_t)g * RH_BOOTSTRAP_RESAMPLES + r] = weight[g] > 0 ? sum[g] / weight[g] : b->value[g];
    }
    return RH_OK;
}

static int by_size(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* The influence of a user on the value of a stratum is (sum - value x weight) / total weight; the acceleration is that
 * of Efron 1987 with these. `minus` < 0: of stratum `plus` alone, else of the difference. */
static double acceleration(const struct resampling *b, const double *total, int32_t plus, int32_t minus)
{
    double squares = 0, cubes = 0;
    for (uint32_t u = 0; u < b->n_users; u++) {
        double influence = 0;
        for (int64_t k = b->first[u]; k < b->first[u + 1]; k++) {
            int32_t g = b->share[k].stratum;
            double x = (b->share[k].sum - b->value[g] * b->share[k].weight) / total[g];
            influence += g == plus ? x : g == minus ? -x : 0;
        }
        squares += influence * influence;
        cubes += influence * influence * influence;
    }
    double below = 6 * squares * sqrt(squares);
    return below > 0 ? cubes / below : 0;
}

static void find_gap(const struct rh_slice *slice, int32_t n, struct rh_gap *gap)
{
    for (int32_t g = 0; g < n; g++) {
        if (slice[g].users < RH_BREAKDOWN_LEAST)
            continue;
        if (gap->most < 0 || slice[g].value > slice[gap->most].value)
            gap->most = g;
        if (gap->least < 0 || slice[g].value < slice[gap->least].value)
            gap->least = g;
    }
    if (gap->most == gap->least) { /* one stratum, or all the same */
        gap->most = gap->least = -1;
        return;
    }
    gap->value = slice[gap->most].value - slice[gap->least].value;
    if (slice[gap->least].value > 0)
        gap->ratio = slice[gap->most].value / slice[gap->least].value;
}

static int intervals(struct rh_arena *a, struct resampling *b, const double *total, struct rh_slice *slice,
                     struct rh_gap *gap, struct rh_error *err)
{
    const int64_t n = RH_BOOTSTRAP_RESAMPLES;
    int threads = rh_cpu_count();
    b->replicate = rh_alloc(a, (size_t)b->n_strata * (size_t)n, sizeof *b->replicate);
    b->work = rh_alloc(a, (size_t)threads * 2 * (size_t)b->n_strata, sizeof *b->work);
    double *difference = rh_alloc(a, (size_t)n, sizeof *difference);
    if (!b->replicate || !b->work || !difference)
        return rh_fail_memory(err, "resamples", (size_t)b->n_strata * (size_t)n * sizeof *b->replicate);
    int status = rh_loop(threads, n, 16, resample, b);
    if (status < 0)
        return rh_fail(err, status, "cannot resample");
    if (gap->most >= 0) {
        for (int64_t r = 0; r < n; r++)
            difference[r] = b->replicate[gap->most * n + r] - b->replicate[gap->least * n + r];
        qsort(difference, (size_t)n, sizeof *difference, by_size);
        rh_bca_ends(difference, n, gap->value, acceleration(b, total, gap->most, gap->least), &gap->low, &gap->high);
    }
    for (int32_t g = 0; g < b->n_strata; g++) {
        if (slice[g].users < RH_BREAKDOWN_LEAST)
            continue;
        qsort(b->replicate + g * n, (size_t)n, sizeof *b->replicate, by_size);
        rh_bca_ends(b->replicate + g * n, n, slice[g].value, acceleration(b, total, g, -1), &slice[g].low,
                    &slice[g].high);
    }
    return RH_OK;
}

int rh_slices(struct rh_arena *a, const struct rh_share *share, int64_t n, int32_t n_strata, const char *identity,
              struct rh_slice *slice, struct rh_gap *gap, struct rh_error *err)
{
    double *total = rh_alloc(a, (size_t)n_strata + 1, sizeof *total), *value = rh_alloc(a, (size_t)n_strata + 1,
                                                                                        sizeof *value);
    int64_t *first = rh_alloc(a, (size_t)n + 2, sizeof *first), n_users = 0;
    if (!total || !value || !first)
        return rh_fail_memory(err, "a breakdown", (size_t)n * sizeof *first);
    for (int32_t g = 0; g < n_strata; g++)
        slice[g] = (struct rh_slice){ NAN, NAN, NAN, 0, slice[g].units };
    *gap = (struct rh_gap){ NAN, NAN, NAN, NAN, -1, -1 };
    for (int64_t k = 0; k < n; k++) {
        if (k && share[k].user != share[k - 1].user)
            first[++n_users] = k;
        total[share[k].stratum] += share[k].weight;
        value[share[k].stratum] += share[k].sum;
        slice[share[k].stratum].users++;
    }
    first[++n_users] = n;
    for (int32_t g = 0; g < n_strata; g++) {
        value[g] = total[g] > 0 ? value[g] / total[g] : NAN;
        slice[g].value = value[g];
    }
    if (n_users > INT32_MAX)
        return rh_fail(err, RH_EUNSUP, "%lld users are more than can be broken down (%d)", (long long)n_users,
                       INT32_MAX);
    find_gap(slice, n_strata, gap);
    struct resampling b = { .share = share, .first = first, .n_users = n ? (uint32_t)n_users : 0, .n_strata = n_strata,
                            .value = value, .identity = identity };
    return n ? intervals(a, &b, total, slice, gap, err) : RH_OK;
}
