/* Parallel loops (OpenMP) whose pieces do not depend on the number of threads. */
#ifndef RH_BASE_PARALLEL_H
#define RH_BASE_PARALLEL_H

#include <stdint.h>

/* Body for [begin, end) on thread `thread` (0 .. threads-1). Returns an enum rh_status. */
typedef int rh_loop_fn(void *arg, int thread, int64_t begin, int64_t end);

/* Runs `body` over [0, n) in pieces that start at multiples of grain, handed out in ascending order as threads become
 * free; a piece that has begun is run to its end. After a failure no new piece starts; the failure at the lowest
 * position is returned. */
int rh_loop(int threads, int64_t n, int64_t grain, rh_loop_fn *body, void *arg);

int rh_cpu_count(void);

#endif
