/* Files and paths. */
#ifndef RH_BASE_FILE_H
#define RH_BASE_FILE_H

#include "base/arena.h"
#include "base/error.h"
#include <stdbool.h>

/* Makes the folder that `path` lies in. */
int rh_make_parent(const char *path, struct rh_error *err);
bool rh_file_exists(const char *path);
/* The folder that `path` lies in, "." where it names none; NULL: no memory. */
char *rh_path_folder(struct rh_arena *a, const char *path);
/* `folder`/`name`, or `name` alone when it is absolute; NULL: no memory. */
char *rh_path_join(struct rh_arena *a, const char *folder, const char *name);

/* Writes n bytes to a temporary name beside `path`, syncs, renames: `path` is whole or as it was. */
int rh_write_file(const char *path, const void *bytes, size_t n, struct rh_error *err);
/* The whole file, NUL-terminated, in the arena. */
int rh_read_file(struct rh_arena *a, const char *path, char **bytes, size_t *n, struct rh_error *err);

#endif
