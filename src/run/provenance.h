/* What a run's numbers came from: program, compiler, libraries, machine. Stored with every run, never part of its
 * identity. */
#ifndef RH_RUN_PROVENANCE_H
#define RH_RUN_PROVENANCE_H

#include "base/arena.h"
#include "base/error.h"
#include "store/store.h"

/* Lists key and value of: program, commit, compiler, flags, libc, openblas, openblas_core, gsl, sqlite, libarchive,
 * cpu, cpus (that this process may use), threads, memory (bytes of the machine), system, kernel. What the machine does
 * not tell reads "unknown". Order and keys are the same everywhere; the texts live in the arena. RH_ENOMEM. */
int rh_provenance(struct rh_arena *a, int threads, struct rh_key_value **out, int32_t *n, struct rh_error *err);

#endif
