/* Words, numbers and escapes that several formats share. */
#ifndef RH_REPORT_WRITE_H
#define RH_REPORT_WRITE_H

#include "report/escape.h"
#include "report/report.h"
#include "report/results.h"

/* One writer a format. */
void rh_table_text(const struct rh_results *r, const struct rh_table_options *o, struct rh_text *t);
void rh_table_markdown(const struct rh_results *r, const struct rh_table_options *o, struct rh_text *t);
void rh_table_latex(const struct rh_results *r, const struct rh_table_options *o, struct rh_text *t);
void rh_table_csv(const struct rh_results *r, struct rh_text *t);
void rh_table_json(const struct rh_results *r, struct rh_text *t);

/* "target books, source movies, split cold_users, 120 users, ..."; "generated data" stands at its end. */
void rh_write_part(const struct rh_part *p, struct rh_text *t);
/* "LEAKAGE: 2 of 31 test items in a visible history (6.5 %)", all counts that are not zero; nothing without any. */
void rh_write_leakage(const struct rh_part *p, struct rh_text *t);
/* What must be known before the numbers are believed: "SAMPLED: ...", "PLACEBO: ..."; or nothing. */
void rh_write_warning(const struct rh_part *p, struct rh_text *t);
/* "each value is the mean over 5 runs (folds, seeds)", failed runs among several: sentences, or nothing. */
void rh_write_notes(const struct rh_part *p, struct rh_text *t);

/* Is this cell the best of its column, among at least two that differ? */
bool rh_is_best(const struct rh_results *r, const struct rh_part *p, const struct rh_row *row, int32_t column);

/* A sentence in lines of at most `width` columns (up to 20: no limit), broken at spaces; later lines stand in by two.
 * No line end follows. */
void rh_write_paragraph(struct rh_text *t, const char *text, int width);

#endif
