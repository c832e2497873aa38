/* What a publication claims of an experiment: cells of its table, to be compared with what is stored. Made from the
 * [published] sections of an .ini (config/published.h), compared by report/reproduce.h. */
#ifndef RH_STORE_CLAIMS_H
#define RH_STORE_CLAIMS_H

#include <stdint.h>

/* Why a cell may differ at all. */
enum rh_claim_reason {
    RH_CLAIM_ROUNDING, /* printed with so many digits: half a unit of the last one */
    RH_CLAIM_EXACT,    /* the same number, up to the arithmetic: 1e-9 relative */
    RH_CLAIM_SEED,     /* random numbers or folds that cannot be had again: an interval */
    RH_CLAIM_TIES      /* equal values, of which another program took some by chance of its sorting: an interval */
};

struct rh_claim {
    const char *row;       /* as the table calls it */
    const char *algorithm; /* label in the experiment */
    const char *problem;   /* label in the experiment */
    const char *metric;    /* id */
    const char *printed;   /* the published value as it stands there */
    double value, tolerance;
    enum rh_claim_reason reason;
    const char *note;      /* of the row, or "" */
};

struct rh_claims {
    const char *source, *table, *protocol;
    const char *const *departure; /* [n_departures] sentences */
    int32_t n_departures;
    const struct rh_claim *claim; /* [n_claims] */
    int32_t n_claims;
};

#endif
