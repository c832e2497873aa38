/* slim - sparse linear weights between items, by elastic net.
 *
 * Ning and Karypis 2011, "SLIM: sparse linear methods for top-N recommender systems" (ICDM). With X the users x items
 * matrix of ones where there is an interaction, x(j) a column of it and N users, the weights w that lead to item j
 * minimise
 *
 *     |x(j) - X w|^2 / (2 N)  +  alpha l1_ratio |w|_1  +  alpha (1 - l1_ratio) / 2 |w|^2      w(j) = 0, and w >= 0
 *
 * which is scikit-learn's ElasticNet, as Ferrari Dacrema, Cremonesi and Jannach 2019 apply it to each column; without
 * `positive_only` weights may be negative. The k = `neighbors` largest weights are kept, and the score of j is their
 * sum over the history.
 *
 * Solved by coordinate descent (Friedman, Hastie and Tibshirani 2010, "Regularization paths for generalized linear
 * models via coordinate descent", Journal of Statistical Software 33(1)) with covariance updates: with G = X'X, the
 * residual correlations r = G(j) - G w of all items are at hand, so that an item of weight 0 that stays at 0 costs
 * one comparison, and a weight that moves by d costs r -= d G(i). A few columns are solved for side by side: a row of
 * G comes into the cache once for all of them. A move too small to matter is not made; a column is ready when a pass
 * moves no weight by more than `tolerance` times the largest one. Columns do not depend on each other, nor on
 * threads.
 *
 * Unseen users are folded in through their history; without one, every item gets 0, as does one without interactions.
 *
 * Time: counts see lib/gram.h; passes (10 to 30) x non-zero weights x I multiplications. Memory: 4 I^2 bytes while
 * fitting, then 8 bytes a weight. */
#include <rh/plugin.h>

#include "algorithms/lib/gram.h"
#include "algorithms/lib/neighbors.h"
#include "algorithms/lib/topk.h"
#include "algorithms/lib/wide.h"

#include <string.h>

#define COLUMNS 8 /* solved for side by side */
#define SHARE 256  /* columns between two ticks */
#define TOO_SMALL 0.1f /* times the tolerance: a move that is not made */

struct slim_params {
    double alpha, l1_ratio, tolerance;
    int64_t neighbors, passes;
    bool positive_only;
};

static const struct rh_param slim_table[] = {
    RH_REAL(struct slim_params, alpha, 0.1, 1e-9, 1e6, "regularisation, of an error that is the mean over users"),
    RH_REAL(struct slim_params, l1_ratio, 0.001, 0, 1, "share of the regularisation that is L1: sets weights to 0"),
    RH_INT(struct slim_params, neighbors, 500, 1, 1000000, "k: the largest weights that lead to an item are kept"),
    RH_BOOL(struct slim_params, positive_only, true, "no weight is negative"),
    RH_REAL(struct slim_params, tolerance, 1e-4, 1e-7, 0.1,
            "a pass that moves no weight by this share of the largest one is the last"),
    RH_INT(struct slim_params, passes, 100, 1, 100000, "passes over the items at most"),
    RH_PARAMS_END,
};

struct solving {
    const struct slim_params *params;
    const float *g; /* [n x n] */
    float l1, l2;
    int32_t n, k, first;
    int32_t *length; /* [n] of the list of an item */
    int32_t *item;   /* [n x k] */
    float *weight;   /* [n x k] */
};

/* A column at work. */
struct column {
    int32_t j;
    float *w, *r;         /* [n] weights and residual correlations */
    float moved, largest; /* largest move and largest weight of this pass */
    float scale;          /* largest weight of the pass before; 0 at first */
};

/* r -= d g, eight at a time from any address. */
typedef float unaligned __attribute__((vector_size(32), aligned(4), may_alias));
static inline __attribute__((always_inline)) void subtract(float *restrict r, float d, const float *restrict g,
                                                           int32_t n)
{
    int32_t i = 0;
    for (; i + 32 <= n; i += 32)
        for (int32_t l = 0; l < 32; l += 8)
            *(unaligned *)(r + i + l) -= d * *(const unaligned *)(g + i + l);
    for (; i < n; i++)
        r[i] -= d * g[i];
}

/* One pass over the items for some columns. */
RH_WIDE static void pass(const struct solving *s, struct column **column, int32_t n_columns)
{
    float least = (float)s->params->tolerance * TOO_SMALL, l1 = s->l1;
    bool positive = s->params->positive_only;
    for (int32_t i = 0; i < s->n; i++) {
        const float *g = s->g + (int64_t)i * s->n;
        float diagonal = g[i];
        if (!(diagonal > 0))
            continue;
        for (int32_t m = 0; m < n_columns; m++) {
            struct column *c = column[m];
            float old = c->w[i], r = c->r[i] + diagonal * old, w = 0;
            if (r > l1)
                w = (r - l1) / (diagonal + s->l2);
            else if (r < -l1 && !positive)
                w = (r + l1) / (diagonal + s->l2);
            if ((w == 0 && old == 0) || i == c->j)
                continue;
            c->largest = fmaxf(c->largest, fabsf(w));
            float d = w - old;
            if (fabsf(d) <= least * c->scale && w != 0)
                continue;
            c->moved = fmaxf(c->moved, fabsf(d));
            c->w[i] = w;
            subtract(c->r, d, g, s->n);
        }
    }
}

/* The k largest weights. `key` has room for n. */
static void keep(const struct solving *s, const struct column *c, uint64_t *key)
{
    int32_t n = 0;
    for (int32_t i = 0; i < s->n; i++)
        if (c->w[i] != 0)
            key[n++] = rh_topk_key(fabsf(c->w[i]), i);
    if (n > s->k) {
        rh_topk_select(key, n, s->k);
        n = s->k;
    }
    for (int32_t m = 0; m < n; m++) {
        int64_t at = (int64_t)c->j * s->k + m;
        s->item[at] = rh_topk_index(key[m]);
        s->weight[at] = c->w[s->item[at]];
    }
    s->length[c->j] = n;
}

static int solve_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct solving *s = arg;
    size_t n = (size_t)s->n, columns = (size_t)(end - begin);
    float *w = ctx->host->scratch(ctx, columns * n, sizeof *w), *r = ctx->host->scratch(ctx, columns * n, sizeof *r);
    uint64_t *key = ctx->host->scratch(ctx, n, sizeof *key);
    if (!w || !r || !key)
        return RH_ENOMEM;
    struct column column[COLUMNS], *busy[COLUMNS];
    int32_t n_busy = 0;
    for (size_t m = 0; m < columns; m++) {
        column[m] = (struct column){ .j = s->first + (int32_t)(begin + (int64_t)m), .w = w + m * n, .r = r + m * n };
        memcpy(column[m].r, s->g + (size_t)column[m].j * n, n * sizeof *r);
        busy[n_busy++] = &column[m];
    }
    for (int64_t p = 0; p < s->params->passes && n_busy > 0; p++) {
        pass(s, busy, n_busy);
        int32_t still = 0;
        for (int32_t m = 0; m < n_busy; m++) {
            bool moves = busy[m]->moved > (float)s->params->tolerance * busy[m]->largest;
            busy[m]->scale = busy[m]->largest;
            busy[m]->moved = busy[m]->largest = 0;
            if (moves)
                busy[still++] = busy[m];
        }
        n_busy = still;
    }
    for (size_t m = 0; m < columns; m++)
        keep(s, &column[m], key);
    return RH_OK;
}

/* Moves the lists together, and turns them round: what an item of the history leads to. */
static int pack(struct rh_ctx *ctx, struct solving *s, struct rh_neighbors *out)
{
    int64_t *row = ctx->host->scratch(ctx, (size_t)s->n + 1, sizeof *row);
    if (!row)
        return RH_ENOMEM;
    for (int32_t j = 0; j < s->n; j++) {
        int64_t from = (int64_t)j * s->k;
        memmove(s->item + row[j], s->item + from, (size_t)s->length[j] * sizeof *s->item);
        memmove(s->weight + row[j], s->weight + from, (size_t)s->length[j] * sizeof *s->weight);
        row[j + 1] = row[j] + s->length[j];
    }
    struct rh_neighbors lists = { s->n, row, s->item, s->weight };
    return rh_neighbors_transpose(ctx, &lists, out);
}

static int slim_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct rh_host *host = ctx->host;
    const struct slim_params *p = params;
    struct rh_neighbor_model *model = state;
    const struct rh_domain *d = &train->domain[train->target];
    struct solving s = { .params = p, .n = d->n_items };
    size_t n = (size_t)s.n;
    s.k = p->neighbors < s.n ? (int32_t)p->neighbors : s.n;
    float *g = host->scratch(ctx, n * n, sizeof *g);
    s.length = host->scratch(ctx, n, sizeof *s.length);
    s.item = host->scratch(ctx, n * (size_t)s.k, sizeof *s.item);
    s.weight = host->scratch(ctx, n * (size_t)s.k, sizeof *s.weight);
    if (!g || !s.length || !s.item || !s.weight)
        return RH_ENOMEM;
    int64_t users = 0;
    for (int32_t u = 0; u < train->n_users; u++)
        users += d->row[u + 1] > d->row[u];
    s.g = g;
    s.l1 = (float)(p->alpha * p->l1_ratio * (double)users);
    s.l2 = (float)(p->alpha * (1 - p->l1_ratio) * (double)users);
    model->target = train->target;
    int status = rh_gram_count(ctx, d, train->n_users, g);
    for (s.first = 0; s.first < s.n && status >= 0; s.first += SHARE) {
        status = host->tick(ctx, s.first, s.n);
        if (status >= 0)
            status = host->parallel(ctx, s.n - s.first < SHARE ? s.n - s.first : SHARE, COLUMNS, solve_part, &s);
    }
    return status < 0 ? status : pack(ctx, &s, &model->brings);
}

static const struct rh_algorithm slim = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "slim",
    .summary = "sparse linear weights between items, by elastic net",
    .reference = "Ning and Karypis 2011, SLIM: sparse linear methods for top-N recommender systems (ICDM)",
    .cost = "fit O(sum over users of the squared row length + passes x weights x I), score O(I + |history| k) a query, "
            "memory 4 I^2 bytes while fitting, 8 k I bytes after",
    .advice = "One of the strongest linear models, and sparse where ease is dense. Tune alpha (0.001 to 1) first, then "
              "l1_ratio (1e-5 to 0.1) and neighbors. The time of a fit grows with the weights that are not 0: more L1 "
              "is quicker. It cannot score items without interactions.",
    .revision = 1,
    .flags = RH_A_COLD_USERS,
    .params = slim_table,
    .params_size = sizeof(struct slim_params),
    .state_size = sizeof(struct rh_neighbor_model),
    .fit = slim_fit,
    .score = rh_neighbor_model_score,
    .explain = rh_neighbor_model_explain,
    .persist = rh_neighbor_model_persist,
};
RH_ALGORITHM(slim)
