/* From what stands in an experiment to metrics in use: name, cut-off, variants; and the two texts that name them. */
#include "metrics/catalogue.h"

#include <stdio.h>
#include <string.h>

#define MOST_HINTS 32 /* names that are looked at for a hint */

/* A name in parts, and what was chosen so far. */
struct wish {
    const char *text; /* as written */
    const struct rh_metric *metric;
    bool has_cut;
    int32_t k;
    const char *word[RH_MOST_VARIANTS]; /* NULL: not given */
    int32_t value[RH_MOST_VARIANTS];
};

static int fail_unknown(const char *name, struct rh_error *err)
{
    const char *names[RH_MOST_METRIC_NAMES];
    struct rh_text list = { 0 };
    size_t n = 0;
    for (const struct rh_metric *const *m = rh_metrics(); *m; m++) {
        rh_text_printf(&list, "%s%s", n ? ", " : "", (*m)->name);
        names[n++] = (*m)->name;
    }
    for (const struct rh_metric_alias *alias = rh_metric_aliases(); alias->name; alias++)
        names[n++] = alias->name;
    const char *near = rh_nearest(name, names, n);
    rh_fail(err, RH_EINVAL, "there is no metric '%s'%s%s%s there are %s", name, near ? "; did you mean '" : "",
            near ? near : "", near ? "'?" : ";", list.s ? list.s : "");
    rh_text_release(&list);
    return RH_EINVAL;
}

/* Reads what stands behind the '@'. */
static int parse_cut(struct wish *w, const char *text, struct rh_error *err)
{
    const struct rh_metric *m = w->metric;
    int64_t value;
    if (!(m->flags & RH_M_AT_K))
        return rh_fail(err, RH_EINVAL, "metric '%s': %s takes no cut-off; write '%s'", w->text, m->name, m->name);
    w->has_cut = true;
    if (m->flags & RH_M_ALL && !strcmp(text, "all"))
        return RH_OK;
    if (!rh_parse_int(text, &value) || value < 1 || value > INT32_MAX)
        return rh_fail(err, RH_EINVAL, "metric '%s': the cut-off '%s' is not an integer 1 to %d%s", w->text, text,
                       INT32_MAX, m->flags & RH_M_ALL ? " or 'all'" : "");
    w->k = (int32_t)value;
    return RH_OK;
}

static int fail_key(const struct wish *w, const char *key, struct rh_error *err)
{
    const char *keys[RH_MOST_VARIANTS];
    struct rh_text list = { 0 };
    size_t n = 0;
    for (const struct rh_metric_variant *v = w->metric->variant; v && v->key; v++) {
        keys[n++] = v->key;
        rh_text_add(&list, n > 1 ? ", " : "");
        rh_metric_variant_text(v, &list);
    }
    const char *near = rh_nearest(key, keys, n);
    rh_fail(err, RH_EINVAL, "metric '%s': %s has no variant '%s'%s%s it has %s", w->text, w->metric->name, key,
            rh_did_you_mean(near, (char[RH_HINT]){ 0 }), near ? "" : ";", list.s ? list.s : "none");
    rh_text_release(&list);
    return RH_EINVAL;
}

static int fail_word(const struct wish *w, const struct rh_metric_variant *v, const char *word, struct rh_error *err)
{
    const char *words[MOST_HINTS];
    struct rh_text list = { 0 };
    size_t n = 0;
    for (const struct rh_choice *c = v->choice; c->word && n < MOST_HINTS; c++) {
        rh_text_printf(&list, "%s%s", n ? ", " : "", c->word);
        words[n++] = c->word;
    }
    const char *near = rh_nearest(word, words, n);
    rh_fail(err, RH_EINVAL, "metric '%s': %s=%s is not allowed%s%s %s is one of %s", w->text, v->key, word,
            rh_did_you_mean(near, (char[RH_HINT]){ 0 }), near ? "" : ";", v->key, list.s ? list.s : "");
    rh_text_release(&list);
    return RH_EINVAL;
}

/* One "key=word"; what an alias brings along counts as given. */
static int choose(struct wish *w, char *text, struct rh_error *err)
{
    char *equals = strchr(text, '=');
    if (!equals)
        return rh_fail(err, RH_EINVAL, "metric '%s': '%s' is not a variant: write key=word, such as gain=exp", w->text,
                       text);
    *equals = '\0';
    const char *key = text, *word = equals + 1;
    const struct rh_metric_variant *v = w->metric->variant;
    int i = 0;
    while (v && v[i].key && strcmp(v[i].key, key))
        i++;
    if (!v || !v[i].key)
        return fail_key(w, key, err);
    if (w->word[i])
        return rh_fail(err, RH_EINVAL, "metric '%s': %s is given twice", w->text, key);
    w->word[i] = word;
    if (!v[i].choice && !*word)
        return rh_fail(err, RH_EINVAL, "metric '%s': %s= needs the name of a block of item features", w->text, key);
    for (const struct rh_choice *c = v[i].choice; c; c++) {
        if (!c->word)
            return fail_word(w, &v[i], word, err);
        if (!strcmp(c->word, word)) {
            w->value[i] = c->value;
            break;
        }
    }
    return RH_OK;
}

/* What was not given is the default; a block has none. */
static int settle(struct wish *w, struct rh_error *err)
{
    const struct rh_metric_variant *v = w->metric->variant;
    for (int i = 0; v && v[i].key; i++) {
        if (w->word[i])
            continue;
        if (!v[i].choice)
            return rh_fail(err, RH_EINVAL,
                           "metric '%s' needs the name of a block of item features: write '%s/%s=genre'", w->text,
                           w->text, v[i].key);
        w->word[i] = v[i].choice[0].word;
        w->value[i] = v[i].choice[0].value;
    }
    return RH_OK;
}

static int parse_variants(struct rh_arena *a, struct wish *w, const char *text, struct rh_error *err)
{
    while (text && *text) {
        size_t n = strcspn(text, "/");
        char *part = rh_arena_strndup(a, text, n);
        if (!part)
            return rh_fail_memory(err, "the list of metrics", n);
        RH_TRY(choose(w, part, err));
        text += n + (text[n] == '/');
    }
    return RH_OK;
}

static int parse(struct rh_arena *a, const char *text, struct wish *w, struct rh_error *err)
{
    *w = (struct wish){ .text = text };
    size_t base = strcspn(text, "/"), length = strcspn(text, "@/");
    char *name = rh_arena_strndup(a, text, length), *cut = NULL;
    if (text[length] == '@')
        cut = rh_arena_strndup(a, text + length + 1, base - length - 1);
    if (!name || (text[length] == '@' && !cut))
        return rh_fail_memory(err, "the list of metrics", length);
    const struct rh_metric_alias *alias = rh_metric_aliases();
    while (alias->name && strcmp(alias->name, name))
        alias++;
    w->metric = rh_metric_find(alias->name ? alias->stands_for : name);
    if (!w->metric)
        return fail_unknown(name, err);
    if (cut)
        RH_TRY(parse_cut(w, cut, err));
    if (alias->name)
        RH_TRY(parse_variants(a, w, alias->variants, err));
    if (text[base] == '/' && !text[base + 1])
        return rh_fail(err, RH_EINVAL, "metric '%s' ends with '/'", text);
    RH_TRY(parse_variants(a, w, text[base] ? text + base + 1 : NULL, err));
    return settle(w, err);
}

/* Appends the use unless it is there. `k` 0: no cut-off. */
static int add(struct rh_arena *a, const struct wish *w, int32_t k, struct rh_metric_use *use, int32_t *n,
               struct rh_error *err)
{
    const struct rh_metric *m = w->metric;
    struct rh_metric_use u = { .metric = m, .k = k, .flags = m->flags };
    struct rh_text id = { 0 }, definition = { 0 };
    char cut[16] = "all";
    if (k > 0)
        snprintf(cut, sizeof cut, "%d", k);
    rh_text_add(&id, m->name);
    rh_text_add(&definition, m->name);
    if (m->flags & RH_M_AT_K)
        rh_text_printf(&definition, "@%s", cut);
    if (m->flags & RH_M_AT_K && !(k == 0 && m->flags & RH_M_BARE_ALL))
        rh_text_printf(&id, "@%s", cut);
    for (int i = 0; m->variant && m->variant[i].key; i++) {
        const struct rh_metric_variant *v = &m->variant[i];
        u.variant[i] = w->value[i];
        if (!v->choice)
            u.block = w->word[i];
        rh_text_printf(&definition, "/%s=%s", v->key, w->word[i]);
        if (!v->choice || strcmp(w->word[i], v->choice[0].word))
            rh_text_printf(&id, "/%s=%s", v->key, w->word[i]);
    }
    if (m->flags & RH_M_GRADED && u.variant[0] == 0)
        u.flags &= ~RH_M_GRADED;
    u.id = id.failed ? NULL : rh_arena_strdup(a, id.s);
    u.definition = definition.failed ? NULL : rh_arena_strdup(a, definition.s);
    rh_text_release(&id);
    rh_text_release(&definition);
    if (!u.id || !u.definition)
        return rh_fail_memory(err, "the list of metrics", 64);
    for (int32_t i = 0; i < *n; i++)
        if (!strcmp(use[i].definition, u.definition))
            return RH_OK;
    use[(*n)++] = u;
    return RH_OK;
}

static int expand_name(struct rh_arena *a, const char *name, const int32_t *cutoffs, size_t n_cutoffs,
                       struct rh_metric_use *use, int32_t *n, struct rh_error *err)
{
    struct wish w;
    RH_TRY(parse(a, name, &w, err));
    if (w.has_cut || !(w.metric->flags & RH_M_AT_K) || w.metric->flags & RH_M_BARE_ALL)
        return add(a, &w, w.k, use, n, err);
    if (n_cutoffs == 0) {
        size_t length = strcspn(name, "/");
        return rh_fail(err, RH_EINVAL, "metric '%s' needs a cut-off: write '%.*s@10%s', or give cut-offs", name,
                       (int)length, name, name + length);
    }
    for (size_t c = 0; c < n_cutoffs; c++)
        RH_TRY(add(a, &w, cutoffs[c], use, n, err));
    return RH_OK;
}

int rh_metrics_expand(struct rh_arena *a, const char *const *names, size_t n_names, const int32_t *cutoffs,
                      size_t n_cutoffs, struct rh_metric_use **out, int32_t *n_out, struct rh_error *err)
{
    for (size_t c = 0; c < n_cutoffs; c++)
        if (cutoffs[c] < 1)
            return rh_fail(err, RH_EINVAL, "cut-off %d is not allowed: expected integer 1 to %d", cutoffs[c],
                           INT32_MAX);
    size_t most;
    if (__builtin_mul_overflow(n_names, n_cutoffs ? n_cutoffs : 1, &most) || most > INT32_MAX)
        return rh_fail(err, RH_EINVAL, "too many metrics: %zu names with %zu cut-offs", n_names, n_cutoffs);
    struct rh_metric_use *use = rh_alloc(a, most, sizeof *use);
    if (!use)
        return rh_fail_memory(err, "the list of metrics", most * sizeof *use);
    int32_t n = 0;
    for (size_t i = 0; i < n_names; i++)
        RH_TRY(expand_name(a, names[i], cutoffs, n_cutoffs, use, &n, err));
    *out = use;
    *n_out = n;
    return RH_OK;
}

int rh_metrics_check(const struct rh_metric_world *w, const struct rh_metric_use *use, int32_t n,
                     struct rh_error *err)
{
    for (int32_t i = 0; i < n; i++) {
        if (!use[i].block || rh_metric_block(w, use[i].block))
            continue;
        struct rh_text there = { 0 };
        const char *name[MOST_HINTS];
        size_t hints = 0;
        for (int32_t b = 0; b < w->n_blocks; b++) {
            if (!rh_metric_block(w, w->block_name[b]))
                continue;
            rh_text_printf(&there, "%s%s", there.n ? ", " : "", w->block_name[b]);
            if (hints < MOST_HINTS)
                name[hints++] = w->block_name[b];
        }
        const char *near = rh_nearest(use[i].block, name, hints);
        rh_fail(err, RH_EDATA, "metric %s needs the item features '%s', and target '%s' has %s%s%s", use[i].id,
                use[i].block, w->name, there.n ? "only " : "none", there.n ? there.s : "",
                rh_did_you_mean(near, (char[RH_HINT]){ 0 }));
        rh_text_release(&there);
        return RH_EDATA;
    }
    return RH_OK;
}
