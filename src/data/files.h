/* What a dataset's description says, entry by entry, and where its files are. For `harness data`. */
#ifndef RH_DATA_FILES_H
#define RH_DATA_FILES_H

#include "data/dataset.h"

/* One file of a description. */
struct rh_dataset_file {
    const char *section, *key; /* "domain.movies" "train"; "items" "file" */
    const char *places;        /* "a | b:member" as written, variables replaced */
    const char *found;         /* the place that is read (its path, ":member" behind it), or NULL: none is there */
    bool optional;
};

/* The files of all domains, each key once, in the arena; none for generated data. A missing file is no error. */
int rh_dataset_files(const struct rh_dataset *d, const struct rh_data_env *env, struct rh_arena *a,
                     struct rh_dataset_file **out, size_t *n, struct rh_error *err);

/* Where the raw files belong: the dataset's folder in the data folder. In the arena; NULL: no memory or no data
 * folder. */
const char *rh_dataset_folder(const struct rh_dataset *d, const struct rh_data_env *env, struct rh_arena *a);

/* The entries of the description in the order of the file, variables replaced in keys and values and set to what the
 * experiment says. In the arena. */
int rh_dataset_entries(const struct rh_dataset *d, struct rh_arena *a, struct rh_ini *out, struct rh_error *err);

#endif
