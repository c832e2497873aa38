/* Numbers, times and UTF-8 in texts that do not end with a NUL, without allocation: the inner loop of reading. */
#ifndef RH_DATA_SCAN_H
#define RH_DATA_SCAN_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The whole text is a decimal integer; a sign is allowed. False: it is not, or it does not fit. */
bool rh_scan_int(const char *s, size_t n, int64_t *out);

/* The whole text is a finite decimal number, correctly rounded; no "inf", "nan" or hexadecimal. */
bool rh_scan_real(const char *s, size_t n, double *out);

bool rh_utf8_valid(const char *s, size_t n);

/* How a time is written: unix seconds or milliseconds, or a pattern of YYYY MM DD Mon hh mm ss and other
 * characters. */
enum rh_time_unit { RH_TIME_SECONDS, RH_TIME_MILLISECONDS, RH_TIME_PATTERN };
struct rh_time_format {
    enum rh_time_unit unit;
    const char *pattern; /* borrowed */
};

/* RH_EINVAL when the text is none of "unix", "unix_ms" and a pattern with at least YYYY. */
int rh_time_format_parse(const char *text, struct rh_time_format *out, struct rh_error *err);

/* Unix seconds (UTC, milliseconds rounded down), 0 to the end of the year 9999. False: no such time. */
bool rh_scan_time(const struct rh_time_format *format, const char *s, size_t n, int64_t *out);

/* Days from 1970-01-01 to a day of the Gregorian calendar; false: there is no such day. */
bool rh_days(int64_t year, int64_t month, int64_t day, int64_t *out);

#endif
