#include "report/compare.h"

#include "report/pairs.h"
#include "report/systems.h"
#include "store/sql.h"

#include <math.h>
#include <string.h>

/* ----------------------------------------------------------------------------------------------- baseline */

static const struct rh_row *row_with(const struct rh_part *p, const char *label)
{
    for (int32_t i = 0; i < p->n_rows; i++)
        if (!strcmp(p->row[i].label, label))
            return &p->row[i];
    return NULL;
}

static int unknown_baseline(struct rh_arena *a, const struct rh_results *r, const char *word, struct rh_error *err)
{
    int32_t n = 0, most = 0;
    for (int32_t i = 0; i < r->n_parts; i++)
        most += r->part[i].n_rows;
    const char **names = rh_alloc(a, (size_t)most + 1, sizeof *names);
    if (!names)
        return rh_fail_memory(err, "labels", (size_t)most * sizeof *names);
    struct rh_text all = { 0 };
    for (int32_t i = 0; i < r->n_parts; i++)
        for (int32_t k = 0; k < r->part[i].n_rows; k++) {
            const char *label = r->part[i].row[k].label;
            int32_t j = 0;
            while (j < n && strcmp(names[j], label))
                j++;
            if (j == n) {
                rh_text_printf(&all, "%s%s", n ? ", " : "", label);
                names[n++] = label;
            }
        }
    const char *nearest = rh_nearest(word, names, (size_t)n);
    int status = nearest ? rh_fail(err, RH_EINVAL, "experiment '%s' has no algorithm '%s'; did you mean '%s'?",
                                   r->name, word, nearest)
                         : rh_fail(err, RH_EINVAL, "experiment '%s' has no algorithm '%s'; it has %s", r->name, word,
                                   all.s ? all.s : "none");
    rh_text_release(&all);
    return status;
}

static int find_baseline(struct rh_arena *a, const struct rh_results *r, const char *word, const char **out,
                         struct rh_error *err)
{
    for (int32_t i = 0; i < r->n_parts; i++)
        for (int32_t k = 0; k < r->part[i].n_rows; k++) {
            const struct rh_row *row = &r->part[i].row[k];
            if (word ? !strcmp(row->label, word) : strcmp(row->algorithm, "random") != 0) {
                *out = row->label;
                return RH_OK;
            }
        }
    return word ? unknown_baseline(a, r, word, err)
                : rh_fail(err, RH_EDATA, "experiment '%s' has no stored run of an algorithm other than random: "
                                         "nothing to compare with", r->name);
}

/* ------------------------------------------------------------------------------------------------- pairs */

static bool has_values(const struct rh_query_values *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (v->count[i])
            return true;
    return false;
}

/* "failed: the loss became infinite", "the baseline has no values of users" */
static const char *missing_words(struct rh_arena *a, const struct rh_row *row, const char *who)
{
    if (row->failed && row->failed == row->runs)
        return rh_arena_printf(a, "%s%s: %s", who, strcmp(row->status, "stale") ? "failed" : "stale", row->message);
    return rh_arena_printf(a, "%shas no values of users", who);
}

/* A metric of the whole run, such as coverage, has one value and none of users: it is shown, without an interval. */
static bool is_of_runs(const struct rh_row *row, ptrdiff_t column, const struct rh_query_values *v, int64_t n)
{
    return row->failed < row->runs && !isnan(row->cell[column].value) && !has_values(v, n);
}

static void compare_runs(const struct rh_row *base, ptrdiff_t column, struct rh_comparison *c)
{
    c->value = c->row->cell[column].value;
    c->baseline = base->cell[column].value;
    c->paired.mean = c->value - c->baseline;
    c->why = "a value of the whole run has no users to compare";
}

/* One metric of one part. */
struct column {
    struct rh_store *s;
    struct rh_arena *a;
    struct rh_comparisons *all;
    const struct rh_compare_options *o;
    const struct rh_users *u;
    const struct rh_column *column;
    struct rh_pairs *pairs;
    struct rh_systems systems; /* for Tukey's test, which asks for the users that all systems have */
    double *tukey;             /* [systems.n x systems.n] p; NULL: not asked for */
};

static int load_tukey(struct column *w, struct rh_error *err)
{
    RH_TRY(rh_systems_load(w->s, w->a, w->u, w->column->id, &w->systems, err));
    int32_t n = w->systems.n;
    const char *identity = rh_arena_printf(w->a, "%s\n%s\n%s", w->all->results.name, w->column->id, w->u->part->label);
    w->tukey = rh_alloc(w->a, (size_t)n + 1, (size_t)(n + 1) * sizeof *w->tukey);
    if (!identity || !w->tukey)
        return rh_fail_memory(err, "a comparison", 0);
    return rh_tukey(w->a, w->systems.value, w->systems.n_users, n, identity, RH_COMPARE_LEVEL,
                    w->tukey, NULL, err);
}

static int compare_pairs(struct column *w, const struct rh_row *base, struct rh_comparison *c, struct rh_error *err)
{
    struct rh_pairs *p = w->pairs;
    rh_pairs_make(p);
    c->pooled = !p->base.mean_of_users || !p->other.mean_of_users;
    c->value = c->baseline = p->n ? 0 : NAN;
    double sign = c->column->lower_is_better ? -1 : 1;
    for (int64_t i = 0; i < p->n; i++) {
        double d = sign * p->difference[i];
        c->value += p->mine[i] / (double)p->n;
        c->baseline += p->theirs[i] / (double)p->n;
        c->wins += d > 0;
        c->losses += d < 0;
        c->ties += d == 0;
    }
    const struct rh_pair_names names = { w->all->results.name, c->column->id, c->part->label, c->against,
                                         c->row->label };
    RH_TRY(rh_pairs_statistics(w->a, p, w->o->test, &names, &c->paired, err));
    c->corrected = c->paired.p;
    if (w->tukey) {
        int32_t i = rh_systems_find(&w->systems, base), k = rh_systems_find(&w->systems, c->row);
        c->corrected = i < 0 || k < 0 ? NAN : w->tukey[(int64_t)i * w->systems.n + k];
    }
    if (isnan(c->paired.p) && !(c->why = rh_arena_printf(w->a, "%lld %s with values of %s", (long long)p->n,
                                                         p->n == 1 ? "user" : "users", w->tukey ? "all" : "both")))
        return rh_fail_memory(err, "a comparison", 0);
    return RH_OK;
}

/* The rows from `first` on against one. */
static int compare_with(struct column *w, const char *against, int32_t first, struct rh_error *err)
{
    const struct rh_part *part = w->u->part;
    const struct rh_row *base = row_with(part, against);
    const char *no_base = NULL;
    int64_t n = w->u->n_queries;
    ptrdiff_t at = w->column - w->all->results.column;
    bool base_has = false;
    if (base) {
        RH_TRY(rh_query_values_load(w->s, w->u, base, w->column->id, &w->pairs->base, err));
        base_has = has_values(&w->pairs->base, n);
        if (w->tukey)
            rh_systems_mask(&w->systems, n, &w->pairs->base);
    }
    if (!base)
        no_base = "the baseline has no run here";
    else if (!base_has && !(no_base = missing_words(w->a, base, "the baseline ")))
        return rh_fail_memory(err, "a comparison", 0);
    for (int32_t i = first; i < part->n_rows; i++) {
        const struct rh_row *row = &part->row[i];
        if (row == base || (w->o->twins && strcmp(row->twin, against)))
            continue;
        struct rh_comparison *c = &w->all->of[w->all->n++];
        *c = (struct rh_comparison){ .part = part, .column = w->column, .row = row, .against = against, .value = NAN,
                                     .baseline = NAN, .corrected = NAN, .why = no_base,
                                     .paired = { 0, NAN, NAN, NAN, NAN, NAN } };
        if (!base || (no_base && !is_of_runs(base, at, &w->pairs->base, n)))
            continue;
        RH_TRY(rh_query_values_load(w->s, w->u, row, w->column->id, &w->pairs->other, err));
        bool other_has = has_values(&w->pairs->other, n);
        if (no_base && is_of_runs(row, at, &w->pairs->other, n))
            compare_runs(base, at, c);
        if (no_base)
            continue;
        if (w->tukey)
            rh_systems_mask(&w->systems, n, &w->pairs->other);
        if (other_has)
            RH_TRY(compare_pairs(w, base, c, err));
        else if (!(c->why = missing_words(w->a, row, "")))
            return rh_fail_memory(err, "a comparison", 0);
    }
    return RH_OK;
}

/* Of some algorithm of the part. */
static bool is_twin(const struct rh_part *p, const char *label)
{
    for (int32_t i = 0; i < p->n_rows; i++)
        if (!strcmp(p->row[i].twin, label))
            return true;
    return false;
}

static int any_twin(const struct rh_results *r, struct rh_error *err)
{
    for (int32_t i = 0; i < r->n_parts; i++)
        for (int32_t k = 0; k < r->part[i].n_rows; k++)
            if (is_twin(&r->part[i], r->part[i].row[k].label))
                return RH_OK;
    return rh_fail(err, RH_EINVAL, "no algorithm of experiment '%s' has a twin; give one in its section with "
                   "twin = NAME and run the experiment again", r->name);
}

static int compare_column(struct column *w, struct rh_error *err)
{
    const struct rh_part *part = w->u->part;
    w->tukey = NULL;
    if (w->o->correction == RH_CORRECTION_TUKEY)
        RH_TRY(load_tukey(w, err));
    if (!w->o->all_pairs && !w->o->twins)
        return compare_with(w, w->all->baseline, 0, err);
    for (int32_t i = 0; i < part->n_rows; i++)
        if (w->o->all_pairs || is_twin(part, part->row[i].label))
            RH_TRY(compare_with(w, part->row[i].label, w->o->all_pairs ? i + 1 : 0, err));
    return RH_OK;
}

/* ----------------------------------------------------------------------------------------------- verdicts */

static enum rh_verdict judge(const struct rh_comparison *c, double threshold)
{
    if (c->why)
        return RH_VERDICT_NONE;
    if (!(c->corrected < RH_COMPARE_LEVEL))
        return threshold > 0 && c->paired.low > -threshold && c->paired.high < threshold ? RH_VERDICT_EQUAL
                                                                                         : RH_VERDICT_OPEN;
    bool better = c->column->lower_is_better ? c->paired.mean < 0 : c->paired.mean > 0;
    if (fabs(c->paired.mean) < threshold)
        return better ? RH_VERDICT_BETTER_LITTLE : RH_VERDICT_WORSE_LITTLE;
    return better ? RH_VERDICT_BETTER : RH_VERDICT_WORSE;
}

/* All p-values of the command are one family. */
static int correct(struct rh_arena *a, struct rh_comparisons *all, const struct rh_compare_options *o,
                   struct rh_error *err)
{
    double *p = rh_alloc(a, (size_t)all->n + 1, sizeof *p);
    if (!p)
        return rh_fail_memory(err, "p-values", (size_t)all->n * sizeof *p);
    for (int32_t i = 0; i < all->n; i++)
        if (!all->of[i].why)
            p[all->family++] = all->of[i].corrected;
    RH_TRY(rh_correct(a, p, all->family, o->correction, err));
    int32_t at = 0;
    for (int32_t i = 0; i < all->n; i++) {
        struct rh_comparison *c = &all->of[i];
        if (!c->why)
            c->corrected = p[at++];
        c->verdict = judge(c, o->threshold);
    }
    return RH_OK;
}

static int load(struct rh_store *s, struct rh_arena *a, const char *experiment, const struct rh_compare_options *o,
                struct rh_comparisons *all, struct rh_error *err)
{
    struct rh_results *r = &all->results;
    if (o->all_pairs && o->baseline)
        return rh_fail(err, RH_EINVAL, "all pairs of algorithms have no baseline '%s'", o->baseline);
    if (o->twins && o->baseline)
        return rh_fail(err, RH_EINVAL, "twins have no baseline '%s'", o->baseline);
    if (o->twins)
        RH_TRY(any_twin(r, err));
    else if (!o->all_pairs)
        RH_TRY(find_baseline(a, r, o->baseline, &all->baseline, err));
    if (!r->n_columns)
        return rh_fail(err, RH_EDATA, "experiment '%s' has no metric yet", experiment);
    /* Without a wish the primary metric alone: every further one makes the family larger. */
    int32_t first = o->metrics ? 0 : r->primary_column < 0 ? 0 : r->primary_column;
    all->n_metrics = o->metrics ? r->n_columns : 1;
    int64_t most = 0;
    for (int32_t i = 0; i < r->n_parts; i++)
        most += (int64_t)r->part[i].n_rows * (o->all_pairs ? r->part[i].n_rows - 1 : 2) / 2 * all->n_metrics;
    all->of = most < INT32_MAX ? rh_alloc(a, (size_t)most + 1, sizeof *all->of) : NULL;
    if (!all->of)
        return rh_fail_memory(err, "comparisons", (size_t)most * sizeof *all->of);
    for (int32_t i = 0; i < r->n_parts; i++) {
        struct rh_users u;
        struct rh_pairs p;
        RH_TRY(rh_users_load(s, a, &r->part[i], &u, err));
        RH_TRY(rh_pairs_new(a, &u, &p, err));
        struct column w = { .s = s, .a = a, .all = all, .o = o, .u = &u, .pairs = &p };
        for (int32_t c = first; c < first + all->n_metrics; c++) {
            w.column = &r->column[c];
            RH_TRY(compare_column(&w, err));
        }
    }
    return correct(a, all, o, err);
}

int rh_comparisons_load(struct rh_store *s, struct rh_arena *a, const char *experiment,
                        const struct rh_compare_options *o, struct rh_comparisons *out, struct rh_error *err)
{
    *out = (struct rh_comparisons){ 0 };
    RH_TRY(rh_results_load(s, a, experiment, o->metrics, false, &out->results, err));
    RH_TRY(rh_sql_run(s, err, "BEGIN", ""));
    return rh_sql_end(s, load(s, a, experiment, o, out, err), err);
}

int rh_compare(struct rh_store *s, const char *experiment, const struct rh_compare_options *o, struct rh_text *out,
               struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_comparisons c;
    int status = o->format == RH_FORMAT_LATEX
                     ? rh_fail(err, RH_EINVAL, "comparisons have no format latex: allowed text, md, csv, json")
                     : rh_comparisons_load(s, &a, experiment, o, &c, err);
    if (status >= 0) {
        rh_comparisons_write(&c, o, out);
        status = out->failed ? rh_fail_memory(err, "a comparison", out->n) : RH_OK;
    }
    rh_arena_release(&a);
    return status;
}
