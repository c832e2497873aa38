/* One JSON object: each key is a user and its value the list of the user's items, {"4926": ["1", "2081"], ...}, as
 * MeLU keeps its states. Items are texts or whole numbers. Its columns are user and item. */
#include "data/delimited.h"

#include "base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum column { USER, ITEM, N_COLUMNS, ABSENT = -1 };

struct rh_reading {
    struct rh_input *in;
    int32_t n_wanted;
    int8_t column[RH_WANTED_MOST];
    json_t *whole; /* NULL: not read yet */
    void *at;      /* the user whose items come, or NULL: no more */
    size_t next;   /* of its items */
    char number[24];
};

static int wanted_column(const char *name, int8_t *out)
{
    static const char *const names[N_COLUMNS] = { "user", "item" };
    *out = ABSENT;
    for (int8_t c = 0; c < N_COLUMNS; c++)
        if (!strcmp(name, names[c]) || (name[0] == '1' + c && !name[1]))
            *out = c;
    size_t n = strlen(name);
    return *out == ABSENT && !(n && name[n - 1] == '?') ? RH_EDATA : RH_OK;
}

static int open_lists(struct rh_arena *a, struct rh_input *in, const struct rh_reader_config *config,
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
            return rh_fail(err, RH_EDATA, "%s: there is no column '%s'; there are: user, item", rh_input_name(in),
                           config->wanted[w]);
    *out = r;
    return RH_OK;
}

/* An object may be written over many lines. */
static int read_whole(struct rh_reading *r, struct rh_error *err)
{
    struct rh_text t = { 0 };
    const char *line;
    size_t n;
    int status;
    while ((status = rh_input_line(r->in, &line, &n, err)) == RH_OK) {
        rh_text_addn(&t, line, n);
        rh_text_add(&t, "\n");
    }
    if (status == RH_DONE && t.failed)
        status = rh_fail_memory(err, rh_input_name(r->in), t.n);
    if (status == RH_DONE) {
        json_error_t why;
        r->whole = json_loadb(t.s ? t.s : "", t.n, JSON_REJECT_DUPLICATES, &why);
        if (!r->whole)
            rh_fail(err, RH_EDATA, "%s:%d: not JSON: %.200s", rh_input_name(r->in), why.line, why.text);
        else if (!json_is_object(r->whole))
            rh_fail(err, RH_EDATA, "%s: holds a list; expected one object of users and their lists of items",
                    rh_input_name(r->in));
        else
            r->at = json_object_iter(r->whole);
        status = r->whole && json_is_object(r->whole) ? RH_OK : RH_EDATA;
    }
    rh_text_release(&t);
    return status;
}

static int text_of(struct rh_reading *r, const json_t *v, const char *user, struct rh_field *out,
                   struct rh_error *err)
{
    if (json_is_string(v)) {
        *out = (struct rh_field){ json_string_value(v), json_string_length(v) };
        return RH_OK;
    }
    if (!json_is_integer(v))
        return rh_fail(err, RH_EDATA, "%s: an item of user '%.60s' is neither a text nor a whole number",
                       rh_input_name(r->in), user);
    int n = snprintf(r->number, sizeof r->number, "%lld", (long long)json_integer_value(v));
    *out = (struct rh_field){ r->number, (size_t)n };
    return RH_OK;
}

static int next_lists(struct rh_reading *r, struct rh_field *field, struct rh_error *err)
{
    struct rh_field part[N_COLUMNS] = { 0 };
    if (!r->whole)
        RH_TRY(read_whole(r, err));
    for (;; r->next = 0, r->at = json_object_iter_next(r->whole, r->at)) {
        if (!r->at)
            return RH_DONE;
        const json_t *list = json_object_iter_value(r->at);
        if (!json_is_array(list))
            return rh_fail(err, RH_EDATA, "%s: user '%.60s' has no list of items", rh_input_name(r->in),
                           json_object_iter_key(r->at));
        if (r->next < json_array_size(list))
            break;
    }
    const char *user = json_object_iter_key(r->at);
    part[USER] = (struct rh_field){ user, strlen(user) };
    RH_TRY(text_of(r, json_array_get(json_object_iter_value(r->at), r->next++), user, &part[ITEM], err));
    for (int32_t w = 0; w < r->n_wanted; w++)
        field[w] = r->column[w] == ABSENT ? (struct rh_field){ 0 } : part[r->column[w]];
    return RH_OK;
}

static int bid(const char *head, size_t n)
{
    (void)head;
    (void)n;
    return 0; /* an object of lists may be a line of jsonl, too: it must be asked for */
}

static void close_lists(struct rh_reading *r)
{
    json_decref(r->whole);
}

const struct rh_reader rh_reader_jsonlists = {
    .name = "jsonlists",
    .summary = "one JSON object of users and their lists of items",
    .revision = 1,
    .bid = bid,
    .open = open_lists,
    .next = next_lists,
    .close = close_lists,
};
