/* What loading a ratings file costs beside reading it.
 *
 *     bench/parse [million rows]      default 4; 20 is the size of MovieLens 20M (503 MB, and a cache file of 404 MB)
 *     bench/parse FILE.csv            a file with the columns userId,movieId,rating,timestamp
 *     bench/parse -q FILE.csv THREADS  loads it once, without a cache, and prints one line for bench/ratios.py
 *
 * The rows of the made file look like those of MovieLens: sorted by user, then in no order. `wc -l` and the loads
 * alternate, because machines drift; medians of three are printed, with their ratio to `wc -l`. The floor of a load
 * is one look at every byte. Files lie in $TMPDIR, or /tmp, and go away at the end. */
#include "base/file.h"
#include "base/stream.h"
#include "base/text.h"
#include "bench/data.h"
#include "data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REPEATS 3
enum measure { WC, LOAD_1, LOAD_2, KEEP, AGAIN, N_MEASURES };
static const char *const names[N_MEASURES] = { "wc -l", "load, 1 thread", "load, 2 threads",
                                               "load and cache, 2 threads", "load from the cache" };

static int make_file(const char *path, int64_t rows)
{
    FILE *f = fopen(path, "wb");
    struct rh_rng rng = rh_stream(7, "bench/parse", "rows", 0);
    if (!f)
        return -1;
    fputs("userId,movieId,rating,timestamp\n", f);
    for (int64_t k = 0, user = 0, left = 0; k < rows; k++) {
        if (left-- == 0) {
            user++;
            left = 20 + rh_rng_below(&rng, 250);
        }
        double u = rh_rng_uniform(&rng); /* popular items are more frequent */
        fprintf(f, "%lld,%d,%.1f,%u\n", (long long)user, 1 + (int)(u * u * u * 26744),
                0.5 + 0.5 * rh_rng_below(&rng, 10), 800000000 + rh_rng_below(&rng, 600000000));
    }
    return fclose(f);
}

static int load(const struct rh_dataset *d, const char *cache, int threads, double *seconds, struct rh_error *err)
{
    struct rh_data_env env = { .cache = cache, .threads = threads };
    struct rh_domain_data *domain;
    double start = rh_now();
    int status = rh_dataset_load(d, &env, "ratings", &domain, err);
    *seconds = rh_now() - start;
    rh_domain_data_free(domain);
    return status;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int measure(const struct rh_dataset *d, const char *folder, const char *file, double t[N_MEASURES][REPEATS],
                   struct rh_error *err)
{
    char command[1200], cache[600];
    for (int r = 0; r < REPEATS; r++) {
        snprintf(command, sizeof command, "wc -l '%s' > /dev/null", file);
        snprintf(cache, sizeof cache, "%s/cache%d", folder, r);
        double start = rh_now();
        if (system(command))
            return rh_fail(err, RH_EIO, "wc failed");
        t[WC][r] = rh_now() - start;
        RH_TRY(load(d, NULL, 1, &t[LOAD_1][r], err));
        RH_TRY(load(d, NULL, 2, &t[LOAD_2][r], err));
        RH_TRY(load(d, cache, 2, &t[KEEP][r], err));
        RH_TRY(load(d, cache, 2, &t[AGAIN][r], err));
    }
    return RH_OK;
}

/* A description of the file, opened. */
static int describe(struct rh_arena *a, const char *folder, const char *file, struct rh_dataset **d,
                    struct rh_error *err)
{
    char path[512];
    const char *text = rh_arena_printf(
        a,
        "[dataset]\ntitle = bench\n[domain.ratings]\ninteractions = %s\nseparator = ,\n"
        "user = userId\nitem = movieId\nrating = rating\ntime = timestamp\n",
        file);
    snprintf(path, sizeof path, "%s/bench.ini", folder);
    RH_TRY(rh_write_file(path, text, strlen(text), err));
    return rh_dataset_open(a, &(struct rh_data_env){ 0 }, path, NULL, 0, d, err);
}

static int run_once(const char *folder, const char *file, int threads)
{
    struct rh_error err = { 0 };
    struct rh_arena a = { 0 };
    struct rh_dataset *d;
    double seconds = 0, cpu = 0;
    int status = describe(&a, folder, file, &d, &err);
    if (status >= 0) {
        cpu = bench_cpu();
        status = load(d, NULL, threads, &seconds, &err);
        cpu = bench_cpu() - cpu;
    }
    if (status < 0)
        fprintf(stderr, "bench/parse: %s\n", err.text);
    else
        printf("seconds %.4f cpu %.4f peak %.0f\n", seconds, cpu, bench_peak());
    rh_arena_release(&a);
    return status;
}

static int run(const char *folder, const char *argument)
{
    char file[512];
    double t[N_MEASURES][REPEATS];
    struct rh_error err = { 0 };
    struct rh_arena a = { 0 };
    struct rh_dataset *d;
    struct stat st;
    double millions = 4;
    snprintf(file, sizeof file, "%s/ratings.csv", folder);
    if (argument && rh_file_exists(argument)) {
        snprintf(file, sizeof file, "%s", argument);
    } else if ((argument && !rh_parse_real(argument, &millions)) || make_file(file, (int64_t)(millions * 1e6))) {
        fprintf(stderr, "bench/parse: cannot make %s with %s million rows\n", file, argument ? argument : "4");
        return RH_EIO;
    }
    int status = describe(&a, folder, file, &d, &err);
    if (status >= 0)
        status = measure(d, folder, file, t, &err);
    if (status < 0)
        fprintf(stderr, "bench/parse: %s\n", err.text);
    rh_arena_release(&a);
    if (status < 0 || stat(file, &st))
        return status;
    for (int m = 0; m < N_MEASURES; m++)
        qsort(t[m], REPEATS, sizeof t[m][0], by_size);
    printf("%.0f MB\n", (double)st.st_size / 1e6);
    for (int m = 0; m < N_MEASURES; m++)
        printf("%-26s %7.3f s  %6.1f x wc  %6.0f MB/s\n", names[m], t[m][1], t[m][1] / t[WC][1],
               (double)st.st_size / 1e6 / t[m][1]);
    printf("%-26s %7.0f MiB  %4.1f x the file\n", "peak memory", bench_peak(),
           bench_peak() * 1024 * 1024 / (double)st.st_size);
    return RH_OK;
}

int main(int argc, char **argv)
{
    const char *place = getenv("TMPDIR");
    char folder[400], command[500];
    snprintf(folder, sizeof folder, "%s/harness-bench-XXXXXX", place ? place : "/tmp");
    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    int64_t threads = 1;
    bool once = argc > 2 && !strcmp(argv[1], "-q");
    if (once && argc > 3 && !rh_parse_int(argv[3], &threads))
        threads = 1;
    int status = once ? run_once(folder, argv[2], (int)threads) : run(folder, argc > 1 ? argv[1] : NULL);
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command) || status < 0;
}
