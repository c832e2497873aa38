#include "algorithms/lib/meta.h"

#include <string.h>

const struct rh_choice rh_tasks_words[] = {
    { "target", RH_TASKS_TARGET, "the target's users; sources are not looked at, but to be transferred from first" },
    { "sources", RH_TASKS_SOURCES, "users of the sources, with their rows there" },
    { "both", RH_TASKS_BOTH, "a task for each domain of a user" },
    { NULL, 0, NULL },
};

/* ---------------------------------------------------------------------------------------------------- one task */

size_t rh_meta_work(const struct rh_meta *m, int32_t n, int32_t n_slots)
{
    /* the path phi_0 .. phi_steps, v, M v, and a gradient, with rates one of each step */
    size_t gradients = m->rates && m->steps > 0 ? (size_t)m->steps : 1;
    return ((size_t)m->steps + 3 + gradients) * (size_t)rh_net_size(&m->net) + rh_net_work(&m->net, n, n_slots);
}

/* Sets the weights that do not adapt to zero. */
static void mask(const struct rh_meta *m, rh_real *v)
{
    if (m->head_only)
        memset(v, 0, (size_t)rh_net_layer_size(&m->net) * sizeof *v);
}

/* to = from - rate * M gradient, where gradient = grad L_S(from); also adds to dp and dt, unless NULL. */
static void descend(const struct rh_meta *m, const struct rh_net_set *support, const rh_real *from, rh_real *to,
                    rh_real *gradient, rh_real *dp, rh_real *dt, rh_real *work)
{
    int32_t size = (int32_t)rh_net_size(&m->net);
    memset(gradient, 0, (size_t)size * sizeof *gradient);
    rh_net_gradient(&m->net, from, support, gradient, dp, dt, work);
    mask(m, gradient);
    memcpy(to, from, (size_t)size * sizeof *to);
    if (m->rates)
        rh_axpy_product(size, -1, m->rates, gradient, to);
    else
        rh_axpy(size, (rh_real)-m->rate, gradient, to);
}

/* From v behind an inner step to v before it, at phi = path; adds to the gradients by the support and the rates. */
static void step_back(const struct rh_meta *m, const struct rh_net_set *support, const rh_real *path,
                      const rh_real *gradient, rh_real *v, rh_real *mv, const struct rh_meta_gradient *d, rh_real *work)
{
    size_t size = (size_t)rh_net_size(&m->net);
    memcpy(mv, v, size * sizeof *mv);
    mask(m, mv);
    if (m->rates) {
        rh_axpy_product((int32_t)size, -1, gradient, mv, d->rates);
        for (size_t i = 0; i < size; i++)
            mv[i] *= m->rates[i];
    }
    if (m->order == RH_SECOND_ORDER)
        rh_net_gradient_r(&m->net, path, mv, support, m->rates ? -1 : (rh_real)-m->rate, v, d->support_p,
                          d->support_t, work);
}

double rh_meta_task(const struct rh_meta *m, const rh_real *phi, const struct rh_net_set *support,
                    const struct rh_net_set *query, rh_real *dphi, const struct rh_meta_gradient *d, rh_real *work)
{
    size_t size = (size_t)rh_net_size(&m->net);
    int32_t steps = support->pairs.n > 0 ? m->steps : 0;
    size_t kept = m->rates ? 1 : 0; /* gradients stay for the way back */
    bool along = m->order == RH_ALONG_PATH;
    rh_real *path = work, *v = path + ((size_t)m->steps + 1) * size, *mv = v + size, *gradient = mv + size;
    work = gradient + (kept && m->steps > 0 ? (size_t)m->steps : 1) * size;
    memcpy(path, phi, size * sizeof *path);
    for (int32_t s = 0; s < steps; s++) {
        rh_real *g = gradient + kept * (size_t)s * size;
        descend(m, support, path + (size_t)s * size, path + (size_t)(s + 1) * size, g, along ? d->support_p : NULL,
                along ? d->support_t : NULL, work);
        if (along)
            rh_axpy((int32_t)size, 1, g, dphi);
    }
    memset(v, 0, size * sizeof *v);
    double loss = rh_net_gradient(&m->net, path + (size_t)steps * size, query, v, d->query_p, d->query_t, work);
    for (int32_t s = steps - 1; s >= 0 && (m->order == RH_SECOND_ORDER || m->rates); s--)
        step_back(m, support, path + (size_t)s * size, gradient + kept * (size_t)s * size, v, mv, d, work);
    rh_axpy((int32_t)size, 1, v, dphi);
    return loss;
}

void rh_meta_adapt(const struct rh_meta *m, const rh_real *phi, const struct rh_net_set *support, rh_real *adapted,
                   rh_real *work)
{
    size_t size = (size_t)rh_net_size(&m->net);
    rh_real *gradient = work, *next = work + size;
    memcpy(adapted, phi, size * sizeof *adapted);
    for (int32_t s = 0; s < m->steps && support->pairs.n > 0; s++) {
        descend(m, support, adapted, next, gradient, NULL, NULL, next + size);
        memcpy(adapted, next, size * sizeof *adapted);
    }
}

/* -------------------------------------------------------------------------------------------- batches of tasks */

int rh_meta_tasks(struct rh_ctx *ctx, const char *who, enum rh_tasks which, const struct rh_train *train,
                  struct rh_task **task, int32_t *n_tasks)
{
    int64_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        n = 0;
        for (int32_t d = 0; d < train->n_domains; d++) {
            bool has = which == RH_TASKS_BOTH || (d == train->target) == (which == RH_TASKS_TARGET);
            for (int32_t u = 0; has && u < train->n_users; u++)
                if (train->domain[d].row[u + 1] - train->domain[d].row[u] >= 2) {
                    if (pass)
                        (*task)[n] = (struct rh_task){ u, d };
                    n++;
                }
        }
        if (n == 0 || n > INT32_MAX)
            return ctx->host->fail(ctx, RH_EDATA,
                                   "%s makes a task of each user with two rows or more in a domain: %lld found with "
                                   "tasks = %s, 1 to 2147483647 are allowed; try other tasks, or data with longer "
                                   "histories",
                                   who, (long long)n, rh_tasks_words[which].word);
        if (!pass && !(*task = ctx->host->alloc(ctx, (size_t)n, sizeof **task)))
            return RH_ENOMEM;
    }
    *n_tasks = (int32_t)n;
    return RH_OK;
}

int rh_meta_pass(struct rh_ctx *ctx, const struct rh_task *task, int32_t n_tasks, int32_t size, uint64_t pass,
                 rh_meta_step *step, void *arg, double *loss)
{
    struct rh_task *shuffled = ctx->host->scratch(ctx, (size_t)n_tasks, sizeof *shuffled);
    int32_t *order = ctx->host->scratch(ctx, (size_t)n_tasks, sizeof *order);
    if (!shuffled || !order)
        return RH_ENOMEM;
    for (int32_t i = 0; i < n_tasks; i++)
        order[i] = i;
    struct rh_rng r = ctx->host->stream(ctx, "order", pass);
    rh_rng_shuffle(&r, order, n_tasks);
    for (int32_t i = 0; i < n_tasks; i++)
        shuffled[i] = task[order[i]];
    double sum = 0;
    for (int32_t at = 0; at < n_tasks; at += size) {
        int32_t n = n_tasks - at < size ? n_tasks - at : size;
        double mean = 0;
        int status = ctx->host->tick(ctx, at, n_tasks);
        if (status == RH_OK)
            status = step(ctx, arg, (uint64_t)at, shuffled + at, n, &mean);
        if (status < 0)
            return status;
        sum += mean * n;
    }
    *loss = sum / n_tasks;
    return RH_OK;
}

static int64_t others_length(const struct rh_meta_batch *b, const struct rh_task *task)
{
    int64_t n = 0;
    for (int32_t d = 0; d < b->net->train->n_domains; d++)
        if (d != task->domain && b->net->used[d] && b->see[d] && rh_history_share(b->net, task->domain, d) > 0)
            n += b->net->train->domain[d].row[task->user + 1] - b->net->train->domain[d].row[task->user];
    return n;
}

int rh_meta_batch_init(struct rh_ctx *ctx, struct rh_meta_batch *b, struct rh_network *net,
                       const struct rh_meta *meta, int32_t n_tasks, int32_t shots, const bool *see)
{
    const struct rh_host *host = ctx->host;
    size_t E = (size_t)net->net.E, phi = (size_t)rh_net_size(&net->net), tasks = (size_t)n_tasks;
    *b = (struct rh_meta_batch){
        .net = net, .meta = meta, .see = see, .shots = shots,
        .negatives = { (int32_t)net->params->negatives, meta->negatives },
    };
    b->negatives[1] = b->negatives[1] ? b->negatives[1] : b->negatives[0];
    b->m = 1 + (b->negatives[0] > b->negatives[1] ? b->negatives[0] : b->negatives[1]);
    int64_t longest = 0;
    for (int32_t u = 0; u < net->train->n_users; u++) {
        struct rh_task all = { u, -1 };
        int64_t length = others_length(b, &all);
        longest = length > longest ? length : longest;
    }
    size_t rows = tasks * (size_t)(shots + RH_GROUP), history = tasks * ((size_t)shots + (size_t)longest);
    size_t slots = rows * (size_t)b->m + history, items = (size_t)net->tower.n_items;
    slots = slots < items ? slots : items;
    int32_t most = shots > RH_GROUP ? shots : RH_GROUP;
    b->work_size = rh_meta_work(meta, most, most * b->m);

    b->first_row = host->scratch(ctx, tasks + 1, sizeof *b->first_row);
    b->n_support = host->scratch(ctx, tasks, sizeof *b->n_support);
    b->first_history = host->scratch(ctx, tasks + 1, sizeof *b->first_history);
    b->norm_support = host->scratch(ctx, tasks, sizeof *b->norm_support);
    b->norm_query = host->scratch(ctx, tasks, sizeof *b->norm_query);
    b->slot = host->scratch(ctx, rows * (size_t)b->m, sizeof *b->slot);
    b->local = host->scratch(ctx, rows * (size_t)b->m, sizeof *b->local);
    b->weight = host->scratch(ctx, rows, sizeof *b->weight);
    b->history = host->scratch(ctx, history, sizeof *b->history);
    b->history_weight = host->scratch(ctx, history, sizeof *b->history_weight);
    b->t = host->scratch(ctx, slots * E, sizeof *b->t);
    b->dt = host->scratch(ctx, slots * E, sizeof *b->dt);
    b->row_t = host->scratch(ctx, rows * (size_t)b->m * E, sizeof *b->row_t);
    b->drow_t = host->scratch(ctx, rows * (size_t)b->m * E, sizeof *b->drow_t);
    b->p = host->scratch(ctx, rows * E, sizeof *b->p);
    b->dp = host->scratch(ctx, rows * E, sizeof *b->dp);
    b->task_dphi = host->scratch(ctx, tasks * phi, sizeof *b->task_dphi);
    b->dphi = host->scratch(ctx, phi, sizeof *b->dphi);
    b->task_drates = meta->rates ? host->scratch(ctx, tasks * phi, sizeof *b->task_drates) : NULL;
    b->drates = meta->rates ? host->scratch(ctx, phi, sizeof *b->drates) : NULL;
    b->work = host->scratch(ctx, tasks * b->work_size, sizeof *b->work);
    b->task_loss = host->scratch(ctx, tasks, sizeof *b->task_loss);
    if (!b->first_row || !b->n_support || !b->first_history || !b->norm_support || !b->norm_query || !b->slot ||
        !b->local || !b->weight || !b->history || !b->history_weight || !b->t || !b->dt || !b->row_t || !b->drow_t ||
        !b->p || !b->dp || !b->task_dphi || !b->dphi || !b->work || !b->task_loss ||
        (meta->rates && (!b->task_drates || !b->drates)))
        return RH_ENOMEM;
    return rh_slots_init(ctx, &b->slots, net->tower.n_items);
}

/* How many support and query rows a task of n rows gets: 1 to `shots` in support, drawn, and none with probability
 * history_dropout. At least one row is left for the query. */
static int32_t draw_sizes(const struct rh_meta_batch *b, int64_t n, struct rh_rng *r)
{
    int64_t most = n - 1 < b->shots ? n - 1 : b->shots;
    int32_t k = 1 + (int32_t)rh_rng_below(r, (uint32_t)most);
    return rh_rng_uniform(r) < b->net->params->history_dropout ? 0 : k;
}

struct drawing {
    struct rh_meta_batch *batch;
    struct rh_rng *stream; /* [n_tasks] after draw_sizes */
};

/* Items of the rows and of the history of a task, by their number through all domains, in place of slots. */
static int draw_part(struct rh_ctx *ctx, void *arg, int64_t at, int64_t end)
{
    (void)end;
    struct drawing *s = arg;
    struct rh_meta_batch *b = s->batch;
    const struct rh_network *net = b->net;
    const struct rh_network_params *params = net->params;
    const struct rh_task *task = &b->task[at];
    const struct rh_domain *own = &net->train->domain[task->domain];
    struct rh_rng r = s->stream[at];
    int32_t n_support = b->n_support[at], rows = b->first_row[at + 1] - b->first_row[at];
    int64_t begin = own->row[task->user], n = own->row[task->user + 1] - begin, h = b->first_history[at];
    int32_t *order = ctx->host->scratch(ctx, (size_t)n, sizeof *order);
    if (!order)
        return RH_ENOMEM;
    for (int32_t k = 0; k < (int32_t)n; k++)
        order[k] = k;
    int32_t liked_rows[2] = { 0, 0 };
    double weight = b->meta->blind ? 0 : n_support;
    for (int32_t k = 0; k < rows; k++) { /* before the sampled items: a twin has the same tasks, however it samples */
        int32_t j = k + (int32_t)rh_rng_below(&r, (uint32_t)(n - k)), swap = order[k];
        order[k] = order[j];
        order[j] = swap;
    }
    for (int32_t i = 0; i < rows; i++) { /* the query first, for the same reason */
        int32_t k = i < rows - n_support ? n_support + i : i - (rows - n_support);
        int64_t row = begin + order[k];
        size_t to = (size_t)b->first_row[at] + (size_t)k;
        int32_t first = net->tower.first_item[task->domain], *items = b->slot + to * (size_t)b->m;
        if (k < n_support && !b->meta->blind) {
            b->history[h] = first + own->item[row];
            b->history_weight[h++] = (rh_real)rh_history_weight(net, task->domain, own->value, row);
        }
        bool liked =
            params->positives == RH_ALL_ROWS || !own->value || (double)own->value[row] >= net->mean[task->domain];
        items[0] = liked ? first + own->item[row] : -1;
        for (int32_t c = 1; c < b->m; c++) {
            bool drawn = liked && c <= b->negatives[k < n_support];
            int32_t item = drawn ? rh_network_negative(net, task->domain, task->user, &r) : -1;
            items[c] = item < 0 ? -1 : first + item;
        }
        if (items[1] < 0)
            items[0] = -1;
        liked_rows[k >= n_support] += items[0] >= 0;
    }
    for (int32_t k = 0; k < rows; k++) {
        rh_real *weight_of = &b->weight[(size_t)b->first_row[at] + (size_t)k];
        if (k < n_support)
            *weight_of = rh_support_weight(net, task->domain, own->value, begin + order[k], liked_rows[0]);
        else
            *weight_of = liked_rows[1] ? 1 / (rh_real)liked_rows[1] : 0;
    }
    for (int32_t d = 0; d < net->train->n_domains; d++) {
        const struct rh_domain *x = &net->train->domain[d];
        double share = rh_history_share(net, task->domain, d);
        if (d == task->domain || !net->used[d] || !b->see[d] || share <= 0)
            continue;
        for (int64_t j = x->row[task->user]; j < x->row[task->user + 1]; j++) {
            b->history[h] = net->tower.first_item[d] + x->item[j];
            b->history_weight[h++] = (rh_real)(share * rh_history_weight(net, d, x->value, j));
            weight += share;
        }
    }
    b->norm_query[at] = rh_history_norm(net, weight);
    b->norm_support[at] = rh_history_norm(net, b->meta->blind ? weight : weight - 1);
    return RH_OK;
}

int rh_meta_batch_draw(struct rh_ctx *ctx, struct rh_meta_batch *b, uint64_t pass, uint64_t first,
                       const struct rh_task *task, int32_t n_tasks)
{
    struct drawing s = { b, ctx->host->scratch(ctx, (size_t)n_tasks, sizeof(struct rh_rng)) };
    if (!s.stream)
        return RH_ENOMEM;
    b->task = task;
    b->n_tasks = n_tasks;
    for (int32_t i = 0; i < n_tasks; i++) {
        const struct rh_domain *own = &b->net->train->domain[task[i].domain];
        int64_t n = own->row[task[i].user + 1] - own->row[task[i].user];
        s.stream[i] = ctx->host->stream(ctx, "task", (pass << 32) + first + (uint64_t)i);
        int32_t k = b->n_support[i] = draw_sizes(b, n, &s.stream[i]);
        b->first_row[i + 1] = b->first_row[i] + k + (int32_t)(n - k < RH_GROUP ? n - k : RH_GROUP);
        b->first_history[i + 1] = b->first_history[i] + (b->meta->blind ? 0 : k) + others_length(b, &task[i]);
    }
    int status = ctx->host->parallel(ctx, n_tasks, 1, draw_part, &s);
    if (status < 0)
        return status;
    rh_slots_clear(&b->slots);
    for (int32_t i = 0; i < n_tasks; i++) {
        int32_t middle = b->first_row[i] + b->n_support[i];
        for (int32_t k = b->first_row[i]; k < b->first_row[i + 1]; k++)
            for (int32_t j = 0; j < b->m; j++) {
                size_t at = (size_t)k * (size_t)b->m + (size_t)j;
                bool there = b->slot[at] >= 0;
                b->slot[at] = there ? rh_slot(&b->slots, b->slot[at]) : -1;
                b->local[at] = there ? (k - (k < middle ? b->first_row[i] : middle)) * b->m + j : -1;
            }
    }
    for (int64_t h = 0; h < b->first_history[n_tasks]; h++)
        b->history[h] = rh_slot(&b->slots, b->history[h]);
    return RH_OK;
}

static int items_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    struct rh_meta_batch *b = arg;
    rh_tower_vectors(&b->net->tower, b->slots.item + begin, 0, (int32_t)(end - begin),
                     b->t + (size_t)begin * (size_t)b->net->net.E);
    return RH_OK;
}

/* p of the rows of a task and the vectors of their items. */
static void gather(struct rh_meta_batch *b, int64_t at, rh_real *sum)
{
    size_t E = (size_t)b->net->net.E, rows = (size_t)b->first_row[at], end = (size_t)b->first_row[at + 1];
    int64_t history = b->first_history[at];
    memset(sum, 0, E * sizeof *sum);
    for (int64_t h = history; h < b->first_history[at + 1]; h++)
        rh_axpy((int32_t)E, b->history_weight[h], b->t + (size_t)b->history[h] * E, sum);
    for (size_t k = rows; k < end; k++) {
        rh_real *p = b->p + k * E;
        int64_t own = history + (int64_t)(k - rows);
        bool support = own < history + b->n_support[at];
        rh_real norm = support ? b->norm_support[at] : b->norm_query[at];
        memset(p, 0, E * sizeof *p);
        rh_axpy((int32_t)E, norm, sum, p);
        if (support && !b->meta->blind)
            rh_axpy((int32_t)E, -norm * b->history_weight[own], b->t + (size_t)b->history[own] * E, p);
        for (size_t j = k * (size_t)b->m; j < (k + 1) * (size_t)b->m; j++)
            if (b->slot[j] >= 0)
                memcpy(b->row_t + j * E, b->t + (size_t)b->slot[j] * E, E * sizeof *p);
    }
}

static int task_part(struct rh_ctx *ctx, void *arg, int64_t at, int64_t end)
{
    (void)ctx, (void)end;
    struct rh_meta_batch *b = arg;
    size_t E = (size_t)b->net->net.E, m = (size_t)b->m, phi = (size_t)rh_net_size(&b->net->net);
    size_t rows = (size_t)b->first_row[at], n = (size_t)b->first_row[at + 1] - rows;
    int32_t n_support = b->n_support[at], n_query = (int32_t)n - n_support;
    size_t middle = rows + (size_t)n_support;
    gather(b, at, b->work + (size_t)at * b->work_size);
    memset(b->dp + rows * E, 0, n * E * sizeof *b->dp);
    memset(b->drow_t + rows * m * E, 0, n * m * E * sizeof *b->drow_t);
    memset(b->task_dphi + (size_t)at * phi, 0, phi * sizeof *b->task_dphi);
    struct rh_net_set support = { { n_support, b->m, b->local + rows * m, b->weight + rows },
                                  n_support * b->m,
                                  b->p + rows * E,
                                  b->row_t + rows * m * E };
    struct rh_net_set query = { { n_query, b->m, b->local + middle * m, b->weight + middle },
                                n_query * b->m,
                                b->p + middle * E,
                                b->row_t + middle * m * E };
    struct rh_meta_gradient d = { b->dp + rows * E, b->drow_t + rows * m * E, b->dp + middle * E,
                                  b->drow_t + middle * m * E, NULL };
    if (b->drates) {
        d.rates = b->task_drates + (size_t)at * phi;
        memset(d.rates, 0, phi * sizeof *d.rates);
    }
    b->task_loss[at] = rh_meta_task(b->meta, b->net->phi, &support, &query, b->task_dphi + (size_t)at * phi, &d,
                                    b->work + (size_t)at * b->work_size);
    return RH_OK;
}

/* Adds a task's gradients by its gathered items and by its history to dt. */
static void scatter(struct rh_meta_batch *b, int64_t at, rh_real share)
{
    size_t E = (size_t)b->net->net.E, rows = (size_t)b->first_row[at], end = (size_t)b->first_row[at + 1];
    int64_t history = b->first_history[at];
    rh_real *dsum = b->work + (size_t)at * b->work_size;
    memset(dsum, 0, E * sizeof *dsum);
    for (size_t j = rows * (size_t)b->m; j < end * (size_t)b->m; j++)
        if (b->slot[j] >= 0)
            rh_axpy((int32_t)E, share, b->drow_t + j * E, b->dt + (size_t)b->slot[j] * E);
    for (size_t k = rows; k < end; k++) {
        int64_t own = history + (int64_t)(k - rows);
        bool support = own < history + b->n_support[at];
        rh_real norm = share * (support ? b->norm_support[at] : b->norm_query[at]);
        rh_axpy((int32_t)E, norm, b->dp + k * E, dsum);
        if (support && !b->meta->blind)
            rh_axpy((int32_t)E, -norm * b->history_weight[own], b->dp + k * E, b->dt + (size_t)b->history[own] * E);
    }
    for (int64_t h = history; h < b->first_history[at + 1]; h++)
        rh_axpy((int32_t)E, b->history_weight[h], dsum, b->dt + (size_t)b->history[h] * E);
}

int rh_meta_batch_learn(struct rh_ctx *ctx, struct rh_meta_batch *b)
{
    int32_t phi = (int32_t)rh_net_size(&b->net->net);
    int status = ctx->host->parallel(ctx, b->slots.n, 64, items_part, b);
    if (status == RH_OK)
        status = ctx->host->parallel(ctx, b->n_tasks, 1, task_part, b);
    if (status < 0)
        return status;
    rh_real share = 1 / (rh_real)b->n_tasks;
    memset(b->dphi, 0, (size_t)phi * sizeof *b->dphi);
    if (b->drates)
        memset(b->drates, 0, (size_t)phi * sizeof *b->drates);
    memset(b->dt, 0, (size_t)b->slots.n * (size_t)b->net->net.E * sizeof *b->dt);
    b->loss = 0;
    for (int32_t i = 0; i < b->n_tasks; i++) {
        b->loss += b->task_loss[i] / b->n_tasks;
        rh_axpy(phi, share, b->task_dphi + (size_t)i * (size_t)phi, b->dphi);
        if (b->drates)
            rh_axpy(phi, share, b->task_drates + (size_t)i * (size_t)phi, b->drates);
        scatter(b, i, share);
    }
    return RH_OK;
}
