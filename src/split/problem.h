/* A problem: one target domain, zero or more sources, split into what may be seen and what is asked. Built once per
 * fold, shared by every algorithm, immutable.
 *
 * Users: the union of the users of all domains, by namespace and id. The target's users come first, in the target's
 * order; then those of the sources not yet there. Feature blocks of the domains are joined by name: their columns are
 * the union of the column names (target's first), so a column means the same in every domain. A user's features are
 * those of the first domain, target first, that has any for the user. Domain 0 of the train view is the target. */
#ifndef RH_SPLIT_PROBLEM_H
#define RH_SPLIT_PROBLEM_H

#include "base/log.h"
#include "data/domain.h"
#include "split/asking.h"
#include "split/split.h"

/* What is asked of one query, kept by the host alone. All items are the target's. */
struct rh_truth {
    int32_t n;
    const int32_t *item; /* [n] held-out items, ascending */
    const float *value;  /* [n] their ratings, or NULL: implicit */
    int32_t n_mask;
    const int32_t *mask; /* [n_mask] items that are not candidates (seen), ascending */
};

struct rh_queries {
    int32_t n;
    const struct rh_query *query; /* [n] in ascending order of user */
    const struct rh_truth *truth; /* [n] */
};

/* The test queries a second time, ranking their held-out items against sampled negatives alone: items that the user has
 * no row of in the target, none twice. The query's candidates are its held-out items that are not masked, ascending,
 * and then the negatives, ascending. */
struct rh_sampled {
    struct rh_queries queries; /* n == test.n, with the same truths; n == 0: the problem is not sampled */
    const int32_t *drawn;      /* [n] negatives of each query: the last so many candidates */
    const int32_t *pool;       /* [n] items that they were drawn from */
};

/* Counts of what should be zero, and what the reader of a table must know. */
struct rh_leakage {
    int64_t test_rows, train_rows;
    int64_t future_pairs_sampled, future_pairs; /* (test row, train row): all of known time; train row later */
    int64_t test_rows_before_train;  /* test rows older than the newest train row of their user */
    int64_t mask_hits;               /* test items that lie in the visible history of their own query */
    int64_t support_hits;            /* those of them that are support rows of a cold user */
    int64_t duplicate_hits;          /* test rows with another edition in the visible history: split/titles.h */
    int64_t source_hits;             /* test rows whose item, by id, title or users, its user has in a source */
    int64_t cold_user_train_rows;    /* target train rows of users that the split gave support rows */
    int64_t future_source_rows;      /* source rows of test users later than their first test row */
};

struct rh_problem {
    const char *name;
    char content[RH_HASH_HEX]; /* SHA-256 over the contents of the domains and the part of every row, which determine
                                  train, queries and truths */
    struct rh_train train;
    struct rh_queries test, validation; /* validation.n == 0: none */
    struct rh_asking asking;
    struct rh_sampled sampled;
    struct rh_removed not_candidates;   /* test rows whose item is no candidate; users: queries left with none */
    struct rh_removed outside_core;     /* train rows outside train_core; users, items: left without one */
    struct rh_removed unlinked;         /* users: whose rows in the sources became a stranger's */
    struct rh_removed doubles;          /* rows and items of the sources that placebo = doubles dropped */
    struct rh_removed bridged;          /* nothing removed: train rows that came over the item bridge, their users, and
                                           items in common */
    struct rh_strings user_id;          /* [train.n_users] */
    const struct rh_domain_data *const *domain; /* [train.n_domains] as loaded; borrowed */
    int32_t n_cold_users;               /* test queries whose user has no target train row */
    int32_t n_shared_users;             /* users with rows in the target and in some source */
    int64_t n_unused;                   /* target rows labelled RH_UNUSED */
    struct rh_leakage leakage;
    const char *const *item_block_name; /* [train.n_item_blocks] */
    const char *const *user_block_name; /* [train.n_user_blocks] */
    struct rh_arena arena;              /* owns all but the loaded domains */
};

struct rh_problem_spec {
    const char *name;
    const struct rh_domain_data *target;
    int32_t n_sources;
    const struct rh_domain_data *const *source; /* [n_sources] */
    /* [1 + n_sources] whose user ids these are, target first: the same id is the same user only where this is the same
     * text. NULL: all are alike. */
    const char *const *user_space;
    const struct rh_split *split;
    const void *params; /* of the split */
    uint64_t seed;
    int32_t fold;
    const struct rh_asking *asking; /* NULL: all items are candidates, no placebo */
};

/* Builds the problem; the loaded domains must outlive it. RH_EDATA when the split leaves no train rows or nothing to
 * ask ("split leave_last_out leaves no test row: every user has fewer than 2 rows"). */
int rh_problem_build(const struct rh_problem_spec *spec, struct rh_log *log, struct rh_problem **out,
                     struct rh_error *err);
void rh_problem_free(struct rh_problem *p); /* NULL is fine */

#endif
