/* An algorithm at work in one run: its state, its memory, its streams, and the host table it sees. */
#ifndef RH_PLUGIN_INSTANCE_H
#define RH_PLUGIN_INSTANCE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "plugin/persist.h"
#include <signal.h>

struct rh_instance;

struct rh_instance_options {
    uint64_t seed;        /* of the experiment */
    const char *identity; /* of the run: names its random streams */
    int threads;
    size_t memory_limit;                 /* bytes of state; 0: none */
    struct rh_log *log;                  /* may be NULL */
    const volatile sig_atomic_t *cancel; /* may be NULL */
};

/* Zeroed state; nothing of the algorithm is called. params and train are borrowed until rh_instance_free. */
int rh_instance_new(const struct rh_algorithm *alg, const void *params, const struct rh_train *train,
                    const struct rh_instance_options *options, struct rh_instance **out, struct rh_error *err);
void rh_instance_free(struct rh_instance *in); /* calls release if fit was called; NULL is fine */

/* Tells progress how many epochs are coming, so that it is the share of the whole fit; 0: epochs are not counted. */
void rh_instance_expect(struct rh_instance *in, int32_t epochs);

/* Each returns the callback's status; a failure without a message gets one, and an unknown status is RH_EBUG. */
int rh_instance_fit(struct rh_instance *in, struct rh_error *err);
int rh_instance_epoch(struct rh_instance *in, int32_t epoch, double *loss, struct rh_error *err);
/* From several threads at once, each with its own `thread` below options.threads. */
int rh_instance_score(struct rh_instance *in, int thread, const struct rh_query *query, int32_t n, float *out,
                      size_t stride, struct rh_error *err);

/* Why `item`, as `explain` of <rh/plugin.h>: returns how many of at most `max` pairs were filled in. RH_EUNSUP: the
 * algorithm does not explain; RH_EBUG: it returned more than it may, or what is no item of the history. */
int rh_instance_explain(struct rh_instance *in, const struct rh_query *query, int32_t item, int32_t max, int32_t *why,
                        float *weight, struct rh_error *err);

/* fit, when a model will be loaded over what it makes, by rh_instance_get. */
int rh_instance_fit_to_load(struct rh_instance *in, struct rh_error *err);

/* The model's part of a file: persist with this purpose (enum rh_purpose), between begin and end, or open and close, of
 * plugin/persist.h. put: of a fitted model. get: on a new instance instead of fit; or, of algorithms with RH_A_RESUMES,
 * over what fit made; RH_EDATA: a shape is another. After a failure the instance can only be freed. */
int rh_instance_put(struct rh_instance *in, unsigned purpose, struct rh_saved *saved, struct rh_error *err);
/* put, of what rh_instance_keep kept; the instance stays as it is. */
int rh_instance_put_best(struct rh_instance *in, unsigned purpose, struct rh_saved *saved, struct rh_error *err);
int rh_instance_get(struct rh_instance *in, unsigned purpose, struct rh_saved *saved, struct rh_error *err);

/* The fitted model to a file, whole or not at all; so that training can start from it, where the algorithm has
 * RH_A_RESUMES. RH_EUNSUP: the algorithm has no persist. */
int rh_instance_save(struct rh_instance *in, const struct rh_model_key *key, const char *path, struct rh_error *err);
/* Instead of fit, on a new instance, from the bytes of such a file (rh_read_file); they are not needed afterwards.
 * RH_EDATA: damaged or of something else. After a failure the instance can only be freed. */
int rh_instance_load(struct rh_instance *in, const struct rh_model_key *key, const void *bytes, size_t n,
                     struct rh_error *err);

/* Keeps the state as it is now as the best; puts the best back in place. */
int rh_instance_keep(struct rh_instance *in, struct rh_error *err);
void rh_instance_restore(struct rh_instance *in);

size_t rh_instance_bytes(const struct rh_instance *in); /* peak bytes of state */

/* The rules between parameters of an algorithm (its `check`), without any data. */
int rh_algorithm_check(const struct rh_algorithm *alg, const void *params, struct rh_error *err);

#endif
