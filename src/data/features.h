/* What is known about items or users, out of their files into blocks of features and titles. */
#ifndef RH_DATA_FEATURES_H
#define RH_DATA_FEATURES_H

#include "data/dataset.h"
#include "data/description.h"
#include "data/reader.h"

struct rh_features_build;

/* For n things with these ids (items or users of a domain). */
int rh_features_new(const struct rh_strings *ids, struct rh_features_build **out, struct rh_error *err);

/* Declares the blocks of a source; a block is there even when no source has data for it. RH_EINVAL: two sources mean
 * different kinds by one name. */
int rh_features_declare(struct rh_features_build *f, const struct rh_side_spec *spec, const struct rh_description *d,
                        struct rh_error *err);

/* Reads a source, after all were declared. */
int rh_features_read(struct rh_features_build *f, const struct rh_side_spec *spec, const char *place,
                     const struct rh_reader *reader, const struct rh_reader_config *config,
                     const struct rh_data_env *env, struct rh_error *err);

/* Columns of a source in the order in which rh_features_read wants them in `config->wanted`. */
int rh_features_wanted(struct rh_arena *a, const struct rh_side_spec *spec, const char *const **wanted, int32_t *n,
                       struct rh_error *err);

/* The blocks, in the arena, by the names of their columns in order; those that were declared, in that order. */
int rh_features_blocks(struct rh_features_build *f, const struct rh_data_options *o, struct rh_arena *a,
                       const struct rh_block **block, int32_t *n, struct rh_error *err);
/* Titles; out->n is 0 when there is none. */
int rh_features_titles(struct rh_features_build *f, struct rh_arena *a, struct rh_strings *out, struct rh_error *err);

void rh_features_release(struct rh_features_build *f); /* NULL is fine */

#endif
