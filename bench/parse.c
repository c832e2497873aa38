/* How fast is a ratings file read? Prints seconds and the ratio to `wc -l` on the same file: the first load, without a
 * cache, and the second, from the cache. Usage: bench/parse NAME-OR-INI DATA-FOLDER CACHE-FOLDER THREADS */
#include "base/text.h"
#include "data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static double load(const struct rh_dataset *d, const struct rh_data_env *env, struct rh_error *err)
{
    struct rh_domain_data *domain;
    double start = rh_now();
    if (rh_dataset_load(d, env, rh_dataset_domain(d, 0), &domain, err) < 0)
        return -1;
    double seconds = rh_now() - start;
    printf("%s: %lld rows, %d users, %d items, content %.12s\n", rh_dataset_name(d), (long long)domain->n_rows,
           domain->n_users, domain->n_items, domain->content);
    rh_domain_data_free(domain);
    return seconds;
}

int main(int argc, char **argv)
{
    struct rh_error err = { 0 };
    struct rh_arena a = { 0 };
    struct rh_dataset *d;
    if (argc != 5) {
        fprintf(stderr, "usage: %s NAME-OR-INI DATA-FOLDER CACHE-FOLDER THREADS\n", argv[0]);
        return 2;
    }
    const char *folders[] = { "datasets", NULL };
    struct rh_data_env env = { .descriptions = folders, .data = argv[2] };
    int64_t threads;
    if (!rh_parse_int(argv[4], &threads) || threads < 1 || threads > 1024) {
        fprintf(stderr, "%s: THREADS is '%s': wanted 1 to 1024\n", argv[0], argv[4]);
        return 2;
    }
    env.threads = (int)threads;
    const char *steps[] = { "no cache", "cache, first", "cache, again" };
    if (rh_dataset_open(&a, &env, argv[1], NULL, 0, &d, &err) < 0)
        goto failed;
    for (int i = 0; i < 3; i++) {
        env.cache = i ? argv[3] : NULL;
        double seconds = load(d, &env, &err);
        if (seconds < 0)
            goto failed;
        struct rusage use;
        getrusage(RUSAGE_SELF, &use);
        printf("%-13s %8.3f s   peak so far %ld MiB\n", steps[i], seconds, use.ru_maxrss / 1024);
    }
    rh_arena_release(&a);
    return 0;
failed:
    fprintf(stderr, "%s\n", err.text);
    rh_arena_release(&a);
    return 1;
}
