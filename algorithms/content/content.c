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
#include "algorithms/lib/profile.h"

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

/* idf(c) of every column. */
static void weigh_columns(const struct rh_profiles *s, double *idf)
{
    int64_t n_items = 0;
    for (int32_t d = 0; d < s->n_domains; d++) {
        const struct rh_vectors *v = &s->domain[d];
        n_items += v->n_items;
        for (int64_t k = 0; v->row && k < v->row[v->n_items]; k++)
            idf[v->col[k]] += 1;
    }
    for (int32_t c = 0; c < s->n_cols; c++)
        idf[c] = 1 + log((1 + (double)n_items) / (1 + idf[c]));
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

/* Columns ascend, and so do the blocks that they belong to. */
static void balance_blocks(const struct rh_profile_blocks *b, struct rh_vectors *v, int32_t i)
{
    int64_t k = v->row[i];
    for (int32_t f = 0; f < b->n_blocks; f++) {
        int64_t begin = k;
        while (k < v->row[i + 1] && v->col[k] < b->first[f + 1])
            k++;
        to_unit(v->val, begin, k);
    }
}

static int content_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct content_params *p = params;
    struct rh_profiles *s = state;
    struct rh_profile_blocks b;
    int status = rh_profile_blocks(ctx, p->blocks, train, &b);
    if (status >= 0)
        status = rh_profiles_init(ctx, &b, train, p->use_sources, p->weighted, s);
    double *idf = status < 0 ? NULL : ctx->host->scratch(ctx, (size_t)b.n_cols, sizeof *idf);
    if (!idf)
        return status < 0 ? status : RH_ENOMEM;
    weigh_columns(s, idf);
    for (int32_t d = 0; d < s->n_domains; d++) {
        struct rh_vectors *v = &s->domain[d];
        for (int64_t k = 0; v->row && k < v->row[v->n_items]; k++)
            v->val[k] = (float)(v->val[k] * idf[v->col[k]]);
        for (int32_t i = 0; v->row && i < v->n_items; i++) {
            if (p->balance)
                balance_blocks(&b, v, i);
            to_unit(v->val, v->row[i], v->row[i + 1]);
        }
    }
    s->weight = s->domain[s->target].val;
    s->cosine = true;
    return RH_OK;
}

static int content_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct content_params *p = params;
    struct rh_profiles *s = state;
    s->weighted = p->weighted;
    s->cosine = true;
    return rh_profiles_persist(ctx, train, p->use_sources, s);
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
              "there are interactions enough, and behind bm25 where items have few words. Choose the blocks first, "
              "then balance.",
    .revision = 1,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS,
    .params = content_table,
    .params_size = sizeof(struct content_params),
    .state_size = sizeof(struct rh_profiles),
    .fit = content_fit,
    .score = rh_profiles_score,
    .explain = rh_profiles_explain,
    .persist = content_persist,
};
RH_ALGORITHM(content)
