/* What full-ranking evaluation costs beside the matrix product that makes the scores.
 *
 *     bench/evaluate [users items factors threads repeats]      default 6040 3706 64 1 9: the size of ml-1m
 *     bench/evaluate -q FILE.bin [threads [repeats [SET]]]      a file of bench/prepare.py; for bench/ratios.py
 *
 * Factors are random; each user has held out and masked items in numbers as in ml-1m (log-normal, 33 and 132 on
 * average). Metrics are taken at the cut-offs 5, 10, 20, 50 and 100. Product alone and evaluations alternate, because
 * machines drift; the medians and the medians of the ratios are printed. The floor of the evaluation is one read of the
 * scores from the cache. With -q users, items, rows and vectors come from the file, and SET (1: accuracy, the
 * default; 3: the best 100 in order too) is evaluated alone. */
#include "base/log.h"
#include "base/parallel.h"
#include "base/stream.h"
#include "bench/data.h"
#include "eval/evaluate.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_REPEATS 101

struct bench {
    int32_t users, items, factors;
    int threads;
    const float *user, *item; /* [users x factors], [items x factors] */
    struct rh_queries queries;
    struct rh_arena arena;
    struct rh_error err;
    int32_t rows; /* of a tile, as rh_evaluate takes them */
    size_t stride;
    float **tile; /* [threads] */
    int32_t *popularity; /* [items] */
};

static void product(const struct bench *b, int32_t first, int32_t n, float *out, size_t stride)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, b->items, b->factors, 1,
                b->user + (size_t)first * (size_t)b->factors, b->factors, b->item, b->factors, 0, out, (int)stride);
}

static int score(void *arg, int thread, const struct rh_query *query, int32_t n, float *out, size_t stride,
                 struct rh_error *err)
{
    struct bench *b = arg;
    (void)thread;
    (void)err;
    product(b, query[0].user, n, out, stride);
    return RH_OK;
}

static int product_body(void *arg, int thread, int64_t begin, int64_t end)
{
    struct bench *b = arg;
    product(b, (int32_t)begin, (int32_t)(end - begin), b->tile[thread], b->stride);
    return RH_OK;
}

/* A random subset of about `count` items, ascending; every item with the same chance. */
static int32_t *draw_items(struct bench *b, struct rh_rng *rng, double count, int32_t *n)
{
    int32_t *item = malloc((size_t)b->items * sizeof *item);
    int32_t *kept = NULL;
    double chance = count / b->items;
    *n = 0;
    for (int32_t i = 0; item && i < b->items; i++)
        if (rh_rng_uniform(rng) < chance)
            item[(*n)++] = i;
    if (item)
        kept = rh_arena_copy(&b->arena, item, (size_t)*n, sizeof *item);
    free(item);
    return kept;
}

static bool make_queries(struct bench *b)
{
    struct rh_query *query = rh_alloc(&b->arena, (size_t)b->users, sizeof *query);
    struct rh_truth *truth = rh_alloc(&b->arena, (size_t)b->users, sizeof *truth);
    b->queries = (struct rh_queries){ b->users, query, truth };
    b->popularity = rh_alloc(&b->arena, (size_t)b->items, sizeof *b->popularity);
    for (int32_t i = 0; b->popularity && i < b->items; i++)
        b->popularity[i] = i + 1;
    for (int32_t u = 0; query && truth && u < b->users; u++) {
        struct rh_rng rng = rh_stream(7, "bench", "queries", (uint64_t)u);
        double activity = exp(0.9 * rh_rng_normal(&rng) - 0.405); /* mean 1 */
        query[u] = (struct rh_query){ .user = u, .n_candidates = b->items };
        truth[u].item = draw_items(b, &rng, 33 * activity, &truth[u].n);
        truth[u].mask = draw_items(b, &rng, 132 * activity, &truth[u].n_mask);
        float *value = rh_alloc(&b->arena, (size_t)truth[u].n, sizeof *value);
        truth[u].value = value;
        if (!truth[u].item || !truth[u].mask || !value || !b->popularity)
            return false;
        for (int32_t i = 0; i < truth[u].n; i++)
            value[i] = (float)(1 + rh_rng_below(&rng, 5));
    }
    return query && truth;
}

static bool make_factors(struct bench *b)
{
    size_t n_user = (size_t)b->users * (size_t)b->factors, n_item = (size_t)b->items * (size_t)b->factors;
    struct rh_rng rng = rh_stream(7, "bench", "factors", 0);
    float *user = rh_alloc(&b->arena, n_user, sizeof *user), *item = rh_alloc(&b->arena, n_item, sizeof *item);
    for (size_t i = 0; user && i < n_user; i++)
        user[i] = (float)rh_rng_normal(&rng);
    for (size_t i = 0; item && i < n_item; i++)
        item[i] = (float)rh_rng_normal(&rng);
    b->user = user;
    b->item = item;
    return user && item;
}

/* What is asked for: which metrics, from small to large. */
struct asked {
    const char *what, *name[16];
    size_t n;
};
static const struct asked sets[] = {
    { "ndcg@10 alone", { "ndcg@10" }, 1 },
    { "accuracy", { "ndcg", "dcg", "recall", "precision", "f1", "hit", "mrr", "map", "r_precision", "auc", "gauc" },
      11 },
    { "accuracy, graded gains too", { "ndcg", "dcg", "recall", "precision", "f1", "hit", "mrr", "map", "r_precision",
                                      "auc", "gauc", "ndcg/gain=exp" }, 12 },
    { "accuracy and what is recommended", { "ndcg", "dcg", "recall", "precision", "f1", "hit", "mrr", "map",
                                            "r_precision", "auc", "gauc", "coverage", "gini", "entropy", "popularity",
                                            "novelty" }, 16 },
};
enum { SETS = sizeof sets / sizeof *sets };

static int evaluate(struct bench *b, const struct asked *asked, double *seconds)
{
    static const int32_t cutoffs[] = { 5, 10, 20, 50, 100 };
    struct rh_arena a = { 0 };
    struct rh_scorer scorer = { score, b, false };
    struct rh_metric_world world = { "made", b->items, b->users, b->users, b->popularity, 0, NULL, NULL };
    struct rh_eval_options options = { .threads = b->threads, .relevant_from = -INFINITY, .world = &world };
    struct rh_metric_use *use;
    struct rh_evaluation out;
    int32_t n;
    int status = rh_metrics_expand(&a, asked->name, asked->n, cutoffs, 5, &use, &n, &b->err);
    double begin = rh_now();
    if (status == RH_OK)
        status = rh_evaluate(&a, &b->queries, b->items, use, n, &scorer, &options, &out, &b->err);
    *seconds = rh_now() - begin;
    rh_arena_release(&a);
    return status;
}

static bool make_tiles(struct bench *b)
{
    b->rows = rh_evaluate_rows(b->items);
    b->stride = ((size_t)b->items + 15) & ~(size_t)15;
    b->tile = rh_alloc(&b->arena, (size_t)b->threads, sizeof *b->tile);
    for (int t = 0; b->tile && t < b->threads; t++) {
        b->tile[t] = rh_alloc(&b->arena, (size_t)b->rows * b->stride, sizeof **b->tile);
        if (!b->tile[t])
            return false;
    }
    return b->tile;
}

static int smaller_first(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, smaller_first);
    return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

static int run(struct bench *b, int repeats)
{
    double alone[MOST_REPEATS], whole[SETS][MOST_REPEATS], ratio[SETS][MOST_REPEATS], warm;
    if (!make_factors(b) || !make_queries(b) || !make_tiles(b))
        return rh_fail_memory(&b->err, "made factors, queries and tiles", b->arena.used);
    RH_TRY(evaluate(b, &sets[0], &warm));
    for (int r = 0; r < repeats; r++) {
        double begin = rh_now();
        RH_TRY(rh_loop(b->threads, b->users, b->rows, product_body, b));
        alone[r] = rh_now() - begin;
        for (int k = 0; k < SETS; k++) {
            RH_TRY(evaluate(b, &sets[k], &whole[k][r]));
            ratio[k][r] = whole[k][r] / alone[r];
        }
    }
    double scores = (double)b->users * b->items, product_time = median(alone, repeats);
    printf("evaluation of %d users x %d items, %d factors, %d threads, batches of %d, %d repeats\n", b->users,
           b->items, b->factors, b->threads, b->rows, repeats);
    printf("  %-34s %8.4f s  %6.1f GFLOP/s\n", "product alone", product_time,
           2e-9 * scores * b->factors / product_time);
    for (int k = 0; k < SETS; k++) {
        double time = median(whole[k], repeats);
        printf("  %-34s %8.4f s  %6.2f ns a score beside the product  ratio %5.2f\n", sets[k].what, time,
               1e9 * (time - product_time) / scores, median(ratio[k], repeats));
    }
    return RH_OK;
}

/* Queries and factors of a file: the train rows are masked, the test rows are asked. */
static bool take_data(struct bench *b, const struct bench_data *d)
{
    const struct rh_domain *train = &d->part[BENCH_TRAIN], *test = &d->part[BENCH_TEST];
    b->users = d->n_users;
    b->items = d->n_items;
    b->factors = d->factors;
    b->user = d->user;
    b->item = d->item;
    struct rh_query *query = rh_alloc(&b->arena, (size_t)b->users, sizeof *query);
    struct rh_truth *truth = rh_alloc(&b->arena, (size_t)b->users, sizeof *truth);
    b->popularity = rh_alloc(&b->arena, (size_t)b->items, sizeof *b->popularity);
    if (!query || !truth || !b->popularity)
        return false;
    for (int64_t k = 0; k < train->row[b->users]; k++)
        b->popularity[train->item[k]]++;
    for (int32_t u = 0; u < b->users; u++) {
        int64_t of_test = test->row[u], of_train = train->row[u];
        query[u] = (struct rh_query){ .user = u, .n_candidates = b->items };
        truth[u] = (struct rh_truth){ .n = (int32_t)(test->row[u + 1] - of_test), .item = test->item + of_test,
                                      .value = test->value + of_test,
                                      .n_mask = (int32_t)(train->row[u + 1] - of_train),
                                      .mask = train->item + of_train };
    }
    b->queries = (struct rh_queries){ b->users, query, truth };
    return true;
}

static int run_file(const char *path, int threads, int repeats, int set)
{
    struct bench b = { .threads = threads };
    struct bench_data data;
    double wall[MOST_REPEATS], cpu[MOST_REPEATS];
    if (!bench_data_open(path, &data) || !take_data(&b, &data)) {
        fprintf(stderr, "bench/evaluate: %s is no file of bench/prepare.py\n", path);
        return RH_EIO;
    }
    int status = RH_OK;
    for (int r = 0; r < repeats && status >= 0; r++) {
        double begin = bench_cpu();
        status = evaluate(&b, &sets[set], &wall[r]);
        cpu[r] = bench_cpu() - begin;
    }
    if (status < 0)
        fprintf(stderr, "bench/evaluate: %s\n", b.err.text);
    else
        printf("seconds %.4f cpu %.4f peak %.0f\n", median(wall, repeats), median(cpu, repeats), bench_peak());
    rh_arena_release(&b.arena);
    return status;
}

int main(int argc, char **argv)
{
    openblas_set_num_threads(1);
    if (argc > 2 && !strcmp(argv[1], "-q")) {
        int64_t given[] = { 1, 1, 1 };
        for (int i = 3; i < argc && i < 6; i++)
            if (!rh_parse_int(argv[i], &given[i - 3]) || given[i - 3] < 1 || given[i - 3] > MOST_REPEATS)
                return 2;
        return run_file(argv[2], (int)given[0], (int)given[1], given[2] < SETS ? (int)given[2] : 1) < 0;
    }
    int64_t value[] = { 6040, 3706, 64, 1, 9 };
    for (int i = 1; i < argc; i++)
        if (i > 5 || !rh_parse_int(argv[i], &value[i - 1]) || value[i - 1] < 1 || value[i - 1] > 10000000) {
            fprintf(stderr, "usage: %s [users items factors threads repeats]\n", argv[0]);
            return 2;
        }
    int repeats = value[4] > MOST_REPEATS ? MOST_REPEATS : (int)value[4];
    struct bench b = { .users = (int32_t)value[0], .items = (int32_t)value[1], .factors = (int32_t)value[2],
                       .threads = (int)value[3] };
    int status = run(&b, repeats);
    if (status < 0)
        fprintf(stderr, "%s: %s\n", argv[0], b.err.text);
    rh_arena_release(&b.arena);
    return status < 0;
}
