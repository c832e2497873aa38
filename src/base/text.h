/* Text: a growing buffer, names compared for hints, numbers read strictly. */
#ifndef RH_BASE_TEXT_H
#define RH_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing text; zero it to start. When memory runs out `failed` is set, later appends do nothing, and `s` still
 * ends with a NUL; so a writer checks once at its end. */
struct rh_text {
    char *s; /* NUL-terminated once something was appended, else NULL */
    size_t n, capacity;
    bool failed;
};
void rh_text_add(struct rh_text *t, const char *s);
void rh_text_addn(struct rh_text *t, const char *s, size_t n);
void rh_text_printf(struct rh_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void rh_text_vprintf(struct rh_text *t, const char *fmt, va_list ap);
void rh_text_clear(struct rh_text *t); /* keeps the memory */
void rh_text_release(struct rh_text *t);

/* Strict number readers: the whole text (spaces around it allowed) must be the number; false otherwise. */
bool rh_parse_int(const char *s, int64_t *out);
bool rh_parse_real(const char *s, double *out); /* finite only */
bool rh_parse_bool(const char *s, bool *out);

/* The shortest decimal text that reads back as exactly the same double; for stored parameters and CSV. */
const char *rh_real_text(double x, char buf[static 32]);

/* Damerau-Levenshtein distance (optimal string alignment), case-insensitive. */
size_t rh_edit_distance(const char *a, const char *b);
/* The name nearest to `word` among n names (a NULL name is passed over) if near enough to be meant, else NULL. */
const char *rh_nearest(const char *word, const char *const *names, size_t n);

/* "; did you mean 'NAME'?" for the end of a sentence, or "" when name is NULL; the text is in buf, cut off to fit. */
#define RH_HINT 160
const char *rh_did_you_mean(const char *name, char buf[static RH_HINT]);

/* Number of code points of a UTF-8 text (columns of a terminal, near enough). */
size_t rh_utf8_length(const char *s);

#endif
