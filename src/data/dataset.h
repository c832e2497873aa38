/* A dataset: a described source of domains. The description is an .ini file (datasets/NAME.ini) and says where the
 * files are, which reader takes them, what the columns mean; the experiment may override its options. Opening a
 * dataset reads no data. */
#ifndef RH_DATA_DATASET_H
#define RH_DATA_DATASET_H

#include "base/ini.h"
#include "base/log.h"
#include "data/domain.h"
#include <signal.h>

/* Where things are, and what serves all of data/. */
struct rh_data_env {
    const char *const *descriptions; /* folders with NAME.ini, searched in order; ends with NULL */
    const char *data;                /* folder with the raw files (--data, [data] path, $HARNESS_DATA), or NULL */
    const char *cache;               /* folder for cached domains and file hashes, or NULL: no cache */
    struct rh_log *log;
    int threads;
    const volatile sig_atomic_t *cancel; /* set: stop with RH_ECANCEL; may be NULL */
};

/* What becomes of several rows of one user and one item. */
enum rh_duplicates {
    RH_DUPLICATES_LAST, /* keep the row of the latest time, then the later one of the file */
    RH_DUPLICATES_FIRST,
    RH_DUPLICATES_MEAN, /* these keep the last row with the mean, largest, smallest, sum of the ratings */
    RH_DUPLICATES_MAX,
    RH_DUPLICATES_MIN,
    RH_DUPLICATES_SUM,
    RH_DUPLICATES_ERROR
};

/* The options that every dataset made of files has; the generator has its own (data/synthetic.h). */
struct rh_data_options {
    int duplicates; /* enum rh_duplicates */
    bool implicit;
    double rating_min, rating_max;
    const char *from, *until;
    int64_t core_users, core_items;
    int64_t token_min_items;
    double token_max_share;
    int64_t token_limit;
};
extern const struct rh_param rh_data_params[];
#define RH_RATING_FREE 1e9 /* rating_min, rating_max beyond which nothing is dropped */

/* Raise it when the same files and options give another domain. */
#define RH_DATA_REVISION 1

struct rh_dataset; /* immutable; lives in the arena given to rh_dataset_open */

/* Finds NAME.ini, checks it, applies `settings` (entries of one [dataset.X] section of an experiment but for the key
 * `use`; their values are single, sweeps are already expanded). An unknown key or a bad value is RH_EINVAL with file,
 * line, what is allowed and the nearest name; an unknown dataset lists the nearest. */
int rh_dataset_open(struct rh_arena *a, const struct rh_data_env *env, const char *name,
                    const struct rh_ini_entry *settings, size_t n, struct rh_dataset **out, struct rh_error *err);

const char *rh_dataset_name(const struct rh_dataset *d);
const char *rh_dataset_summary(const struct rh_dataset *d);
/* Whose ids these are: the same text is the same user only among datasets of one namespace. */
const char *rh_dataset_namespace(const struct rh_dataset *d);
/* What was written in the file (data/description.h), with variables replaced. */
struct rh_description;
const struct rh_description *rh_dataset_description(const struct rh_dataset *d);
/* Made by the embedded generator: numbers on it say nothing about real users. */
bool rh_dataset_generated(const struct rh_dataset *d);
int32_t rh_dataset_domain_count(const struct rh_dataset *d);
const char *rh_dataset_domain(const struct rh_dataset *d, int32_t i);

/* Canonical text of all that decides the content except the bytes of the files: description, options, reader and its
 * revision. Same text and same files: same domains. In the arena. */
const char *rh_dataset_options(const struct rh_dataset *d);

/* Do two datasets opened in one env have the same domains, because options, description and files are the same? (Two
 * categories of one description have the same options, and other files.) */
bool rh_dataset_same(const struct rh_dataset *x, const struct rh_dataset *y);

/* SHA-256 over rh_dataset_options and the bytes of every source file. Hashes of files are remembered in the cache
 * folder by (path, size, mtime, inode). RH_EIO with a hint (`harness data fetch NAME`, --data) when a file is
 * missing. */
int rh_dataset_identity(const struct rh_dataset *d, const struct rh_data_env *env, char hex[static RH_HASH_HEX],
                        struct rh_error *err);

/* Loads one domain, from the cache when it is there. Free with rh_domain_data_free. */
int rh_dataset_load(const struct rh_dataset *d, const struct rh_data_env *env, const char *domain,
                    struct rh_domain_data **out, struct rh_error *err);

#endif
