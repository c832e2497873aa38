/* Downloads: resumed, checked, and whole or not there at all. */
#ifndef RH_DATA_FETCH_H
#define RH_DATA_FETCH_H

#include "base/error.h"
#include "base/log.h"
#include <signal.h>
#include <stdbool.h>

struct rh_fetch {
    const char *url;                     /* http or https */
    const char *path;                    /* where the file goes; its folder is made */
    const char *sha256;                  /* 64 hex digits, or NULL: not known */
    struct rh_log *log;                  /* progress with the time left; may be NULL */
    const volatile sig_atomic_t *cancel; /* may be NULL */
};

/* False when this build has no libcurl. */
bool rh_fetch_possible(void);

/* Downloads `url` into `path`.part, continuing what is there of an earlier try when the server allows it and still
 * has the same file, then checks the checksum and renames. Statuses: RH_EIO (no server, no such file, a full disk,
 * broken off: the part is kept for the next try), RH_EDATA (another checksum than expected: the part is removed),
 * RH_ECANCEL (interrupted, the part is kept), RH_EUNSUP (no libcurl). */
int rh_fetch(const struct rh_fetch *f, struct rh_error *err);

#endif
