#include "split/titles.h"

#include "data/words.h"

#include <ctype.h>
#include <string.h>

enum { MOST_WORDS = 64, LONGEST = 64 }; /* longer titles are compared by what comes first */

enum kind {
    KIND_PLAIN,
    KIND_WEAK,  /* of an edition, when the company is right: "special", "cut", "2" */
    KIND_STRONG /* of an edition */
};

struct word {
    char s[LONGEST];
    size_t n;
    int part; /* 0, or the number of its parenthesis, from 1 */
    bool behind_comma;
};

static bool among(const char *const *list, const char *s)
{
    while (*list && strcmp(*list, s))
        list++;
    return *list != NULL;
}

/* "2", "25th" */
static bool is_number(const char *s)
{
    size_t n = strspn(s, "0123456789");
    return n && n < 4 && (!s[n] || !strcmp(s + n, "st") || !strcmp(s + n, "nd") || !strcmp(s + n, "rd") ||
                          !strcmp(s + n, "th"));
}

static enum kind kind_of(const char *s)
{
    static const char *const strong[] = { "dvd",       "bluray",     "vhs",       "edition",   "widescreen",
                                          "fullscreen", "unrated",   "uncut",     "remastered", "paperback",
                                          "hardcover", "kindle",     "directors", "audiobook", "uhd", NULL };
    static const char *const weak[] = { "blu",    "ray",     "special", "collectors", "collector", "limited", "deluxe",
                                        "ultimate", "anniversary", "extended", "cut",  "full",     "screen",  "version",
                                        "disc",   "disk",    "two",     "three",      "set",       "mass",    "market",
                                        "large",  "print",   "audio",   "cd",         "4k",        "the",     NULL };
    return among(strong, s) ? KIND_STRONG : among(weak, s) || is_number(s) ? KIND_WEAK : KIND_PLAIN;
}

static bool is_article(const char *s)
{
    static const char *const articles[] = { "the", "a", "an", NULL };
    return among(articles, s);
}

static int32_t cut_into_words(const char *title, struct word *word)
{
    int32_t n = 0;
    int parts = 0, part = 0;
    bool comma = false, inside = false;
    for (const char *p = title; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (isalnum(c) || c >= 0x80 || c == '&') {
            if (!inside || c == '&') {
                if (n == MOST_WORDS)
                    break;
                word[n++] = (struct word){ .part = part, .behind_comma = comma };
                comma = false;
            }
            inside = c != '&';
            struct word *w = &word[n - 1];
            if (c == '&') {
                memcpy(w->s, "and", w->n = 3);
                p += strncmp(p, "&amp;", 5) ? 0 : 4;
            } else if (w->n + 1 < LONGEST) {
                w->s[w->n++] = (char)c;
            }
        } else if (c != '\'') {
            inside = false;
            comma |= c == ',';
            if (c == '(' || c == '[')
                part = ++parts;
            else if (c == ')' || c == ']')
                part = 0;
        }
    }
    for (int32_t i = 0; i < n; i++)
        rh_lower(word[i].s, word[i].n);
    return n;
}

/* "blu ray" is "bluray" to the rest. */
static bool is_bluray(const struct word *word, int32_t n, int32_t i)
{
    return i + 1 < n && !strcmp(word[i].s, "blu") && !strcmp(word[i + 1].s, "ray");
}

/* Words [from, to) are all of editions, and one of them surely is. */
static bool is_edition(const struct word *word, int32_t from, int32_t to)
{
    bool strong = false;
    for (int32_t i = from; i < to; i++) {
        enum kind kind = kind_of(word[i].s);
        if (kind == KIND_PLAIN)
            return false;
        strong |= kind == KIND_STRONG || is_bluray(word, to, i) || !strncmp(word[i].s, "dis", 3);
    }
    return strong;
}

static int32_t drop(struct word *word, int32_t n, int32_t from, int32_t to)
{
    memmove(word + from, word + to, (size_t)(n - to) * sizeof *word);
    return n - (to - from);
}

static int32_t drop_editions(struct word *word, int32_t n)
{
    for (int32_t i = 0; i < n;) {
        int32_t end = i;
        while (end < n && word[end].part == word[i].part)
            end++;
        if (word[i].part && end - i < n && is_edition(word, i, end))
            n = drop(word, n, i, end);
        else
            i = end;
    }
    int32_t run = n;
    while (run > 1 && !word[run - 1].part && kind_of(word[run - 1].s) != KIND_PLAIN)
        run--;
    while (run < n && !is_edition(word, run, n))
        run++;
    for (int32_t i = 0; i < run; i++)
        if (!is_article(word[i].s))
            return run;
    return n; /* "The Edition" */
}

void rh_title_key(const char *title, struct rh_text *out)
{
    struct word word[MOST_WORDS];
    int32_t n = cut_into_words(title, word), kept = 0;
    n = drop_editions(word, n);
    for (int32_t i = 0; i < n; i++) {
        bool outer = i == 0 || i == n - 1 || word[i].behind_comma;
        if (outer && n > 1 && is_article(word[i].s))
            continue;
        rh_text_printf(out, "%s%s", kept++ ? " " : "", word[i].s);
    }
}
