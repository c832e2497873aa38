#include "report/variance.h"

#include "report/users.h"
#include "report/write.h"
#include "store/sql.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------- components */

static double squared(double x)
{
    return x * x;
}

static double mean_from(const double *x, int64_t n, int64_t stride)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i * stride];
    return sum / (double)n;
}

void rh_variance_of(const double *x, int64_t splits, int64_t inits, int64_t users, struct rh_variance *out)
{
    double a = (double)splits, b = (double)inits, n = (double)users, grand = mean_from(x, splits * inits * users, 1);
    double of_split = 0, of_init = 0, of_user = 0, of_both = 0, of_noise = 0; /* sums of squares */
    for (int64_t s = 0; s < splits; s++) {
        const double *xs = x + s * inits * users;
        double split = mean_from(xs, inits * users, 1);
        of_split += n * b * squared(split - grand);
        for (int64_t u = 0; u < users; u++)
            of_both += b * squared(mean_from(xs + u, inits, users) - split -
                                   mean_from(x + u, splits * inits, users) + grand);
        for (int64_t i = 0; i < inits; i++) {
            double init = mean_from(xs + i * users, users, 1);
            of_init += n * squared(init - split);
            for (int64_t u = 0; u < users; u++)
                of_noise += squared(xs[i * users + u] - mean_from(xs + u, inits, users) - init + split);
        }
    }
    for (int64_t u = 0; u < users; u++)
        of_user += a * b * squared(mean_from(x + u, splits * inits, users) - grand);
    double user = of_user / (n - 1), both = of_both / ((a - 1) * (n - 1)), split = of_split / (a - 1);
    double init = of_init / (a * (b - 1)), noise = of_noise / (a * (b - 1) * (n - 1));
    *out = (struct rh_variance){ grand, NAN, NAN, NAN, NAN, NAN, NAN };
    if (inits > 1) {
        out->noise = noise;
        out->init = fmax((init - noise) / n, 0);
    }
    if (splits > 1) {
        out->split = fmax(inits > 1 ? (split - init - both + noise) / (n * b) : (split - both) / n, 0);
        out->user_split = fmax(inits > 1 ? (both - noise) / b : both, 0);
    }
    out->user = fmax(splits > 1 ? (user - both) / (a * b) : inits > 1 ? (user - noise) / b : user, 0);
    const double parts[] = { out->split / a, out->init / (a * b), out->user / n, out->user_split / (a * n),
                             out->noise / (a * b * n) };
    double sum = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        sum += isnan(parts[i]) ? 0 : parts[i];
    out->error = sqrt(sum);
}

/* ------------------------------------------------------------------------------------------------- loading */

/* One row of the output. */
struct decomposed {
    struct rh_variance v; /* mean NaN: nothing known */
    int64_t splits, inits, users;
};

/* Values of each run by user; a run without values does not count, nor a split without runs, nor initialisations that
 * not every split has, nor users that not every run has. */
static int decompose(struct rh_store *s, struct rh_arena *a, const struct rh_users *u, const struct rh_row *row,
                     const char *metric, struct decomposed *out, struct rh_error *err)
{
    int32_t problems = u->part->n_problems;
    size_t users = (size_t)u->n + 1;
    struct rh_query_values v;
    double *value = rh_alloc(a, (size_t)row->runs + 1, users * sizeof *value); /* [runs x users]; NaN: none */
    int32_t *of = rh_alloc(a, (size_t)row->runs + 1, sizeof *of);              /* the problem of each run, -1: unused */
    int64_t *have = rh_alloc(a, (size_t)problems + 1, sizeof *have);
    RH_TRY(rh_query_values_new(a, u, &v, err));
    if (!value || !of || !have)
        return rh_fail_memory(err, "values of users", (size_t)row->runs * users * sizeof *value);
    *out = (struct decomposed){ .v = { .mean = NAN }, .inits = INT64_MAX };
    for (int32_t r = 0; r < row->runs; r++) {
        struct rh_row one = *row;
        one.run = &row->run[r];
        one.problem = &row->problem[r];
        one.runs = 1;
        RH_TRY(rh_query_values_load(s, u, &one, metric, &v, err));
        of[r] = -1;
        for (int64_t k = 0; k < u->n; k++)
            value[r * u->n + k] = NAN;
        for (int32_t p = 0; p < problems; p++)
            for (int64_t q = u->start[p]; q < u->start[p + 1]; q++)
                if (v.count[q]) {
                    of[r] = p;
                    value[r * u->n + rh_user_of(u, q)] = v.sum[q] / v.count[q];
                }
        if (of[r] >= 0)
            have[of[r]]++;
    }
    for (int32_t p = 0; p < problems; p++)
        if (have[p]) {
            out->splits++;
            out->inits = have[p] < out->inits ? have[p] : out->inits;
        }
    if (!out->splits)
        return RH_OK;
    int64_t runs = out->splits * out->inits, at = 0;
    double *x = rh_alloc(a, (size_t)runs, users * sizeof *x);
    int32_t *order = rh_alloc(a, (size_t)runs, sizeof *order);
    if (!x || !order)
        return rh_fail_memory(err, "values of users", (size_t)runs * users * sizeof *x);
    for (int32_t p = 0; p < problems; p++)
        for (int32_t r = 0, taken = 0; r < row->runs && taken < out->inits; r++)
            if (of[r] == p) {
                order[at++] = r;
                taken++;
            }
    for (int64_t k = 0; k < u->n; k++) {
        bool all = true;
        for (int64_t r = 0; r < runs; r++)
            all &= !isnan(value[order[r] * u->n + k]);
        out->users += all;
        for (int64_t r = 0; r < runs && all; r++)
            value[order[r] * u->n + out->users - 1] = value[order[r] * u->n + k]; /* never passes k */
    }
    for (int64_t r = 0; r < runs; r++)
        memcpy(x + r * out->users, value + order[r] * u->n, (size_t)out->users * sizeof *x);
    if (out->users > 1)
        rh_variance_of(x, out->splits, out->inits, out->users, &out->v);
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------- writing */

static void write_row(const struct rh_results *r, const struct rh_part *p, const struct rh_column *c,
                      const struct rh_row *row, const struct decomposed *d, bool csv, struct rh_text *t)
{
    const double variance[] = { d->v.split, d->v.init, d->v.user, d->v.user_split, d->v.noise, squared(d->v.error) };
    const char *const words[] = { r->name, p->label, c->id, row->label };
    bool known = !isnan(d->v.mean);
    for (size_t i = 0; i < 4 && csv; i++) {
        rh_write_csv(t, words[i]);
        rh_text_add(t, ",");
    }
    if (csv) {
        rh_text_printf(t, "%lld,%lld,%lld,", (long long)d->splits, (long long)(d->splits ? d->inits : 0),
                       (long long)d->users);
        rh_write_real(t, d->v.mean);
    } else if (known)
        rh_text_printf(t, "%7lld %6lld %6lld %9.4f", (long long)d->splits, (long long)d->inits, (long long)d->users,
                       d->v.mean);
    else
        rh_text_add(t, "    no two users whom all its runs have");
    for (size_t i = 0; i < sizeof variance / sizeof *variance; i++)
        if (csv) {
            rh_text_add(t, ",");
            rh_write_real(t, known ? sqrt(variance[i]) : NAN);
        } else if (known && isnan(variance[i]))
            rh_text_printf(t, "%12s", "-");
        else if (known)
            rh_text_printf(t, "%12.4f", sqrt(variance[i]));
    if (!csv)
        rh_text_printf(t, "  %s", row->label);
    rh_text_add(t, "\n");
}

static const char method[] =
    "Columns from split on are standard deviations of random effects, by the method of moments: of the split, of the "
    "initialisation on one split, of users, of users by split, of what is left; error is the standard error of the "
    "mean with all of them. Counted are the initialisations that every split has and the users whom all runs have.";

static int write_all(struct rh_store *s, struct rh_arena *a, const struct rh_results *r,
                     const struct rh_variance_options *o, struct rh_text *t, struct rh_error *err)
{
    bool csv = o->format == RH_FORMAT_CSV, no_split = false, no_init = false;
    int32_t first = o->metrics ? 0 : r->primary_column < 0 ? 0 : r->primary_column;
    int32_t last = o->metrics ? r->n_columns : first + 1;
    if (csv)
        rh_text_add(t, "experiment,problem,metric,algorithm,splits,initialisations,users,mean,sd split,"
                       "sd initialisation,sd user,sd user by split,sd noise,error\n");
    for (int32_t p = 0; p < r->n_parts; p++)
        for (int32_t c = first; c < last; c++) {
            struct rh_users u;
            RH_TRY(rh_users_load(s, a, &r->part[p], &u, err));
            if (!csv)
                rh_text_printf(t, "%s%s, %s%s\n splits  inits  users      mean       split        init        user "
                                  "user*split       noise       error  algorithm\n",
                               t->n ? "\n" : "", r->part[p].label, r->column[c].id,
                               r->part[p].generated ? ", GENERATED DATA" : "");
            for (int32_t i = 0; i < r->part[p].n_rows; i++) {
                struct decomposed d;
                const struct rh_row *row = &r->part[p].row[i];
                struct rh_arena_mark m = rh_arena_mark(a);
                int status = decompose(s, a, &u, row, r->column[c].id, &d, err);
                rh_arena_rewind(a, m);
                RH_TRY(status);
                write_row(r, &r->part[p], &r->column[c], row, &d, csv, t);
                no_split |= d.splits < 2;
                no_init |= d.splits && d.inits < 2;
            }
        }
    if (csv)
        return RH_OK;
    struct rh_text words = { 0 };
    rh_text_add(&words, method);
    if (no_split)
        rh_text_add(&words, " With one split its variance cannot be known: set repeats.");
    if (no_init)
        rh_text_add(&words, " With one initialisation a split its variance is in that of the split, and in none where "
                            "there is one split: set init_repeats for algorithms that draw.");
    rh_text_add(t, "\n");
    rh_write_paragraph(t, words.s ? words.s : "", o->width);
    rh_text_add(t, "\n");
    t->failed |= words.failed;
    rh_text_release(&words);
    return RH_OK;
}

int rh_variance(struct rh_store *s, const char *experiment, const struct rh_variance_options *o, struct rh_text *out,
                struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_results r;
    int status = o->format == RH_FORMAT_TEXT || o->format == RH_FORMAT_CSV
                     ? rh_results_load(s, &a, experiment, o->metrics, false, &r, err)
                     : rh_fail(err, RH_EINVAL, "variances are written as text or csv");
    if (status >= 0 && !r.n_columns)
        status = rh_fail(err, RH_EDATA, "experiment '%s' has no metric yet", experiment);
    if (status >= 0 && (status = rh_sql_run(s, err, "BEGIN", "")) >= 0)
        status = rh_sql_end(s, write_all(s, &a, &r, o, out, err), err);
    if (status >= 0 && out->failed)
        status = rh_fail_memory(err, "variances", out->n);
    rh_arena_release(&a);
    return status;
}
