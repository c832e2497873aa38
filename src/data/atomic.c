/* RecBole's atomic files (Zhao et al., RecBole, CIKM 2021): tabs, and a header of names with types such as
 * "user_id:token item_id:token rating:float". */
#include "data/delimited.h"

#include <string.h>

static int bid(const char *head, size_t n)
{
    static const char *const types[] = { ":token", ":float", ":token_seq", ":float_seq" };
    const char *stop = memchr(head, '\n', n);
    const char *end = stop ? stop : head + n;
    if (end > head && end[-1] == '\r')
        end--;
    if (end == head)
        return 0;
    for (const char *p = head; p < end;) { /* every column must end in a type */
        const char *tab = memchr(p, '\t', (size_t)(end - p));
        const char *name_end = tab ? tab : end;
        bool typed = false;
        for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
            size_t k = strlen(types[t]);
            typed |= (size_t)(name_end - p) > k && !memcmp(name_end - k, types[t], k);
        }
        if (!typed)
            return 0;
        p = name_end + 1;
    }
    return 95;
}

static int open_atomic(struct rh_arena *a, struct rh_input *in, const struct rh_reader_config *config,
                       struct rh_reading **out, struct rh_error *err)
{
    return rh_delimited_open(a, in, config, true, out, err);
}

const struct rh_reader rh_reader_atomic = {
    .name = "atomic",
    .summary = "RecBole's atomic files: tabs, and a header of names with types (user_id:token)",
    .revision = 1,
    .bid = bid,
    .open = open_atomic,
    .next = rh_delimited_next,
    .close = rh_delimited_close,
};
