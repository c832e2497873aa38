#include "report/grid.h"

#include "report/write.h"

#define GAP 2 /* spaces between columns */

struct rh_grid rh_grid_new(struct rh_arena *a, int32_t n_rows, int32_t n_columns)
{
    struct rh_grid g = { n_rows, n_columns, NULL };
    size_t n = ((size_t)n_rows + 1) * (size_t)n_columns;
    g.cell = rh_alloc(a, n, sizeof *g.cell);
    for (size_t i = 0; g.cell && i < n; i++)
        g.cell[i] = "";
    return g;
}

static void spaces(struct rh_text *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rh_text_add(t, " ");
}

static size_t width_of(const struct rh_grid *g, int32_t column)
{
    size_t width = 0;
    for (int32_t r = 0; r <= g->n_rows; r++) {
        size_t n = rh_utf8_length(*rh_grid_cell(g, r, column));
        width = n > width ? n : width;
    }
    return width;
}

void rh_grid_text(const struct rh_grid *g, int width, struct rh_text *t)
{
    size_t labels = width_of(g, 0);
    for (int32_t from = 1, to; from < g->n_columns; from = to) {
        size_t used = labels;
        for (to = from; to < g->n_columns; to++) {
            used += GAP + width_of(g, to);
            if (to > from && width > 0 && used > (size_t)width)
                break;
        }
        if (from > 1)
            rh_text_add(t, "\n");
        for (int32_t r = 0; r <= g->n_rows; r++) {
            const char *label = *rh_grid_cell(g, r, 0);
            rh_text_add(t, label);
            spaces(t, labels - rh_utf8_length(label));
            for (int32_t c = from; c < to; c++) {
                const char *cell = *rh_grid_cell(g, r, c);
                spaces(t, GAP + width_of(g, c) - rh_utf8_length(cell));
                rh_text_add(t, cell);
            }
            while (t->n && t->s[t->n - 1] == ' ')
                t->s[--t->n] = '\0';
            rh_text_add(t, "\n");
        }
    }
}

void rh_grid_markdown(const struct rh_grid *g, struct rh_text *t)
{
    for (int32_t r = 0; r <= g->n_rows; r++) {
        for (int32_t c = 0; c < g->n_columns; c++) {
            rh_text_add(t, "| ");
            rh_write_markdown(t, *rh_grid_cell(g, r, c));
            rh_text_add(t, " ");
        }
        rh_text_add(t, "|\n");
        for (int32_t c = 0; c < g->n_columns && !r; c++)
            rh_text_add(t, c ? "|--:" : "|:--");
        rh_text_add(t, r ? "" : "|\n");
    }
}

void rh_grid_latex(const struct rh_grid *g, struct rh_text *t)
{
    rh_text_add(t, "  \\begin{tabular}{l");
    for (int32_t c = 1; c < g->n_columns; c++)
        rh_text_add(t, "r");
    rh_text_add(t, "}\n    \\toprule\n");
    for (int32_t r = 0; r <= g->n_rows; r++) {
        for (int32_t c = 0; c < g->n_columns; c++) {
            rh_text_add(t, c ? " & " : "    ");
            rh_write_latex(t, *rh_grid_cell(g, r, c));
        }
        rh_text_add(t, r ? " \\\\\n" : " \\\\\n    \\midrule\n");
    }
    rh_text_add(t, "    \\bottomrule\n  \\end{tabular}\n");
}
