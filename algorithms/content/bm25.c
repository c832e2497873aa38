/* bm25 - items are documents, and what a user has is the query.
 *
 * Robertson, Walker, Jones, Hancock-Beaulieu and Gatford 1994, "Okapi at TREC-3"; Robertson and Zaragoza 2009, "The
 * probabilistic relevance framework: BM25 and beyond" (Foundations and Trends in Information Retrieval 3(4)). Words are
 * the columns of the chosen sparse feature blocks. With tf the count of a word in item i, qtf its count over the
 * history, N the number of items and n(c) of those with word c, length(i) the number of words of i:
 *
 *     score(i) = sum over words of both of idf(c) tf (k1 + 1) / (tf + k1 (1 - b + b length(i) / mean length))
 *                                                 qtf (k3 + 1) / (k3 + qtf)
 *     idf      = ln(1 + (N - n + 1/2) / (n + 1/2))    lucene
 *                ln((N - n + 1/2) / (n + 1/2))        robertson; where it is negative, a quarter of the mean over words
 *
 * k3 = 0 asks for each word once, a large k3 counts it as often as it is there. The history in the sources asks too,
 * with `use_sources`; items are those of the target. */
#include "algorithms/lib/profile.h"

enum idf_kind { LUCENE, ROBERTSON };

struct bm25_params {
    const char *blocks;
    double k1, b, k3;
    int idf;
    bool use_sources, weighted;
};

static const struct rh_choice idf_words[] = {
    { "lucene", LUCENE, "ln(1 + (N - n + 1/2) / (n + 1/2)): never negative" },
    { "robertson", ROBERTSON, "ln((N - n + 1/2) / (n + 1/2)); negative ones become a quarter of the mean" },
    { NULL, 0, NULL },
};

static const struct rh_param bm25_table[] = {
    RH_STR(struct bm25_params, blocks, "all",
           "names of sparse item feature blocks, separated by commas; all: every one"),
    RH_REAL(struct bm25_params, k1, 1.2, 0, 1000, "how slowly repeated words of an item saturate; 0: at once"),
    RH_REAL(struct bm25_params, b, 0.75, 0, 1, "how much long items are damped"),
    RH_REAL(struct bm25_params, k3, 1000, 0, 1e9, "how slowly repeated words of the history saturate; 0: at once"),
    RH_ENUM(struct bm25_params, idf, LUCENE, idf_words, "what a rare word counts more"),
    RH_BOOL(struct bm25_params, use_sources, true, "the history in the source domains asks too"),
    RH_BOOL(struct bm25_params, weighted, false, "an item of the history counts by its rating (no: by 1)"),
    RH_PARAMS_END,
};

/* Of n(c) in idf[n_cols] the weights. Words that no item has are of no query. */
static void weigh_words(int kind, int32_t n_cols, double n_items, double *idf)
{
    double sum = 0, words = 0;
    for (int32_t c = 0; c < n_cols; c++) {
        double n = idf[c], odds = (n_items - n + 0.5) / (n + 0.5);
        idf[c] = kind == LUCENE ? log(1 + odds) : log(odds);
        sum += n > 0 ? idf[c] : 0;
        words += n > 0;
    }
    for (int32_t c = 0; c < n_cols && kind == ROBERTSON; c++)
        idf[c] = idf[c] < 0 ? 0.25 * sum / words : idf[c];
}

static int bm25_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct bm25_params *p = params;
    struct rh_profiles *s = state;
    struct rh_profile_blocks blocks;
    int status = rh_profile_blocks(ctx, p->blocks, train, &blocks);
    if (status >= 0)
        status = rh_profiles_init(ctx, &blocks, train, p->use_sources, p->weighted, s);
    if (status < 0)
        return status;
    const struct rh_vectors *v = &s->domain[s->target];
    int64_t n = v->row[v->n_items];
    double *idf = ctx->host->scratch(ctx, (size_t)s->n_cols, sizeof *idf), total = 0;
    s->weight = ctx->host->alloc(ctx, (size_t)n, sizeof *s->weight);
    if (!idf || !s->weight)
        return RH_ENOMEM;
    s->k3 = p->k3;
    for (int64_t k = 0; k < n; k++) {
        if (v->val[k] < 0)
            return ctx->host->fail(ctx, RH_EDATA, "blocks = %s: a feature of domain '%s' is %g, and no count of words",
                                   p->blocks, train->domain[s->target].name, (double)v->val[k]);
        idf[v->col[k]] += v->val[k] > 0;
        total += v->val[k];
    }
    weigh_words(p->idf, s->n_cols, v->n_items, idf);
    for (int32_t i = 0; i < v->n_items; i++) {
        double length = 0;
        for (int64_t k = v->row[i]; k < v->row[i + 1]; k++)
            length += v->val[k];
        double damp = p->k1 * (1 - p->b + (total > 0 ? p->b * length * v->n_items / total : 0));
        for (int64_t k = v->row[i]; k < v->row[i + 1]; k++)
            if (v->val[k] > 0)
                s->weight[k] = (float)(idf[v->col[k]] * v->val[k] * (p->k1 + 1) / (v->val[k] + damp));
    }
    return RH_OK;
}

static int bm25_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct bm25_params *p = params;
    struct rh_profiles *s = state;
    s->weighted = p->weighted;
    s->k3 = p->k3;
    return rh_profiles_persist(ctx, train, p->use_sources, s);
}

static const struct rh_algorithm bm25 = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "bm25",
    .summary = "items found by a search for the words of the history (Okapi BM25)",
    .reference = "Robertson, Walker, Jones, Hancock-Beaulieu and Gatford 1994, Okapi at TREC-3; Robertson and Zaragoza "
                 "2009, The probabilistic relevance framework: BM25 and beyond",
    .cost = "fit O(nnz of the features), score O(nnz of the features) a query, memory 12 bytes a non-zero, and 64 a "
            "column while scoring",
    .advice = "For new items, and for users with history in another domain only, above all where items have few "
              "words (genres, titles): there it finds new items twice as well as content, whose cosine holds every "
              "unshared word against an item, and better than attribute_map; with long descriptions content is close. "
              "Tune b and k3, then blocks.",
    .revision = 1,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS,
    .params = bm25_table,
    .params_size = sizeof(struct bm25_params),
    .state_size = sizeof(struct rh_profiles),
    .fit = bm25_fit,
    .score = rh_profiles_score,
    .explain = rh_profiles_explain,
    .persist = bm25_persist,
};
RH_ALGORITHM(bm25)
