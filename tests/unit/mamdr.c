/* mamdr: an epoch of it is what its rules say, made here from passes of the network; looks cut short; what is refused.
 * The rules themselves are in negotiate.c, gradients in gradients.c. */
#include "../../algorithms/transfer/mamdr.c"
#include "testhost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct test_world_spec spec = { .n_users = 40, .n_warm = 30, .n_items = 30, .n_domains = 3, .n_tastes = 3,
                                             .rows = 10, .support = 3, .noise = 0.3, .seed = 5 };

static void fit_to(struct test_host *h, const char *settings, const struct rh_train *train, int32_t epochs,
                   struct test_model *m)
{
    if (test_fit(h, &mamdr, settings, train, epochs, m) < 0)
        fail_msg("%s", h->error.text);
}

static void assert_near(const rh_real *x, const rh_real *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!(fabs((double)x[i] - (double)y[i]) <= 1e-6 * (1 + fabs((double)y[i]))))
            fail_msg("weight %lld is %.9g, not %.9g", (long long)i, (double)x[i], (double)y[i]);
}

/* The weights of a network as one vector, and back. */
static int64_t size_of(const struct rh_network *net)
{
    return rh_net_size(&net->net) + ((int64_t)net->tower.n_columns + net->tower.n_items) * net->tower.E;
}
static void copy(struct rh_network *net, rh_real *x, bool back)
{
    rh_real *part[] = { net->phi, net->tower.table, net->tower.own };
    int64_t n[] = { rh_net_size(&net->net), (int64_t)net->tower.n_columns * net->tower.E,
                    (int64_t)net->tower.n_items * net->tower.E };
    for (int k = 0; k < 3; x += n[k], k++)
        memcpy(back ? part[k] : x, back ? x : part[k], (size_t)n[k] * sizeof *x);
}

/* Two models with the same settings, the one after an epoch, the other before it. */
struct two {
    struct test_host h;
    struct test_world w;
    struct test_model done, by_hand;
    struct rh_network *net; /* of by_hand */
    int64_t n;              /* weights */
};

static void make_two(struct two *t, const char *settings)
{
    test_host_init(&t->h, 2, 7);
    test_world(&t->h, &spec, &t->w);
    fit_to(&t->h, settings, &t->w.train, 1, &t->done);
    fit_to(&t->h, settings, &t->w.train, 0, &t->by_hand);
    t->net = &((struct state *)t->by_hand.state)->net;
    t->n = size_of(t->net);
}

static void end_two(struct two *t)
{
    test_model_release(&t->done);
    test_model_release(&t->by_hand);
    test_host_release(&t->h);
}

/* From the same start: a pass over each domain in the order of the stream, half the way; then from there a pass over
 * each helper and over the target, a quarter of the way. */
static void an_epoch_is_what_the_rules_say(void **state)
{
    (void)state;
    struct two t;
    make_two(&t, "factors = 4; hidden = 3; shared_rate = 0.5; specific_rate = 0.25; helpers = 2");
    struct rh_ctx *ctx = &t.h.ctx;
    struct rh_network *net = t.net;
    int64_t n = t.n;
    rh_real *shared = rh_alloc(&t.h.own, (size_t)n, sizeof *shared), *at = rh_alloc(&t.h.own, (size_t)n, sizeof *at);
    rh_real *specific = rh_alloc(&t.h.own, (size_t)n, sizeof *specific);
    int32_t order[] = { 0, 1, 2 }, helper[] = { 1, 2 };
    const bool all[] = { true, true, true };
    double loss;
    uint64_t pass = 9; /* epoch 1 of three domains */
    struct rh_rng r = ctx->host->stream(ctx, "domains", 1);
    rh_rng_shuffle(&r, order, 3);
    r = ctx->host->stream(ctx, "helpers", 1);
    rh_rng_shuffle(&r, helper, 2);
    copy(net, shared, false);
    for (int k = 0; k < 3; k++) {
        const bool one[] = { order[k] == 0, order[k] == 1, order[k] == 2 };
        assert_int_equal(rh_network_pass(ctx, net, pass++, one, all, RH_PART_ALL, 1, &loss), RH_OK);
    }
    copy(net, at, false);
    for (int64_t i = 0; i < n; i++)
        shared[i] += 0.5f * (at[i] - shared[i]);
    for (int k = 0; k < 2; k++) {
        for (int64_t i = 0; i < n; i++)
            at[i] = shared[i] + specific[i];
        copy(net, at, true);
        const bool one[] = { false, helper[k] == 1, helper[k] == 2 }, target[] = { true, false, false };
        assert_int_equal(rh_network_pass(ctx, net, pass++, one, all, RH_PART_ALL, 1, &loss), RH_OK);
        assert_int_equal(rh_network_pass(ctx, net, pass++, target, all, RH_PART_ALL, 1, &loss), RH_OK);
        copy(net, at, false);
        for (int64_t i = 0; i < n; i++)
            specific[i] += 0.25f * (at[i] - (shared[i] + specific[i]));
    }
    copy(&((struct state *)t.done.state)->net, at, false);
    for (int64_t i = 0; i < n; i++)
        shared[i] += specific[i];
    assert_near(at, shared, n);
    end_two(&t);
}

/* Without both rules: one pass over all domains mixed. */
static void the_twin_is_trained_jointly(void **state)
{
    (void)state;
    struct two t;
    make_two(&t, "factors = 4; hidden = 3; negotiation = no; regularisation = no");
    const bool all[] = { true, true, true };
    double loss;
    assert_int_equal(rh_network_pass(&t.h.ctx, t.net, 9, all, all, RH_PART_ALL, 1, &loss), RH_OK);
    rh_real *x = rh_alloc(&t.h.own, (size_t)t.n, sizeof *x), *y = rh_alloc(&t.h.own, (size_t)t.n, sizeof *y);
    copy(t.net, x, false);
    copy(&((struct state *)t.done.state)->net, y, false);
    assert_near(y, x, t.n);
    assert_true(fabs(loss - t.done.loss) < 1e-12);
    end_two(&t);
}

/* Thirty target users with ten rows are thirty groups: four minibatches of eight. */
static void a_look_may_be_cut_short(void **state)
{
    (void)state;
    static const struct {
        int64_t most, steps;
    } cases[] = { { 1, 1 }, { 3, 3 }, { 4, 4 }, { 5, 4 }, { INT64_MAX, 4 } };
    struct test_host h;
    struct test_world w;
    struct test_model m;
    test_host_init(&h, 1, 7);
    test_world(&h, &spec, &w);
    fit_to(&h, "factors = 4; hidden = 3; batch = 8", &w.train, 0, &m);
    struct rh_network *net = &((struct state *)m.state)->net;
    const bool all[] = { true, true, true }, target[] = { true, false, false };
    assert_int_equal(net->first_group[1] - net->first_group[0], 30);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        int64_t before = net->optimizer.step;
        double loss;
        assert_int_equal(rh_network_steps(&h.ctx, net, 100 + k, target, all, RH_PART_ALL, 1, cases[k].most, &loss),
                         RH_OK);
        assert_int_equal(net->optimizer.step - before, cases[k].steps);
    }
    test_model_release(&m);
    test_host_release(&h);
}

static void empty_sources_are_refused(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world w;
    struct test_model m;
    test_host_init(&h, 1, 7);
    test_world(&h, &spec, &w);
    struct rh_domain domain[] = { w.train.domain[0], w.train.domain[1], w.train.domain[2] };
    domain[1].row = domain[2].row = rh_alloc(&h.own, (size_t)spec.n_users + 1, sizeof(int64_t));
    struct rh_train train = w.train;
    train.domain = domain;
    assert_int_equal(test_fit(&h, &mamdr, NULL, &train, 1, &m), RH_EDATA);
    assert_non_null(strstr(h.error.text, "mamdr needs interactions in a source domain, but there are none"));
    test_model_release(&m);
    test_host_release(&h);
    test_host_init(&h, 1, 7); /* one that is empty is passed over */
    test_world(&h, &spec, &w);
    domain[0] = w.train.domain[0];
    domain[1] = w.train.domain[1];
    domain[2] = w.train.domain[2];
    domain[2].row = rh_alloc(&h.own, (size_t)spec.n_users + 1, sizeof(int64_t));
    train = w.train;
    train.domain = domain;
    fit_to(&h, "helpers = 9", &train, 2, &m);
    test_model_release(&m);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_is_what_the_rules_say),
        cmocka_unit_test(the_twin_is_trained_jointly),
        cmocka_unit_test(a_look_may_be_cut_short),
        cmocka_unit_test(empty_sources_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
