/* harness data: what datasets there are, whether their files are here and right, and getting them. */
#include "cmd_data.h"

#include "base/file.h"
#include "config/places.h"
#include "data/description.h"
#include "data/input.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

int data_open(struct data_job *job, const char *name, struct data_set *s, struct rh_error *err)
{
    *s = (struct data_set){ .name = name };
    RH_TRY(rh_dataset_open(&job->arena, &job->env, name, job->setting, job->n_settings, &s->d, err));
    RH_TRY(rh_dataset_entries(s->d, &job->arena, &s->said, err));
    return rh_dataset_files(s->d, &job->env, &job->arena, &s->file, &s->n_files, err);
}

const char *data_entry(const struct data_set *s, const char *section, const char *key)
{
    const struct rh_ini_entry *e = rh_ini_find(&s->said, section, key);
    return e ? e->value : NULL;
}

const char *data_next_place(struct data_job *job, const char **places, const char **member)
{
    const char *p = *places ? *places + strspn(*places, " |") : "";
    if (!*p)
        return NULL;
    size_t n = strcspn(p, "|");
    *places = p + n;
    while (n && p[n - 1] == ' ')
        n--;
    char *place = rh_arena_strndup(&job->arena, p, n);
    if (!place)
        return NULL;
    size_t file = rh_place_file(place);
    *member = place[file] ? place + file + 1 : NULL;
    place[file] = '\0';
    return place;
}

const char *data_target(struct data_job *job, const struct data_set *s, const char *file)
{
    const char *folder = rh_dataset_folder(s->d, &job->env, &job->arena);
    return folder ? rh_path_join(&job->arena, folder, file) : NULL;
}

const char *data_size_text(int64_t bytes, char buf[static 32])
{
    static const char *const unit[] = { "bytes", "kB", "MB", "GB", "TB" };
    double x = (double)bytes;
    int u = 0;
    for (; x >= 1000 && u < 4; u++)
        x /= 1000;
    snprintf(buf, 32, u ? "%.1f %s" : "%.0f %s", x, unit[u]);
    return buf;
}

/* ------------------------------------------------------------------------------------------------- list */

/* "present", "part", "missing", "built in" */
static const char *presence(const struct data_set *s)
{
    size_t needed = 0, found = 0;
    if (!s->n_files)
        return "built in";
    for (size_t i = 0; i < s->n_files; i++) {
        needed += !s->file[i].optional;
        found += !s->file[i].optional && s->file[i].found;
    }
    return found == needed ? "present" : found ? "part" : "missing";
}

static int list(struct data_job *job, struct rh_error *err)
{
    const char *const *name;
    int32_t n;
    int width = 0;
    RH_TRY(rh_description_list(&job->arena, job->env.descriptions, &name, &n, err));
    if (!n)
        return rh_fail(err, RH_EIO, "there are no dataset descriptions in ./datasets or where harness is installed");
    for (int32_t i = 0; i < n; i++)
        width = (int)strlen(name[i]) > width ? (int)strlen(name[i]) : width;
    for (int32_t i = 0; i < n; i++) {
        struct data_set s;
        struct rh_error why = { 0 };
        bool fine = data_open(job, name[i], &s, &why) >= 0;
        rh_text_printf(&job->out, "%-*s  %-8s  %s\n", width, name[i], fine ? presence(&s) : "broken",
                       fine ? rh_dataset_summary(s.d) : why.text);
    }
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------- info */

static void put_date(struct rh_text *t, int64_t seconds)
{
    time_t s = (time_t)seconds;
    struct tm tm;
    char buf[32];
    if (gmtime_r(&s, &tm) && strftime(buf, sizeof buf, "%Y-%m-%d", &tm))
        rh_text_add(t, buf);
    else
        rh_text_printf(t, "%lld", (long long)seconds);
}

static void put_times(struct rh_text *t, const struct rh_domain_data *d)
{
    int64_t first = INT64_MAX, last = INT64_MIN, unknown = 0;
    for (int64_t i = 0; i < d->n_rows; i++) {
        if (d->time[i] == RH_NO_TIME) {
            unknown++;
            continue;
        }
        first = d->time[i] < first ? d->time[i] : first;
        last = d->time[i] > last ? d->time[i] : last;
    }
    rh_text_add(t, "    times        ");
    if (unknown == d->n_rows) {
        rh_text_add(t, "all unknown\n");
        return;
    }
    put_date(t, first);
    rh_text_add(t, " to ");
    put_date(t, last);
    if (unknown)
        rh_text_printf(t, ", %lld unknown", (long long)unknown);
    rh_text_add(t, "\n");
}

static void put_given(struct rh_text *t, const struct rh_domain_data *d)
{
    static const char *const part[] = { "none", "train", "validation", "test" };
    int64_t count[4] = { 0 };
    for (int64_t i = 0; i < d->n_rows; i++)
        count[d->given[i] & 3]++;
    rh_text_add(t, "    given split ");
    for (int k = 1; k < 4; k++)
        if (count[k])
            rh_text_printf(t, " %lld %s", (long long)count[k], part[k]);
    rh_text_add(t, "\n");
}

static void put_blocks(struct rh_text *t, const char *whose, const struct rh_block *block, int32_t n, int32_t rows)
{
    for (int32_t i = 0; i < n; i++) {
        const struct rh_features *f = &block[i].features;
        int32_t with = 0;
        for (int32_t k = 0; f->row && k < rows; k++)
            with += f->row[k + 1] > f->row[k];
        rh_text_printf(t, "    %s block %-12s %d columns, %d of %d %ss have any\n", whose, block[i].name, f->n_cols,
                       f->dense ? rows : with, rows, whose);
    }
}

/* "1 to 943" when every id is a whole number. */
static void put_id_range(struct rh_text *t, const char *whose, const struct rh_strings *id)
{
    int64_t low = INT64_MAX, high = INT64_MIN, x;
    for (int32_t i = 0; i < id->n; i++) {
        if (!rh_parse_int(rh_string(id, i), &x))
            return;
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    if (id->n)
        rh_text_printf(t, "    %s ids     %lld to %lld\n", whose, (long long)low, (long long)high);
}

static void put_domain(struct rh_text *t, const struct rh_domain_data *d)
{
    int32_t titled = 0;
    char low[32], high[32];
    for (int32_t i = 0; i < d->title.n; i++)
        titled += rh_string(&d->title, i)[0] != '\0';
    rh_text_printf(t, "  %s: %d users, %d items, %lld rows, %.4f %% of all pairs\n", d->name, d->n_users, d->n_items,
                   (long long)d->n_rows, d->n_rows ? 100.0 * (double)d->n_rows / d->n_users / d->n_items : 0.0);
    if (d->value)
        rh_text_printf(t, "    ratings      %s to %s\n", rh_real_text((double)d->value_min, low),
                       rh_real_text((double)d->value_max, high));
    else
        rh_text_add(t, "    ratings      none (implicit feedback)\n");
    if (d->time)
        put_times(t, d);
    else
        rh_text_add(t, "    times        none\n");
    if (d->given)
        put_given(t, d);
    put_id_range(t, "user", &d->user_id);
    put_id_range(t, "item", &d->item_id);
    if (d->title.n)
        rh_text_printf(t, "    titles       %d of %d items\n", titled, d->n_items);
    put_blocks(t, "item", d->item_block, d->n_item_blocks, d->n_items);
    put_blocks(t, "user", d->user_block, d->n_user_blocks, d->n_users);
    for (int32_t i = 0; i < d->n_removed; i++)
        rh_text_printf(t, "    %-28s removed %lld rows, %lld users, %lld items\n", d->removed[i].step,
                       (long long)d->removed[i].rows, (long long)d->removed[i].users, (long long)d->removed[i].items);
    rh_text_printf(t, "    content      %s\n", d->content);
}

static void put_files(struct data_job *job, const struct data_set *s)
{
    const struct rh_dataset_file *f = s->file;
    for (size_t i = 0; i < s->n_files; i++) {
        char size[32];
        struct stat st;
        rh_text_printf(&job->out, "  %s of [%s]%s\n    %s\n", f[i].key, f[i].section,
                       f[i].optional ? ", optional" : "", f[i].places);
        const char *path = f[i].found ? rh_arena_strndup(&job->arena, f[i].found, rh_place_file(f[i].found)) : NULL;
        if (!path)
            rh_text_add(&job->out, "    missing\n");
        else
            rh_text_printf(&job->out, "    present: %s, %s\n", f[i].found,
                           stat(path, &st) ? "unreadable" : data_size_text(st.st_size, size));
    }
}

/* All of the description but what was said already and the checksums. */
static void put_entries(struct rh_text *t, const struct data_set *s)
{
    for (size_t i = 0; i < s->said.n; i++) {
        const struct rh_ini_entry *e = &s->said.entry[i];
        if (!strcmp(e->section, "dataset") || !strcmp(e->section, "sha256") || !strcmp(e->section, "expect"))
            continue;
        if (!e->key)
            rh_text_printf(t, "  [%s]\n", e->section);
        else
            rh_text_printf(t, "    %s = %s\n", e->key, e->value);
    }
}

static int put_loaded(struct data_job *job, const struct rh_dataset *d, struct rh_error *err)
{
    for (int32_t i = 0; i < rh_dataset_domain_count(d); i++) {
        struct rh_domain_data *domain = NULL;
        RH_TRY(rh_dataset_load(d, &job->env, rh_dataset_domain(d, i), &domain, err));
        put_domain(&job->out, domain);
        rh_domain_data_free(domain);
    }
    return RH_OK;
}

static int info(struct data_job *job, const char *name, struct rh_error *err)
{
    static const char *const about[] = { "home", "licence", "citation", "note" };
    struct data_set s;
    RH_TRY(data_open(job, name, &s, err));
    const char *state = presence(&s);
    rh_text_printf(&job->out, "%s: %s\n", name, rh_dataset_summary(s.d));
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        if (data_entry(&s, "dataset", about[i]))
            rh_text_printf(&job->out, "  %-10s %s\n", about[i], data_entry(&s, "dataset", about[i]));
    rh_text_printf(&job->out, "  %-10s shares its users with the sets of namespace %s\n", "users",
                   rh_dataset_namespace(s.d));
    rh_text_add(&job->out, "\ndescription\n");
    put_entries(&job->out, &s);
    if (s.n_files)
        rh_text_printf(&job->out, "\nfiles (%s)\n", state);
    put_files(job, &s);
    if (strcmp(state, "present") && strcmp(state, "built in")) {
        const char *target = data_target(job, &s, "");
        rh_text_printf(&job->out,
                       "\nharness data fetch %s downloads what has an address; harness data add %s FILE... takes "
                       "what you have.\nThe files belong into %s\n",
                       name, name, target ? target : "the data folder");
        return RH_OK;
    }
    rh_text_add(&job->out, "\ndomains\n");
    return put_loaded(job, s.d, err);
}

/* ----------------------------------------------------------------------------------------------- verify */

/* The checksum of the place that was found: the one of a file's places that the path ends with. */
static const char *expected_checksum(struct data_job *job, const struct data_set *s, const char *places,
                                     const char *path)
{
    size_t length = strlen(path);
    const char *file, *member;
    while ((file = data_next_place(job, &places, &member))) {
        size_t n = strlen(file);
        if (n <= length && !strcmp(path + length - n, file) && (n == length || path[length - n - 1] == '/'))
            return data_entry(s, "sha256", file);
    }
    return NULL;
}

/* Checksums of the files that are there; counts what is wrong and what is missing. */
static int verify_files(struct data_job *job, const struct data_set *s, int *wrong, int *missing,
                        struct rh_error *err)
{
    const char *previous = "";
    for (size_t i = 0; i < s->n_files; i++) {
        const struct rh_dataset_file *f = &s->file[i];
        char sha256[RH_HASH_HEX];
        if (!f->found) {
            *missing += !f->optional;
            rh_text_printf(&job->out, "  %-8s %s\n", f->optional ? "absent" : "missing", f->places);
            continue;
        }
        const char *path = rh_arena_strndup(&job->arena, f->found, rh_place_file(f->found));
        if (!path)
            return rh_fail_memory(err, "a path", strlen(f->found));
        if (!strcmp(path, previous))
            continue; /* one archive serves several sections */
        previous = path;
        const char *expected = expected_checksum(job, s, f->places, path);
        RH_TRY(rh_hash_file(path, sha256, err));
        bool right = expected && !strcasecmp(expected, sha256);
        *wrong += expected && !right;
        rh_text_printf(&job->out, "  %-8s %s\n", !expected ? "unknown" : right ? "right" : "WRONG", path);
        if (!right)
            rh_text_printf(&job->out, "           SHA-256 %s\n           expected %s\n", sha256,
                           expected ? expected : "(no checksum is known for it)");
    }
    return RH_OK;
}

static int verify_count(struct data_job *job, const struct data_set *s, const char *domain, const char *what,
                        int64_t found)
{
    const char *key = rh_arena_printf(&job->arena, "%s.%s", domain, what);
    const char *text = key ? data_entry(s, "expect", key) : NULL;
    int64_t expected;
    if (!text || !rh_parse_int(text, &expected)) {
        rh_text_printf(&job->out, "  %-8s %s: %lld %s\n", "counted", domain, (long long)found, what);
        return 0;
    }
    rh_text_printf(&job->out, "  %-8s %s: %lld %s", found == expected ? "right" : "WRONG", domain, (long long)found,
                   what);
    if (found != expected)
        rh_text_printf(&job->out, ", expected %lld", (long long)expected);
    rh_text_add(&job->out, "\n");
    return found != expected;
}

static int verify_domain(struct data_job *job, const struct data_set *s, const char *name, int *wrong,
                         struct rh_error *err)
{
    struct rh_domain_data *domain = NULL;
    RH_TRY(rh_dataset_load(s->d, &job->env, name, &domain, err));
    int status = rh_domain_data_check(domain, err);
    if (status >= 0) {
        int64_t read = domain->n_rows, duplicates = 0;
        for (int32_t i = 0; i < domain->n_removed; i++) {
            read += domain->removed[i].rows;
            if (!strncmp(domain->removed[i].step, "duplicate", 9))
                duplicates += domain->removed[i].rows;
        }
        *wrong += verify_count(job, s, name, "read", read);
        *wrong += verify_count(job, s, name, "rows", domain->n_rows);
        *wrong += verify_count(job, s, name, "users", domain->n_users);
        *wrong += verify_count(job, s, name, "items", domain->n_items);
        if (duplicates)
            rh_text_printf(&job->out, "  %-8s %s: %lld rows repeat a user and an item\n", "note", name,
                           (long long)duplicates);
        put_id_range(&job->out, "user", &domain->user_id);
        put_id_range(&job->out, "item", &domain->item_id);
    }
    rh_domain_data_free(domain);
    return status;
}

static int verify(struct data_job *job, const char *name, struct rh_error *err)
{
    struct data_set s;
    int wrong = 0, missing = 0;
    RH_TRY(data_open(job, name, &s, err));
    rh_text_printf(&job->out, "%s\n", name);
    RH_TRY(verify_files(job, &s, &wrong, &missing, err));
    if (missing)
        return rh_fail(err, RH_EIO, "%d of the files of %s %s missing; see harness data info %s", missing, name,
                       missing == 1 ? "is" : "are", name);
    for (int32_t i = 0; i < rh_dataset_domain_count(s.d); i++)
        RH_TRY(verify_domain(job, &s, rh_dataset_domain(s.d, i), &wrong, err));
    return wrong ? rh_fail(err, RH_EDATA, "%s is not what its description says: %d %s wrong", name, wrong,
                           wrong == 1 ? "thing is" : "things are")
                 : RH_OK;
}

/* ---------------------------------------------------------------------------------------------- command */

static int take_settings(struct data_job *job, const char *const *text, int32_t n, struct rh_error *err)
{
    for (int32_t i = 0; i < n; i++) {
        const char *equals = strchr(text[i], '=');
        if (!equals || equals == text[i])
            return rh_fail(err, RH_EINVAL, "--set %s is not KEY=VALUE, such as category=Books", text[i]);
        const char *key = rh_arena_strndup(&job->arena, text[i], (size_t)(equals - text[i]));
        if (!key)
            return rh_fail_memory(err, "a setting", strlen(text[i]));
        job->setting[job->n_settings++] =
            (struct rh_ini_entry){ .section = "dataset", .key = key, .value = equals + 1, .file = "--set" };
    }
    return RH_OK;
}

static int dispatch(struct data_job *job, char **word, int n, struct rh_error *err)
{
    static const char *const verbs[] = { "list", "info", "verify", "add", "fetch" };
    const char *verb = n ? word[0] : "list";
    const char *name = n > 1 ? word[1] : NULL;
    if (!strcmp(verb, "list") && n <= 1)
        return list(job, err);
    if (!strcmp(verb, "list"))
        return rh_fail(err, RH_EINVAL, "data list takes no name; data info %s tells of one", name);
    bool known = false;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        known |= !strcmp(verb, verbs[i]);
    if (!known) {
        const char *nearest = rh_nearest(verb, verbs, sizeof verbs / sizeof *verbs);
        return rh_fail(err, RH_EINVAL, "there is no data %s; there are: list, info, verify, add, fetch%s", verb,
                       rh_did_you_mean(nearest, (char[RH_HINT]){ 0 }));
    }
    if (!name)
        return rh_fail(err, RH_EINVAL, "data %s needs the name of a dataset; see harness data list", verb);
    if (!strcmp(verb, "add"))
        return n > 2 ? data_add(job, name, word + 2, n - 2, err)
                     : rh_fail(err, RH_EINVAL, "data add needs files: harness data add %s FILE...", name);
    if (n > 2)
        return rh_fail(err, RH_EINVAL, "data %s takes one name, but there is also '%s'", verb, word[2]);
    if (!strcmp(verb, "info"))
        return info(job, name, err);
    return !strcmp(verb, "verify") ? verify(job, name, err) : data_fetch(job, name, err);
}

int rh_cmd_data(const struct rh_cmd *c, int argc, char **argv)
{
    const char *data = NULL, *cache = NULL, *threads = NULL, *set[RH_MANY];
    int32_t n_set = 0;
    bool quiet = false;
    struct data_job job = { 0 };
    struct rh_error err = { 0 };
    const struct rh_option option[] = {
        { "data", "DIR", "folder with the raw files (else $HARNESS_DATA, ./data)", .value = &data },
        { "set", "KEY=VALUE", "set an option or a variable of the dataset, such as category=Books; may be repeated",
          .many = set, .n_many = &n_set },
        { "link", NULL, "add: a symbolic link instead of a copy", .flag = &job.link },
        { "replace", NULL, "add: over a file of other contents", .flag = &job.replace },
        { "cache", "DIR", "folder for loaded domains, or 'none'", .value = &cache },
        { "threads", "N", "processors to use (all)", .value = &threads },
        { "quiet", NULL, "no progress", .flag = &quiet },
        RH_OPTIONS_END,
    };
    char **word;
    int n, status;
    if (!rh_options(
            argc, argv, "data list | info NAME | verify NAME | add NAME FILE... | fetch NAME [OPTION]...",
            "Lists datasets and whether their files are here; tells all about one; checks its files and counts;\n"
            "takes files you have into the data folder; downloads them.",
            option, &word, &n, &status))
        return status;
    rh_log_init(&job.log, stderr, quiet ? RH_LOG_WARNING : RH_LOG_INFO);
    job.env = (struct rh_data_env){
        .descriptions = rh_description_folders(&job.arena, NULL, NULL, c->installed),
        .data = data ? data : rh_default_data(),
        .cache = cache ? cache : rh_default_cache(&job.arena),
        .log = &job.log,
        .threads = rh_thread_count(threads),
        .cancel = c->cancel,
    };
    if (cache && !strcmp(cache, "none"))
        job.env.cache = NULL;
    if (!job.env.threads)
        rh_fail(&err, RH_EINVAL, "--threads %s is not a number from 1 to 4096", threads);
    else if (!job.env.descriptions)
        rh_fail_memory(&err, "a list of folders", 0);
    else if (take_settings(&job, set, n_set, &err) >= 0)
        dispatch(&job, word, n, &err);
    status = rh_print(job.out.s); /* what was found out, also before a failure */
    if (err.status < 0)
        status = rh_complain(&err);
    rh_text_release(&job.out);
    rh_arena_release(&job.arena);
    return status;
}
