#include "report/results.h"

#include "base/text.h"
#include "store/sql.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(struct rh_error *err)
{
    return rh_fail_memory(err, "the results of an experiment", 0);
}

/* Room for one more element in an array of the arena; its old copy stays there until the report is done. */
static void *grown(struct rh_arena *a, void *array, int32_t n, int32_t *capacity, size_t elem)
{
    if (n < *capacity)
        return array;
    int32_t more = *capacity ? *capacity * 2 : 8;
    void *p = rh_alloc(a, (size_t)more, elem);
    if (!p)
        return NULL;
    if (n)
        memcpy(p, array, (size_t)n * elem);
    *capacity = more;
    return p;
}

static const char *after_dot(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

/* ---------------------------------------------------------------------------------------------- experiment */

static int unknown_experiment(struct rh_store *s, struct rh_arena *a, const char *name, struct rh_error *err)
{
    struct rh_sql q;
    const char **names = NULL;
    int32_t n = 0, capacity = 0;
    RH_TRY(rh_sql_open(&q, s, err, "SELECT name FROM experiment ORDER BY name", ""));
    int status;
    while ((status = rh_sql_step(&q, err)) == RH_OK) {
        names = grown(a, names, n, &capacity, sizeof *names);
        if (!names || !(names[n++] = rh_sql_text(&q, 0, a))) {
            status = no_memory(err);
            break;
        }
    }
    rh_sql_close(&q);
    if (status < 0)
        return status;
    const char *nearest = rh_nearest(name, names, (size_t)n);
    if (nearest)
        return rh_fail(err, RH_EINVAL, "no experiment '%s' in store '%s'; did you mean '%s'?", name, rh_store_path(s),
                       nearest);
    struct rh_text all = { 0 };
    for (int32_t i = 0; i < n; i++)
        rh_text_printf(&all, "%s%s", i ? ", " : "", names[i]);
    status = rh_fail(err, RH_EINVAL, "no experiment '%s' in store '%s'; it has %s", name, rh_store_path(s),
                     n && all.s ? all.s : "none");
    rh_text_release(&all);
    return status;
}

static int load_experiment(struct rh_store *s, struct rh_arena *a, const char *name, int64_t *id,
                           const char **metrics, struct rh_results *r, struct rh_error *err)
{
    struct rh_sql q;
    RH_TRY(rh_sql_open(&q, s, err, "SELECT id, name, title, primary_metric, metrics FROM experiment WHERE name = ?",
                       "t", name));
    int status = rh_sql_step(&q, err);
    if (status == RH_OK) {
        *id = rh_sql_int(&q, 0);
        r->name = rh_sql_text(&q, 1, a);
        r->title = rh_sql_text(&q, 2, a);
        r->primary = rh_sql_text(&q, 3, a);
        *metrics = rh_sql_text(&q, 4, a);
        if (!r->name || !r->title || !r->primary || !*metrics)
            status = no_memory(err);
    }
    rh_sql_close(&q);
    return status == RH_DONE ? unknown_experiment(s, a, name, err) : status;
}

/* ------------------------------------------------------------------------------------------------- columns */

static int load_columns(struct rh_store *s, struct rh_arena *a, int64_t experiment, struct rh_results *r,
                        struct rh_error *err)
{
    struct rh_sql q;
    int32_t capacity = 0;
    RH_TRY(rh_sql_open(&q, s, err,
                       "SELECT m.id, min(m.definition), max(m.lower_is_better) FROM experiment_run er "
                       "JOIN run r ON r.id = er.run JOIN metric m ON m.run = r.id "
                       "WHERE er.experiment = ? AND r.status = 'done' GROUP BY m.id ORDER BY min(m.position), m.id",
                       "i", experiment));
    int status;
    while ((status = rh_sql_step(&q, err)) == RH_OK) {
        r->column = grown(a, r->column, r->n_columns, &capacity, sizeof *r->column);
        if (!r->column) {
            status = no_memory(err);
            break;
        }
        struct rh_column *c = &r->column[r->n_columns++];
        *c = (struct rh_column){ rh_sql_text(&q, 0, a), rh_sql_text(&q, 1, a), rh_sql_int(&q, 2) };
        if (!c->id || !c->definition) {
            status = no_memory(err);
            break;
        }
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

static bool chosen(const char *word, const char *id)
{
    size_t n = strlen(word);
    return !strcmp(word, id) || (!strncmp(word, id, n) && id[n] == '@');
}

static int unknown_metric(struct rh_arena *a, const struct rh_results *r, const char *word, struct rh_error *err)
{
    struct rh_text all = { 0 };
    const char **names = rh_alloc(a, (size_t)r->n_columns + 1, sizeof *names);
    if (!names)
        return no_memory(err);
    for (int32_t i = 0; i < r->n_columns; i++) {
        names[i] = r->column[i].id;
        rh_text_printf(&all, "%s%s", i ? ", " : "", names[i]);
    }
    const char *nearest = rh_nearest(word, names, (size_t)r->n_columns);
    int status = nearest ? rh_fail(err, RH_EINVAL, "experiment '%s' has no metric '%s'; did you mean '%s'?", r->name,
                                   word, nearest)
                         : rh_fail(err, RH_EINVAL, "experiment '%s' has no metric '%s'; it has %s", r->name, word,
                                   all.s ? all.s : "none");
    rh_text_release(&all);
    return status;
}

/* Keeps the columns that the words of the list name, in its order. `strict`: an unknown word is an error. */
static int choose_columns(struct rh_arena *a, struct rh_results *r, const char *list, bool strict,
                          struct rh_error *err)
{
    int32_t n = 0;
    char *words = rh_arena_strdup(a, list), *rest = words;
    struct rh_column *kept = rh_alloc(a, (size_t)r->n_columns + 1, sizeof *kept);
    bool *taken = rh_alloc(a, (size_t)r->n_columns + 1, sizeof *taken);
    if (!words || !kept || !taken)
        return no_memory(err);
    for (char *word; (word = strsep(&rest, ","));) {
        word += strspn(word, " \t");
        for (size_t end = strlen(word); end && strchr(" \t", word[end - 1]); end--)
            word[end - 1] = '\0';
        bool found = !word[0];
        for (int32_t i = 0; i < r->n_columns && word[0]; i++)
            if (chosen(word, r->column[i].id)) {
                found = true;
                if (!taken[i])
                    kept[n++] = r->column[i];
                taken[i] = true;
            }
        if (!found && strict)
            return unknown_metric(a, r, word, err);
    }
    r->column = kept;
    r->n_columns = n;
    return RH_OK;
}

/* --------------------------------------------------------------------------------------------------- parts */

static struct rh_part *part_of(struct rh_results *r, const char *label)
{
    for (int32_t i = 0; i < r->n_parts; i++)
        if (!strcmp(r->part[i].label, label))
            return &r->part[i];
    return NULL;
}

static bool from_generator(const char *datasets)
{
    for (const char *p = datasets; (p = strstr(p, "synthetic")); p++)
        if (p == datasets || p[-1] == ' ' || p[-1] == ',')
            return true;
    return false;
}

static int add_problem(struct rh_sql *q, struct rh_arena *a, struct rh_results *r, int32_t *capacity,
                       struct rh_error *err)
{
    const char *label = rh_sql_text(q, 1, a);
    if (!label)
        return no_memory(err);
    struct rh_part *p = part_of(r, label);
    if (!p) {
        r->part = grown(a, r->part, r->n_parts, capacity, sizeof *r->part);
        if (!r->part)
            return no_memory(err);
        p = &r->part[r->n_parts++];
        *p = (struct rh_part){ .label = label, .name = rh_sql_text(q, 2, a), .target = rh_sql_text(q, 3, a),
                               .sources = rh_sql_text(q, 4, a), .split = rh_sql_text(q, 5, a) };
        if (!p->name || !p->target || !p->sources || !p->split)
            return no_memory(err);
        p->generated = from_generator(p->target) || from_generator(p->sources);
    }
    int64_t *ids = rh_alloc(a, (size_t)p->n_problems + 1, sizeof *ids);
    if (!ids)
        return no_memory(err);
    if (p->n_problems)
        memcpy(ids, p->problem, (size_t)p->n_problems * sizeof *ids);
    ids[p->n_problems++] = rh_sql_int(q, 0);
    p->problem = ids;
    if (!rh_sql_int(q, 6))
        return RH_OK;
    p->n_built++;
    p->users += rh_sql_int(q, 7);
    p->items += rh_sql_int(q, 8);
    p->train_rows += rh_sql_int(q, 9);
    p->source_rows += rh_sql_int(q, 10);
    p->test_rows += rh_sql_int(q, 11);
    p->test_queries += rh_sql_int(q, 12);
    p->cold_users += rh_sql_int(q, 13);
    p->shared_users += rh_sql_int(q, 14);
    return RH_OK;
}

static int64_t mean_count(int64_t sum, int32_t n)
{
    return n ? (sum + n / 2) / n : 0;
}

static int load_parts(struct rh_store *s, struct rh_arena *a, int64_t experiment, struct rh_results *r,
                      struct rh_error *err)
{
    struct rh_sql q;
    int32_t capacity = 0;
    RH_TRY(
        rh_sql_open(&q, s, err,
                    "SELECT p.id, ep.label, ep.name, p.target, p.sources, p.split, p.content IS NOT NULL, p.users, "
                    "p.items, p.train_rows, p.source_rows, p.test_rows, p.test_queries, p.cold_users, p.shared_users "
                    "FROM experiment_problem ep JOIN problem p ON p.id = ep.problem "
                    "WHERE ep.experiment = ? ORDER BY ep.position",
                    "i", experiment));
    int status;
    while ((status = rh_sql_step(&q, err)) == RH_OK)
        if ((status = add_problem(&q, a, r, &capacity, err)) < 0)
            break;
    rh_sql_close(&q);
    for (int32_t i = 0; i < r->n_parts; i++) {
        struct rh_part *p = &r->part[i];
        p->users = mean_count(p->users, p->n_built);
        p->items = mean_count(p->items, p->n_built);
        p->train_rows = mean_count(p->train_rows, p->n_built);
        p->source_rows = mean_count(p->source_rows, p->n_built);
        p->test_rows = mean_count(p->test_rows, p->n_built);
        p->shared_users = mean_count(p->shared_users, p->n_built);
    }
    return status < 0 ? status : RH_OK;
}

static int load_key_values(struct rh_store *s, struct rh_arena *a, const char *sql, int64_t owner,
                           struct rh_key_value **out, int32_t *n, struct rh_error *err)
{
    struct rh_sql q;
    int32_t capacity = 0;
    *out = NULL;
    *n = 0;
    RH_TRY(rh_sql_open(&q, s, err, sql, "i", owner));
    int status;
    while ((status = rh_sql_step(&q, err)) == RH_OK) {
        *out = grown(a, *out, *n, &capacity, sizeof **out);
        if (!*out) {
            status = no_memory(err);
            break;
        }
        struct rh_key_value *kv = &(*out)[(*n)++];
        *kv = (struct rh_key_value){ rh_sql_text(&q, 0, a), rh_sql_text(&q, 1, a), false };
        if (!kv->key || !kv->value) {
            status = no_memory(err);
            break;
        }
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

/* Adds to the counts of one kind, which may be new. */
static int add_count(struct rh_arena *a, struct rh_leak **list, int32_t *n, const char *what, int64_t count, int64_t of,
                     struct rh_error *err)
{
    int32_t i = 0;
    while (what && i < *n && strcmp((*list)[i].what, what))
        i++;
    if (i == *n) {
        struct rh_leak *more = rh_alloc(a, (size_t)i + 1, sizeof *more);
        if (!what || !more)
            return no_memory(err);
        if (i)
            memcpy(more, *list, (size_t)i * sizeof *more);
        more[i].what = what;
        *list = more;
        (*n)++;
    }
    (*list)[i].count += count;
    (*list)[i].of += of;
    return RH_OK;
}

static int load_leaks(struct rh_store *s, struct rh_arena *a, struct rh_part *p, int64_t problem,
                      struct rh_error *err)
{
    struct rh_sql q;
    RH_TRY(rh_sql_open(&q, s, err, "SELECT what, count, total FROM leakage WHERE problem = ? ORDER BY position", "i",
                       problem));
    int status;
    while ((status = rh_sql_step(&q, err)) == RH_OK)
        if ((status = add_count(a, &p->leak, &p->n_leaks, rh_sql_text(&q, 0, a), rh_sql_int(&q, 1), rh_sql_int(&q, 2),
                                err)) < 0)
            break;
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

/* The queries of a problem are the same for all runs; should they count differently, the most stand for it. */
static int load_odd(struct rh_store *s, struct rh_arena *a, struct rh_part *p, int64_t experiment, int64_t problem,
                    struct rh_error *err)
{
    struct rh_sql q;
    RH_TRY(rh_sql_open(&q, s, err, "SELECT o.what, max(o.count) FROM experiment_run er JOIN run r ON r.id = er.run "
                                   "JOIN run_odd o ON o.run = r.id WHERE er.experiment = ? AND r.problem = ? "
                                   "GROUP BY o.what ORDER BY min(o.position)", "ii", experiment, problem));
    int status;
    while ((status = rh_sql_step(&q, err)) == RH_OK)
        if ((status = add_count(a, &p->odd, &p->n_odd, rh_sql_text(&q, 0, a), rh_sql_int(&q, 1), 0, err)) < 0)
            break;
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

static int load_removed(struct rh_store *s, struct rh_arena *a, struct rh_part *p, struct rh_error *err)
{
    struct rh_sql q;
    int32_t capacity = 0;
    RH_TRY(rh_sql_open(&q, s, err, "SELECT domain, step, rows, users, items FROM removed WHERE problem = ? "
                                   "ORDER BY position", "i", p->problem[0]));
    int status;
    while ((status = rh_sql_step(&q, err)) == RH_OK) {
        p->removed = grown(a, p->removed, p->n_removed, &capacity, sizeof *p->removed);
        if (!p->removed) {
            status = no_memory(err);
            break;
        }
        struct rh_removed_row *row = &p->removed[p->n_removed++];
        *row = (struct rh_removed_row){ rh_sql_text(&q, 0, a), rh_sql_text(&q, 1, a), rh_sql_int(&q, 2),
                                        rh_sql_int(&q, 3), rh_sql_int(&q, 4) };
        if (!row->domain || !row->step) {
            status = no_memory(err);
            break;
        }
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

/* "generated.dataset" = "synthetic", "target.generator" = "power": the sections may be called anything. */
static bool says_generated(const char *key, const char *value)
{
    const char *last = after_dot(key);
    return (!strcmp(last, "dataset") && from_generator(value)) || (!strcmp(last, "generator") && value[0]);
}

static int load_part_details(struct rh_store *s, struct rh_arena *a, int64_t experiment, struct rh_part *p,
                             struct rh_error *err)
{
    RH_TRY(load_key_values(s, a, "SELECT key, value FROM problem_setting WHERE problem = ? ORDER BY position",
                           p->problem[0], &p->setting, &p->n_settings, err));
    for (int32_t i = 0; i < p->n_settings; i++)
        if (says_generated(p->setting[i].key, p->setting[i].value))
            p->generated = true;
    for (int32_t i = 0; i < p->n_problems; i++)
        RH_TRY(load_leaks(s, a, p, p->problem[i], err));
    for (int32_t i = 0; i < p->n_problems; i++)
        RH_TRY(load_odd(s, a, p, experiment, p->problem[i], err));
    return load_removed(s, a, p, err);
}

/* ---------------------------------------------------------------------------------------------------- rows */

static struct rh_part *part_with(struct rh_results *r, int64_t problem)
{
    for (int32_t i = 0; i < r->n_parts; i++)
        for (int32_t k = 0; k < r->part[i].n_problems; k++)
            if (r->part[i].problem[k] == problem)
                return &r->part[i];
    return NULL;
}

static struct rh_row *row_of(struct rh_arena *a, struct rh_results *r, struct rh_part *p, const char *label)
{
    for (int32_t i = 0; i < p->n_rows; i++)
        if (!strcmp(p->row[i].label, label))
            return &p->row[i];
    p->row = grown(a, p->row, p->n_rows, &p->row_capacity, sizeof *p->row);
    if (!p->row)
        return NULL;
    struct rh_row *row = &p->row[p->n_rows];
    *row = (struct rh_row){ .label = label, .twin = "", .message = "", .status = "done",
                            .cell = rh_alloc(a, (size_t)r->n_columns, sizeof *row->cell) };
    if (!row->cell)
        return NULL;
    p->n_rows++;
    return row;
}

static int add_run(struct rh_sql *q, struct rh_arena *a, struct rh_results *r, struct rh_error *err)
{
    const char *label = rh_sql_text(q, 2, a), *status = rh_sql_text(q, 4, a);
    struct rh_part *p = part_with(r, rh_sql_int(q, 1));
    if (!label || !status)
        return no_memory(err);
    if (!p)
        return RH_OK; /* its problem is not linked any more: half a plan of a killed program */
    struct rh_row *row = row_of(a, r, p, label);
    if (!row)
        return no_memory(err);
    bool failed = strcmp(status, "done") != 0;
    int64_t *ids = rh_alloc(a, 2 * ((size_t)row->runs + 1), sizeof *ids); /* runs, then their problems */
    if (!ids)
        return no_memory(err);
    for (int32_t i = 0; i < row->runs; i++) {
        ids[i] = row->run[i];
        ids[row->runs + 1 + i] = row->problem[i];
    }
    row->run = ids;
    row->problem = ids + row->runs + 1;
    row->run[row->runs] = rh_sql_int(q, 0);
    row->problem[row->runs++] = rh_sql_int(q, 1);
    row->seconds += rh_sql_real(q, 6);
    if (!row->algorithm && (!(row->algorithm = rh_sql_text(q, 3, a)) || !(row->twin = rh_sql_text(q, 7, a))))
        return no_memory(err);
    if (failed && !row->failed++) {
        row->status = status;
        row->message = rh_sql_text(q, 5, a);
        if (!row->message)
            return no_memory(err);
    }
    return RH_OK;
}

static int load_rows(struct rh_store *s, struct rh_arena *a, int64_t experiment, struct rh_results *r,
                     struct rh_error *err)
{
    struct rh_sql q;
    RH_TRY(
        rh_sql_open(&q, s, err,
                    "SELECT r.id, r.problem, er.label, r.algorithm, r.status, r.message, r.wall_seconds, er.twin "
                    "FROM experiment_run er JOIN run r ON r.id = er.run WHERE er.experiment = ? ORDER BY er.position",
                    "i", experiment));
    int status;
    while ((status = rh_sql_step(&q, err)) == RH_OK)
        if ((status = add_run(&q, a, r, err)) < 0)
            break;
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

/* Mean and deviation over the runs of a row, column by column. */
static int load_cells(struct rh_store *s, const struct rh_results *r, struct rh_row *row, struct rh_error *err)
{
    struct rh_sql q;
    RH_TRY(rh_sql_open(&q, s, err, "SELECT value, defined FROM metric WHERE run = ? AND id = ?", ""));
    int status = RH_OK;
    for (int32_t c = 0; c < r->n_columns && status >= 0; c++) {
        struct rh_cell *cell = &row->cell[c];
        double mean = 0, squares = 0; /* Welford 1962: no cancellation between nearly equal runs */
        int32_t n = 0;
        for (int32_t i = 0; i < row->runs && status >= 0; i++) {
            status = rh_sql_bind(&q, err, "it", row->run[i], r->column[c].id);
            if (status >= 0)
                status = rh_sql_step(&q, err);
            double x = status == RH_OK ? rh_sql_real(&q, 0) : NAN;
            if (status == RH_OK)
                cell->defined += rh_sql_int(&q, 1);
            if (isnan(x))
                continue;
            double step = x - mean;
            mean += step / ++n;
            squares += step * (x - mean);
        }
        cell->value = n ? mean : NAN;
        cell->sd = n > 1 ? sqrt(squares / (n - 1)) : NAN;
        cell->interval = NAN;
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

static int load_row_details(struct rh_store *s, struct rh_arena *a, const struct rh_results *r,
                            struct rh_row *row, struct rh_error *err)
{
    row->seconds /= row->runs;
    if (row->failed && row->failed < row->runs)
        row->status = "partly";
    RH_TRY(load_key_values(s, a, "SELECT key, value FROM run_param WHERE run = ? ORDER BY position", row->run[0],
                           &row->param, &row->n_params, err));
    return load_cells(s, r, row, err);
}

static int load_all(struct rh_store *s, struct rh_arena *a, const char *experiment, const char *metrics,
                    bool intervals, struct rh_results *r, struct rh_error *err)
{
    int64_t id = 0;
    const char *own = "";
    RH_TRY(load_experiment(s, a, experiment, &id, &own, r, err));
    RH_TRY(load_columns(s, a, id, r, err));
    if (metrics)
        RH_TRY(choose_columns(a, r, metrics, true, err));
    else if (own[0])
        RH_TRY(choose_columns(a, r, own, false, err));
    r->primary_column = -1;
    for (int32_t i = 0; i < r->n_columns; i++)
        if (!strcmp(r->column[i].id, r->primary))
            r->primary_column = i;
    RH_TRY(load_parts(s, a, id, r, err));
    RH_TRY(load_rows(s, a, id, r, err));
    for (int32_t i = 0; i < r->n_parts; i++) {
        RH_TRY(load_part_details(s, a, id, &r->part[i], err));
        for (int32_t k = 0; k < r->part[i].n_rows; k++)
            RH_TRY(load_row_details(s, a, r, &r->part[i].row[k], err));
    }
    return intervals ? rh_results_intervals(s, a, r, -1, err) : RH_OK;
}

int rh_results_load(struct rh_store *s, struct rh_arena *a, const char *experiment, const char *metrics,
                    bool intervals, struct rh_results *out, struct rh_error *err)
{
    *out = (struct rh_results){ 0 };
    /* One read transaction: a writer beside us does not change the table half-way. */
    RH_TRY(rh_sql_run(s, err, "BEGIN", ""));
    return rh_sql_end(s, load_all(s, a, experiment, metrics, intervals, out, err), err);
}
