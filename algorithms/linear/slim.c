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
 * models via coordinate descent", Journal of Statistical Software 33(1)), a few columns side by side, in one of two
 * ways:
 *
 * counts: with G = X'X, the residual correlations r = G(j) - G w of all items are at hand, so that an item of weight 0
 *     that stays at 0 costs one comparison, and a weight that moves by d costs r -= d G(i). After two passes over all
 *     items, the passes go over the items whose weight is not 0 alone, with their rows and columns of G moved together,
 *     until these weights stand still; then one pass over all items says whether others have to come in.
 * rows: the residuals x(j) - X w of the users are at hand, for eight columns in the lanes of a vector register. A
 *     weight costs a walk over the users of the item, and another if it moves. No matrix of items is needed.
 *
 * A pass costs a column m^2 multiplications by counts, where m weights are not 0, and 2 nnz by rows. `auto` solves for
 * a few columns by rows, and goes on by counts when these have few weights. A move too small to matter is not made; a
 * column is ready when a pass over all items moves no weight by more than `tolerance` times the largest one. The same
 * columns stand side by side on any number of threads.
 *
 * Unseen users are folded in through their history; without one, every item gets 0, as does one without interactions.
 *
 * Time, a column: passes (20 to 200) times the multiplications above, and by counts some 4 m I more. Memory: 8 bytes a
 * weight kept; while fitting 4 I^2 for counts, 32 (U + I) a thread for rows. */
#include <rh/plugin.h>

#include "algorithms/lib/elastic_rows.h"
#include "algorithms/lib/factors.h"
#include "algorithms/lib/gram.h"
#include "algorithms/lib/neighbors.h"
#include "algorithms/lib/topk.h"

#include <string.h>

#define COLUMNS RH_ELASTIC_LANES /* solved for side by side */
#define SAMPLE 16  /* columns that tell which way is quicker */
#define SHARE 256  /* columns between two ticks */
#define FIRST 2    /* passes over all items before the first over few */
#define FEW 1024   /* items at most whose rows of G are moved together */
#define STILL 0.25f    /* times the tolerance: when passes over few items end */
#define TOO_SMALL 0.1f /* times the tolerance: a move that is not made */

enum { AUTO, COUNTS, ROWS };

struct slim_params {
    double alpha, l1_ratio, tolerance;
    int64_t neighbors, passes;
    int solver;
    bool positive_only;
};

static const struct rh_choice solvers[] = {
    { "auto", AUTO, "rows for a few columns, then what these say is quicker" },
    { "counts", COUNTS, "on the matrix of how often items occur together" },
    { "rows", ROWS, "on the users' residuals; little memory" },
    { NULL, 0, NULL },
};

static const struct rh_param slim_table[] = {
    RH_REAL(struct slim_params, alpha, 0.1, 1e-9, 1e6, "regularisation, of an error that is the mean over users"),
    RH_REAL(struct slim_params, l1_ratio, 0.001, 0, 1, "share of the regularisation that is L1: sets weights to 0"),
    RH_INT(struct slim_params, neighbors, 500, 1, 1000000, "k: the largest weights that lead to an item are kept"),
    RH_BOOL(struct slim_params, positive_only, true, "no weight is negative"),
    RH_REAL(struct slim_params, tolerance, 1e-4, 1e-7, 0.1,
            "a pass that moves no weight by this share of the largest one is the last"),
    RH_INT(struct slim_params, passes, 1000, 1, 100000, "passes over the items of a column at most"),
    RH_ENUM(struct slim_params, solver, AUTO, solvers, "the way to the same weights"),
    RH_PARAMS_END,
};

struct solving {
    const struct slim_params *params;
    const float *g;           /* [n x n], for counts */
    struct rh_inverted users; /* of an item, for rows */
    struct rh_elastic rows;
    float l1, l2;
    int32_t n, k, first, n_users;
    int32_t *column; /* [n] in the order of solving: first the sample */
    int32_t *found;  /* [n] weights of an item before the list is cut */
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
    int64_t passes;       /* over all items or few */
};

/* The items of a column whose weights are not 0, moved together. */
struct few {
    int32_t *item; /* [FEW] */
    float *w, *r;  /* [FEW] */
    float *g;      /* [n x width] of G */
    int32_t n, width;
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

/* The weight that minimises the error when all others stay, r being the residual correlation without it. */
static inline __attribute__((always_inline)) float best(const struct solving *s, float r, float diagonal)
{
    if (r > s->l1)
        return (r - s->l1) / (diagonal + s->l2);
    return r < -s->l1 && !s->params->positive_only ? (r + s->l1) / (diagonal + s->l2) : 0;
}

/* Notes a move to w; false: it is too small to be made. */
static inline __attribute__((always_inline)) bool makes_sense(struct column *c, float least, float w, float old)
{
    float d = fabsf(w - old);
    c->largest = fmaxf(c->largest, fabsf(w));
    if (w != 0 && d <= least * c->scale)
        return false;
    c->moved = fmaxf(c->moved, d);
    return d > 0;
}

/* Counts a pass; true: it moved no weight by more than the share `close` of the largest, or it was the last allowed. */
static bool end_pass(const struct solving *s, struct column *c, float close)
{
    bool still = c->moved <= (float)s->params->tolerance * close * c->largest;
    c->scale = c->largest;
    c->moved = c->largest = 0;
    return ++c->passes >= s->params->passes || still;
}

/* One pass over all items for some columns. */
RH_WIDE static void pass(const struct solving *s, struct column **column, int32_t n_columns)
{
    float least = (float)s->params->tolerance * TOO_SMALL;
    for (int32_t i = 0; i < s->n; i++) {
        const float *g = s->g + (int64_t)i * s->n;
        float diagonal = g[i];
        if (!(diagonal > 0))
            continue;
        for (int32_t m = 0; m < n_columns; m++) {
            struct column *c = column[m];
            float old = c->w[i], w = best(s, c->r[i] + diagonal * old, diagonal);
            if ((w == 0 && old == 0) || i == c->j || !makes_sense(c, least, w, old))
                continue;
            c->w[i] = w;
            subtract(c->r, w - old, g, s->n);
        }
    }
}

/* Moves the items of a column together; false: there are too many. */
static bool gather(const struct solving *s, const struct column *c, struct few *f)
{
    f->n = 0;
    for (int32_t i = 0; i < s->n; i++) {
        if (c->w[i] == 0)
            continue;
        if (f->n == FEW)
            return false;
        f->w[f->n] = c->w[i];
        f->r[f->n] = c->r[i];
        f->item[f->n++] = i;
    }
    f->width = rh_factor_width(f->n);
    for (int32_t a = 0; a < f->n; a++) {
        const float *from = s->g + (int64_t)f->item[a] * s->n;
        float *to = f->g + (int64_t)a * f->width;
        for (int32_t b = 0; b < f->n; b++)
            to[b] = from[f->item[b]];
        for (int32_t b = f->n; b < f->width; b++)
            to[b] = 0;
    }
    return true;
}

/* Passes over the few items until they stand still. */
RH_WIDE static void settle(const struct solving *s, struct column *c, struct few *f)
{
    float least = (float)s->params->tolerance * TOO_SMALL;
    do {
        for (int32_t a = 0; a < f->n; a++) {
            const float *g = f->g + (int64_t)a * f->width;
            float old = f->w[a], w = best(s, f->r[a] + g[a] * old, g[a]);
            if (!makes_sense(c, least, w, old))
                continue;
            f->w[a] = w;
            rh_factor_add(f->r, old - w, g, f->width);
        }
    } while (!end_pass(s, c, STILL));
    for (int32_t a = 0; a < f->n; a++)
        c->w[f->item[a]] = f->w[a];
}

/* The residual correlations of columns whose weights were changed by settle. */
RH_WIDE static void refresh(const struct solving *s, struct column **column, int32_t n_columns)
{
    for (int32_t m = 0; m < n_columns; m++)
        memcpy(column[m]->r, s->g + (int64_t)column[m]->j * s->n, (size_t)s->n * sizeof(float));
    for (int32_t i = 0; i < s->n; i++)
        for (int32_t m = 0; m < n_columns; m++)
            if (column[m]->w[i] != 0)
                subtract(column[m]->r, column[m]->w[i], s->g + (int64_t)i * s->n, s->n);
}

/* The k largest weights. `key` has room for n. */
static void keep(const struct solving *s, const struct column *c, uint64_t *key)
{
    int32_t n = 0;
    for (int32_t i = 0; i < s->n; i++)
        if (c->w[i] != 0)
            key[n++] = rh_topk_key(fabsf(c->w[i]), i);
    s->found[c->j] = n;
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

/* Solves for some columns, all of whose weights are 0. */
static void solve(const struct solving *s, struct column **busy, int32_t n, struct few *f)
{
    refresh(s, busy, n);
    for (int64_t round = 1; n > 0; round++) {
        int32_t left = 0;
        pass(s, busy, n);
        for (int32_t m = 0; m < n; m++)
            if (!end_pass(s, busy[m], 1))
                busy[left++] = busy[m];
        n = left;
        if (round < FIRST)
            continue;
        for (int32_t m = 0; m < n; m++)
            if (gather(s, busy[m], f))
                settle(s, busy[m], f);
        refresh(s, busy, n);
    }
}

static int counts_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct solving *s = arg;
    size_t n = (size_t)s->n, columns = (size_t)(end - begin), few = n < FEW ? (size_t)rh_factor_width(s->n) : FEW;
    float *w = ctx->host->scratch(ctx, columns * n, sizeof *w), *r = ctx->host->scratch(ctx, columns * n, sizeof *r);
    uint64_t *key = ctx->host->scratch(ctx, n, sizeof *key);
    struct few f = {
        .item = ctx->host->scratch(ctx, few, sizeof *f.item),
        .w = ctx->host->scratch(ctx, few, sizeof *f.w),
        .r = ctx->host->scratch(ctx, few, sizeof *f.r),
        .g = ctx->host->scratch(ctx, few * few, sizeof *f.g),
    };
    if (!w || !r || !key || !f.item || !f.w || !f.r || !f.g)
        return RH_ENOMEM;
    struct column column[COLUMNS], *busy[COLUMNS];
    for (size_t m = 0; m < columns; m++) {
        column[m] = (struct column){ .j = s->column[s->first + begin + (int64_t)m], .w = w + m * n, .r = r + m * n };
        busy[m] = &column[m];
    }
    solve(s, busy, (int32_t)columns, &f);
    for (size_t m = 0; m < columns; m++)
        keep(s, &column[m], key);
    return RH_OK;
}

static int rows_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct solving *s = arg;
    size_t n = (size_t)s->n;
    float *w = ctx->host->scratch(ctx, n * COLUMNS, sizeof *w), *one = ctx->host->scratch(ctx, n, sizeof *one);
    float *residual = ctx->host->scratch(ctx, (size_t)s->n_users * COLUMNS, sizeof *residual);
    uint64_t *key = ctx->host->scratch(ctx, n, sizeof *key);
    if (!w || !one || !residual || !key)
        return RH_ENOMEM;
    const int32_t *column = s->column + s->first + begin;
    rh_elastic_rows(&s->rows, &s->users, s->n_users, column, (int32_t)(end - begin), w, residual);
    for (int64_t m = 0; m < end - begin; m++) {
        for (size_t i = 0; i < n; i++)
            one[i] = w[i * COLUMNS + (size_t)m];
        keep(s, &(struct column){ .j = column[m], .w = one }, key);
    }
    return RH_OK;
}

/* All columns from s->first to `end`. */
static int solve_share(struct rh_ctx *ctx, struct solving *s, int32_t end)
{
    int status = RH_OK;
    while (s->first < end && status >= 0) {
        int32_t n = end - s->first < SHARE ? end - s->first : SHARE;
        status = ctx->host->tick(ctx, s->first, s->n);
        if (status >= 0)
            status = ctx->host->parallel(ctx, n, COLUMNS, s->g ? counts_part : rows_part, s);
        s->first += n;
    }
    return status;
}

/* Whether rows are quicker, from the weights of the columns solved so far: multiplications a column, when fifty passes
 * are the rule and moving counts together costs half as much again. Those by counts are four times as slow, as
 * measured: what they read comes from far away. */
static bool rows_are_quicker(const struct solving *s)
{
    double counts = 0, rows = 100 * (double)s->users.row[s->n];
    for (int32_t c = 0; c < s->first; c++) {
        double m = s->found[s->column[c]];
        counts += 4 * (75 * m * m + 5 * m * s->n) / s->first;
    }
    return rows < counts;
}

/* Every column once, a sample from everywhere first. */
static void order_columns(struct solving *s, int32_t sample)
{
    int32_t at = sample;
    for (int32_t j = 0, taken = 0; j < s->n; j++) {
        if (taken < sample && j == (int32_t)((int64_t)taken * s->n / sample))
            s->column[taken++] = j;
        else
            s->column[at++] = j;
    }
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

static int solve_all(struct rh_ctx *ctx, const struct rh_domain *d, struct solving *s)
{
    size_t n = (size_t)s->n;
    int32_t sample = s->params->solver != AUTO ? 0 : s->n < SAMPLE ? s->n : SAMPLE;
    order_columns(s, sample);
    int status = rh_invert(ctx, d, s->n_users, NULL, ctx->host->scratch, &s->users);
    if (status >= 0)
        status = solve_share(ctx, s, sample);
    if (status >= 0 && (s->params->solver == COUNTS || (s->params->solver == AUTO && !rows_are_quicker(s)))) {
        float *g = ctx->host->scratch(ctx, n * n, sizeof *g);
        status = g ? rh_gram_count(ctx, d, s->n_users, g) : RH_ENOMEM;
        s->g = g;
    }
    return status < 0 ? status : solve_share(ctx, s, s->n);
}

static int slim_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct rh_host *host = ctx->host;
    const struct slim_params *p = params;
    struct rh_neighbor_model *model = state;
    const struct rh_domain *d = &train->domain[train->target];
    struct solving s = { .params = p, .n = d->n_items, .n_users = train->n_users };
    size_t n = (size_t)s.n;
    s.k = p->neighbors < s.n ? (int32_t)p->neighbors : s.n;
    s.column = host->scratch(ctx, n, sizeof *s.column);
    s.found = host->scratch(ctx, n, sizeof *s.found);
    s.length = host->scratch(ctx, n, sizeof *s.length);
    s.item = host->scratch(ctx, n * (size_t)s.k, sizeof *s.item);
    s.weight = host->scratch(ctx, n * (size_t)s.k, sizeof *s.weight);
    if (!s.column || !s.found || !s.length || !s.item || !s.weight)
        return RH_ENOMEM;
    int64_t users = 0;
    for (int32_t u = 0; u < train->n_users; u++)
        users += d->row[u + 1] > d->row[u];
    s.l1 = (float)(p->alpha * p->l1_ratio * (double)users);
    s.l2 = (float)(p->alpha * (1 - p->l1_ratio) * (double)users);
    s.rows = (struct rh_elastic){ s.l1, s.l2, (float)p->tolerance, (float)p->tolerance * TOO_SMALL, p->passes,
                                  p->positive_only };
    model->target = train->target;
    int status = solve_all(ctx, d, &s);
    return status < 0 ? status : pack(ctx, &s, &model->brings);
}

static const struct rh_algorithm slim = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "slim",
    .summary = "sparse linear weights between items, by elastic net",
    .reference = "Ning and Karypis 2011, SLIM: sparse linear methods for top-N recommender systems (ICDM)",
    .cost = "fit O(passes x the least of weights^2 and interactions, an item), score O(I + |history| k) a query, "
            "memory 8 k I bytes, while fitting 4 I^2 more or 32 (U + I) a thread",
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
