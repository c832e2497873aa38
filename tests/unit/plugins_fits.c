/* What every built-in algorithm promises of its fit (see plugins.c): the same again, on any number of threads and for
 * users of other names; what it needs is what it says; training that goes on; users and items that it has not seen. */
#include "pluginworld.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A world with a model in it. */
struct fitted {
    struct test_host host;
    struct test_world world;
    struct test_model model;
    float score[USERS * ITEMS];
};

static void fit_again(struct fitted *f, const struct rh_algorithm *a, int threads, uint64_t seed)
{
    test_host_init(&f->host, threads, seed);
    make_world(&f->host, &f->world);
    fit_model(&f->host, a, &f->world.train, &f->model);
    score_queries(&f->host, &f->model, f->world.query, USERS, 6, f->score);
}

static void release(struct fitted *f)
{
    test_model_release(&f->model);
    test_host_release(&f->host);
}

static struct fitted first, other;

static void check_repeats(const struct rh_algorithm *a)
{
    static const struct {
        int threads;
        const char *what;
    } again[] = { { 1, "first fit and again" },
                  { 2, "fit on one thread and two" },
                  { 5, "fit on one thread and five" } };
    fit_again(&first, a, 1, 8);
    for (size_t k = 0; k < sizeof again / sizeof *again; k++) {
        fit_again(&other, a, again[k].threads, 8);
        assert_same(first.score, other.score, USERS * ITEMS, again[k].what);
        release(&other);
    }
    fit_again(&other, a, 1, 9);
    bool same = memcmp(first.score, other.score, sizeof first.score) == 0;
    release(&other);
    release(&first);
    if (same != !(a->flags & RH_A_RANDOM))
        fail_msg("%s: the seed %s, against its flags", a->name, same ? "does not matter" : "matters");
}

static void fitting_repeats_bit_for_bit(void **state)
{
    (void)state;
    for_each_algorithm(check_repeats);
}

/* The same world with user u called order[u]. */
static struct rh_train rename_users(struct test_host *h, const struct rh_train *train, const int32_t *order)
{
    struct rh_domain *domain = rh_alloc(&h->own, (size_t)train->n_domains, sizeof *domain);
    for (int32_t d = 0; d < train->n_domains; d++) {
        const struct rh_domain *x = &train->domain[d];
        int64_t n = x->row[train->n_users];
        struct test_row *row = rh_alloc(&h->own, (size_t)n, sizeof *row);
        for (int32_t u = 0; u < train->n_users; u++)
            for (int64_t k = x->row[u]; k < x->row[u + 1]; k++)
                row[k] = (struct test_row){ order[u], x->item[k], x->value[k], x->time[k] };
        domain[d] = test_domain(h, x->name, train->n_users, x->n_items, row, n, TEST_VALUES | TEST_TIMES);
        domain[d].item_features = x->item_features;
    }
    struct test_cell cell[USERS];
    for (int32_t u = 0; u < USERS; u++)
        cell[u] = (struct test_cell){ order[u], train->user_features->col[train->user_features->row[u]], 1 };
    struct rh_features *user = rh_alloc(&h->own, 1, sizeof *user);
    *user = test_sparse(h, "group", USERS, GROUPS, cell, USERS, false);
    struct rh_train renamed = *train;
    renamed.domain = domain;
    renamed.user_features = user;
    return renamed;
}

/* Mean AUC over all users of their held-out items against the items that they have no row of. */
static double auc_of(const struct test_world *w, const float *score)
{
    double sum = 0;
    int64_t n = 0;
    for (int32_t u = 0; u < USERS; u++) {
        const struct rh_history *h = &w->query[u].history[w->train.target];
        enum { OTHER, RELEVANT, SEEN } kind[ITEMS] = { OTHER };
        for (int32_t k = 0; k < w->n_relevant[u]; k++)
            kind[w->relevant[u][k]] = RELEVANT;
        for (int32_t k = 0; k < h->n; k++)
            kind[h->item[k]] = SEEN;
        for (int32_t i = 0; i < ITEMS; i++)
            for (int32_t j = 0; j < ITEMS; j++)
                if (kind[i] == RELEVANT && kind[j] == OTHER) {
                    float x = score[u * ITEMS + i], y = score[u * ITEMS + j];
                    sum += x > y ? 1 : x < y ? 0 : 0.5;
                    n++;
                }
    }
    return sum / (double)n;
}

/* An algorithm that draws no random numbers does not care how users are numbered. (Ties between neighbours are broken
 * by number where a set is cut, so neighbour lists are left uncut here.) One that draws cannot give the same scores:
 * numbers are drawn for users in the order of their numbers (first vectors, the order of steps), so a user who is
 * called otherwise gets another one's draws. It must be as good, though: what belongs to one user and is taken for
 * another's shows. 0.15 is four times the spread of the AUC of 40 users over seeds. */
static void check_renaming(const struct rh_algorithm *a)
{
    static float renamed_score[USERS * ITEMS], back[USERS * ITEMS];
    fit_again(&first, a, 2, 8);
    struct test_host *h = &first.host;
    int32_t order[USERS];
    for (int32_t u = 0; u < USERS; u++)
        order[u] = u;
    struct rh_rng r = rh_stream(3, "order", "", 0);
    rh_rng_shuffle(&r, order, USERS);
    struct rh_train renamed = rename_users(h, &first.world.train, order);
    struct rh_query q[USERS];
    for (int32_t u = 0; u < USERS; u++) {
        q[order[u]] = first.world.query[u];
        q[order[u]].user = order[u];
    }
    struct test_model n;
    fit_model(h, a, &renamed, &n);
    score_queries(h, &n, q, USERS, 6, renamed_score);
    for (int32_t u = 0; u < USERS; u++)
        memcpy(back + u * ITEMS, renamed_score + order[u] * ITEMS, ITEMS * sizeof *back);
    double was = auc_of(&first.world, first.score), is = auc_of(&first.world, back);
    test_model_release(&n);
    if (!(a->flags & RH_A_RANDOM))
        assert_near(first.score, back, USERS * ITEMS, "users renamed");
    else if (fabs(was - is) > 0.15)
        fail_msg("%s: AUC %.3f, and %.3f when users are renamed", a->name, was, is);
    release(&first);
}

static void names_of_users_do_not_matter(void **state)
{
    (void)state;
    for_each_algorithm(check_renaming);
}

/* What is asked for is what is flagged: without ratings, times, features or sources an algorithm that does not need
 * them still works; one that needs them says so with a sentence, or is kept from it by the host. */
static void check_needs(const struct rh_algorithm *a)
{
    static float out[USERS * ITEMS];
    struct test_host h;
    test_host_init(&h, 2, 8);
    struct test_world w;
    make_world(&h, &w);
    struct rh_domain *domain = (struct rh_domain *)w.train.domain;
    for (int32_t d = 0; d < 2; d++) {
        if (!(a->flags & RH_A_NEEDS_VALUES)) {
            domain[d].value = NULL;
            domain[d].value_min = domain[d].value_max = 0;
        }
        if (!(a->flags & RH_A_NEEDS_TIME))
            domain[d].time = NULL;
    }
    if (!(a->flags & RH_A_NEEDS_ITEM_FEATURES))
        w.train.n_item_blocks = 0;
    if (!(a->flags & RH_A_NEEDS_USER_FEATURES))
        w.train.n_user_blocks = 0;
    if (!(a->flags & RH_A_NEEDS_SOURCES))
        w.train.n_domains = 1;
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t d = 0; d < w.train.n_domains; d++) {
            struct rh_history *x = (struct rh_history *)&w.query[u].history[d];
            x->value = domain[d].value ? x->value : NULL;
            x->time = domain[d].time ? x->time : NULL;
        }
    struct test_model m;
    fit_model(&h, a, &w.train, &m);
    score_queries(&h, &m, w.query, USERS, 6, out);
    test_model_release(&m);
    test_host_release(&h);
}

static void what_is_not_flagged_is_not_needed(void **state)
{
    (void)state;
    for_each_algorithm(check_needs);
}

/* -------------------------------------------------------------------------------------------- cold users and items */

#define COLD_ITEMS 4 /* the last ones: without a row in the target */

/* Takes the cold items out of the target's train rows and of all histories. */
static void cool_items(struct test_host *h, struct test_world *w)
{
    struct rh_domain *domain = (struct rh_domain *)w->train.domain;
    const struct rh_domain *x = &domain[w->train.target];
    int64_t n = x->row[USERS], kept = 0;
    struct test_row *row = rh_alloc(&h->own, (size_t)n, sizeof *row);
    for (int32_t u = 0; u < USERS; u++) {
        for (int64_t k = x->row[u]; k < x->row[u + 1]; k++)
            if (x->item[k] < ITEMS - COLD_ITEMS)
                row[kept++] = (struct test_row){ u, x->item[k], x->value[k], x->time[k] };
        struct rh_history *history = (struct rh_history *)&w->query[u].history[w->train.target];
        while (history->n && history->item[history->n - 1] >= ITEMS - COLD_ITEMS)
            history->n--;
    }
    const struct rh_features *features = x->item_features;
    domain[w->train.target] = test_domain(h, x->name, USERS, ITEMS, row, kept, TEST_VALUES | TEST_TIMES);
    domain[w->train.target].item_features = features;
    for (int32_t u = 0; u < WARM; u++) { /* the history of a warm user is the train row */
        const struct rh_domain *d = &domain[w->train.target];
        struct rh_history *history = (struct rh_history *)&w->query[u].history[w->train.target];
        int64_t k = d->row[u];
        *history = (struct rh_history){ (int32_t)(d->row[u + 1] - k), d->item + k, d->value + k, d->time + k };
    }
}

/* Do the scores of users [from, to) differ between items [first, last), or between users? */
static bool vary_by_item(const float *score, int32_t from, int32_t to, int32_t first_item, int32_t last)
{
    for (int32_t u = from; u < to; u++)
        for (int32_t i = first_item + 1; i < last; i++)
            if (score[u * ITEMS + i] != score[u * ITEMS + first_item])
                return true;
    return false;
}

static bool vary_by_user(const float *score, int32_t from, int32_t to)
{
    const float *x = score + from * ITEMS;
    for (int32_t u = from + 1; u < to; u++)
        for (int32_t i = 0; i < ITEMS; i++) /* order and not level: an offset of the user ranks nothing */
            for (int32_t j = 0; j < i; j++) {
                const float *y = score + u * ITEMS;
                if ((y[i] > y[j]) != (x[i] > x[j]))
                    return true;
            }
    return false;
}

/* Whoever says that cold ones are scored tells them apart as it does warm ones: cold users by their three items, cold
 * items by their features. Who does not say so gives them finite scores all the same. */
static void check_cold(const struct rh_algorithm *a)
{
    struct test_host h;
    struct test_world w;
    struct test_model m;
    static float score[USERS * ITEMS];
    test_host_init(&h, 2, 8);
    make_world(&h, &w);
    cool_items(&h, &w);
    fit_model(&h, a, &w.train, &m);
    score_queries(&h, &m, w.query, USERS, 6, score);
    int32_t warm_items = ITEMS - COLD_ITEMS;
    if (a->flags & RH_A_COLD_USERS) {
        if (vary_by_item(score, 0, WARM, 0, warm_items) && !vary_by_item(score, WARM, USERS, 0, warm_items))
            fail_msg("%s claims cold users, and gives them one score for every item", a->name);
        if (vary_by_user(score, 0, WARM) && !vary_by_user(score, WARM, USERS - 1)) /* the last has no items */
            fail_msg("%s claims cold users, and ranks for all of them alike", a->name);
    }
    if (a->flags & RH_A_COLD_ITEMS && vary_by_item(score, 0, WARM, 0, warm_items) &&
        !vary_by_item(score, 0, WARM, warm_items, ITEMS))
        fail_msg("%s claims cold items, and gives them all one score", a->name);
    test_model_release(&m);
    test_host_release(&h);
}

static void who_claims_cold_ones_tells_them_apart(void **state)
{
    (void)state;
    for_each_algorithm(check_cold);
}

/* ------------------------------------------------------------------------------------------------ going on */

/* Interrupted after an epoch and gone on from what was written: the same numbers as without. */
static void check_resuming_with(const struct rh_algorithm *a, const char *settings)
{
    static float whole[USERS * ITEMS], resumed[USERS * ITEMS], started[USERS * ITEMS], loaded[USERS * ITEMS];
    unsigned resuming = RH_FOR_STARTING | RH_FOR_RESUMING;
    struct rh_saved checkpoint, model;
    struct test_host h;
    test_host_init(&h, 2, 8);
    struct test_world w;
    make_world(&h, &w);
    struct test_model m, next, fresh = { .algorithm = a };
    double loss, again;
    if (test_fit(&h, a, settings, &w.train, 1, &m) < 0 || test_save(&h, &m, &w.train, resuming, &checkpoint) < 0 ||
        test_save(&h, &m, &w.train, RH_FOR_STARTING, &model) < 0 || a->epoch(&h.ctx, m.state, 2, &loss) < 0)
        fail_msg("%s: %s", a->name, h.error.text);
    test_host_scratch_back(&h);
    score_queries(&h, &m, w.query, USERS, 6, whole);
    h.purpose = RH_FOR_LOADING;
    if (test_fit(&h, a, settings, &w.train, 0, &next) < 0)
        fail_msg("%s: %s", a->name, h.error.text);
    if (test_load(&h, &next, &w.train, resuming, true, &checkpoint) < 0 ||
        a->epoch(&h.ctx, next.state, 2, &again) < 0)
        fail_msg("%s: %s", a->name, h.error.text);
    test_host_scratch_back(&h);
    score_queries(&h, &next, w.query, USERS, 6, resumed);
    assert_same(whole, resumed, USERS * ITEMS, "resumed");
    assert_memory_equal(&loss, &again, sizeof loss);
    test_model_release(&next);

    /* a start needs no memory of the optimiser; nor does a loaded model that only scores */
    h.purpose = RH_FOR_LOADING;
    if (test_fit(&h, a, settings, &w.train, 0, &next) < 0 ||
        test_load(&h, &next, &w.train, RH_FOR_STARTING, true, &model) < 0)
        fail_msg("%s: %s", a->name, h.error.text);
    score_queries(&h, &next, w.query, USERS, 6, started);
    fresh.params = m.params;
    fresh.state = rh_alloc(&h.run, a->state_size, 1);
    if (test_load(&h, &fresh, &w.train, 0, false, &model) < 0)
        fail_msg("%s: %s", a->name, h.error.text);
    score_queries(&h, &fresh, w.query, USERS, 6, loaded);
    assert_same(loaded, started, USERS * ITEMS, "loaded alone and over a fit");
    if (a->epoch(&h.ctx, next.state, 1, &again) < 0)
        fail_msg("%s: %s", a->name, h.error.text);
    rh_saved_release(&checkpoint);
    rh_saved_release(&model);
    test_model_release(&m);
    test_model_release(&next);
    test_model_release(&fresh);
    test_host_release(&h);
}

static void check_resuming(const struct rh_algorithm *a)
{
    if (a->flags & RH_A_RESUMES)
        check_resuming_with(a, NULL);
}

static void interrupted_training_goes_on(void **state)
{
    (void)state;
    for_each_algorithm(check_resuming);
}

/* What is remembered under settings that are not the default ones. */
static void interrupted_variants_go_on(void **state)
{
    (void)state;
    static const struct {
        const char *name, *settings;
    } variant[] = {
        { "adversarial", "objective = gan" },  { "adversarial", "objective = dann" },
        { "adversarial", "lipschitz = clip" }, { "emcdr", "map = mlp" },
        { "lightgcn", "layers = 0" },          { "ptupcdr", "loss = bpr" },
        { "metaemb", "own_from = 4" },
    };
    for (size_t k = 0; k < sizeof variant / sizeof *variant; k++)
        check_resuming_with(test_algorithm(variant[k].name), variant[k].settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fitting_repeats_bit_for_bit),
        cmocka_unit_test(names_of_users_do_not_matter),
        cmocka_unit_test(what_is_not_flagged_is_not_needed),
        cmocka_unit_test(who_claims_cold_ones_tells_them_apart),
        cmocka_unit_test(interrupted_training_goes_on),
        cmocka_unit_test(interrupted_variants_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
