/* A fitted model as bytes: what rh_instance_save writes and rh_instance_load reads.
 *
 * The file: "RHMODEL1"; the text algorithm, u64 revision, the texts of the key, u64 what it is for (enum rh_purpose of
 * <rh/plugin.h>); then fields, each the text name, u64 elem, u64 n, n * elem bytes; last the SHA-256 of all before it,
 * as 64 hex digits. A text is u64 length and bytes. Numbers are little-endian; the elements are as in memory, so a
 * big-endian machine refuses to save and to load. */
#ifndef RH_PLUGIN_PERSIST_H
#define RH_PLUGIN_PERSIST_H

#include "base/error.h"

/* What a model was made from, compared as text when it is loaded; NULL: written as "", and not compared. */
struct rh_model_key {
    const char *params;  /* hash or canonical text of the effective parameters, seed included where it matters */
    const char *problem; /* content hash of the problem */
    const char *users, *items, *columns; /* hashes of what the numbers of users, items and feature columns mean */
};

struct rh_saved {
    unsigned char *bytes;
    size_t n, capacity; /* capacity 0: the bytes are borrowed */
    size_t at;          /* reading: next byte; `n` is then the end of the fields */
    bool writing;
    bool passing;       /* reading: fields with other names than the one asked for are passed over */
    bool others;        /* reading: it is of other users or items than the key says */
    unsigned purpose;   /* writing, set by begin; reading: what it was written for */
};

int rh_saved_begin(struct rh_saved *s, const struct rh_algorithm *alg, const struct rh_model_key *key,
                   unsigned purpose, struct rh_error *err);
int rh_saved_put(struct rh_saved *s, const char *name, const void *p, size_t n, size_t elem, struct rh_error *err);
int rh_saved_end(struct rh_saved *s, struct rh_error *err);

/* Borrows the bytes. RH_EDATA: damaged, or of another algorithm, revision, parameters or problem. */
int rh_saved_open(struct rh_saved *s, const void *bytes, size_t n, const struct rh_algorithm *alg,
                  const struct rh_model_key *key, struct rh_error *err);
/* The same for a model that training starts from: parameters and problem may be any, users and items too, which is told
 * in `others`; and only fields that are asked for are read. */
int rh_saved_open_to_start(struct rh_saved *s, const void *bytes, size_t n, const struct rh_algorithm *alg,
                           const struct rh_model_key *key, struct rh_error *err);
/* The next field, which must have this name and shape; *p points into the bytes, without alignment. */
int rh_saved_get(struct rh_saved *s, const char *name, size_t n, size_t elem, const void **p, struct rh_error *err);
/* RH_EDATA when fields are left over. */
int rh_saved_close(struct rh_saved *s, struct rh_error *err);

void rh_saved_release(struct rh_saved *s); /* frees what begin and put made */

#endif
