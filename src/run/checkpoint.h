/* Where a fit in epochs stands, as a file beside the store: an interrupted fit goes on inside, and its numbers are
 * those of one that was not. Of algorithms with RH_A_RESUMES. */
#ifndef RH_RUN_CHECKPOINT_H
#define RH_RUN_CHECKPOINT_H

#include "plugin/instance.h"
#include "store/store.h"

struct rh_checkpoint {
    const char *path;
    double every; /* seconds between two; 0: one after each epoch */
};

struct rh_curve { /* the learning curve */
    struct rh_epoch_row *epoch; /* [n], room for all */
    int32_t n;
    double earlier; /* seconds of fitting before it was interrupted */
};

/* What the host knows of a fit beside the curve. */
struct rh_standing {
    int32_t best, since; /* row of the best epoch, -1: none; validations since then */
    double best_value;   /* of its validation */
    double seconds;      /* of fitting so far, interruptions left out */
};

/* The instance after the last epoch of the curve, and the one that it keeps as the best. Whole or not at all. */
int rh_checkpoint_write(struct rh_instance *in, const struct rh_algorithm *alg, const struct rh_model_key *key,
                        const struct rh_standing *s, const struct rh_curve *curve, const char *path,
                        struct rh_error *err);

/* Fits a new instance up to where the checkpoint stands; `most`: epochs that the curve has room for. RH_DONE: there is
 * no such file, or it is damaged or of something else, which *why says; nothing was done then. */
int rh_checkpoint_read(struct rh_instance *in, const struct rh_algorithm *alg, const struct rh_model_key *key,
                       const char *path, int32_t most, struct rh_standing *s, struct rh_curve *curve,
                       struct rh_error *why, struct rh_error *err);

/* Takes the file away, with what a killed program left of writing it, and its folder where it was the last; nothing
 * happens where there is none. */
void rh_checkpoint_remove(const char *path);

#endif
