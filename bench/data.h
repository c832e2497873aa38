/* Files that bench/prepare.py writes: eight letters, the numbers of users, items and factors and of the rows of the
 * three parts as int64; of each part the offsets of the users (int64), the items (int32) and the ratings (float); the
 * vectors of the users and of the items (float). */
#ifndef BENCH_DATA_H
#define BENCH_DATA_H

#include "base/arena.h"

#include <rh/plugin.h>

enum bench_part { BENCH_ALL, BENCH_TRAIN, BENCH_TEST, BENCH_PARTS };

struct bench_data {
    int32_t n_users, n_items, factors;
    struct rh_domain part[BENCH_PARTS]; /* items ascend in a row */
    const float *user, *item;           /* [n_users x factors], [n_items x factors] */
};

/* Is the file one of these? */
bool bench_data_is(const char *path);
/* Maps it into memory; what is not looked at is not read. False: not one of these, or cut off. */
bool bench_data_open(const char *path, struct bench_data *out);

/* Seconds of processor time of this process, and the most memory it has had, in MiB. */
double bench_cpu(void);
double bench_peak(void);

#endif
