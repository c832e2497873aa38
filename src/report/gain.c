#include "report/gain.h"

#include "report/pairs.h"
#include "store/sql.h"

#include <math.h>
#include <string.h>

static const char *const placebos[RH_GAINS] = { "none", "users", "features", "doubles" };

const char *rh_gain_head(int column)
{
    static const char *const heads[RH_GAIN_COLUMNS] = { "gain", "gain, users shuffled", "gain, features shuffled",
                                                        "gain, doubles dropped", "budget" };
    return heads[column];
}

bool rh_gain_shown(const struct rh_results *r, int column)
{
    return r->gain_shown[column == RH_BUDGET ? RH_GAIN : column];
}

static void write_budget(const struct rh_row *row, struct rh_text *t)
{
    if (!row->twin_tried) /* the twin has no row here */
        return;
    rh_text_printf(t, "%d:%d", row->tried, row->twin_tried);
    if (row->seconds > 0 && row->twin_seconds > 0)
        rh_text_printf(t, ", %.1fx", row->seconds / row->twin_seconds);
    rh_text_add(t, row->tried > row->twin_tried ? " !" : "");
}

void rh_gain_write(const struct rh_row *row, int column, struct rh_text *t)
{
    if (!row->gain)
        return;
    if (column == RH_BUDGET) {
        write_budget(row, t);
        return;
    }
    const struct rh_gain *g = &row->gain[column];
    if (isnan(g->mean))
        return;
    rh_text_printf(t, "%+.4f", g->mean);
    if (!isnan(g->low))
        rh_text_printf(t, " [%+.4f, %+.4f]", g->low, g->high);
    rh_text_add(t, g->negative ? " !" : "");
}

static const char *placebo_of(const struct rh_part *p)
{
    for (int32_t i = 0; i < p->n_settings; i++)
        if (!strcmp(p->setting[i].key, "problem.placebo"))
            return p->setting[i].value;
    return "none"; /* stored before there were placebos */
}

/* Do the two ask the same, but for the placebo? */
static bool same_but_placebo(const struct rh_part *x, const struct rh_part *y)
{
    if (strcmp(x->target, y->target) || strcmp(x->sources, y->sources) || strcmp(x->split, y->split) ||
        x->n_settings != y->n_settings)
        return false;
    for (int32_t i = 0; i < x->n_settings; i++)
        if (strcmp(x->setting[i].key, y->setting[i].key) ||
            (strcmp(x->setting[i].key, "problem.placebo") && strcmp(x->setting[i].value, y->setting[i].value)))
            return false;
    return true;
}

static struct rh_row *row_with(const struct rh_part *p, const char *label)
{
    for (int32_t i = 0; i < p->n_rows; i++)
        if (!strcmp(p->row[i].label, label))
            return &p->row[i];
    return NULL;
}

/* The section of the .ini in a label: what stands before the swept settings. */
static size_t section_length(const char *label)
{
    return strcspn(label, " ");
}

/* How many settings of the section of `label` stand in the part: of one that is swept, each is a trial. */
static int32_t settings_tried(const struct rh_part *p, const char *label)
{
    int32_t n = 0;
    size_t length = section_length(label);
    for (int32_t i = 0; i < p->n_rows; i++)
        n += section_length(p->row[i].label) == length && !strncmp(p->row[i].label, label, length);
    return n;
}

/* Of one row; `sign` is -1 where lower values are better. */
static int gain_of(struct rh_store *s, struct rh_arena *a, const struct rh_results *r, struct rh_pairs *p,
                   struct rh_row *row, const struct rh_row *twin, double sign, struct rh_error *err)
{
    const struct rh_users *u = p->users;
    struct rh_paired paired;
    const struct rh_pair_names names = { r->name, r->primary, u->part->label, twin->label, row->label };
    RH_TRY(rh_query_values_load(s, u, twin, r->primary, &p->base, err));
    RH_TRY(rh_query_values_load(s, u, row, r->primary, &p->other, err));
    rh_pairs_make(p);
    RH_TRY(rh_pairs_statistics(a, p, RH_TEST_T, &names, &paired, err));
    struct rh_gain *g = &row->gain[RH_GAIN];
    *g = (struct rh_gain){ sign * paired.mean, sign > 0 ? paired.low : -paired.high,
                           sign > 0 ? paired.high : -paired.low, paired.n, false };
    g->negative = g->high < 0;
    return RH_OK;
}

static int gains_of_part(struct rh_store *s, struct rh_arena *a, struct rh_results *r, struct rh_part *p, double sign,
                         struct rh_error *err)
{
    struct rh_users u;
    struct rh_pairs pairs;
    bool ready = false;
    for (int32_t i = 0; i < p->n_rows; i++) {
        struct rh_row *row = &p->row[i];
        const struct rh_row *twin = row->twin[0] ? row_with(p, row->twin) : NULL;
        if (!row->twin[0])
            continue;
        row->gain = rh_alloc(a, RH_GAINS, sizeof *row->gain);
        if (!row->gain)
            return rh_fail_memory(err, "gains", RH_GAINS * sizeof *row->gain);
        for (int k = 0; k < RH_GAINS; k++)
            row->gain[k] = (struct rh_gain){ NAN, NAN, NAN, 0, false };
        if (!twin)
            continue;
        row->tried = settings_tried(p, row->label);
        row->twin_tried = settings_tried(p, twin->label);
        row->twin_seconds = twin->seconds;
        if (!ready) {
            RH_TRY(rh_users_load(s, a, p, &u, err));
            RH_TRY(rh_pairs_new(a, &u, &pairs, err));
            ready = true;
        }
        RH_TRY(gain_of(s, a, r, &pairs, row, twin, sign, err));
        r->gain_shown[RH_GAIN] = true;
    }
    return RH_OK;
}

/* Beside the gains of a part without placebo, those of its placebos. */
static void place_placebos(struct rh_results *r, struct rh_part *p)
{
    for (int32_t i = 0; i < r->n_parts && !strcmp(placebo_of(p), "none"); i++)
        for (int which = RH_GAIN + 1; which < RH_GAINS; which++) {
            const struct rh_part *q = &r->part[i];
            if (strcmp(placebo_of(q), placebos[which]) || !same_but_placebo(p, q))
                continue;
            for (int32_t k = 0; k < p->n_rows; k++) {
                const struct rh_row *other = row_with(q, p->row[k].label);
                if (!p->row[k].gain || !other || !other->gain)
                    continue;
                p->row[k].gain[which] = other->gain[RH_GAIN];
                r->gain_shown[which] |= !isnan(other->gain[RH_GAIN].mean);
            }
        }
}

/* "that of the twin without transfer (ials of cmf, emcdr; direct of maml)" */
static void add_twins(const struct rh_part *p, struct rh_text *t)
{
    rh_text_add(t, "that of the twin without transfer (");
    for (int32_t i = 0, n = 0; i < p->n_rows; i++) {
        bool first = p->row[i].gain != NULL;
        for (int32_t k = 0; k < i && first; k++)
            first = !p->row[k].gain || strcmp(p->row[k].twin, p->row[i].twin);
        if (!first)
            continue;
        rh_text_printf(t, "%s%s of", n++ ? "; " : "", p->row[i].twin);
        for (int32_t k = i, m = 0; k < p->n_rows; k++)
            if (p->row[k].gain && !strcmp(p->row[k].twin, p->row[i].twin))
                rh_text_printf(t, "%s %s", m++ ? "," : "", p->row[k].label);
    }
    rh_text_add(t, ")");
}

/* What the columns are, and who is whose twin. */
static int note(struct rh_arena *a, const struct rh_results *r, struct rh_part *p, bool lower, struct rh_error *err)
{
    struct rh_text t = { 0 };
    const char *twin = NULL;
    bool same = true, negative = false, more = false;
    for (int32_t i = 0; i < p->n_rows; i++) {
        const struct rh_row *row = &p->row[i];
        if (!row->gain)
            continue;
        same &= !twin || !strcmp(twin, row->twin);
        twin = twin ? twin : row->twin;
        for (int k = 0; k < RH_GAINS; k++)
            negative |= row->gain[k].negative;
        more |= row->tried > row->twin_tried && row->twin_tried;
    }
    if (!twin)
        return RH_OK;
    rh_text_printf(&t, "gain: %s %s ", r->primary, lower ? "less, because lower is better, than" : "less");
    if (same)
        rh_text_printf(&t, "that of the twin without transfer (%s)", twin);
    else
        add_twins(p, &t);
    rh_text_add(&t, ", mean over the users of both, with its 95 % interval (BCa bootstrap)");
    if (negative)
        rh_text_add(&t, "; !: the interval lies below 0, the transfer is negative");
    rh_text_add(&t, "; budget: settings tried of the method : of its twin, and its seconds by those of the twin");
    if (more)
        rh_text_add(&t, "; !: the best of more settings than the twin had");
    p->gain_note = t.failed ? NULL : rh_arena_strdup(a, t.s);
    rh_text_release(&t);
    return p->gain_note ? RH_OK : rh_fail_memory(err, "a note", 0);
}

int rh_results_gains(struct rh_store *s, struct rh_arena *a, struct rh_results *r, struct rh_error *err)
{
    int64_t lower;
    bool any = false;
    for (int32_t i = 0; i < r->n_parts; i++)
        for (int32_t k = 0; k < r->part[i].n_rows; k++)
            any |= r->part[i].row[k].twin[0] != '\0';
    if (!any)
        return RH_OK;
    RH_TRY(rh_sql_number(s, &lower, 0, err, "SELECT max(m.lower_is_better) FROM metric m JOIN experiment_run er ON "
                         "er.run = m.run JOIN experiment e ON e.id = er.experiment WHERE e.name = ? AND m.id = ?",
                         "tt", r->name, r->primary));
    for (int32_t i = 0; i < r->n_parts; i++)
        RH_TRY(gains_of_part(s, a, r, &r->part[i], lower ? -1 : 1, err));
    for (int32_t i = 0; i < r->n_parts; i++)
        place_placebos(r, &r->part[i]);
    for (int32_t i = 0; i < r->n_parts; i++)
        RH_TRY(note(a, r, &r->part[i], lower, err));
    return RH_OK;
}
