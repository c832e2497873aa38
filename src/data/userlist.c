/* A line is a user followed by items, separated by spaces or tabs: "1 209 234 40", or with times "1 209|1357430400".
 * MCRec's test files, the sequences of P5 and ABXI. Its columns are user, item and time. */
#include "data/delimited.h"
#include "data/scan.h"

#include <string.h>

enum column { USER, ITEM, TIME, N_COLUMNS, ABSENT = -1 };

struct rh_reading {
    struct rh_input *in;
    int32_t n_wanted;
    int8_t column[RH_WANTED_MOST];
    struct rh_field user;
    const char *at, *end; /* the rest of the line */
};

static int wanted_column(const char *name, int8_t *out)
{
    static const char *const names[N_COLUMNS] = { "user", "item", "time" };
    static const char *const numbers[N_COLUMNS] = { "1", "2", "3" };
    size_t n = strlen(name);
    bool optional = n && name[n - 1] == '?';
    n -= optional;
    *out = ABSENT;
    for (int8_t c = 0; c < N_COLUMNS; c++)
        if ((strlen(names[c]) == n && !memcmp(name, names[c], n)) || (n == 1 && name[0] == numbers[c][0]))
            *out = c;
    return *out == ABSENT && !optional ? RH_EDATA : RH_OK;
}

static int open_userlist(struct rh_arena *a, struct rh_input *in, const struct rh_reader_config *config,
                         struct rh_reading **out, struct rh_error *err)
{
    struct rh_reading *r = rh_alloc(a, 1, sizeof *r);
    if (!r)
        return rh_fail_memory(err, rh_input_name(in), sizeof *r);
    if (config->n_wanted > RH_WANTED_MOST)
        return rh_fail(err, RH_EINVAL, "%s: %d wanted columns: at most %d", rh_input_name(in), config->n_wanted,
                       RH_WANTED_MOST);
    r->in = in;
    r->n_wanted = config->n_wanted;
    for (int32_t w = 0; w < config->n_wanted; w++)
        if (wanted_column(config->wanted[w], &r->column[w]) < 0)
            return rh_fail(err, RH_EDATA, "%s: there is no column '%s'; there are: user, item, time",
                           rh_input_name(in), config->wanted[w]);
    *out = r;
    return RH_OK;
}

static struct rh_field word(struct rh_reading *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
        r->at++;
    const char *from = r->at;
    while (r->at < r->end && *r->at != ' ' && *r->at != '\t')
        r->at++;
    return (struct rh_field){ from, (size_t)(r->at - from) };
}

static int next_userlist(struct rh_reading *r, struct rh_field *field, struct rh_error *err)
{
    struct rh_field part[N_COLUMNS] = { 0 };
    while ((part[ITEM] = word(r)).n == 0) {
        const char *line;
        size_t n;
        int status = rh_input_line(r->in, &line, &n, err);
        if (status != RH_OK)
            return status;
        if (!rh_utf8_valid(line, n))
            return rh_fail(err, RH_EDATA, "%s:%lld: bytes that are not UTF-8", rh_input_name(r->in),
                           (long long)rh_input_line_number(r->in));
        r->at = line;
        r->end = line + n;
        r->user = word(r);
    }
    part[USER] = r->user;
    const char *bar = memchr(part[ITEM].s, '|', part[ITEM].n);
    if (bar) {
        part[TIME] = (struct rh_field){ bar + 1, (size_t)(part[ITEM].s + part[ITEM].n - bar - 1) };
        part[ITEM].n = (size_t)(bar - part[ITEM].s);
    }
    for (int32_t w = 0; w < r->n_wanted; w++)
        field[w] = r->column[w] == ABSENT ? (struct rh_field){ 0 } : part[r->column[w]];
    return RH_OK;
}

static int bid(const char *head, size_t n)
{
    (void)head;
    (void)n;
    return 0; /* nothing in the text says so: it must be asked for */
}

static void close_userlist(struct rh_reading *r)
{
    (void)r;
}

const struct rh_reader rh_reader_userlist = {
    .name = "userlist",
    .summary = "a line is a user followed by items, each 'item' or 'item|time'",
    .revision = 1,
    .bid = bid,
    .open = open_userlist,
    .next = next_userlist,
    .close = close_userlist,
};
