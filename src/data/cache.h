/* Domains on disk: one file each, written whole under a temporary name and renamed, mapped read-only. Any number of
 * processes may read and write the same folder. */
#ifndef RH_DATA_CACHE_H
#define RH_DATA_CACHE_H

#include "base/log.h"
#include "data/domain.h"

/* The domain kept under `key` (64 hex digits). RH_DONE: it is not there, or what is there is damaged or of another
 * version or machine (then a line is logged and the caller builds it anew). */
int rh_cache_load(const char *folder, const char *key, struct rh_log *log, struct rh_domain_data **out,
                  struct rh_error *err);

/* Keeps a domain. RH_EIO: cannot be written; what was there before is still there. */
int rh_cache_store(const char *folder, const char *key, const struct rh_domain_data *d, struct rh_error *err);

/* SHA-256 of a file, remembered in the folder by (path, size, time, inode); folder NULL: not remembered. */
int rh_cache_file_hash(const char *folder, const char *path, char hex[static RH_HASH_HEX], struct rh_error *err);

#endif
