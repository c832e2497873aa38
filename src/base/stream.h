/* Random streams: a generator for each (seed, identity, purpose, index), independent of order and threads. */
#ifndef RH_BASE_STREAM_H
#define RH_BASE_STREAM_H

#include <rh/plugin.h>

/* `identity` and `purpose` are texts, e.g. ("problem 3f2a...", "split"). */
struct rh_rng rh_stream(uint64_t seed, const char *identity, const char *purpose, uint64_t index);

#endif
