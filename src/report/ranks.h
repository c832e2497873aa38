/* Critical-difference diagrams (Demsar 2006): the mean ranks of a problem's algorithms over its users on an axis, and
 * bars that join those whose ranks a test does not separate. The test here is the randomised Tukey HSD of the ranks
 * (report/systems.h) and not Nemenyi's, whose distribution is asymptotic and takes no notice of ties. */
#ifndef RH_REPORT_RANKS_H
#define RH_REPORT_RANKS_H

#include "report/chart.h"

#define RH_RANKS_LEVEL 0.05

struct rh_mean_rank {
    const char *label;
    double rank; /* 1: best; equal values of a user share the mean of their ranks */
};

struct rh_ranks_group {
    int32_t first, last; /* places in the order of the ranks */
    int32_t row;         /* 0, 1, ...: where its bar is drawn, so that bars of one row do not touch */
};

struct rh_ranks_panel {
    const char *title; /* "warm: 60 users" */
    struct rh_mean_rank *system; /* [n] ascending by rank */
    int32_t n;
    struct rh_ranks_group *group; /* [n_groups] the largest ones of two or more that are not separated */
    int32_t n_groups, n_rows;
    double critical;   /* ranks that differ by more are separated */
};

struct rh_ranks {
    struct rh_ranks_panel *panel; /* [n] problems where two algorithms have values of the same two users */
    int32_t n;
};

/* Fills `c->ranks` of a chart that rh_chart_make has begun. RH_EDATA: nothing to draw. */
int rh_ranks_load(struct rh_store *s, struct rh_arena *a, const struct rh_results *r, const struct rh_plot_row *plot,
                  struct rh_chart *c, struct rh_error *err);

/* Ranks [n_users x n] of values of the same shape. */
void rh_ranks_of(const double *value, int64_t n_users, int32_t n, bool lower_is_better, double *rank);

#endif
