/* Log lines and one progress line, on stderr; standard output belongs to results. */
#ifndef RH_BASE_LOG_H
#define RH_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum rh_level { RH_LOG_WARNING = 0, RH_LOG_INFO = 1, RH_LOG_DETAIL = 2 };

struct rh_log {
    FILE *out;   /* NULL: silent */
    int level;   /* lines above it are dropped; --quiet 0, default 1, --verbose 2 */
    bool live;   /* out is a terminal: the progress line may be redrawn */
    /* progress line */
    char what[160];
    double started, drawn; /* seconds of the monotonic clock */
    bool line_open;
};

void rh_log_init(struct rh_log *log, FILE *out, int level);
void rh_log(struct rh_log *log, int level, const char *component, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Progress: begin names the job, step redraws at most ten times a second (and on a pipe writes a line at most every
 * 30 seconds) with the share done and an estimate of the time left, end wipes the line. log may be NULL. */
void rh_progress_begin(struct rh_log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void rh_progress_step(struct rh_log *log, double done, double total);
void rh_progress_end(struct rh_log *log);

double rh_now(void); /* monotonic seconds */

#endif
