#include "data/pyliteral.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    const char *start, *p, *end;
    int depth;
    struct rh_text text; /* the text being read */
    struct rh_pyliteral_error *error;
};

static json_t *value(struct parser *q);

__attribute__((format(printf, 2, 3))) static json_t *refuse(struct parser *q, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (!q->error->text[0]) {
        q->error->column = (size_t)(q->p - q->start) + 1;
        vsnprintf(q->error->text, sizeof q->error->text, fmt, ap);
    }
    va_end(ap);
    return NULL;
}

/* Says what stands at the place of something else. */
static json_t *unexpected(struct parser *q, const char *wanted)
{
    if (q->p == q->end)
        return refuse(q, "it ends where %s should be", wanted);
    unsigned char c = (unsigned char)*q->p;
    return isprint(c) ? refuse(q, "'%c' where %s should be", c, wanted)
                      : refuse(q, "byte 0x%02x where %s should be", c, wanted);
}

static void space(struct parser *q)
{
    while (q->p < q->end && (*q->p == ' ' || *q->p == '\t'))
        q->p++;
}

static bool next_is(struct parser *q, char c)
{
    if (q->p == q->end || *q->p != c)
        return false;
    q->p++;
    return true;
}

static void add_code(struct rh_text *t, uint32_t c)
{
    char s[4];
    size_t n = 0;
    if (c < 0x80) {
        s[n++] = (char)c;
    } else if (c < 0x800) {
        s[n++] = (char)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        s[n++] = (char)(0xe0 | c >> 12);
        s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
    } else {
        s[n++] = (char)(0xf0 | c >> 18);
        s[n++] = (char)(0x80 | (c >> 12 & 0x3f));
        s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
    }
    if (c >= 0x80)
        s[n++] = (char)(0x80 | (c & 0x3f));
    rh_text_addn(t, s, n);
}

/* Exactly `digits` hex digits at p. */
static bool hex(const struct parser *q, const char *p, int digits, uint32_t *out)
{
    uint32_t c = 0;
    if (q->end - p < digits)
        return false;
    for (int i = 0; i < digits; i++) {
        unsigned char d = (unsigned char)p[i];
        if (!isxdigit(d))
            return false;
        c = c << 4 | (uint32_t)(isdigit(d) ? d - '0' : tolower(d) - 'a' + 10);
    }
    *out = c;
    return true;
}

/* After "\x", "\u" or "\U". Python 2 wrote characters beyond U+FFFF as two \u escapes. */
static bool hex_escape(struct parser *q, int digits)
{
    uint32_t c, low;
    if (!hex(q, q->p, digits, &c)) {
        refuse(q, "an escape \\%c needs %d hex digits", q->p[-1], digits);
        return false;
    }
    q->p += digits;
    if (c >= 0xd800 && c < 0xdc00 && q->end - q->p >= 6 && q->p[0] == '\\' && q->p[1] == 'u' &&
        hex(q, q->p + 2, 4, &low) && low >= 0xdc00 && low < 0xe000) {
        q->p += 6;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        c = 0xfffd;
    add_code(&q->text, c ? c : ' ');
    return true;
}

/* After a backslash. */
static bool escape(struct parser *q)
{
    static const char letters[] = "\\'\"abfnrtv", means[] = "\\'\"\a\b\f\n\r\t\v";
    char c = *q->p++;
    const char *known = c ? strchr(letters, c) : NULL;
    if (known) {
        rh_text_addn(&q->text, &means[known - letters], 1);
        return true;
    }
    if (c == 'x' || c == 'u' || c == 'U')
        return hex_escape(q, c == 'x' ? 2 : c == 'u' ? 4 : 8);
    if (c >= '0' && c <= '7') {
        uint32_t code = (uint32_t)(c - '0');
        for (int i = 0; i < 2 && q->p < q->end && *q->p >= '0' && *q->p <= '7'; i++)
            code = code << 3 | (uint32_t)(*q->p++ - '0');
        add_code(&q->text, code ? code : ' ');
        return true;
    }
    rh_text_addn(&q->text, "\\", 1);
    rh_text_addn(&q->text, &c, 1);
    return true;
}

/* A text into q->text, from its opening quote. */
static bool text(struct parser *q)
{
    char quote = *q->p++;
    rh_text_clear(&q->text);
    for (;;) {
        const char *run = q->p;
        while (q->p < q->end && *q->p != quote && *q->p != '\\')
            q->p++;
        rh_text_addn(&q->text, run, (size_t)(q->p - run));
        if (q->p == q->end || (*q->p == '\\' && q->p + 1 == q->end)) {
            refuse(q, "a text without its closing %c", quote);
            return false;
        }
        if (*q->p++ == quote)
            break;
        if (!escape(q))
            return false;
    }
    if (q->text.failed) {
        refuse(q, "not enough memory for a text");
        return false;
    }
    return true;
}

static json_t *text_value(struct parser *q)
{
    if (!text(q))
        return NULL;
    json_t *v = json_stringn(q->text.s ? q->text.s : "", q->text.n);
    return v ? v : refuse(q, "a text that is not UTF-8");
}

static json_t *number(struct parser *q)
{
    char buf[400];
    size_t n = 0, digits = 0;
    bool real = false;
    for (; q->p + n < q->end && n < sizeof buf - 1; n++) {
        char c = q->p[n];
        bool sign = (c == '-' || c == '+') && (n == 0 || q->p[n - 1] == 'e' || q->p[n - 1] == 'E');
        if (isdigit((unsigned char)c))
            digits++;
        else if (c == '.' || ((c == 'e' || c == 'E') && digits))
            real = true;
        else if (!sign)
            break;
        buf[n] = c;
    }
    buf[n] = '\0';
    char *end;
    errno = 0;
    if (real) {
        double x = strtod(buf, &end);
        if (!digits || *end || !isfinite(x))
            return refuse(q, "'%.40s' is no number that can be held", buf);
        q->p += n;
        return json_real(x);
    }
    if (!digits || n == sizeof buf - 1)
        return refuse(q, "'%.40s' is no number that can be held", buf);
    long long whole = strtoll(buf, &end, 10);
    q->p += n;
    if (q->p < q->end && (*q->p == 'L' || *q->p == 'l'))
        q->p++; /* Python 2's long */
    if (errno == ERANGE)
        return json_string(buf);
    return *end ? refuse(q, "'%.40s' is no number", buf) : json_integer(whole);
}

/* Items up to `close`, after the opening bracket. A single value in parentheses without a comma is that value. */
static json_t *sequence(struct parser *q, char close)
{
    json_t *list = json_array();
    bool comma = false;
    space(q);
    while (list && !next_is(q, close)) {
        json_t *item = value(q);
        if (!item || json_array_append_new(list, item)) {
            json_decref(list);
            return refuse(q, "not enough memory for a list");
        }
        space(q);
        if (next_is(q, ',')) {
            comma = true;
            space(q);
        } else if (q->p == q->end || *q->p != close) {
            json_decref(list);
            return unexpected(q, close == ']' ? "',' or ']'" : "',' or ')'");
        }
    }
    if (list && close == ')' && !comma && json_array_size(list) == 1) {
        json_t *only = json_incref(json_array_get(list, 0));
        json_decref(list);
        return only;
    }
    return list ? list : refuse(q, "not enough memory for a list");
}

/* The key of a dictionary entry as a new text value. */
static json_t *key_value(struct parser *q)
{
    json_t *key = value(q);
    if (!key || json_is_string(key))
        return key;
    char buf[32];
    json_t *as_text = NULL;
    if (json_is_integer(key))
        as_text = json_sprintf("%lld", (long long)json_integer_value(key));
    else if (json_is_real(key))
        as_text = json_string(rh_real_text(json_real_value(key), buf));
    else
        refuse(q, "a key that is neither a text nor a number");
    json_decref(key);
    return as_text;
}

static json_t *dictionary(struct parser *q)
{
    json_t *map = json_object(), *key = NULL;
    space(q);
    while (map && !next_is(q, '}')) {
        if (!(key = key_value(q)))
            goto failed;
        space(q);
        if (!next_is(q, ':')) {
            unexpected(q, "':' after a key");
            goto failed;
        }
        space(q);
        json_t *v = value(q);
        if (!v || json_object_set_new(map, json_string_value(key), v)) {
            refuse(q, "not enough memory for a dictionary");
            goto failed;
        }
        json_decref(key);
        key = NULL;
        space(q);
        if (next_is(q, ',')) {
            space(q);
        } else if (q->p == q->end || *q->p != '}') {
            unexpected(q, "',' or '}'");
            goto failed;
        }
    }
    return map ? map : refuse(q, "not enough memory for a dictionary");
failed:
    json_decref(key);
    json_decref(map);
    return NULL;
}

static bool word(struct parser *q, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(q->end - q->p) < n || memcmp(q->p, w, n) || (q->p + n < q->end && isalnum((unsigned char)q->p[n])))
        return false;
    q->p += n;
    return true;
}

static json_t *nested(struct parser *q)
{
    if (q->depth == RH_PYLITERAL_DEPTH)
        return refuse(q, "nested deeper than %d levels", RH_PYLITERAL_DEPTH);
    q->depth++;
    char open = *q->p++;
    json_t *v = open == '{' ? dictionary(q) : sequence(q, open == '[' ? ']' : ')');
    q->depth--;
    return v;
}

static json_t *value(struct parser *q)
{
    if (q->p == q->end)
        return unexpected(q, "a value");
    char c = *q->p, after = q->p + 1 < q->end ? q->p[1] : '\0';
    if (c == '\'' || c == '"')
        return text_value(q);
    if (c == '{' || c == '[' || c == '(')
        return nested(q);
    if (isdigit((unsigned char)c) || c == '-' || c == '+' || c == '.')
        return number(q);
    if ((c == 'u' || c == 'U') && (after == '\'' || after == '"')) {
        q->p++;
        return text_value(q);
    }
    if (word(q, "None"))
        return json_null();
    if (word(q, "True"))
        return json_true();
    if (word(q, "False"))
        return json_false();
    return unexpected(q, "a value");
}

json_t *rh_pyliteral(const char *s, size_t n, struct rh_pyliteral_error *error)
{
    *error = (struct rh_pyliteral_error){ 0 };
    struct parser q = { .start = s, .p = s, .end = s + n, .error = error };
    space(&q);
    json_t *v = value(&q);
    space(&q);
    if (v && q.p != q.end) {
        unexpected(&q, "the end");
        json_decref(v);
        v = NULL;
    }
    rh_text_release(&q.text);
    return v;
}
