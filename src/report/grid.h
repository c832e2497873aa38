/* A grid of short texts as text for a terminal, Markdown, or LaTeX: for reports whose columns are not metrics. */
#ifndef RH_REPORT_GRID_H
#define RH_REPORT_GRID_H

#include "base/arena.h"
#include "base/text.h"

struct rh_grid {
    int32_t n_rows, n_columns;
    const char **cell; /* [(n_rows + 1) x n_columns] row-major; the first row is the heads, the first column the labels,
                        * set left, all others right */
};

/* Room for a grid whose cells are all "". NULL in cell: no memory. */
struct rh_grid rh_grid_new(struct rh_arena *a, int32_t n_rows, int32_t n_columns);
static inline const char **rh_grid_cell(const struct rh_grid *g, int32_t row, int32_t column)
{
    return &g->cell[(int64_t)row * g->n_columns + column]; /* row 0: the heads */
}

/* Columns that find no room in `width` (0: no limit) follow below, with the labels in front again. */
void rh_grid_text(const struct rh_grid *g, int width, struct rh_text *t);
void rh_grid_markdown(const struct rh_grid *g, struct rh_text *t);
void rh_grid_latex(const struct rh_grid *g, struct rh_text *t); /* a tabular with booktabs */

#endif
