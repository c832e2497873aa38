/* A small host for unit tests of algorithms: the host table over arenas, streams and loops of base/, and builders of
 * small problems. It keeps the promises of <rh/plugin.h> and reports when a plugin breaks one (memory taken from
 * score or from a part of a loop, a score that is not finite). Everything it hands out lives until test_host_release.
 */
#ifndef RH_TESTS_TESTHOST_H
#define RH_TESTS_TESTHOST_H

#include "base/arena.h"
#include "base/error.h"
#include "plugin/persist.h"
#include <rh/plugin.h>

#define TEST_THREADS 8 /* at most */

struct test_thread {
    struct test_host *host;
    struct rh_arena scratch;
    bool in_part;
};

struct test_host {
    struct rh_host table;
    struct rh_ctx ctx; /* of the calling thread: give it to functions under test */
    int threads;
    uint64_t seed;
    struct rh_arena run;   /* what plugins take with alloc, and nothing else: so a snapshot is possible */
    struct rh_arena own;   /* params, states' owner structs, problems of the builders below */
    struct rh_error error; /* of the plugin: first message */
    bool sealed;           /* in score: alloc is refused */
    int64_t allocations;   /* alloc and scratch so far; only counted exactly with threads == 1 */
    int64_t fail_at;       /* the allocation with this number (from 1) fails; 0: none */
    int64_t cancel_at;     /* the tick with this number (from 1) and all later ones return RH_ECANCEL; 0: none */
    int64_t ticks;
    int logged; /* lines logged */
    struct rh_saved *saved; /* while persist runs: field and value go here */
    unsigned purpose;       /* of enum rh_purpose */
    bool made, comparing;   /* loading over what fit made; shapes alone */
    struct test_thread thread[TEST_THREADS];
};

void test_host_init(struct test_host *h, int threads, uint64_t seed);
void test_host_release(struct test_host *h);
/* Gives scratch memory back, as the real host does after every callback. */
void test_host_scratch_back(struct test_host *h);

/* ---------------------------------------------------------------------------------------- running a plugin */

struct test_model {
    const struct rh_algorithm *algorithm;
    void *params, *state;
    int32_t epochs_done;
    double loss; /* of the last epoch */
    bool done;   /* RH_DONE was returned */
};

/* Defaults, then `settings`: "k = 3; shrink = 10.5" (NULL: none); then check. cmocka-fails on unknown names, and
 * returns the status of a value out of range or of check, with the sentence in h->error. */
int test_params(struct test_host *h, const struct rh_algorithm *algorithm, const char *settings, void **params);
/* params, check, fit and `epochs` epochs (-1: the algorithm's own number). The status of the first that failed; the
 * model is to be released (test_model_release) whatever it is. */
int test_fit(struct test_host *h, const struct rh_algorithm *algorithm, const char *settings,
             const struct rh_train *train, int32_t epochs, struct test_model *out);
/* Scores n queries in one call per `batch` queries, batches on all threads. Fails with RH_ENUMERIC when a score is
 * not finite; RH_EBUG when something behind n_candidates was written or a score was left out. */
int test_score(struct test_host *h, const struct test_model *m, const struct rh_query *query, int32_t n,
               int32_t batch, float *out, size_t stride);
/* A fitted model as bytes, for a purpose of enum rh_purpose; and back: on a state of zeros (`made` false), or over what
 * fit has made. Keys are not looked at. The sentence of a failure is in h->error. */
int test_save(struct test_host *h, const struct test_model *m, const struct rh_train *train, unsigned purpose,
              struct rh_saved *saved);
int test_load(struct test_host *h, struct test_model *m, const struct rh_train *train, unsigned purpose, bool made,
              const struct rh_saved *saved);
void test_model_release(struct test_model *m);

/* A built-in algorithm by name, from the generated list; cmocka-fails when there is none. */
const struct rh_algorithm *test_algorithm(const char *name);

/* -------------------------------------------------------------------------------------- building problems */

struct test_row {
    int32_t user, item;
    float value;
    int64_t time;
};
struct test_cell {
    int32_t row, col;
    float value;
};
enum { TEST_VALUES = 1, TEST_TIMES = 2 };

/* A domain from rows in any order (no user, item twice); without features. value_min/max are 1 and 5. */
struct rh_domain test_domain(struct test_host *h, const char *name, int32_t n_users, int32_t n_items,
                             const struct test_row *row, int64_t n, unsigned columns);
/* A sparse block from cells in any order; with_values false: val is NULL. */
struct rh_features test_sparse(struct test_host *h, const char *name, int32_t n_rows, int32_t n_cols,
                               const struct test_cell *cell, int64_t n, bool with_values);
/* A query of the train view: the history is the user's rows in every domain; candidates: all items. */
struct rh_query test_query(struct test_host *h, const struct rh_train *train, int32_t user);
/* The same with the target history replaced by n given items (ascending); value may be NULL. */
struct rh_query test_query_with(struct test_host *h, const struct rh_train *train, int32_t user, int32_t n,
                                const int32_t *item, const float *value);

/* A made world whose truth is known. Each user has a taste vector over n_tastes hidden topics, shared by all domains;
 * each item has a topic mixture, a sparse block "genre" (its topics, as multi-hot of n_tastes columns) and a block
 * "word" (8 words drawn from topic words, 12 words a topic, with counts). The user's rows are the items whose taste *
 * mixture + noise is highest among a random half of the items. `shift` permutes that share of the words' topics in
 * the sources: 0: words mean the same everywhere, 1: none does. Users from n_warm on are cold: no target train rows.
 */
struct test_world_spec {
    int32_t n_users, n_warm; /* 0 < n_warm <= n_users */
    int32_t n_items;         /* of each domain */
    int32_t n_domains;       /* 1: no source; the target is domain 0 */
    int32_t n_tastes;
    int32_t rows;    /* of a user in a domain */
    int32_t support; /* of a cold user's query */
    double noise;    /* 0: rows are exactly the best items */
    double shift;
    bool ratings;  /* 1..5 by taste, else implicit */
    bool no_genre; /* leave the block "genre" empty (no data) */
    uint64_t seed;
};
struct test_world {
    struct rh_train train;
    int32_t n_queries;        /* all users in order */
    struct rh_query *query;   /* [n_queries] history: train rows, or `support` rows of a cold user */
    int32_t *n_relevant;      /* [n_queries] */
    int32_t *const *relevant; /* [n_queries][n_relevant] held-out items, ascending (a quarter of the rows; all rows
                               * but the support of a cold user) */
};
void test_world(struct test_host *h, const struct test_world_spec *spec, struct test_world *out);

/* Mean AUC over queries [from, to) of relevant against all other items not in the target history; ties are a half.
 * cmocka-fails when scoring fails. */
double test_world_auc(struct test_host *h, const struct test_world *w, const struct test_model *m, int32_t from,
                      int32_t to);

#endif
