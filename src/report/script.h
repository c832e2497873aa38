/* A chart as a gnuplot script with its data inside. */
#ifndef RH_REPORT_SCRIPT_H
#define RH_REPORT_SCRIPT_H

#include "base/text.h"
#include "report/chart.h"

enum rh_picture { RH_PICTURE_SVG, RH_PICTURE_PNG, RH_PICTURE_PDF, RH_PICTURE_TERMINAL };

/* Lines also for a terminal (width, height: of it, in characters); bars and ranks for pictures only. `output` (or
 * NULL) becomes a `set output`. Every text of the user is quoted so that gnuplot runs none of it. */
void rh_script_write(const struct rh_chart *c, enum rh_picture picture, int width, int height, const char *output,
                     struct rh_text *t);

/* Bars and ranks for a terminal need no gnuplot: block letters, a line a bar or algorithm. The titles of a chart as
 * lines of text. */
void rh_bars_text(const struct rh_chart *c, int width, struct rh_text *t);
void rh_ranks_text(const struct rh_chart *c, int width, struct rh_text *t);
void rh_titles_text(const struct rh_chart *c, int width, struct rh_text *t);

/* The printf format for values up to `most`. */
const char *rh_decimals(double most);

/* Runs `gnuplot` on the script and appends what it writes to standard output. RH_EUNSUP: there is no such program. */
int rh_gnuplot(const char *gnuplot, const char *script, struct rh_text *out, struct rh_error *err);

#endif
