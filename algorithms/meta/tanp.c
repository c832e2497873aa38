/* tanp: ratings of new users from contents and a few ratings, by a neural process that knows which kind of task a user
 * is. Lin, Wu, Zhou, Pan, Cao, Wang 2021, "Task-adaptive neural process for user cold-start recommendation", WWW.
 *
 * algorithms/lib/process.h has the network and its loss, algorithms/lib/rater.h the tasks and queries, which are those
 * of melu. A query's history is encoded, and its candidates are predicted in one pass: nothing is descended on, so a
 * query costs little.
 *
 * What the paper leaves open or does otherwise, and is done here:
 *   - a row is the fields of item and user side by side, as in melu, with no layers before the encoders;
 *   - the distance to a centroid is squared, as in the paper; the published program takes its root;
 *   - sharpened assignments are held fixed while they are descended on, as in Xie et al. 2016, whom the paper follows;
 *   - errors count over support and query rows, as in the published program;
 *   - z is the mean of its distribution when a query is scored, where the published program draws it;
 *   - hidden layers all have `hidden` units; modulation = gating is the paper's Gating-FiLM;
 *   - the support of a task is cut at random from 0 rows on, where the program cuts from 20: queries have few or none.
 *
 * latent = 0 leaves the random function out, centroids = 0 the pool, modulation = none the task; latent = 0 and
 * modulation = none is the twin, a network of contents that looks at no ratings.
 *
 * Cost of a task of n rows: 6 n S operations, S = 2 hidden (2 width + 3 hidden) with the width of the fields; of a
 * query 2 (k + items) S. Memory: meta_batch (size of the network + n (4 width + 10 hidden)) numbers. */
#include "algorithms/lib/process.h"
#include "algorithms/lib/rater.h"

#include <rh/plugin.h>
#include <string.h>

struct params {
    RH_RATER_FIELDS;
    int64_t latent, identity, centroids;
    double nu, lambda, kl;
    int modulation;
};

static const struct rh_choice modulation_words[] = {
    { "gating", RH_GATING, "scale and shift, each gated between two" },
    { "film", RH_FILM, "scale and shift" },
    { "none", RH_PLAIN, "the task is not looked at" },
    { NULL, 0, NULL },
};
static const struct rh_param params_table[] = {
    RH_RATER_SIZES(struct params),
    RH_RATER_OPTIMIZER(struct params),
    RH_INT(struct params, latent, 32, 0, 1024, "width of the random function z; 0: none"),
    RH_INT(struct params, identity, 32, 1, 1024, "width of a task's identity and of the centroids"),
    RH_INT(struct params, centroids, 10, 0, 1024, "centroids in the pool; 0: none"),
    RH_ENUM(struct params, modulation, RH_GATING, modulation_words, "how the task changes the decoder"),
    RH_REAL(struct params, nu, 1, 1e-3, 1e3, "degrees of freedom of the assignment to centroids"),
    RH_REAL(struct params, lambda, 0.1, 0, 1000, "weight of the clustering of tasks"),
    RH_REAL(struct params, kl, 1, 0, 1000, "weight of the divergence between what all rows and what the support says"),
    RH_RATER_TASKS(struct params, 10, 20),
    RH_RATER_VARY(struct params),
    RH_PARAMS_END,
};

struct state {
    struct rh_rater rater;
    struct rh_process process;
};

static struct rh_process_set set_of(const struct rh_rater_rows *rows)
{
    return (struct rh_process_set){ rows->n_support, rows->n, rows->x, rows->rating };
}

/* ------------------------------------------------------------------------------------------------------ a task */

/* Of a task: its assignment, sharpened by `before`; noise; what a pass works in. */
static size_t work(const void *self, int32_t n)
{
    const struct rh_process *p = &((const struct state *)self)->process;
    return (size_t)p->K + (size_t)p->Z + rh_process_work(p, n);
}

struct assigning {
    const struct state *s;
    const struct rh_rater_rows *task;
    rh_real *work;
    size_t stride;
};

static int assign_part(struct rh_ctx *ctx, void *arg, int64_t i, int64_t end)
{
    (void)ctx, (void)end;
    struct assigning *a = arg;
    const struct rh_process *p = &a->s->process;
    struct rh_process_set set = set_of(&a->task[i]);
    rh_real *c = a->work + (size_t)i * a->stride;
    rh_process_assign(p, a->s->rater.phi, &set, c, c + p->K + p->Z);
    return RH_OK;
}

/* The assignments of all tasks, sharpened together. */
static int before(struct rh_ctx *ctx, void *self, int32_t n, const struct rh_rater_rows *task, rh_real *work,
                  size_t stride)
{
    const struct state *s = self;
    size_t K = (size_t)s->process.K;
    struct assigning a = { s, task, work, stride };
    if (K == 0)
        return RH_OK;
    rh_real *c = ctx->host->scratch(ctx, (size_t)n * K, sizeof *c);
    int status = c ? ctx->host->parallel(ctx, n, 1, assign_part, &a) : RH_ENOMEM;
    for (size_t i = 0; i < (size_t)n && status == RH_OK; i++)
        memcpy(c + i * K, work + i * stride, K * sizeof *c);
    if (status == RH_OK)
        rh_process_sharpen(n, (int32_t)K, c);
    for (size_t i = 0; i < (size_t)n && status == RH_OK; i++)
        memcpy(work + i * stride, c + i * K, K * sizeof *c);
    return status;
}

static int learn(struct rh_ctx *ctx, const void *self, const struct rh_rater_rows *task, struct rh_rater_back back,
                 rh_real *work, double *loss)
{
    const struct state *s = self;
    const struct rh_process *p = &s->process;
    struct rh_process_set set = set_of(task);
    struct rh_rng r = ctx->host->stream(ctx, "noise", task->stream);
    rh_real *d = work, *noise = d + p->K;
    for (int32_t i = 0; i < p->Z; i++)
        noise[i] = (rh_real)rh_rng_normal(&r);
    *loss = rh_process_loss(p, s->rater.phi, &set, noise, p->K > 0 ? d : NULL, back.dphi, back.dx, noise + p->Z);
    return RH_OK;
}

/* ----------------------------------------------------------------------------------------------------- a query */

static size_t room(const void *self, int32_t n, int32_t tile)
{
    const struct rh_process *p = &((const struct state *)self)->process;
    return rh_process_met(p) + rh_process_work(p, n > tile ? n : tile);
}

static int meet(struct rh_ctx *ctx, const void *self, const struct rh_rater_rows *support, rh_real *room)
{
    (void)ctx;
    const struct state *s = self;
    struct rh_process_set set = set_of(support);
    rh_process_meet(&s->process, s->rater.phi, &set, room, room + rh_process_met(&s->process));
    return RH_OK;
}

static const rh_real *predict(const void *self, int32_t n, const rh_real *x, rh_real *room)
{
    const struct state *s = self;
    return rh_process_predict(&s->process, s->rater.phi, room, n, x, room + rh_process_met(&s->process));
}

/* ------------------------------------------------------------------------------------------------------ set-up */

static void shape(void *self, const void *params)
{
    struct state *s = self;
    const struct params *p = params;
    s->process = (struct rh_process){ .X = s->rater.fields.width, .H = (int32_t)p->hidden, .Z = (int32_t)p->latent,
                                      .T = (int32_t)p->identity, .K = (int32_t)p->centroids,
                                      .modulation = (enum rh_modulation)p->modulation, .nu = p->nu,
                                      .lambda = p->lambda, .kl = p->kl };
    rh_process_shape(&s->process);
    s->rater.size = s->process.size;
}

/* Layers as everywhere; centroids as their program begins: uniform in +- sqrt(6 / (K + T)). */
static int start(struct rh_ctx *ctx, void *self)
{
    struct state *s = self;
    const struct rh_process *p = &s->process;
    struct rh_rng r = ctx->host->stream(ctx, "layers", 0);
    rh_real *phi = s->rater.phi;
    if (p->Z > 0) {
        rh_rater_init_layers(&p->rows, &r, phi);
        rh_rater_init_layers(&p->latent, &r, phi + p->at_latent);
    }
    if (p->T > 0) {
        rh_rater_init_layers(&p->task, &r, phi + p->at_task);
        rh_rater_init_layers(&p->modulators, &r, phi + p->at_modulators);
    }
    double limit = sqrt(6 / ((double)p->K + p->T));
    for (int64_t i = p->at_pool; i < p->at_pool + (int64_t)p->K * p->T; i++)
        phi[i] = (rh_real)(limit * (2 * rh_rng_uniform(&r) - 1));
    for (int l = 0; l <= RH_PROCESS_LAYERS; l++)
        rh_rater_init_layers(&p->decoder[l], &r, phi + p->at_decoder[l]);
    return RH_OK;
}

static const struct rh_rater_method method = { .who = "tanp", .shape = shape, .start = start, .work = work,
                                               .before = before, .learn = learn, .room = room, .meet = meet,
                                               .predict = predict };
RH_RATER_CALLBACKS(method)

static const struct rh_algorithm tanp = {
    RH_RATER_DESCRIPTOR,
    .name = "tanp",
    .summary = "ratings from contents by a neural process that a few ratings shape, without steps of descent",
    .reference = "Lin, Wu, Zhou, Pan, Cao, Wang 2021, Task-adaptive neural process for user cold-start recommendation, "
                 "WWW, doi:10.1145/3442381.3449908",
    .cost = "with S = 4 hidden (width of the fields) + 6 hidden^2: task of n rows O(n S), query O((k + I) S); memory "
            "16 columns factors bytes and meta_batch times (the network and n rows of it)",
    .advice = "For ratings of new users where steps of descent for each query are too dear. Tune rate first, then kl "
              "and lambda. latent = 0 with modulation = none is the twin that looks at no ratings; melu and mamo adapt "
              "by descent.",
    .revision = 1,
};
RH_ALGORITHM(tanp)
