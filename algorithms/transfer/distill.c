/* distill: a teacher that has seen the sources tells the target's model how it would rank.
 *
 * Hinton, Vinyals and Dean 2015, "Distilling the knowledge in a neural network"; of rankings: Tang and Wang 2018,
 * "Ranking distillation" (KDD); as transfer, a model learns what another says instead of starting from its
 * weights, so the two need not be alike: Li and Hoiem 2016, "Learning without forgetting" (ECCV).
 *
 * Teacher and student are transfer networks (algorithms/lib/network.h). The teacher is trained on the sources alone, or
 * on sources and target, and rests. The student is trained on the target. Of a row with the liked item and m - 1
 * sampled ones, with s the student's scores and r the teacher's,
 *
 *     loss = (1 - share) ranking loss(s) + share T^2 KL(softmax(r / T) || softmax(s / T))
 *
 * The teacher looks at the same row: the same history, thinned when it is thinned, without the liked item.
 *
 * share = 0 is the twin: the same student, minibatches and epochs without a teacher; it sees the sources in histories
 * (source_history), as the student does, and learns from the target alone.
 *
 * Cost: the teacher's passes in fit, then of an epoch what `direct` costs, and half of that again for the teacher's
 * scores. */
#include "algorithms/lib/network.h"
#include "algorithms/lib/preconditions.h"

#include <rh/plugin.h>

#include <string.h>

enum teach { TEACH_SOURCES, TEACH_BOTH };

struct params {
    RH_NETWORK_FIELDS;
    int teach;
    int64_t teacher_epochs, teacher_factors, teacher_hidden;
    double share, temperature;
};

static const struct rh_choice teach_words[] = {
    { "sources", TEACH_SOURCES, "the sources alone" },
    { "both", TEACH_BOTH, "sources and target" },
    { NULL, 0, NULL },
};
static const struct rh_param params_table[] = {
    RH_NETWORK_PARAMS(struct params),
    RH_ENUM(struct params, teach, TEACH_BOTH, teach_words, "what the teacher is trained on"),
    RH_INT(struct params, teacher_epochs, 6, 1, 10000, "passes of the teacher, before the epochs of the student"),
    RH_INT(struct params, teacher_factors, 0, 0, 512, "width of the teacher's vectors; 0: as the student's"),
    RH_INT(struct params, teacher_hidden, 0, 0, 1024, "hidden units of the teacher; 0: as the student's"),
    RH_REAL(struct params, share, 0.2, 0, 1, "weight of the teacher in the loss; 0: the twin without a teacher"),
    RH_REAL(struct params, temperature, 2, 0.01, 100, "T: above 1 the teacher's second choices count for more"),
    RH_PARAMS_END,
};

struct state {
    const struct params *params;
    struct rh_network_params teacher_params;
    struct rh_network student, teacher;
    struct rh_domain_sets of;
};

/* --------------------------------------------------------------------------------------------------- the lesson */

#define ITEMS 64 /* at a time */
#define GROUPS 8

struct lesson {
    const struct state *s;
    const struct rh_batch *b; /* the minibatch in hand */
    /* of the teacher: a [rows x H], q [rows x E]; t [items x E], b [items x H] of all items, which rest */
    struct rh_sides sides;
    int32_t *item;  /* [rows x m] of each pair; -1: none */
    rh_real *p;     /* [rows x E] */
    rh_real *sum;   /* [groups x E] */
    rh_real *score; /* [rows x m] */
};

static int items_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    struct lesson *l = arg;
    const struct rh_net *net = &l->s->teacher.net;
    rh_net_items(net, l->s->teacher.phi, (int32_t)(end - begin), l->sides.t + (size_t)begin * (size_t)net->E,
                 l->sides.b + (size_t)begin * (size_t)net->H);
    return RH_OK;
}

/* Memory for minibatches of up to `batch` groups, and the items' side. */
static int open_lesson(struct rh_ctx *ctx, const struct state *s, struct lesson *l)
{
    const struct rh_host *host = ctx->host;
    const struct rh_network *teacher = &s->teacher;
    size_t E = (size_t)teacher->net.E, H = (size_t)teacher->net.H, groups = (size_t)s->params->batch;
    size_t rows = groups * RH_GROUP, m = (size_t)s->params->negatives + 1, items = (size_t)teacher->tower.n_items;
    *l = (struct lesson){ .s = s,
                          .sides = { .a = host->scratch(ctx, rows * H, sizeof *l->p),
                                     .q = host->scratch(ctx, rows * E, sizeof *l->p),
                                     .t = teacher->vector,
                                     .b = host->scratch(ctx, items * H, sizeof *l->p) },
                          .item = host->scratch(ctx, rows * m, sizeof *l->item),
                          .p = host->scratch(ctx, rows * E, sizeof *l->p),
                          .sum = host->scratch(ctx, groups * E, sizeof *l->sum),
                          .score = host->scratch(ctx, rows * m, sizeof *l->score) };
    if (!l->sides.a || !l->sides.q || !l->sides.b || !l->item || !l->p || !l->sum || !l->score)
        return RH_ENOMEM;
    return host->parallel(ctx, (int64_t)items, ITEMS, items_part, l);
}

/* The teacher's vectors of the users of group g, made of its vectors of items as batch.c makes the student's. */
static void user_vectors(struct lesson *l, int64_t g)
{
    const struct rh_batch *b = l->b;
    size_t E = (size_t)l->s->teacher.net.E;
    rh_real *sum = l->sum + (size_t)g * E;
    memset(sum, 0, E * sizeof *sum);
    for (int64_t h = b->first_history[g]; h < b->first_history[g + 1] && b->history[h] >= 0; h++)
        rh_axpy((int32_t)E, b->history_weight[h], l->sides.t + (size_t)b->slots.item[b->history[h]] * E, sum);
    for (int32_t k = b->first_row[g]; k < b->first_row[g + 1]; k++) {
        rh_real *p = l->p + (size_t)k * E;
        memset(p, 0, E * sizeof *p);
        int32_t liked = l->item[(size_t)k * (size_t)b->m];
        if (liked < 0 || b->norm[k] == 0)
            continue;
        rh_axpy((int32_t)E, b->norm[k], sum, p);
        rh_axpy((int32_t)E, -b->norm[k] * b->own_weight[k], l->sides.t + (size_t)liked * E, p);
    }
}

static int groups_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct lesson *l = arg;
    const struct rh_batch *b = l->b;
    const struct rh_network *teacher = &l->s->teacher;
    size_t E = (size_t)teacher->net.E, H = (size_t)teacher->net.H, m = (size_t)b->m;
    size_t row = (size_t)b->first_row[begin], n = (size_t)b->first_row[end] - row;
    rh_real *work = ctx->host->scratch(ctx, H, sizeof *work);
    if (!work)
        return RH_ENOMEM;
    for (size_t i = row * m; i < (row + n) * m; i++)
        l->item[i] = b->slot[i] < 0 ? -1 : b->slots.item[b->slot[i]];
    for (int64_t g = begin; g < end; g++)
        user_vectors(l, g);
    struct rh_sides sides = { l->sides.a + row * H, l->sides.q + row * E, l->sides.t, l->sides.b };
    struct rh_net_rows pairs = { .n = (int32_t)n, .m = b->m, .slot = l->item + row * m };
    rh_net_users(&teacher->net, teacher->phi, (int32_t)n, l->p + row * E, sides.a, sides.q);
    rh_net_scores(&teacher->net, teacher->phi, &pairs, &sides, l->score + row * m, work);
    return RH_OK;
}

/* Called with each minibatch: what the teacher says of it. */
static int teach(struct rh_ctx *ctx, void *arg, struct rh_batch *b)
{
    struct lesson *l = arg;
    l->b = b;
    b->lesson = (struct rh_lesson){ l->score, (rh_real)l->s->params->share, (rh_real)l->s->params->temperature };
    return ctx->host->parallel(ctx, b->n_groups, GROUPS, groups_part, l);
}

/* ---------------------------------------------------------------------------------------------------- callbacks */

static int choose(struct rh_ctx *ctx, const struct params *p, const struct rh_train *train, struct state *s)
{
    s->params = p;
    s->teacher_params = p->network;
    if (p->teacher_factors == 1)
        return ctx->host->fail(ctx, RH_EINVAL, "distill: teacher_factors = 1 is too narrow; 2 or more, or 0 for the "
                               "student's");
    if (p->teacher_factors)
        s->teacher_params.factors = p->teacher_factors;
    if (p->teacher_hidden)
        s->teacher_params.hidden = p->teacher_hidden;
    return rh_domain_sets_init(ctx, &s->of, train);
}

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    int status = choose(ctx, p, train, s);
    if (status == RH_OK)
        status = rh_needs_source_rows(ctx, "distill", train);
    if (status == RH_OK)
        status = rh_needs_shared_features(ctx, "distill", "to teach", train);
    if (status == RH_OK)
        status = rh_network_init(ctx, &s->teacher, "distill", &s->teacher_params, train, s->of.all);
    bool loads = ctx->host->purpose(ctx) & RH_FOR_LOADING; /* over what the passes would make */
    const bool *learn = p->teach == TEACH_BOTH ? s->of.all : s->of.sources;
    for (int64_t e = 1; p->share > 0 && e <= p->teacher_epochs && !loads && status == RH_OK; e++) {
        double loss;
        status = rh_network_pass(ctx, &s->teacher, (uint64_t)e, learn, learn, RH_PART_ALL, 1, &loss);
        ctx->host->log(ctx, 2, "teacher, pass %lld: loss %.4f", (long long)e, loss);
    }
    if (status == RH_OK)
        status = rh_network_publish(ctx, &s->teacher, "distill");
    if (status == RH_OK)
        status = rh_network_init(ctx, &s->student, "distill", &p->network, train, s->of.all);
    return status < 0 ? status : rh_network_publish(ctx, &s->student, "distill");
}

static int epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct state *s = state;
    struct lesson lesson;
    uint64_t pass = (uint64_t)s->params->teacher_epochs + (uint64_t)number;
    int status = RH_OK;
    if (s->params->share > 0) {
        status = open_lesson(ctx, s, &lesson);
        s->student.prepare = teach;
        s->student.prepare_arg = &lesson;
    }
    if (status == RH_OK)
        status = rh_network_pass(ctx, &s->student, pass, s->of.target, s->of.all, RH_PART_ALL, 1, loss);
    s->student.prepare = NULL;
    s->student.prepare_arg = NULL;
    return status < 0 ? status : rh_network_publish(ctx, &s->student, "distill");
}

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                 size_t stride)
{
    const struct state *s = state;
    return rh_network_score(ctx, &s->student, s->of.all, query, n, out, stride);
}

/* The teacher rests, so what it says follows from its weights and its vectors of items. */
static int persist_teacher(struct rh_ctx *ctx, struct rh_network *t)
{
    int status = ctx->host->field(ctx, "teacher", &t->phi, rh_net_size(&t->net), sizeof *t->phi);
    return status < 0 ? status : ctx->host->field(ctx, "teacher_vectors", &t->vector,
                                                  (int64_t)t->tower.n_items * t->net.E, sizeof *t->vector);
}

static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    int status = s->of.all ? RH_OK : choose(ctx, p, train, s);
    if (status == RH_OK)
        status = rh_network_persist(ctx, &s->student, "distill", &p->network, train, s->of.all);
    if (status >= 0 && ctx->host->purpose(ctx) & RH_FOR_STARTING)
        status = persist_teacher(ctx, &s->teacher);
    return status;
}

static const struct rh_algorithm distill = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "distill",
    .summary = "model transfer: a teacher that has seen the sources tells the target's network how it would rank",
    .reference = "Hinton, Vinyals and Dean 2015, Distilling the knowledge in a neural network",
    .cost = "fit teacher_epochs passes over the teacher's domains, epoch one pass over the target with scores of the "
            "teacher, each O(rows x (negatives + 1) x H E), score O(I H) a query, memory twice that of direct",
    .advice = "When the target's model is to be smaller than what the sources can feed, or when their weights do not "
              "fit it. Tune share and temperature; teach = sources shows what they say without the target. share = 0: "
              "the twin; judge it against direct and pretrain, too.",
    .revision = 1,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_SOURCES | RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS |
             RH_A_RANDOM | RH_A_RESUMES,
    .params = params_table,
    .params_size = sizeof(struct params),
    .state_size = sizeof(struct state),
    .epochs = 12,
    .fit = fit,
    .epoch = epoch,
    .score = score,
    .persist = persist,
};
RH_ALGORITHM(distill)
