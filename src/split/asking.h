/* What the keys of a problem say beside its split: which items are ranked, and whether the problem is a placebo. All of
 * it belongs to the problem's identity. docs/protocols.md says what each is for. */
#ifndef RH_SPLIT_ASKING_H
#define RH_SPLIT_ASKING_H

#include "base/error.h"
#include <rh/plugin.h>

/* The candidates of a test query, before its history is masked. `train` to `overlap` are those of MyMediaLite
 * (Gantner, Rendle, Freudenthaler and Schmidt-Thieme, "MyMediaLite: a free recommender system library", RecSys 2011).
 */
enum rh_universe {
    RH_UNIVERSE_ALL,     /* every item of the target */
    RH_UNIVERSE_TRAIN,   /* items with a train row */
    RH_UNIVERSE_TEST,    /* items with a test row */
    RH_UNIVERSE_UNION,   /* either */
    RH_UNIVERSE_OVERLAP, /* both */
    RH_UNIVERSE_FILE,    /* named by a file, for all users or user by user */
    RH_UNIVERSE_SAMPLED, /* every item, and beside that: the held-out items with sampled negatives */
    RH_UNIVERSE_HELD_OUT /* of each query the items it holds out: the protocol of predicting ratings */
};

enum rh_negatives { RH_NEGATIVES_UNIFORM, RH_NEGATIVES_POPULARITY };

/* A control: what a method gains where the knowledge it transfers was destroyed is no gain from knowledge. */
enum rh_placebo {
    RH_PLACEBO_NONE,
    RH_PLACEBO_USERS,   /* which source user is which target user is shuffled among the shared users */
    RH_PLACEBO_FEATURES, /* the feature rows of the items are shuffled inside each domain */
    RH_PLACEBO_DOUBLES /* items of sources that are items of the target lose their rows: see split/duplicates.c */
};

#define RH_BRIDGE_IDS "ids" /* item_bridge: the same id is the same item */

struct rh_asking {
    int candidates;              /* enum rh_universe */
    const char *candidates_file; /* a place as in data/input.h; "": none */
    int64_t negatives;           /* a query, where there are so many */
    int negatives_by;            /* enum rh_negatives */
    double correction;           /* gamma of the corrected estimate, see eval/corrected.h */
    int placebo;                 /* enum rh_placebo */
    double known;       /* share of the links between domains that is known, of users who train; see split/links.c */
    const char *item_bridge; /* a place as in data/input.h, or "ids"; "": none; see split/bridge.c */
    const char *item_bridge_columns;
    int64_t train_core; /* train on the k-core of the train rows alone, ask everyone; below 2: on all */
};
extern const struct rh_param rh_asking_params[];

/* Rules between the keys; all that can be said before data is read. */
int rh_asking_check(const struct rh_asking *q, int32_t n_sources, struct rh_error *err);
const char *rh_universe_word(int candidates);

#endif
