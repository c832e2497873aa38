/* The embedded generator behind a dataset. */
#include "data/opened.h"
#include "data/synthetic.h"

#define HAVE_SYNTHETIC 0 /* data/synthetic.c is not there yet */

#if HAVE_SYNTHETIC
const struct rh_param *rh_generated_params(void)
{
    return rh_synthetic_params;
}

size_t rh_generated_params_size(void)
{
    return rh_synthetic_params_size();
}

int rh_generated_revision(void)
{
    return RH_SYNTHETIC_REVISION;
}

int32_t rh_generated_domain_count(const void *params)
{
    return rh_synthetic_domain_count(params);
}

const char *rh_generated_domain(const void *params, int32_t i)
{
    return rh_synthetic_domain(params, i);
}

int rh_generated_load(const void *params, int32_t i, struct rh_domain_data **out, struct rh_error *err)
{
    return rh_synthetic_generate(params, i, out, err);
}
#else
const struct rh_param *rh_generated_params(void)
{
    return NULL;
}

size_t rh_generated_params_size(void)
{
    return 0;
}

int rh_generated_revision(void)
{
    return 0;
}

int32_t rh_generated_domain_count(const void *params)
{
    (void)params;
    return 0;
}

const char *rh_generated_domain(const void *params, int32_t i)
{
    (void)params;
    (void)i;
    return NULL;
}

int rh_generated_load(const void *params, int32_t i, struct rh_domain_data **out, struct rh_error *err)
{
    (void)params;
    (void)i;
    *out = NULL;
    return rh_fail(err, RH_EUNSUP, "this build has no generator");
}
#endif
