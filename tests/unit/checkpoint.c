/* run/checkpoint: a fit that was interrupted, at any epoch, goes on to the numbers of one that was not. */
#include "base/file.h"
#include "run/build.h"
#include "run/fit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define EPOCHS 6
#define PATH "checkpoints-of-a-test/x.checkpoint"

/* Every algorithm whose state allows it, with optimisers that remember; early stopping, so that a best epoch is kept.
 */
static const char text[] =
    "[experiment]\nname = x\n"
    "[dataset.synth]\nuse = synthetic\nusers = 40\nitems = 30\nrows = 500\n"
    "[problem]\ntarget = synth/movies\nsources = synth/books\nsplit = leave_one_out\norder = random\nvalidation = yes\n"
    "[evaluate]\nmetrics = auc\n"
    "[algorithm.ials]\nfactors = 8\n"
    "[algorithm.cg]\nuse = ials\nfactors = 8\nsolver = cg\n"
    "[algorithm.cmf]\nfactors = 8\n"
    "[algorithm.bpr]\nfactors = 8\n"
    "[algorithm.adam]\nuse = bpr\nfactors = 8\nstep = adam\nbatch = 64\n"
    "[algorithm.warp]\nfactors = 8\n"
    "[algorithm.logistic_mf]\nfactors = 8\n"
    "[algorithm.svdpp]\n"
    "[algorithm.svd]\n"
    "[algorithm.nmf_rating]\n"
    "[algorithm.fm]\n"
    "[algorithm.multvae]\nhidden = 8\nlatent = 4\n"
    "[algorithm.direct]\nfactors = 4\nhidden = 4\n"
    "[algorithm.pretrain]\nfactors = 4\nhidden = 4\n"
    "[algorithm.maml]\nfactors = 4\nhidden = 4\n"
    "[algorithm.meta_sgd]\nfactors = 4\nhidden = 4\n"
    "[algorithm.prototypical]\nfactors = 4\n"
    "[algorithm.mwuf]\nfactors = 4\nfactor_epochs = 2\nown_from = 10\n";

struct world {
    struct rh_arena arena;
    struct rh_registry registry;
    struct rh_data_env env;
    struct rh_loader loader;
    const struct rh_plan *plan;
    struct rh_plan changed; /* with the algorithm at hand in place */
    struct rh_plan_algorithm *algorithm;
    struct rh_problem *problem;
};

/* Between the host and the algorithm at hand stands one that counts epochs and interrupts. */
static struct {
    const struct rh_algorithm *real;
    struct rh_algorithm between;
    volatile sig_atomic_t cancel;
    int32_t epochs, stop; /* in the epoch with this number, counted since the last start; 0: never */
} at;

static int counted_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    if (++at.epochs == at.stop)
        at.cancel = 1;
    int status = at.real->epoch(ctx, state, epoch, loss);
    return at.cancel ? ctx->host->tick(ctx, 0, 1) : status;
}

static void make_world(struct world *w, int32_t patience)
{
    struct rh_error err = { 0 };
    char *copy;
    *w = (struct world){ .env = { .threads = 1 } };
    copy = rh_arena_strdup(&w->arena, text);
    struct rh_plan_input in = { .file = "x.ini", .text = copy, .cache = "none", .store = "none",
                                .installed = getenv("HARNESS_SOURCE") ? getenv("HARNESS_SOURCE") : "." };
    if (rh_registry_init(&w->registry, &w->arena, &err) < 0 ||
        rh_plan_read(&w->arena, &in, &w->registry, &w->env, &w->plan, &err) < 0)
        fail_msg("%s", err.text);
    w->loader = (struct rh_loader){ .env = &w->env };
    if (rh_loader_build(&w->loader, &w->plan->problem[0], &w->problem, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(w->problem->validation.n > 0);
    w->changed = *w->plan;
    w->algorithm = rh_arena_copy(&w->arena, w->plan->algorithm, (size_t)w->plan->n_algorithms, sizeof *w->algorithm);
    w->changed.algorithm = w->algorithm;
    for (int32_t i = 0; i < w->plan->n_algorithms; i++) {
        w->algorithm[i].epochs = EPOCHS;
        w->algorithm[i].patience = patience;
        w->algorithm[i].validate_every = 1;
    }
}

static void free_world(struct world *w)
{
    rh_problem_free(w->problem);
    rh_loader_release(&w->loader);
    rh_arena_release(&w->arena);
}

static void take(struct world *w, int32_t algorithm)
{
    at.real = w->plan->algorithm[algorithm].algorithm;
    at.between = *at.real;
    at.between.epoch = counted_epoch;
    w->algorithm[algorithm].algorithm = &at.between;
}

struct outcome {
    struct rh_curve curve;
    float *score; /* [users x items] of the test queries */
    size_t n;
};

/* Fits until the epoch `stop` of this sitting, or to the end; scores then. */
static int sit(struct world *w, struct rh_arena *a, int32_t algorithm, int32_t stop, bool kept, struct outcome *out)
{
    static const struct rh_checkpoint checkpoint = { PATH, 0 };
    struct rh_error err = { 0 };
    struct rh_instance *in = NULL;
    struct rh_fit_task t = { .plan = &w->changed, .algorithm = algorithm, .problem = w->problem, .identity = "fit",
                             .threads = 1, .cancel = &at.cancel, .checkpoint = kept ? &checkpoint : NULL };
    at.cancel = 0;
    at.epochs = 0;
    at.stop = stop;
    assert_int_equal(rh_fit_new(&t, &in, &err), RH_OK);
    int status = rh_fit(a, &t, in, &out->curve, &err);
    at.cancel = 0;
    if (status >= 0) {
        const struct rh_queries *q = &w->problem->test;
        size_t items = (size_t)w->problem->train.domain[0].n_items;
        out->n = (size_t)q->n * items;
        out->score = rh_alloc(a, out->n, sizeof *out->score);
        status = rh_instance_score(in, 0, q->query, q->n, out->score, items, &err);
    }
    if (status < 0 && status != RH_ECANCEL)
        fail_msg("%s: %s", w->algorithm[algorithm].label, err.text);
    rh_instance_free(in);
    return status;
}

static void assert_same_curve(const struct rh_curve *x, const struct rh_curve *y)
{
    assert_int_equal(x->n, y->n);
    for (int32_t e = 0; e < x->n; e++) {
        assert_int_equal(x->epoch[e].epoch, y->epoch[e].epoch);
        assert_memory_equal(&x->epoch[e].loss, &y->epoch[e].loss, sizeof(double));
        assert_memory_equal(&x->epoch[e].validation, &y->epoch[e].validation, sizeof(double));
        assert_int_equal(x->epoch[e].best, y->epoch[e].best);
    }
}

/* Interrupted once in each epoch, and in one run again and again. */
static void check_interruptions(int32_t patience)
{
    struct world w;
    make_world(&w, patience);
    for (int32_t g = 0; g < w.plan->n_algorithms; g++) {
        struct rh_arena a = { 0 };
        struct outcome whole = { 0 }, resumed = { 0 };
        print_message("# %s\n", w.plan->algorithm[g].label);
        take(&w, g);
        assert_int_equal(sit(&w, &a, g, 0, false, &whole), RH_OK);
        int32_t n = whole.curve.n;
        for (int32_t stop = 1; stop <= n; stop++) {
            rh_checkpoint_remove(PATH);
            assert_int_equal(sit(&w, &a, g, stop, true, &resumed), RH_ECANCEL);
            assert_int_equal(rh_file_exists(PATH), stop > 1);
            assert_int_equal(sit(&w, &a, g, 0, true, &resumed), RH_OK);
            assert_int_equal(at.epochs, n - (stop - 1)); /* those before are not done again */
            assert_same_curve(&whole.curve, &resumed.curve);
            assert_memory_equal(whole.score, resumed.score, whole.n * sizeof *whole.score);
        }
        rh_checkpoint_remove(PATH);
        for (int32_t sitting = 1; sitting < n; sitting++)
            assert_int_equal(sit(&w, &a, g, 2, true, &resumed), RH_ECANCEL);
        assert_int_equal(sit(&w, &a, g, 0, true, &resumed), RH_OK);
        assert_same_curve(&whole.curve, &resumed.curve);
        assert_memory_equal(whole.score, resumed.score, whole.n * sizeof *whole.score);
        rh_arena_release(&a);
    }
    rh_checkpoint_remove(PATH);
    assert_false(rh_file_exists("checkpoints-of-a-test"));
    free_world(&w);
}

static void interrupted_fits_end_with_the_same_numbers(void **state)
{
    (void)state;
    check_interruptions(0);
}

static void so_do_those_that_keep_their_best_epoch(void **state)
{
    (void)state;
    check_interruptions(2);
}

/* Anything but the checkpoint of this very fit is passed over, and the fit starts over. */
static void other_checkpoints_are_not_gone_on_from(void **state)
{
    (void)state;
    struct world w;
    struct rh_arena a = { 0 };
    struct outcome whole = { 0 }, resumed = { 0 };
    struct rh_error err = { 0 };
    char *bytes;
    size_t n;
    make_world(&w, 0);
    take(&w, 0);
    assert_int_equal(sit(&w, &a, 0, 0, false, &whole), RH_OK);
    assert_int_equal(sit(&w, &a, 0, 3, true, &resumed), RH_ECANCEL);
    assert_int_equal(rh_read_file(&a, PATH, &bytes, &n, &err), RH_OK);
    for (size_t k = 0; k < n; k += n / 13) {
        bytes[k] ^= 4;
        assert_int_equal(rh_write_file(PATH, bytes, n, &err), RH_OK);
        bytes[k] ^= 4;
        assert_int_equal(sit(&w, &a, 0, 0, true, &resumed), RH_OK);
        assert_int_equal(at.epochs, EPOCHS);
        assert_same_curve(&whole.curve, &resumed.curve);
    }
    at.between.revision++; /* another revision of the algorithm */
    assert_int_equal(rh_write_file(PATH, bytes, n, &err), RH_OK);
    assert_int_equal(sit(&w, &a, 0, 0, true, &resumed), RH_OK);
    assert_int_equal(at.epochs, EPOCHS);
    at.between.revision--;
    assert_int_equal(rh_write_file(PATH, bytes, n, &err), RH_OK);
    assert_int_equal(sit(&w, &a, 0, 0, true, &resumed), RH_OK);
    assert_int_equal(at.epochs, EPOCHS - 2);
    rh_checkpoint_remove(PATH);
    rh_arena_release(&a);
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interrupted_fits_end_with_the_same_numbers),
        cmocka_unit_test(so_do_those_that_keep_their_best_epoch),
        cmocka_unit_test(other_checkpoints_are_not_gone_on_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
