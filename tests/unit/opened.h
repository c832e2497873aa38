/* Descriptions and files of a test become domains, and domains texts to compare. Include after folder.h. */
#ifndef TESTS_UNIT_OPENED_H
#define TESTS_UNIT_OPENED_H

#include "base/text.h"
#include "data/dataset.h"

/* Options of a test as "key=value key=value". */
static inline size_t settings_of(struct rh_arena *a, const char *options, struct rh_ini_entry *entry)
{
    size_t n = 0;
    for (const char *p = options; *p; p += strspn(p, " ")) {
        size_t key = strcspn(p, "="), end = strcspn(p, " ");
        entry[n] = (struct rh_ini_entry){ "dataset.x", rh_arena_strndup(a, p, key),
                                          rh_arena_strndup(a, p + key + 1, end - key - 1), "x.ini", (int)n + 5 };
        n++;
        p += end;
    }
    return n;
}

struct opened {
    struct rh_arena a;
    struct rh_data_env env;
    const char *folders[2];
    struct rh_dataset *d;
    struct rh_error err;
};

/* The description `text` with options; its status. */
static inline int open_text(struct opened *o, const char *text, const char *options)
{
    struct rh_ini_entry entry[16];
    *o = (struct opened){ .folders = { folder_path, NULL } };
    o->env = (struct rh_data_env){ .descriptions = o->folders, .data = folder_path, .threads = 2 };
    if (text)
        write_file("test.ini", text);
    size_t n = settings_of(&o->a, options, entry);
    int status = rh_dataset_open(&o->a, &o->env, "test", entry, n, &o->d, &o->err);
    if (status < 0)
        rh_arena_release(&o->a);
    return status;
}

static inline struct rh_domain_data *load(struct opened *o, const char *domain)
{
    struct rh_domain_data *d;
    struct rh_error err = { 0 };
    if (rh_dataset_load(o->d, &o->env, domain, &d, &o->err) < 0)
        fail_msg("%s", o->err.text);
    if (rh_domain_data_check(d, &err) < 0)
        fail_msg("%s", err.text);
    return d;
}

static inline void close_all(struct opened *o, struct rh_domain_data *d)
{
    rh_domain_data_free(d);
    rh_arena_release(&o->a);
}

/* Every row as "user/item=value@time#position:part" in the order of the domain. */
static inline const char *rows_of(const struct rh_domain_data *d)
{
    static struct rh_text t;
    rh_text_clear(&t);
    for (int32_t u = 0; u < d->n_users; u++)
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++) {
            rh_text_printf(&t, "%s%s/%s", k ? " " : "", rh_string(&d->user_id, u),
                           rh_string(&d->item_id, d->item[k]));
            if (d->value)
                rh_text_printf(&t, "=%g", (double)d->value[k]);
            if (d->time && d->time[k] != RH_NO_TIME)
                rh_text_printf(&t, "@%lld", (long long)d->time[k]);
            rh_text_printf(&t, "#%d", d->position[k]);
            if (d->given)
                rh_text_printf(&t, ":%d", d->given[k]);
        }
    return t.s;
}

/* "block: item{column*value ...} ..." */
static inline const char *block_text(const struct rh_block *b, const struct rh_strings *ids)
{
    static struct rh_text t;
    const struct rh_features *f = &b->features;
    rh_text_clear(&t);
    rh_text_printf(&t, "%s:", b->name);
    for (int32_t r = 0; r < f->n_rows && f->row; r++) {
        rh_text_printf(&t, " %s{", rh_string(ids, r));
        for (int64_t k = f->row[r]; k < f->row[r + 1]; k++) {
            rh_text_printf(&t, "%s%s", k > f->row[r] ? " " : "", rh_string(&b->column, f->col[k]));
            if (f->val)
                rh_text_printf(&t, "*%g", (double)f->val[k]);
        }
        rh_text_add(&t, "}");
    }
    return t.s;
}

#define PLAIN \
    "[dataset]\ntitle = Test\nfolder = .\n[domain]\ninteractions = r.tsv\nseparator = tab\nuser = 1\nitem = 2\n" \
    "rating = 3\ntime = 4\n"

/* ann and bob; ann has x three times. */
#define ROWS                                                                                                   \
    "ann\tx\t3\t500\n"                                                                                         \
    "bob\ty\t2\t510\n"                                                                                         \
    "ann\tx\t5\t700\n"                                                                                         \
    "ann\tz\t4\t650\n"                                                                                         \
    "bob\tx\t1\t\n"                                                                                            \
    "ann\tx\t1.5\t600\n"

#endif
