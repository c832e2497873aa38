/* content - items whose features are like those of the history.
 *
 * The vector space model: Salton and Buckley 1988, "Term-weighting approaches in automatic text retrieval"; for
 * recommending Lops, de Gemmis and Semeraro 2011, "Content-based recommender systems: state of the art and trends".
 * Every item is a vector over the columns of the sparse feature blocks (genres, categories, words of titles and
 * descriptions):
 *
 *     t(i, c) = value of column c at item i * idf(c)        idf(c) = 1 + ln((1 + N) / (1 + n(c)))
 *     x(i)    = t(i) / |t(i)|
 *
 * with N the number of items of the domains in use and n(c) of those with column c. `balance = yes` first scales the
 * part of each block to length 1, so that three genres are not drowned by three hundred words. The profile of a
 * query is the sum of x over its history, with `use_sources` in all domains (their columns mean the same), with
 * `weighted` times the rating; the score is the cosine of profile and item.
 *
 * So users are scored who have no history but in a source, and items that nobody has rated yet. A user whose history
 * has no features gets 0 for every item, as does an item without features.
 *
 * Eight queries are scored together: their profiles lie side by side, one cache line a column, and the items are
 * walked once for all. Time: non-zeros of the items a query. Memory: 8 bytes a non-zero; while scoring 64 bytes a
 * column. */
#include "algorithms/lib/explain.h"

#include <rh/plugin.h>

#include <stdio.h>
#include <string.h>

#define LANES 8 /* doubles of a cache line: queries scored together */

struct content_params {
    const char *blocks;
    bool use_sources, balance, weighted;
};

static const struct rh_param content_table[] = {
    RH_STR(struct content_params, blocks, "all",
           "names of sparse item feature blocks, separated by commas; all: every one"),
    RH_BOOL(struct content_params, use_sources, true, "the history in the source domains counts too"),
    RH_BOOL(struct content_params, balance, true, "every block has the same weight, whatever its number of columns"),
    RH_BOOL(struct content_params, weighted, false, "an item of the history counts by its rating (no: by 1)"),
    RH_PARAMS_END,
};

/* Items of one domain as vectors of length 1; row == NULL: not in use. */
struct vectors {
    int32_t n_items;
    int64_t *row; /* [n_items + 1] offsets */
    int32_t *col; /* [row[n_items]] column of all blocks side by side */
    float *val;   /* [row[n_items]] */
};

struct content_state {
    struct vectors *domain; /* [n_domains] */
    int32_t n_domains, target, n_cols;
    bool weighted;
};

/* What fit works with. */
struct builder {
    const struct content_params *params;
    const struct rh_train *train;
    bool *block_used;  /* [n_item_blocks] */
    int32_t *first;    /* [n_item_blocks] column where the block begins */
    double *idf;       /* [n_cols] first counts, then weights */
};

static bool in_use(const struct builder *b, int32_t domain)
{
    return domain == b->train->target || b->params->use_sources;
}

/* Is `name` one of the words of `list`? */
static bool names(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *word = list + strspn(list, ", \t"); *word; word += strspn(word, ", \t")) {
        size_t n = strcspn(word, ", \t");
        if (n == length && !memcmp(word, name, n))
            return true;
        word += n;
    }
    return false;
}

/* The blocks as they are in the target: one without data there is of no use. */
static const struct rh_features *target_block(const struct builder *b, int32_t f)
{
    return &b->train->domain[b->train->target].item_features[f];
}

/* Every word of `blocks` has to be a sparse block of the target. */
static int check_names(struct rh_ctx *ctx, const struct builder *b)
{
    const char *list = b->params->blocks;
    char known[200] = "";
    for (int32_t f = 0; f < b->train->n_item_blocks; f++)
        if (target_block(b, f)->row && strlen(known) + strlen(target_block(b, f)->name) + 3 < sizeof known)
            snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", *known ? ", " : "",
                     target_block(b, f)->name);
    for (const char *word = list + strspn(list, ", \t"); *word; word += strspn(word, ", \t")) {
        size_t n = strcspn(word, ", \t");
        int32_t f = 0;
        while (f < b->train->n_item_blocks && !(target_block(b, f)->row && strlen(target_block(b, f)->name) == n &&
                                                !memcmp(target_block(b, f)->name, word, n)))
            f++;
        if (f == b->train->n_item_blocks)
            return ctx->host->fail(ctx, RH_EINVAL,
                                   "blocks = %s: domain '%s' has no sparse item features '%.*s'; it has: %s", list,
                                   b->train->domain[b->train->target].name, (int)n, word, *known ? known : "none");
        word += n;
    }
    return RH_OK;
}

/* Which blocks are used, and where their columns begin. */
static int choose_blocks(struct rh_ctx *ctx, struct builder *b, int32_t *n_cols)
{
    const struct rh_train *train = b->train;
    bool all = !strcmp(b->params->blocks, "all");
    int status = all ? RH_OK : check_names(ctx, b);
    if (status < 0)
        return status;
    int64_t columns = 0;
    for (int32_t f = 0; f < train->n_item_blocks; f++) {
        const struct rh_features *x = target_block(b, f);
        b->block_used[f] = x->row && (all || names(b->params->blocks, x->name));
        b->first[f] = (int32_t)columns;
        columns += b->block_used[f] ? x->n_cols : 0;
        if (columns > INT32_MAX)
            return ctx->host->fail(ctx, RH_EDATA, "more than %d feature columns in all blocks", INT32_MAX);
    }
    if (columns == 0)
        return ctx->host->fail(ctx, RH_EDATA, "no sparse item features (genres, categories, words) in domain '%s'",
                               train->domain[train->target].name);
    *n_cols = (int32_t)columns;
    return RH_OK;
}

static void weigh_columns(struct builder *b, int32_t n_cols)
{
    int64_t n_items = 0;
    for (int32_t d = 0; d < b->train->n_domains; d++) {
        if (!in_use(b, d))
            continue;
        n_items += b->train->domain[d].n_items;
        for (int32_t f = 0; f < b->train->n_item_blocks; f++) {
            const struct rh_features *x = &b->train->domain[d].item_features[f];
            for (int64_t k = 0; b->block_used[f] && x->row && k < x->row[x->n_rows]; k++)
                b->idf[b->first[f] + x->col[k]] += 1;
        }
    }
    for (int32_t c = 0; c < n_cols; c++)
        b->idf[c] = 1 + log((1 + (double)n_items) / (1 + b->idf[c]));
}

/* Scales val[begin .. end) to length 1; zeros stay. */
static void to_unit(float *val, int64_t begin, int64_t end)
{
    double square = 0;
    for (int64_t k = begin; k < end; k++)
        square += (double)val[k] * val[k];
    for (int64_t k = begin; square > 0 && k < end; k++)
        val[k] = (float)(val[k] / sqrt(square));
}

static int build_vectors(struct rh_ctx *ctx, const struct builder *b, const struct rh_domain *d, struct vectors *out)
{
    int64_t n = 0;
    for (int32_t f = 0; f < b->train->n_item_blocks; f++)
        if (b->block_used[f] && d->item_features[f].row)
            n += d->item_features[f].row[d->n_items];
    *out = (struct vectors){ d->n_items, ctx->host->alloc(ctx, (size_t)d->n_items + 1, sizeof *out->row),
                             ctx->host->alloc(ctx, (size_t)n, sizeof *out->col),
                             ctx->host->alloc(ctx, (size_t)n, sizeof *out->val) };
    if (!out->row || !out->col || !out->val)
        return RH_ENOMEM;
    int64_t to = 0;
    for (int32_t i = 0; i < d->n_items; i++) {
        for (int32_t f = 0; f < b->train->n_item_blocks; f++) {
            const struct rh_features *x = &d->item_features[f];
            if (!b->block_used[f] || !x->row)
                continue;
            int64_t begin = to;
            for (int64_t k = x->row[i]; k < x->row[i + 1]; k++) {
                out->col[to] = b->first[f] + x->col[k];
                out->val[to] = (float)((x->val ? x->val[k] : 1) * b->idf[out->col[to]]);
                to++;
            }
            if (b->params->balance)
                to_unit(out->val, begin, to);
        }
        to_unit(out->val, out->row[i], to);
        out->row[i + 1] = to;
    }
    return RH_OK;
}

static int content_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct content_state *s = state;
    struct builder b = {
        .params = params,
        .train = train,
        .block_used = ctx->host->scratch(ctx, (size_t)train->n_item_blocks, sizeof *b.block_used),
        .first = ctx->host->scratch(ctx, (size_t)train->n_item_blocks, sizeof *b.first),
    };
    s->domain = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *s->domain);
    if (!b.block_used || !b.first || !s->domain)
        return RH_ENOMEM;
    s->n_domains = train->n_domains;
    s->target = train->target;
    s->weighted = b.params->weighted;
    int status = choose_blocks(ctx, &b, &s->n_cols);
    if (status < 0)
        return status;
    b.idf = ctx->host->scratch(ctx, (size_t)s->n_cols, sizeof *b.idf);
    if (!b.idf)
        return RH_ENOMEM;
    weigh_columns(&b, s->n_cols);
    for (int32_t d = 0; d < train->n_domains && status >= 0; d++)
        if (in_use(&b, d))
            status = build_vectors(ctx, &b, &train->domain[d], &s->domain[d]);
    return status;
}

/* Adds the history of a query to its lane of the profiles. */
static void add_history(const struct content_state *s, const struct rh_query *query, double *lane)
{
    for (int32_t d = 0; d < s->n_domains; d++) {
        const struct vectors *v = &s->domain[d];
        const struct rh_history *h = &query->history[d];
        for (int32_t m = 0; v->row && m < h->n; m++) {
            double weight = s->weighted && h->value ? h->value[m] : 1;
            for (int64_t k = v->row[h->item[m]]; k < v->row[h->item[m] + 1]; k++)
                lane[(int64_t)v->col[k] * LANES] += weight * v->val[k];
        }
    }
}

/* The length of the profile; its lane is zero again. A column met for the second time adds nothing. */
static double take_length(const struct content_state *s, const struct rh_query *query, double *lane)
{
    double square = 0;
    for (int32_t d = 0; d < s->n_domains; d++) {
        const struct vectors *v = &s->domain[d];
        const struct rh_history *h = &query->history[d];
        for (int32_t m = 0; v->row && m < h->n; m++)
            for (int64_t k = v->row[h->item[m]]; k < v->row[h->item[m] + 1]; k++) {
                double *x = &lane[(int64_t)v->col[k] * LANES];
                square += *x * *x;
                *x = 0;
            }
    }
    return sqrt(square);
}

/* Products of all items with the profiles side by side, for the queries that ask for all items. The sum of a lane
 * runs in the same order here and in score_list, so a score does not depend on what is asked beside it. */
static void score_all(const struct vectors *v, const double *profile, const struct rh_query *query, int32_t n,
                      float *out, size_t stride)
{
    for (int32_t i = 0; i < v->n_items; i++) {
        double sum[LANES] = { 0 };
        for (int64_t k = v->row[i]; k < v->row[i + 1]; k++) {
            const double *p = profile + (int64_t)v->col[k] * LANES;
            double x = v->val[k];
            for (int l = 0; l < LANES; l++)
                sum[l] += x * p[l];
        }
        for (int32_t q = 0; q < n; q++)
            if (!query[q].candidate)
                out[(size_t)q * stride + (size_t)i] = (float)sum[q];
    }
}

static void score_list(const struct vectors *v, const double *lane, const struct rh_query *query, float *row)
{
    for (int32_t c = 0; c < query->n_candidates; c++) {
        int32_t i = query->candidate[c];
        double sum = 0;
        for (int64_t k = v->row[i]; k < v->row[i + 1]; k++)
            sum += v->val[k] * lane[(int64_t)v->col[k] * LANES];
        row[c] = (float)sum;
    }
}

static int content_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                         size_t stride)
{
    const struct content_state *s = state;
    const struct vectors *v = &s->domain[s->target];
    double *profile = ctx->host->scratch(ctx, (size_t)s->n_cols, LANES * sizeof *profile); /* [n_cols x LANES] */
    if (!profile)
        return RH_ENOMEM;
    for (int32_t at = 0; at < n; at += LANES) {
        int32_t lanes = n - at < LANES ? n - at : LANES;
        bool all = false;
        for (int32_t l = 0; l < lanes; l++) {
            add_history(s, &query[at + l], profile + l);
            all |= !query[at + l].candidate;
        }
        if (all)
            score_all(v, profile, query + at, lanes, out + (size_t)at * stride, stride);
        for (int32_t l = 0; l < lanes; l++) {
            const struct rh_query *q = &query[at + l];
            float *row = out + (size_t)(at + l) * stride;
            if (q->candidate)
                score_list(v, profile + l, q, row);
            double length = take_length(s, q, profile + l);
            for (int32_t c = 0; c < q->n_candidates && length > 0; c++)
                row[c] = (float)(row[c] / length);
        }
    }
    return RH_OK;
}

/* The product of two items; columns ascend. */
static double product(const struct vectors *v, int32_t i, int32_t j)
{
    double sum = 0;
    int64_t k = v->row[j], end = v->row[j + 1];
    for (int64_t m = v->row[i]; m < v->row[i + 1]; m++) {
        while (k < end && v->col[k] < v->col[m])
            k++;
        if (k < end && v->col[k] == v->col[m])
            sum += (double)v->val[m] * v->val[k];
    }
    return sum;
}

/* The cosine is a sum over the history; what the sources give to it is not of the target's history and left out. */
static int content_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item,
                           int32_t max, int32_t *why, float *weight)
{
    const struct content_state *s = state;
    const struct vectors *v = &s->domain[s->target];
    const struct rh_history *h = &query->history[s->target];
    double *profile = ctx->host->scratch(ctx, (size_t)s->n_cols, LANES * sizeof *profile); /* [n_cols x LANES] */
    if (!profile)
        return RH_ENOMEM;
    add_history(s, query, profile);
    double length = take_length(s, query, profile);
    int32_t n = 0;
    for (int32_t m = 0; m < h->n && length > 0; m++) {
        double part = (s->weighted && h->value ? h->value[m] : 1) * product(v, item, h->item[m]) / length;
        if (part != 0)
            n = rh_insert_part(why, weight, n, max, h->item[m], (float)part);
    }
    return n;
}

static int persist_vectors(struct rh_ctx *ctx, int32_t n_items, int32_t n_cols, struct vectors *v)
{
    const struct rh_host *host = ctx->host;
    int64_t n = v->row ? v->row[n_items] : 0;
    v->n_items = n_items;
    int status = host->value(ctx, "features", &n, sizeof n);
    if (status >= 0)
        status = host->field(ctx, "row", &v->row, (int64_t)n_items + 1, sizeof *v->row);
    if (status >= 0)
        status = host->field(ctx, "col", &v->col, n, sizeof *v->col);
    if (status >= 0)
        status = host->field(ctx, "val", &v->val, n, sizeof *v->val);
    if (status < 0)
        return status;
    bool right = v->row[0] == 0 && v->row[n_items] == n;
    for (int32_t i = 0; i < n_items; i++)
        right = right && v->row[i] <= v->row[i + 1];
    for (int64_t k = 0; k < n; k++)
        right = right && v->col[k] >= 0 && v->col[k] < n_cols;
    return right ? RH_OK : host->fail(ctx, RH_EDATA, "the saved feature vectors point outside of their columns");
}

static int content_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct content_params *p = params;
    struct content_state *s = state;
    if (!s->domain && !(s->domain = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *s->domain)))
        return RH_ENOMEM;
    s->n_domains = train->n_domains;
    s->target = train->target;
    s->weighted = p->weighted;
    int status = ctx->host->value(ctx, "columns", &s->n_cols, sizeof s->n_cols);
    if (status >= 0 && s->n_cols < 0)
        return ctx->host->fail(ctx, RH_EDATA, "the saved model has %d feature columns", s->n_cols);
    for (int32_t d = 0; d < train->n_domains && status >= 0; d++)
        if (d == train->target || p->use_sources)
            status = persist_vectors(ctx, train->domain[d].n_items, s->n_cols, &s->domain[d]);
    return status;
}

static const struct rh_algorithm content = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "content",
    .summary = "items whose genres, categories and words are like those of the history (TF-IDF, cosine)",
    .reference = "Salton and Buckley 1988, Term-weighting approaches in automatic text retrieval; Lops, de Gemmis "
                 "and Semeraro 2011, Content-based recommender systems: state of the art and trends",
    .cost = "fit O(nnz of the features), score O(nnz of the features) a query, memory 8 bytes a non-zero, and 64 a "
            "column while scoring",
    .advice = "For new items, and for users with history in another domain only; behind the neighbourhoods where "
              "there are interactions enough. Choose the blocks first, then balance.",
    .revision = 1,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS,
    .params = content_table,
    .params_size = sizeof(struct content_params),
    .state_size = sizeof(struct content_state),
    .fit = content_fit,
    .score = content_score,
    .explain = content_explain,
    .persist = content_persist,
};
RH_ALGORITHM(content)
