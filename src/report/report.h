/* Reports: read the store, write text. Nothing here knows how a run is made. */
#ifndef RH_REPORT_REPORT_H
#define RH_REPORT_REPORT_H

#include "base/error.h"
#include "base/text.h"
#include "store/store.h"
#include <stdio.h>

enum rh_format { RH_FORMAT_TEXT, RH_FORMAT_MARKDOWN, RH_FORMAT_LATEX, RH_FORMAT_CSV, RH_FORMAT_JSON };
int rh_format_parse(const char *word, enum rh_format *out, struct rh_error *err);

struct rh_table_options {
    enum rh_format format;
    const char *metrics; /* comma-separated ids, or NULL: the experiment's own choice */
    bool colour;         /* text on a terminal: mark the best of each column */
    int width;           /* of the terminal; 0: no limit */
    bool interval;       /* text, latex: half-widths of the 95 % intervals too; the other formats always have them */
};

/* The comparison of an experiment, one part a problem, one row an algorithm, one column a metric; failed runs are
 * rows with their message. Unknown experiment or metric: RH_EINVAL with the nearest name. */
int rh_table(struct rh_store *s, const char *experiment, const struct rh_table_options *o, struct rh_text *out,
             struct rh_error *err);

struct rh_plot_options {
    const char *output; /* .svg .png .pdf; NULL: EXPERIMENT-PLOT.svg beside the store for each plot. With several
                         * plots to draw, "x.svg" becomes "x-PLOT.svg" */
    const char *plot;   /* one [plot.NAME], or NULL: all; without any: bars of the primary metric */
    const char *metric; /* y, overriding */
    bool terminal;      /* draw as text to `out` */
    bool script;        /* only write the gnuplot script to `out` */
    int width, height;  /* of the terminal in characters; 0: 100 x 30 */
    const char *gnuplot; /* program; NULL: the one found when this program was built, else the one on PATH */
};

/* Draws with gnuplot (RH_EUNSUP: not installed; RH_EIO: it failed, or a file cannot be written); appends
 * the names of the files written, a line each, or the drawing, to `out`. */
int rh_plot(struct rh_store *s, const char *experiment, const struct rh_plot_options *o, struct rh_text *out,
            struct rh_error *err);

#endif
