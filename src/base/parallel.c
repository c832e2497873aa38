#include "base/parallel.h"

#include <rh/plugin.h>
#include <omp.h>
#include <stdatomic.h>

int rh_cpu_count(void)
{
    int n = omp_get_num_procs();
    return n > 0 ? n : 1;
}

int rh_loop(int threads, int64_t n, int64_t grain, rh_loop_fn *body, void *arg)
{
    if (n <= 0)
        return RH_OK;
    if (grain < 1)
        grain = 1;
    int64_t pieces = (n + grain - 1) / grain;
    if (threads > pieces)
        threads = (int)pieces;
    if (threads <= 1) {
        for (int64_t p = 0; p < pieces; p++) {
            int64_t begin = p * grain, end = begin + grain < n ? begin + grain : n;
            int status = body(arg, 0, begin, end);
            if (status < 0)
                return status;
        }
        return RH_OK;
    }
    atomic_int_fast64_t next = 0;
    atomic_int_fast64_t failed_at = INT64_MAX; /* pieces before it have begun and are run: the first failure is found */
    int failure = RH_OK;
#pragma omp parallel num_threads(threads)
    {
        int thread = omp_get_thread_num();
        /* A piece that is taken is run, so that one that waits for those before it never waits in vain. */
        while (atomic_load(&failed_at) == INT64_MAX) {
            int64_t p = atomic_fetch_add(&next, 1);
            if (p >= pieces)
                break;
            int64_t begin = p * grain, end = begin + grain < n ? begin + grain : n;
            int status = body(arg, thread, begin, end);
            if (status < 0) {
#pragma omp critical(rh_loop_failure)
                if (p < atomic_load(&failed_at)) {
                    atomic_store(&failed_at, p);
                    failure = status;
                }
            }
        }
    }
    return failure;
}
