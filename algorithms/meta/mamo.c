/* mamo: ratings of new users from contents, by a network whose start is read for each user from memories, and adapted
 * to the few ratings that the user shows. Dong, Yuan, Yao, Xu, Zhu 2020, "MAMO: Memory-augmented meta-optimization for
 * cold-start recommendation", KDD.
 *
 * algorithms/lib/memories.h has the network, the memories and the equations, algorithms/lib/rater.h the tasks and
 * queries, which are those of melu. A query's user attends to the profile memory by contents alone, starts where its
 * slots say, and takes inner_steps steps on its history; without history the start predicts.
 *
 * What the paper leaves open or does otherwise, and is done here:
 *   - the users of an outer step read the memories as they were before it, and write into them one after another when
 *     all have learned, so that they can learn at the same time. meta_batch = 1 is the paper's order;
 *   - writes are attended, which keeps a slot an average; write = printed is the published rule, by which slots fade
 *     (memories.h);
 *   - the attention is a softmax of cosines; the published program puts a layer of random weights, which nothing
 *     trains, between the two;
 *   - what is predicted is the rating, with squared error, where the program has classes of ratings with cross-entropy;
 *   - tables of the fields learn in the outer loop, as in melu, by the query sets; the outer loop is Adam, and plain
 *     descent, which is published, with optimizer = sgd;
 *   - a task shows a random number of its rows, up to `shots`, as queries do; vary = no: a fixed one, as published;
 *   - gradient memories begin at zero, profiles normal, preferences as layers do.
 *
 * slots = 0 is the twin without memories: one start for all, M a layer as others. inner_steps = 0 does not adapt.
 *
 * What the inner steps do to M is written into the memories and read by the next users, so steps that are too long push
 * M in one direction for ever. On generated data inner_rate = 0.01 errs by two stars for users without history, and the
 * 0.001 of the defaults by as little as the twin.
 *
 * Cost of a task of k support and q query rows, S numbers in the network: (inner_steps k + q) 6 S operations; a query
 * (6 inner_steps k + 2 items) S. Memory: slots (user layers + 4 factors^2) numbers, and meta_batch 3 S. */
#include "algorithms/lib/memories.h"
#include "algorithms/lib/rater.h"

#include <rh/plugin.h>
#include <string.h>

struct params {
    RH_RATER_FIELDS;
    int64_t inner_steps, slots;
    double inner_rate, tau, alpha, beta, gamma;
    int write;
};
enum write { WRITE_ATTENDED, WRITE_PRINTED };

static const struct rh_choice write_words[] = {
    { "attended", WRITE_ATTENDED, "a slot forgets as much as it learns" },
    { "printed", WRITE_PRINTED, "as in the paper, where slots fade" },
    { NULL, 0, NULL },
};
static const struct rh_param params_table[] = {
    RH_RATER_SIZES(struct params),
    RH_RATER_OPTIMIZER(struct params),
    RH_REAL(struct params, inner_rate, 1e-3, 0, 100, "learning rate of the inner steps (rho)"),
    RH_INT(struct params, inner_steps, 3, 0, 100, "gradient steps on the support; 0: without adaptation"),
    RH_INT(struct params, slots, 3, 0, 256, "slots of the memories; 0: the twin without them"),
    RH_REAL(struct params, tau, 0.01, 0, 100, "share of the gradient memory in the start of a user"),
    RH_REAL(struct params, alpha, 0.5, 0, 1, "share of a user in a write of the profile memory"),
    RH_REAL(struct params, beta, 0.05, 0, 1, "share of a user in a write of the gradient memory"),
    RH_REAL(struct params, gamma, 0.1, 0, 1, "share of a user in a write of the preference memory"),
    RH_ENUM(struct params, write, WRITE_ATTENDED, write_words, "rule of writing"),
    RH_RATER_TASKS(struct params, 5, 15),
    RH_RATER_VARY(struct params),
    RH_PARAMS_END,
};

struct state {
    struct rh_rater rater;
    struct rh_memories memories;
};

static const rh_real nobody = 1; /* the profile where users have no contents */

static struct rh_memories_set set_of(const struct state *s, const struct rh_rater_rows *rows, int32_t from, int32_t to)
{
    const struct rh_fields *f = &s->rater.fields;
    return (struct rh_memories_set){ .n = to - from, .width = f->width,
                                     .profile = f->width > f->item_width ? rows->profile : &nobody,
                                     .x = rows->x + (size_t)from * (size_t)f->width, .rating = rows->rating + from };
}

/* ------------------------------------------------------------------------------------------------------ a task */

/* What is kept of a task until it is written, and what learning works in. */
struct kept {
    rh_real *a;        /* [slots] */
    rh_real *theta;    /* adapted */
    rh_real *gradient; /* by theta, of the query set */
    rh_real *work;
};

static struct kept kept_of(const struct state *s, rh_real *work)
{
    size_t theta = (size_t)rh_memories_theta(&s->memories), slots = (size_t)s->memories.slots;
    return (struct kept){ work, work + slots, work + slots + theta, work + slots + 2 * theta };
}

static size_t work(const void *self, int32_t n)
{
    const struct rh_memories *m = &((const struct state *)self)->memories;
    return (size_t)m->slots + 2 * (size_t)rh_memories_theta(m) + rh_memories_work(m, n);
}

static int learn(struct rh_ctx *ctx, const void *self, const struct rh_rater_rows *task, struct rh_rater_back back,
                 rh_real *work, double *loss)
{
    (void)ctx;
    const struct state *s = self;
    const struct rh_memories *m = &s->memories;
    struct rh_memories_set support = set_of(s, task, 0, task->n_support);
    struct rh_memories_set query = set_of(s, task, task->n_support, task->n);
    struct kept k = kept_of(s, work);
    size_t size = (size_t)rh_memories_theta(m);
    rh_memories_attend(m, query.profile, k.a);
    rh_memories_read(m, s->rater.phi, k.a, k.theta);
    rh_memories_adapt(m, k.theta, &support, k.gradient, k.work);
    memset(k.gradient, 0, size * sizeof *k.gradient);
    *loss = rh_memories_loss(m, k.theta, &query, k.gradient,
                             back.dx + (size_t)task->n_support * (size_t)s->rater.fields.width, k.work);
    rh_axpy((int32_t)s->rater.size, 1, k.gradient, back.dphi);
    return RH_OK;
}

static int after(struct rh_ctx *ctx, void *self, int32_t n, const struct rh_rater_rows *task, rh_real *work,
                 size_t stride)
{
    (void)ctx;
    struct state *s = self;
    for (int32_t i = 0; i < n; i++) {
        struct kept k = kept_of(s, work + (size_t)i * stride);
        struct rh_memories_set rows = set_of(s, &task[i], 0, task[i].n);
        rh_memories_write(&s->memories, rows.profile, k.a, k.theta, k.gradient);
    }
    return RH_OK;
}

/* ----------------------------------------------------------------------------------------------------- a query */

/* The room: the adapted theta, the profile, the attention; then what adapting works in, or the pass of some rows. */
struct room {
    rh_real *theta, *profile, *a, *gradient, *work;
};

static struct room room_of(const struct state *s, rh_real *room)
{
    const struct rh_memories *m = &s->memories;
    size_t theta = (size_t)rh_memories_theta(m);
    struct room r = { .theta = room, .profile = room + theta };
    r.a = r.profile + m->U;
    r.gradient = r.a + m->slots;
    r.work = r.gradient + theta;
    return r;
}

static size_t room(const void *self, int32_t n, int32_t tile)
{
    const struct rh_memories *m = &((const struct state *)self)->memories;
    return 2 * (size_t)rh_memories_theta(m) + (size_t)m->U + (size_t)m->slots +
           rh_memories_work(m, n > tile ? n : tile);
}

static int meet(struct rh_ctx *ctx, const void *self, const struct rh_rater_rows *support, rh_real *room)
{
    const struct state *s = self;
    const struct rh_memories *m = &s->memories;
    struct room r = room_of(s, room);
    struct rh_memories_set set = set_of(s, support, 0, support->n);
    memcpy(r.profile, set.profile, (size_t)m->U * sizeof *r.profile);
    rh_memories_attend(m, r.profile, r.a);
    rh_memories_read(m, s->rater.phi, r.a, r.theta);
    rh_memories_adapt(m, r.theta, &set, r.gradient, r.work);
    if (!rh_nn_finite(rh_memories_theta(m), r.theta))
        return ctx->host->fail(ctx, RH_ENUMERIC, "mamo diverged while it adapted to user %d; try an inner_rate "
                               "below %g", support->user, m->rate);
    return RH_OK;
}

static const rh_real *predict(const void *self, int32_t n, const rh_real *x, rh_real *room)
{
    const struct state *s = self;
    struct room r = room_of(s, room);
    struct rh_memories_set set = { .n = n, .width = s->rater.fields.width, .profile = r.profile, .x = x };
    return rh_memories_predict(&s->memories, r.theta, &set, r.work);
}

/* ------------------------------------------------------------------------------------------------------ set-up */

static void shape(void *self, const void *params)
{
    struct state *s = self;
    const struct params *p = params;
    struct rh_memories *m = &s->memories;
    const struct rh_fields *f = &s->rater.fields;
    m->slots = (int32_t)p->slots;
    m->steps = (int32_t)p->inner_steps;
    m->rate = p->inner_rate;
    m->tau = p->tau;
    m->alpha = p->alpha;
    m->beta = p->beta;
    m->gamma = p->gamma;
    m->printed = p->write == WRITE_PRINTED;
    rh_memories_shape(m, f->width - f->item_width, f->item_width, (int32_t)p->hidden, (int32_t)p->factors);
    s->rater.size = rh_memories_phi(m);
    s->rater.inner_rate = p->inner_rate;
}

static int take_memories(struct rh_ctx *ctx, struct rh_memories *m)
{
    if (m->slots == 0)
        return RH_OK;
    size_t slots = (size_t)m->slots, task = (size_t)rh_mlp_size(&m->task);
    m->profile = ctx->host->alloc(ctx, slots * (size_t)m->U, sizeof *m->profile);
    m->gradient = ctx->host->alloc(ctx, slots * (size_t)rh_memories_user(m), sizeof *m->gradient);
    m->preference = ctx->host->alloc(ctx, slots * task, sizeof *m->preference);
    if (!m->profile || !m->gradient || !m->preference)
        return RH_ENOMEM;
    struct rh_rng r = ctx->host->stream(ctx, "memories", 0);
    for (size_t i = 0; i < slots * (size_t)m->U; i++)
        m->profile[i] = (rh_real)rh_rng_normal(&r);
    for (size_t k = 0; k < slots; k++)
        rh_rater_init_layers(&m->task, &r, m->preference + k * task);
    return RH_OK;
}

static int start(struct rh_ctx *ctx, void *self)
{
    struct state *s = self;
    const struct rh_memories *m = &s->memories;
    const struct rh_mlp *const net[] = { &m->user, &m->item, &m->head, &m->task };
    struct rh_rng r = ctx->host->stream(ctx, "layers", 0);
    rh_real *at = s->rater.phi;
    for (int k = 0; k < (m->slots > 0 ? 3 : 4); at += rh_mlp_size(net[k]), k++)
        rh_rater_init_layers(net[k], &r, at);
    return take_memories(ctx, &s->memories);
}

static int persist_memories(struct rh_ctx *ctx, void *self)
{
    struct rh_memories *m = &((struct state *)self)->memories;
    int64_t slots = m->slots, user = rh_memories_user(m), task = rh_mlp_size(&m->task);
    int status;
    if ((status = ctx->host->field(ctx, "profiles", &m->profile, slots * m->U, sizeof *m->profile)) < 0 ||
        (status = ctx->host->field(ctx, "gradients", &m->gradient, slots * user, sizeof *m->gradient)) < 0)
        return status;
    return ctx->host->field(ctx, "preferences", &m->preference, slots * task, sizeof *m->preference);
}

static const struct rh_rater_method method = { .who = "mamo", .shape = shape, .start = start,
                                               .persist = persist_memories, .work = work, .learn = learn,
                                               .after = after, .room = room, .meet = meet, .predict = predict };
RH_RATER_CALLBACKS(method)

static const struct rh_algorithm mamo = {
    RH_RATER_DESCRIPTOR,
    .name = "mamo",
    .summary = "ratings from contents by a network that starts for each user from memories, then adapts to a few",
    .reference = "Dong, Yuan, Yao, Xu, Zhu 2020, MAMO: Memory-augmented meta-optimization for cold-start "
                 "recommendation, KDD, doi:10.1145/3394486.3403113",
    .cost = "with S = hidden (width of the fields + 2 factors) + 6 factors^2: task of k support and q query rows "
            "O((inner_steps k + q) S), query O((inner_steps k + I) S); memory 4 slots (user layers + 4 factors^2) "
            "bytes and 16 columns factors, and meta_batch times the layers",
    .advice = "For ratings of new users of whom contents are known, where users are of a few kinds. Tune rate and "
              "inner_rate first, then inner_steps and slots; long inner steps spoil the memories. slots = 0 is the "
              "twin without memories, inner_steps = 0 the one that does not adapt; melu adapts without memories.",
    .revision = 1,
};
RH_ALGORITHM(mamo)
