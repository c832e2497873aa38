/* Leakage is measured, not assumed: what of the future, or of the answer, lies in what a model may see. Rows of
 * unknown time take no part in the counts of time. (Ji, Sun, Zhang and Li, "A critical study on data leakage in
 * recommender system offline evaluation", ACM TOIS 41(3), 2023, show what such rows do to the numbers.) */
#include "base/sort.h"
#include "split/build.h"

#include <string.h>

/* The known ones of n times as ascending keys. */
static int known_times(struct rh_build *b, const int64_t *time, const uint8_t *label, uint8_t part, int64_t n,
                       uint64_t **key, int64_t *n_key, struct rh_error *err)
{
    int64_t known = 0;
    for (int64_t r = 0; r < n; r++)
        known += time[r] != RH_NO_TIME && (!label || label[r] == part);
    uint64_t *k = rh_build_alloc(&b->work, (size_t)known, sizeof *k, "sorted times", err);
    struct rh_arena_mark mark = rh_arena_mark(&b->work);
    uint64_t *room = rh_build_alloc(&b->work, (size_t)known, sizeof *room, "sorted times", err);
    if (!k || !room)
        return RH_ENOMEM;
    known = 0;
    for (int64_t r = 0; r < n; r++)
        if (time[r] != RH_NO_TIME && (!label || label[r] == part))
            k[known++] = rh_sort_key(time[r]);
    rh_sort_u64(k, room, (size_t)known);
    rh_arena_rewind(&b->work, mark);
    *key = k;
    *n_key = known;
    return RH_OK;
}

/* All pairs of a test row and a train row, exactly: for each train row the test rows before it. */
static int future_pairs(struct rh_build *b, struct rh_leakage *l, struct rh_error *err)
{
    const struct rh_domain *view = &b->view[0];
    uint64_t *test, *train;
    int64_t n_test, n_train;
    if (!view->time)
        return RH_OK;
    struct rh_arena_mark mark = rh_arena_mark(&b->work);
    RH_TRY(known_times(b, b->domain[0]->time, b->label[0], RH_TEST, b->domain[0]->n_rows, &test, &n_test, err));
    RH_TRY(known_times(b, view->time, NULL, 0, view->row[b->p->train.n_users], &train, &n_train, err));
    l->future_pairs_sampled = n_test * n_train;
    for (int64_t i = 0, before = 0; i < n_train; i++) {
        while (before < n_test && test[before] < train[i])
            before++;
        l->future_pairs += before;
    }
    rh_arena_rewind(&b->work, mark);
    return RH_OK;
}

/* Items that two ascending lists share. */
static int64_t common(const int32_t *x, int32_t n, const int32_t *y, int32_t m)
{
    int64_t both = 0;
    for (int32_t i = 0, j = 0; i < n && j < m;) {
        if (x[i] == y[j])
            both++;
        if (x[i] <= y[j])
            i++;
        else
            j++;
    }
    return both;
}

/* What the rows of one target user give away. */
static void look_at_user(const struct rh_build *b, int32_t u, struct rh_leakage *l)
{
    const struct rh_domain_data *target = b->domain[0];
    int64_t newest_train = INT64_MIN, first_test = INT64_MAX, train = 0;
    bool cold = false;
    for (int64_t r = target->row[u]; r < target->row[u + 1]; r++) {
        uint8_t part = b->label[0][r];
        int64_t t = target->time ? target->time[r] : RH_NO_TIME;
        train += part == RH_TRAIN;
        l->test_rows += part == RH_TEST;
        cold |= part == RH_SUPPORT || part == RH_VALIDATION_SUPPORT;
        if (t == RH_NO_TIME)
            continue;
        if (part == RH_TRAIN && t > newest_train)
            newest_train = t;
        if (part == RH_TEST && t < first_test)
            first_test = t;
    }
    l->train_rows += train;
    if (cold && !b->spec->split->warm_support && b->spec->asking->train_core <= 1)
        l->cold_user_train_rows += train;
    if (first_test == INT64_MAX)
        return;
    for (int64_t r = target->row[u]; r < target->row[u + 1]; r++)
        l->test_rows_before_train += b->label[0][r] == RH_TEST && target->time[r] != RH_NO_TIME &&
                                     target->time[r] < newest_train;
    for (int32_t d = 1; d < b->n_domains; d++) {
        const struct rh_domain *source = &b->view[d];
        for (int64_t r = source->row[u]; source->time && r < source->row[u + 1]; r++)
            l->future_source_rows += source->time[r] != RH_NO_TIME && source->time[r] > first_test;
    }
}

int rh_build_leakage(struct rh_build *b, struct rh_error *err)
{
    struct rh_leakage *l = &b->p->leakage;
    for (int32_t u = 0; u < b->domain[0]->n_users; u++)
        look_at_user(b, u, l);
    for (int32_t i = 0; i < b->p->test.n; i++) {
        const struct rh_history *seen = &b->p->test.query[i].history[0];
        int64_t hits = common(b->p->test.truth[i].item, b->p->test.truth[i].n, seen->item, seen->n);
        const int64_t *row = b->view[0].row + b->p->test.query[i].user;
        l->mask_hits += hits;
        l->support_hits += seen->n > row[1] - row[0] ? hits : 0;
    }
    RH_TRY(rh_build_duplicates(b, err));
    return future_pairs(b, l, err);
}
