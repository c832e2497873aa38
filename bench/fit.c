/* The time that an algorithm takes to fit, for an epoch if it learns in epochs, and to score every item for every user.
 *
 *     bench/fit [-q] [ALGORITHM [FILE [threads [repeats [setting=value ...]]]]]
 *
 * Without arguments: itemknn on generated data, 1 and 2 threads, 7 repeats.
 *
 * FILE is a PREFIX.bin of bench/prepare.py, or has lines "user item rating" (numbers from 0, blanks between them); "-"
 * is the generated data, in the shape of MovieLens 1M: 6,040 users, 3,706 items, some 0.8 million interactions. With -q
 * nothing is scored, and one line of numbers is printed for bench/ratios.py. Times of a shared machine are no claim;
 * ratios of runs in alternation are. */
#include "base/log.h"
#include "base/param.h"
#include "base/parallel.h"
#include "base/stream.h"
#include "base/text.h"
#include "bench/data.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_REPEATS 101
#define BATCH 32 /* queries */

struct rows {
    int32_t n_users, n_items;
    int64_t n, capacity;
    int32_t *user, *item; /* [n] */
    float *value;         /* [n] */
};

static bool add(struct rows *r, int32_t user, int32_t item, float value)
{
    if (r->n == r->capacity) {
        r->capacity = r->capacity ? 2 * r->capacity : 1 << 16;
        r->user = realloc(r->user, (size_t)r->capacity * sizeof *r->user);
        r->item = realloc(r->item, (size_t)r->capacity * sizeof *r->item);
        r->value = realloc(r->value, (size_t)r->capacity * sizeof *r->value);
        if (!r->user || !r->item || !r->value)
            return false;
    }
    r->user[r->n] = user;
    r->item[r->n] = item;
    r->value[r->n++] = value;
    r->n_users = user >= r->n_users ? user + 1 : r->n_users;
    r->n_items = item >= r->n_items ? item + 1 : r->n_items;
    return true;
}

static bool read_rows(const char *name, struct rows *r)
{
    FILE *f = fopen(name, "r");
    if (!f)
        return false;
    int32_t user, item;
    float value;
    while (fscanf(f, "%d %d %f", &user, &item, &value) == 3)
        if (user < 0 || item < 0 || !add(r, user, item, value))
            return false;
    fclose(f);
    return r->n > 0;
}

/* Users with log-normal numbers of items (a fifth of all at most), items with a heavy tail. */
static bool make_rows(struct rows *r)
{
    enum { USERS = 6040, ITEMS = 3706 };
    struct rh_rng g = rh_stream(6040, "bench", "rows", 0);
    char *has = malloc(ITEMS);
    bool ok = has;
    for (int32_t u = 0; u < USERS && ok; u++) {
        double wanted = 20 + 65 * exp(1.1 * rh_rng_normal(&g));
        memset(has, 0, ITEMS);
        for (int32_t n = 0; n < wanted && n < ITEMS / 5 && ok;) {
            double x = rh_rng_uniform(&g);
            int32_t i = (int32_t)(ITEMS * x * x * (0.3 + 0.7 * x));
            if (has[i])
                continue;
            has[i] = 1;
            ok = add(r, u, i, 1 + (float)rh_rng_below(&g, 5));
            n++;
        }
    }
    free(has);
    return ok;
}

static int by_user_and_item(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Sorted rows, as a domain in the arena. Values are all 1: they would cost a sort of their own and are not used. */
static bool make_domain(struct rh_arena *a, const struct rows *r, struct rh_domain *d)
{
    uint64_t *key = rh_alloc(a, (size_t)r->n, sizeof *key);
    int64_t *row = rh_alloc(a, (size_t)r->n_users + 1, sizeof *row);
    int32_t *item = rh_alloc(a, (size_t)r->n, sizeof *item);
    if (!key || !row || !item)
        return false;
    for (int64_t k = 0; k < r->n; k++) {
        key[k] = (uint64_t)r->user[k] << 32 | (uint32_t)r->item[k];
        row[r->user[k] + 1]++;
    }
    qsort(key, (size_t)r->n, sizeof *key, by_user_and_item);
    for (int64_t k = 0; k < r->n; k++)
        item[k] = (int32_t)(uint32_t)key[k];
    for (int32_t u = 0; u < r->n_users; u++)
        row[u + 1] += row[u];
    *d = (struct rh_domain){ .name = "bench", .n_items = r->n_items, .row = row, .item = item };
    return true;
}

struct scoring {
    struct rh_instance *instance;
    const struct rh_train *train;
    float **tile; /* [threads][BATCH x n_items] */
    struct rh_error *err;
};

static int score_part(void *arg, int thread, int64_t begin, int64_t end)
{
    struct scoring *s = arg;
    const struct rh_domain *d = s->train->domain;
    struct rh_history history[BATCH];
    struct rh_query query[BATCH];
    for (int64_t u = begin; u < end; u++) {
        history[u - begin] = (struct rh_history){ (int32_t)(d->row[u + 1] - d->row[u]), d->item + d->row[u] };
        query[u - begin] = (struct rh_query){ (int32_t)u, &history[u - begin], d->n_items };
    }
    return rh_instance_score(s->instance, thread, query, (int32_t)(end - begin), s->tile[thread], (size_t)d->n_items,
                             s->err);
}

#define EPOCHS 3 /* of each fit; the fastest counts */

/* Seconds of one fit, of the fastest epoch and of one full scoring; cpu: processor seconds of an epoch or the fit. */
struct times {
    double fit, epoch, score, cpu;
};

static int measure(const struct rh_algorithm *algorithm, const void *params, const struct rh_train *train, int threads,
                   float **tile, struct times *t, struct rh_error *err)
{
    struct rh_instance *instance = NULL;
    struct rh_instance_options options = { .seed = 1, .identity = "bench", .threads = threads };
    int status = rh_instance_new(algorithm, params, train, &options, &instance, err);
    double begin = rh_now(), cpu = bench_cpu();
    if (status >= 0)
        status = rh_instance_fit(instance, err);
    *t = (struct times){ .fit = rh_now() - begin, .cpu = bench_cpu() - cpu };
    for (int32_t e = 1; algorithm->epoch && status == RH_OK && e <= EPOCHS; e++) {
        double loss;
        begin = rh_now();
        cpu = bench_cpu();
        status = rh_instance_epoch(instance, e, &loss, err);
        double seconds = rh_now() - begin, used = bench_cpu() - cpu;
        t->epoch = e == 1 || seconds < t->epoch ? seconds : t->epoch;
        t->cpu = e == 1 || used < t->cpu ? used : t->cpu;
    }
    struct scoring s = { instance, train, tile, err };
    begin = rh_now();
    if (status >= 0 && tile)
        status = rh_loop(threads, train->n_users, BATCH, score_part, &s);
    t->score = rh_now() - begin;
    rh_instance_free(instance);
    return status;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts one of the times over the repeats. */
static void sort_field(const struct times *t, int repeats, size_t offset, double *out)
{
    for (int r = 0; r < repeats; r++)
        memcpy(&out[r], (const char *)&t[r] + offset, sizeof *out);
    qsort(out, (size_t)repeats, sizeof *out, ascending);
}

static int make_tiles(struct rh_arena *a, const struct rh_train *train, int threads, float ***tile,
                      struct rh_error *err)
{
    size_t scores = (size_t)BATCH * (size_t)train->domain->n_items;
    *tile = rh_alloc(a, (size_t)threads, sizeof **tile);
    for (int t = 0; *tile && t < threads; t++)
        if (!((*tile)[t] = rh_alloc(a, scores, sizeof ***tile)))
            *tile = NULL;
    return *tile ? RH_OK : rh_fail_memory(err, "scores", scores * sizeof ***tile);
}

static int measure_often(struct rh_arena *a, const struct rh_algorithm *algorithm, const void *params,
                         const struct rh_train *train, int threads, int repeats, bool quick, struct rh_error *err)
{
    double fit[MOST_REPEATS], epoch[MOST_REPEATS], score[MOST_REPEATS], cpu[MOST_REPEATS];
    struct times t[MOST_REPEATS];
    float **tile = NULL;
    if (!quick)
        RH_TRY(make_tiles(a, train, threads, &tile, err));
    for (int r = 0; r < repeats; r++)
        RH_TRY(measure(algorithm, params, train, threads, tile, &t[r], err));
    sort_field(t, repeats, offsetof(struct times, fit), fit);
    sort_field(t, repeats, offsetof(struct times, epoch), epoch);
    sort_field(t, repeats, offsetof(struct times, score), score);
    sort_field(t, repeats, offsetof(struct times, cpu), cpu);
    if (quick) {
        printf("seconds %.4f cpu %.4f peak %.0f\n", algorithm->epoch ? epoch[repeats / 2] : fit[repeats / 2],
               cpu[repeats / 2], bench_peak());
        return RH_OK;
    }
    printf("%d thread%s: fit %.4f s (fastest %.4f), ", threads, threads == 1 ? "" : "s", fit[repeats / 2], fit[0]);
    if (algorithm->epoch)
        printf("epoch %.4f s (fastest %.4f), ", epoch[repeats / 2], epoch[0]);
    printf("scores of all items for all users %.4f s (fastest %.4f); medians of %d\n", score[repeats / 2], score[0],
           repeats);
    return RH_OK;
}

static int read_settings(struct rh_arena *a, const struct rh_algorithm *algorithm, char **setting, void **params,
                         struct rh_error *err)
{
    *params = rh_alloc(a, algorithm->params_size, 1);
    if (!*params)
        return rh_fail_memory(err, "parameters", algorithm->params_size);
    rh_params_defaults(algorithm->params, *params);
    for (; setting && *setting; setting++) {
        char *value = strchr(*setting, '=');
        const char *name = value ? rh_arena_strndup(a, *setting, (size_t)(value - *setting)) : NULL;
        const struct rh_param *p = name ? rh_param_find(algorithm->params, name) : NULL;
        if (!p)
            return rh_fail(err, RH_EINVAL, "'%s' is no setting=value of %s", *setting, algorithm->name);
        RH_TRY(rh_param_parse(p, value + 1, *params, a, err));
    }
    return RH_OK;
}

static bool make_data(struct rh_arena *a, const char *file, struct rh_domain *domain, int32_t *n_users)
{
    struct rows rows = { 0 };
    struct bench_data data;
    if (bench_data_open(file, &data)) {
        *domain = data.part[BENCH_ALL];
        domain->value_min = 0.5f;
        domain->value_max = 5;
        *n_users = data.n_users;
        return true;
    }
    bool ok = (strcmp(file, "-") ? read_rows(file, &rows) : make_rows(&rows)) && make_domain(a, &rows, domain);
    *n_users = rows.n_users;
    free(rows.user);
    free(rows.item);
    free(rows.value);
    return ok;
}

int main(int argc, char **argv)
{
    bool quick = argc > 1 && !strcmp(argv[1], "-q");
    argc -= quick;
    argv += quick;
    const char *name = argc > 1 ? argv[1] : "itemknn", *file = argc > 2 ? argv[2] : "-";
    int64_t threads = 0, repeats = 7; /* threads 0: one, then two */
    if ((argc > 3 && !rh_parse_int(argv[3], &threads)) || (argc > 4 && !rh_parse_int(argv[4], &repeats)) ||
        threads < 0 || threads > 256 || repeats < 1 || repeats > MOST_REPEATS) {
        fprintf(stderr, "usage: bench/fit [-q] [ALGORITHM [FILE|- [threads [repeats [setting=value ...]]]]]\n");
        return 2;
    }
    openblas_set_num_threads(1); /* as the program does: threads are ours */
    struct rh_arena arena = { 0 };
    struct rh_error err = { 0 };
    struct rh_registry registry;
    struct rh_domain domain;
    int32_t n_users;
    void *params = NULL;
    if (!make_data(&arena, file, &domain, &n_users)) {
        fprintf(stderr, "%s: neither a file of bench/prepare.py nor lines \"user item rating\" of numbers from 0\n",
                file);
        return 1;
    }
    struct rh_train train = { .n_users = n_users, .n_domains = 1, .domain = &domain };
    int status = rh_registry_init(&registry, &arena, &err);
    const struct rh_algorithm *algorithm = status >= 0 ? rh_registry_find(&registry, name) : NULL;
    if (status >= 0 && !algorithm)
        status = rh_fail(&err, RH_EINVAL, "there is no algorithm '%s'", name);
    if (algorithm)
        status = read_settings(&arena, algorithm, argc > 5 ? argv + 5 : NULL, &params, &err);
    printf("%s, %d users, %d items, %lld interactions\n", name, n_users, domain.n_items,
           (long long)domain.row[n_users]);
    for (int64_t t = threads ? threads : 1; status >= 0 && t <= (threads ? threads : 2); t++)
        status = measure_often(&arena, algorithm, params, &train, (int)t, (int)repeats, quick, &err);
    if (status < 0)
        fprintf(stderr, "%s\n", err.text);
    rh_arena_release(&arena);
    return status < 0;
}
