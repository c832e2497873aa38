/* Fitted models as files: where they lie, what they are of, and the way back. */
#ifndef RH_RUN_MODEL_H
#define RH_RUN_MODEL_H

#include "base/hash.h"
#include "plugin/instance.h"
#include "split/problem.h"
#include "store/store.h"

/* What the numbers of users, items and feature columns of a problem mean, as hashes of their names. RH_ENOMEM. */
struct rh_meaning {
    char users[RH_HASH_HEX], items[RH_HASH_HEX], columns[RH_HASH_HEX];
};
int rh_meaning_of(const struct rh_problem *p, struct rh_meaning *out, struct rh_error *err);

/* The key of a model fitted on the problem; borrows all three. */
struct rh_model_key rh_model_key_of(const char *fit_identity, const struct rh_problem *p, const struct rh_meaning *m);

/* The folder for models: `wanted`, absolute, or "models" beside the store when it is "". It is made, so that what
 * stands in its way is said before hours of work. In the arena. */
int rh_models_folder(struct rh_arena *a, const char *store, const char *wanted, const char **out,
                     struct rh_error *err);
/* A path in the store's words: from the folder of the store where it lies in there (rh_store_place is the way back).
 * In the arena; NULL: no memory. */
const char *rh_model_path_in_store(struct rh_arena *a, const char *store, const char *path);

/* Writes the model, whole or not at all, and fills in hash and size; path is the caller's. */
int rh_model_save(struct rh_instance *in, const struct rh_model_key *key, const char *path, struct rh_arena *a,
                  struct rh_model_row *out, struct rh_error *err);
/* Reads it into a new instance. RH_EIO: it cannot be read; RH_EDATA: it is not the one that was stored, or damaged, or
 * of something else. */
int rh_model_load(struct rh_instance *in, const struct rh_model_key *key, const char *path, const char *hash,
                  struct rh_error *err);

/* Fits a new instance so that its epochs go on from the model in the file, whose hash is known. RH_EDATA: it is
 * damaged, or of another algorithm, revision or shape, or what it learned belongs to other users, items or features. */
int rh_model_start(struct rh_instance *in, const struct rh_algorithm *alg, const struct rh_model_key *key,
                   const char *path, const char *hash, struct rh_error *err);

#endif
