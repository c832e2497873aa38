/* Names and ids on their way out: what a file may be called, and what a format can hold. */
#ifndef RH_EXCHANGE_NAMES_H
#define RH_EXCHANGE_NAMES_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* The name with everything but letters, digits and . _ - = made '_', and no '.' or '-' in front: good for a file on any
 * system. In the arena; NULL: no memory. */
char *rh_safe_name(struct rh_arena *a, const char *name);

/* TREC separates fields by white space: RH_EUNSUP when an id is empty or has some. `what`: "item", "user". */
int rh_trec_check_id(const char *what, const char *id, struct rh_error *err);

/* A field of CSV, in quotes where it has to be (RFC 4180). */
void rh_csv_add(struct rh_text *t, const char *field);

#endif
