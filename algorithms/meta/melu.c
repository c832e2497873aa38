/* melu: ratings of new users and films from contents, adapted to the few ratings that a user shows. Lee, Im, Jang, Cho,
 * Chung 2019, "MeLU: Meta-learned user preference estimator for cold-start recommendation", KDD.
 *
 * Every feature block of users and items is a field with vectors of width `factors` (algorithms/lib/fields.h). The
 * fields side by side go through dense layers, factors x fields -> hidden -> hidden -> 1 with ReLU between: the
 * decision layers. A user is a task: `asked` of their rows are the query set, the others, `shots` at most, the support.
 * The inner loop takes inner_steps steps of rate inner_rate on the squared error of the support and moves the decision
 * layers alone; the outer loop (Adam) moves all, the tables of the fields too, so that the squared error on the query
 * set falls (algorithms/lib/adapt.h has the equations).
 *
 * A query's history in the target is the support: adapt, then score every candidate with the adapted layers. Without
 * history the start predicts. With support = unseen only rows that did not train are adapted to, where there are such:
 * so a user whose other rows trained is asked about new items in MeLU.
 *
 * The paper's settings: rate 5e-5, inner_rate 5e-6, inner_steps 1, 20 epochs. Its code copies the adapted weights into
 * the network, where no gradient goes through; that is order = first. inner_steps = 0 is the twin without adaptation.
 *
 * Cost of a task of k support and q query rows, S = hidden x (factors fields + hidden) weights: (4 inner_steps k + 6 q)
 * S operations, and 8 inner_steps k S more for second order; of a query 4 inner_steps k S + 2 items S. */
#include "algorithms/lib/adapt.h"
#include "algorithms/lib/rater.h"

#include <rh/plugin.h>

enum order { SECOND_ORDER = 0, FIRST_ORDER = 1 };

struct params {
    RH_RATER_FIELDS;
    int64_t inner_steps;
    int order;
    double inner_rate;
};

static const struct rh_choice order_words[] = {
    { "second", SECOND_ORDER, "exact gradient through the inner steps" },
    { "first", FIRST_ORDER, "second derivatives left out" },
    { NULL, 0, NULL },
};
static const struct rh_param params_table[] = {
    RH_RATER_SIZES(struct params),
    RH_REAL(struct params, inner_rate, 0.01, 0, 100, "learning rate of the inner steps"),
    RH_INT(struct params, inner_steps, 1, 0, 100, "gradient steps on the support; 0: the twin without adaptation"),
    RH_ENUM(struct params, order, SECOND_ORDER, order_words, "order of the derivatives in the outer gradient"),
    RH_RATER_TASKS(struct params, 10, 90),
    RH_PARAMS_END,
};

struct state {
    struct rh_rater rater;
    struct rh_adapt adapt;
};

/* ------------------------------------------------------------------------------------------------------ a task */

static size_t work(const void *self, int32_t n)
{
    return rh_adapt_work(&((const struct state *)self)->adapt, n);
}

static int learn(struct rh_ctx *ctx, const void *self, const struct rh_rater_rows *task, struct rh_rater_back back,
                 rh_real *work, double *loss)
{
    (void)ctx;
    const struct state *s = self;
    size_t width = (size_t)s->rater.fields.width, middle = (size_t)task->n_support;
    struct rh_adapt_set support = { task->n_support, task->x, task->rating };
    struct rh_adapt_set query = { task->n - task->n_support, task->x + middle * width, task->rating + middle };
    *loss = rh_adapt_task(&s->adapt, s->rater.phi, &support, &query, back.dphi, back.dx, back.dx + middle * width,
                          work);
    return RH_OK;
}

/* ----------------------------------------------------------------------------------------------------- a query */

/* The room: adapted weights; then what adapting works in, or the tape of some candidates. */
static size_t room(const void *self, int32_t n, int32_t tile)
{
    const struct state *s = self;
    size_t adapting = rh_adapt_work(&s->adapt, n), tape = rh_mlp_tape(&s->adapt.mlp, tile);
    return (size_t)s->rater.size + (adapting > tape ? adapting : tape);
}

static int meet(struct rh_ctx *ctx, const void *self, const struct rh_rater_rows *support, rh_real *room)
{
    const struct state *s = self;
    struct rh_adapt_set set = { support->n, support->x, support->rating };
    rh_adapt_weights(&s->adapt, s->rater.phi, &set, room, room + s->rater.size);
    if (!rh_nn_finite(s->rater.size, room))
        return ctx->host->fail(ctx, RH_ENUMERIC, "melu diverged while it adapted to user %d; try an inner_rate "
                               "below %g", support->user, s->adapt.rate);
    return RH_OK;
}

static const rh_real *predict(const void *self, int32_t n, const rh_real *x, rh_real *room)
{
    const struct state *s = self;
    return rh_mlp_forward(&s->adapt.mlp, room, n, x, NULL, room + s->rater.size);
}

/* ------------------------------------------------------------------------------------------------------ set-up */

static void shape(void *self, const void *params)
{
    struct state *s = self;
    const struct params *p = params;
    int32_t H = (int32_t)p->hidden;
    s->adapt = (struct rh_adapt){ .mlp = { 3, { s->rater.fields.width, H, H, 1 }, RH_RELU, RH_LINEAR, false },
                                  .rate = p->inner_rate,
                                  .steps = (int32_t)p->inner_steps,
                                  .first_order = p->order == FIRST_ORDER };
    s->rater.size = rh_mlp_size(&s->adapt.mlp);
    s->rater.inner_rate = p->inner_rate;
}

static int start(struct rh_ctx *ctx, void *self)
{
    struct state *s = self;
    struct rh_rng r = ctx->host->stream(ctx, "layers", 0);
    rh_rater_init_layers(&s->adapt.mlp, &r, s->rater.phi);
    return RH_OK;
}

static const struct rh_rater_method method = { .who = "melu", .shape = shape, .start = start, .work = work,
                                               .learn = learn, .room = room, .meet = meet, .predict = predict };
RH_RATER_CALLBACKS(method)

static const struct rh_algorithm melu = {
    RH_RATER_DESCRIPTOR,
    .name = "melu",
    .summary = "ratings from the contents of user and item, by layers that are meta-learned to adapt to a few ratings",
    .reference = "Lee, Im, Jang, Cho, Chung 2019, MeLU: Meta-learned user preference estimator for cold-start "
                 "recommendation, KDD, doi:10.1145/3292500.3330859",
    .cost = "task of k support and q query rows O((inner_steps k + q) hidden (factors fields + hidden)), an outer step "
            "O(columns factors) more; query O((inner_steps k + I) hidden (factors fields + hidden)); memory 16 columns "
            "factors bytes and meta_batch (inner_steps + 3) times the layers",
    .advice = "For ratings of new users or new items of which contents are known. Tune rate and inner_rate first, then "
              "inner_steps; the paper's rates are 5e-5 and 5e-6. inner_steps = 0 is the twin without adaptation.",
    .revision = 1,
};
RH_ALGORITHM(melu)
