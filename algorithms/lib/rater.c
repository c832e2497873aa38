#include "algorithms/lib/rater.h"

#include <string.h>

const struct rh_choice rh_rater_support_words[] = {
    { "all", RH_SUPPORT_ALL, "every row of the history" },
    { "unseen", RH_SUPPORT_UNSEEN, "rows that did not train; all where there are none" },
    { NULL, 0, NULL },
};
const struct rh_choice rh_rater_optimizer_words[] = {
    { "adam", RH_ADAM, "Adam" },
    { "sgd", RH_SGD, "plain gradient descent" },
    { NULL, 0, NULL },
};

static const struct rh_domain *target_of(const struct rh_rater *r)
{
    return &r->train->domain[r->train->target];
}

/* ------------------------------------------------------------------------------------------------------- set-up */

void rh_rater_init_layers(const struct rh_mlp *m, struct rh_rng *rng, rh_real *phi)
{
    for (int32_t l = 1; l <= m->layers; l++) {
        int64_t size, at = rh_mlp_layer(m, l, &size);
        double limit = 1 / sqrt((double)m->width[l - 1]);
        for (int64_t i = 0; i < size; i++)
            phi[at + i] = (rh_real)(limit * (2 * rh_rng_uniform(rng) - 1));
    }
}

static int make_tasks(struct rh_ctx *ctx, struct rh_rater *r)
{
    const struct rh_domain *d = target_of(r);
    r->task = ctx->host->alloc(ctx, (size_t)r->train->n_users + 1, sizeof *r->task);
    if (!r->task)
        return RH_ENOMEM;
    for (int32_t u = 0; u < r->train->n_users; u++)
        if (d->row[u + 1] - d->row[u] >= 2)
            r->task[r->n_tasks++] = u;
    if (r->n_tasks == 0)
        return ctx->host->fail(ctx, RH_EDATA, "%s makes a task of each user with two rows or more in '%s': there is "
                               "none; data with longer histories is needed", r->method->who, d->name);
    return RH_OK;
}

static int take_items(struct rh_ctx *ctx, struct rh_rater *r)
{
    r->item = ctx->host->alloc(ctx, (size_t)target_of(r)->n_items * (size_t)r->fields.item_width, sizeof *r->item);
    return r->item ? RH_OK : RH_ENOMEM;
}

static int init(struct rh_ctx *ctx, struct rh_rater *r)
{
    int status = rh_fields_init(ctx, &r->fields, r->method->who, r->train, (int32_t)r->params->factors);
    if (status == RH_OK)
        status = make_tasks(ctx, r);
    return status == RH_OK ? take_items(ctx, r) : status;
}

static int take_weights(struct rh_ctx *ctx, struct rh_rater *r)
{
    size_t size = (size_t)r->size;
    r->phi = ctx->host->alloc(ctx, size, sizeof *r->phi);
    r->first = ctx->host->alloc(ctx, size, sizeof *r->phi);
    r->second = ctx->host->alloc(ctx, size, sizeof *r->phi);
    r->optimizer = (struct rh_optimizer_state){ .kind = (enum rh_optimizer)r->params->optimizer,
                                                .rate = r->params->rate };
    return r->phi && r->first && r->second ? RH_OK : RH_ENOMEM;
}

static int publish_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    struct rh_rater *r = arg;
    for (int64_t i = begin; i < end; i++)
        rh_fields_item(&r->fields, (int32_t)i, r->item + (size_t)i * (size_t)r->fields.item_width);
    return RH_OK;
}

static int publish(struct rh_ctx *ctx, struct rh_rater *r)
{
    if (!rh_nn_finite(r->size, r->phi) || !rh_fields_finite(&r->fields))
        return ctx->host->fail(ctx, RH_ENUMERIC, "%s diverged: its weights are not finite; try a rate below %g",
                               r->method->who, r->params->rate);
    return ctx->host->parallel(ctx, target_of(r)->n_items, 256, publish_part, r);
}

/* State and parameters begin with what is the rater's. */
static struct rh_rater *describe(const struct rh_rater_method *method, const void *params, const struct rh_train *train,
                                 void *state)
{
    struct rh_rater *r = state;
    r->method = method;
    r->self = state;
    r->params = params;
    r->train = train;
    return r;
}

int rh_rater_fit(struct rh_ctx *ctx, const struct rh_rater_method *method, const void *params,
                 const struct rh_train *train, void *state)
{
    struct rh_rater *r = describe(method, params, train, state);
    int status = init(ctx, r);
    if (status < 0)
        return status;
    method->shape(state, params);
    if ((status = take_weights(ctx, r)) < 0 || (status = method->start(ctx, state)) < 0)
        return status;
    return publish(ctx, r);
}

static int persist_weights(struct rh_ctx *ctx, struct rh_rater *r)
{
    const struct rh_host *host = ctx->host;
    int status = host->field(ctx, "layers", &r->phi, r->size, sizeof *r->phi);
    if (status < 0 || !(host->purpose(ctx) & RH_FOR_RESUMING))
        return status;
    if ((status = host->field(ctx, "layers first", &r->first, r->size, sizeof *r->phi)) < 0 ||
        (status = host->field(ctx, "layers second", &r->second, r->size, sizeof *r->phi)) < 0)
        return status;
    return host->value(ctx, "steps", &r->optimizer.step, sizeof r->optimizer.step);
}

int rh_rater_persist(struct rh_ctx *ctx, const struct rh_rater_method *method, const void *params,
                     const struct rh_train *train, void *state)
{
    struct rh_rater *r = describe(method, params, train, state);
    int status = rh_fields_persist(ctx, &r->fields, method->who, train, (int32_t)r->params->factors);
    if (status < 0)
        return status;
    method->shape(state, params);
    status = persist_weights(ctx, r);
    if (status >= 0 && method->persist)
        status = method->persist(ctx, state);
    if (status < 0 || !(ctx->host->purpose(ctx) & RH_FOR_LOADING))
        return status;
    status = r->item ? RH_OK : take_items(ctx, r);
    return status < 0 ? status : publish(ctx, r);
}

/* ---------------------------------------------------------------------------------------------------- training */

/* Some tasks, one after another; rows of a task: support, then query. */
struct batch {
    struct rh_rater *r;
    uint64_t stream; /* number of the first of this epoch's random streams; a user's is this + user */
    int32_t n;
    struct rh_rater_rows *rows; /* [n] */
    int32_t *first_row;         /* [n + 1] */
    int32_t *user, *item;       /* [rows] */
    rh_real *rating;            /* [rows] */
    rh_real *x, *dx;            /* [rows x width] */
    rh_real *dphi;              /* [n x size] */
    rh_real *sum;               /* [size] */
    rh_real *work;              /* [n x work_size] */
    size_t work_size;
    double *loss; /* [n] */
};

static int make_batch(struct rh_ctx *ctx, struct rh_rater *r, int32_t n, struct batch *b)
{
    const struct rh_host *host = ctx->host;
    const struct rh_rater_params *p = r->params;
    const struct rh_domain *d = target_of(r);
    int64_t longest = 0;
    for (int32_t i = 0; i < r->n_tasks; i++) {
        int64_t rows = d->row[r->task[i] + 1] - d->row[r->task[i]];
        longest = rows > longest ? rows : longest;
    }
    longest = longest < p->shots + p->asked ? longest : p->shots + p->asked;
    size_t tasks = (size_t)n, rows = tasks * (size_t)longest, size = (size_t)r->size;
    *b = (struct batch){ .r = r, .work_size = r->method->work(r->self, (int32_t)longest) };
    b->rows = host->scratch(ctx, tasks, sizeof *b->rows);
    b->first_row = host->scratch(ctx, tasks + 1, sizeof *b->first_row);
    b->user = host->scratch(ctx, rows, sizeof *b->user);
    b->item = host->scratch(ctx, rows, sizeof *b->item);
    b->rating = host->scratch(ctx, rows, sizeof *b->rating);
    b->x = host->scratch(ctx, rows * (size_t)r->fields.width, sizeof *b->x);
    b->dx = host->scratch(ctx, rows * (size_t)r->fields.width, sizeof *b->dx);
    b->dphi = host->scratch(ctx, tasks * size, sizeof *b->dphi);
    b->sum = host->scratch(ctx, size, sizeof *b->sum);
    b->work = host->scratch(ctx, tasks * b->work_size, sizeof *b->work);
    b->loss = host->scratch(ctx, tasks, sizeof *b->loss);
    return b->rows && b->first_row && b->user && b->item && b->rating && b->x && b->dx && b->dphi && b->sum &&
                   b->work && b->loss
               ? RH_OK
               : RH_ENOMEM;
}

/* Where the rows of the tasks are; which ones and in what order is drawn by lay_part. */
static void lay_out(struct rh_ctx *ctx, struct batch *b, const int32_t *task, int32_t n)
{
    const struct rh_rater *r = b->r;
    const struct rh_rater_params *p = r->params;
    const struct rh_domain *d = target_of(r);
    size_t width = (size_t)r->fields.width;
    b->n = n;
    for (int32_t i = 0; i < n; i++) {
        int64_t rows = d->row[task[i] + 1] - d->row[task[i]];
        int64_t query = p->asked < rows - 1 ? p->asked : rows - 1;
        int64_t support = rows - query < p->shots ? rows - query : p->shots;
        size_t at = (size_t)b->first_row[i];
        uint64_t stream = b->stream + (uint64_t)task[i];
        if (p->vary) {
            struct rh_rng rng = ctx->host->stream(ctx, "support", stream);
            support = rh_rng_below(&rng, (uint32_t)support + 1);
        }
        b->rows[i] = (struct rh_rater_rows){ .user = task[i], .n_support = (int32_t)support,
                                             .n = (int32_t)(support + query),
                                             .profile = b->x + at * width + r->fields.item_width,
                                             .x = b->x + at * width, .rating = b->rating + at, .stream = stream };
        b->first_row[i + 1] = b->first_row[i] + b->rows[i].n;
    }
}

/* The first rows of a random order are the support, the next the query set. */
static int draw_rows(struct rh_ctx *ctx, struct batch *b, int64_t at)
{
    const struct rh_domain *d = target_of(b->r);
    int32_t u = b->rows[at].user;
    int64_t begin = d->row[u], n = d->row[u + 1] - begin;
    struct rh_rng r = ctx->host->stream(ctx, "task", b->rows[at].stream);
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

static int lay_part(struct rh_ctx *ctx, void *arg, int64_t at, int64_t end)
{
    (void)end;
    struct batch *b = arg;
    const struct rh_fields *f = &b->r->fields;
    size_t width = (size_t)f->width, left = (size_t)f->item_width, size = (size_t)b->r->size;
    size_t first = (size_t)b->first_row[at], last = (size_t)b->first_row[at + 1];
    rh_real *user = ctx->host->scratch(ctx, width, sizeof *user);
    if (!user || draw_rows(ctx, b, at) < 0)
        return RH_ENOMEM;
    rh_fields_user(f, b->rows[at].user, user);
    for (size_t k = first; k < last; k++) {
        rh_fields_item(f, b->item[k], b->x + k * width);
        memcpy(b->x + k * width + left, user, (width - left) * sizeof *user);
    }
    memset(b->dx + first * width, 0, (last - first) * width * sizeof *b->dx);
    memset(b->dphi + (size_t)at * size, 0, size * sizeof *b->dphi);
    return RH_OK;
}

static int learn_part(struct rh_ctx *ctx, void *arg, int64_t at, int64_t end)
{
    (void)end;
    struct batch *b = arg;
    struct rh_rater *r = b->r;
    struct rh_rater_back back = { b->dx + (size_t)b->first_row[at] * (size_t)r->fields.width,
                                  b->dphi + (size_t)at * (size_t)r->size };
    return r->method->learn(ctx, r->self, &b->rows[at], back, b->work + (size_t)at * b->work_size, &b->loss[at]);
}

/* The mean over the tasks of their gradients, always in the order of the tasks. */
static int sum_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    struct batch *b = arg;
    size_t size = (size_t)b->r->size, n = (size_t)(end - begin);
    memset(b->sum + begin, 0, n * sizeof *b->sum);
    for (size_t i = 0; i < (size_t)b->n; i++)
        rh_axpy((int32_t)n, 1 / (rh_real)b->n, b->dphi + i * size + begin, b->sum + begin);
    return RH_OK;
}

static int refuse(struct rh_ctx *ctx, const struct rh_rater *r)
{
    if (r->inner_rate > 0)
        return ctx->host->fail(ctx, RH_ENUMERIC, "%s diverged: the loss of a query set is not finite; try an "
                               "inner_rate below %g or a rate below %g", r->method->who, r->inner_rate,
                               r->params->rate);
    return ctx->host->fail(ctx, RH_ENUMERIC, "%s diverged: the loss of a query set is not finite; try a rate below %g",
                           r->method->who, r->params->rate);
}

/* One outer step; *loss: the sum over the tasks. */
static int learn(struct rh_ctx *ctx, struct batch *b, double *loss)
{
    struct rh_rater *r = b->r;
    const struct rh_rater_method *m = r->method;
    int32_t rows = b->first_row[b->n];
    int status = ctx->host->parallel(ctx, b->n, 1, lay_part, b);
    if (status == RH_OK && m->before)
        status = m->before(ctx, r->self, b->n, b->rows, b->work, b->work_size);
    if (status == RH_OK)
        status = ctx->host->parallel(ctx, b->n, 1, learn_part, b);
    if (status == RH_OK)
        status = ctx->host->parallel(ctx, r->size, 4096, sum_part, b);
    if (status < 0)
        return status;
    *loss = 0;
    for (int32_t i = 0; i < b->n; i++)
        *loss += b->loss[i];
    if (!isfinite(*loss))
        return refuse(ctx, r);
    if (m->after && (status = m->after(ctx, r->self, b->n, b->rows, b->work, b->work_size)) < 0)
        return status;
    rh_real share = 1 / (rh_real)b->n;
    for (int64_t i = 0; i < (int64_t)rows * r->fields.width; i++)
        b->dx[i] *= share;
    rh_nn_step(&r->optimizer, 1);
    rh_nn_descend(&r->optimizer, r->size, r->phi, b->sum, r->first, r->second);
    status = rh_fields_back(ctx, &r->fields, rows, b->user, b->item, b->dx);
    return status < 0 ? status : rh_fields_descend(ctx, &r->fields, &r->optimizer);
}

int rh_rater_epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct rh_rater *r = state;
    const struct rh_rater_params *p = r->params;
    int32_t size = p->meta_batch < r->n_tasks ? (int32_t)p->meta_batch : r->n_tasks;
    int32_t *task = ctx->host->scratch(ctx, (size_t)r->n_tasks, sizeof *task);
    struct batch b;
    if (!task)
        return RH_ENOMEM;
    memcpy(task, r->task, (size_t)r->n_tasks * sizeof *task);
    struct rh_rng rng = ctx->host->stream(ctx, "order", (uint64_t)number);
    rh_rng_shuffle(&rng, task, r->n_tasks);
    int status = make_batch(ctx, r, size, &b);
    b.stream = p->redraw ? (uint64_t)number << 32 : 0;
    double sum = 0;
    for (int32_t at = 0; at < r->n_tasks && status == RH_OK; at += size) {
        double part = 0;
        lay_out(ctx, &b, task + at, r->n_tasks - at < size ? r->n_tasks - at : size);
        status = ctx->host->tick(ctx, at, r->n_tasks);
        if (status == RH_OK)
            status = learn(ctx, &b, &part);
        sum += part;
    }
    *loss = sum / r->n_tasks;
    return status < 0 ? status : publish(ctx, r);
}

/* ------------------------------------------------------------------------------------------------------ scoring */

#define TILE 256 /* candidates scored together */

struct scoring {
    rh_real *x;      /* [most of TILE and the support x width] */
    rh_real *rating; /* [shots] */
    rh_real *room;
    rh_real *user; /* [width - item_width] */
    int32_t *row;  /* [longest history] */
    uint8_t *seen; /* [items] the user trained on it */
};

static int take_memory(struct rh_ctx *ctx, const struct rh_rater *r, const struct rh_query *query, int32_t n,
                       struct scoring *y)
{
    const struct rh_host *host = ctx->host;
    int32_t longest = 1;
    for (int32_t i = 0; i < n; i++) {
        int32_t h = query[i].history[r->train->target].n;
        longest = h > longest ? h : longest;
    }
    int32_t support = longest < r->params->shots ? longest : (int32_t)r->params->shots;
    int32_t rows = support > TILE ? support : TILE;
    y->x = host->scratch(ctx, (size_t)rows * (size_t)r->fields.width, sizeof *y->x);
    y->rating = host->scratch(ctx, (size_t)support, sizeof *y->rating);
    y->room = host->scratch(ctx, r->method->room(r->self, support, TILE), sizeof *y->room);
    y->user = host->scratch(ctx, (size_t)r->fields.width, sizeof *y->user);
    y->row = host->scratch(ctx, (size_t)longest, sizeof *y->row);
    y->seen = host->scratch(ctx, (size_t)target_of(r)->n_items, 1);
    return y->x && y->rating && y->room && y->user && y->row && y->seen ? RH_OK : RH_ENOMEM;
}

/* Rows of the history that are the support: `row`, as many as are returned, evenly spaced where there are too many. */
static int32_t choose_support(const struct rh_rater *r, const struct rh_query *query, struct scoring *y)
{
    const struct rh_domain *d = target_of(r);
    const struct rh_history *h = &query->history[r->train->target];
    int64_t begin = d->row[query->user], end = d->row[query->user + 1];
    bool unseen = r->params->support == RH_SUPPORT_UNSEEN;
    int32_t n = 0, most = (int32_t)r->params->shots;
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
static void lay_row(const struct rh_rater *r, const rh_real *user, int32_t item, rh_real *x)
{
    size_t width = (size_t)r->fields.width, left = (size_t)r->fields.item_width;
    memcpy(x, r->item + (size_t)item * left, left * sizeof *x);
    memcpy(x + left, user, (width - left) * sizeof *x);
}

static int score_query(struct rh_ctx *ctx, const struct rh_rater *r, const struct rh_query *query, struct scoring *y,
                       float *out)
{
    const struct rh_history *h = &query->history[r->train->target];
    size_t width = (size_t)r->fields.width;
    int32_t support = h->n > 0 && h->value ? choose_support(r, query, y) : 0;
    rh_fields_user(&r->fields, query->user, y->user);
    for (int32_t k = 0; k < support; k++) {
        lay_row(r, y->user, h->item[y->row[k]], y->x + (size_t)k * width);
        y->rating[k] = (rh_real)h->value[y->row[k]];
    }
    struct rh_rater_rows rows = { .user = query->user, .n_support = support, .n = support, .profile = y->user,
                                  .x = y->x, .rating = y->rating };
    int status = r->method->meet(ctx, r->self, &rows, y->room);
    for (int32_t at = 0; at < query->n_candidates && status == RH_OK; at += TILE) {
        int32_t n = query->n_candidates - at < TILE ? query->n_candidates - at : TILE;
        for (int32_t c = 0; c < n; c++)
            lay_row(r, y->user, query->candidate ? query->candidate[at + c] : at + c, y->x + (size_t)c * width);
        const rh_real *predicted = r->method->predict(r->self, n, y->x, y->room);
        for (int32_t c = 0; c < n; c++)
            out[at + c] = (float)predicted[c];
    }
    return status;
}

int rh_rater_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                   size_t stride)
{
    const struct rh_rater *r = state;
    struct scoring y;
    int status = take_memory(ctx, r, query, n, &y);
    for (int32_t i = 0; i < n && status == RH_OK; i++)
        status = score_query(ctx, r, &query[i], &y, out + (size_t)i * stride);
    return status;
}
