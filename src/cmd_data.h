/* What the parts of `harness data` share. */
#ifndef RH_COMMAND_CMD_DATA_H
#define RH_COMMAND_CMD_DATA_H

#include "base/text.h"
#include "cmd.h"
#include "data/files.h"

struct data_job {
    struct rh_arena arena;
    struct rh_log log;
    struct rh_data_env env;
    struct rh_ini_entry setting[RH_MANY]; /* of --set */
    size_t n_settings;
    bool link, replace; /* add: a symbolic link instead of a copy; over a file that is there */
    struct rh_text out; /* for standard output */
};

/* A dataset with what its description says. */
struct data_set {
    const char *name;
    struct rh_dataset *d;
    struct rh_ini said;
    struct rh_dataset_file *file; /* [n_files] */
    size_t n_files;
};

/* Opens dataset `name` with the settings of --set and looks for its files. */
int data_open(struct data_job *job, const char *name, struct data_set *s, struct rh_error *err);

/* The value of [section] key in the description, or NULL. */
const char *data_entry(const struct data_set *s, const char *section, const char *key);

/* The next of the places "a | b:member", trimmed, in the arena; *member: what follows the ':', or NULL. NULL: no
 * more. */
const char *data_next_place(struct data_job *job, const char **places, const char **member);

/* Where a file of the dataset goes: the dataset's folder, `file`. NULL: no memory. */
const char *data_target(struct data_job *job, const struct data_set *s, const char *file);

int data_add(struct data_job *job, const char *name, char **file, int n, struct rh_error *err);
int data_fetch(struct data_job *job, const char *name, struct rh_error *err);

/* "3.4 MB" */
const char *data_size_text(int64_t bytes, char buf[static 32]);

#endif
