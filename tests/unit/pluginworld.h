/* What the loops over all built-in algorithms share: worlds that have all that an algorithm may ask for, and what is
 * said when one breaks a promise. Iterative algorithms run two epochs. */
#ifndef RH_TESTS_PLUGINWORLD_H
#define RH_TESTS_PLUGINWORLD_H

#include "testhost.h"

extern const struct rh_algorithm *(*const rh_builtin_algorithms[])(void);

#define EPOCHS 2
#define USERS 40
#define WARM 31
#define ITEMS 33
#define GROUPS 5 /* columns of the users' feature block */

/* Runs body for every algorithm, with its name in front of a failure. */
void for_each_algorithm(void (*body)(const struct rh_algorithm *a));

/* Two domains with ratings, times, item and user features, warm and cold users, the last a stranger to the target, with
 * a history in the source alone, and the last item never seen; and a very small one, for what is done hundreds of
 * times. */
void make_world(struct test_host *h, struct test_world *w);
void make_small_world(struct test_host *h, struct test_world *w);

/* cmocka-fail with the sentence. */
void fit_model(struct test_host *h, const struct rh_algorithm *a, const struct rh_train *train, struct test_model *m);
void score_queries(struct test_host *h, const struct test_model *m, const struct rh_query *q, int32_t n, int32_t batch,
                   float *out);
/* n scores, ITEMS a query: bit for bit, and but for rounding. */
void assert_same(const float *x, const float *y, int32_t n, const char *what);
void assert_near(const float *x, const float *y, int32_t n, const char *what);

#endif
