#include "data/json_quick.h"

#include <ctype.h>
#include <string.h>

struct cursor {
    const char *p, *end;
};

static bool space(struct cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
        c->p++;
    return c->p < c->end;
}

/* Behind the text whose opening quote is at p; *plain: it has no backslash. */
static bool skip_text(struct cursor *c, bool *plain)
{
    *plain = true;
    const char *p = c->p + 1;
    for (;;) {
        const char *quote = memchr(p, '"', (size_t)(c->end - p));
        if (!quote)
            return false;
        const char *slash = memchr(p, '\\', (size_t)(quote - p));
        if (!slash) {
            c->p = quote + 1;
            return true;
        }
        *plain = false;
        if (c->end - slash < 2)
            return false;
        p = slash + 2; /* past what is escaped, be it a quote or a backslash */
    }
}

/* Behind the list or object that begins at p. */
static bool skip_nested(struct cursor *c)
{
    int depth = 0;
    while (c->p < c->end) {
        bool plain;
        if (*c->p == '"') {
            if (!skip_text(c, &plain))
                return false;
            continue;
        }
        if (*c->p == '{' || *c->p == '[')
            depth++;
        else if ((*c->p == '}' || *c->p == ']') && --depth == 0) {
            c->p++;
            return true;
        }
        c->p++;
    }
    return false;
}

static bool is_word(struct rh_field f, const char *word)
{
    return f.n == strlen(word) && !memcmp(f.s, word, f.n);
}

/* A text that the full reader would leave as it is: ASCII without HTML, controls and outer spaces. */
static bool plain_text(struct rh_field f)
{
    for (size_t i = 0; i < f.n; i++)
        if ((unsigned char)f.s[i] < ' ' || (unsigned char)f.s[i] > '~' || f.s[i] == '&' || f.s[i] == '<')
            return false;
    return !f.n || (f.s[0] != ' ' && f.s[f.n - 1] != ' ');
}

/* A short number in the form the full reader writes: "17", "4.5"; of "5.0" the ".0" is taken off. */
static bool plain_number(struct rh_field *f)
{
    const char *dot = memchr(f->s, '.', f->n);
    size_t whole = dot ? (size_t)(dot - f->s) : f->n;
    size_t sign = f->s[0] == '-';
    if (whole == sign || whole > 15 || f->n > 17 || (f->s[sign] == '0' && whole > sign + 1))
        return false;
    for (size_t i = sign; i < f->n; i++)
        if (i != whole && !isdigit((unsigned char)f->s[i]))
            return false;
    if (!dot)
        return !(sign && f->s[1] == '0');
    if (f->n != whole + 2 || (sign && f->s[1] == '0')) /* one decimal, as ratings have; "-0.0" is odd */
        return false;
    if (f->s[whole + 1] == '0')
        f->n = whole;
    return true;
}

/* Behind the value at p. When it is wanted it is put into *out, and has to be plain. */
static bool value(struct cursor *c, struct rh_field *out)
{
    const char *from = c->p;
    bool plain;
    if (*from == '"') {
        if (!skip_text(c, &plain))
            return false;
        if (out)
            *out = (struct rh_field){ from + 1, (size_t)(c->p - from) - 2 };
        return !out || (plain && plain_text(*out));
    }
    if (*from == '{' || *from == '[')
        return !out && skip_nested(c);
    while (c->p < c->end && (isalnum((unsigned char)*c->p) || strchr("+-.", *c->p)))
        c->p++;
    struct rh_field f = { from, (size_t)(c->p - from) };
    if (!f.n)
        return false;
    if (!out)
        return true;
    *out = f;
    if (is_word(f, "null"))
        *out = (struct rh_field){ 0 };
    else if (!is_word(f, "true") && !is_word(f, "false"))
        return plain_number(out);
    return true;
}

bool rh_json_quick(const char *line, size_t n, const char *const *key, int32_t n_keys, struct rh_field *field)
{
    struct cursor c = { line, line + n };
    uint32_t seen = 0;
    for (int32_t i = 0; i < n_keys; i++)
        field[i] = (struct rh_field){ 0 };
    if (!space(&c) || *c.p++ != '{' || !space(&c))
        return false;
    while (*c.p == '"') {
        const char *from = c.p + 1;
        bool plain;
        if (!skip_text(&c, &plain) || !plain)
            return false;
        struct rh_field name = { from, (size_t)(c.p - from) - 1 };
        int32_t k = 0;
        while (k < n_keys && !is_word(name, key[k]))
            k++;
        if (k < n_keys && seen >> k & 1)
            return false;
        seen |= k < n_keys ? 1u << k : 0;
        if (!space(&c) || *c.p++ != ':' || !space(&c) || !value(&c, k < n_keys ? &field[k] : NULL) || !space(&c))
            return false;
        if (*c.p == '}') {
            c.p++;
            return !space(&c); /* and nothing else on the line */
        }
        if (*c.p++ != ',' || !space(&c))
            return false;
    }
    return false;
}
