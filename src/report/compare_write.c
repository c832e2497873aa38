/* Comparisons as text, Markdown, CSV and JSON. */
#include "report/compare.h"
#include "report/systems.h"
#include "report/write.h"

#include <math.h>
#include <string.h>

static const char *const test_words[] = { "paired t-test", "sign-flip permutation test",
                                         "Wilcoxon signed-rank test" };
static const char *const test_keys[] = { "t", "permutation", "wilcoxon" };
static const char wilcoxon_warning[] = "the Wilcoxon test asks whether differences are symmetric around 0, not whether "
                                       "their mean is 0; on ranking metrics it errs more often than it says "
                                       "(Ihemelandu and Ekstrand 2023): prefer t or permutation";
static const char *const correction_words[] = { "none", "Holm", "Benjamini-Hochberg", "randomised Tukey HSD" };
static const char *const correction_keys[] = { "none", "holm", "bh", "tukey" };

void rh_verdict_words(const struct rh_comparison *c, const struct rh_compare_options *o, struct rh_text *t)
{
    char buf[32];
    switch (c->verdict) {
    case RH_VERDICT_NONE: rh_text_printf(t, "not compared: %s", c->why); break;
    case RH_VERDICT_BETTER: rh_text_add(t, "better"); break;
    case RH_VERDICT_WORSE: rh_text_add(t, o->twins ? "worse: negative transfer" : "worse"); break;
    case RH_VERDICT_BETTER_LITTLE:
    case RH_VERDICT_WORSE_LITTLE:
        rh_text_printf(t, "%s by less than the threshold %s: not relevant in practice",
                       c->verdict == RH_VERDICT_BETTER_LITTLE ? "better" : "worse", rh_real_text(o->threshold, buf));
        break;
    case RH_VERDICT_OPEN: rh_text_add(t, "no difference shown"); break;
    case RH_VERDICT_EQUAL:
        rh_text_printf(t, "no difference shown, and the interval lies within the threshold %s",
                       rh_real_text(o->threshold, buf));
        break;
    }
}

/* What the numbers are, in sentences. */
static void write_method(const struct rh_comparisons *c, const struct rh_compare_options *o, struct rh_text *t)
{
    rh_text_add(t, "Differences are algorithm minus ");
    if (c->baseline)
        rh_text_printf(t, "baseline (%s)", c->baseline);
    else
        rh_text_add(t, o->twins ? "its twin without transfer" : "the one that its block is against");
    rh_text_printf(t,
                   ", means over users; intervals are 95 %% BCa "
                   "bootstrap (%d resamples), not corrected; d_z is the mean difference in its standard "
                   "deviations; p is of the %s, two-sided.",
                   RH_BOOTSTRAP_RESAMPLES, test_words[o->test]);
    rh_text_printf(t, " Family: %d comparison%s, all of this command (%d problem%s, %d metric%s), ", c->family,
                   c->family == 1 ? "" : "s", c->results.n_parts, c->results.n_parts == 1 ? "" : "s", c->n_metrics,
                   c->n_metrics == 1 ? "" : "s");
    if (o->correction == RH_CORRECTION_TUKEY)
        rh_text_printf(t,
                       "each corrected by the randomised Tukey HSD (%d exchanges of the labels inside users) for all "
                       "pairs of the algorithms of its problem and metric, not for several problems or metrics; users "
                       "are those that all these algorithms have; a difference is shown when the corrected p is "
                       "below %g.",
                       RH_TUKEY_PERMUTATIONS, RH_COMPARE_LEVEL);
    else if (o->correction == RH_CORRECTION_NONE)
        rh_text_printf(t, "not corrected: with no true difference, about one in %.0f would be shown all the same.",
                       1 / RH_COMPARE_LEVEL);
    else
        rh_text_printf(t, "corrected by %s; a difference is shown when the corrected p is below %g.",
                       correction_words[o->correction], RH_COMPARE_LEVEL);
    if (o->test == RH_TEST_WILCOXON)
        rh_text_printf(t, " Warning: %s.", wilcoxon_warning);
    if (o->test == RH_TEST_PERMUTATION && o->correction == RH_CORRECTION_HOLM &&
        c->family >= RH_COMPARE_LEVEL * (RH_SIGN_FLIPS + 1))
        rh_text_printf(
            t,
            " %d sign flips cannot show anything in so large a family: compare fewer at a time, or use the "
            "t-test.",
            RH_SIGN_FLIPS);
    for (int32_t i = 0; i < c->n; i++)
        if (c->of[i].pooled) {
            rh_text_printf(t, " %s is pooled over users in tables; compared are the users' own values.",
                           c->of[i].column->id);
            break;
        }
}

/* --------------------------------------------------------------------------------------- text and markdown */

enum { COLUMNS = 10, VERDICT = COLUMNS - 1 };
static const char *const heads[COLUMNS] = { "algorithm", "users", "mean",        "difference",   "95 % interval",
                                            "d_z",       "p",     "corrected p", "win/tie/loss", "verdict" };

static void add_p(struct rh_text *t, double p)
{
    rh_text_printf(t, p < 0.0001 ? "<0.0001" : "%.4f", p);
}

static void add_cell(const struct rh_comparison *c, const struct rh_compare_options *o, int column, struct rh_text *t)
{
    const struct rh_paired *p = &c->paired;
    if (column == 0)
        rh_text_add(t, c->row->label);
    else if (column == VERDICT)
        rh_verdict_words(c, o, t);
    else if (c->why && !(column == 4 || ((column == 2 || column == 3) && !isnan(c->value))))
        return;
    else if (column == 4 && c->why)
        rh_text_add(t, isnan(c->value) ? "" : "-");
    else if (column == 1)
        rh_write_count(t, p->n);
    else if (column == 2)
        rh_text_printf(t, "%.4f", c->value);
    else if (column == 3)
        rh_text_printf(t, "%+.4f", p->mean);
    else if (column == 4)
        rh_text_printf(t, "[%+.4f, %+.4f]", p->low, p->high);
    else if (column == 5)
        rh_text_printf(t, isnan(p->effect) ? "-" : "%+.2f", p->effect);
    else if (column == 6)
        add_p(t, p->p);
    else if (column == 7)
        add_p(t, c->corrected);
    else
        rh_text_printf(t, "%lld/%lld/%lld", (long long)c->wins, (long long)c->ties, (long long)c->losses);
}

static void spaces(struct rh_text *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rh_text_add(t, " ");
}

/* The comparisons [from, to) share problem, metric and baseline. */
static void text_block(const struct rh_comparisons *c, const struct rh_compare_options *o, int32_t from, int32_t to,
                       struct rh_text *t)
{
    struct rh_text cell = { 0 };
    size_t width[COLUMNS];
    for (int k = 0; k < COLUMNS; k++) {
        width[k] = strlen(heads[k]);
        for (int32_t i = from; i < to; i++) {
            rh_text_clear(&cell);
            add_cell(&c->of[i], o, k, &cell);
            size_t n = cell.s ? rh_utf8_length(cell.s) : 0;
            width[k] = n > width[k] ? n : width[k];
        }
    }
    for (int32_t i = from - 1; i < to; i++) {
        for (int k = 0; k < COLUMNS; k++) {
            rh_text_clear(&cell);
            if (i < from)
                rh_text_add(&cell, heads[k]);
            else
                add_cell(&c->of[i], o, k, &cell);
            size_t room = width[k] - (cell.s ? rh_utf8_length(cell.s) : 0);
            bool left = k == 0 || k == VERDICT;
            spaces(t, (k ? 2 : 0) + (left ? 0 : room));
            for (const char *p = cell.s ? cell.s : ""; *p; p++)
                rh_text_addn(t, *p == '\n' ? " " : p, 1);
            spaces(t, left && k != VERDICT ? room : 0);
        }
        rh_text_add(t, "\n");
    }
    t->failed |= cell.failed;
    rh_text_release(&cell);
}

static void markdown_block(const struct rh_comparisons *c, const struct rh_compare_options *o, int32_t from,
                           int32_t to, struct rh_text *t)
{
    struct rh_text cell = { 0 };
    for (int k = 0; k < COLUMNS; k++) {
        rh_text_add(t, "| ");
        rh_write_markdown(t, heads[k]);
        rh_text_add(t, " ");
    }
    rh_text_add(t, "|\n");
    for (int k = 0; k < COLUMNS; k++)
        rh_text_add(t, k == 0 || k == VERDICT ? "|---" : "|--:");
    rh_text_add(t, "|\n");
    for (int32_t i = from; i < to; i++) {
        for (int k = 0; k < COLUMNS; k++) {
            rh_text_clear(&cell);
            add_cell(&c->of[i], o, k, &cell);
            rh_text_add(t, "| ");
            rh_write_markdown(t, cell.s ? cell.s : "");
            rh_text_add(t, " ");
        }
        rh_text_add(t, "|\n");
    }
    t->failed |= cell.failed;
    rh_text_release(&cell);
}

/* Data, warning and leakage of a problem, as its table has them. */
static void write_part(const struct rh_part *p, const struct rh_compare_options *o, struct rh_text *t)
{
    bool markdown = o->format == RH_FORMAT_MARKDOWN;
    void (*const sentences[])(const struct rh_part *, struct rh_text *) = { rh_write_part, rh_write_warning,
                                                                            rh_write_leakage };
    struct rh_text line = { 0 };
    rh_text_add(t, markdown ? "\n## " : "\n");
    if (markdown)
        rh_write_markdown(t, p->label);
    else
        rh_text_add(t, p->label);
    rh_text_add(t, markdown ? "\n\n" : "\n");
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        rh_text_clear(&line);
        sentences[i](p, &line);
        if (!line.n)
            continue;
        if (markdown)
            rh_write_markdown(t, line.s);
        else
            rh_write_paragraph(t, line.s, o->width);
        rh_text_add(t, markdown ? "\n\n" : "\n");
    }
    t->failed |= line.failed;
    rh_text_release(&line);
}

/* "rmse against popularity, lower is better (0.9412)" */
static void write_metric(const struct rh_comparisons *c, int32_t from, int32_t to, bool markdown, struct rh_text *t)
{
    struct rh_text line = { 0 };
    rh_text_printf(&line, "%s against %s", c->of[from].column->id, c->of[from].against);
    if (c->of[from].column->lower_is_better)
        rh_text_add(&line, ", lower is better");
    double value = NAN; /* the baseline has other users beside each algorithm only where values are missing */
    bool same = true;
    for (int32_t i = from; i < to; i++) {
        if (isnan(value))
            value = c->of[i].baseline;
        else if (!isnan(c->of[i].baseline) && c->of[i].baseline != value)
            same = false;
    }
    if (!isnan(value) && same)
        rh_text_printf(&line, " (%.4f)", value);
    rh_text_add(t, markdown ? "" : "\n");
    if (markdown)
        rh_write_markdown(t, line.s ? line.s : "");
    else
        rh_text_add(t, line.s ? line.s : "");
    rh_text_add(t, markdown ? ":\n\n" : "\n");
    t->failed |= line.failed;
    rh_text_release(&line);
}

static void write_words(const struct rh_comparisons *c, const struct rh_compare_options *o, struct rh_text *t)
{
    bool markdown = o->format == RH_FORMAT_MARKDOWN;
    struct rh_text line = { 0 };
    if (c->baseline)
        rh_text_printf(&line, "%s: compared with %s", c->results.name, c->baseline);
    else
        rh_text_printf(&line, o->twins ? "%s: compared with their twins" : "%s: all pairs compared", c->results.name);
    rh_text_add(t, markdown ? "# " : "");
    if (markdown)
        rh_write_markdown(t, line.s ? line.s : "");
    else
        rh_text_add(t, line.s ? line.s : "");
    rh_text_add(t, "\n");
    for (int32_t i = 0, next; i < c->n; i = next) {
        next = i;
        while (next < c->n && c->of[next].part == c->of[i].part && c->of[next].column == c->of[i].column &&
               c->of[next].against == c->of[i].against)
            next++;
        if (!i || c->of[i].part != c->of[i - 1].part)
            write_part(c->of[i].part, o, t);
        write_metric(c, i, next, markdown, t);
        if (markdown)
            markdown_block(c, o, i, next, t);
        else
            text_block(c, o, i, next, t);
        rh_text_add(t, markdown ? "\n" : "");
    }
    if (!c->n)
        rh_text_add(t, "\nno other algorithm yet\n");
    rh_text_clear(&line);
    write_method(c, o, &line);
    rh_text_add(t, markdown ? "" : "\n");
    if (markdown)
        rh_write_markdown(t, line.s ? line.s : "");
    else
        rh_write_paragraph(t, line.s ? line.s : "", o->width);
    rh_text_add(t, "\n");
    t->failed |= line.failed;
    rh_text_release(&line);
}

/* -------------------------------------------------------------------------------------------- csv and json */

static void write_csv(const struct rh_comparisons *c, const struct rh_compare_options *o, struct rh_text *t)
{
    struct rh_text verdict = { 0 };
    rh_text_add(t, "experiment,problem,metric,baseline,algorithm,users,baseline mean,mean,difference,ci95 low,"
                   "ci95 high,d_z,test,p,correction,family,corrected p,wins,ties,losses,verdict\n");
    for (int32_t i = 0; i < c->n; i++) {
        const struct rh_comparison *k = &c->of[i];
        const struct rh_paired *p = &k->paired;
        const char *const words[] = { c->results.name, k->part->label, k->column->id, k->against, k->row->label };
        for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
            rh_write_csv(t, words[w]);
            rh_text_add(t, ",");
        }
        rh_text_printf(t, "%lld,", (long long)p->n);
        const double numbers[] = { k->baseline, k->value, p->mean, p->low, p->high, p->effect };
        for (size_t w = 0; w < sizeof numbers / sizeof *numbers; w++) {
            rh_write_real(t, numbers[w]);
            rh_text_add(t, ",");
        }
        rh_text_printf(t, "%s,", test_keys[o->test]);
        rh_write_real(t, p->p);
        rh_text_printf(t, ",%s,%d,", correction_keys[o->correction], c->family);
        rh_write_real(t, k->corrected);
        rh_text_printf(t, ",%lld,%lld,%lld,", (long long)k->wins, (long long)k->ties, (long long)k->losses);
        rh_text_clear(&verdict);
        rh_verdict_words(k, o, &verdict);
        rh_write_csv(t, verdict.s ? verdict.s : "");
        rh_text_add(t, "\n");
    }
    t->failed |= verdict.failed;
    rh_text_release(&verdict);
}

static void write_json(const struct rh_comparisons *c, const struct rh_compare_options *o, struct rh_text *t)
{
    struct rh_text verdict = { 0 };
    rh_write_json_pair(t, "{", "experiment", c->results.name);
    if (c->baseline)
        rh_write_json_pair(t, ", ", "baseline", c->baseline);
    rh_write_json_pair(t, ", ", "test", test_keys[o->test]);
    if (o->test == RH_TEST_WILCOXON)
        rh_write_json_pair(t, ", ", "warning", wilcoxon_warning);
    rh_write_json_pair(t, ", ", "correction", correction_keys[o->correction]);
    rh_text_printf(t, ", \"family\": %d", c->family);
    rh_write_json_number(t, "level", RH_COMPARE_LEVEL);
    rh_write_json_number(t, "threshold", o->threshold > 0 ? o->threshold : NAN);
    rh_text_add(t, ",\n \"comparisons\": [");
    for (int32_t i = 0; i < c->n; i++) {
        const struct rh_comparison *k = &c->of[i];
        const struct rh_paired *p = &k->paired;
        rh_write_json_pair(t, i ? ",\n  {" : "\n  {", "problem", k->part->label);
        rh_write_json_pair(t, ", ", "metric", k->column->id);
        rh_write_json_pair(t, ", ", "baseline", k->against);
        rh_write_json_pair(t, ", ", "algorithm", k->row->label);
        rh_text_printf(t, ", \"generated\": %s, \"users\": %lld", k->part->generated ? "true" : "false",
                       (long long)p->n);
        rh_write_json_number(t, "baseline_mean", k->baseline);
        rh_write_json_number(t, "mean", k->value);
        rh_write_json_number(t, "difference", p->mean);
        rh_write_json_number(t, "low", p->low);
        rh_write_json_number(t, "high", p->high);
        rh_write_json_number(t, "d_z", p->effect);
        rh_write_json_number(t, "p", p->p);
        rh_write_json_number(t, "corrected_p", k->corrected);
        rh_text_printf(t, ", \"wins\": %lld, \"ties\": %lld, \"losses\": %lld", (long long)k->wins,
                       (long long)k->ties, (long long)k->losses);
        rh_text_clear(&verdict);
        rh_verdict_words(k, o, &verdict);
        rh_write_json_pair(t, ", ", "verdict", verdict.s ? verdict.s : "");
        rh_text_add(t, "}");
    }
    rh_text_add(t, "\n ]}\n");
    t->failed |= verdict.failed;
    rh_text_release(&verdict);
}

void rh_comparisons_write(const struct rh_comparisons *c, const struct rh_compare_options *o, struct rh_text *t)
{
    if (o->format == RH_FORMAT_CSV)
        write_csv(c, o, t);
    else if (o->format == RH_FORMAT_JSON)
        write_json(c, o, t);
    else
        write_words(c, o, t);
}
