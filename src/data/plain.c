#include "data/plain.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* Sorted by name: the references that shop texts use, and all letters of Latin-1. */
static const struct {
    const char *name;
    uint16_t code;
} references[] = {
    { "AElig", 0xc6 },   { "Aacute", 0xc1 },  { "Acirc", 0xc2 },    { "Agrave", 0xc0 },  { "Aring", 0xc5 },
    { "Atilde", 0xc3 },  { "Auml", 0xc4 },    { "Ccedil", 0xc7 },   { "ETH", 0xd0 },     { "Eacute", 0xc9 },
    { "Ecirc", 0xca },   { "Egrave", 0xc8 },  { "Euml", 0xcb },     { "Iacute", 0xcd },  { "Icirc", 0xce },
    { "Igrave", 0xcc },  { "Iuml", 0xcf },    { "Ntilde", 0xd1 },   { "OElig", 0x152 },  { "Oacute", 0xd3 },
    { "Ocirc", 0xd4 },   { "Ograve", 0xd2 },  { "Oslash", 0xd8 },   { "Otilde", 0xd5 },  { "Ouml", 0xd6 },
    { "Scaron", 0x160 }, { "THORN", 0xde },   { "Uacute", 0xda },   { "Ucirc", 0xdb },   { "Ugrave", 0xd9 },
    { "Uuml", 0xdc },    { "Yacute", 0xdd },  { "aacute", 0xe1 },   { "acirc", 0xe2 },   { "acute", 0xb4 },
    { "aelig", 0xe6 },   { "agrave", 0xe0 },  { "amp", '&' },       { "apos", '\'' },    { "aring", 0xe5 },
    { "atilde", 0xe3 },  { "auml", 0xe4 },    { "bull", 0x2022 },   { "ccedil", 0xe7 },  { "cent", 0xa2 },
    { "copy", 0xa9 },    { "deg", 0xb0 },     { "eacute", 0xe9 },   { "ecirc", 0xea },   { "egrave", 0xe8 },
    { "eth", 0xf0 },     { "euml", 0xeb },    { "euro", 0x20ac },   { "frac12", 0xbd },  { "frac14", 0xbc },
    { "frac34", 0xbe },  { "gt", '>' },       { "hellip", 0x2026 }, { "iacute", 0xed },  { "icirc", 0xee },
    { "iexcl", 0xa1 },   { "igrave", 0xec },  { "iquest", 0xbf },   { "iuml", 0xef },    { "laquo", 0xab },
    { "ldquo", 0x201c }, { "lsquo", 0x2018 }, { "lt", '<' },        { "mdash", 0x2014 }, { "middot", 0xb7 },
    { "nbsp", ' ' },     { "ndash", 0x2013 }, { "ntilde", 0xf1 },   { "oacute", 0xf3 },  { "ocirc", 0xf4 },
    { "oelig", 0x153 },  { "ograve", 0xf2 },  { "ordm", 0xba },     { "oslash", 0xf8 },  { "otilde", 0xf5 },
    { "ouml", 0xf6 },    { "pound", 0xa3 },   { "quot", '"' },      { "raquo", 0xbb },   { "rdquo", 0x201d },
    { "reg", 0xae },     { "rsquo", 0x2019 }, { "scaron", 0x161 },  { "shy", ' ' },      { "szlig", 0xdf },
    { "thorn", 0xfe },   { "times", 0xd7 },   { "trade", 0x2122 },  { "uacute", 0xfa },  { "ucirc", 0xfb },
    { "ugrave", 0xf9 },  { "uuml", 0xfc },    { "yacute", 0xfd },   { "yen", 0xa5 },     { "yuml", 0xff },
};

/* What the bytes 0x80 to 0x9f mean in windows-1252; 0: nothing. */
static const uint16_t windows1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

static const char *const tags[] = {
    "a",    "abbr",  "acronym", "b",      "big",   "blockquote", "body",   "br",     "center", "cite",
    "code", "dd",    "del",     "div",    "dl",    "dt",         "em",     "font",   "form",   "h1",
    "h2",   "h3",    "h4",      "h5",     "h6",    "head",       "hr",     "html",   "i",      "iframe",
    "img",  "input", "ins",     "li",     "link",  "meta",       "nobr",   "object", "ol",     "p",
    "pre",  "q",     "s",       "script", "small", "span",       "strike", "strong", "style",  "sub",
    "sup",  "table", "tbody",   "td",     "th",    "thead",      "tr",     "tt",     "u",      "ul",
};

static size_t put_utf8(char *s, uint32_t c)
{
    if (c < 0x80) {
        s[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        s[0] = (char)(0xc0 | c >> 6);
        s[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        s[0] = (char)(0xe0 | c >> 12);
        s[1] = (char)(0x80 | (c >> 6 & 0x3f));
        s[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    s[0] = (char)(0xf0 | c >> 18);
    s[1] = (char)(0x80 | (c >> 12 & 0x3f));
    s[2] = (char)(0x80 | (c >> 6 & 0x3f));
    s[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* "&#39;" or "&#x27;" at s: its length, or 0. */
static size_t numeric_reference(const char *s, size_t n, uint32_t *code)
{
    bool hex = n > 2 && (s[2] == 'x' || s[2] == 'X');
    size_t start = hex ? 3 : 2, i = start;
    uint32_t c = 0;
    for (; i < n && s[i] != ';'; i++) {
        unsigned char d = (unsigned char)s[i];
        if (!(hex ? isxdigit(d) : isdigit(d)) || c > 0x10ffff)
            return 0;
        c = c * (hex ? 16 : 10) + (uint32_t)(isdigit(d) ? d - '0' : tolower(d) - 'a' + 10);
    }
    if (i == n || i == start || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    if (c >= 0x80 && c < 0xa0)
        c = windows1252[c - 0x80];
    if (c < ' ' || c == 0x7f || c == 0xa0 || c == 0xad)
        c = ' ';
    *code = c;
    return i + 1;
}

/* A character reference at s: its length, or 0. None is shorter than the UTF-8 it stands for. */
static size_t reference(const char *s, size_t n, uint32_t *code)
{
    if (n > 1 && s[1] == '#')
        return numeric_reference(s, n, code);
    size_t end = 1;
    while (end < n && end < 8 && isalnum((unsigned char)s[end]))
        end++;
    if (end == n || s[end] != ';')
        return 0;
    size_t low = 0, high = sizeof references / sizeof *references;
    while (low < high) {
        size_t mid = (low + high) / 2;
        const char *name = references[mid].name;
        int order = strncmp(s + 1, name, end - 1);
        if (order == 0 && name[end - 1])
            order = -1; /* s is the beginning of name */
        if (order == 0) {
            *code = references[mid].code;
            return end + 1;
        }
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return 0;
}

static bool starts(const char *s, size_t n, const char *word)
{
    size_t k = strlen(word);
    return n >= k && !strncasecmp(s, word, k);
}

/* Bytes up to and with `word`, or all of them. */
static size_t through(const char *s, size_t n, const char *word)
{
    size_t k = strlen(word);
    for (size_t i = 0; i + k <= n; i++)
        if (!strncasecmp(s + i, word, k))
            return i + k;
    return n;
}

/* An HTML tag (or a comment, a whole script) at s, which is '<': its length, or 0. */
static size_t tag(const char *s, size_t n)
{
    if (starts(s, n, "<!--"))
        return through(s, n, "-->");
    bool closing = n > 1 && s[1] == '/';
    size_t start = closing ? 2 : 1, end = start;
    while (end < n && isalnum((unsigned char)s[end]))
        end++;
    if (end < n && !strchr(" \t\n/>", s[end]))
        return 0;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        if (strlen(tags[i]) != end - start || strncasecmp(s + start, tags[i], end - start))
            continue;
        if (!closing && starts(s, n, "<script"))
            return through(s, n, "</script>");
        if (!closing && starts(s, n, "<style"))
            return through(s, n, "</style>");
        bool attribute = false;
        for (; end < n && s[end] != '<'; end++) {
            if (s[end] == '>')
                return end + 1;
            attribute |= s[end] == '=';
        }
        return attribute ? end : 0; /* cut off: "<span class=..." is one, "x <a lot" is not */
    }
    return 0;
}

size_t rh_plain_text(char *s, size_t n)
{
    size_t out = 0;
    bool dropped = false;
    for (size_t i = 0; i < n;) {
        size_t skip;
        uint32_t code;
        if (s[i] == '&' && (skip = reference(s + i, n - i, &code)) > 0) {
            out += put_utf8(s + out, code);
            i += skip;
        } else if (s[i] == '<' && (skip = tag(s + i, n - i)) > 0) {
            if (out && s[out - 1] != ' ')
                s[out++] = ' ';
            i += skip;
            dropped = true;
        } else if (dropped && s[i] == ' ' && (!out || s[out - 1] == ' ')) {
            i++;
        } else {
            s[out++] = s[i++];
        }
    }
    while (dropped && out && s[out - 1] == ' ')
        out--;
    return out;
}
