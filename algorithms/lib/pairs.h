/* Triples (user, an item they have, an item they have not) for pairwise learning, and passes over them that give the
 * same numbers on any number of threads while all threads work.
 *
 * A pass goes through the users in random order, in chunks. Of a chunk first all triples are drawn, every user from a
 * random stream of their own, in parallel; then they are applied. Two triples disturb one another when they share a
 * user or an item, so the items are dealt into an even number B of blocks and the users of the chunk into B / 2
 * groups, and a triple belongs to a cell: its group and the pair of blocks of its items. As in a tournament there are
 * B - 1 rounds in each of which every block meets one other, and in a round B / 2 pairs of blocks work with B / 2
 * different groups at once, the groups rotating: (B - 1) B / 2 steps of B / 2 cells without anything in common. Which
 * triples meet in which order depends on the random numbers alone. (Gemulla, Haas, Nijkamp and Sismanis 2011,
 * "Large-scale matrix factorization with distributed stochastic gradient descent", KDD, has the idea for one block of
 * items a rating.) A cell's item rows stay in the cache, and its user rows come one after the other. */
#ifndef RH_ALGORITHMS_PAIRS_H
#define RH_ALGORITHMS_PAIRS_H

#include <rh/plugin.h>

enum rh_positives_from { RH_EACH_INTERACTION, RH_UNIFORM_USERS };
enum rh_negatives_from { RH_UNIFORM_ITEMS, RH_POPULAR_ITEMS };

extern const struct rh_choice rh_positives_from_words[], rh_negatives_from_words[];

struct rh_triple {
    int32_t user, liked, other; /* the user has liked and has not other */
    float weight;
};

/* What triples are drawn from. */
struct rh_pairs {
    int32_t n_users, n_items;
    const int64_t *row;  /* [n_users + 1] */
    const int32_t *item; /* [row[n_users]] ascending inside a row */
    int positives, negatives;
    int64_t n;        /* triples a pass: interactions of the learners */
    int32_t n_learners;
    int32_t *learner; /* [n_learners] users who have some items and not all */
    float *keep;      /* [n_items] popular items by Walker's alias method: item i itself with this probability, */
    int32_t *alias;   /* [n_items] else this one. NULL for uniform items */
};

/* Prepares drawing from the rows of `d`. The chance of an item to be drawn as the other one is uniform, or in
 * proportion to popularity^power. Memory by alloc. RH_EDATA when nobody can be learned from. */
int rh_pairs_init(struct rh_ctx *ctx, struct rh_pairs *p, const struct rh_domain *d, int32_t n_users, int positives,
                  int negatives, double power);

/* An item that is not taken (taken[n_items]: 1 for the items of the user; one at least is 0). Draws until it finds
 * one; after 100 vain draws the next free item after a random one. */
int32_t rh_pairs_other(const struct rh_pairs *p, struct rh_rng *rng, const uint8_t *taken);

/* Draws the other item of (user, liked), and may set the weight, which is 1; < 0: no triple. Reads the model as it
 * was before the chunk. Called from several threads. */
typedef int32_t rh_draw_fn(const void *arg, struct rh_rng *rng, int32_t user, int32_t liked, const uint8_t *taken,
                           float *weight);
/* Learns from n triples in order; returns the sum of their losses. Called from several threads, never with the same
 * user or the same item at the same time. */
typedef double rh_learn_fn(void *arg, const struct rh_triple *t, int64_t n);

struct rh_learning {
    const struct rh_pairs *pairs;
    rh_draw_fn *draw; /* NULL: rh_pairs_other */
    const void *draw_arg;
    rh_learn_fn *learn;
    void *learn_arg;
    int64_t chunk;  /* triples that are drawn before they are learned from; 0: as many as work well */
    int32_t width;  /* floats of an item's row: blocks of items are made to fit the cache */
    bool free;      /* no thread waits for another one (Hogwild; Recht, Re, Wright and Niu 2011, "Hogwild!: a lock-free
                       approach to parallelizing stochastic gradient descent", NIPS): on several threads the numbers
                       are other ones each time, and a step may be lost when two write one row */
};

/* One pass, numbered from 1; *loss: the sum of losses. Memory 32 bytes a triple of a chunk. */
int rh_pairs_pass(struct rh_ctx *ctx, const struct rh_learning *l, int32_t epoch, double *loss);

/* All triples of a pass at once in random order, for minibatches: *t[*n] in scratch memory. */
int rh_pairs_draw(struct rh_ctx *ctx, const struct rh_learning *l, int32_t epoch, struct rh_triple **t, int64_t *n);

#endif
