/* Tables for documents: Markdown and LaTeX (booktabs). */
#include "report/gain.h"
#include "report/write.h"

#include <math.h>
#include <string.h>

/* A sentence made by one of the writers of plain words, escaped. Returns whether there was one. */
static bool sentence(struct rh_text *t, void (*write)(const struct rh_part *, struct rh_text *),
                     const struct rh_part *p, void (*escape)(struct rh_text *, const char *), const char *before,
                     const char *after)
{
    struct rh_text plain = { 0 };
    write(p, &plain);
    bool any = plain.n > 0;
    if (any) {
        rh_text_add(t, before);
        escape(t, plain.s);
        rh_text_add(t, after);
    }
    t->failed |= plain.failed;
    rh_text_release(&plain);
    return any;
}

static void gain(const struct rh_row *row, int column, void (*escape)(struct rh_text *, const char *),
                 struct rh_text *t)
{
    struct rh_text plain = { 0 };
    rh_gain_write(row, column, &plain);
    escape(t, plain.s ? plain.s : "");
    t->failed |= plain.failed;
    rh_text_release(&plain);
}

static int32_t shown_gains(const struct rh_results *r)
{
    int32_t n = 0;
    for (int k = 0; k < RH_GAIN_COLUMNS; k++)
        n += rh_gain_shown(r, k);
    return n;
}

static const char *failure_word(const struct rh_row *row)
{
    return strcmp(row->status, "stale") ? "failed" : "stale";
}

/* ----------------------------------------------------------------------------------------------- markdown */

static void markdown_row(const struct rh_results *r, const struct rh_part *p, const struct rh_row *row,
                         struct rh_text *t)
{
    rh_text_add(t, "| ");
    rh_write_markdown(t, row->label);
    for (int32_t c = 0; c < r->n_columns; c++) {
        const struct rh_cell *cell = &row->cell[c];
        const char *bold = rh_is_best(r, p, row, c) ? "**" : "";
        rh_text_add(t, " | ");
        if (isnan(cell->value))
            rh_text_add(t, "-");
        else
            rh_text_printf(t, "%s%.4f%s", bold, cell->value, bold);
        if (!isnan(cell->value) && !isnan(cell->interval))
            rh_text_printf(t, " \xc2\xb1 %.4f", cell->interval);
    }
    for (int k = 0; k < RH_GAIN_COLUMNS; k++)
        if (rh_gain_shown(r, k)) {
            rh_text_add(t, " | ");
            gain(row, k, rh_write_markdown, t);
        }
    rh_text_add(t, " |\n");
}

static void markdown_failures(const struct rh_part *p, struct rh_text *t)
{
    bool any = false;
    for (int32_t i = 0; i < p->n_rows; i++) {
        const struct rh_row *row = &p->row[i];
        if (row->failed < row->runs)
            continue;
        rh_text_add(t, any ? "" : "\n");
        any = true;
        rh_text_add(t, "- ");
        rh_write_markdown(t, row->label);
        rh_text_printf(t, " %s: ", failure_word(row));
        rh_write_markdown(t, row->message);
        rh_text_add(t, "\n");
    }
}

void rh_table_markdown(const struct rh_results *r, const struct rh_table_options *o, struct rh_text *t)
{
    (void)o;
    rh_text_add(t, "## ");
    rh_write_markdown(t, r->title[0] ? r->title : r->name);
    rh_text_add(t, "\n");
    for (int32_t i = 0; i < r->n_parts; i++) {
        const struct rh_part *p = &r->part[i];
        rh_text_add(t, "\n### ");
        rh_write_markdown(t, p->label);
        rh_text_add(t, "\n\n");
        sentence(t, rh_write_part, p, rh_write_markdown, "", "\n");
        sentence(t, rh_write_warning, p, rh_write_markdown, "\n**", "**\n");
        sentence(t, rh_write_leakage, p, rh_write_markdown, "\n**", "**\n");
        rh_text_add(t, "\n| algorithm");
        for (int32_t c = 0; c < r->n_columns; c++) {
            rh_text_add(t, " | ");
            rh_write_markdown(t, r->column[c].id);
        }
        for (int k = 0; k < RH_GAIN_COLUMNS; k++)
            rh_text_printf(t, "%s%s", rh_gain_shown(r, k) ? " | " : "", rh_gain_shown(r, k) ? rh_gain_head(k) : "");
        rh_text_add(t, " |\n|:--");
        for (int32_t c = 0; c < r->n_columns + shown_gains(r); c++)
            rh_text_add(t, "|--:");
        rh_text_add(t, "|\n");
        for (int32_t k = 0; k < p->n_rows; k++)
            markdown_row(r, p, &p->row[k], t);
        markdown_failures(p, t);
        sentence(t, rh_write_notes, p, rh_write_markdown, "\n", "\n");
    }
    if (r->n_parts)
        rh_text_add(t, "\n\xc2\xb1: half-width of the 95 % confidence interval of the mean over users\n");
}

/* -------------------------------------------------------------------------------------------------- latex */

static void latex_row(const struct rh_results *r, const struct rh_table_options *o, const struct rh_part *p,
                      const struct rh_row *row, struct rh_text *t)
{
    rh_write_latex(t, row->label);
    if (row->failed == row->runs) {
        int32_t columns = r->n_columns + shown_gains(r);
        rh_text_printf(t, " & \\multicolumn{%d}{l}{\\emph{%s}} \\\\ %% ", columns ? columns : 1, failure_word(row));
        rh_write_latex(t, row->message);
        rh_text_add(t, "\n");
        return;
    }
    for (int32_t c = 0; c < r->n_columns; c++) {
        const struct rh_cell *cell = &row->cell[c];
        if (isnan(cell->value)) {
            rh_text_add(t, " & --");
            continue;
        }
        rh_text_printf(t, rh_is_best(r, p, row, c) ? " & \\textbf{%.4f}" : " & %.4f", cell->value);
        if (o->interval && !isnan(cell->interval))
            rh_text_printf(t, " {\\scriptsize $\\pm$%.4f}", cell->interval);
    }
    for (int k = 0; k < RH_GAIN_COLUMNS; k++)
        if (rh_gain_shown(r, k)) {
            rh_text_add(t, " & ");
            gain(row, k, rh_write_latex, t);
        }
    rh_text_add(t, " \\\\\n");
}

void rh_table_latex(const struct rh_results *r, const struct rh_table_options *o, struct rh_text *t)
{
    rh_text_add(t, "% needs \\usepackage{booktabs}\n");
    for (int32_t i = 0; i < r->n_parts; i++) {
        const struct rh_part *p = &r->part[i];
        rh_text_add(t, "\\begin{table}\n  \\centering\n  \\caption{");
        rh_write_latex(t, r->title[0] ? r->title : r->name);
        rh_text_add(t, ", ");
        rh_write_latex(t, p->label);
        sentence(t, rh_write_part, p, rh_write_latex, ": ", "");
        sentence(t, rh_write_warning, p, rh_write_latex, "; \\textbf{", "}");
        sentence(t, rh_write_leakage, p, rh_write_latex, "; \\textbf{", "}");
        sentence(t, rh_write_notes, p, rh_write_latex, "; ", "");
        rh_text_add(t, ".}\n  \\begin{tabular}{l");
        for (int32_t c = 0; c < r->n_columns + shown_gains(r); c++)
            rh_text_add(t, "r");
        rh_text_add(t, "}\n    \\toprule\n    algorithm");
        for (int32_t c = 0; c < r->n_columns; c++) {
            rh_text_add(t, " & ");
            rh_write_latex(t, r->column[c].id);
        }
        for (int k = 0; k < RH_GAIN_COLUMNS; k++)
            rh_text_printf(t, "%s%s", rh_gain_shown(r, k) ? " & " : "", rh_gain_shown(r, k) ? rh_gain_head(k) : "");
        rh_text_add(t, " \\\\\n    \\midrule\n");
        for (int32_t k = 0; k < p->n_rows; k++) {
            rh_text_add(t, "    ");
            latex_row(r, o, p, &p->row[k], t);
        }
        rh_text_add(t, "    \\bottomrule\n  \\end{tabular}\n\\end{table}\n");
    }
}
