/* Errors as values. A function that can fail returns an enum rh_status and takes a `struct rh_error *` that receives
 * one sentence, complete enough to print: lower case, no full stop, the file, line and value, what was allowed, a
 * hint where there is one. The first message wins; callers may put a context in front of it. */
#ifndef RH_BASE_ERROR_H
#define RH_BASE_ERROR_H

#include <rh/plugin.h>
#include <stdarg.h>

struct rh_error {
    int status; /* RH_OK until something failed */
    char text[1000];
};

/* Records status and message unless an error is there already; returns the recorded status. err may be NULL. */
int rh_fail(struct rh_error *err, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int rh_vfail(struct rh_error *err, int status, const char *fmt, va_list ap);

/* Puts "context: " in front of the recorded message; returns its status. No effect when there is no error. */
int rh_error_context(struct rh_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The usual sentence for failed memory. */
int rh_fail_memory(struct rh_error *err, const char *what, size_t bytes);

/* The word for a status: "invalid", "data", ... */
const char *rh_status_word(int status);

#define RH_TRY(call)                                                                                           \
    do {                                                                                                       \
        int rh_try_ = (call);                                                                                  \
        if (rh_try_ < 0)                                                                                       \
            return rh_try_;                                                                                    \
    } while (0)

#endif
