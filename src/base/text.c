#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool reserve(struct rh_text *t, size_t more)
{
    if (t->failed)
        return false;
    if (t->capacity - t->n > more)
        return true;
    size_t capacity = t->capacity ? t->capacity * 2 : 256;
    while (capacity - t->n <= more)
        capacity *= 2;
    char *s = realloc(t->s, capacity);
    if (!s) {
        t->failed = true;
        return false;
    }
    t->s = s;
    t->capacity = capacity;
    return true;
}

void rh_text_addn(struct rh_text *t, const char *s, size_t n)
{
    if (!reserve(t, n))
        return;
    memcpy(t->s + t->n, s, n);
    t->n += n;
    t->s[t->n] = '\0';
}

void rh_text_add(struct rh_text *t, const char *s)
{
    rh_text_addn(t, s, strlen(s));
}

void rh_text_vprintf(struct rh_text *t, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n >= 0 && reserve(t, (size_t)n)) {
        vsnprintf(t->s + t->n, (size_t)n + 1, fmt, again);
        t->n += (size_t)n;
    }
    va_end(again);
}

void rh_text_printf(struct rh_text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    rh_text_vprintf(t, fmt, ap);
    va_end(ap);
}

void rh_text_clear(struct rh_text *t)
{
    t->n = 0;
    if (t->s)
        t->s[0] = '\0';
}

void rh_text_release(struct rh_text *t)
{
    free(t->s);
    *t = (struct rh_text){ 0 };
}

static bool only_space(const char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    return *s == '\0';
}

bool rh_parse_int(const char *s, int64_t *out)
{
    char *end;
    if (only_space(s))
        return false;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno || !only_space(end))
        return false;
    *out = v;
    return true;
}

bool rh_parse_real(const char *s, double *out)
{
    char *end;
    if (only_space(s))
        return false;
    double v = strtod(s, &end);
    if (!isfinite(v) || !only_space(end))
        return false;
    *out = v;
    return true;
}

bool rh_parse_bool(const char *s, bool *out)
{
    static const char *const yes[] = { "yes", "true", "on", "1" }, *const no[] = { "no", "false", "off", "0" };
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (!strcasecmp(s, yes[i]))
            return *out = true;
        if (!strcasecmp(s, no[i])) {
            *out = false;
            return true;
        }
    }
    return false;
}

const char *rh_real_text(double x, char buf[static 32])
{
    if (fabs(x) < 1e15 && x == floor(x)) { /* 10000, not 1e+04 */
        snprintf(buf, 32, "%.0f", x);
        return buf;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(buf, 32, "%.*g", digits, x);
        if (strtod(buf, NULL) == x)
            break;
    }
    return buf;
}

#define LONGEST_NAME 63

size_t rh_edit_distance(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    if (na > LONGEST_NAME || nb > LONGEST_NAME)
        return na > nb ? na : nb;
    size_t d[LONGEST_NAME + 1][LONGEST_NAME + 1];
    for (size_t i = 0; i <= na; i++)
        d[i][0] = i;
    for (size_t j = 0; j <= nb; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= na; i++)
        for (size_t j = 1; j <= nb; j++) {
            int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
            size_t best = d[i - 1][j - 1] + (ca != cb);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) && cb == tolower((unsigned char)a[i - 2]) &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[na][nb];
}

const char *rh_nearest(const char *word, const char *const *names, size_t n)
{
    const char *nearest = NULL;
    size_t best = strlen(word) / 3 + 1; /* one slip in three letters is a typing error; more is another word */
    for (size_t i = 0; i < n; i++) {
        if (!names[i])
            continue;
        size_t d = rh_edit_distance(word, names[i]);
        if (d < best || (d == best && !nearest)) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}

const char *rh_did_you_mean(const char *name, char buf[static RH_HINT])
{
    if (!name)
        return "";
    snprintf(buf, RH_HINT, "; did you mean '%s'?", name);
    return buf;
}

size_t rh_utf8_length(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}
