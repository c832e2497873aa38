/* One run in the words of several libraries: what each calls a metric, which definition that is here, and what is its
 * own about it. From the sources of the versions named in tests/oracle/rosetta.py, which runs those that PyPI has. */
#ifndef RH_EXCHANGE_ROSETTA_H
#define RH_EXCHANGE_ROSETTA_H

#include <stdint.h>

struct rh_dialect {
    const char *quantity; /* "nDCG": lines of one quantity stand together */
    const char *library;  /* "RecBole" */
    const char *name;     /* what it calls the metric, "ndcg@K" */
    const char *id;       /* the definition here, "ndcg@K/discount=late"; K is the cut-off */
    const char *why;      /* what is its own about it, in a few words */
};

const struct rh_dialect *rh_rosetta(int32_t *n);

#endif
