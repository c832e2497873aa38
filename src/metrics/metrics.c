#include "metrics/catalogue.h"

#include <string.h>

/* In the order of the documentation. */
static const struct rh_metric *const all[] = {
    &rh_metric_ndcg,   &rh_metric_dcg,         &rh_metric_recall,      &rh_metric_precision, &rh_metric_f1,
    &rh_metric_hit,    &rh_metric_mrr,         &rh_metric_map,         &rh_metric_r_precision, &rh_metric_auc,
    &rh_metric_gauc,   &rh_metric_logloss,     &rh_metric_rmse,        &rh_metric_mae,
    &rh_metric_coverage, &rh_metric_gini,      &rh_metric_entropy,     &rh_metric_popularity, &rh_metric_lift,
    &rh_metric_novelty, &rh_metric_ild,        &rh_metric_miscalibration, &rh_metric_serendipity,
    &rh_metric_unexpectedness, NULL,
};
#define N_METRICS (sizeof all / sizeof *all - 1)

static const struct rh_metric_alias aliases[] = {
    { "hr", "hit", "", "hit rate in papers since NeuMF" },
    { "hit_rate", "hit", "", "papers" },
    { "success", "hit", "", "trec_eval" },
    { "recip_rank", "mrr", "", "trec_eval" },
    { "ndcg_cut", "ndcg", "", "trec_eval" },
    { "map_cut", "map", "div=rel", "trec_eval, which divides by R at any cut-off" },
    { "rprec", "r_precision", "", "trec_eval" },
    { "log_loss", "logloss", "", "scikit-learn" },
    { "arp", "popularity", "", "average recommendation popularity in papers" },
    { "miuf", "novelty", "", "RecTools (mean inverse user frequency)" },
    { "calibration", "miscalibration", "", "papers" },
    { NULL, NULL, NULL, NULL },
};

const struct rh_choice rh_ties_mean[] = { { "mean", 0, "expectation over a random order of equal scores" },
                                          { NULL, 0, NULL } };

const struct rh_choice rh_ties_exposure[] = { { "exposure", 0, "computed from the expected exposure of items" },
                                              { NULL, 0, NULL } };

const struct rh_metric *const *rh_metrics(void)
{
    return all;
}

const struct rh_metric_alias *rh_metric_aliases(void)
{
    return aliases;
}

const struct rh_metric *rh_metric_find(const char *name)
{
    for (size_t i = 0; i < N_METRICS; i++)
        if (!strcmp(all[i]->name, name))
            return all[i];
    return NULL;
}

double rh_metric_finish(const struct rh_metric *m, double num, double weight)
{
    if (weight == 0)
        return NAN;
    double mean = num / weight;
    return m->finish ? m->finish(mean) : mean;
}

void rh_metric_variant_text(const struct rh_metric_variant *v, struct rh_text *out)
{
    rh_text_printf(out, "%s=", v->key);
    if (!v->choice)
        rh_text_add(out, "NAME");
    for (const struct rh_choice *c = v->choice; c && c->word; c++)
        rh_text_printf(out, "%s%s", c == v->choice ? "" : "|", c->word);
}

const struct rh_features *rh_metric_block(const struct rh_metric_world *w, const char *name)
{
    for (int32_t b = 0; b < w->n_blocks; b++) {
        const struct rh_features *f = &w->block[b];
        if (!strcmp(w->block_name[b], name))
            return f->dense || (f->row && f->row[f->n_rows] > 0) ? f : NULL;
    }
    return NULL;
}
