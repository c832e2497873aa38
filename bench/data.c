#include "bench/data.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = { 'r', 'h', 'b', 'e', 'n', 'c', 'h', '1' };

struct head {
    char magic[8];
    int64_t n_users, n_items, factors, n[BENCH_PARTS];
};

static bool read_head(int file, struct head *h)
{
    return file >= 0 && read(file, h, sizeof *h) == sizeof *h && !memcmp(h->magic, magic, sizeof magic);
}

bool bench_data_is(const char *path)
{
    struct head h;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool is = read_head(file, &h);
    if (file >= 0)
        close(file);
    return is;
}

bool bench_data_open(const char *path, struct bench_data *out)
{
    struct head h;
    struct stat st;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (!read_head(file, &h) || fstat(file, &st))
        return false;
    const char *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    int64_t size = (int64_t)sizeof h + 3 * 8 * (h.n_users + 1) + 8 * (h.n[0] + h.n[1] + h.n[2]) +
                   4 * h.factors * (h.n_users + h.n_items);
    if (at == MAP_FAILED || st.st_size != size)
        return false;
    *out = (struct bench_data){ (int32_t)h.n_users, (int32_t)h.n_items, (int32_t)h.factors };
    at += sizeof h;
    for (int p = 0; p < BENCH_PARTS; p++) {
        struct rh_domain *d = &out->part[p];
        *d = (struct rh_domain){ .name = "bench", .n_items = out->n_items };
        d->row = (const int64_t *)at;
        d->item = (const int32_t *)(at + 8 * (h.n_users + 1));
        d->value = (const float *)(d->item + h.n[p]);
        at = (const char *)(d->value + h.n[p]);
    }
    out->user = (const float *)at;
    out->item = out->user + h.n_users * h.factors;
    return true;
}

double bench_cpu(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

double bench_peak(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_maxrss / 1024;
}
