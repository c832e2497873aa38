#include "report/paired.h"

#include "base/parallel.h"
#include "base/stream.h"
#include "base/text.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXACT 13 /* 2^13 patterns of signs are no more than RH_SIGN_FLIPS */
#define NOISE 1e-12 /* sums of the same numbers in other orders differ by less, relative to the sum of their sizes */

static int choose(const char *word, const char *what, const char *const *words, size_t n, struct rh_error *err)
{
    struct rh_text all = { 0 };
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(word, words[i])) {
            rh_text_release(&all);
            return (int)i;
        }
        rh_text_printf(&all, "%s%s", i ? ", " : "", words[i]);
    }
    const char *nearest = rh_nearest(word, words, n);
    int status = rh_fail(err, RH_EINVAL, "unknown %s '%s': allowed %s%s", what, word, all.s ? all.s : "",
                         rh_did_you_mean(nearest, (char[RH_HINT]){ 0 }));
    rh_text_release(&all);
    return status;
}

int rh_test_parse(const char *word, enum rh_test *out, struct rh_error *err)
{
    static const char *const words[] = { "t", "permutation", "wilcoxon" };
    int i = choose(word, "test", words, sizeof words / sizeof *words, err);
    RH_TRY(i);
    *out = (enum rh_test)i;
    return RH_OK;
}

int rh_correction_parse(const char *word, enum rh_correction *out, struct rh_error *err)
{
    static const char *const words[] = { "none", "holm", "bh", "tukey" };
    int i = choose(word, "correction", words, sizeof words / sizeof *words, err);
    RH_TRY(i);
    *out = (enum rh_correction)i;
    return RH_OK;
}

static double mean_of(const double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

/* Standard deviation with n - 1; exactly 0 when all are equal. */
static double deviation(const double *x, int64_t n)
{
    double mean = mean_of(x, n), squares = 0;
    bool equal = true;
    for (int64_t i = 0; i < n; i++) {
        squares += (x[i] - mean) * (x[i] - mean);
        equal &= x[i] == x[0];
    }
    return equal ? 0 : sqrt(squares / (double)(n - 1));
}

/* --------------------------------------------------------------------------------------------------- tests */

double rh_paired_t(const double *d, int64_t n)
{
    if (n < 2)
        return NAN;
    double mean = mean_of(d, n), sd = deviation(d, n);
    if (sd == 0)
        return mean == 0 ? 1 : 0;
    return 2 * gsl_cdf_tdist_Q(fabs(mean) / (sd / sqrt((double)n)), (double)(n - 1));
}

struct flips {
    const double *d; /* [n] */
    int64_t n;
    const char *identity; /* NULL: pattern b has the bits of b */
    double least;         /* sums of at least this size count */
    unsigned char *hit;   /* [patterns] */
};

static int flip(void *arg, int thread, int64_t begin, int64_t end)
{
    (void)thread;
    const struct flips *f = arg;
    for (int64_t b = begin; b < end; b++) {
        struct rh_rng rng = f->identity ? rh_stream(0, f->identity, "sign flips", (uint64_t)b) : (struct rh_rng){ 0 };
        uint64_t bits = (uint64_t)b;
        double sum = 0;
        for (int64_t i = 0; i < f->n; i++) {
            if (f->identity && i % 64 == 0)
                bits = rh_rng_next(&rng);
            sum += bits & 1 ? -f->d[i] : f->d[i];
            bits >>= 1;
        }
        f->hit[b] = fabs(sum) >= f->least;
    }
    return RH_OK;
}

int rh_paired_flips(const double *d, int64_t n, const char *identity, double *p, struct rh_error *err)
{
    bool exact = n <= EXACT;
    int64_t patterns = exact ? (int64_t)1 << n : RH_SIGN_FLIPS, hits = 0;
    double sum = 0, sizes = 0;
    if (n < 2) {
        *p = NAN;
        return RH_OK;
    }
    for (int64_t i = 0; i < n; i++) {
        sum += d[i];
        sizes += fabs(d[i]);
    }
    unsigned char *hit = calloc((size_t)patterns, 1);
    if (!hit)
        return rh_fail_memory(err, "sign flips", (size_t)patterns);
    struct flips f = { d, n, exact ? NULL : identity, fabs(sum) - NOISE * sizes, hit };
    int status = rh_loop(rh_cpu_count(), patterns, 64, flip, &f);
    for (int64_t b = 0; b < patterns; b++)
        hits += hit[b];
    free(hit);
    *p = exact ? (double)hits / (double)patterns : (double)(hits + 1) / (double)(patterns + 1);
    return status < 0 ? rh_fail(err, status, "cannot flip signs") : RH_OK;
}

struct signed_size {
    double size;
    bool positive;
};

static int by_signed_size(const void *x, const void *y)
{
    const struct signed_size *a = x, *b = y;
    return (a->size > b->size) - (a->size < b->size);
}

/* Share of the 2^n patterns of signs whose sum of positive ranks is at least as far from its mean. Ranks are doubled
 * to stay whole; twice their mean sum is then `total`. */
static double exact_ranks(const int32_t *doubled, int64_t n, int64_t positive)
{
    double share[RH_EXACT_RANKS * (RH_EXACT_RANKS + 1) + 1] = { 1 }; /* of patterns with this sum */
    int64_t total = 0, far = llabs(2 * positive - n * (n + 1));
    for (int64_t i = 0; i < n; i++) {
        total += doubled[i];
        for (int64_t k = total; k >= 0; k--)
            share[k] = 0.5 * (share[k] + (k >= doubled[i] ? share[k - doubled[i]] : 0));
    }
    double p = 0;
    for (int64_t k = 0; k <= total; k++)
        if (llabs(2 * k - total) >= far)
            p += share[k];
    return fmin(p, 1);
}

int rh_paired_wilcoxon(const double *d, int64_t n, double *p, struct rh_error *err)
{
    *p = n < 2 ? NAN : 1;
    struct signed_size *s = n < 2 ? NULL : calloc((size_t)n, sizeof *s);
    if (n < 2)
        return RH_OK;
    if (!s)
        return rh_fail_memory(err, "signed ranks", (size_t)n * sizeof *s);
    int64_t m = 0;
    for (int64_t i = 0; i < n; i++)
        if (d[i] != 0)
            s[m++] = (struct signed_size){ fabs(d[i]), d[i] > 0 };
    qsort(s, (size_t)m, sizeof *s, by_signed_size);
    int32_t doubled[RH_EXACT_RANKS] = { 0 };
    int64_t positive = 0; /* twice the sum of the positive ranks */
    double tied = 0;
    for (int64_t i = 0, next; i < m; i = next) {
        for (next = i; next < m && s[next].size == s[i].size; next++)
            ;
        double size = (double)(next - i);
        tied += size * (size * size - 1);
        for (int64_t k = i; k < next; k++) { /* ranks i + 1 ... next have the mean (i + 1 + next) / 2 */
            positive += s[k].positive ? i + 1 + next : 0;
            if (k < RH_EXACT_RANKS)
                doubled[k] = (int32_t)(i + 1 + next);
        }
    }
    free(s);
    if (m && m <= RH_EXACT_RANKS)
        *p = exact_ranks(doubled, m, positive);
    else if (m) {
        double r = (double)m, variance = r * (r + 1) * (2 * r + 1) / 24 - tied / 48;
        *p = 2 * gsl_cdf_ugaussian_Q(fabs((double)positive / 2 - r * (r + 1) / 4) / sqrt(variance));
    }
    return RH_OK;
}

/* ----------------------------------------------------------------------------------------------- bootstrap */

static int by_size(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* The value at rank q (n + 1), from 1, with linear interpolation; the ends beyond the ends. */
static double at_rank(const double *sorted, int64_t n, double q)
{
    double rank = q * (double)(n + 1);
    if (!(rank > 1))
        return sorted[0];
    if (rank >= (double)n)
        return sorted[n - 1];
    int64_t i = (int64_t)rank;
    return sorted[i - 1] + (rank - (double)i) * (sorted[i] - sorted[i - 1]);
}

void rh_bca_ends(const double *replicate, int64_t n, double estimate, double acceleration, double *low, double *high)
{
    double below = 0, noise = NOISE * fmax(fabs(replicate[0]), fabs(replicate[n - 1]));
    for (int64_t i = 0; i < n; i++)
        below += replicate[i] < estimate - noise ? 1 : replicate[i] <= estimate + noise ? 0.5 : 0;
    /* All on one side would send z0 to infinity: half a replicate stays on the other. */
    double share = fmin(fmax(below, 0.5), (double)n - 0.5) / (double)n, z0 = gsl_cdf_ugaussian_Pinv(share);
    double *const ends[] = { low, high };
    for (int side = 0; side < 2; side++) {
        double w = z0 + gsl_cdf_ugaussian_Pinv(side ? 0.975 : 0.025), bend = 1 - acceleration * w;
        /* Beyond its pole the formula turns back; its limit is the outermost replicate. */
        *ends[side] = bend > 0 ? at_rank(replicate, n, gsl_cdf_ugaussian_P(z0 + w / bend))
                               : replicate[w > 0 ? n - 1 : 0];
    }
}

/* Differences less the mean of all, stratum after stratum: replicates of the mean are then centred at 0. */
struct strata {
    double *x;      /* [n] */
    int64_t *start; /* [n_strata + 1] */
    int32_t n_strata;
    int64_t n;
};

/* Small strata become one, number 0, as units without another would never vary; the others follow. */
static int make_strata(struct rh_arena *a, const double *d, const int32_t *stratum, int64_t n, int32_t n_strata,
                       struct strata *out, struct rh_error *err)
{
    if (!stratum)
        n_strata = 1;
    int64_t *size = rh_alloc(a, (size_t)n_strata + 1, sizeof *size);
    int32_t *place = rh_alloc(a, (size_t)n_strata + 1, sizeof *place);
    *out = (struct strata){ .x = rh_alloc(a, (size_t)n, sizeof *out->x), .n_strata = 1, .n = n,
                            .start = rh_alloc(a, (size_t)n_strata + 2, sizeof *out->start) };
    if (!size || !place || !out->x || !out->start)
        return rh_fail_memory(err, "strata", (size_t)n * sizeof *out->x);
    for (int64_t i = 0; i < n; i++)
        size[stratum ? stratum[i] : 0]++;
    for (int32_t k = 0; k < n_strata; k++)
        place[k] = size[k] < RH_SMALL_STRATUM ? 0 : out->n_strata++;
    for (int32_t k = 0; k < n_strata; k++)
        out->start[place[k] + 1] += size[k];
    for (int32_t k = 0; k < out->n_strata; k++)
        out->start[k + 1] += out->start[k];
    int64_t *at = rh_arena_copy(a, out->start, (size_t)out->n_strata + 1, sizeof *at);
    if (!at)
        return rh_fail_memory(err, "strata", (size_t)n_strata * sizeof *at);
    double mean = mean_of(d, n);
    for (int64_t i = 0; i < n; i++)
        out->x[at[place[stratum ? stratum[i] : 0]]++] = d[i] - mean;
    return RH_OK;
}

/* sum u^3 / (6 (sum u^2)^1.5) with u the differences less the mean of their stratum (Davison and Hinkley
 * 1997, section 5.3). */
static double acceleration_of(const struct strata *s)
{
    double squares = 0, cubes = 0;
    for (int32_t k = 0; k < s->n_strata; k++) {
        int64_t size = s->start[k + 1] - s->start[k];
        double mean = size ? mean_of(s->x + s->start[k], size) : 0;
        for (int64_t i = s->start[k]; i < s->start[k + 1]; i++) {
            double u = s->x[i] - mean;
            squares += u * u;
            cubes += u * u * u;
        }
    }
    double below = 6 * squares * sqrt(squares); /* 0 when so small that its powers vanish */
    return below > 0 ? cubes / below : 0;
}

struct bootstrap {
    const struct strata *s;
    const char *identity;
    double *replicate; /* [RH_BOOTSTRAP_RESAMPLES] */
};

static int resample(void *arg, int thread, int64_t begin, int64_t end)
{
    (void)thread;
    const struct bootstrap *b = arg;
    for (int64_t r = begin; r < end; r++) {
        struct rh_rng rng = rh_stream(0, b->identity, "bootstrap", (uint64_t)r);
        double sum = 0;
        for (int32_t k = 0; k < b->s->n_strata; k++) {
            const double *x = b->s->x + b->s->start[k];
            uint32_t size = (uint32_t)(b->s->start[k + 1] - b->s->start[k]);
            for (uint32_t i = 0; i < size; i++)
                sum += x[rh_rng_below(&rng, size)];
        }
        b->replicate[r] = sum / (double)b->s->n;
    }
    return RH_OK;
}

static int interval(struct rh_arena *a, const double *d, const int32_t *stratum, int64_t n, int32_t n_strata,
                    const char *identity, struct rh_paired *out, struct rh_error *err)
{
    struct strata s;
    struct bootstrap b = { &s, identity, rh_alloc(a, RH_BOOTSTRAP_RESAMPLES, sizeof *b.replicate) };
    if (!b.replicate)
        return rh_fail_memory(err, "resamples", RH_BOOTSTRAP_RESAMPLES * sizeof *b.replicate);
    RH_TRY(make_strata(a, d, stratum, n, n_strata, &s, err));
    int status = rh_loop(rh_cpu_count(), RH_BOOTSTRAP_RESAMPLES, 16, resample, &b);
    if (status < 0)
        return rh_fail(err, status, "cannot resample");
    qsort(b.replicate, RH_BOOTSTRAP_RESAMPLES, sizeof *b.replicate, by_size);
    rh_bca_ends(b.replicate, RH_BOOTSTRAP_RESAMPLES, 0, acceleration_of(&s), &out->low, &out->high);
    out->low += out->mean;
    out->high += out->mean;
    return RH_OK;
}

int rh_paired(struct rh_arena *a, const double *d, const int32_t *stratum, int64_t n, int32_t n_strata,
              enum rh_test test, const char *identity, struct rh_paired *out, struct rh_error *err)
{
    *out = (struct rh_paired){ .n = n, .mean = n ? mean_of(d, n) : NAN, .low = NAN, .high = NAN, .effect = NAN,
                               .p = NAN };
    if (n < 2)
        return RH_OK;
    if (n > INT32_MAX)
        return rh_fail(err, RH_EUNSUP, "%lld users are more than can be compared (%d)", (long long)n, INT32_MAX);
    double sd = deviation(d, n);
    if (sd > 0) {
        out->effect = out->mean / sd;
        struct rh_arena_mark m = rh_arena_mark(a);
        int status = interval(a, d, stratum, n, n_strata, identity, out, err);
        rh_arena_rewind(a, m);
        RH_TRY(status);
    } else
        out->low = out->high = out->mean;
    if (test == RH_TEST_PERMUTATION)
        return rh_paired_flips(d, n, identity, &out->p, err);
    if (test == RH_TEST_WILCOXON)
        return rh_paired_wilcoxon(d, n, &out->p, err);
    out->p = rh_paired_t(d, n);
    return RH_OK;
}

/* -------------------------------------------------------------------------------------------- many tests */

struct ranked {
    double p;
    int64_t at;
};

static int by_p(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    int order = (a->p > b->p) - (a->p < b->p);
    return order ? order : (a->at > b->at) - (a->at < b->at);
}

int rh_correct(struct rh_arena *a, double *p, int64_t n, enum rh_correction how, struct rh_error *err)
{
    if (how == RH_CORRECTION_NONE || how == RH_CORRECTION_TUKEY || !n)
        return RH_OK;
    struct ranked *r = rh_alloc(a, (size_t)n, sizeof *r);
    if (!r)
        return rh_fail_memory(err, "p-values", (size_t)n * sizeof *r);
    for (int64_t i = 0; i < n; i++)
        r[i] = (struct ranked){ p[i], i };
    qsort(r, (size_t)n, sizeof *r, by_p);
    double worst = 0, best = 1;
    if (how == RH_CORRECTION_HOLM)
        for (int64_t i = 0; i < n; i++) {
            worst = fmax(worst, fmin(1, (double)(n - i) * r[i].p));
            p[r[i].at] = worst;
        }
    else
        for (int64_t i = n - 1; i >= 0; i--) {
            best = fmin(best, (double)n / (double)(i + 1) * r[i].p);
            p[r[i].at] = best;
        }
    return RH_OK;
}
