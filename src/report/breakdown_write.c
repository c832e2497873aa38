/* Breakdowns as text, Markdown, LaTeX, CSV and JSON. */
#include "report/breakdown.h"
#include "report/grid.h"
#include "report/paired.h"
#include "report/write.h"

#include <math.h>
#include <string.h>

/* A text in the arena, from what `t` has, which is then empty. */
static const char *taken(struct rh_arena *a, struct rh_text *t)
{
    const char *out = t->failed ? NULL : rh_arena_strdup(a, t->s ? t->s : "");
    rh_text_clear(t);
    return out ? out : "";
}

static void value_text(double value, double low, double high, const char *format, struct rh_text *t)
{
    if (isnan(value)) {
        rh_text_add(t, "-");
        return;
    }
    rh_text_printf(t, format, value);
    if (!isnan(low)) {
        rh_text_add(t, " [");
        rh_text_printf(t, format, low);
        rh_text_add(t, ", ");
        rh_text_printf(t, format, high);
        rh_text_add(t, "]");
    }
}

/* Strata have the same users for all algorithms but for undefined values: the most stand in the head. */
static int64_t most_of(const struct rh_breakdown *b, int32_t stratum, bool users)
{
    int64_t most = 0;
    for (int32_t i = 0; i < b->part->n_rows; i++) {
        const struct rh_slice *s = &b->of[i].slice[stratum];
        most = (users ? s->users : s->units) > most ? (users ? s->users : s->units) : most;
    }
    return most;
}

static void count(struct rh_text *t, int64_t n, const char *one, const char *many)
{
    rh_write_count(t, n);
    rh_text_printf(t, " %s", n == 1 ? one : many);
}

static struct rh_grid make_grid(struct rh_arena *a, const struct rh_breakdown *b, struct rh_text *t)
{
    int32_t strata = b->strata->n, n = 0;
    for (int32_t i = 0; i < b->part->n_rows; i++)
        n += b->of[i].there;
    struct rh_grid g = rh_grid_new(a, n, strata + 3);
    if (!g.cell) {
        t->failed = true;
        return g;
    }
    *rh_grid_cell(&g, 0, 0) = "algorithm";
    for (int32_t k = 0; k < strata; k++) {
        rh_text_printf(t, "%s (", b->strata->label[k]);
        count(t, most_of(b, k, !b->strata->rows), b->strata->rows ? "row" : "user", b->strata->rows ? "rows" : "users");
        rh_text_add(t, ")");
        *rh_grid_cell(&g, 0, k + 1) = taken(a, t);
    }
    *rh_grid_cell(&g, 0, strata + 1) = "gap";
    *rh_grid_cell(&g, 0, strata + 2) = "ratio";
    for (int32_t i = 0, r = 0; i < b->part->n_rows; i++) {
        const struct rh_broken *o = &b->of[i];
        if (!o->there)
            continue;
        *rh_grid_cell(&g, ++r, 0) = o->row->label;
        for (int32_t k = 0; k < strata; k++) {
            value_text(o->slice[k].value, o->slice[k].low, o->slice[k].high, "%.4f", t);
            *rh_grid_cell(&g, r, k + 1) = taken(a, t);
        }
        value_text(o->gap.value, o->gap.low, o->gap.high, "%+.4f", t);
        *rh_grid_cell(&g, r, strata + 1) = taken(a, t);
        rh_text_printf(t, isnan(o->gap.ratio) ? "-" : "%.2f", o->gap.ratio);
        *rh_grid_cell(&g, r, strata + 2) = taken(a, t);
    }
    return g;
}

static void head(const struct rh_breakdown *b, struct rh_text *t)
{
    rh_text_printf(t, "%s by %s%s%s", b->metric, b->strata->by, b->strata->rows ? ", part of each held-out row" : "",
                   b->lower_is_better ? ", lower is better" : "");
}

static void write_method(const struct rh_breakdowns *all, struct rh_text *t)
{
    bool rows = false, users = false, pooled = false, popularity = false, fresh = false;
    for (int32_t i = 0; i < all->n; i++) {
        const struct rh_breakdown *b = &all->of[i];
        rows |= b->strata->rows;
        users |= !b->strata->rows;
        pooled |= b->pooled;
        popularity |= !strcmp(b->strata->by, "popularity");
        fresh |= !strcmp(b->strata->by, "new");
    }
    if (users)
        rh_text_add(t, "Values are means over the users of a stratum. ");
    if (pooled)
        rh_text_add(t, "Metrics that tables pool over users, such as rmse, are means of the users' own values here. ");
    if (rows)
        rh_text_add(t, "Of held-out rows: recall@K and hit@K is the chance that the row's item is among the best K, "
                       "mrr the mean of 1 / its place, both over all orders of ties, as means over the rows of a "
                       "stratum. ");
    if (popularity)
        rh_text_add(t, "Head, mid and tail: the most popular items with a third of the train rows, those with the next "
                       "third, and the others. ");
    if (fresh)
        rh_text_add(t, "New items have no train row. ");
    rh_text_printf(t, "Intervals: 95 %%, BCa bootstrap over users (%d resamples), each of its own, where a stratum has "
                   "at least %d users. Gap: largest less smallest value among these strata, with the interval of this "
                   "pair; the pair was chosen by the values, so a gap is above 0 even where there is none.",
                   RH_BOOTSTRAP_RESAMPLES, RH_BREAKDOWN_LEAST);
}

static void escaped(const char *s, enum rh_format format, struct rh_text *t)
{
    if (format == RH_FORMAT_MARKDOWN)
        rh_write_markdown(t, s);
    else if (format == RH_FORMAT_LATEX)
        rh_write_latex(t, s);
    else
        rh_text_add(t, s);
}

/* Data, warning and leakage of a problem, as its table has them. */
static void write_part(const struct rh_part *p, const struct rh_breakdown_options *o, struct rh_text *t)
{
    void (*const sentences[])(const struct rh_part *, struct rh_text *) = { rh_write_part, rh_write_warning,
                                                                            rh_write_leakage };
    struct rh_text line = { 0 };
    rh_text_add(t, o->format == RH_FORMAT_MARKDOWN ? "\n## " : o->format == RH_FORMAT_LATEX ? "\n% " : "\n");
    escaped(p->label, o->format, t);
    rh_text_add(t, o->format == RH_FORMAT_MARKDOWN ? "\n\n" : "\n");
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        rh_text_clear(&line);
        sentences[i](p, &line);
        if (!line.n)
            continue;
        if (o->format == RH_FORMAT_TEXT)
            rh_write_paragraph(t, line.s, o->width);
        else
            rh_text_add(t, o->format == RH_FORMAT_LATEX ? "% " : "");
        if (o->format != RH_FORMAT_TEXT)
            escaped(line.s, o->format, t);
        rh_text_add(t, o->format == RH_FORMAT_MARKDOWN ? "\n\n" : "\n");
    }
    t->failed |= line.failed;
    rh_text_release(&line);
}

static void write_words(const struct rh_breakdowns *all, const struct rh_breakdown_options *o, struct rh_text *t)
{
    struct rh_text line = { 0 };
    struct rh_arena a = { 0 };
    bool markdown = o->format == RH_FORMAT_MARKDOWN, latex = o->format == RH_FORMAT_LATEX;
    rh_text_printf(&line, "%s: broken down", all->results.name);
    rh_text_add(t, markdown ? "# " : latex ? "% needs \\usepackage{booktabs}\n% " : "");
    escaped(line.s ? line.s : "", o->format, t);
    rh_text_add(t, "\n");
    for (int32_t i = 0; i < all->n; i++) {
        const struct rh_breakdown *b = &all->of[i];
        if (!i || b->part != all->of[i - 1].part)
            write_part(b->part, o, t);
        rh_text_clear(&line);
        head(b, &line);
        rh_text_add(t, latex ? "\\begin{table}\n  \\centering\n  \\caption{" : markdown ? "" : "\n");
        escaped(line.s ? line.s : "", o->format, t);
        rh_text_add(t, latex ? "}\n" : markdown ? ":\n\n" : "\n");
        rh_text_clear(&line);
        struct rh_grid g = make_grid(&a, b, &line);
        if (g.cell && g.n_rows && latex)
            rh_grid_latex(&g, t);
        else if (g.cell && g.n_rows && markdown)
            rh_grid_markdown(&g, t);
        else if (g.cell && g.n_rows)
            rh_grid_text(&g, o->width, t);
        else
            rh_text_add(t, "no algorithm has values\n");
        rh_text_add(t, latex ? "\\end{table}\n" : markdown ? "\n" : "");
        t->failed |= line.failed;
    }
    rh_text_clear(&line);
    write_method(all, &line);
    rh_text_add(t, latex ? "% " : markdown ? "" : "\n");
    if (o->format == RH_FORMAT_TEXT)
        rh_write_paragraph(t, line.s ? line.s : "", o->width);
    else
        escaped(line.s ? line.s : "", o->format, t);
    rh_text_add(t, "\n");
    t->failed |= line.failed;
    rh_text_release(&line);
    rh_arena_release(&a);
}

/* -------------------------------------------------------------------------------------------- csv and json */

static void csv_words(struct rh_text *t, const struct rh_breakdowns *all, const struct rh_breakdown *b,
                      const struct rh_broken *o, const char *stratum)
{
    const char *const words[] = { all->results.name, b->part->label, b->strata->by, b->metric, o->row->label, stratum,
                                  b->strata->rows ? "rows" : "queries" };
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        rh_write_csv(t, words[w]);
        rh_text_add(t, ",");
    }
}

static void csv_numbers(struct rh_text *t, double value, double low, double high)
{
    const double numbers[] = { value, low, high };
    for (size_t w = 0; w < 3; w++) {
        rh_text_add(t, ",");
        rh_write_real(t, numbers[w]);
    }
}

static void write_csv(const struct rh_breakdowns *all, struct rh_text *t)
{
    rh_text_add(t, "experiment,problem,by,metric,algorithm,stratum,unit,users,units,value,ci95 low,ci95 high,ratio,"
                   "largest,smallest\n");
    for (int32_t i = 0; i < all->n; i++)
        for (int32_t r = 0; r < all->of[i].part->n_rows; r++) {
            const struct rh_breakdown *b = &all->of[i];
            const struct rh_broken *o = &b->of[r];
            for (int32_t k = 0; k < b->strata->n && o->there; k++) {
                const struct rh_slice *s = &o->slice[k];
                csv_words(t, all, b, o, b->strata->label[k]);
                rh_text_printf(t, "%lld,%lld", (long long)s->users, (long long)s->units);
                csv_numbers(t, s->value, s->low, s->high);
                rh_text_add(t, ",,,\n");
            }
            if (!o->there || o->gap.most < 0)
                continue;
            csv_words(t, all, b, o, "GAP");
            rh_text_add(t, ",");
            csv_numbers(t, o->gap.value, o->gap.low, o->gap.high);
            rh_text_add(t, ",");
            rh_write_real(t, o->gap.ratio);
            rh_text_add(t, ",");
            rh_write_csv(t, b->strata->label[o->gap.most]);
            rh_text_add(t, ",");
            rh_write_csv(t, b->strata->label[o->gap.least]);
            rh_text_add(t, "\n");
        }
}

static void json_row(const struct rh_breakdown *b, const struct rh_broken *o, struct rh_text *t)
{
    rh_write_json_pair(t, "\n    {", "algorithm", o->row->label);
    rh_text_add(t, ", \"strata\": [");
    for (int32_t k = 0; k < b->strata->n; k++) {
        const struct rh_slice *s = &o->slice[k];
        rh_write_json_pair(t, k ? ", {" : "{", "stratum", b->strata->label[k]);
        rh_text_printf(t, ", \"users\": %lld, \"units\": %lld", (long long)s->users, (long long)s->units);
        rh_write_json_number(t, "value", s->value);
        rh_write_json_number(t, "low", s->low);
        rh_write_json_number(t, "high", s->high);
        rh_text_add(t, "}");
    }
    rh_text_add(t, "], \"gap\": ");
    if (o->gap.most < 0) {
        rh_text_add(t, "null}");
        return;
    }
    rh_write_json_pair(t, "{", "largest", b->strata->label[o->gap.most]);
    rh_write_json_pair(t, ", ", "smallest", b->strata->label[o->gap.least]);
    rh_write_json_number(t, "value", o->gap.value);
    rh_write_json_number(t, "low", o->gap.low);
    rh_write_json_number(t, "high", o->gap.high);
    rh_write_json_number(t, "ratio", o->gap.ratio);
    rh_text_add(t, "}}");
}

static void write_json(const struct rh_breakdowns *all, struct rh_text *t)
{
    rh_write_json_pair(t, "{", "experiment", all->results.name);
    rh_text_add(t, ",\n \"breakdowns\": [");
    for (int32_t i = 0; i < all->n; i++) {
        const struct rh_breakdown *b = &all->of[i];
        bool any = false;
        rh_write_json_pair(t, i ? ",\n  {" : "\n  {", "problem", b->part->label);
        rh_write_json_pair(t, ", ", "by", b->strata->by);
        rh_write_json_pair(t, ", ", "metric", b->metric);
        rh_write_json_pair(t, ", ", "unit", b->strata->rows ? "rows" : "queries");
        rh_text_printf(t, ", \"generated\": %s, \"algorithms\": [", b->part->generated ? "true" : "false");
        for (int32_t r = 0; r < b->part->n_rows; r++) {
            if (!b->of[r].there)
                continue;
            rh_text_add(t, any ? "," : "");
            any = true;
            json_row(b, &b->of[r], t);
        }
        rh_text_add(t, "]}");
    }
    rh_text_add(t, "\n ]}\n");
}

void rh_breakdowns_write(const struct rh_breakdowns *b, const struct rh_breakdown_options *o, struct rh_text *t)
{
    if (o->format == RH_FORMAT_CSV)
        write_csv(b, t);
    else if (o->format == RH_FORMAT_JSON)
        write_json(b, t);
    else
        write_words(b, o, t);
}
