/* A source file as a stream of lines: plain, compressed (.gz .xz .bz2 .zst) or a member of an archive (.zip .tar.*),
 * all through libarchive, in bounded memory. */
#ifndef RH_DATA_INPUT_H
#define RH_DATA_INPUT_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rh_input;

/* `place` is a path, or "archive.zip:member/u.data" for one member of an archive (the first whose whole name, or
 * whose end after a '/', is the member's). Refused with a sentence: missing or unreadable file, an archive without a
 * member's name, a member that is not there (the message lists what is), member names that leave the folder ("../",
 * absolute), a member or stream whose unpacked size is absurd (over 1 TiB, or more than 2000 times the packed size
 * beyond 1 GiB), a truncated or damaged archive (when reading gets there). */
int rh_input_open(const char *place, struct rh_input **out, struct rh_error *err);

/* Length of the path in `place` without ":member": the file of an existing path, else up to the last ':'. */
size_t rh_place_file(const char *place);

/* The bytes that come next, without taking them; *n == 0: nothing. As many as are at hand, for guessing a format. */
int rh_input_peek(struct rh_input *in, const char **bytes, size_t *n, struct rh_error *err);

/* The next line without its LF or CRLF, NUL-terminated, valid until the next call; a byte order mark at the start
 * is dropped. RH_DONE at the end. RH_EDATA for a NUL byte or a line over 64 MiB, RH_EIO for damage, all with
 * file:line. */
int rh_input_line(struct rh_input *in, const char **line, size_t *n, struct rh_error *err);

/* The next block of raw bytes instead of lines (the fast path of large delimited files), after the lines taken so
 * far; valid until the next call. *n == 0 at the end. */
int rh_input_block(struct rh_input *in, const char **bytes, size_t *n, struct rh_error *err);

const char *rh_input_name(const struct rh_input *in); /* for messages */
int64_t rh_input_line_number(const struct rh_input *in); /* of the line last returned, from 1 */
int64_t rh_input_done(const struct rh_input *in);  /* packed bytes read, for progress */
int64_t rh_input_total(const struct rh_input *in); /* packed size of the file; 0 unknown */
void rh_input_close(struct rh_input *in); /* NULL is fine */

#endif
