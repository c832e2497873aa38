/* A personal ranking of MovieLens 100K, measured here and by ranx, RecTools, LensKit and scikit-learn
 * (tests/oracle/ml100k_lists.py). Needs the real data: skipped where HARNESS_DATA is not set. */
#include "base/file.h"
#include "eval/evaluate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USERS 943
#define ITEMS 1682
#define GENRES 19
#define MOST_VALUES 128

struct ranking {
    uint8_t rating[USERS][ITEMS];
    float score[USERS][ITEMS];
    int32_t popularity[ITEMS];
    int32_t together[ITEMS][ITEMS]; /* users with both in train */
    float genre[ITEMS][GENRES];
    struct rh_query query[USERS];
    struct rh_truth truth[USERS];
    struct rh_history history[USERS];
    int32_t item[USERS][ITEMS], mask[USERS][ITEMS];
    float value[USERS][ITEMS];
};

static char *read_text(struct rh_arena *a, const char *folder, const char *name)
{
    struct rh_error err = { 0 };
    char *bytes;
    size_t n;
    if (rh_read_file(a, rh_path_join(a, folder, name), &bytes, &n, &err) < 0)
        fail_msg("%s", err.text);
    return bytes;
}

static void read_data(struct ranking *r, struct rh_arena *a, const char *folder)
{
    char *rest;
    for (char *line = strtok_r(read_text(a, folder, "ml-100k/u.data"), "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        int user, item, value;
        assert_int_equal(sscanf(line, "%d %d %d", &user, &item, &value), 3);
        r->rating[user - 1][item - 1] = (uint8_t)value;
    }
    for (char *line = strtok_r(read_text(a, folder, "ml-100k/u.item"), "\r\n", &rest); line;
         line = strtok_r(NULL, "\r\n", &rest)) {
        long item = strtol(line, NULL, 10);
        size_t n = strlen(line);
        assert_true(item >= 1 && item <= ITEMS && n > 2 * GENRES);
        for (size_t g = 0; g < GENRES; g++) /* "|0|1|0" at the end */
            r->genre[item - 1][g] = line[n - 2 * GENRES + 2 * g + 1] == '1';
    }
}

struct counted {
    int64_t together;
    int32_t item;
};
static int best_first(const void *a, const void *b)
{
    const struct counted *x = a, *y = b;
    if (x->together != y->together)
        return x->together < y->together ? 1 : -1;
    return x->item < y->item ? 1 : -1;
}

static void rank_user(struct ranking *r, int32_t u)
{
    const struct rh_truth *t = &r->truth[u];
    struct counted list[ITEMS];
    int32_t n = 0, m = 0;
    for (int32_t i = 0; i < ITEMS; i++) {
        if (m < t->n_mask && t->mask[m] == i) {
            m++;
            continue;
        }
        list[n] = (struct counted){ 0, i };
        for (int32_t j = 0; j < t->n_mask; j++)
            list[n].together += r->together[i][t->mask[j]];
        n++;
    }
    qsort(list, (size_t)n, sizeof *list, best_first);
    for (int32_t i = 0; i < n; i++)
        r->score[u][list[i].item] = -(float)(i + 1) / 256;
}

static void build(struct ranking *r)
{
    for (int32_t u = 0; u < USERS; u++) {
        struct rh_truth *t = &r->truth[u];
        *t = (struct rh_truth){ .item = r->item[u], .value = r->value[u], .mask = r->mask[u] };
        for (int32_t i = 0; i < ITEMS; i++) {
            if (!r->rating[u][i])
                continue;
            if ((31 * (u + 1) + 17 * (i + 1)) % 5) {
                r->mask[u][t->n_mask++] = i;
                r->popularity[i]++;
            } else {
                r->value[u][t->n] = r->rating[u][i];
                r->item[u][t->n++] = i;
            }
        }
        for (int32_t i = 0; i < t->n_mask; i++)
            for (int32_t j = 0; j < t->n_mask; j++)
                r->together[t->mask[i]][t->mask[j]]++;
        r->history[u] = (struct rh_history){ .n = t->n_mask, .item = t->mask };
        r->query[u] = (struct rh_query){ .user = u, .history = &r->history[u], .n_candidates = ITEMS };
    }
    for (int32_t u = 0; u < USERS; u++)
        rank_user(r, u);
}

static int score(void *arg, int thread, const struct rh_query *query, int32_t n, float *out, size_t stride,
                 struct rh_error *err)
{
    const struct ranking *r = arg;
    (void)thread;
    (void)err;
    for (int32_t i = 0; i < n; i++)
        memcpy(out + (size_t)i * stride, r->score[query[i].user], sizeof *r->score);
    return RH_OK;
}

static void other_programs_agree(void **state)
{
    (void)state;
    const char *source = getenv("HARNESS_SOURCE");
    static const char *const block_name[] = { "genre" };
    static char id[MOST_VALUES][64];
    const char *ids[MOST_VALUES];
    double want[MOST_VALUES];
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    struct ranking *r = rh_alloc(&a, 1, sizeof *r);
    size_t n = 0;
    assert_non_null(r);
    read_data(r, &a, getenv("HARNESS_DATA"));
    build(r);
    char *rest, *expected = read_text(&a, source ? source : ".", "tests/oracle/ml100k_lists.expected");
    for (char *line = strtok_r(expected, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), n++) {
        assert_true(n < MOST_VALUES);
        assert_int_equal(sscanf(line, "%63s %lf", id[n], &want[n]), 2);
        ids[n] = id[n];
    }
    assert_true(n >= 70);
    struct rh_metric_use *use;
    int32_t n_use;
    if (rh_metrics_expand(&a, ids, n, NULL, 0, &use, &n_use, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(n_use, n);
    struct rh_features block = { .name = "genre", .n_rows = ITEMS, .n_cols = GENRES, .dense = &r->genre[0][0] };
    struct rh_metric_world world = { "movies", ITEMS, USERS, 0, r->popularity, 1, block_name, &block };
    struct rh_queries queries = { USERS, r->query, r->truth };
    struct rh_scorer scorer = { score, r, false };
    struct rh_eval_options options = { .threads = 2, .relevant_from = 4, .world = &world };
    struct rh_evaluation out;
    if (rh_evaluate(&a, &queries, ITEMS, use, n_use, &scorer, &options, &out, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(out.tied, 0);
    int different = 0;
    for (size_t i = 0; i < n; i++)
        if (!(fabs(out.mean[i] - want[i]) <= 1e-9 * fmax(1, fabs(want[i])))) {
            print_message("%s: got %.17g, not %.17g\n", id[i], out.mean[i], want[i]);
            different++;
        }
    assert_int_equal(different, 0);
    rh_arena_release(&a);
}

int main(void)
{
    if (!getenv("HARNESS_DATA")) { /* the plan of TAP itself: cmocka calls a skipped test "not ok" */
        puts("1..0 # SKIP HARNESS_DATA is not set");
        return 0;
    }
    const struct CMUnitTest tests[] = { cmocka_unit_test(other_programs_agree) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
