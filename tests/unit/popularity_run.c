/* A popularity ranking of MovieLens 100K, evaluated here and by trec_eval (tests/oracle/ml100k_popularity.py). Needs
 * the real data: skipped where HARNESS_DATA is not set. */
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

struct popularity {
    float score[ITEMS];
    struct rh_query query[USERS];
    struct rh_truth truth[USERS];
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

static void build(struct popularity *p, char *data)
{
    static uint8_t rating[USERS][ITEMS];
    char *rest;
    for (char *line = strtok_r(data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        int user, item, value;
        assert_int_equal(sscanf(line, "%d %d %d", &user, &item, &value), 3);
        rating[user - 1][item - 1] = (uint8_t)value;
    }
    for (int32_t i = 0; i < ITEMS; i++)
        p->score[i] = (float)(i + 1) / 4096;
    for (int32_t u = 0; u < USERS; u++) {
        struct rh_truth *t = &p->truth[u];
        p->query[u] = (struct rh_query){ .user = u, .n_candidates = ITEMS };
        *t = (struct rh_truth){ .item = p->item[u], .value = p->value[u], .mask = p->mask[u] };
        for (int32_t i = 0; i < ITEMS; i++) {
            if (!rating[u][i])
                continue;
            if ((31 * (u + 1) + 17 * (i + 1)) % 5) {
                p->mask[u][t->n_mask++] = i;
                p->score[i]++;
            } else {
                p->value[u][t->n] = rating[u][i];
                p->item[u][t->n++] = i;
            }
        }
    }
}

static int score(void *arg, int thread, const struct rh_query *query, int32_t n, float *out, size_t stride,
                 struct rh_error *err)
{
    const struct popularity *p = arg;
    (void)thread;
    (void)query;
    (void)err;
    for (int32_t i = 0; i < n; i++)
        memcpy(out + (size_t)i * stride, p->score, sizeof p->score);
    return RH_OK;
}

static void popularity_means_equal_trec_eval(void **state)
{
    (void)state;
    const char *data = getenv("HARNESS_DATA"), *source = getenv("HARNESS_SOURCE");
    static const struct {
        const char *there, *here;
    } names[] = {
        { "P_5", "precision@5" },    { "P_10", "precision@10" },   { "P_50", "precision@50" },
        { "recall_5", "recall@5" },  { "recall_10", "recall@10" }, { "recall_50", "recall@50" },
        { "ndcg_cut_5", "ndcg@5" },  { "ndcg_cut_10", "ndcg@10" }, { "ndcg_cut_50", "ndcg@50" },
        { "success_5", "hit@5" },    { "success_10", "hit@10" },   { "success_50", "hit@50" },
        { "ndcg", "ndcg@all" },      { "map", "map@all" },         { "recip_rank", "mrr" },
        { "auc", "auc" },
    };
    enum { N = sizeof names / sizeof *names };
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    struct popularity *p = rh_alloc(&a, 1, sizeof *p);
    assert_non_null(p);
    build(p, read_text(&a, data, "ml-100k/u.data"));
    const char *wanted[N];
    for (int i = 0; i < N; i++)
        wanted[i] = names[i].here;
    struct rh_metric_use *use;
    int32_t n;
    assert_int_equal(rh_metrics_expand(&a, wanted, N, NULL, 0, &use, &n, &err), RH_OK);
    struct rh_queries queries = { USERS, p->query, p->truth };
    struct rh_scorer scorer = { score, p, false };
    struct rh_eval_options options = { .threads = 2, .relevant_from = 4 };
    struct rh_evaluation out;
    assert_int_equal(rh_evaluate(&a, &queries, ITEMS, use, n, &scorer, &options, &out, &err), RH_OK);
    assert_int_equal(out.tied, 0);

    int compared = 0;
    char *rest, *expected = read_text(&a, source ? source : ".", "tests/oracle/ml100k_popularity.expected");
    for (char *line = strtok_r(expected, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char measure[32];
        double want;
        assert_int_equal(sscanf(line, "%31s %lf", measure, &want), 2);
        if (!strcmp(measure, "users"))
            assert_int_equal(USERS - out.no_relevant, (int)want);
        for (int i = 0; i < N; i++)
            if (!strcmp(measure, names[i].there)) {
                if (!(fabs(out.mean[i] - want) <= 1e-9))
                    fail_msg("%s: got %.17g, trec_eval has %.17g", names[i].here, out.mean[i], want);
                compared++;
            }
    }
    assert_int_equal(compared, N);
    rh_arena_release(&a);
}

int main(void)
{
    if (!getenv("HARNESS_DATA")) { /* the plan of TAP itself: cmocka calls a skipped test "not ok" */
        puts("1..0 # SKIP HARNESS_DATA is not set");
        return 0;
    }
    const struct CMUnitTest tests[] = { cmocka_unit_test(popularity_means_equal_trec_eval) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
