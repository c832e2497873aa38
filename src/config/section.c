#include "config/section.h"

#include <stdio.h>
#include <string.h>

const char *rh_entry_place(const struct rh_ini_entry *e, char *buf, size_t n)
{
    if (e->line)
        snprintf(buf, n, "%s:%d", e->file, e->line);
    else
        snprintf(buf, n, "%s", e->file);
    return buf;
}

/* Cuts `text` at each `mark`; in the arena, NULL: no memory. */
static const char **cut(struct rh_arena *a, const char *text, char mark, int32_t *n)
{
    int32_t parts = 1;
    for (const char *p = text; *p; p++)
        parts += *p == mark;
    const char **part = rh_alloc(a, (size_t)parts, sizeof *part);
    if (!part)
        return NULL;
    *n = 0;
    for (const char *p = text;; p++) {
        const char *stop = strchr(p, mark);
        if (!(part[(*n)++] = rh_arena_trim(a, p, stop ? (size_t)(stop - p) : strlen(p))))
            return NULL;
        if (!stop)
            return part;
        p = stop;
    }
}

const char **rh_list(struct rh_arena *a, const char *text, int32_t *n)
{
    int32_t all = 0, kept = 0;
    const char **part = cut(a, text, ',', &all);
    for (int32_t i = 0; part && i < all; i++)
        if (*part[i])
            part[kept++] = part[i];
    *n = kept;
    return part;
}

static bool in_list(const char *word, const char *const *list)
{
    for (; list && *list; list++)
        if (!strcmp(*list, word))
            return true;
    return false;
}

int rh_section_axes(struct rh_arena *a, const struct rh_ini *ini, const char *section, const char *const *skip,
                    struct rh_axis **axis, int32_t *n, struct rh_error *err)
{
    char place[300];
    int32_t count = 0;
    for (size_t i = 0; i < ini->n; i++)
        count += ini->entry[i].key && !strcmp(ini->entry[i].section, section);
    struct rh_axis *out = rh_alloc(a, (size_t)count, sizeof *out);
    if (!out)
        return rh_fail_memory(err, "a section", (size_t)count * sizeof *out);
    *n = 0;
    for (size_t i = 0; i < ini->n; i++) {
        const struct rh_ini_entry *e = &ini->entry[i];
        if (!e->key || strcmp(e->section, section) || in_list(e->key, skip))
            continue;
        struct rh_axis *x = &out[(*n)++];
        x->entry = e;
        x->value = cut(a, e->value, '|', &x->n);
        if (!x->value)
            return rh_fail_memory(err, "a section", strlen(e->value));
        rh_entry_place(e, place, sizeof place);
        for (int32_t v = 0; x->n > 1 && v < x->n; v++) {
            if (!*x->value[v])
                return rh_fail(err, RH_EINVAL, "%s: [%s] %s = %s has an empty part between '|'", place, section,
                               e->key, e->value);
            for (int32_t u = 0; u < v; u++)
                if (!strcmp(x->value[u], x->value[v]))
                    return rh_fail(err, RH_EINVAL, "%s: [%s] %s = %s names %s twice", place, section, e->key,
                                   e->value, x->value[v]);
        }
    }
    *axis = out;
    return RH_OK;
}

#define MOST_KEYS 256

int rh_section_set(const struct rh_ini_entry *e, const char *text, const struct rh_table_of *of, int32_t n,
                   const char *const *also, struct rh_arena *a, struct rh_error *err)
{
    char place[300];
    rh_entry_place(e, place, sizeof place);
    for (int32_t t = 0; t < n; t++) {
        const struct rh_param *p = rh_param_find(of[t].table, e->key);
        if (!p)
            continue;
        struct rh_error own = { 0 };
        int status = rh_param_parse(p, text, of[t].values, a, &own);
        return status < 0 ? rh_fail(err, own.status, "%s: [%s] %s", place, e->section, own.text) : RH_OK;
    }
    const char *name[MOST_KEYS];
    size_t names = 0;
    for (int32_t t = 0; t < n; t++)
        for (const struct rh_param *p = of[t].table; p && p->type != RH_P_END && names < MOST_KEYS; p++)
            name[names++] = p->name;
    for (; also && *also && names < MOST_KEYS; also++)
        name[names++] = *also;
    const char *nearest = rh_nearest(e->key, name, names);
    if (nearest)
        return rh_fail(err, RH_EINVAL, "%s: [%s] has no key '%s'; did you mean '%s'?", place, e->section, e->key,
                       nearest);
    struct rh_text known = { 0 };
    for (size_t i = 0; i < names; i++)
        rh_text_printf(&known, "%s%s", i ? ", " : "", name[i]);
    rh_fail(err, RH_EINVAL, "%s: [%s] has no key '%s'; it knows: %s", place, e->section, e->key,
            known.s ? known.s : "none");
    rh_text_release(&known);
    return RH_EINVAL;
}
