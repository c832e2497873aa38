/* Random numbers of an algorithm that can also draw them as a published table did: parameters `random` and
 * `numpy_seed`. */
#ifndef RH_ALGORITHMS_DRAW_H
#define RH_ALGORITHMS_DRAW_H

#include <rh/numpy_legacy.h>
#include <rh/plugin.h>

enum { RH_DRAW_HARNESS, RH_DRAW_NUMPY_LEGACY };

struct rh_draw {
    bool numpy;
    struct rh_rng rng;
    struct rh_numpy legacy;
};

static const struct rh_choice rh_draw_choices[] = {
    { "harness", RH_DRAW_HARNESS, "the stream of the run" },
    { "numpy_legacy", RH_DRAW_NUMPY_LEGACY, "numpy's RandomState(numpy_seed), anew for every fit" },
    { NULL, 0, NULL },
};
/* Two rows of the parameter table of struct S, which has the fields int random and int64_t numpy_seed. */
#define RH_DRAW_PARAMS(S)                                                                                              \
    RH_ENUM(S, random, RH_DRAW_HARNESS, rh_draw_choices, "where random numbers come from"),                            \
        RH_INT(S, numpy_seed, 0, 0, 4294967295, "seed of random = numpy_legacy, whatever the experiment's is")

static inline void rh_draw_start(struct rh_ctx *ctx, int random, int64_t numpy_seed, struct rh_draw *d)
{
    d->numpy = random == RH_DRAW_NUMPY_LEGACY;
    d->rng = ctx->host->stream(ctx, "init", 0);
    rh_numpy_seed(&d->legacy, (uint32_t)numpy_seed);
}

static inline double rh_draw_normal(struct rh_draw *d)
{
    return d->numpy ? rh_numpy_normal(&d->legacy) : rh_rng_normal(&d->rng);
}

static inline double rh_draw_uniform(struct rh_draw *d)
{
    return d->numpy ? rh_numpy_uniform(&d->legacy) : rh_rng_uniform(&d->rng);
}

/* An integer in [0, n), n > 0. */
static inline int32_t rh_draw_below(struct rh_draw *d, int32_t n)
{
    return (int32_t)(d->numpy ? rh_numpy_at_most(&d->legacy, (uint32_t)n - 1) : rh_rng_below(&d->rng, (uint32_t)n));
}

#endif
