/* The inside of a dataset, between dataset.c (settings) and load.c (files). */
#ifndef RH_DATA_OPENED_H
#define RH_DATA_OPENED_H

#include "base/text.h"
#include "data/dataset.h"
#include "data/description.h"

struct rh_dataset {
    struct rh_arena *arena;
    struct rh_description *description; /* places, title and folder with variables replaced */
    const char *name, *summary, *canonical;
    struct rh_pairs variables; /* with the values of the experiment */
    struct rh_data_options options;
    int64_t from, until; /* of the options; INT64_MIN, INT64_MAX: open */
    void *generated;     /* parameters of the embedded generator (data/synthetic.h), or NULL */
};

/* Appends the canonical text of one domain, or of all (-1). */
void rh_opened_text(const struct rh_dataset *d, int32_t domain, struct rh_text *t);
bool rh_opened_side_belongs(const struct rh_side_spec *side, const struct rh_domain_spec *domain);
/* The first of "a | b | c" that is there, in the arena; *out NULL and RH_OK: none is, and that is allowed. */
int rh_opened_resolve(struct rh_arena *a, const struct rh_dataset *d, const struct rh_data_env *env,
                      const char *places, bool optional, const char **out, struct rh_error *err);

#endif
