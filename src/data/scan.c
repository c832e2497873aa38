#include "data/scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LAST_TIME INT64_C(253402300799) /* 9999-12-31 23:59:59 */

static bool digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

bool rh_scan_int(const char *s, size_t n, int64_t *out)
{
    bool negative = n && *s == '-';
    size_t i = n && (*s == '-' || *s == '+');
    if (i == n)
        return false;
    uint64_t x = 0;
    for (; i < n; i++) {
        if (!digit(s[i]))
            return false;
        if (x > UINT64_MAX / 10 - 1)
            return false;
        x = x * 10 + (uint64_t)(s[i] - '0');
    }
    if (x > (uint64_t)INT64_MAX)
        return false;
    *out = negative ? -(int64_t)x : (int64_t)x;
    return true;
}

/* Long or with an exponent: the library's conversion, after a look at the letters it would let through. */
static bool scan_real_slowly(const char *s, size_t n, double *out)
{
    char copy[64];
    if (n >= sizeof copy)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!digit(s[i]) && !strchr("+-.eE", s[i]))
            return false;
    memcpy(copy, s, n);
    copy[n] = '\0';
    char *end;
    *out = strtod(copy, &end);
    return n && *end == '\0' && isfinite(*out);
}

bool rh_scan_real(const char *s, size_t n, double *out)
{
    static const double power[] = {
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15
    };
    bool negative = n && *s == '-';
    size_t i = negative, digits = 0, behind = 0;
    bool point = false;
    uint64_t x = 0;
    if (n - i > 15) /* up to 15 digits are exact, so is a power of ten up to 22: one rounding, in the division */
        return scan_real_slowly(s, n, out);
    for (; i < n; i++) {
        if (digit(s[i])) {
            x = x * 10 + (uint64_t)(s[i] - '0');
            digits++;
            behind += point;
        } else if (s[i] == '.' && !point) {
            point = true;
        } else {
            return scan_real_slowly(s, n, out);
        }
    }
    if (!digits)
        return false;
    double v = behind ? (double)x / power[behind] : (double)x;
    *out = negative ? -v : v;
    return true;
}

bool rh_utf8_valid(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s, *end = p + n;
    while (p < end) {
        uint64_t eight;
        if (end - p >= 8 && (memcpy(&eight, p, 8), !(eight & UINT64_C(0x8080808080808080)))) {
            p += 8;
            continue;
        }
        if (*p < 0x80) {
            p++;
            continue;
        }
        int more = *p >= 0xc2 && *p < 0xe0 ? 1 : *p >= 0xe0 && *p < 0xf0 ? 2 : *p >= 0xf0 && *p < 0xf5 ? 3 : 0;
        if (!more || end - p <= more)
            return false;
        /* no overlong forms, no surrogates, nothing above U+10FFFF */
        if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] >= 0xa0) || (*p == 0xf0 && p[1] < 0x90) ||
            (*p == 0xf4 && p[1] >= 0x90))
            return false;
        for (int k = 1; k <= more; k++)
            if ((p[k] & 0xc0) != 0x80)
                return false;
        p += 1 + more;
    }
    return true;
}

/* ------------------------------------------------------------------------------------------------- times */

int rh_time_format_parse(const char *text, struct rh_time_format *out, struct rh_error *err)
{
    *out = (struct rh_time_format){ 0 };
    if (!strcmp(text, "unix"))
        return RH_OK;
    if (!strcmp(text, "unix_ms")) {
        out->unit = RH_TIME_MILLISECONDS;
        return RH_OK;
    }
    if (!strstr(text, "YYYY"))
        return rh_fail(
            err, RH_EINVAL,
            "time_format = %s is not allowed: expected unix, unix_ms or a pattern of YYYY, MM, DD, Mon, hh, mm, ss",
            text);
    out->unit = RH_TIME_PATTERN;
    out->pattern = text;
    return RH_OK;
}

bool rh_days(int64_t year, int64_t month, int64_t day, int64_t *out)
{
    static const int length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > length[month - 1] + (leap && month == 2))
        return false;
    int64_t y = year - 1;
    int64_t days = y * 365 + y / 4 - y / 100 + y / 400; /* before this year, from 0001-01-01 */
    *out = days + before[month - 1] + (leap && month > 2) + day - 1 - 719162;
    return true;
}

/* Up to `most` digits at *s. */
static bool take_digits(const char **s, const char *end, int most, int64_t *out)
{
    int k = 0;
    for (*out = 0; k < most && *s < end && digit(**s); k++, (*s)++)
        *out = *out * 10 + (**s - '0');
    return k > 0;
}

static bool take_month(const char **s, const char *end, int64_t *out)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    if (end - *s < 3)
        return false;
    for (int m = 0; m < 12; m++)
        if (!strncasecmp(*s, names + 3 * m, 3)) {
            *s += 3;
            *out = m + 1;
            return true;
        }
    return false;
}

static bool scan_pattern(const char *p, const char *s, size_t n, int64_t *out)
{
    const char *end = s + n;
    int64_t year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, days;
    while (*p) {
        bool fine;
        if (!strncmp(p, "YYYY", 4)) {
            fine = end - s >= 4 && take_digits(&s, s + 4, 4, &year);
            p += 4;
        } else if (!strncmp(p, "Mon", 3)) {
            fine = take_month(&s, end, &month);
            p += 3;
        } else if (!strncmp(p, "MM", 2)) {
            fine = take_digits(&s, end, 2, &month);
            p += 2;
        } else if (!strncmp(p, "DD", 2)) {
            fine = take_digits(&s, end, 2, &day);
            p += 2;
        } else if (!strncmp(p, "hh", 2)) {
            fine = take_digits(&s, end, 2, &hour);
            p += 2;
        } else if (!strncmp(p, "mm", 2)) {
            fine = take_digits(&s, end, 2, &minute);
            p += 2;
        } else if (!strncmp(p, "ss", 2)) {
            fine = take_digits(&s, end, 2, &second);
            p += 2;
        } else {
            fine = s < end && *s++ == *p++;
        }
        if (!fine)
            return false;
    }
    if (s != end || hour > 23 || minute > 59 || second > 60 || !rh_days(year, month, day, &days))
        return false;
    *out = days * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

bool rh_scan_time(const struct rh_time_format *format, const char *s, size_t n, int64_t *out)
{
    if (format->unit == RH_TIME_PATTERN) {
        if (!scan_pattern(format->pattern, s, n, out))
            return false;
    } else if (!rh_scan_int(s, n, out)) {
        double real; /* some files write seconds as 978300760.0 or 9.7830076E8 */
        if (!rh_scan_real(s, n, &real) || fabs(real) > 1e18)
            return false;
        *out = (int64_t)floor(real);
    }
    if (format->unit == RH_TIME_MILLISECONDS)
        *out = *out < 0 ? -1 : *out / 1000;
    return *out >= 0 && *out <= LAST_TIME;
}
