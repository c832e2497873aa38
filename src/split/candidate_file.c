/* Reading candidates_file. */
#include "base/sort.h"
#include "data/input.h"
#include "split/build.h"
#include "split/names.h"

#include <string.h>

enum kind { KIND_UNKNOWN, KIND_ITEM, KIND_USER_ITEM, KIND_NEGATIVES };
static const char *const kind_shape[] = { "", "ITEM", "USER<tab>ITEM", "(USER,ITEM)<tab>ITEM<tab>..." };

struct reading {
    struct rh_build *b;
    struct rh_input *in;
    struct rh_names user, item; /* of the target; a text behind them is one that it does not know */
    enum kind kind;
    char *line; /* a copy that is cut into fields */
    size_t line_room;
    uint64_t *key; /* [n] user << 32 | item */
    size_t n, room;
    struct rh_error *err;
};

static int fail_line(struct reading *r, const char *what)
{
    return rh_fail(r->err, RH_EDATA, "%s:%lld: %s", rh_input_name(r->in), (long long)rh_input_line_number(r->in),
                   what);
}

static int enter_names(struct reading *r, struct rh_names *t, const struct rh_strings *s)
{
    RH_TRY(rh_names_init(t, &r->b->work, (int64_t)s->n + 1, r->err));
    for (int32_t i = 0; i < s->n; i++)
        rh_names_add(t, rh_string(s, i));
    return RH_OK;
}

/* The number of an id among the n that the target knows. */
static int number_of(struct reading *r, struct rh_names *t, int32_t n, const char *what, const char *id, int32_t *out)
{
    *out = rh_names_add(t, id);
    if (*out < n)
        return RH_OK;
    return rh_fail(r->err, RH_EDATA, "%s:%lld: %s '%s' is not one of the %d %ss of domain '%s'", rh_input_name(r->in),
                   (long long)rh_input_line_number(r->in), what, id, n, what, r->b->domain[0]->name);
}

static int add(struct reading *r, int32_t user, const char *item)
{
    int32_t i;
    RH_TRY(number_of(r, &r->item, r->b->domain[0]->n_items, "item", item, &i));
    if (r->n == r->room) {
        size_t room = r->room ? 2 * r->room : 1024;
        uint64_t *bigger = rh_build_alloc(&r->b->work, room, sizeof *bigger, "candidates", r->err);
        if (!bigger)
            return RH_ENOMEM;
        if (r->n)
            memcpy(bigger, r->key, r->n * sizeof *bigger);
        r->key = bigger;
        r->room = room;
    }
    r->key[r->n++] = (uint64_t)(uint32_t)user << 32 | (uint32_t)i;
    return RH_OK;
}

static char *trimmed(char *s)
{
    s += strspn(s, " ");
    for (size_t n = strlen(s); n && s[n - 1] == ' ';)
        s[--n] = '\0';
    return s;
}

static int take_line(struct reading *r)
{
    char *rest = r->line, *pair = NULL, *end;
    enum kind kind = KIND_ITEM;
    int32_t user = 0;
    if (rest[0] == '(' && (end = strchr(rest, ')'))) {
        kind = KIND_NEGATIVES;
        *end = '\0';
        pair = rest + 1;
        rest = end + 1;
        rest += *rest == '\t' || *rest == ',';
    } else if (strpbrk(rest, "\t,")) {
        kind = KIND_USER_ITEM;
    }
    if (r->kind != KIND_UNKNOWN && r->kind != kind)
        return rh_fail(r->err, RH_EDATA, "%s:%lld: the lines before are of the form %s, this one is not",
                       rh_input_name(r->in), (long long)rh_input_line_number(r->in), kind_shape[r->kind]);
    r->kind = kind;
    if (kind == KIND_ITEM)
        return add(r, 0, trimmed(rest));
    const char *separator = strchr(rest, '\t') ? "\t" : ",";
    char *who = pair ? strsep(&pair, ",") : strsep(&rest, separator);
    RH_TRY(number_of(r, &r->user, r->b->domain[0]->n_users, "user", trimmed(who), &user));
    int32_t fields = 0;
    for (char *item; (item = strsep(&rest, separator)); fields++)
        RH_TRY(add(r, user, trimmed(item)));
    if (kind == KIND_USER_ITEM && fields != 1)
        return fail_line(r, "expected a user and an item, separated by a tab");
    return RH_OK;
}

static int read_lines(struct reading *r)
{
    const char *line;
    size_t n;
    int status;
    while ((status = rh_input_line(r->in, &line, &n, r->err)) == RH_OK) {
        if (!n)
            continue;
        if (n >= r->line_room) {
            r->line_room = 2 * n + 64;
            if (!(r->line = rh_build_alloc(&r->b->work, r->line_room, 1, "candidates", r->err)))
                return RH_ENOMEM;
        }
        memcpy(r->line, line, n + 1);
        RH_TRY(take_line(r));
    }
    if (status < 0)
        return status;
    return r->n ? RH_OK : rh_fail(r->err, RH_EDATA, "%s: names no candidate", rh_input_name(r->in));
}

/* Sorted pairs become lists; a pair that comes twice counts once. */
static int make_lists(struct reading *r, struct rh_candidate_file *out)
{
    struct rh_build *b = r->b;
    int32_t n_users = b->domain[0]->n_users;
    uint64_t *room = rh_build_alloc(&b->work, r->n, sizeof *room, "candidates", r->err);
    out->item = rh_build_alloc(&b->p->arena, r->n, sizeof *out->item, "candidates", r->err);
    if (r->kind != KIND_ITEM)
        out->row = rh_build_alloc(&b->work, (size_t)n_users + 1, sizeof *out->row, "candidates", r->err);
    if (!room || !out->item || (r->kind != KIND_ITEM && !out->row))
        return RH_ENOMEM;
    if (r->n > INT32_MAX)
        return rh_fail(r->err, RH_EUNSUP, "%s: more than %d candidates", rh_input_name(r->in), INT32_MAX);
    rh_sort_u64(r->key, room, r->n);
    for (size_t i = 0; i < r->n; i++) {
        if (i && r->key[i] == r->key[i - 1])
            continue;
        out->item[out->n++] = (int32_t)(uint32_t)r->key[i];
        if (out->row)
            out->row[(r->key[i] >> 32) + 1] = out->n;
    }
    for (int32_t u = 0; out->row && u < n_users; u++) /* users without a pair end where the one before does */
        out->row[u + 1] = out->row[u + 1] > out->row[u] ? out->row[u + 1] : out->row[u];
    return RH_OK;
}

int rh_candidate_file_read(struct rh_build *b, struct rh_candidate_file *out, struct rh_error *err)
{
    struct reading r = { .b = b, .err = err };
    *out = (struct rh_candidate_file){ 0 };
    RH_TRY(enter_names(&r, &r.user, &b->domain[0]->user_id));
    RH_TRY(enter_names(&r, &r.item, &b->domain[0]->item_id));
    RH_TRY(rh_input_open(b->spec->asking->candidates_file, &r.in, err));
    int status = read_lines(&r);
    if (status >= 0)
        status = make_lists(&r, out);
    rh_input_close(r.in);
    return status;
}
