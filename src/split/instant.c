#include "split/instant.h"

#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>

static bool leap_year(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_of_month(int64_t year, int64_t month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return days[month - 1] + (month == 2 && leap_year(year));
}

/* Days from 1970-01-01 to a day of the Gregorian calendar, year >= 1. */
static int64_t day_number(int64_t year, int64_t month, int64_t day)
{
    int64_t y = year - 1, n = y * 365 + y / 4 - y / 100 + y / 400 - 719162 + day - 1;
    for (int64_t m = 1; m < month; m++)
        n += days_of_month(year, m);
    return n;
}

int rh_parse_instant(const char *key, const char *text, int64_t *out, struct rh_error *err)
{
    static const int64_t least = -62135596800, most = 253402300799; /* years 1 to 9999 */
    int year, month, day, end = 0;
    if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &end) == 3 && !text[end] && year >= 1 && month >= 1 &&
        month <= 12 && day >= 1 && day <= days_of_month(year, month)) {
        *out = 86400 * day_number(year, month, day);
        return RH_OK;
    }
    if (rh_parse_int(text, out) && *out >= least && *out <= most)
        return RH_OK;
    return rh_fail(err, RH_EINVAL, "%s = %s is not an instant: expected YYYY-MM-DD, or unix seconds (not "
                   "milliseconds) from %lld to %lld", key, text, (long long)least, (long long)most);
}
