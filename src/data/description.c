#include "data/description.h"

#include "base/file.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>

struct parsing {
    struct rh_arena *a;
    struct rh_error *err;
    const struct rh_ini *ini;
    struct rh_description *d;
};

static int no_memory(struct parsing *p)
{
    return rh_fail_memory(p->err, p->d->file, 0);
}

static int refuse(struct parsing *p, const struct rh_ini_entry *e, const char *allowed)
{
    return rh_fail(p->err, RH_EINVAL, "%s:%d: %s = %s is not allowed: expected %s", e->file, e->line, e->key,
                   e->value, allowed);
}

static int unknown_key(struct parsing *p, const struct rh_ini_entry *e, const char *const *names, size_t n)
{
    const char *hint = rh_nearest(e->key, names, n);
    struct rh_text all = { 0 };
    for (size_t i = 0; i < n; i++)
        rh_text_printf(&all, "%s%s", i ? ", " : "", names[i]);
    int status = hint ? rh_fail(p->err, RH_EINVAL, "%s:%d: [%s] has no key '%s'; did you mean '%s'?", e->file,
                                e->line, e->section, e->key, hint)
                      : rh_fail(p->err, RH_EINVAL, "%s:%d: [%s] has no key '%s'; it has: %s", e->file, e->line,
                                e->section, e->key, all.s ? all.s : "");
    rh_text_release(&all);
    return status;
}

const struct rh_pair *rh_pairs_find(const struct rh_pairs *pairs, const char *key)
{
    for (int32_t i = 0; i < pairs->n; i++)
        if (!strcmp(pairs->pair[i].key, key))
            return &pairs->pair[i];
    return NULL;
}

/* ------------------------------------------------------------------------------------------- small values */

static int take_setting(struct parsing *p, const struct rh_ini_entry *e, enum rh_setting *out)
{
    bool yes;
    if (!rh_parse_bool(e->value, &yes))
        return refuse(p, e, "yes | no");
    *out = yes ? RH_YES : RH_NO;
    return RH_OK;
}

/* A separator is a word where the character cannot be written, else the text itself. */
static const char *separator_of(const char *word)
{
    static const char *const words[][2] = { { "tab", "\t" },      { "comma", "," }, { "semicolon", ";" },
                                            { "space", " " },     { "bar", "|" },   { "\\t", "\t" } };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(word, words[i][0]))
            return words[i][1];
    return word;
}

/* Keys that every section with a file has; *known: it was one. */
static int take_format(struct parsing *p, const struct rh_ini_entry *e, struct rh_file_format *f, bool *known)
{
    *known = true;
    if (!strcmp(e->key, "reader")) {
        f->reader = e->value;
    } else if (!strcmp(e->key, "separator")) {
        f->separator = separator_of(e->value);
        if (!*f->separator || strlen(f->separator) > 15)
            return refuse(p, e, "tab, comma, semicolon, space, bar or a text of 1 to 15 bytes");
    } else if (!strcmp(e->key, "header")) {
        return take_setting(p, e, &f->header);
    } else if (!strcmp(e->key, "quoted")) {
        return take_setting(p, e, &f->quoted);
    } else if (!strcmp(e->key, "encoding")) {
        if (strcmp(e->value, "utf8") && strcmp(e->value, "latin1"))
            return refuse(p, e, "utf8 | latin1");
        f->latin1 = !strcmp(e->value, "latin1");
    } else {
        *known = false;
    }
    return RH_OK;
}

static int add_pair(struct parsing *p, struct rh_pairs *pairs, const struct rh_ini_entry *e)
{
    if ((pairs->n & (pairs->n - 1)) == 0) { /* full at every power of two */
        struct rh_pair *more = rh_alloc(p->a, pairs->n ? (size_t)pairs->n * 2 : 1, sizeof *more);
        if (!more)
            return no_memory(p);
        if (pairs->n)
            memcpy(more, pairs->pair, (size_t)pairs->n * sizeof *more);
        pairs->pair = more;
    }
    pairs->pair[pairs->n++] = (struct rh_pair){ e->key, e->value, e->file, e->line };
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------ [dataset] */

static int take_dataset(struct parsing *p, const struct rh_ini_entry *e)
{
    static const char *const names[] = { "title", "home", "licence", "citation", "note", "folder", "namespace",
                                         "generator" };
    struct rh_description *d = p->d;
    const char **field[] = { &d->title, &d->home, &d->licence, &d->citation, &d->note, &d->folder, &d->space };
    for (size_t i = 0; i < sizeof field / sizeof *field; i++)
        if (!strcmp(e->key, names[i])) {
            *field[i] = e->value;
            return RH_OK;
        }
    if (strcmp(e->key, "generator"))
        return unknown_key(p, e, names, sizeof names / sizeof *names);
    if (strcmp(e->value, "synthetic"))
        return refuse(p, e, "synthetic");
    d->synthetic = true;
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------- [domain] */

static int take_scale(struct parsing *p, const struct rh_ini_entry *e, struct rh_domain_spec *s)
{
    const char *gap = e->value + strcspn(e->value, " \t");
    char *first = rh_arena_strndup(p->a, e->value, (size_t)(gap - e->value));
    if (!first)
        return no_memory(p);
    if (!rh_parse_real(first, &s->scale_min) || !rh_parse_real(gap, &s->scale_max) || s->scale_min >= s->scale_max)
        return refuse(p, e, "two numbers, the smallest and the largest rating");
    s->scaled = true;
    return RH_OK;
}

/* "1 10379": which items of the file belong to the domain. */
static int take_item_range(struct parsing *p, const struct rh_ini_entry *e, struct rh_domain_spec *s)
{
    const char *gap = e->value + strcspn(e->value, " \t");
    char *first = rh_arena_strndup(p->a, e->value, (size_t)(gap - e->value));
    if (!first)
        return no_memory(p);
    if (!rh_parse_int(first, &s->item_first) || !rh_parse_int(gap, &s->item_last) || s->item_first > s->item_last)
        return refuse(p, e, "two whole numbers, the first and the last item");
    s->item_ranged = true;
    return RH_OK;
}

const char *const rh_cold_keys[RH_COLD_KEYS] = { "cold_users", "cold_items", "cold_both" };

static int take_domain(struct parsing *p, const struct rh_ini_entry *e, struct rh_domain_spec *s)
{
    static const char *const names[] = {
        "interactions", "train", "validation", "test", "train_reader", "validation_reader", "test_reader", "user",
        "item", "rating", "time", "time_unknown", "cold_users", "cold_items", "cold_both", "cold_reader",
        "time_format", "rating_scale", "item_range", "ids", "reader", "separator", "header", "quoted", "encoding",
    };
    const char **field[] = {
        &s->place[RH_GIVEN_NONE],       &s->place[RH_GIVEN_TRAIN],  &s->place[RH_GIVEN_VALIDATION],
        &s->place[RH_GIVEN_TEST],       &s->reader[RH_GIVEN_TRAIN], &s->reader[RH_GIVEN_VALIDATION],
        &s->reader[RH_GIVEN_TEST],      &s->user,                   &s->item,
        &s->rating,                     &s->time,                   &s->time_unknown,
        &s->cold[RH_COLD_KEY_USERS],    &s->cold[RH_COLD_KEY_ITEMS], &s->cold[RH_COLD_KEY_BOTH],
        &s->cold_reader,
    }; /* in the order of names */
    bool known;
    for (size_t i = 0; i < sizeof field / sizeof *field; i++)
        if (!strcmp(e->key, names[i])) {
            if (!*e->value)
                return refuse(p, e, "a value; leave the key out when there is none");
            *field[i] = e->value;
            return RH_OK;
        }
    if (!strcmp(e->key, "rating_scale"))
        return take_scale(p, e, s);
    if (!strcmp(e->key, "item_range"))
        return take_item_range(p, e, s);
    if (!strcmp(e->key, "ids")) {
        s->numbered = !strcmp(e->value, "numbers");
        return s->numbered || !strcmp(e->value, "texts") ? RH_OK : refuse(p, e, "texts | numbers");
    }
    if (!strcmp(e->key, "time_format")) {
        s->time_format_text = e->value;
        struct rh_error why = { 0 };
        if (rh_time_format_parse(e->value, &s->time_format, &why) < 0)
            return rh_fail(p->err, RH_EINVAL, "%s:%d: %s", e->file, e->line, why.text);
        return RH_OK;
    }
    RH_TRY(take_format(p, e, &s->format, &known));
    return known ? RH_OK : unknown_key(p, e, names, sizeof names / sizeof *names);
}

static int check_domain(struct parsing *p, const struct rh_domain_spec *s)
{
    bool all = s->place[RH_GIVEN_NONE], train = s->place[RH_GIVEN_TRAIN], test = s->place[RH_GIVEN_TEST];
    if (all && (train || test || s->place[RH_GIVEN_VALIDATION]))
        return rh_fail(p->err, RH_EINVAL,
                       "%s:%d: domain '%s' has interactions and parts of a split: one or the other", s->file, s->line,
                       s->name);
    if (!all && (!train || !test))
        return rh_fail(p->err, RH_EINVAL, "%s:%d: domain '%s' needs the key interactions, or train and test", s->file,
                       s->line, s->name);
    return RH_OK;
}

/* -------------------------------------------------------------------------------------- [items], [users] */

static char *word_of(struct rh_arena *a, const char **s)
{
    while (isspace((unsigned char)**s))
        (*s)++;
    size_t n = strcspn(*s, " \t");
    char *w = rh_arena_strndup(a, *s, n);
    *s += n;
    return w;
}

/* "a, b, c" in the arena; *n == 0: an empty one among them. */
static const char **comma_list(struct rh_arena *a, const char *s, int32_t *n)
{
    *n = 1;
    for (const char *q = s; *q; q++)
        *n += *q == ',';
    const char **list = rh_alloc(a, (size_t)*n, sizeof *list);
    for (int32_t i = 0; list && i < *n; i++) {
        size_t k = strcspn(s, ",");
        const char *from = s, *end = s + k;
        while (from < end && isspace((unsigned char)*from))
            from++;
        while (end > from && isspace((unsigned char)end[-1]))
            end--;
        list[i] = rh_arena_strndup(a, from, (size_t)(end - from));
        if (!list[i])
            return NULL;
        if (from == end) {
            *n = 0;
            return list;
        }
        s += k + (s[k] != '\0');
    }
    return list;
}

static int take_bounds(struct parsing *p, const struct rh_ini_entry *e, const char *s, struct rh_block_spec *b)
{
    double *bound = rh_alloc(p->a, strlen(s) / 2 + 1, sizeof *bound);
    if (!bound)
        return no_memory(p);
    for (; *s; s += strspn(s, " \t")) {
        char *w = word_of(p->a, &s);
        if (!w)
            return no_memory(p);
        if (*w && (!rh_parse_real(w, &bound[b->n_bounds]) ||
                   (b->n_bounds && bound[b->n_bounds] <= bound[b->n_bounds - 1])))
            return refuse(p, e, "bucket COLUMN and ascending numbers");
        b->n_bounds += *w != '\0';
    }
    if (!b->n_bounds)
        return refuse(p, e, "bucket COLUMN and ascending numbers");
    b->bound = bound;
    return RH_OK;
}

static int take_flags(struct parsing *p, const struct rh_ini_entry *e, const char *s, struct rh_block_spec *b)
{
    static const char allowed[] =
        "flags NUMBER and names, separated by commas, such as flags 6 unknown, Action, Adventure";
    char *word = word_of(p->a, &s);
    int64_t first;
    if (!word)
        return no_memory(p);
    if (!rh_parse_int(word, &first) || first < 1 || first > 10000)
        return refuse(p, e, allowed);
    b->flag = comma_list(p->a, s, &b->n_columns);
    if (!b->n_columns)
        return refuse(p, e, allowed);
    const char **column = rh_alloc(p->a, (size_t)b->n_columns, sizeof *column);
    if (!b->flag || !column)
        return no_memory(p);
    for (int32_t i = 0; i < b->n_columns; i++)
        if (!(column[i] = rh_arena_printf(p->a, "%lld", (long long)(first + i))))
            return no_memory(p);
    b->column = column;
    return RH_OK;
}

static int take_block(struct parsing *p, const struct rh_ini_entry *e, struct rh_side_spec *s)
{
    static const char *const kinds[] = { "list", "value", "bucket", "flags", "tokens", "values" };
    const char *name = e->key + strlen("block."), *rest = e->value;
    struct rh_block_spec *b = &s->block[s->n_blocks];
    *b = (struct rh_block_spec){ .name = name, .text = e->value };
    char *kind = word_of(p->a, &rest);
    if (!kind)
        return no_memory(p);
    int k = 0;
    int n_kinds = (int)(sizeof kinds / sizeof *kinds);
    while (k < n_kinds && strcmp(kind, kinds[k]))
        k++;
    rest += strspn(rest, " \t");
    if (k == n_kinds || !*rest || !*name)
        return refuse(p, e, "list COLUMN [by SEPARATOR], value COLUMN, values COLUMN, ..., bucket COLUMN NUMBERS, "
                            "flags NUMBER NAMES or tokens COLUMN, ...");
    b->kind = (enum rh_block_kind)k;
    s->n_blocks++;
    if (b->kind == RH_B_FLAGS)
        return take_flags(p, e, rest, b);
    if (b->kind == RH_B_TOKENS || b->kind == RH_B_VALUES) {
        b->column = comma_list(p->a, rest, &b->n_columns);
        return !b->column      ? no_memory(p)
               : b->n_columns  ? RH_OK
                               : refuse(p, e, "tokens COLUMN, COLUMN, ... or values COLUMN, COLUMN, ...");
    }
    const char **column = rh_alloc(p->a, 1, sizeof *column);
    if (!column)
        return no_memory(p);
    b->column = column;
    b->n_columns = 1;
    if (b->kind == RH_B_VALUE) { /* the whole rest: names of columns may have spaces */
        column[0] = rest;
        return RH_OK;
    }
    if (b->kind == RH_B_LIST) {
        const char *by = strstr(rest, " by ");
        column[0] = by ? rh_arena_strndup(p->a, rest, (size_t)(by - rest)) : rest;
        if (by) {
            by += 4;
            b->by = separator_of(by + strspn(by, " \t"));
            if (!*b->by)
                return refuse(p, e, "list COLUMN by SEPARATOR");
        }
        return column[0] ? RH_OK : no_memory(p);
    }
    column[0] = word_of(p->a, &rest);
    return column[0] ? take_bounds(p, e, rest, b) : no_memory(p);
}

static int take_side(struct parsing *p, const struct rh_ini_entry *e, struct rh_side_spec *s)
{
    static const char *const names[] = { "file", "domain", "id", "title", "optional", "block.NAME", "reader",
                                         "separator", "header", "quoted", "encoding" };
    bool known;
    if (!strncmp(e->key, "block.", 6))
        return take_block(p, e, s);
    if (!strcmp(e->key, "optional")) {
        enum rh_setting optional = RH_NO;
        RH_TRY(take_setting(p, e, &optional));
        s->optional = optional == RH_YES;
        return RH_OK;
    }
    const char **field[] = { &s->place, &s->domain, &s->id, &s->title };
    for (size_t i = 0; i < sizeof field / sizeof *field; i++)
        if (!strcmp(e->key, names[i])) {
            if (!*e->value)
                return refuse(p, e, "a value; leave the key out when there is none");
            *field[i] = e->value;
            return RH_OK;
        }
    RH_TRY(take_format(p, e, &s->format, &known));
    return known ? RH_OK : unknown_key(p, e, names, sizeof names / sizeof *names);
}

static int check_side(struct parsing *p, const struct rh_side_spec *s)
{
    const struct rh_description *d = p->d;
    if (!s->place)
        return rh_fail(p->err, RH_EINVAL, "%s:%d: the section needs the key file", s->file, s->line);
    if (s->users && s->title)
        return rh_fail(p->err, RH_EINVAL, "%s:%d: users have no title", s->file, s->line);
    const char **names = rh_alloc(p->a, (size_t)d->n_domains, sizeof *names);
    if (!names)
        return no_memory(p);
    for (int32_t i = 0; i < d->n_domains; i++) {
        names[i] = d->domain[i].name;
        if (s->domain && !strcmp(s->domain, names[i]))
            return RH_OK;
    }
    if (!s->domain)
        return RH_OK;
    const char *hint = rh_nearest(s->domain, names, (size_t)d->n_domains);
    return rh_fail(p->err, RH_EINVAL, "%s:%d: there is no domain '%s'%s", s->file, s->line, s->domain,
                   rh_did_you_mean(hint, (char[RH_HINT]){ 0 }));
}

/* ---------------------------------------------------------------------------------------------- sections */

static const char *after(const char *section, const char *kind)
{
    size_t n = strlen(kind);
    if (strncmp(section, kind, n))
        return NULL;
    return section[n] == '\0' ? "" : section[n] == '.' && section[n + 1] ? section + n + 1 : NULL;
}

static struct rh_domain_spec *open_domain(struct parsing *p, const struct rh_ini_entry *e, const char *label)
{
    struct rh_domain_spec *s = &p->d->domain[p->d->n_domains++];
    *s = (struct rh_domain_spec){ .name = *label ? label : p->d->name, .file = e->file, .line = e->line,
                                  .user = "user", .item = "item", .time_format_text = "unix" };
    s->format.header = s->format.quoted = RH_UNSET;
    return s;
}

static struct rh_side_spec *open_side(struct parsing *p, const struct rh_ini_entry *e, bool users)
{
    struct rh_side_spec *s = &p->d->side[p->d->n_sides++];
    *s = (struct rh_side_spec){ .users = users, .file = e->file, .line = e->line, .id = users ? "user" : "item" };
    s->format.header = s->format.quoted = RH_UNSET;
    s->block = rh_alloc(p->a, p->ini->n, sizeof *s->block); /* no section has more entries than the file */
    return s->block ? s : NULL;
}

static int unknown_section(struct parsing *p, const struct rh_ini_entry *e)
{
    static const char *const names[] = { "dataset", "options", "variables", "domain", "items", "users", "alias.BLOCK",
                                         "sha256", "url", "expect" };
    const char *hint = rh_nearest(e->section, names, sizeof names / sizeof *names);
    return rh_fail(p->err, RH_EINVAL,
                   "%s:%d: there is no section [%s]%s%s%s; there are: dataset, options, variables, "
                   "domain.NAME, items.LABEL, users.LABEL, alias.BLOCK, sha256, url, expect",
                   e->file, e->line, e->section, hint ? "; did you mean [" : "", hint ? hint : "", hint ? "]?" : "");
}

struct open_section {
    struct rh_domain_spec *domain;
    struct rh_side_spec *side;
    struct rh_pairs *pairs;
    bool dataset;
};

static int open_section(struct parsing *p, const struct rh_ini_entry *e, struct open_section *s)
{
    struct rh_description *d = p->d;
    struct {
        const char *name;
        struct rh_pairs *pairs;
    } lists[] = { { "options", &d->options },
                  { "variables", &d->variables },
                  { "sha256", &d->sha256 },
                  { "url", &d->url },
                  { "expect", &d->expect } };
    const char *label;
    *s = (struct open_section){ .dataset = !strcmp(e->section, "dataset") };
    if (s->dataset)
        return RH_OK;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (!strcmp(e->section, lists[i].name)) {
            s->pairs = lists[i].pairs;
            return RH_OK;
        }
    if ((label = after(e->section, "domain"))) {
        s->domain = open_domain(p, e, label);
        return RH_OK;
    }
    if (after(e->section, "items") || after(e->section, "users")) {
        s->side = open_side(p, e, after(e->section, "users") != NULL);
        return s->side ? RH_OK : no_memory(p);
    }
    if ((label = after(e->section, "alias")) && *label) {
        struct rh_alias *alias = &d->alias[d->n_aliases++];
        alias->block = label;
        s->pairs = &alias->names;
        return RH_OK;
    }
    return unknown_section(p, e);
}

static int parse(struct parsing *p)
{
    struct rh_description *d = p->d;
    struct open_section now = { 0 };
    d->domain = rh_alloc(p->a, p->ini->n, sizeof *d->domain);
    d->side = rh_alloc(p->a, p->ini->n, sizeof *d->side);
    d->alias = rh_alloc(p->a, p->ini->n, sizeof *d->alias);
    if (!d->domain || !d->side || !d->alias)
        return no_memory(p);
    for (size_t i = 0; i < p->ini->n; i++) {
        const struct rh_ini_entry *e = &p->ini->entry[i];
        int status;
        if (!e->key)
            status = open_section(p, e, &now);
        else if (now.dataset)
            status = take_dataset(p, e);
        else if (now.domain)
            status = take_domain(p, e, now.domain);
        else if (now.side)
            status = take_side(p, e, now.side);
        else
            status = add_pair(p, now.pairs, e);
        RH_TRY(status);
    }
    if (!*d->title)
        return rh_fail(p->err, RH_EINVAL, "%s: the key title of [dataset] is missing", d->file);
    if (d->synthetic && (d->n_domains || d->n_sides))
        return rh_fail(p->err, RH_EINVAL,
                       "%s: generated data has no files: [domain], [items] and [users] are not allowed", d->file);
    if (!d->synthetic && !d->n_domains)
        return rh_fail(p->err, RH_EINVAL, "%s: there is no section [domain]", d->file);
    for (int32_t i = 0; i < d->n_domains; i++)
        RH_TRY(check_domain(p, &d->domain[i]));
    for (int32_t i = 0; i < d->n_sides; i++)
        RH_TRY(check_side(p, &d->side[i]));
    return RH_OK;
}

int rh_description_read(struct rh_arena *a, const char *path, struct rh_description **out, struct rh_error *err)
{
    struct rh_ini ini = { 0 };
    struct rh_description *d = rh_alloc(a, 1, sizeof *d);
    struct parsing p = { .a = a, .err = err, .ini = &ini, .d = d };
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    size_t n = strlen(base);
    if (n > 4 && !strcmp(base + n - 4, ".ini"))
        n -= 4;
    if (!d || !(d->name = rh_arena_strndup(a, base, n)) || !(d->file = rh_arena_strdup(a, path)))
        return rh_fail_memory(err, path, sizeof *d);
    d->title = d->home = d->licence = d->citation = d->note = d->space = "";
    d->folder = d->name;
    RH_TRY(rh_ini_read(&ini, a, path, err));
    RH_TRY(parse(&p));
    *out = d;
    return RH_OK;
}

const char *rh_description_fill(struct rh_arena *a, const struct rh_pairs *variables, const char *text,
                                struct rh_error *err)
{
    struct rh_text t = { 0 };
    const char *filled = NULL;
    for (const char *s = text; *s;) {
        size_t n = strcspn(s, "{");
        rh_text_addn(&t, s, n);
        s += n;
        if (!*s)
            break;
        n = strcspn(s, "}");
        const char *value = NULL;
        for (int32_t i = 0; i < variables->n && s[n]; i++)
            if (strlen(variables->pair[i].key) == n - 1 && !strncmp(variables->pair[i].key, s + 1, n - 1))
                value = variables->pair[i].value;
        if (!value) {
            rh_fail(err, RH_EINVAL, "'%s': there is no variable %.*s%s in [variables]", text, (int)n, s,
                    s[n] ? "}" : "");
            goto out;
        }
        rh_text_add(&t, value);
        s += n + 1;
    }
    filled = rh_arena_strdup(a, t.s ? t.s : "");
    if (!filled || t.failed)
        rh_fail_memory(err, text, strlen(text));
out:
    rh_text_release(&t);
    return filled;
}
