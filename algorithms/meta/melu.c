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
#include "algorithms/lib/fields.h"

#include <rh/plugin.h>
#include <string.h>

#define TILE 256 /* candidates scored together */

enum order { SECOND_ORDER = 0, FIRST_ORDER = 1 };
enum support { SUPPORT_ALL, SUPPORT_UNSEEN };

struct params {
    int64_t factors, hidden, inner_steps, shots, asked, meta_batch;
    int order, support;
    double rate, inner_rate;
    bool redraw;
};

static const struct rh_choice order_words[] = {
    { "second", SECOND_ORDER, "exact gradient through the inner steps" },
    { "first", FIRST_ORDER, "second derivatives left out" },
    { NULL, 0, NULL },
};
static const struct rh_choice support_words[] = {
    { "all", SUPPORT_ALL, "every row of the history" },
    { "unseen", SUPPORT_UNSEEN, "rows that did not train; all where there are none" },
    { NULL, 0, NULL },
};
static const struct rh_param params_table[] = {
    RH_INT(struct params, factors, 32, 1, 1024, "width of the vectors of a field"),
    RH_INT(struct params, hidden, 64, 1, 1024, "units of each of the two hidden layers"),
    RH_REAL(struct params, rate, 1e-3, 1e-9, 10, "learning rate of the outer loop"),
    RH_REAL(struct params, inner_rate, 0.01, 0, 100, "learning rate of the inner steps"),
    RH_INT(struct params, inner_steps, 1, 0, 100, "gradient steps on the support; 0: the twin without adaptation"),
    RH_ENUM(struct params, order, SECOND_ORDER, order_words, "order of the derivatives in the outer gradient"),
    RH_INT(struct params, asked, 10, 1, 1024, "rows of a task in its query set, at most; one stays in the support"),
    RH_INT(struct params, shots, 90, 1, 4096, "rows of a task, or of a query's history, in the support, at most"),
    RH_INT(struct params, meta_batch, 32, 1, 4096, "tasks of one outer step"),
    RH_BOOL(struct params, redraw, true, "cut the rows of a task anew in each epoch; no: once for all"),
    RH_ENUM(struct params, support, SUPPORT_ALL, support_words, "rows of a query's history that it adapts to"),
    RH_PARAMS_END,
};

struct state {
    const struct params *params;
    const struct rh_train *train;
    struct rh_fields fields;
    struct rh_adapt adapt;
    rh_real *phi, *first, *second; /* [rh_mlp_size] decision layers, and Adam's moments */
    struct rh_optimizer_state optimizer;
    int32_t *task; /* [n_tasks] users with two rows or more */
    int32_t n_tasks;
    rh_real *item; /* [items x item_width] made by publish: the items' part of x */
};

static const struct rh_domain *target_of(const struct state *s)
{
    return &s->train->domain[s->train->target];
}

/* The layers begin as PyTorch's do, which MeLU is written in: weights and biases uniform in +- 1 / sqrt(width). */
static void init_layers(const struct rh_mlp *m, struct rh_rng *r, rh_real *phi)
{
    for (int32_t l = 1; l <= m->layers; l++) {
        int64_t size, at = rh_mlp_layer(m, l, &size);
        double limit = 1 / sqrt((double)m->width[l - 1]);
        for (int64_t i = 0; i < size; i++)
            phi[at + i] = (rh_real)(limit * (2 * rh_rng_uniform(r) - 1));
    }
}

static void describe(struct state *s, const struct params *p, const struct rh_train *train)
{
    s->params = p;
    s->train = train;
    int32_t H = (int32_t)p->hidden;
    s->adapt = (struct rh_adapt){ .mlp = { 3, { s->fields.width, H, H, 1 }, RH_RELU, RH_LINEAR, false },
                                  .rate = p->inner_rate,
                                  .steps = (int32_t)p->inner_steps,
                                  .first_order = p->order == FIRST_ORDER };
}

static int make_tasks(struct rh_ctx *ctx, struct state *s)
{
    const struct rh_domain *d = target_of(s);
    s->task = ctx->host->alloc(ctx, (size_t)s->train->n_users + 1, sizeof *s->task);
    if (!s->task)
        return RH_ENOMEM;
    for (int32_t u = 0; u < s->train->n_users; u++)
        if (d->row[u + 1] - d->row[u] >= 2)
            s->task[s->n_tasks++] = u;
    if (s->n_tasks == 0)
        return ctx->host->fail(ctx, RH_EDATA, "melu makes a task of each user with two rows or more in '%s': there is "
                               "none", d->name);
    return RH_OK;
}

static int publish_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    struct state *s = arg;
    for (int64_t i = begin; i < end; i++)
        rh_fields_item(&s->fields, (int32_t)i, s->item + (size_t)i * (size_t)s->fields.item_width);
    return RH_OK;
}

/* What scoring reads of the tables. */
static int publish(struct rh_ctx *ctx, struct state *s)
{
    if (!rh_nn_finite(rh_mlp_size(&s->adapt.mlp), s->phi) || !rh_fields_finite(&s->fields))
        return ctx->host->fail(ctx, RH_ENUMERIC, "melu diverged: its weights are not finite; try a rate below %g",
                               s->params->rate);
    return ctx->host->parallel(ctx, target_of(s)->n_items, 256, publish_part, s);
}

static int take_items(struct rh_ctx *ctx, struct state *s)
{
    s->item = ctx->host->alloc(ctx, (size_t)target_of(s)->n_items * (size_t)s->fields.item_width, sizeof *s->item);
    return s->item ? RH_OK : RH_ENOMEM;
}

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    int status = rh_fields_init(ctx, &s->fields, "melu", train, (int32_t)p->factors);
    describe(s, p, train);
    if (status == RH_OK)
        status = make_tasks(ctx, s);
    if (status == RH_OK)
        status = take_items(ctx, s);
    if (status < 0)
        return status;
    size_t size = (size_t)rh_mlp_size(&s->adapt.mlp);
    s->phi = ctx->host->alloc(ctx, size, sizeof *s->phi);
    s->first = ctx->host->alloc(ctx, size, sizeof *s->phi);
    s->second = ctx->host->alloc(ctx, size, sizeof *s->phi);
    if (!s->phi || !s->first || !s->second)
        return RH_ENOMEM;
    s->optimizer = (struct rh_optimizer_state){ .kind = RH_ADAM, .rate = p->rate };
    struct rh_rng r = ctx->host->stream(ctx, "layers", 0);
    init_layers(&s->adapt.mlp, &r, s->phi);
    return publish(ctx, s);
}

/* ---------------------------------------------------------------------------------------------------- training */

/* Some tasks, one after another; rows of a task: support, then query. */
struct batch {
    struct state *s;
    uint64_t stream; /* number of the first of this epoch's random streams; a user's is this + user */
    int32_t n;
    const int32_t *task;
    int32_t *first_row, *middle; /* [n + 1], [n] */
    int32_t *user, *item;        /* [rows] */
    rh_real *rating;             /* [rows] */
    rh_real *x, *dx;             /* [rows x width] */
    rh_real *dphi;               /* [n x size] */
    rh_real *sum;                /* [size] */
    rh_real *work;               /* [n x work_size] */
    size_t work_size;
    double *loss; /* [n] */
};

static int make_batch(struct rh_ctx *ctx, struct state *s, int32_t n, struct batch *b)
{
    const struct rh_host *host = ctx->host;
    const struct params *p = s->params;
    const struct rh_domain *d = target_of(s);
    int64_t longest = 0;
    for (int32_t i = 0; i < s->n_tasks; i++) {
        int64_t rows = d->row[s->task[i] + 1] - d->row[s->task[i]];
        longest = rows > longest ? rows : longest;
    }
    longest = longest < p->shots + p->asked ? longest : p->shots + p->asked;
    size_t tasks = (size_t)n, rows = tasks * (size_t)longest, size = (size_t)rh_mlp_size(&s->adapt.mlp);
    *b = (struct batch){ .s = s, .work_size = rh_adapt_work(&s->adapt, (int32_t)longest) };
    b->first_row = host->scratch(ctx, tasks + 1, sizeof *b->first_row);
    b->middle = host->scratch(ctx, tasks, sizeof *b->middle);
    b->user = host->scratch(ctx, rows, sizeof *b->user);
    b->item = host->scratch(ctx, rows, sizeof *b->item);
    b->rating = host->scratch(ctx, rows, sizeof *b->rating);
    b->x = host->scratch(ctx, rows * (size_t)s->fields.width, sizeof *b->x);
    b->dx = host->scratch(ctx, rows * (size_t)s->fields.width, sizeof *b->dx);
    b->dphi = host->scratch(ctx, tasks * size, sizeof *b->dphi);
    b->sum = host->scratch(ctx, size, sizeof *b->sum);
    b->work = host->scratch(ctx, tasks * b->work_size, sizeof *b->work);
    b->loss = host->scratch(ctx, tasks, sizeof *b->loss);
    return b->first_row && b->middle && b->user && b->item && b->rating && b->x && b->dx && b->dphi && b->sum &&
                   b->work && b->loss
               ? RH_OK
               : RH_ENOMEM;
}

/* Rows of the tasks are where they begin; which ones and in what order is drawn by learn_part. */
static void lay_out(struct batch *b, const int32_t *task, int32_t n)
{
    const struct params *p = b->s->params;
    const struct rh_domain *d = target_of(b->s);
    b->task = task;
    b->n = n;
    for (int32_t i = 0; i < n; i++) {
        int64_t rows = d->row[task[i] + 1] - d->row[task[i]];
        int64_t query = p->asked < rows - 1 ? p->asked : rows - 1;
        int64_t support = rows - query < p->shots ? rows - query : p->shots;
        b->middle[i] = b->first_row[i] + (int32_t)support;
        b->first_row[i + 1] = b->middle[i] + (int32_t)query;
    }
}

/* The first rows of a random order are the support, the next the query set. */
static int draw_rows(struct rh_ctx *ctx, struct batch *b, int64_t at)
{
    const struct rh_domain *d = target_of(b->s);
    int32_t u = b->task[at];
    int64_t begin = d->row[u], n = d->row[u + 1] - begin;
    struct rh_rng r = ctx->host->stream(ctx, "task", b->stream + (uint64_t)u);
    int32_t *order = ctx->host->scratch(ctx, (size_t)n, sizeof *order);
    if (!order)
        return RH_ENOMEM;
    for (int32_t k = 0; k < (int32_t)n; k++)
        order[k] = k;
    rh_rng_shuffle(&r, order, (int32_t)n);
    for (int32_t k = b->first_row[at], j = 0; k < b->first_row[at + 1]; k++, j++) {
        b->user[k] = u;
        b->item[k] = d->item[begin + order[j]];
        b->rating[k] = (rh_real)d->value[begin + order[j]];
    }
    return RH_OK;
}

static int learn_part(struct rh_ctx *ctx, void *arg, int64_t at, int64_t end)
{
    (void)end;
    struct batch *b = arg;
    struct state *s = b->s;
    const struct rh_fields *f = &s->fields;
    size_t width = (size_t)f->width, left = (size_t)f->item_width, size = (size_t)rh_mlp_size(&s->adapt.mlp);
    size_t first = (size_t)b->first_row[at], middle = (size_t)b->middle[at], last = (size_t)b->first_row[at + 1];
    rh_real *user = ctx->host->scratch(ctx, width, sizeof *user);
    if (!user || draw_rows(ctx, b, at) < 0)
        return RH_ENOMEM;
    rh_fields_user(f, b->task[at], user);
    for (size_t k = first; k < last; k++) {
        rh_fields_item(f, b->item[k], b->x + k * width);
        memcpy(b->x + k * width + left, user, (width - left) * sizeof *user);
    }
    memset(b->dx + first * width, 0, (last - first) * width * sizeof *b->dx);
    memset(b->dphi + (size_t)at * size, 0, size * sizeof *b->dphi);
    struct rh_adapt_set support = { (int32_t)(middle - first), b->x + first * width, b->rating + first };
    struct rh_adapt_set query = { (int32_t)(last - middle), b->x + middle * width, b->rating + middle };
    b->loss[at] = rh_adapt_task(&s->adapt, s->phi, &support, &query, b->dphi + (size_t)at * size,
                                b->dx + first * width, b->dx + middle * width,
                                b->work + (size_t)at * b->work_size);
    return RH_OK;
}

/* The mean over the tasks of their gradients, always in the order of the tasks. */
static int sum_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    struct batch *b = arg;
    size_t size = (size_t)rh_mlp_size(&b->s->adapt.mlp), n = (size_t)(end - begin);
    memset(b->sum + begin, 0, n * sizeof *b->sum);
    for (size_t i = 0; i < (size_t)b->n; i++)
        rh_axpy((int32_t)n, 1 / (rh_real)b->n, b->dphi + i * size + begin, b->sum + begin);
    return RH_OK;
}

/* One outer step; *loss: the sum over the tasks. */
static int learn(struct rh_ctx *ctx, struct batch *b, double *loss)
{
    struct state *s = b->s;
    int64_t size = rh_mlp_size(&s->adapt.mlp), rows = b->first_row[b->n];
    int status = ctx->host->parallel(ctx, b->n, 1, learn_part, b);
    if (status == RH_OK)
        status = ctx->host->parallel(ctx, size, 4096, sum_part, b);
    if (status < 0)
        return status;
    *loss = 0;
    for (int32_t i = 0; i < b->n; i++)
        *loss += b->loss[i];
    if (!isfinite(*loss))
        return ctx->host->fail(ctx, RH_ENUMERIC, "melu diverged: the loss of a query set is not finite; try an "
                               "inner_rate below %g or a rate below %g", s->params->inner_rate, s->params->rate);
    rh_real share = 1 / (rh_real)b->n;
    for (int64_t i = 0; i < rows * s->fields.width; i++)
        b->dx[i] *= share;
    rh_nn_step(&s->optimizer, 1);
    rh_nn_descend(&s->optimizer, size, s->phi, b->sum, s->first, s->second);
    status = rh_fields_back(ctx, &s->fields, (int32_t)rows, b->user, b->item, b->dx);
    return status < 0 ? status : rh_fields_descend(ctx, &s->fields, &s->optimizer);
}

static int epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct state *s = state;
    const struct params *p = s->params;
    int32_t size = p->meta_batch < s->n_tasks ? (int32_t)p->meta_batch : s->n_tasks;
    int32_t *task = ctx->host->scratch(ctx, (size_t)s->n_tasks, sizeof *task);
    struct batch b;
    if (!task)
        return RH_ENOMEM;
    memcpy(task, s->task, (size_t)s->n_tasks * sizeof *task);
    struct rh_rng r = ctx->host->stream(ctx, "order", (uint64_t)number);
    rh_rng_shuffle(&r, task, s->n_tasks);
    int status = make_batch(ctx, s, size, &b);
    b.stream = p->redraw ? (uint64_t)number << 32 : 0;
    double sum = 0;
    for (int32_t at = 0; at < s->n_tasks && status == RH_OK; at += size) {
        double part = 0;
        lay_out(&b, task + at, s->n_tasks - at < size ? s->n_tasks - at : size);
        status = ctx->host->tick(ctx, at, s->n_tasks);
        if (status == RH_OK)
            status = learn(ctx, &b, &part);
        sum += part;
    }
    *loss = sum / s->n_tasks;
    return status < 0 ? status : publish(ctx, s);
}

/* ------------------------------------------------------------------------------------------------------ scoring */

struct scoring {
    rh_real *x;      /* [most of TILE and the support x width] */
    rh_real *rating; /* [shots] */
    rh_real *phi, *work, *tape;
    int32_t *row;  /* [longest history] */
    uint8_t *seen; /* [items] the user trained on it */
};

static int take_memory(struct rh_ctx *ctx, const struct state *s, const struct rh_query *query, int32_t n,
                       struct scoring *y)
{
    const struct rh_host *host = ctx->host;
    const struct rh_mlp *m = &s->adapt.mlp;
    int32_t longest = 1;
    for (int32_t i = 0; i < n; i++) {
        int32_t h = query[i].history[s->train->target].n;
        longest = h > longest ? h : longest;
    }
    int32_t support = longest < s->params->shots ? longest : (int32_t)s->params->shots;
    int32_t rows = support > TILE ? support : TILE;
    y->x = host->scratch(ctx, (size_t)rows * (size_t)s->fields.width, sizeof *y->x);
    y->rating = host->scratch(ctx, (size_t)support, sizeof *y->rating);
    y->phi = host->scratch(ctx, (size_t)rh_mlp_size(m), sizeof *y->phi);
    y->work = host->scratch(ctx, rh_adapt_work(&s->adapt, support), sizeof *y->work);
    y->tape = host->scratch(ctx, rh_mlp_tape(m, TILE), sizeof *y->tape);
    y->row = host->scratch(ctx, (size_t)longest, sizeof *y->row);
    y->seen = host->scratch(ctx, (size_t)target_of(s)->n_items, 1);
    return y->x && y->rating && y->phi && y->work && y->tape && y->row && y->seen ? RH_OK : RH_ENOMEM;
}

/* Rows of the history that are adapted to: `row`, as many as are returned, evenly spaced where there are too many. */
static int32_t choose_support(const struct state *s, const struct rh_query *query, struct scoring *y)
{
    const struct rh_domain *d = target_of(s);
    const struct rh_history *h = &query->history[s->train->target];
    int64_t begin = d->row[query->user], end = d->row[query->user + 1];
    bool unseen = s->params->support == SUPPORT_UNSEEN;
    int32_t n = 0, most = (int32_t)s->params->shots;
    for (int64_t j = begin; j < end && unseen; j++)
        y->seen[d->item[j]] = 1;
    for (int32_t j = 0; j < h->n; j++)
        if (!y->seen[h->item[j]])
            y->row[n++] = j;
    for (int64_t j = begin; j < end && unseen; j++)
        y->seen[d->item[j]] = 0;
    for (int32_t j = 0; n == 0 && j < h->n; j++)
        y->row[j] = j;
    n = n == 0 ? h->n : n;
    for (int32_t k = 0; k < most && n > most; k++)
        y->row[k] = y->row[(int64_t)k * n / most];
    return n < most ? n : most;
}

/* x of the user and one item. */
static void lay_row(const struct state *s, const rh_real *user, int32_t item, rh_real *x)
{
    size_t width = (size_t)s->fields.width, left = (size_t)s->fields.item_width;
    memcpy(x, s->item + (size_t)item * left, left * sizeof *x);
    memcpy(x + left, user, (width - left) * sizeof *x);
}

static int score_query(struct rh_ctx *ctx, const struct state *s, const struct rh_query *query, struct scoring *y,
                       rh_real *user, float *out)
{
    const struct rh_history *h = &query->history[s->train->target];
    const struct rh_mlp *m = &s->adapt.mlp;
    const rh_real *phi = s->phi;
    size_t width = (size_t)s->fields.width;
    rh_fields_user(&s->fields, query->user, user);
    if (h->n > 0 && h->value && s->adapt.steps > 0) {
        int32_t n = choose_support(s, query, y);
        for (int32_t k = 0; k < n; k++) {
            lay_row(s, user, h->item[y->row[k]], y->x + (size_t)k * width);
            y->rating[k] = (rh_real)h->value[y->row[k]];
        }
        rh_adapt_weights(&s->adapt, s->phi, &(struct rh_adapt_set){ n, y->x, y->rating }, y->phi, y->work);
        phi = y->phi;
        if (!rh_nn_finite(rh_mlp_size(m), phi))
            return ctx->host->fail(ctx, RH_ENUMERIC, "melu diverged while it adapted to user %d; try an inner_rate "
                                   "below %g", query->user, s->params->inner_rate);
    }
    for (int32_t at = 0; at < query->n_candidates; at += TILE) {
        int32_t n = query->n_candidates - at < TILE ? query->n_candidates - at : TILE;
        for (int32_t c = 0; c < n; c++)
            lay_row(s, user, query->candidate ? query->candidate[at + c] : at + c, y->x + (size_t)c * width);
        const rh_real *predicted = rh_mlp_forward(m, phi, n, y->x, NULL, y->tape);
        for (int32_t c = 0; c < n; c++)
            out[at + c] = (float)predicted[c];
    }
    return RH_OK;
}

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                 size_t stride)
{
    const struct state *s = state;
    struct scoring y;
    rh_real *user = ctx->host->scratch(ctx, (size_t)s->fields.width, sizeof *user);
    int status = user ? take_memory(ctx, s, query, n, &y) : RH_ENOMEM;
    for (int32_t i = 0; i < n && status == RH_OK; i++)
        status = score_query(ctx, s, &query[i], &y, user, out + (size_t)i * stride);
    return status;
}

static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    bool loading = !s->phi;
    int status = rh_fields_persist(ctx, &s->fields, "melu", train, (int32_t)p->factors);
    describe(s, p, train);
    if (status >= 0)
        status = ctx->host->field(ctx, "layers", &s->phi, rh_mlp_size(&s->adapt.mlp), sizeof *s->phi);
    if (status >= 0 && loading)
        status = take_items(ctx, s);
    return status < 0 || !loading ? status : publish(ctx, s);
}

static const struct rh_algorithm melu = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
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
    .flags = RH_A_NEEDS_VALUES | RH_A_NEEDS_ITEM_FEATURES | RH_A_RATES | RH_A_COLD_USERS | RH_A_COLD_ITEMS |
             RH_A_RANDOM,
    .params = params_table,
    .params_size = sizeof(struct params),
    .state_size = sizeof(struct state),
    .epochs = 20,
    .fit = fit,
    .epoch = epoch,
    .score = score,
    .persist = persist,
};
RH_ALGORITHM(melu)
