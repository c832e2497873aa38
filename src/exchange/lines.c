#include "exchange/lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ------------------------------------------------------------------------------------------------- numbers */

static const double power[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static inline bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The C library's reading of a token that ends where a number may end, for what the quick way leaves open. */
static bool read_slowly(const char *p, const char *end, float *out)
{
    char copy[512], *stop;
    size_t n = (size_t)(end - p);
    if (!n || n >= sizeof copy)
        return false;
    memcpy(copy, p, n);
    copy[n] = '\0';
    *out = (float)strtod(copy, &stop);
    return stop == copy + n && !is_space(copy[0]);
}

/* digits x 10^exponent as the nearest double rounded to float, or false. The digits make an approximation x that is off
 * by less than 2^-51 of it; where all of that interval rounds to one float, so does the nearest double, and that is not
 * so but once in millions. */
static inline bool round_score(uint64_t digits, int exponent, float *out)
{
    if (exponent < -22 || exponent > 22)
        return false;
    double x = exponent < 0 ? (double)digits / power[-exponent] : (double)digits * power[exponent];
    float low = (float)(x * (1 - 0x1p-50)), high = (float)(x * (1 + 0x1p-50));
    *out = low;
    return low == high;
}

/* A score; reads no further than `end`, where no digit stands. */
static inline bool read_score(const char *p, const char *end, float *out)
{
    const char *start = p;
    bool negative = *p == '-';
    p += negative || *p == '+';
    uint64_t digits = 0;
    int places = 0, exponent = 0;
    const char *first = p;
    while (is_digit(*p))
        digits = digits * 10 + (uint64_t)(*p++ - '0');
    int n = (int)(p - first);
    if (*p == '.') {
        const char *point = ++p;
        while (is_digit(*p))
            digits = digits * 10 + (uint64_t)(*p++ - '0');
        places = (int)(p - point);
        n += places;
    }
    if (n == 0 || n > 19)
        return read_slowly(start, end, out);
    if (*p == 'e' || *p == 'E') {
        bool small = p[1] == '-';
        p += 1 + (p[1] == '-' || p[1] == '+');
        const char *e = p;
        while (is_digit(*p) && p - e < 4)
            exponent = exponent * 10 + (*p++ - '0');
        if (p == e)
            return false;
        exponent = small ? -exponent : exponent;
    }
    if (p != end)
        return read_slowly(start, end, out);
    if (!round_score(digits, exponent - places, out))
        return read_slowly(start, end, out);
    *out = negative ? -*out : *out;
    return true;
}

/* A number of digits alone without a leading zero, below 10^18; else false. */
static inline bool read_digits(const char *p, const char *end, uint64_t *out)
{
    if (end - p > 18 || p == end || (*p == '0' && end - p > 1))
        return false;
    uint64_t x = 0;
    for (; p < end; p++) {
        if (!is_digit(*p))
            return false;
        x = x * 10 + (uint64_t)(*p - '0');
    }
    *out = x;
    return true;
}

/* --------------------------------------------------------------------------------------------------- lines */

static const char not_finite[] = "the score is not a finite number of 32 bits";

static bool take_score(const char *p, const char *end, struct rh_line *out, const char **why)
{
    if (!read_score(p, end, &out->value)) {
        *why = "the score is not a number";
        return false;
    }
    if (!isfinite(out->value)) {
        *why = not_finite;
        return false;
    }
    return true;
}

static bool take_ids(struct rh_line *out, const char **why)
{
    if (out->query.n > RH_LONGEST_ID || out->item.n > RH_LONGEST_ID) {
        *why = "an id is longer than 65535 bytes";
        return false;
    }
    if (!read_digits(out->item.s, out->item.s + out->item.n, &out->number))
        out->number = RH_ITEM_TEXT;
    return true;
}

/* Fields of a line of TREC: bytes between spaces. Returns how many there are, at most MOST + 1. */
enum { MOST = 6 };
static inline int split_words(const char *p, struct rh_span *field, const char **next)
{
    int n = 0;
    for (;;) {
        while (is_space(*p))
            p++;
        if (*p == '\n')
            break;
        const char *start = p;
        while (*p != ' ' && *p != '\t' && *p != '\n' && *p != '\r')
            p++;
        if (n < MOST)
            field[n] = (struct rh_span){ start, (uint32_t)(p - start) };
        if (n++ == MOST) {
            while (*p != '\n')
                p++;
            break;
        }
    }
    *next = p + 1;
    return n;
}

static bool read_trec(const char *p, struct rh_line *out, const char **next, const char **why)
{
    struct rh_span field[MOST];
    if (split_words(p, field, next) != 6) {
        *why = "expected six fields: query Q0 document rank score tag";
        return false;
    }
    out->query = field[0];
    out->item = field[2];
    uint64_t rank;
    if (!read_digits(field[3].s, field[3].s + field[3].n, &rank)) {
        *why = "the rank is not a whole number";
        return false;
    }
    out->rank = (int64_t)rank;
    return take_score(field[4].s, field[4].s + field[4].n, out, why) && take_ids(out, why);
}

/* The line as most programs write it: single spaces, an item of digits, a score without an exponent, the query of the
 * line before. One pass over its bytes; NULL: it is otherwise, and is left to read_trec. */
static inline const char *read_plain_trec(const char *p, struct rh_line *out)
{
    const char *start;
    uint64_t item = 0, rank = 0, digits = 0;
    uint32_t n = 0;
    while (n < out->query.n && p[n] == out->query.s[n]) /* ends with the line at the latest, which memcmp need not */
        n++;
    if (!n || n < out->query.n || p[n] != ' ')
        return NULL;
    p += n + 1;
    if (p[0] == '\n' || p[0] == ' ' || p[1] == '\n' || p[1] == ' ' || p[2] != ' ') /* "Q0" */
        return NULL;
    start = p += 3;
    while (is_digit(*p))
        item = item * 10 + (uint64_t)(*p++ - '0');
    if (*p != ' ' || p == start || p - start > 18 || *start == '0')
        return NULL;
    out->item = (struct rh_span){ start, (uint32_t)(p - start) };
    start = ++p;
    while (is_digit(*p))
        rank = rank * 10 + (uint64_t)(*p++ - '0');
    if (*p != ' ' || p == start || p - start > 18 || (*start == '0' && p - start > 1))
        return NULL;
    bool negative = *++p == '-';
    start = p += negative;
    while (is_digit(*p))
        digits = digits * 10 + (uint64_t)(*p++ - '0');
    if (p == start || *p != '.')
        return NULL;
    const char *point = ++p;
    while (is_digit(*p))
        digits = digits * 10 + (uint64_t)(*p++ - '0');
    if (*p != ' ' || p - start > 20 || !round_score(digits, -(int)(p - point), &out->value))
        return NULL;
    start = ++p;
    while ((unsigned char)*p > ' ')
        p++;
    if (*p != '\n' || p == start || !isfinite(out->value))
        return NULL;
    out->value = negative ? -out->value : out->value;
    out->number = item;
    out->rank = (int64_t)rank;
    return p + 1;
}

static bool read_qrels(const char *p, struct rh_line *out, const char **next, const char **why)
{
    struct rh_span field[MOST];
    if (split_words(p, field, next) != 4) {
        *why = "expected four fields: query 0 document relevance";
        return false;
    }
    out->query = field[0];
    out->item = field[2];
    out->rank = -1;
    if (!read_score(field[3].s, field[3].s + field[3].n, &out->value) || !isfinite(out->value)) {
        *why = "the relevance is not a number";
        return false;
    }
    return take_ids(out, why);
}

/* Fields of a line of CSV. A field in quotes may hold commas; one with a quote in it is refused. */
enum { COLUMNS = 32 };
static int split_commas(const char *p, struct rh_span *field, const char **next, const char **why)
{
    for (int n = 0;; p++) {
        const char *start = p, *end;
        if (*p == '"') {
            for (start = ++p; *p != '"' && *p != '\n'; p++)
                ;
            end = p;
            if (*p == '\n' || (p[1] != ',' && p[1] != '\n' && p[1] != '\r')) {
                *why = "a quoted field with a quote in it, or without its end, cannot be read";
                return -1;
            }
            p++;
        } else {
            while (*p != ',' && *p != '\n')
                p++;
            end = p;
            while (*p == '\n' && end > start && is_space(end[-1]))
                end--;
        }
        if (*p == '\r')
            p++;
        if (n < COLUMNS)
            field[n++] = (struct rh_span){ start, (uint32_t)(end - start) };
        if (*p == '\n') {
            *next = p + 1;
            return n;
        }
    }
}

static bool read_csv(const struct rh_line_rules *r, const char *p, struct rh_line *out, const char **next,
                     const char **why)
{
    struct rh_span field[COLUMNS];
    int n = split_commas(p, field, next, why);
    if (n < 0)
        return false;
    if (n <= r->user || n <= r->item || n <= r->score || n <= r->rank) {
        *why = r->rank >= 0 ? "fewer fields than the columns user, item, score and rank need"
                            : "fewer fields than the columns user, item and score need";
        return false;
    }
    out->query = field[r->user];
    out->item = field[r->item];
    out->rank = -1;
    uint64_t rank;
    if (!out->query.n || !out->item.n) {
        *why = "the user or the item is empty";
        return false;
    }
    if (r->rank >= 0) {
        const struct rh_span *f = &field[r->rank];
        if (!read_digits(f->s, f->s + f->n, &rank)) {
            *why = "the rank is not a whole number";
            return false;
        }
        out->rank = (int64_t)rank;
    }
    return take_score(field[r->score].s, field[r->score].s + field[r->score].n, out, why) && take_ids(out, why);
}

const char *rh_line_read(const struct rh_line_rules *rules, const char *p, struct rh_line *out, const char **why)
{
    const char *next = NULL;
    bool good = rules->form == RH_FORM_TREC  ? read_trec(p, out, &next, why)
                : rules->form == RH_FORM_CSV ? read_csv(rules, p, out, &next, why)
                                             : read_qrels(p, out, &next, why);
    return good ? next : NULL;
}

/* -------------------------------------------------------------------------------------------------- pieces */

static inline bool is_blank(const char *p, const char **next)
{
    while (is_space(*p))
        p++;
    *next = p + 1;
    return *p == '\n';
}

static struct rh_segment *new_segment(struct rh_piece *p)
{
    if (p->n_segments == p->capacity) {
        int32_t capacity = p->capacity ? 2 * p->capacity : 64;
        struct rh_segment *bigger = realloc(p->segment, (size_t)capacity * sizeof *bigger);
        if (!bigger) {
            p->no_memory = true;
            return NULL;
        }
        p->segment = bigger;
        p->capacity = capacity;
    }
    return &p->segment[p->n_segments++];
}

static size_t count_newlines(const char *p, const char *end)
{
    size_t n = 0;
    for (; p < end; p++)
        n += *p == '\n';
    return n;
}

void rh_piece_read(struct rh_piece *piece, const struct rh_line_rules *rules)
{
    size_t most = count_newlines(piece->begin, piece->end);
    piece->item = malloc((most + 1) * sizeof *piece->item);
    piece->value = malloc((most + 1) * sizeof *piece->value);
    if (!piece->item || !piece->value) {
        piece->no_memory = true;
        return;
    }
    struct rh_segment *s = NULL;
    struct rh_line line = { 0 };
    bool plain = rules->form == RH_FORM_TREC;
    int64_t rank = 0;
    int32_t n = 0;
    for (const char *p = piece->begin, *next; p < piece->end; p = next) {
        next = plain ? read_plain_trec(p, &line) : NULL;
        if (!next)
            next = rh_line_read(rules, p, &line, &piece->why);
        if (!next) {
            if (is_blank(p, &next))
                continue;
            piece->bad = p;
            break;
        }
        piece->item[n] = line.number == RH_ITEM_TEXT
                             ? RH_ITEM_TEXT | (uint64_t)(line.item.s - piece->origin) << 24 | line.item.n
                             : line.number;
        piece->value[n] = line.value;
        if (!s || s->query.n != line.query.n ||
            (s->query.s != line.query.s && memcmp(s->query.s, line.query.s, line.query.n))) {
            s = new_segment(piece);
            if (!s)
                return;
            *s = (struct rh_segment){ .query = line.query, .text = p, .n = 0, .next = -1, .in_order = true,
                                      .item = piece->item + n, .value = piece->value + n };
        } else if (line.rank >= 0 && !(line.rank > rank && line.value <= piece->value[n - 1])) {
            s->in_order = false;
        }
        rank = line.rank;
        s->n++;
        n++;
    }
    piece->n = n;
}

/* -------------------------------------------------------------------------------------------------- the form */

static bool is_name(struct rh_span f, const char *names)
{
    for (const char *p = names; *p; p += strlen(p) + 1)
        if (strlen(p) == f.n && !strncasecmp(p, f.s, f.n))
            return true;
    return false;
}

static bool find_columns(const struct rh_span *field, int n, struct rh_line_rules *r)
{
    *r = (struct rh_line_rules){ RH_FORM_CSV, -1, -1, -1, -1 };
    for (int i = 0; i < n; i++) {
        if (is_name(field[i], "user\0user_id\0userid\0query\0"))
            r->user = i;
        else if (is_name(field[i], "item\0item_id\0itemid\0document\0"))
            r->item = i;
        else if (is_name(field[i], "score\0prediction\0rating\0"))
            r->score = i;
        else if (is_name(field[i], "rank\0"))
            r->rank = i;
    }
    return r->user >= 0 && r->item >= 0 && r->score >= 0;
}

bool rh_line_rules_guess(const char *p, const char *end, struct rh_line_rules *out, const char **lines_from,
                         const char **why)
{
    const char *next;
    while (p < end && is_blank(p, &next))
        p = next;
    *lines_from = p;
    *out = (struct rh_line_rules){ .form = RH_FORM_TREC };
    if (p == end)
        return true;
    struct rh_span field[COLUMNS];
    if (!memchr(p, ',', (size_t)((const char *)memchr(p, '\n', (size_t)(end - p)) - p)))
        return true;
    int n = split_commas(p, field, &next, why);
    if (n < 0)
        return false;
    float score;
    if (n >= 3 && read_score(field[2].s, field[2].s + field[2].n, &score)) {
        if (split_words(p, (struct rh_span[MOST]){ 0 }, &next) == 6) /* commas in ids of TREC */
            return true;
        *out = (struct rh_line_rules){ RH_FORM_CSV, 0, 1, 2, n > 3 ? 3 : -1 };
        return true;
    }
    if (split_words(p, (struct rh_span[MOST]){ 0 }, &next) == 6)
        return true;
    if (find_columns(field, n, out)) {
        *lines_from = memchr(p, '\n', (size_t)(end - p));
        ++*lines_from;
        return true;
    }
    *why = "expected a line of TREC (query Q0 document rank score tag), a line user,item,score[,rank], or a header "
           "that names these columns";
    return false;
}
