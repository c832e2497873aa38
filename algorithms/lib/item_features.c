#include "algorithms/lib/item_features.h"

#include <stdio.h>
#include <string.h>

static bool has_data(const struct rh_features *x)
{
    return x->row || x->dense;
}

bool rh_block_listed(const char *list, const char *name)
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

/* Whose features they are: for sentences. */
struct owner {
    const char *kind; /* "item" or "user" */
    const char *domain;
};

static int check_blocks(struct rh_ctx *ctx, const char *list, const struct owner *owner,
                        const struct rh_features *block, int32_t n_blocks, bool sparse)
{
    char known[200] = "";
    for (int32_t f = 0; f < n_blocks; f++) {
        size_t at = strlen(known);
        if (block[f].row || (!sparse && block[f].dense))
            snprintf(known + at, sizeof known - at, "%s%s", at ? ", " : "", block[f].name);
    }
    for (const char *word = list + strspn(list, ", \t"); *word; word += strspn(word, ", \t")) {
        size_t n = strcspn(word, ", \t");
        bool found = false;
        for (int32_t f = 0; f < n_blocks; f++) {
            const struct rh_features *x = &block[f];
            found |= (x->row || (!sparse && x->dense)) && strlen(x->name) == n && !memcmp(x->name, word, n);
        }
        if (!found)
            return ctx->host->fail(ctx, RH_EINVAL, "blocks = %s: domain '%s' has no %s%s features '%.*s'; it has: %s",
                                   list, owner->domain, sparse ? "sparse " : "", owner->kind, (int)n, word,
                                   *known ? known : "none");
        word += n;
    }
    return RH_OK;
}

int rh_blocks_check(struct rh_ctx *ctx, const char *list, const struct rh_domain *d, int32_t n_blocks, bool sparse)
{
    return check_blocks(ctx, list, &(struct owner){ "item", d->name }, d->item_features, n_blocks, sparse);
}

/* Appends the features of item i in block x, whose columns begin at `first`; returns the new end. */
static int64_t append(const struct rh_features *x, int32_t i, int32_t first, const double *idf, bool balance,
                      struct rh_item_features *out, int64_t at)
{
    int64_t begin = at;
    double square = 0;
    for (int64_t k = x->row ? x->row[i] : 0; x->row && k < x->row[i + 1]; k++) {
        out->col[at] = first + x->col[k];
        out->val[at++] = (float)((x->val ? x->val[k] : 1) * idf[first + x->col[k]]);
    }
    for (int32_t c = 0; x->dense && c < x->n_cols; c++) {
        float v = x->dense[(int64_t)i * x->n_cols + c];
        if (v == 0)
            continue;
        out->col[at] = first + c;
        out->val[at++] = v;
    }
    for (int64_t k = begin; k < at; k++)
        square += (double)out->val[k] * out->val[k];
    for (int64_t k = begin; balance && square > 0 && k < at; k++)
        out->val[k] = (float)(out->val[k] / sqrt(square));
    return at;
}

static void weigh_columns(const struct rh_features *x, double *idf)
{
    for (int64_t k = 0; k < x->row[x->n_rows]; k++)
        idf[x->col[k]] += 1;
    for (int32_t c = 0; c < x->n_cols; c++)
        idf[c] = 1 + log((1 + (double)x->n_rows) / (1 + idf[c]));
}

static int gather(struct rh_ctx *ctx, const struct rh_item_features_params *p, const struct owner *owner,
                  const struct rh_features *block, int32_t n_blocks, int32_t n_rows,
                  void *(*take)(struct rh_ctx *ctx, size_t n, size_t elem), struct rh_item_features *out)
{
    int64_t columns = 1, entries = n_rows;
    bool all = !strcmp(p->blocks, "all");
    int status = all ? RH_OK : check_blocks(ctx, p->blocks, owner, block, n_blocks, false);
    int32_t *first = ctx->host->scratch(ctx, (size_t)n_blocks + 1, sizeof *first); /* -1: not used */
    if (status < 0 || !first)
        return status < 0 ? status : RH_ENOMEM;
    for (int32_t f = 0; f < n_blocks; f++) {
        const struct rh_features *x = &block[f];
        first[f] = has_data(x) && (all || rh_block_listed(p->blocks, x->name)) ? (int32_t)(columns - 1) : -1;
        if (first[f] < 0)
            continue;
        columns += x->n_cols;
        entries += x->row ? x->row[n_rows] : (int64_t)n_rows * x->n_cols;
        if (columns > INT32_MAX)
            return ctx->host->fail(ctx, RH_EDATA, "more than %d feature columns in all blocks", INT32_MAX);
    }
    if (columns == 1)
        return ctx->host->fail(ctx, RH_EDATA, "no %s features%s in domain '%s'", owner->kind,
                               *owner->kind == 'i' ? " (genres, categories, words)" : "", owner->domain);
    double *idf = ctx->host->scratch(ctx, (size_t)columns, sizeof *idf);
    *out = (struct rh_item_features){ n_rows, (int32_t)columns,
                                      take(ctx, (size_t)n_rows + 1, sizeof *out->row),
                                      take(ctx, (size_t)entries, sizeof *out->col),
                                      take(ctx, (size_t)entries, sizeof *out->val) };
    if (!idf || !out->row || !out->col || !out->val)
        return RH_ENOMEM;
    for (int64_t c = 0; c < columns && !p->idf; c++)
        idf[c] = 1;
    for (int32_t f = 0; f < n_blocks && p->idf; f++)
        if (first[f] >= 0 && block[f].row)
            weigh_columns(&block[f], idf + first[f]);
    int64_t at = 0;
    for (int32_t i = 0; i < n_rows; i++) {
        for (int32_t f = 0; f < n_blocks; f++)
            if (first[f] >= 0)
                at = append(&block[f], i, first[f], idf, p->balance, out, at);
        out->col[at] = (int32_t)columns - 1;
        out->val[at++] = 1;
        out->row[i + 1] = at;
    }
    return RH_OK;
}

int rh_item_features(struct rh_ctx *ctx, const struct rh_item_features_params *p, const struct rh_train *train,
                     void *(*take)(struct rh_ctx *ctx, size_t n, size_t elem), struct rh_item_features *out)
{
    const struct rh_domain *d = &train->domain[train->target];
    return gather(ctx, p, &(struct owner){ "item", d->name }, d->item_features, train->n_item_blocks, d->n_items, take,
                  out);
}

int rh_user_features(struct rh_ctx *ctx, const struct rh_item_features_params *p, const struct rh_train *train,
                     void *(*take)(struct rh_ctx *ctx, size_t n, size_t elem), struct rh_item_features *out)
{
    const struct owner owner = { "user", train->domain[train->target].name };
    return gather(ctx, p, &owner, train->user_features, train->n_user_blocks, train->n_users, take, out);
}
