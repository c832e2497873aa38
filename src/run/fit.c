#include "run/fit.h"

#include "base/text.h"
#include "eval/world.h"
#include "run/measure.h"
#include "run/memory.h"
#include "run/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool any_features(const struct rh_features *f, int32_t n)
{
    for (int32_t b = 0; b < n; b++)
        if ((f[b].row && f[b].row[f[b].n_rows] > 0) || f[b].dense)
            return true;
    return false;
}

/* Do all train rows of the domain have one rating? */
static bool one_rating(const struct rh_domain *d, int32_t n_users)
{
    for (int64_t j = 1; j < d->row[n_users]; j++)
        if (d->value[j] != d->value[0])
            return false;
    return d->row[n_users] > 0;
}

int rh_fit_check(const struct rh_algorithm *alg, const struct rh_problem *p, struct rh_error *err)
{
    const struct rh_domain *target = &p->train.domain[p->train.target];
    const char *missing = NULL, *hint = "";
    if (alg->flags & RH_A_NEEDS_VALUES && !target->value)
        missing = "ratings", hint = "name the column rating = of its description, without implicit = yes";
    else if (alg->flags & RH_A_NEEDS_TIME && !target->time)
        missing = "timestamps", hint = "name the column time = of its description";
    else if (alg->flags & RH_A_NEEDS_ITEM_FEATURES && !any_features(target->item_features, p->train.n_item_blocks))
        missing = "item features", hint = "name blocks of features in [items] of its description";
    else if (alg->flags & RH_A_NEEDS_USER_FEATURES && !any_features(p->train.user_features, p->train.n_user_blocks))
        missing = "user features", hint = "name blocks of features in [users] of its description";
    if (missing)
        return rh_fail(err, RH_EUNSUP, "%s needs %s, and target '%s' has none; %s", alg->name, missing, target->name,
                       hint);
    if (alg->flags & RH_A_NEEDS_VALUES && one_rating(target, p->train.n_users))
        return rh_fail(err, RH_EDATA,
                       "%s learns from ratings that differ, and all %lld train rows of target '%s' are rated %g; is it "
                       "filtered by rating_min?", alg->name, (long long)target->row[p->train.n_users], target->name,
                       (double)target->value[0]);
    if (!(alg->flags & RH_A_COLD_USERS) && p->n_cold_users)
        return rh_fail(err, RH_EUNSUP,
                       "%s cannot score users that were not in training, and %d of %d test users were not; name its "
                       "problems with problems =", alg->name,
                       p->n_cold_users, p->test.n);
    return RH_OK;
}

static int score(void *arg, int thread, const struct rh_query *query, int32_t n, float *out, size_t stride,
                 struct rh_error *err)
{
    return rh_instance_score(arg, thread, query, n, out, stride, err);
}

static struct rh_scorer scorer_of(const struct rh_fit_task *t, struct rh_instance *in)
{
    const struct rh_domain *target = &t->problem->train.domain[t->problem->train.target];
    bool rates = t->plan->algorithm[t->algorithm].algorithm->flags & RH_A_RATES && target->value;
    return (struct rh_scorer){ .score = score, .arg = in, .rates = rates };
}

static struct rh_eval_options options_of(const struct rh_fit_task *t, const struct rh_metric_world *world)
{
    struct rh_eval_options o = rh_measure_options(t->plan, t->problem, world);
    o.threads = t->threads;
    o.cancel = t->cancel;
    return o;
}

/* ----------------------------------------------------------------------------------------------------- epochs */

/* Training in epochs: where it stands. */
struct training {
    struct rh_arena *a;
    const struct rh_fit_task *task;
    const struct rh_plan_algorithm *algorithm;
    struct rh_instance *instance;
    struct rh_eval_options eval; /* of the validation queries */
    struct rh_scorer scorer;
    struct rh_curve *curve;
    struct rh_model_key key;    /* of checkpoints */
    struct rh_meaning meaning;  /* of the key */
    struct rh_standing at;
    bool watched;               /* the validation decides when it ends */
    bool unkept;                /* said that there are no checkpoints */
    double started, checkpoint; /* when this sitting began, and when the last checkpoint was written */
};

static int validate(struct training *x, double *value, struct rh_error *err)
{
    const struct rh_problem *p = x->task->problem;
    struct rh_arena_mark mark = rh_arena_mark(x->a);
    struct rh_evaluation e;
    int status = rh_evaluate(x->a, &p->validation, p->train.domain[p->train.target].n_items, &x->task->plan->validate,
                             1, &x->scorer, &x->eval, &e, err);
    *value = status < 0 ? (double)NAN : e.mean[0];
    rh_arena_rewind(x->a, mark);
    return status;
}

/* After an epoch whose value is known: is it the best so far, and is it time to stop? RH_DONE: it is. */
static int watch(struct training *x, const struct rh_epoch_row *row, struct rh_error *err)
{
    bool lower = x->task->plan->validate.metric->flags & RH_M_LOWER_IS_BETTER;
    rh_log(x->task->log, RH_LOG_DETAIL, x->algorithm->label, "epoch %d: loss %.6g, %s %.5f", row->epoch, row->loss,
           x->task->plan->validate.id, row->validation);
    if (x->at.best < 0 || (lower ? row->validation < x->at.best_value : row->validation > x->at.best_value)) {
        x->at.best = x->curve->n - 1;
        x->at.best_value = row->validation;
        x->at.since = 0;
        return rh_instance_keep(x->instance, err);
    }
    return ++x->at.since >= x->algorithm->patience ? RH_DONE : RH_OK;
}

/* RH_DONE: it was the last. */
static int train_epoch(struct training *x, int32_t e, struct rh_error *err)
{
    const struct rh_plan_algorithm *g = x->algorithm;
    struct rh_epoch_row *row = &x->curve->epoch[x->curve->n];
    double started = rh_now();
    int status = rh_instance_epoch(x->instance, e, &row->loss, err);
    if (status < 0)
        return rh_error_context(err, "epoch %d", e);
    *row = (struct rh_epoch_row){
        .epoch = e, .loss = row->loss, .validation = (double)NAN, .seconds = rh_now() - started
    };
    x->curve->n++;
    if (x->watched && (e % g->validate_every == 0 || e == g->epochs || status == RH_DONE)) {
        RH_TRY(validate(x, &row->validation, err));
        int watched = watch(x, row, err);
        if (watched != RH_OK)
            return watched;
    }
    return status;
}

/* A checkpoint that cannot be written costs no more than itself. */
static void write_checkpoint(struct training *x)
{
    const struct rh_checkpoint *c = x->task->checkpoint;
    struct rh_error why = { 0 };
    double now = rh_now();
    if (!c || x->unkept || now - x->checkpoint < c->every)
        return;
    x->at.seconds = x->curve->earlier + now - x->started;
    if (!(x->algorithm->algorithm->flags & RH_A_RESUMES)) {
        rh_log(x->task->log, RH_LOG_INFO, x->algorithm->label, "has no checkpoints: interrupted, its fit starts over");
        x->unkept = true;
    } else if (rh_checkpoint_write(x->instance, x->algorithm->algorithm, &x->key, &x->at, x->curve, c->path,
                                   &why) < 0) {
        rh_log(x->task->log, RH_LOG_WARNING, x->algorithm->label, "no checkpoint: %s", why.text);
        x->unkept = true;
    }
    x->checkpoint = rh_now();
}

static int train_epochs(struct training *x, struct rh_error *err)
{
    const struct rh_plan_algorithm *g = x->algorithm;
    if (g->patience > 0 && !x->watched)
        rh_log(x->task->log, RH_LOG_WARNING, g->label,
               "patience = %d without validation queries: all %d epochs are run", g->patience, g->epochs);
    int status = RH_OK;
    for (int32_t e = x->curve->n + 1; e <= g->epochs && status == RH_OK; e++) {
        status = train_epoch(x, e, err);
        if (status == RH_OK && e < g->epochs)
            write_checkpoint(x);
    }
    if (status < 0)
        return status;
    if (x->at.best >= 0) {
        rh_instance_restore(x->instance);
        x->curve->epoch[x->at.best].best = true;
    }
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------------- a fit */

static size_t memory_limit(const struct rh_plan *plan)
{
    if (plan->memory)
        return (size_t)plan->memory << 20;
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (size_t)pages * (size_t)size : 0;
}

int rh_fit_new(const struct rh_fit_task *t, struct rh_instance **out, struct rh_error *err)
{
    const struct rh_plan_algorithm *g = &t->plan->algorithm[t->algorithm];
    struct rh_instance_options options = {
        .seed = t->plan->seed,
        .identity = t->identity,
        .threads = t->threads,
        .memory_limit = memory_limit(t->plan),
        .log = t->log,
        .cancel = t->cancel,
    };
    return rh_instance_new(g->algorithm, g->params, &t->problem->train, &options, out, err);
}

/* Fits from where the checkpoint stands, the model to start from, or nothing. */
static int begin(struct training *x, struct rh_error *err)
{
    const struct rh_fit_task *t = x->task;
    const struct rh_plan_algorithm *g = x->algorithm;
    struct rh_error why = { 0 };
    int status = RH_DONE;
    if (t->checkpoint && g->algorithm->flags & RH_A_RESUMES)
        status = rh_checkpoint_read(x->instance, g->algorithm, &x->key, t->checkpoint->path, g->epochs, &x->at,
                                    x->curve, &why, err);
    if (why.status < 0)
        rh_log(t->log, RH_LOG_WARNING, g->label, "the fit starts over: its checkpoint '%s': %s", t->checkpoint->path,
               why.text);
    if (status == RH_OK) {
        x->curve->earlier = x->at.seconds;
        rh_log(t->log, RH_LOG_INFO, g->label, "goes on behind epoch %d, where it was interrupted", x->curve->n);
    }
    if (status != RH_DONE)
        return status;
    x->at = (struct rh_standing){ .best = -1 };
    return g->init_from ? rh_model_start(x->instance, g->algorithm, &x->key, g->init_from, g->init_hash, err)
                        : rh_instance_fit(x->instance, err);
}

static int fit(struct rh_arena *a, const struct rh_fit_task *t, const struct rh_metric_world *world,
               struct rh_instance *in, struct rh_curve *curve, struct rh_error *err)
{
    const struct rh_plan_algorithm *g = &t->plan->algorithm[t->algorithm];
    *curve = (struct rh_curve){ 0 };
    struct training x = {
        .a = a,
        .task = t,
        .algorithm = g,
        .instance = in,
        .eval = options_of(t, world), /* without a log: the progress line is the fit's */
        .scorer = scorer_of(t, in),
        .curve = curve,
        .watched = g->patience > 0 && t->problem->validation.n > 0,
        .started = rh_now(),
    };
    x.checkpoint = x.started;
    if (g->algorithm->flags & RH_A_RESUMES) {
        RH_TRY(rh_meaning_of(t->problem, &x.meaning, err));
        x.key = rh_model_key_of(t->identity, t->problem, &x.meaning);
    }
    curve->epoch = rh_alloc(a, (size_t)g->epochs, sizeof *curve->epoch);
    if (!curve->epoch)
        return rh_fail_memory(err, "the learning curve", (size_t)g->epochs * sizeof *curve->epoch);
    rh_instance_expect(in, g->epochs);
    int status = begin(&x, err);
    return status == RH_OK && g->algorithm->epoch ? train_epochs(&x, err) : status;
}

int rh_fit(struct rh_arena *a, const struct rh_fit_task *t, struct rh_instance *in, struct rh_curve *curve,
           struct rh_error *err)
{
    struct rh_metric_world world;
    RH_TRY(rh_metric_world_make(a, t->problem, &world, err));
    RH_TRY(rh_metrics_check(&world, &t->plan->validate, 1, err));
    return fit(a, t, &world, in, curve, err);
}

/* The run's values hold whether its model is saved or not. */
static void save_model(struct rh_arena *a, const struct rh_fit_task *t, struct rh_instance *in,
                      struct rh_fit_result *out)
{
    struct rh_meaning meaning;
    if (rh_meaning_of(t->problem, &meaning, &out->unsaved) < 0)
        return;
    struct rh_model_key key = rh_model_key_of(t->identity, t->problem, &meaning);
    if (rh_model_save(in, &key, t->model, a, &out->model, &out->unsaved) >= 0)
        out->model.path = t->model;
}

static int evaluate(struct rh_arena *a, const struct rh_fit_task *t, const struct rh_metric_world *world,
                    const struct rh_correction *correction, struct rh_instance *in, struct rh_fit_result *out,
                    struct rh_error *err)
{
    struct rh_scorer scorer = scorer_of(t, in);
    double started = rh_now();
    RH_TRY(rh_keeper_make(a, &t->problem->test, (int32_t)t->plan->keep_rankings, &out->kept, err));
    struct rh_eval_options eval = options_of(t, world);
    eval.log = t->log;
    eval.sink = &out->kept.sink;
    int status = rh_measure(a, t->plan, t->problem, correction, &scorer, &eval, &out->test, &out->metric,
                            &out->n_metrics, err);
    out->score_seconds = rh_now() - started;
    if (status >= 0 && !(out->odd = rh_measure_odd(a, &t->plan->policy, &out->test, &out->n_odd)))
        return rh_fail_memory(err, "the counts of a run", 64);
    return status;
}

static int fit_and_evaluate(struct rh_arena *a, const struct rh_fit_task *t, const struct rh_metric_world *world,
                            const struct rh_correction *correction, struct rh_instance *in, struct rh_fit_result *out,
                            struct rh_error *err)
{
    double started = rh_now();
    RH_TRY(fit(a, t, world, in, &out->curve, err));
    out->fit_seconds = out->curve.earlier + rh_now() - started;
    out->state_bytes = rh_instance_bytes(in);
    int status = evaluate(a, t, world, correction, in, out, err);
    out->peak_bytes = rh_peak_memory();
    if (status >= 0 && t->model)
        save_model(a, t, in, out);
    return status;
}

/* What diverged and does not say why has learned too fast, more often than not: the sentence names the rates. */
static int name_rates(const struct rh_plan_algorithm *g, struct rh_error *err)
{
    struct rh_text t = { 0 };
    int n = 0;
    if (err->status != RH_ENUMERIC || strstr(err->text, "rate"))
        return err->status;
    rh_text_add(&t, err->text);
    for (int32_t i = 0; i < g->n_params; i++) {
        const char *key = g->param[i].key;
        size_t length = strlen(key);
        if (!strcmp(key, "rate") || (length > 5 && !strcmp(key + length - 5, "_rate")))
            rh_text_printf(&t, "%s %s = %s", n++ ? " or" : "; lower", key, g->param[i].value);
    }
    if (n && !t.failed)
        snprintf(err->text, sizeof err->text, "%s", t.s);
    rh_text_release(&t);
    return err->status;
}

int rh_fit_and_evaluate(struct rh_arena *a, const struct rh_fit_task *t, const struct rh_correction *correction,
                        struct rh_fit_result *out, struct rh_error *err)
{
    struct rh_instance *in = NULL;
    struct rh_metric_world world;
    *out = (struct rh_fit_result){ 0 };
    RH_TRY(rh_fit_check(t->plan->algorithm[t->algorithm].algorithm, t->problem, err));
    RH_TRY(rh_metric_world_make(a, t->problem, &world, err));
    RH_TRY(rh_metrics_check(&world, t->plan->metric, t->plan->n_metrics, err)); /* before hours of work */
    RH_TRY(rh_metrics_check(&world, &t->plan->validate, 1, err));
    RH_TRY(rh_fit_new(t, &in, err));
    int status = fit_and_evaluate(a, t, &world, correction, in, out, err);
    rh_instance_free(in);
    return status < 0 ? name_rates(&t->plan->algorithm[t->algorithm], err) : status;
}
