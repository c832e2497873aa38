#include "storeworld.h"

#include <math.h>
#include <stdio.h>

enum { QUERIES = 40 };

static const char *const names[] = { "random", "popularity", "itemknn", "userknn", "content", "direct", "adversarial",
                                     "adversarial", "adversarial", "pretrain", "maml", "maml" };
static const char *const labels[] = { "random",
                                      "popularity",
                                      "itemknn neighbors=20",
                                      "userknn",
                                      "content",
                                      "direct",
                                      "adversarial objective=wasserstein",
                                      "adversarial objective=gan",
                                      "adversarial objective=dann",
                                      "pretrain",
                                      "maml order=first",
                                      "maml order=second" };

double world_value(int a, int k, int f, int q)
{
    double level = 0.023 + 0.017 * a + 0.009 * k * (a > 1);
    return level * (1 + 0.01 * ((37 * q + 11 * a + 53 * f) % 101 - 50)); /* no libm: the same bits everywhere */
}

static int put_run(struct rh_store *s, int64_t experiment, int64_t problem, int position, int a, int k, int f,
                   struct rh_error *err)
{
    char identity[64];
    double ndcg[QUERIES], rmse[QUERIES], sum = 0, squares = 0;
    int defined = 0;
    for (int q = 0; q < QUERIES; q++) {
        ndcg[q] = world_value(a, k, f, q);
        sum += ndcg[q];
        rmse[q] = q % 3 && a > 1 && a < 5 ? 1.5 - ndcg[q] : NAN;
        if (!isnan(rmse[q])) {
            squares += rmse[q] * rmse[q];
            defined++;
        }
    }
    const struct rh_metric_row metric[] = {
        { "ndcg@10", "ndcg@10/gain=bin/ideal=min", false, sum / QUERIES, QUERIES, ndcg },
        { "auc", "auc/ties=half", false, 0.5 + sum / QUERIES, QUERIES, NULL },
        { "rmse", "rmse", true, defined ? sqrt(squares / defined) : NAN, defined,
          rmse }, /* not the mean over users */
    };
    const struct rh_key_value param[] = { { "neighbors", "20", true }, { "seed_word", "a,\"b\"", false } };
    static const struct rh_epoch_row curve[] = { { 1, 0.693, 0.04, 0.1, false }, { 2, 0.512, 0.05, 0.1, true } };
    static const struct rh_key_value provenance[] = { { "version", "0.1.0", false }, { "blas", "OpenBLAS", false } };
    struct rh_run_row r = { .identity = identity, .algorithm = names[a], .label = labels[a], .revision = 1, .seed = 7,
                            .param = param, .n_params = 2, .metric = metric, .n_metrics = 3, .n_queries = QUERIES,
                            .epoch = curve, .n_epochs = 2,
                            .wall_seconds = 0.25 + a, .cpu_seconds = 0.2 + a, .threads = 1, .provenance = provenance,
                            .n_provenance = 2 };
    snprintf(identity, sizeof identity, "run-%d-%d-%d", a, k, f);
    if (a == 3 || (a == 2 && f == 1)) {
        r.status = RH_ENUMERIC;
        r.message = "the loss became infinite in epoch 3, try a smaller rate";
        r.n_metrics = 0;
    }
    return rh_store_put_run(s, experiment, problem, position, &r, err);
}

static int put_problem(struct rh_store *s, int64_t experiment, int position, int k, int f, int64_t *problem,
                       struct rh_error *err)
{
    char identity[64], label[64], value[16], users[QUERIES][16];
    const char *user[QUERIES];
    snprintf(value, sizeof value, "%d", k);
    const struct rh_key_value setting[] = { { "split.k", value, k > 0 }, { "made.dataset", "synthetic", false } };
    struct rh_problem_row p = { .identity = identity, .name = k ? "cold" : "warm", .label = label, .target = "books",
                                .sources = k ? "movies" : "", .split = k ? "cold_users" : "leave_one_out", .fold = f,
                                .setting = setting, .n_settings = k ? 2 : 0 };
    snprintf(identity, sizeof identity, "problem-%d-%d", k, f);
    snprintf(label, sizeof label, k ? "cold k=%d" : "warm", k);
    RH_TRY(rh_store_problem(s, experiment, position, &p, problem, err));
    for (int q = 0; q < QUERIES; q++) {
        snprintf(users[q], sizeof users[q], "u%d", q + f * QUERIES / 2); /* half of the users are in both folds */
        user[q] = users[q];
    }
    static const struct rh_removed_row removed[] = { { "books", "value >= 4", 1904, 12, 3 } };
    struct rh_problem_facts facts = { .content = identity,
                                      .users = 1200,
                                      .items = 345,
                                      .train_rows = 34567,
                                      .source_rows = k ? 81234 : 0,
                                      .test_rows = 67,
                                      .test_queries = QUERIES,
                                      .cold_users = k ? QUERIES : 0,
                                      .shared_users = k ? 600 : 0,
                                      .leak = { { "test rows older than a train row of their user", k == 1 ? 3 : 0,
                                                  67 },
                                                { "test items in a visible history", 0, 67 } },
                                      .n_leaks = 2,
                                      .removed = removed,
                                      .n_removed = 1,
                                      .query_user = user };
    return rh_store_problem_facts(s, *problem, &facts, err);
}

int world_fill(struct rh_store *s, int algorithms, struct rh_error *err)
{
    static const struct { int k, f; } problems[] = { { 1, 0 }, { 5, 0 }, { 10, 0 }, { 0, 0 }, { 0, 1 } };
    static const struct rh_experiment_row e = { .name = "made", .title = "A made experiment", .ini = "[experiment]\n",
                                                .primary_metric = "ndcg@10" };
    static const struct rh_plot_row plots[] = {
        { "accuracy", "Accuracy by problem", "bars", "algorithm", "ndcg@10", "problem" },
        { "support", "", "lines", "k", "ndcg@10", "algorithm" },
    };
    int64_t experiment, problem;
    RH_TRY(rh_store_begin_experiment(s, &e, plots, 2, &experiment, err));
    int position = 0;
    for (int i = 0; i < 5; i++) {
        RH_TRY(put_problem(s, experiment, i, problems[i].k, problems[i].f, &problem, err));
        for (int a = 0; a < algorithms; a++)
            RH_TRY(put_run(s, experiment, problem, position++, a, problems[i].k, problems[i].f, err));
    }
    return RH_OK;
}
