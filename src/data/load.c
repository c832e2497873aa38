/* The files of a dataset become domains. */
#include "base/file.h"
#include "data/cache.h"
#include "data/features.h"
#include "data/interactions.h"
#include "data/marks.h"
#include "data/numbers.h"
#include "data/opened.h"
#include "data/synthetic.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------ where files are */

/* The place, if its file is there: in the dataset's folder, in the data folder, beside the description. */
static const char *at_hand(struct rh_arena *a, const struct rh_dataset *d, const struct rh_data_env *env,
                           const char *place, struct rh_error *err)
{
    const char *slash = strrchr(d->description->file, '/');
    char *beside = slash ? rh_arena_strndup(a, d->description->file, (size_t)(slash - d->description->file))
                         : rh_arena_strdup(a, ".");
    char *folder = env->data ? rh_path_join(a, env->data, d->description->folder) : NULL;
    const char *folders[] = { folder, env->data, beside };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (!folders[i])
            continue;
        char *path = rh_path_join(a, folders[i], place);
        if (!path) {
            rh_fail_memory(err, place, strlen(place));
            return NULL;
        }
        char *file = rh_arena_strndup(a, path, rh_place_file(path));
        if (file && rh_file_exists(file))
            return path;
    }
    return NULL;
}

/* The first of "a | b | c" that is there; *out NULL and RH_OK: none is, and that is allowed. */
int rh_opened_resolve(struct rh_arena *a, const struct rh_dataset *d, const struct rh_data_env *env,
                      const char *places, bool optional, const char **out, struct rh_error *err)
{
    *out = NULL;
    for (const char *p = places; *p && !*out;) {
        size_t n = strcspn(p, "|"), from = 0, to = n;
        while (from < to && isspace((unsigned char)p[from]))
            from++;
        while (to > from && isspace((unsigned char)p[to - 1]))
            to--;
        char *place = rh_arena_strndup(a, p + from, to - from);
        if (!place)
            return rh_fail_memory(err, places, n);
        if (*place)
            *out = at_hand(a, d, env, place, err);
        if (err && err->status < 0)
            return err->status;
        p += n + (p[n] == '|');
    }
    if (*out || optional)
        return RH_OK;
    if (!env->data)
        return rh_fail(err, RH_EIO,
                       "cannot find %s: there is no data folder; set --data, [data] path or HARNESS_DATA", places);
    return rh_fail(err, RH_EIO,
                   "cannot find %s in %s/%s; get it with `harness data fetch %s`, or set --data to the folder "
                   "that has it",
                   places, env->data, d->description->folder, d->name);
}

/* Every file that a domain is made of. */
struct sources {
    const char *part[4]; /* by enum rh_given_part; NULL: not used */
    const char *cold[RH_COLD_KEYS];
    const char **side;   /* [n_sides] NULL: not of this domain, or optional and not there */
};

static int find_sources(struct rh_arena *a, const struct rh_dataset *d, const struct rh_data_env *env, int32_t domain,
                        struct sources *s, struct rh_error *err)
{
    const struct rh_description *described = d->description;
    const struct rh_domain_spec *spec = &described->domain[domain];
    *s = (struct sources){ 0 };
    for (int p = 0; p < 4; p++)
        if (spec->place[p])
            RH_TRY(rh_opened_resolve(a, d, env, spec->place[p], false, &s->part[p], err));
    for (int k = 0; k < RH_COLD_KEYS; k++)
        if (spec->cold[k])
            RH_TRY(rh_opened_resolve(a, d, env, spec->cold[k], false, &s->cold[k], err));
    s->side = rh_alloc(a, (size_t)described->n_sides, sizeof *s->side);
    if (!s->side)
        return rh_fail_memory(err, d->name, 0);
    for (int32_t i = 0; i < described->n_sides; i++)
        if (rh_opened_side_belongs(&described->side[i], spec))
            RH_TRY(rh_opened_resolve(a, d, env, described->side[i].place, described->side[i].optional, &s->side[i],
                                     err));
    return RH_OK;
}

/* ---------------------------------------------------------------------------------------------- identity */

static int hash_place(struct rh_hash *h, const struct rh_data_env *env, const char *place, struct rh_error *err)
{
    char hex[RH_HASH_HEX];
    if (!place) {
        rh_hash_text(h, NULL);
        return RH_OK;
    }
    size_t n = rh_place_file(place);
    char *file = strndup(place, n);
    if (!file)
        return rh_fail_memory(err, place, n);
    int status = rh_cache_file_hash(env->cache, file, hex, err);
    free(file);
    rh_hash_text(h, hex);
    rh_hash_text(h, place[n] ? place + n : ""); /* which member of an archive */
    return status;
}

static int hash_sources(struct rh_hash *h, const struct rh_dataset *d, const struct rh_data_env *env,
                        const struct sources *s, struct rh_error *err)
{
    for (int p = 0; p < 4; p++)
        RH_TRY(hash_place(h, env, s->part[p], err));
    for (int k = 0; k < RH_COLD_KEYS; k++)
        if (s->cold[k])
            RH_TRY(hash_place(h, env, s->cold[k], err));
    for (int32_t i = 0; i < d->description->n_sides; i++)
        RH_TRY(hash_place(h, env, s->side[i], err));
    return RH_OK;
}

/* Identity of one domain, or of the whole dataset (-1). */
static int identity(const struct rh_dataset *d, const struct rh_data_env *env, int32_t domain,
                    char hex[static RH_HASH_HEX], struct rh_error *err)
{
    struct rh_hash h;
    struct rh_arena a = { 0 };
    struct rh_text t = { 0 };
    int status = RH_OK;
    rh_opened_text(d, domain, &t);
    rh_hash_init(&h);
    rh_hash_text(&h, t.s);
    if (t.failed)
        status = rh_fail_memory(err, d->name, t.n);
    for (int32_t i = 0; i < d->description->n_domains && status >= 0; i++) {
        struct sources s;
        if (domain >= 0 && i != domain)
            continue;
        status = find_sources(&a, d, env, i, &s, err);
        if (status >= 0)
            status = hash_sources(&h, d, env, &s, err);
    }
    if (status >= 0)
        rh_hash_hex(&h, hex);
    rh_text_release(&t);
    rh_arena_release(&a);
    return status;
}

int rh_dataset_identity(const struct rh_dataset *d, const struct rh_data_env *env, char hex[static RH_HASH_HEX],
                        struct rh_error *err)
{
    int status = identity(d, env, -1, hex, err);
    if (status < 0)
        rh_error_context(err, "dataset %s", d->name);
    return status;
}

/* ----------------------------------------------------------------------------------------------- loading */

/* The reader that is named, else the highest bidder for the first bytes. */
static int find_reader(const char *name, const char *place, const struct rh_reader **out, struct rh_error *err)
{
    if (name) {
        *out = rh_reader_find(name);
        return *out ? RH_OK : rh_fail(err, RH_EINVAL, "there is no reader '%s'", name);
    }
    struct rh_input *in;
    const char *head;
    size_t n;
    RH_TRY(rh_input_open(place, &in, err));
    int status = rh_input_peek(in, &head, &n, err);
    int best = 0;
    for (const struct rh_reader *const *r = rh_readers(); *r && status >= 0 && n; r++) {
        int bid = (*r)->bid(head, n);
        if (bid > best) {
            best = bid;
            *out = *r;
        }
    }
    rh_input_close(in);
    if (status < 0)
        return status;
    if (n == 0)
        return rh_fail(err, RH_EDATA, "%s: the file is empty", place);
    return best ? RH_OK : rh_fail(err, RH_EDATA, "%s: no reader knows this format; name one with reader =", place);
}

static bool is_number(const char *column)
{
    size_t n = strspn(column, "0123456789");
    return n > 0 && (column[n] == '\0' || !strcmp(column + n, "?"));
}

/* Fills in what the description leaves open: a header is there when a column has a name, quotes when commas
 * separate. */
static struct rh_reader_config configure(const struct rh_file_format *f, const char *const *wanted, int32_t n)
{
    struct rh_reader_config c = { .separator = f->separator, .latin1 = f->latin1, .wanted = wanted, .n_wanted = n };
    bool named = false;
    for (int32_t i = 0; i < n; i++)
        named |= strcmp(wanted[i], "?") && !is_number(wanted[i]);
    c.header = f->header == RH_UNSET ? named : f->header == RH_YES;
    c.quoted = f->quoted == RH_UNSET ? !f->separator || !strcmp(f->separator, ",") : f->quoted == RH_YES;
    return c;
}

static bool filters_ratings(const struct rh_data_options *o)
{
    return o->rating_min > -RH_RATING_FREE || o->rating_max < RH_RATING_FREE;
}

static int read_part(const struct rh_data_env *env, const struct rh_domain_spec *spec, int part, const char *place,
                     struct rh_builder *b, struct rh_error *err)
{
    static const char *const list_columns[] = { "user", "item", "?", "time?" };
    const char *wanted[RH_F_COUNT] = { spec->user, spec->item, b->has_value ? spec->rating : "?",
                                       b->has_time ? spec->time : "?" };
    const char *name = spec->reader[part] ? spec->reader[part] : spec->format.reader;
    struct rh_interactions how = { .place = place, .must_rate = b->has_value, .time_format = spec->time_format,
                                   .time_unknown = spec->time_unknown, .scaled = spec->scaled,
                                   .scale_min = spec->scale_min, .scale_max = spec->scale_max, .given = (uint8_t)part,
                                   .numbered = spec->numbered && part > RH_GIVEN_TRAIN,
                                   .item_ranged = spec->item_ranged, .item_first = spec->item_first,
                                   .item_last = spec->item_last };
    RH_TRY(find_reader(name, place, &how.reader, err));
    bool list = !strcmp(how.reader->name, "userlist");
    if (list && !b->has_time)
        wanted[RH_F_TIME] = "?";
    how.config = configure(&spec->format, list ? list_columns : wanted, RH_F_COUNT);
    rh_progress_begin(env->log, "reading %s", place);
    int status = rh_interactions_read(&how, env, b, err);
    rh_progress_end(env->log);
    return status;
}

static int keep_names(const struct rh_builder *b, struct rh_arena *a, struct rh_names_read *names,
                      struct rh_error *err)
{
    RH_TRY(rh_ids_strings(&b->user, NULL, b->user.n, a, &names->user, err));
    return rh_ids_strings(&b->item, NULL, b->item.n, a, &names->item, err);
}

static int read_rows(const struct rh_dataset *d, const struct rh_data_env *env, int32_t domain,
                     const struct sources *s, struct rh_arena *a, struct rh_names_read *names,
                     struct rh_domain_data **out, struct rh_error *err)
{
    const struct rh_domain_spec *spec = &d->description->domain[domain];
    struct rh_builder b = { 0 };
    b.has_value = spec->rating && (!d->options.implicit || filters_ratings(&d->options));
    b.has_time = spec->time != NULL;
    b.has_given = !s->part[RH_GIVEN_NONE];
    int status = RH_OK;
    for (int p = 0; p < 4 && status >= 0; p++)
        if (s->part[p])
            status = read_part(env, spec, p, s->part[p], &b, err);
    if (status >= 0 && spec->numbered)
        status = keep_names(&b, a, names, err);
    if (status < 0) {
        rh_builder_release(&b);
        return status;
    }
    struct rh_build how = { .name = spec->name,
                            .options = &d->options,
                            .from = d->from,
                            .until = d->until,
                            .scaled = spec->scaled,
                            .scale_min = (float)spec->scale_min,
                            .scale_max = (float)spec->scale_max,
                            .threads = env->threads };
    return rh_builder_finish(&b, &how, out, err);
}

static int read_marks(const struct rh_domain_spec *spec, const struct rh_data_env *env, const struct sources *s,
                      struct rh_domain_data *out, struct rh_error *err)
{
    for (int k = 0; k < RH_COLD_KEYS; k++) {
        struct rh_marks how = { .place = s->cold[k], .users = k != RH_COLD_KEY_ITEMS, .items = k != RH_COLD_KEY_USERS };
        if (!how.place)
            continue;
        RH_TRY(find_reader(spec->cold_reader ? spec->cold_reader : "delimited", how.place, &how.reader, err));
        RH_TRY(rh_marks_read(&how, env, out, err));
    }
    return RH_OK;
}

/* The sources of items, or of users, join the domain. */
static int join_features(const struct rh_dataset *d, const struct rh_data_env *env, int32_t domain,
                         const struct sources *s, bool users, struct rh_domain_data *out, struct rh_error *err)
{
    const struct rh_description *described = d->description;
    struct rh_features_build *f = NULL;
    struct rh_arena a = { 0 };
    int status = RH_OK;
    bool any = false;
    for (int32_t i = 0; i < described->n_sides; i++)
        any |= described->side[i].users == users &&
               rh_opened_side_belongs(&described->side[i], &described->domain[domain]);
    if (!any)
        return RH_OK;
    status = rh_features_new(users ? &out->user_id : &out->item_id, &f, err);
    for (int32_t i = 0; i < described->n_sides && status >= 0; i++)
        if (described->side[i].users == users &&
            rh_opened_side_belongs(&described->side[i], &described->domain[domain]))
            status = rh_features_declare(f, &described->side[i], described, err);
    for (int32_t i = 0; i < described->n_sides && status >= 0; i++) {
        const struct rh_side_spec *side = &described->side[i];
        const struct rh_reader *reader;
        const char *const *wanted;
        int32_t n;
        if (side->users != users || !s->side[i])
            continue;
        status = rh_features_wanted(&a, side, &wanted, &n, err);
        if (status >= 0)
            status = find_reader(side->format.reader, s->side[i], &reader, err);
        if (status < 0)
            break;
        struct rh_reader_config config = configure(&side->format, wanted, n);
        rh_progress_begin(env->log, "reading %s", s->side[i]);
        status = rh_features_read(f, side, s->side[i], reader, &config, env, err);
        rh_progress_end(env->log);
    }
    if (status >= 0 && users)
        status = rh_features_blocks(f, &d->options, &out->arena, &out->user_block, &out->n_user_blocks, err);
    else if (status >= 0)
        status = rh_features_blocks(f, &d->options, &out->arena, &out->item_block, &out->n_item_blocks, err);
    if (status >= 0 && !users)
        status = rh_features_titles(f, &out->arena, &out->title, err);
    rh_features_release(f);
    rh_arena_release(&a);
    return status;
}

static int build(const struct rh_dataset *d, const struct rh_data_env *env, int32_t domain,
                 struct rh_domain_data **out, struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_names_read names = { 0 };
    struct sources s;
    *out = NULL;
    int status = find_sources(&a, d, env, domain, &s, err);
    if (status >= 0)
        status = read_rows(d, env, domain, &s, &a, &names, out, err);
    if (status >= 0)
        status = read_marks(&d->description->domain[domain], env, &s, *out, err);
    if (status >= 0)
        status = join_features(d, env, domain, &s, false, *out, err);
    if (status >= 0)
        status = join_features(d, env, domain, &s, true, *out, err);
    if (status >= 0 && d->description->domain[domain].numbered)
        status = rh_rename_by_number(&names, *out, err);
    rh_arena_release(&a);
    if (status >= 0) {
        rh_domain_data_hash(*out);
        return RH_OK;
    }
    rh_domain_data_free(*out);
    *out = NULL;
    return status;
}

/* A domain that is built goes to the cache, and from there into the map that other processes share. */
static int build_and_keep(const struct rh_dataset *d, const struct rh_data_env *env, int32_t domain, const char *key,
                          struct rh_domain_data **out, struct rh_error *err)
{
    struct rh_domain_data *mapped;
    struct rh_error why = { 0 };
    RH_TRY(build(d, env, domain, out, err));
    if (rh_cache_store(env->cache, key, *out, &why) < 0) {
        if (env->log)
            rh_log(env->log, RH_LOG_WARNING, "data", "%s", why.text);
        return RH_OK;
    }
    if (rh_cache_load(env->cache, key, env->log, &mapped, &why) == RH_OK) {
        rh_domain_data_free(*out);
        *out = mapped;
    }
    return RH_OK;
}

static int find_domain(const struct rh_dataset *d, const char *name, int32_t *out, struct rh_error *err)
{
    const char *names[256];
    int32_t n = rh_dataset_domain_count(d);
    for (int32_t i = 0; i < n; i++) {
        *out = i;
        if (!strcmp(rh_dataset_domain(d, i), name))
            return RH_OK;
        if (i < 256)
            names[i] = rh_dataset_domain(d, i);
    }
    const char *hint = rh_nearest(name, names, n < 256 ? (size_t)n : 256);
    struct rh_text all = { 0 };
    for (int32_t i = 0; i < n; i++)
        rh_text_printf(&all, "%s%s", i ? ", " : "", rh_dataset_domain(d, i));
    int status = rh_fail(err, RH_EINVAL, "dataset %s has no domain '%s'%s; it has: %s", d->name, name,
                         rh_did_you_mean(hint, (char[RH_HINT]){ 0 }), all.s ? all.s : "");
    rh_text_release(&all);
    return status;
}

int rh_dataset_load(const struct rh_dataset *d, const struct rh_data_env *env, const char *domain,
                    struct rh_domain_data **out, struct rh_error *err)
{
    int32_t i;
    char key[RH_HASH_HEX];
    *out = NULL;
    RH_TRY(find_domain(d, domain, &i, err));
    if (d->description->synthetic)
        return rh_synthetic_generate(d->generated, i, out, err);
    int status;
    if (env->cache) {
        status = identity(d, env, i, key, err);
        if (status >= 0)
            status = rh_cache_load(env->cache, key, env->log, out, err);
        if (status == RH_DONE)
            status = build_and_keep(d, env, i, key, out, err);
    } else {
        status = build(d, env, i, out, err);
    }
    if (status < 0)
        rh_error_context(err, "dataset %s", d->name);
    return status;
}
