/* What a run leaves, written: experiments, problems, runs. Each call is one transaction. */
#include "store/sql.h"

#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static int write_key_values(struct rh_store *s, const char *sql, int64_t owner, const struct rh_key_value *kv,
                            int32_t n, struct rh_error *err)
{
    struct rh_sql q;
    RH_TRY(rh_sql_open(&q, s, err, sql, ""));
    int status = RH_OK;
    for (int32_t i = 0; i < n && status >= 0; i++) {
        status = rh_sql_bind(&q, err, "iitt", owner, (int64_t)i, kv[i].key, kv[i].value);
        if (status >= 0)
            status = rh_sql_step(&q, err);
    }
    rh_sql_close(&q);
    return status;
}

/* -------------------------------------------------------------------------------------------- experiments */

static int write_plots(struct rh_store *s, int64_t experiment, const struct rh_plot_row *plots, int32_t n,
                       struct rh_error *err)
{
    for (int32_t i = 0; i < n; i++) {
        const struct rh_plot_row *p = &plots[i];
        RH_TRY(rh_sql_run(s, err, "INSERT INTO plot VALUES (?, ?, ?, ?, ?, ?, ?, ?)", "iitttttt", experiment,
                          (int64_t)i, p->name, p->title ? p->title : "", p->kind ? p->kind : "", p->x ? p->x : "",
                          p->y ? p->y : "", p->series ? p->series : ""));
    }
    return RH_OK;
}

static int begin_experiment(struct rh_store *s, const struct rh_experiment_row *e, const struct rh_plot_row *plots,
                            int32_t n_plots, int64_t *experiment, struct rh_error *err)
{
    RH_TRY(rh_sql_number(s, experiment, 0, err,
                         "INSERT INTO experiment (name, title, ini, primary_metric, metrics, updated) "
                         "VALUES (?, ?, ?, ?, ?, datetime('now')) ON CONFLICT (name) DO UPDATE SET "
                         "title = excluded.title, ini = excluded.ini, primary_metric = excluded.primary_metric, "
                         "metrics = excluded.metrics, updated = excluded.updated RETURNING id",
                         "ttttt", e->name, e->title ? e->title : "", e->ini ? e->ini : "",
                         e->primary_metric ? e->primary_metric : "", e->metrics ? e->metrics : ""));
    RH_TRY(rh_sql_run(s, err, "DELETE FROM plot WHERE experiment = ?", "i", *experiment));
    RH_TRY(rh_sql_run(s, err, "DELETE FROM experiment_run WHERE experiment = ? AND run NOT IN "
                      "(SELECT id FROM run WHERE algorithm = ?)", "it", *experiment, RH_IMPORTED));
    RH_TRY(rh_sql_run(s, err, "DELETE FROM experiment_problem WHERE experiment = ?", "i", *experiment));
    return write_plots(s, *experiment, plots, n_plots, err);
}

int rh_store_begin_experiment(struct rh_store *s, const struct rh_experiment_row *e, const struct rh_plot_row *plots,
                              int32_t n_plots, int64_t *experiment, struct rh_error *err)
{
    RH_TRY(rh_sql_begin(s, err));
    return rh_sql_end(s, begin_experiment(s, e, plots, n_plots, experiment, err), err);
}

/* ----------------------------------------------------------------------------------------------- problems */

static int link_problem(struct rh_store *s, int64_t experiment, int32_t position, const struct rh_problem_row *p,
                        int64_t problem, struct rh_error *err)
{
    struct rh_text swept = { 0 };
    rh_text_add(&swept, "");
    for (int32_t i = 0; i < p->n_settings; i++)
        if (p->setting[i].swept)
            rh_text_printf(&swept, "%s%s", swept.n ? "," : "", p->setting[i].key);
    int status = swept.failed
                     ? rh_fail_memory(err, "the names of settings", swept.n)
                     : rh_sql_run(s, err,
                                  "INSERT OR REPLACE INTO experiment_problem "
                                  "(experiment, position, problem, name, label, swept) "
                                  "VALUES (?, ?, ?, ?, ?, ?)",
                                  "iiittt", experiment, (int64_t)position, problem, p->name, p->label, swept.s);
    rh_text_release(&swept);
    return status;
}

static int write_problem(struct rh_store *s, int64_t experiment, int32_t position, const struct rh_problem_row *p,
                         int64_t *problem, struct rh_error *err)
{
    RH_TRY(rh_sql_number(s, problem, 0, err, "SELECT id FROM problem WHERE identity = ?", "t", p->identity));
    if (!*problem) {
        RH_TRY(rh_sql_number(s, problem, 0, err,
                             "INSERT INTO problem (identity, target, sources, split, fold, seed) "
                             "VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                             "ttttiu", p->identity, p->target, p->sources ? p->sources : "", p->split,
                             (int64_t)p->fold, p->seed));
        RH_TRY(write_key_values(s, "INSERT INTO problem_setting VALUES (?, ?, ?, ?)", *problem, p->setting,
                                p->n_settings, err));
    }
    return link_problem(s, experiment, position, p, *problem, err);
}

int rh_store_problem(struct rh_store *s, int64_t experiment, int32_t position, const struct rh_problem_row *p,
                     int64_t *problem, struct rh_error *err)
{
    RH_TRY(rh_sql_begin(s, err));
    return rh_sql_end(s, write_problem(s, experiment, position, p, problem, err), err);
}

static int write_queries(struct rh_store *s, int64_t problem, const struct rh_problem_facts *f, struct rh_error *err)
{
    struct rh_sql q;
    if (!f->query_user)
        return RH_OK;
    RH_TRY(rh_sql_open(&q, s, err, "INSERT INTO problem_query VALUES (?, ?, ?)", ""));
    int status = RH_OK;
    for (int64_t i = 0; i < f->test_queries && status >= 0; i++) {
        status = rh_sql_bind(&q, err, "iit", problem, i, f->query_user[i]);
        if (status >= 0)
            status = rh_sql_step(&q, err);
    }
    rh_sql_close(&q);
    return status;
}

static int write_ledgers(struct rh_store *s, int64_t problem, const struct rh_problem_facts *f, struct rh_error *err)
{
    for (int32_t i = 0; i < f->n_removed; i++)
        RH_TRY(rh_sql_run(s, err, "INSERT INTO removed VALUES (?, ?, ?, ?, ?, ?, ?)", "iittiii", problem, (int64_t)i,
                          f->removed[i].domain, f->removed[i].step, f->removed[i].rows, f->removed[i].users,
                          f->removed[i].items));
    for (int32_t i = 0; i < f->n_leaks; i++)
        RH_TRY(rh_sql_run(s, err, "INSERT INTO leakage VALUES (?, ?, ?, ?, ?)", "iitii", problem, (int64_t)i,
                          f->leak[i].what, f->leak[i].count, f->leak[i].of));
    return RH_OK;
}

static int write_facts(struct rh_store *s, int64_t problem, const struct rh_problem_facts *f, struct rh_error *err)
{
    int64_t same;
    RH_TRY(
        rh_sql_number(s, &same, 0, err, "SELECT content IS ? FROM problem WHERE id = ?", "ti", f->content, problem));
    if (same)
        return RH_OK; /* rewriting thousands of equal rows would only make a writer wait */
    /* The same identity with other content: the program splits differently now. Numbers of both must not stand in one
     * table, and the old per-query values have lost their order. */
    RH_TRY(rh_sql_run(
        s, err,
        "UPDATE run SET status = 'stale', message = 'measured on another content of its problem; run again' "
        "WHERE problem = ? AND status = 'done'",
        "i", problem));
    RH_TRY(rh_sql_run(s, err,
                      "UPDATE problem SET content = ?, users = ?, items = ?, train_rows = ?, source_rows = ?, "
                      "test_rows = ?, test_queries = ?, validation_queries = ?, cold_users = ?, shared_users = ?, "
                      "unused_rows = ? WHERE id = ?",
                      "tiiiiiiiiiii", f->content, f->users, f->items, f->train_rows, f->source_rows, f->test_rows,
                      f->test_queries, f->validation_queries, f->cold_users, f->shared_users, f->unused_rows,
                      problem));
    RH_TRY(rh_sql_run(s, err, "DELETE FROM problem_query WHERE problem = ?", "i", problem));
    RH_TRY(rh_sql_run(s, err, "DELETE FROM removed WHERE problem = ?", "i", problem));
    RH_TRY(rh_sql_run(s, err, "DELETE FROM leakage WHERE problem = ?", "i", problem));
    RH_TRY(rh_sql_run(s, err, "DELETE FROM problem_item WHERE problem = ?", "i", problem));
    RH_TRY(rh_sql_run(s, err, "DELETE FROM problem_fact WHERE problem = ?", "i", problem));
    RH_TRY(write_ledgers(s, problem, f, err));
    return write_queries(s, problem, f, err);
}

int rh_store_problem_facts(struct rh_store *s, int64_t problem, const struct rh_problem_facts *f,
                           struct rh_error *err)
{
    RH_TRY(rh_sql_begin(s, err));
    return rh_sql_end(s, write_facts(s, problem, f, err), err);
}

static int write_items(struct rh_store *s, int64_t problem, int32_t n, const char *const *item,
                       const char *const *title, struct rh_error *err)
{
    int64_t there;
    struct rh_sql q;
    RH_TRY(rh_sql_number(s, &there, 0, err, "SELECT 1 FROM problem_item WHERE problem = ? LIMIT 1", "i", problem));
    if (there)
        return RH_OK;
    RH_TRY(rh_sql_open(&q, s, err, "INSERT INTO problem_item VALUES (?, ?, ?, ?)", ""));
    int status = RH_OK;
    for (int32_t i = 0; i < n && status >= 0; i++) {
        status = rh_sql_bind(&q, err, "iitt", problem, (int64_t)i, item[i], title && title[i] ? title[i] : "");
        if (status >= 0)
            status = rh_sql_step(&q, err);
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

int rh_store_problem_items(struct rh_store *s, int64_t problem, int32_t n, const char *const *item,
                           const char *const *title, struct rh_error *err)
{
    RH_TRY(rh_sql_begin(s, err));
    return rh_sql_end(s, write_items(s, problem, n, item, title, err), err);
}

/* --------------------------------------------------------------------------------------------------- runs */

int rh_store_find_run(struct rh_store *s, const char *identity, bool *done, struct rh_error *err)
{
    int64_t found;
    *done = false;
    RH_TRY(rh_sql_number(s, &found, 0, err, "SELECT status = 'done' FROM run WHERE identity = ?", "t", identity));
    *done = found;
    return RH_OK;
}

int rh_store_kept_depth(struct rh_store *s, const char *identity, int32_t *depth, struct rh_error *err)
{
    int64_t found;
    RH_TRY(rh_sql_number(s, &found, 0, err,
                         "SELECT k.depth FROM ranking k JOIN run r ON r.id = k.run WHERE r.identity = ?", "t",
                         identity));
    *depth = (int32_t)found;
    return RH_OK;
}

int rh_store_find_model(struct rh_store *s, const char *identity, struct rh_arena *a, struct rh_model_row *out,
                        struct rh_error *err)
{
    struct rh_sql q;
    *out = (struct rh_model_row){ 0 };
    RH_TRY(rh_sql_open(&q, s, err, "SELECT m.path, m.hash, m.bytes FROM model m JOIN run r ON r.id = m.run WHERE "
                       "r.identity = ? AND r.status = 'done'", "t", identity));
    int status = rh_sql_step(&q, err);
    if (status == RH_OK) {
        *out = (struct rh_model_row){ rh_sql_text(&q, 0, a), rh_sql_text(&q, 1, a), rh_sql_int(&q, 2) };
        if (!out->path || !out->hash)
            status = rh_fail_memory(err, "the place of a model", 64);
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

int rh_store_named_model(struct rh_store *s, const char *begin, struct rh_arena *a, struct rh_model_row *out,
                         struct rh_error *err)
{
    int64_t n;
    struct rh_sql q;
    *out = (struct rh_model_row){ 0 };
    RH_TRY(rh_sql_number(s, &n, 0, err, "SELECT count(*) FROM run WHERE substr(identity, 1, length(?1)) = ?1", "t",
                         begin));
    if (n != 1)
        return rh_fail(err, RH_EINVAL, "%lld runs in store '%s' have an identity that begins so; expected one",
                       (long long)n, s->path);
    RH_TRY(rh_sql_open(&q, s, err, "SELECT identity FROM run WHERE substr(identity, 1, length(?1)) = ?1", "t", begin));
    int status = rh_sql_step(&q, err);
    const char *identity = status == RH_OK ? rh_sql_text(&q, 0, a) : "";
    rh_sql_close(&q);
    if (status < 0 || !identity)
        return status < 0 ? status : rh_fail_memory(err, "an identity", 64);
    RH_TRY(rh_store_find_model(s, identity, a, out, err));
    return out->path ? RH_OK : rh_fail(err, RH_EINVAL, "the run in store '%s' has no saved model; harness run "
                                       "FILE.ini --save-models --force keeps it", s->path);
}

const char *rh_store_place(struct rh_arena *a, const char *store, const char *path)
{
    const char *folder = rh_path_folder(a, store);
    return folder ? rh_path_join(a, !strcmp(folder, ".") ? "" : folder, path) : NULL;
}

static int link_run(struct rh_store *s, int64_t experiment, int32_t position, int64_t run, const char *label,
                    const char *twin, struct rh_error *err)
{
    return rh_sql_run(s, err,
                      "INSERT OR REPLACE INTO experiment_run (experiment, position, run, label, twin) "
                      "VALUES (?, ?, ?, ?, ?)",
                      "iiitt", experiment, (int64_t)position, run, label, twin ? twin : "");
}

/* The row keeps its id when it is replaced, so that other experiments stay linked to it. */
static int write_run_row(struct rh_store *s, int64_t problem, const struct rh_run_row *r, int64_t *run,
                         struct rh_error *err)
{
    static const char sql[] =
        "INSERT INTO run (identity, problem, algorithm, label, revision, seed, status, message, queries, "
        "fit_seconds, "
        "score_seconds, wall_seconds, cpu_seconds, state_bytes, peak_bytes, tied, relevant, threads, stored) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, datetime('now')) "
        "ON CONFLICT (identity) DO UPDATE SET problem = excluded.problem, algorithm = excluded.algorithm, "
        "label = excluded.label, revision = excluded.revision, seed = excluded.seed, status = excluded.status, "
        "message = excluded.message, queries = excluded.queries, fit_seconds = excluded.fit_seconds, "
        "score_seconds = excluded.score_seconds, wall_seconds = excluded.wall_seconds, "
        "cpu_seconds = excluded.cpu_seconds, state_bytes = excluded.state_bytes, peak_bytes = excluded.peak_bytes, "
        "tied = excluded.tied, relevant = excluded.relevant, threads = excluded.threads, stored = excluded.stored "
        "RETURNING id";
    static const char *const children[] = {
        "DELETE FROM run_param WHERE run = ?", "DELETE FROM epoch WHERE run = ?", "DELETE FROM metric WHERE run = ?",
        "DELETE FROM metric_user WHERE run = ?", "DELETE FROM provenance WHERE run = ?",
        "DELETE FROM run_test WHERE run = ?", "DELETE FROM ranking WHERE run = ?", "DELETE FROM run_odd WHERE run = ?",
        "DELETE FROM model WHERE run = ?",
    };
    RH_TRY(rh_sql_number(s, run, 0, err, sql, "tittiuttirrrriiiii", r->identity, problem, r->algorithm, r->label,
                         (int64_t)r->revision, r->seed, rh_status_word(r->status), r->message ? r->message : "",
                         (int64_t)r->n_queries, r->fit_seconds, r->score_seconds, r->wall_seconds, r->cpu_seconds,
                         r->state_bytes, r->peak_bytes, r->tied, r->relevant, (int64_t)r->threads));
    for (size_t i = 0; i < sizeof children / sizeof *children; i++)
        RH_TRY(rh_sql_run(s, err, children[i], "i", *run));
    return RH_OK;
}

static int write_epochs(struct rh_store *s, int64_t run, const struct rh_run_row *r, struct rh_error *err)
{
    struct rh_sql q;
    RH_TRY(rh_sql_open(&q, s, err, "INSERT INTO epoch VALUES (?, ?, ?, ?, ?, ?)", ""));
    int status = RH_OK;
    for (int32_t i = 0; i < r->n_epochs && status >= 0; i++) {
        const struct rh_epoch_row *e = &r->epoch[i];
        status = rh_sql_bind(&q, err, "iirrri", run, (int64_t)e->epoch, e->loss, e->validation, e->seconds,
                             (int64_t)e->best);
        if (status >= 0)
            status = rh_sql_step(&q, err);
    }
    rh_sql_close(&q);
    return status;
}

static int write_metrics(struct rh_store *s, int64_t run, int64_t position, const struct rh_metric_row *metric,
                         int32_t n_metrics, int32_t n_queries, struct rh_error *err)
{
    for (int32_t i = 0; i < n_metrics; i++) {
        const struct rh_metric_row *m = &metric[i];
        RH_TRY(rh_sql_run(s, err, "INSERT INTO metric VALUES (?, ?, ?, ?, ?, ?, ?)", "iittiri", run, position + i,
                          m->id, m->definition, (int64_t)m->lower_is_better, m->value, (int64_t)m->defined));
        if (m->users && n_queries > 0)
            RH_TRY(rh_sql_run(s, err, "INSERT INTO metric_user (run, metric, value) VALUES (?, ?, ?)", "itd", run,
                              m->id, m->users, (size_t)n_queries));
    }
    return RH_OK;
}

static int add_metrics(struct rh_store *s, int64_t run, const struct rh_metric_row *metric, int32_t n_metrics,
                       int32_t n_queries, struct rh_error *err)
{
    int64_t position;
    for (int32_t i = 0; i < n_metrics; i++) {
        RH_TRY(rh_sql_run(s, err, "DELETE FROM metric WHERE run = ? AND id = ?", "it", run, metric[i].id));
        RH_TRY(rh_sql_run(s, err, "DELETE FROM metric_user WHERE run = ? AND metric = ?", "it", run, metric[i].id));
    }
    RH_TRY(rh_sql_number(s, &position, 0, err, "SELECT coalesce(max(position) + 1, 0) FROM metric WHERE run = ?", "i",
                         run));
    return write_metrics(s, run, position, metric, n_metrics, n_queries, err);
}

int rh_store_add_metrics(struct rh_store *s, int64_t run, const struct rh_metric_row *metric, int32_t n_metrics,
                         int32_t n_queries, struct rh_error *err)
{
    RH_TRY(rh_sql_begin(s, err));
    return rh_sql_end(s, add_metrics(s, run, metric, n_metrics, n_queries, err), err);
}

static int write_kept(struct rh_store *s, int64_t run, const struct rh_run_row *r, struct rh_error *err)
{
    const struct rh_run_test *t = &r->test;
    const struct rh_run_ranking *k = &r->ranking;
    if (t->above)
        RH_TRY(rh_sql_run(s, err, "INSERT INTO run_test (run, above, tied, predicted) VALUES (?, ?, ?, ?)", "iwww", run,
                          t->above, (size_t)t->n, t->tied, (size_t)t->n, t->predicted, (size_t)t->n));
    if (k->item)
        RH_TRY(rh_sql_run(s, err, "INSERT INTO ranking (run, depth, item, score) VALUES (?, ?, ?, ?)", "iiww", run,
                          (int64_t)k->depth, k->item, (size_t)k->n, k->score, (size_t)k->n));
    return RH_OK;
}

static int write_odd(struct rh_store *s, int64_t run, const struct rh_run_row *r, struct rh_error *err)
{
    for (int32_t i = 0; i < r->n_odd; i++)
        RH_TRY(rh_sql_run(s, err, "INSERT INTO run_odd VALUES (?, ?, ?, ?)", "iiti", run, (int64_t)i, r->odd[i].what,
                          r->odd[i].count));
    return RH_OK;
}

static int write_run(struct rh_store *s, int64_t experiment, int64_t problem, int32_t position,
                     const struct rh_run_row *r, struct rh_error *err)
{
    int64_t run;
    RH_TRY(write_run_row(s, problem, r, &run, err));
    RH_TRY(write_key_values(s, "INSERT INTO run_param VALUES (?, ?, ?, ?)", run, r->param, r->n_params, err));
    RH_TRY(write_epochs(s, run, r, err));
    if (r->status >= 0)
        RH_TRY(write_metrics(s, run, 0, r->metric, r->n_metrics, r->n_queries, err));
    if (r->status >= 0)
        RH_TRY(write_kept(s, run, r, err));
    if (r->status >= 0)
        RH_TRY(write_odd(s, run, r, err));
    if (r->status >= 0 && r->model.path)
        RH_TRY(rh_sql_run(s, err, "INSERT INTO model VALUES (?, ?, ?, ?)", "itti", run, r->model.path, r->model.hash,
                          r->model.bytes));
    RH_TRY(
        write_key_values(s, "INSERT INTO provenance VALUES (?, ?, ?, ?)", run, r->provenance, r->n_provenance, err));
    return link_run(s, experiment, position, run, r->label, r->twin, err);
}

int rh_store_put_run(struct rh_store *s, int64_t experiment, int64_t problem, int32_t position,
                     const struct rh_run_row *r, struct rh_error *err)
{
    RH_TRY(rh_sql_begin(s, err));
    return rh_sql_end(s, write_run(s, experiment, problem, position, r, err), err);
}

/* Imported runs stand behind all others, in the order of their coming. */
#define FIRST_IMPORT 1000000

static int write_import(struct rh_store *s, int64_t experiment, int64_t problem, const struct rh_run_row *r,
                        struct rh_error *err)
{
    static const char same[] = "FROM experiment_run WHERE experiment = ? AND label = ? AND run IN "
                               "(SELECT id FROM run WHERE problem = ? AND algorithm = ?)";
    int64_t position, next;
    char sql[256];
    RH_TRY(rh_sql_number(s, &next, 0, err, "SELECT max(max(position) + 1, ?) FROM experiment_run WHERE experiment = ?",
                         "ii", (int64_t)FIRST_IMPORT, experiment));
    snprintf(sql, sizeof sql, "SELECT position %s", same);
    RH_TRY(rh_sql_number(s, &position, next < FIRST_IMPORT ? FIRST_IMPORT : next, err, sql, "itit", experiment,
                         r->label, problem, RH_IMPORTED));
    snprintf(sql, sizeof sql, "DELETE %s", same);
    RH_TRY(rh_sql_run(s, err, sql, "itit", experiment, r->label, problem, RH_IMPORTED));
    return write_run(s, experiment, problem, (int32_t)position, r, err);
}

int rh_store_put_import(struct rh_store *s, int64_t experiment, int64_t problem, const struct rh_run_row *r,
                        struct rh_error *err)
{
    RH_TRY(rh_sql_begin(s, err));
    return rh_sql_end(s, write_import(s, experiment, problem, r, err), err);
}

static int find_and_link_run(struct rh_store *s, int64_t experiment, int32_t position, const char *identity,
                             const char *label, const char *twin, struct rh_error *err)
{
    int64_t run;
    RH_TRY(rh_sql_number(s, &run, 0, err, "SELECT id FROM run WHERE identity = ?", "t", identity));
    if (!run)
        return rh_fail(err, RH_EBUG, "store '%s' has no run %.12s to link to", rh_store_path(s), identity);
    return link_run(s, experiment, position, run, label, twin, err);
}

int rh_store_link_run(struct rh_store *s, int64_t experiment, int32_t position, const char *identity,
                      const char *label, const char *twin, struct rh_error *err)
{
    RH_TRY(rh_sql_begin(s, err));
    return rh_sql_end(s, find_and_link_run(s, experiment, position, identity, label, twin, err), err);
}
