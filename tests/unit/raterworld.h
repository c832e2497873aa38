/* A world where only looking at ratings helps: half of the users like films of one genre as much as the others dislike
 * them, and nothing but their ratings tells who is who. For tests of what rates from contents and a few ratings. */
#ifndef RH_TESTS_RATERWORLD_H
#define RH_TESTS_RATERWORLD_H

#include "testhost.h"

#include <math.h>
#include <stdio.h>

#define WARM 60
#define USERS 80
#define ITEMS 24
#define ROWS 16
#define SHOWN 4

struct world {
    struct rh_train train;
    struct rh_domain domain;
    struct rh_features genre, group;
    float rating[USERS][SHOWN];
    struct rh_query query[USERS]; /* of cold users: SHOWN items of their own; of warm users: their rows */
};

static inline float truth(int32_t user, int32_t item)
{
    return user % 2 == item % 2 ? 4.5f : 1.5f;
}

static inline void make_world(struct test_host *h, struct world *w)
{
    static struct test_row row[WARM * ROWS];
    struct test_cell genre[ITEMS], group[USERS];
    int64_t n = 0;
    for (int32_t u = 0; u < WARM; u++)
        for (int32_t k = 0; k < ROWS; k++) {
            int32_t i = (u / 2 + k * 5) % ITEMS; /* 5 and 24 have no common factor: all different, of both genres */
            row[n++] = (struct test_row){ u, i, truth(u, i), k };
        }
    for (int32_t i = 0; i < ITEMS; i++)
        genre[i] = (struct test_cell){ i, i % 2, 1 };
    for (int32_t u = 0; u < USERS; u++)
        group[u] = (struct test_cell){ u, u / 2 % 3, 1 };
    w->domain = test_domain(h, "films", USERS, ITEMS, row, n, TEST_VALUES);
    w->genre = test_sparse(h, "genre", ITEMS, 2, genre, ITEMS, false);
    w->group = test_sparse(h, "group", USERS, 3, group, USERS, false);
    w->domain.item_features = &w->genre;
    w->train = (struct rh_train){ .n_users = USERS, .n_domains = 1, .domain = &w->domain, .n_item_blocks = 1,
                                  .n_user_blocks = 1, .user_features = &w->group };
    for (int32_t u = 0; u < USERS; u++) {
        static const int32_t shown[SHOWN] = { 2, 7, 11, 20 };
        for (int k = 0; k < SHOWN; k++)
            w->rating[u][k] = truth(u, shown[k]);
        w->query[u] = u < WARM ? test_query(h, &w->train, u)
                               : test_query_with(h, &w->train, u, SHOWN, shown, w->rating[u]);
    }
}

/* A model of these settings and some more. */
static inline void fit_in(struct test_host *h, struct world *w, const char *name, const char *settings,
                          const char *more, int32_t epochs, struct test_model *m)
{
    char all[300];
    test_host_init(h, 1, 4);
    make_world(h, w);
    snprintf(all, sizeof all, "%s%s", settings, more);
    if (test_fit(h, test_algorithm(name), all, &w->train, epochs, m) < 0)
        fail_msg("%s", h->error.text);
}

static inline void release(struct test_host *h, struct test_model *m)
{
    test_model_release(m);
    test_host_release(h);
}

/* Mean absolute error of users [from, to). */
static inline double error_in(const char *name, const char *settings, const char *more, int32_t epochs, int32_t from,
                              int32_t to)
{
    static float out[USERS * ITEMS];
    struct test_host h;
    struct world w;
    struct test_model m;
    fit_in(&h, &w, name, settings, more, epochs, &m);
    if (test_score(&h, &m, w.query, USERS, 7, out, ITEMS) < 0)
        fail_msg("%s: %s", more, h.error.text);
    double sum = 0;
    for (int32_t u = from; u < to; u++)
        for (int32_t i = 0; i < ITEMS; i++)
            sum += fabs((double)out[u * ITEMS + i] - (double)truth(u, i));
    release(&h, &m);
    return sum / ((to - from) * ITEMS);
}

/* Two epochs and all queries with these settings, users with contents and without: no failure, every score finite. */
static inline void works_with(const char *name, const char *settings)
{
    static float out[USERS * ITEMS];
    for (int32_t blocks = 0; blocks < 2; blocks++) {
        struct test_host h;
        struct world w;
        struct test_model m;
        test_host_init(&h, 2, 4);
        make_world(&h, &w);
        w.train.n_user_blocks = blocks;
        if (test_fit(&h, test_algorithm(name), settings, &w.train, 2, &m) < 0 ||
            test_score(&h, &m, w.query, USERS, 7, out, ITEMS) < 0)
            fail_msg("%s with %s and %d blocks of users: %s", name, settings, (int)blocks, h.error.text);
        release(&h, &m);
    }
}

#endif
