/* What a picture shows: values by panel, series and place on the x axis. Made from results; drawn by script.c. */
#ifndef RH_REPORT_CHART_H
#define RH_REPORT_CHART_H

#include "report/results.h"

/* Texts in the order of their first appearance. */
struct rh_names {
    const char **name;
    int32_t n, capacity;
};

struct rh_mark {
    double value, interval; /* NaN: none */
    bool there;             /* a run of this place exists, with a value or without */
    bool failed;            /* and it failed: not just undefined */
};

struct rh_chart {
    bool lines;            /* else bars */
    bool numeric;          /* lines: x are numbers, ascending; else places 0 .. n - 1 */
    const char *title, *subtitle, *x_title, *y_title;
    struct rh_names x, series, panel;
    double *x_value;       /* [x.n] when numeric */
    struct rh_mark *mark;  /* [panel.n x series.n x x.n] */
    int32_t column;        /* the metric */
    bool of_ranks;         /* kind cd: mean ranks, no marks */
    const struct rh_ranks *ranks; /* NULL until rh_ranks_load of report/ranks.h */
};

/* `plot` says what; `metric` overrides its y (NULL: no). RH_EINVAL: unknown kind, metric or setting; RH_EDATA:
 * nothing to draw. All is in the arena. */
int rh_chart_make(struct rh_arena *a, const struct rh_results *r, const struct rh_plot_row *plot, const char *metric,
                  struct rh_chart *out, struct rh_error *err);

static inline struct rh_mark *rh_chart_mark(const struct rh_chart *c, int32_t panel, int32_t series, int32_t x)
{
    return &c->mark[((int64_t)panel * c->series.n + series) * c->x.n + x];
}

#endif
