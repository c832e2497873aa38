/* knn_rating - what rating? As similar users rated this item, or as this user rated similar items.
 *
 * Resnick, Iacovou, Suchak, Bergstrom and Riedl 1994, "GroupLens" (CSCW); Sarwar, Karypis, Konstan and Riedl 2001
 * (WWW 10); Koren 2010, "Factor in the neighbors" (ACM TKDD 4(1)). With x the user and y the item (based_on = users;
 * for items the other way round), N the k most similar x' that rated y (or were rated by y), and s their similarity,
 * if above 0:
 *
 *     center = none:      r = sum s r(x', y) / sum s
 *     center = mean:      r = m(x) + sum s (r(x', y) - m(x')) / sum s
 *     center = zscore:    r = m(x) + d(x) sum s (r(x', y) - m(x')) / d(x') / sum s          m mean, d deviation
 *     center = baseline:  r = b(x, y) + sum s (r(x', y) - b(x', y)) / sum s                 b as in `baseline`
 *
 * Similarities are over what both rated: msd 1 / (1 + mean squared difference); cosine; Pearson; pearson_baseline,
 * the cosine of the deviations from b; binary_cosine of the sets of what they rated. Pearson's two are multiplied by
 * (n - 1) / (n - 1 + shrinkage), n the number of common ratings. Equal similarities go by the order of the training
 * data.
 *
 * These are KNNBasic, KNNWithMeans, KNNWithZScore and KNNBaseline of Surprise, and with center = baseline the UserKNN
 * and ItemKNN of MyMediaLite. Where nothing is known of user or item, or fewer than min_neighbors are similar: the
 * mean of all ratings (none; unknown ones with mean and zscore too), m(x), or b(x, y). A user is known by the
 * history, so unseen users are folded in. itemknn_rating differs: it has one list of neighbours an item, whoever
 * asks.
 *
 * Time: users: fit O(ratings), a query sum of |users of j| over the history and k log k + |users of i| a candidate.
 * Items: fit sum over users of |history|^2, a query |history| a candidate. Memory: 12 bytes a rating; items: 8 I^2
 * bytes. */
#include "algorithms/lib/explain.h"
#include "algorithms/lib/rating.h"

#include <string.h>

enum { USERS, ITEMS };
enum { CENTER_NONE, CENTER_MEAN, CENTER_ZSCORE, CENTER_BASELINE };
enum { MSD, COSINE, PEARSON, PEARSON_BASELINE, BINARY_COSINE };

static const struct rh_choice bases[] = {
    { "users", USERS, "what similar users gave the item" },
    { "items", ITEMS, "what the user gave similar items" },
    { NULL, 0, NULL },
};
static const struct rh_choice centers[] = {
    { "none", CENTER_NONE, "ratings as they are" },
    { "mean", CENTER_MEAN, "around the mean of each" },
    { "zscore", CENTER_ZSCORE, "around the mean of each, in its standard deviations" },
    { "baseline", CENTER_BASELINE, "around the baseline" },
    { NULL, 0, NULL },
};
static const struct rh_choice similarities[] = {
    { "msd", MSD, "1 / (1 + mean squared difference)" },
    { "cosine", COSINE, "of common ratings" },
    { "pearson", PEARSON, "correlation of common ratings" },
    { "pearson_baseline", PEARSON_BASELINE, "cosine of their deviations from the baseline" },
    { "binary_cosine", BINARY_COSINE, "common ratings / geometric mean of all ratings of the two" },
    { NULL, 0, NULL },
};

struct knn_params {
    int64_t neighbors, min_neighbors, min_support, passes;
    double shrinkage, user_damping, item_damping;
    int based_on, center, similarity;
};

static const struct rh_param knn_table[] = {
    RH_ENUM(struct knn_params, based_on, USERS, bases, "who is similar"),
    RH_ENUM(struct knn_params, similarity, MSD, similarities, "how it is measured"),
    RH_ENUM(struct knn_params, center, CENTER_BASELINE, centers, "what ratings are compared with"),
    RH_INT(struct knn_params, neighbors, 40, 1, 1000000, "number k of neighbours of a prediction, at most"),
    RH_INT(struct knn_params, min_neighbors, 1, 1, 1000000, "with fewer there is no neighbourhood"),
    RH_INT(struct knn_params, min_support, 1, 1, 1000000, "common ratings without which a similarity is 0"),
    RH_REAL(struct knn_params, shrinkage, 0, 0, 1e6,
            "pearson, pearson_baseline: pulls what rests on few ratings to 0 (Surprise: 0 and 100; MyMediaLite: 10)"),
    RH_INT(struct knn_params, passes, 10, 0, 100000, "of alternating least squares for the baseline"),
    RH_REAL(struct knn_params, user_damping, 15, 0, 1e9, "of the baseline"),
    RH_REAL(struct knn_params, item_damping, 10, 0, 1e9, "of the baseline"),
    RH_PARAMS_END,
};

struct spread { /* of the ratings of a user or an item */
    double mean, deviation;
};

struct knn_state {
    const struct knn_params *p;
    const struct rh_domain *d;
    struct rh_by_item by_item;
    struct rh_baseline b;
    struct spread all, *of; /* [n_users] or [n_items] as based_on says */
    double *similar;        /* [n_items x n_items] of items, or NULL; in single precision more of them would tie */
    int32_t n_users, target;
    bool ready;
};

/* Sums over common ratings; all similarities follow from them. Whole ratings make them exact. */
struct common {
    double xy, x, y, xx, yy;
    int64_t n;
};

static inline void add_common(struct common *c, double x, double y)
{
    c->xy += x * y;
    c->x += x;
    c->y += y;
    c->xx += x * x;
    c->yy += y * y;
    c->n++;
}

/* n_x, n_y: ratings of the two in all. */
static double similarity_of(const struct knn_params *p, const struct common *c, int64_t n_x, int64_t n_y)
{
    double n = (double)c->n, shrunk = (n - 1) / (n - 1 + p->shrinkage), norm;
    if (c->n < p->min_support)
        return 0;
    switch (p->similarity) {
    case MSD:
        return 1 / ((c->xx - 2 * c->xy + c->yy) / n + 1);
    case PEARSON:
        norm = sqrt((n * c->xx - c->x * c->x) * (n * c->yy - c->y * c->y));
        return norm > 0 && c->n > 1 ? (n * c->xy - c->x * c->y) / norm * shrunk : 0;
    case BINARY_COSINE:
        return n / sqrt((double)n_x * (double)n_y);
    default: /* of ratings, or of deviations */
        norm = sqrt(c->xx * c->yy);
        if (p->similarity == PEARSON_BASELINE)
            return norm > 0 && c->n > 1 ? c->xy / norm * shrunk : 0;
        return norm > 0 ? c->xy / norm : 0;
    }
}

static inline double baseline_of(const struct knn_state *s, double user, int32_t item)
{
    return s->b.mean + user + s->b.item[item];
}

/* What a rating counts as when similarities are measured. */
static inline double compared(const struct knn_state *s, double rating, double user, int32_t item)
{
    return s->p->similarity == PEARSON_BASELINE ? rating - baseline_of(s, user, item) : rating;
}

static struct spread spread_of(const float *value, int64_t n)
{
    struct spread s = { rh_mean_rating(value, n), 0 };
    double sum = 0;
    for (int64_t k = 0; k < n; k++)
        sum += (value[k] - s.mean) * (value[k] - s.mean);
    s.deviation = n > 0 ? sqrt(sum / (double)n) : 0;
    return s;
}

/* Everything but the similarities of items; also after loading. */
static int prepare(struct rh_ctx *ctx, const struct knn_params *p, const struct rh_train *train, struct knn_state *s)
{
    int status;
    const struct rh_domain *d = rh_rated_target(ctx, train, &status);
    if (!d)
        return status;
    s->p = p;
    s->d = d;
    s->n_users = train->n_users;
    s->target = train->target;
    int32_t n = p->based_on == USERS ? train->n_users : d->n_items;
    s->of = ctx->host->alloc(ctx, (size_t)n, sizeof *s->of);
    if (!s->of)
        return RH_ENOMEM;
    if ((status = rh_by_item_make(ctx, d, train->n_users, &s->by_item)) < 0 ||
        (status = rh_baseline_als(ctx, d, train->n_users, p->user_damping, p->item_damping, p->passes, &s->b)) < 0)
        return status;
    s->all = spread_of(d->value, d->row[train->n_users]);
    if (s->all.deviation == 0)
        s->all.deviation = 1; /* all ratings are the same */
    for (int32_t x = 0; x < n; x++) {
        const int64_t *row = p->based_on == USERS ? d->row : s->by_item.begin;
        const float *value = p->based_on == USERS ? d->value : s->by_item.value;
        s->of[x] = spread_of(value + row[x], row[x + 1] - row[x]);
        if (s->of[x].deviation == 0)
            s->of[x].deviation = s->all.deviation;
    }
    s->ready = true;
    return RH_OK;
}

/* The similarities of items [begin, end) to all. */
static int compare_items(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct knn_state *s = arg;
    const struct rh_domain *d = s->d;
    const int64_t *row = s->by_item.begin;
    struct common *sum = ctx->host->scratch(ctx, (size_t)d->n_items, sizeof *sum);
    if (!sum)
        return RH_ENOMEM;
    for (int32_t i = (int32_t)begin; i < end; i++) {
        memset(sum, 0, (size_t)d->n_items * sizeof *sum);
        for (int64_t k = row[i]; k < row[i + 1]; k++) {
            int32_t u = s->by_item.user[k];
            double x = compared(s, s->by_item.value[k], s->b.user[u], i);
            for (int64_t m = d->row[u]; m < d->row[u + 1]; m++)
                add_common(&sum[d->item[m]], x, compared(s, d->value[m], s->b.user[u], d->item[m]));
        }
        double *out = s->similar + (int64_t)i * d->n_items;
        for (int32_t j = 0; j < d->n_items; j++)
            out[j] = sum[j].n && j != i
                         ? similarity_of(s->p, &sum[j], row[i + 1] - row[i], row[j + 1] - row[j])
                         : 0;
    }
    return RH_OK;
}

static int knn_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct knn_state *s = state;
    int status = prepare(ctx, params, train, s);
    if (status < 0 || s->p->based_on == USERS)
        return status;
    s->similar = ctx->host->alloc(ctx, (size_t)s->d->n_items, (size_t)s->d->n_items * sizeof *s->similar);
    return s->similar ? ctx->host->parallel(ctx, s->d->n_items, 16, compare_items, s) : RH_ENOMEM;
}

/* -------------------------------------------------------------------------------------------------- asking */

/* A rating by (or of) a neighbour, as much of it as the center leaves. */
struct neighbor {
    double similarity, rating;
    int32_t place; /* the earlier of two that are as similar goes first */
};

/* The k best so far; from the k-th on a heap with the worst on top. Most items have fewer raters. */
struct nearest {
    struct neighbor *heap; /* [most] */
    int32_t n, most;
    bool ordered;
};

static inline bool worse(const struct neighbor *a, const struct neighbor *b)
{
    return a->similarity != b->similarity ? a->similarity < b->similarity : a->place > b->place;
}

/* x goes down from place `at` to where nothing below is worse. */
static void sink(struct nearest *h, int32_t at, struct neighbor x)
{
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child >= h->n)
            break;
        child += child + 1 < h->n && worse(&h->heap[child + 1], &h->heap[child]);
        if (!worse(&h->heap[child], &x))
            break;
        h->heap[at] = h->heap[child];
        at = child;
    }
    h->heap[at] = x;
}

/* Would one like this be kept? */
static inline bool wanted(struct nearest *h, double similarity, int32_t place)
{
    if (h->n < h->most)
        return true;
    if (!h->ordered)
        for (int32_t at = h->n / 2; at-- > 0;)
            sink(h, at, h->heap[at]);
    h->ordered = true;
    const struct neighbor *top = h->heap;
    return similarity != top->similarity ? similarity > top->similarity : place < top->place;
}

/* Takes a wanted one. */
static void take(struct nearest *h, struct neighbor x)
{
    if (h->n < h->most)
        h->heap[h->n++] = x;
    else
        sink(h, 0, x);
}

/* The user of a query, by the history. */
struct asker {
    const struct rh_history *history;
    const int32_t *order; /* [history->n] of the rows; NULL: as they stand */
    struct spread own;
    double offset;    /* b(user) */
    double *similar;  /* [n_users] of users, or NULL */
    struct nearest nearest;
};

/* The same as alternating least squares gives a user of train, whose last pass is over the users. */
static double offset_of(const struct knn_state *s, const struct rh_history *h)
{
    double sum = 0;
    for (int32_t m = 0; m < h->n; m++)
        sum += h->value[m] - s->b.mean - s->b.item[h->item[m]];
    return h->n && s->p->passes ? sum / (s->p->user_damping + h->n) : 0;
}

/* Similarity of the user of a query to all users. */
static void compare_users(const struct knn_state *s, const struct rh_query *q, const struct asker *a,
                          struct common *sum)
{
    const struct rh_history *h = a->history;
    memset(sum, 0, (size_t)s->n_users * sizeof *sum);
    for (int32_t m = 0; m < h->n; m++) {
        int32_t i = h->item[m];
        double x = compared(s, h->value[m], a->offset, i);
        for (int64_t k = s->by_item.begin[i]; k < s->by_item.begin[i + 1]; k++) {
            int32_t v = s->by_item.user[k];
            add_common(&sum[v], x, compared(s, s->by_item.value[k], s->b.user[v], i));
        }
    }
    for (int32_t v = 0; v < s->n_users; v++)
        a->similar[v] =
            sum[v].n && v != q->user ? similarity_of(s->p, &sum[v], h->n, s->d->row[v + 1] - s->d->row[v]) : 0;
}

static double centered(const struct knn_state *s, double rating, const struct spread *of, double user, int32_t item)
{
    switch (s->p->center) {
    case CENTER_MEAN:
        return rating - of->mean;
    case CENTER_ZSCORE:
        return (rating - of->mean) / of->deviation;
    case CENTER_BASELINE:
        return rating - baseline_of(s, user, item);
    default:
        return rating;
    }
}

static void find_neighbors(const struct knn_state *s, struct asker *a, int32_t i)
{
    a->nearest.n = 0;
    a->nearest.ordered = false;
    if (a->similar) {
        for (int64_t k = s->by_item.begin[i]; k < s->by_item.begin[i + 1]; k++) {
            int32_t v = s->by_item.user[k];
            int32_t place = (int32_t)(k - s->by_item.begin[i]);
            if (a->similar[v] > 0 && wanted(&a->nearest, a->similar[v], place))
                take(&a->nearest,
                     (struct neighbor){ a->similar[v],
                                        centered(s, s->by_item.value[k], &s->of[v], s->b.user[v], i), place });
        }
        return;
    }
    const struct rh_history *h = a->history;
    const double *similar = s->similar + (int64_t)i * s->d->n_items;
    for (int32_t m = 0; m < h->n; m++) {
        int32_t j = h->item[m], place = a->order ? a->order[m] : m;
        if (similar[j] > 0 && wanted(&a->nearest, similar[j], place))
            take(&a->nearest,
                 (struct neighbor){ similar[j], centered(s, h->value[m], &s->of[j], a->offset, j), place });
    }
}

static double predict(const struct knn_state *s, struct asker *a, int32_t i)
{
    bool known = a->history->n && s->by_item.begin[i] < s->by_item.begin[i + 1];
    const struct spread *own = s->p->based_on == USERS ? &a->own : &s->of[i];
    double rest = s->p->center == CENTER_BASELINE      ? baseline_of(s, a->offset, i)
                  : s->p->center != CENTER_NONE && known ? own->mean
                                                         : s->all.mean;
    double weight = 0, sum = 0;
    if (!known)
        return rest;
    find_neighbors(s, a, i);
    if (a->nearest.n < s->p->min_neighbors)
        return rest;
    for (int32_t k = 0; k < a->nearest.n; k++) {
        weight += a->nearest.heap[k].similarity;
        sum += a->nearest.heap[k].similarity * a->nearest.heap[k].rating;
    }
    sum /= weight; /* each is above 0 */
    return s->p->center == CENTER_NONE ? sum : rest + sum * (s->p->center == CENTER_ZSCORE ? own->deviation : 1);
}

/* Who asks: the query's history, of items with a rating. */
static void set_asker(const struct knn_state *s, const struct rh_query *query, struct rh_history *h, struct asker *a)
{
    *h = query->history[s->target];
    if (!h->value)
        h->n = 0; /* items without a rating say nothing here */
    a->history = h;
    int64_t row = s->d->row[query->user];
    /* a history that is the train row has its order */
    a->order = s->d->order && h->item == s->d->item + row ? s->d->order + row : NULL;
    a->own = spread_of(h->value, h->n);
    if (a->own.deviation == 0)
        a->own.deviation = s->all.deviation;
    a->offset = offset_of(s, h);
}

static int knn_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                     size_t stride)
{
    const struct knn_state *s = state;
    bool users = s->p->based_on == USERS;
    int64_t most = users ? s->n_users : s->d->n_items;
    struct asker a = { .nearest.most = (int32_t)(s->p->neighbors < most ? s->p->neighbors : most) };
    struct common *sum = users ? ctx->host->scratch(ctx, (size_t)s->n_users, sizeof *sum) : NULL;
    a.similar = users ? ctx->host->scratch(ctx, (size_t)s->n_users, sizeof *a.similar) : NULL;
    a.nearest.heap = ctx->host->scratch(ctx, (size_t)a.nearest.most, sizeof *a.nearest.heap);
    if (!a.nearest.heap || (users && (!sum || !a.similar)))
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++) {
        struct rh_history h;
        set_asker(s, &query[k], &h, &a);
        if (users)
            compare_users(s, &query[k], &a, sum);
        for (int32_t c = 0; c < query[k].n_candidates; c++)
            out[(size_t)k * stride + (size_t)c] = (float)predict(s, &a, rh_candidate(&query[k], c));
    }
    return RH_OK;
}

/* How far each neighbour of the item moves the prediction from where it would be without any: the parts of the sum. */
static int knn_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item, int32_t max,
                       int32_t *why, float *weight)
{
    const struct knn_state *s = state;
    struct rh_history h;
    struct asker a = { .nearest.most = (int32_t)(s->p->neighbors < s->d->n_items ? s->p->neighbors : s->d->n_items) };
    if (s->p->based_on == USERS)
        return ctx->host->fail(ctx, RH_EUNSUP, "knn_rating says why with based_on = items; with users its predictions "
                               "are made of other users' ratings");
    a.nearest.heap = ctx->host->scratch(ctx, (size_t)a.nearest.most, sizeof *a.nearest.heap);
    if (!a.nearest.heap)
        return RH_ENOMEM;
    set_asker(s, query, &h, &a);
    find_neighbors(s, &a, item);
    double all = 0, scale = s->p->center == CENTER_ZSCORE ? s->of[item].deviation : 1;
    int32_t n = 0;
    if (s->by_item.begin[item] == s->by_item.begin[item + 1] || a.nearest.n < s->p->min_neighbors)
        return 0;
    for (int32_t k = 0; k < a.nearest.n; k++)
        all += a.nearest.heap[k].similarity;
    for (int32_t k = 0; k < a.nearest.n; k++) {
        const struct neighbor *x = &a.nearest.heap[k];
        int32_t m = 0;
        while (a.order && m < h.n && a.order[m] != x->place)
            m++;
        n = rh_insert_part(why, weight, n, max, h.item[a.order ? m : x->place],
                           (float)(scale * x->similarity * x->rating / all));
    }
    return n;
}

static int knn_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct knn_state *s = state;
    int status = s->ready ? RH_OK : prepare(ctx, params, train, s); /* the rest follows from train */
    if (status < 0 || s->p->based_on == USERS)
        return status;
    int64_t n = s->d->n_items;
    return ctx->host->field(ctx, "similar", &s->similar, n * n, sizeof *s->similar);
}

static const struct rh_algorithm knn_rating = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "knn_rating",
    .summary = "predicts ratings from those of similar users for the item, or of the user for similar items",
    .reference = "Resnick et al. 1994, GroupLens, CSCW; Sarwar et al. 2001, Item-based collaborative filtering "
                 "recommendation algorithms, WWW 10; Koren 2010, Factor in the neighbors, ACM TKDD 4(1)",
    .cost = "users: fit O(nnz), a query O(sum over its history of |users of the item|) and |users| a candidate; "
            "items: fit O(sum over users of |history|^2), a query O(|history|) a candidate; memory 12 nnz + 8 I^2 "
            "(items) bytes",
    .advice = "With center = baseline the best of its family; items with pearson and shrinkage from 100 on are "
              "better than users where items have many ratings. Tune shrinkage before neighbors. itemknn_rating is "
              "the one for many items: it keeps lists instead of a matrix.",
    .revision = 1,
    .flags = RH_A_NEEDS_VALUES | RH_A_RATES | RH_A_COLD_USERS,
    .params = knn_table,
    .params_size = sizeof(struct knn_params),
    .state_size = sizeof(struct knn_state),
    .fit = knn_fit,
    .score = knn_score,
    .explain = knn_explain,
    .persist = knn_persist,
};
RH_ALGORITHM(knn_rating)
