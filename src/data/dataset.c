/* A dataset in the hands of an experiment: its description with variables replaced and options set. */
#include "data/dataset.h"

#include "base/file.h"
#include "base/param.h"
#include "base/text.h"
#include "data/opened.h"
#include "data/reader.h"
#include "data/synthetic.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const struct rh_choice duplicate_rules[] = {
    { "last", RH_DUPLICATES_LAST, "the row of the latest time, then the later row of the file" },
    { "first", RH_DUPLICATES_FIRST, "the row of the earliest time, then the earlier row of the file" },
    { "mean", RH_DUPLICATES_MEAN, "the last row, with the mean of the ratings" },
    { "max", RH_DUPLICATES_MAX, "the last row, with the largest rating" },
    { "min", RH_DUPLICATES_MIN, "the last row, with the smallest rating" },
    { "sum", RH_DUPLICATES_SUM, "the last row, with the sum of the ratings" },
    { "error", RH_DUPLICATES_ERROR, "refuse the data" },
    { NULL, 0, NULL },
};

const struct rh_param rh_data_params[] = {
    RH_ENUM(struct rh_data_options, duplicates, RH_DUPLICATES_LAST, duplicate_rules,
            "what becomes of several rows of one user and one item"),
    RH_BOOL(struct rh_data_options, implicit, 0, "forget the ratings: every row is an event"),
    RH_REAL(struct rh_data_options, rating_min, -RH_RATING_FREE, -RH_RATING_FREE, RH_RATING_FREE,
            "drop rows with a smaller rating"),
    RH_REAL(struct rh_data_options, rating_max, RH_RATING_FREE, -RH_RATING_FREE, RH_RATING_FREE,
            "drop rows with a larger rating"),
    RH_STR(struct rh_data_options, from, "", "drop earlier rows: YYYY-MM-DD (UTC) or unix seconds"),
    RH_STR(struct rh_data_options, until, "",
           "drop later rows: YYYY-MM-DD (UTC, to the end of the day) or unix seconds"),
    RH_INT(struct rh_data_options, core_users, 0, 0, 1000000, "keep users with at least so many rows (a core)"),
    RH_INT(struct rh_data_options, core_items, 0, 0, 1000000, "keep items with at least so many rows (a core)"),
    RH_INT(struct rh_data_options, token_min_items, 2, 1, 1000000, "a word counts when so many items have it"),
    RH_REAL(struct rh_data_options, token_max_share, 0.5, 0, 1,
            "a word counts when at most this share of items has it"),
    RH_INT(struct rh_data_options, token_limit, 20000, 1, 10000000,
           "at most so many words a block, the frequent ones"),
    RH_PARAMS_END,
};

/* --------------------------------------------------------------------------------------------- settings */

static int unknown_setting(const struct rh_dataset *d, const struct rh_param *table, const struct rh_pair *s,
                           struct rh_error *err)
{
    const char *names[256];
    size_t n = 0;
    for (const struct rh_param *p = table; p->type != RH_P_END && n < 200; p++)
        names[n++] = p->name;
    for (int32_t i = 0; i < d->variables.n && n < 256; i++)
        names[n++] = d->variables.pair[i].key;
    const char *hint = rh_nearest(s->key, names, n);
    struct rh_text all = { 0 };
    for (size_t i = 0; i < n; i++)
        rh_text_printf(&all, "%s%s", i ? ", " : "", names[i]);
    int status = hint ? rh_fail(err, RH_EINVAL, "%s:%d: dataset %s has no option '%s'; did you mean '%s'?", s->file,
                                s->line, d->name, s->key, hint)
                      : rh_fail(err, RH_EINVAL, "%s:%d: dataset %s has no option '%s'; it has: %s", s->file, s->line,
                                d->name, s->key, all.s ? all.s : "");
    rh_text_release(&all);
    return status;
}

static int set_option(struct rh_dataset *d, const struct rh_param *table, void *values, const struct rh_pair *s,
                      struct rh_error *err)
{
    const struct rh_param *p = rh_param_find(table, s->key);
    if (!p)
        return unknown_setting(d, table, s, err);
    struct rh_error why = { 0 };
    if (rh_param_parse(p, s->value, values, d->arena, &why) < 0)
        return rh_fail(err, why.status, "%s:%d: %s", s->file, s->line, why.text);
    return RH_OK;
}

static int apply(struct rh_dataset *d, const struct rh_ini_entry *settings, size_t n, struct rh_error *err)
{
    const struct rh_description *described = d->description;
    const struct rh_param *table = d->description->synthetic ? rh_synthetic_params : rh_data_params;
    void *values = d->description->synthetic ? d->generated : (void *)&d->options;
    rh_params_defaults(table, values);
    d->variables.n = described->variables.n;
    d->variables.pair = rh_arena_copy(d->arena, described->variables.pair, (size_t)described->variables.n,
                                      sizeof *d->variables.pair);
    if (!d->variables.pair)
        return rh_fail_memory(err, d->name, 0);
    for (int32_t i = 0; i < d->variables.n; i++)
        if (rh_param_find(table, d->variables.pair[i].key))
            return rh_fail(err, RH_EINVAL, "%s:%d: variable '%s' has the name of an option",
                           d->variables.pair[i].file, d->variables.pair[i].line, d->variables.pair[i].key);
    for (int32_t i = 0; i < described->options.n; i++)
        RH_TRY(set_option(d, table, values, &described->options.pair[i], err));
    for (size_t i = 0; i < n; i++) {
        if (!settings[i].key)
            continue;
        struct rh_pair s = { settings[i].key, settings[i].value, settings[i].file, settings[i].line };
        struct rh_pair *variable = (struct rh_pair *)rh_pairs_find(&d->variables, s.key);
        if (!variable) {
            RH_TRY(set_option(d, table, values, &s, err));
            continue;
        }
        variable->value = rh_arena_strdup(d->arena, s.value);
        if (!variable->value)
            return rh_fail_memory(err, d->name, strlen(s.value));
    }
    return RH_OK;
}

/* A day, or seconds. */
static bool parse_instant(const char *text, bool end_of_day, int64_t *out)
{
    const struct rh_time_format day = { RH_TIME_PATTERN, "YYYY-MM-DD" };
    if (rh_scan_time(&day, text, strlen(text), out)) {
        *out += end_of_day ? 86399 : 0;
        return true;
    }
    return rh_scan_int(text, strlen(text), out);
}

static int check_window(struct rh_dataset *d, struct rh_error *err)
{
    d->from = INT64_MIN;
    d->until = INT64_MAX;
    if (*d->options.from && !parse_instant(d->options.from, false, &d->from))
        return rh_fail(err, RH_EINVAL, "dataset %s: from = %s is not allowed: expected YYYY-MM-DD or unix seconds",
                       d->name, d->options.from);
    if (*d->options.until && !parse_instant(d->options.until, true, &d->until))
        return rh_fail(err, RH_EINVAL, "dataset %s: until = %s is not allowed: expected YYYY-MM-DD or unix seconds",
                       d->name, d->options.until);
    if (d->from > d->until)
        return rh_fail(err, RH_EINVAL, "dataset %s: from = %s is later than until = %s", d->name, d->options.from,
                       d->options.until);
    if (d->options.rating_min > d->options.rating_max)
        return rh_fail(err, RH_EINVAL, "dataset %s: rating_min = %g is larger than rating_max = %g", d->name,
                       d->options.rating_min, d->options.rating_max);
    return RH_OK;
}

static int check_reader(const char *name, const char *file, int line, struct rh_error *err)
{
    if (!name || rh_reader_find(name))
        return RH_OK;
    const char *names[32];
    size_t n = 0;
    struct rh_text all = { 0 };
    for (const struct rh_reader *const *r = rh_readers(); *r && n < 32; r++) {
        rh_text_printf(&all, "%s%s", n ? ", " : "", (*r)->name);
        names[n++] = (*r)->name;
    }
    const char *hint = rh_nearest(name, names, n);
    int status = rh_fail(err, RH_EINVAL, "%s:%d: there is no reader '%s'%s; there are: %s", file, line, name,
                         rh_did_you_mean(hint, (char[RH_HINT]){ 0 }), all.s ? all.s : "");
    rh_text_release(&all);
    return status;
}

static int check_readers(const struct rh_description *d, struct rh_error *err)
{
    for (int32_t i = 0; i < d->n_domains; i++) {
        const struct rh_domain_spec *s = &d->domain[i];
        RH_TRY(check_reader(s->format.reader, s->file, s->line, err));
        for (int p = 0; p < 4; p++)
            RH_TRY(check_reader(s->reader[p], s->file, s->line, err));
        RH_TRY(check_reader(s->cold_reader, s->file, s->line, err));
    }
    for (int32_t i = 0; i < d->n_sides; i++)
        RH_TRY(check_reader(d->side[i].format.reader, d->side[i].file, d->side[i].line, err));
    return RH_OK;
}

/* ------------------------------------------------------------------------------------- canonical options */

static void write_options(struct rh_text *t, const struct rh_param *table, const void *values)
{
    for (const struct rh_param *p = table; p->type != RH_P_END; p++) {
        if (table == rh_synthetic_params && !rh_synthetic_says(p, values))
            continue;
        rh_text_printf(t, "%s = ", p->name);
        rh_param_text(p, values, t);
        rh_text_add(t, "\n");
    }
}

/* A reader that is not named is found by the bids of all: their revisions all count. */
static void write_format(struct rh_text *t, const struct rh_file_format *f, const char *own)
{
    const char *name = own ? own : f->reader;
    for (const struct rh_reader *const *r = rh_readers(); *r; r++)
        if (!name || !strcmp(name, (*r)->name))
            rh_text_printf(t, "reader = %s %u\n", (*r)->name, (*r)->revision);
    rh_text_printf(t, "format = %s %d %d %s\n", f->separator ? f->separator : "?", f->header, f->quoted,
                   f->latin1 ? "latin1" : "utf8");
}

static void write_domain(struct rh_text *t, const struct rh_domain_spec *s)
{
    char lo[32], hi[32];
    rh_text_printf(t, "[domain.%s]\n", s->name);
    for (int p = 0; p < 4; p++)
        if (s->place[p]) {
            rh_text_printf(t, "part = %d\n", p);
            write_format(t, &s->format, s->reader[p]);
        }
    rh_text_printf(t, "user = %s\nitem = %s\nrating = %s\ntime = %s\ntime_format = %s\ntime_unknown = %s\n", s->user,
                   s->item, s->rating ? s->rating : "", s->time ? s->time : "", s->time_format_text,
                   s->time_unknown ? s->time_unknown : "");
    if (s->scaled)
        rh_text_printf(t, "rating_scale = %s %s\n", rh_real_text(s->scale_min, lo), rh_real_text(s->scale_max, hi));
    for (int k = 0; k < RH_COLD_KEYS; k++)
        if (s->cold[k]) {
            rh_text_printf(t, "%s\n", rh_cold_keys[k]);
            write_format(t, &(struct rh_file_format){ 0 }, s->cold_reader ? s->cold_reader : "delimited");
        }
    if (s->numbered)
        rh_text_add(t, "ids = numbers\n");
    if (s->item_ranged)
        rh_text_printf(t, "item_range = %lld %lld\n", (long long)s->item_first, (long long)s->item_last);
}

static void write_side(struct rh_text *t, const struct rh_description *d, const struct rh_side_spec *s)
{
    rh_text_printf(t, "[%s]\n", s->users ? "users" : "items");
    write_format(t, &s->format, NULL);
    rh_text_printf(t, "id = %s\ntitle = %s\n", s->id, s->title ? s->title : "");
    for (int32_t b = 0; b < s->n_blocks; b++) {
        rh_text_printf(t, "block.%s = %s\n", s->block[b].name, s->block[b].text);
        for (int32_t a = 0; a < d->n_aliases; a++)
            for (int32_t k = 0; !strcmp(d->alias[a].block, s->block[b].name) && k < d->alias[a].names.n; k++)
                rh_text_printf(t, "alias = %s = %s\n", d->alias[a].names.pair[k].key,
                               d->alias[a].names.pair[k].value);
    }
}

void rh_opened_text(const struct rh_dataset *d, int32_t domain, struct rh_text *t)
{
    const struct rh_description *described = d->description;
    rh_text_printf(t, "data revision = %d\n", RH_DATA_REVISION);
    if (described->synthetic) {
        rh_text_printf(t, "generator = synthetic %d\n", RH_SYNTHETIC_REVISION);
        write_options(t, rh_synthetic_params, d->generated);
        return;
    }
    write_options(t, rh_data_params, &d->options);
    for (int32_t i = 0; i < described->n_domains; i++) {
        if (domain >= 0 && i != domain)
            continue;
        write_domain(t, &described->domain[i]);
        for (int32_t k = 0; k < described->n_sides; k++)
            if (rh_opened_side_belongs(&described->side[k], &described->domain[i]))
                write_side(t, described, &described->side[k]);
    }
}

bool rh_opened_side_belongs(const struct rh_side_spec *side, const struct rh_domain_spec *domain)
{
    return !side->domain || !strcmp(side->domain, domain->name);
}

/* --------------------------------------------------------------------------------------------- the whole */

static bool fill(struct rh_dataset *d, const char **text, struct rh_error *err)
{
    const char *filled = *text ? rh_description_fill(d->arena, &d->variables, *text, err) : NULL;
    bool fine = filled || !*text;
    *text = filled;
    return fine;
}

/* Variables stand in paths, addresses, the title and the namespace. */
static bool fill_all(struct rh_dataset *d, struct rh_error *err)
{
    struct rh_description *s = d->description;
    bool fine = fill(d, &s->title, err) && fill(d, &s->folder, err) && fill(d, &s->space, err);
    for (int32_t i = 0; i < s->n_domains; i++) {
        for (int p = 0; p < 4; p++)
            fine = fine && fill(d, &s->domain[i].place[p], err);
        for (int k = 0; k < RH_COLD_KEYS; k++)
            fine = fine && fill(d, &s->domain[i].cold[k], err);
    }
    for (int32_t i = 0; i < s->n_sides; i++)
        fine = fine && fill(d, &s->side[i].place, err);
    for (int32_t i = 0; i < s->sha256.n; i++)
        fine = fine && fill(d, &s->sha256.pair[i].key, err);
    for (int32_t i = 0; i < s->url.n; i++)
        fine = fine && fill(d, &s->url.pair[i].key, err) && fill(d, &s->url.pair[i].value, err);
    return fine;
}

int rh_dataset_open(struct rh_arena *a, const struct rh_data_env *env, const char *name,
                    const struct rh_ini_entry *settings, size_t n, struct rh_dataset **out, struct rh_error *err)
{
    const char *path;
    struct rh_description *described;
    struct rh_dataset *d = rh_alloc(a, 1, sizeof *d);
    if (!d)
        return rh_fail_memory(err, name, sizeof *d);
    RH_TRY(rh_description_find(a, env->descriptions, name, &path, err));
    RH_TRY(rh_description_read(a, path, &described, err));
    d->arena = a;
    d->description = described;
    d->name = described->name;
    if (described->synthetic) {
        d->generated = rh_alloc(a, 1, rh_synthetic_params_size());
        if (!d->generated)
            return rh_fail_memory(err, name, rh_synthetic_params_size());
    }
    RH_TRY(apply(d, settings, n, err));
    if (!described->synthetic) {
        RH_TRY(check_window(d, err));
        RH_TRY(check_readers(described, err));
    }
    struct rh_error why = { 0 };
    if (!fill_all(d, &why))
        return rh_fail(err, why.status, "%s: %s", path, why.text);
    d->summary = described->title;

    struct rh_text t = { 0 };
    rh_opened_text(d, -1, &t);
    d->canonical = t.failed ? NULL : rh_arena_strdup(a, t.s);
    rh_text_release(&t);
    if (!d->canonical)
        return rh_fail_memory(err, name, 4096);
    *out = d;
    return RH_OK;
}

const char *rh_dataset_name(const struct rh_dataset *d)
{
    return d->name;
}

const char *rh_dataset_summary(const struct rh_dataset *d)
{
    return d->summary;
}

const char *rh_dataset_namespace(const struct rh_dataset *d)
{
    return *d->description->space ? d->description->space : d->name;
}

const struct rh_description *rh_dataset_description(const struct rh_dataset *d)
{
    return d->description;
}

bool rh_dataset_generated(const struct rh_dataset *d)
{
    return d->description->synthetic;
}

int32_t rh_dataset_domain_count(const struct rh_dataset *d)
{
    return d->description->synthetic ? rh_synthetic_domain_count(d->generated) : d->description->n_domains;
}

const char *rh_dataset_domain(const struct rh_dataset *d, int32_t i)
{
    return d->description->synthetic ? rh_synthetic_domain(d->generated, i) : d->description->domain[i].name;
}

const char *rh_dataset_options(const struct rh_dataset *d)
{
    return d->canonical;
}

static bool same_place(const char *x, const char *y)
{
    return x == y || (x && y && !strcmp(x, y));
}

bool rh_dataset_same(const struct rh_dataset *x, const struct rh_dataset *y)
{
    const struct rh_description *a = x->description, *b = y->description;
    if (strcmp(x->canonical, y->canonical) != 0)
        return false;
    if (a->synthetic || b->synthetic)
        return a->synthetic && b->synthetic;
    bool same = !strcmp(a->file, b->file) && !strcmp(a->folder, b->folder); /* then the sections are the same, too */
    for (int32_t i = 0; same && i < a->n_domains; i++) {
        for (int p = 0; p < 4; p++)
            same = same && same_place(a->domain[i].place[p], b->domain[i].place[p]);
        for (int k = 0; k < RH_COLD_KEYS; k++)
            same = same && same_place(a->domain[i].cold[k], b->domain[i].cold[k]);
    }
    for (int32_t i = 0; same && i < a->n_sides; i++)
        same = same_place(a->side[i].place, b->side[i].place);
    return same;
}
