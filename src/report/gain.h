/* What transfer brings: the primary metric of an algorithm against that of its twin without transfer, over the users
 * who have both, and the same under placebos. */
#ifndef RH_REPORT_GAIN_H
#define RH_REPORT_GAIN_H

#include "base/text.h"
#include "report/results.h"

enum { RH_GAIN, RH_GAIN_PLACEBO_USERS, RH_GAIN_PLACEBO_FEATURES, RH_GAIN_PLACEBO_DOUBLES, RH_GAINS };
enum { RH_BUDGET = RH_GAINS, RH_GAIN_COLUMNS }; /* behind the gains: what was spent on the method and on its twin */

/* Of a row; positive is better, also where lower values are. */
struct rh_gain {
    double mean;      /* NaN: there is none */
    double low, high; /* 95 % interval of the mean, BCa bootstrap over users */
    int64_t users;
    bool negative; /* the interval lies below 0: negative transfer */
};

/* Fills row->gain and the budget of the rows with a twin, part->gain_note, and r->gain_shown, for a column each. A
 * placebo's gain is taken from the part that is the same in all settings but problem.placebo, and stands beside the
 * part without one. Inside a read transaction or not. */
int rh_results_gains(struct rh_store *s, struct rh_arena *a, struct rh_results *r, struct rh_error *err);

/* Of the RH_GAIN_COLUMNS: is it shown, and under which head? "gain", "gain, users shuffled", .. "budget". */
bool rh_gain_shown(const struct rh_results *r, int column);
const char *rh_gain_head(int column);
/* A cell: "+0.0123 [+0.0100, +0.0150]", with " !" behind where it is negative; of the budget "3:1, 1.6x", settings
 * tried of the row's section and of its twin's, and its seconds by the twin's, with " !" behind where more were tried
 * than of the twin. Nothing where there is none. */
void rh_gain_write(const struct rh_row *row, int column, struct rh_text *t);

#endif
