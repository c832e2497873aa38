/* Items that target and sources have in common, by a file or by their ids: an oracle. What users of the sources alone
 * did with them becomes train rows of the target, so that every algorithm of one domain can learn from it; a method
 * that has to find the correspondence by itself can be measured against that. */
#include "base/sort.h"
#include "base/text.h"
#include "data/input.h"
#include "split/build.h"
#include "split/names.h"

#include <ctype.h>
#include <string.h>

#define RH_BRIDGE_COLUMNS 1000 /* of a file, at most */

struct reading {
    struct rh_build *b;
    struct rh_input *in;
    struct rh_names target, source; /* ids; of the source in hand */
    char column[2][64];             /* source's, target's: a number from 1, or a word of the first line */
    int32_t field[2];               /* [source, target] from 0; -1: the first line will say */
    int64_t *train;                 /* [target's items] their train rows */
    int32_t *to;                    /* [source's items] item of the target, or -1 */
    struct rh_error *err;
};

static int fail_columns(struct reading *r)
{
    return rh_fail(r->err, RH_EINVAL, "item_bridge_columns = %s: expected the column of the sources' item and that of "
                   "the target's, two numbers from 1 or two words of the first line",
                   r->b->spec->asking->item_bridge_columns);
}

static int read_columns(struct reading *r)
{
    const char *s = r->b->spec->asking->item_bridge_columns;
    int numbers = 0;
    for (int c = 0; c < 2; c++) {
        s += strspn(s, " \t");
        size_t n = strcspn(s, " \t");
        if (!n || n >= sizeof r->column[c])
            return fail_columns(r);
        memcpy(r->column[c], s, n);
        r->column[c][n] = '\0';
        s += n;
        int64_t at;
        bool number = rh_parse_int(r->column[c], &at);
        if (number && (at < 1 || at > RH_BRIDGE_COLUMNS))
            return fail_columns(r);
        r->field[c] = number ? (int32_t)at - 1 : -1;
        numbers += number;
    }
    return s[strspn(s, " \t")] || numbers == 1 ? fail_columns(r) : RH_OK;
}

/* Field `field` of a line, trimmed, as a copy in the work arena; "": it has none, or an empty one. */
static const char *field_of(struct reading *r, const char *line, int32_t field)
{
    char separator = strchr(line, '\t') ? '\t' : ',';
    for (int32_t i = 0; i < field; i++) {
        line = strchr(line, separator);
        if (!line)
            return "";
        line++;
    }
    const char *end = strchr(line, separator);
    size_t n = end ? (size_t)(end - line) : strlen(line);
    while (n && isspace((unsigned char)line[n - 1]))
        n--;
    while (n && isspace((unsigned char)*line)) {
        line++;
        n--;
    }
    return rh_arena_strndup(&r->b->work, line, n);
}

static int read_heading(struct reading *r, const char *line)
{
    for (int c = 0; c < 2; c++) {
        for (int32_t f = 0; f < RH_BRIDGE_COLUMNS && r->field[c] < 0; f++) {
            const char *word = field_of(r, line, f);
            if (!word)
                return rh_fail_memory(r->err, "the item bridge", strlen(line));
            if (!strcmp(word, r->column[c]))
                r->field[c] = f;
        }
        if (r->field[c] < 0)
            return rh_fail(r->err, RH_EDATA, "%s:1: has no column '%s', which item_bridge_columns names",
                           rh_input_name(r->in), r->column[c]);
    }
    return RH_OK;
}

/* One item of a source may be several of the target (editions): the one with the most train rows is taken, of equals
 * the first in the target's order. */
static void join(struct reading *r, int32_t source, int32_t target)
{
    int32_t *to = &r->to[source];
    if (*to < 0 || r->train[target] > r->train[*to] || (r->train[target] == r->train[*to] && target < *to))
        *to = target;
}

static int take_line(struct reading *r, const char *line)
{
    const char *source = field_of(r, line, r->field[0]), *target = field_of(r, line, r->field[1]);
    if (!source || !target)
        return rh_fail_memory(r->err, "the item bridge", strlen(line));
    if (!*source || !*target)
        return RH_OK; /* an item that only one side has */
    int32_t s = rh_names_find(&r->source, source), t = rh_names_find(&r->target, target);
    if (s >= 0 && t >= 0)
        join(r, s, t);
    return RH_OK;
}

static int read_file(struct reading *r)
{
    const char *line;
    size_t n;
    int status;
    RH_TRY(rh_input_open(r->b->spec->asking->item_bridge, &r->in, r->err));
    while ((status = rh_input_line(r->in, &line, &n, r->err)) == RH_OK) {
        struct rh_arena_mark mark = rh_arena_mark(&r->b->work);
        if (r->field[0] < 0)
            status = read_heading(r, line);
        else if (n)
            status = take_line(r, line);
        rh_arena_rewind(&r->b->work, mark);
        if (status < 0)
            break;
    }
    rh_input_close(r->in);
    return status < 0 ? status : RH_OK;
}

static int enter(struct reading *r, struct rh_names *t, int32_t d)
{
    const struct rh_strings *id = &r->b->domain[d]->item_id;
    RH_TRY(rh_names_init(t, &r->b->work, id->n, r->err));
    for (int32_t i = 0; i < id->n; i++)
        rh_names_add(t, rh_string(id, i));
    return RH_OK;
}

/* to[source's items] of domain d. */
static int map_items(struct reading *r, int32_t d, int32_t **to)
{
    const struct rh_domain_data *source = r->b->domain[d];
    bool ids = !strcmp(r->b->spec->asking->item_bridge, RH_BRIDGE_IDS);
    *to = r->to = rh_build_alloc(&r->b->work, (size_t)source->n_items, sizeof *r->to, "the item bridge", r->err);
    if (!r->to)
        return RH_ENOMEM;
    for (int32_t i = 0; i < source->n_items; i++)
        r->to[i] = -1;
    if (ids) {
        for (int32_t i = 0; i < source->n_items; i++)
            r->to[i] = rh_names_find(&r->target, rh_string(&source->item_id, i));
    } else {
        RH_TRY(enter(r, &r->source, d));
        RH_TRY(read_columns(r)); /* each source reads the file anew: its heading, too */
        RH_TRY(read_file(r));
    }
    for (int32_t i = 0; i < source->n_items; i++)
        r->b->p->bridged.items += r->to[i] >= 0;
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------- rows */

/* Ratings on another scale would be other ratings. */
static int check_scale(struct rh_build *b, int32_t d, struct rh_error *err)
{
    const struct rh_domain *target = &b->view[0], *source = &b->view[d];
    if (target->value && (!source->value || source->value_min != target->value_min ||
                          source->value_max != target->value_max))
        return rh_fail(err, RH_EDATA, "item_bridge: domain '%s' has ratings from %g to %g, and '%s' %s; rows can be "
                       "joined on one scale alone", target->name, (double)target->value_min,
                       (double)target->value_max, source->name, source->value ? "has others" : "has none");
    return RH_OK;
}

/* The joined rows of a user, by ascending item, the first of several: key[n] = item << 32 | number in `from`. */
struct joined {
    uint64_t *key, *room;
    struct { int32_t domain; int64_t row; } *from;
    size_t n;
};

static void join_rows(struct rh_build *b, int32_t *const *to, int32_t u, struct joined *j)
{
    size_t n = 0;
    for (int32_t d = 1; d < b->n_domains; d++)
        for (int64_t r = b->view[d].row[u]; r < b->view[d].row[u + 1]; r++) {
            int32_t item = to[d][b->view[d].item[r]];
            if (item < 0)
                continue;
            j->from[n].domain = d;
            j->from[n].row = r;
            j->key[n] = (uint64_t)(uint32_t)item << 32 | (uint32_t)n;
            n++;
        }
    rh_sort_u64(j->key, j->room, n);
    j->n = 0;
    for (size_t i = 0; i < n; i++)
        if (!i || j->key[i] >> 32 != j->key[i - 1] >> 32)
            j->key[j->n++] = j->key[i];
}

static size_t most_rows(const struct rh_build *b)
{
    int64_t most = 0;
    for (int32_t u = 0; u < b->p->train.n_users; u++) {
        int64_t n = 0;
        for (int32_t d = 1; d < b->n_domains; d++)
            n += b->view[d].row[u + 1] - b->view[d].row[u];
        most = n > most ? n : most;
    }
    return (size_t)most;
}

/* Users whom the target does not know come after those it knows, so what they have is appended. */
static int append_rows(struct rh_build *b, int32_t *const *to, struct rh_error *err)
{
    struct rh_domain *view = &b->view[0];
    struct rh_arena *a = &b->p->arena;
    int32_t n_users = b->p->train.n_users;
    size_t most = most_rows(b);
    struct joined j = { .key = rh_build_alloc(&b->work, most, sizeof *j.key, "the item bridge", err),
                        .room = rh_build_alloc(&b->work, most, sizeof *j.room, "the item bridge", err),
                        .from = rh_build_alloc(&b->work, most, sizeof *j.from, "the item bridge", err) };
    if (!j.key || !j.room || !j.from)
        return RH_ENOMEM;
    int64_t own = view->row[n_users], more = 0;
    int32_t last = 0;
    for (int32_t u = 0; u < n_users; u++)
        if (b->user[0][u] < 0) {
            join_rows(b, to, u, &j);
            more += (int64_t)j.n;
            b->p->bridged.users += j.n > 0;
        }
    b->p->bridged.rows = more;
    if (!more)
        return rh_fail(err, RH_EDATA, "item_bridge = %s has nothing to join: of %lld items in common no user of the "
                       "sources alone has one, in problem '%s'", b->spec->asking->item_bridge,
                       (long long)b->p->bridged.items, b->spec->name);
    int64_t *row = rh_build_alloc(a, (size_t)n_users + 1, sizeof *row, "train rows", err);
    int32_t *item = rh_build_alloc(a, (size_t)(own + more), sizeof *item, "train rows", err);
    float *value = view->value ? rh_build_alloc(a, (size_t)(own + more), sizeof *value, "train rows", err) : NULL;
    int64_t *time = view->time ? rh_build_alloc(a, (size_t)(own + more), sizeof *time, "train rows", err) : NULL;
    int32_t *order = rh_build_alloc(a, (size_t)(own + more), sizeof *order, "train rows", err);
    if (!row || !item || !order || (view->value && !value) || (view->time && !time))
        return RH_ENOMEM;
    memcpy(item, view->item, (size_t)own * sizeof *item);
    for (int64_t r = 0; r < own; r++) {
        order[r] = view->order[r];
        last = order[r] >= last ? order[r] + 1 : last;
        if (value)
            value[r] = view->value[r];
        if (time)
            time[r] = view->time[r];
    }
    int64_t at = own;
    for (int32_t u = 0; u < n_users; u++) {
        row[u] = view->row[u] + at - own;
        if (b->user[0][u] >= 0)
            continue;
        join_rows(b, to, u, &j);
        for (size_t i = 0; i < j.n; i++, at++) {
            const struct rh_domain *source = &b->view[j.from[(uint32_t)j.key[i]].domain];
            int64_t r = j.from[(uint32_t)j.key[i]].row;
            item[at] = (int32_t)(j.key[i] >> 32);
            order[at] = last++;
            if (value)
                value[at] = source->value[r];
            if (time)
                time[at] = source->time ? source->time[r] : RH_NO_TIME;
        }
    }
    row[n_users] = at;
    view->row = row;
    view->item = item;
    view->value = value;
    view->time = time;
    view->order = order;
    return RH_OK;
}

int rh_build_bridge(struct rh_build *b, struct rh_error *err)
{
    struct reading r = { .b = b, .err = err };
    const struct rh_domain *target = &b->view[0];
    int32_t **to = rh_build_alloc(&b->work, (size_t)b->n_domains, sizeof *to, "the item bridge", err);
    r.train = rh_build_alloc(&b->work, (size_t)target->n_items, sizeof *r.train, "the item bridge", err);
    if (!to || !r.train)
        return RH_ENOMEM;
    for (int64_t k = 0; k < target->row[b->p->train.n_users]; k++)
        r.train[target->item[k]]++;
    RH_TRY(enter(&r, &r.target, 0));
    for (int32_t d = 1; d < b->n_domains; d++) {
        RH_TRY(check_scale(b, d, err));
        RH_TRY(map_items(&r, d, &to[d]));
    }
    return append_rows(b, to, err);
}
