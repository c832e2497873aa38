/* A published table against what is stored of its experiment. */
#ifndef RH_REPORT_REPRODUCE_H
#define RH_REPORT_REPRODUCE_H

#include "report/report.h"
#include "store/claims.h"

struct rh_reproduce_options {
    enum rh_format format; /* text, markdown or csv; others are RH_EUNSUP */
    int width;             /* of the terminal; 0: no limit */
};

/* Appends the comparison, cell by cell, with a verdict each: holds (at most the tolerance away), differs, or missing
 * (the run failed, or the value is undefined). *holds: all hold. RH_EINVAL: the store has no such experiment. */
int rh_reproduce(struct rh_store *s, const char *experiment, const struct rh_claims *claims,
                 const struct rh_reproduce_options *o, struct rh_text *out, bool *holds, struct rh_error *err);

#endif
