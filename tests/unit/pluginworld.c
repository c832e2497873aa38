#include "pluginworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void for_each_algorithm(void (*body)(const struct rh_algorithm *a))
{
    int n = 0;
    for (; rh_builtin_algorithms[n]; n++) {
        print_message("# %s\n", rh_builtin_algorithms[n]()->name);
        body(rh_builtin_algorithms[n]());
    }
    assert_true(n > 0);
}

static void add_groups(struct test_host *h, struct test_world *w)
{
    struct test_cell cell[USERS];
    int32_t n = w->train.n_users;
    for (int32_t u = 0; u < n; u++)
        cell[u] = (struct test_cell){ u, (u * 7) % GROUPS, 1 };
    struct rh_features *user = rh_alloc(&h->own, 1, sizeof *user);
    *user = test_sparse(h, "group", n, GROUPS, cell, n, false);
    w->train.n_user_blocks = 1;
    w->train.user_features = user;
}

/* Takes the rows of the last item out of the target, and out of the histories: an item that nobody has seen. */
static void hide_last_item(struct test_host *h, struct test_world *w)
{
    struct rh_domain *domain = rh_arena_copy(&h->own, w->train.domain, (size_t)w->train.n_domains, sizeof *domain);
    struct rh_domain *d = &domain[w->train.target];
    int32_t last = d->n_items - 1, users = w->train.n_users;
    int64_t n = d->row[users], at = 0, *row = rh_alloc(&h->own, (size_t)users + 1, sizeof *row);
    int32_t *item = rh_arena_copy(&h->own, d->item, (size_t)n, sizeof *item);
    float *value = rh_arena_copy(&h->own, d->value, (size_t)n, sizeof *value);
    int64_t *time = d->time ? rh_arena_copy(&h->own, d->time, (size_t)n, sizeof *time) : NULL;
    assert_true(!d->order);
    for (int32_t u = 0; u < users; u++) {
        for (int64_t e = d->row[u]; e < d->row[u + 1]; e++) {
            item[at] = d->item[e];
            value[at] = d->value[e];
            if (time)
                time[at] = d->time[e];
            at += d->item[e] != last;
        }
        row[u + 1] = at;
        const struct rh_history *seen = &w->query[u].history[w->train.target];
        if (seen->n && seen->item[seen->n - 1] == last) {
            struct rh_history *own =
                rh_arena_copy(&h->own, w->query[u].history, (size_t)w->train.n_domains, sizeof *own);
            own[w->train.target].n--;
            w->query[u].history = own;
        }
    }
    d->row = row;
    d->item = item;
    d->value = value;
    d->time = time;
    w->train.domain = domain;
}

void make_world(struct test_host *h, struct test_world *w)
{
    test_world(h, &(struct test_world_spec){ .n_users = USERS, .n_warm = WARM, .n_items = ITEMS, .n_domains = 2,
                                              .n_tastes = 3, .rows = 10, .support = 3, .noise = 0.4, .shift = 0.25,
                                              .ratings = true, .seed = 61 }, w);
    add_groups(h, w);
    /* bridges learn for strangers alone */
    struct rh_history *last = rh_arena_copy(&h->own, w->query[USERS - 1].history, (size_t)w->train.n_domains,
                                            sizeof *last);
    last[w->train.target].n = 0;
    w->query[USERS - 1].history = last;
    hide_last_item(h, w); /* and maps from features for items that are new */
}

void make_small_world(struct test_host *h, struct test_world *w)
{
    test_world(h, &(struct test_world_spec){ .n_users = 9, .n_warm = 7, .n_items = 10, .n_domains = 2, .n_tastes = 2,
                                              .rows = 5, .support = 2, .noise = 0.4, .shift = 0.25, .ratings = true,
                                              .seed = 61 }, w);
    add_groups(h, w);
}

void fit_model(struct test_host *h, const struct rh_algorithm *a, const struct rh_train *train, struct test_model *m)
{
    int status = test_fit(h, a, NULL, train, EPOCHS, m);
    if (status < 0)
        fail_msg("%s: status %d: %s", a->name, status, h->error.text);
}

void score_queries(struct test_host *h, const struct test_model *m, const struct rh_query *q, int32_t n, int32_t batch,
                   float *out)
{
    int status = test_score(h, m, q, n, batch, out, ITEMS);
    if (status < 0)
        fail_msg("%s: status %d: %s", m->algorithm->name, status, h->error.text);
}

void assert_same(const float *x, const float *y, int32_t n, const char *what)
{
    for (int32_t k = 0; k < n; k++)
        if (memcmp(&x[k], &y[k], sizeof *x) != 0)
            fail_msg("%s: query %d, item %d: %.9g and %.9g", what, k / ITEMS, k % ITEMS, (double)x[k], (double)y[k]);
}

void assert_near(const float *x, const float *y, int32_t n, const char *what)
{
    double largest = 0;
    for (int32_t k = 0; k < n; k++)
        largest = fmax(largest, fabs(x[k]));
    for (int32_t k = 0; k < n; k++)
        if (fabs((double)x[k] - y[k]) > 1e-5 * largest)
            fail_msg("%s: query %d, item %d: %.9g and %.9g", what, k / ITEMS, k % ITEMS, (double)x[k], (double)y[k]);
}
