/* docs/metrics.md comes from here, so that what is documented is what is computed. */
#include "metrics/ties.h"

static const char *const introduction =
    "# Metrics\n"
    "\n"
    "This page is written by the program from its metric descriptors; a test compares the two. What stands in\n"
    "an experiment under `metrics`, and in the store beside every value, is an *id* such as `ndcg@10`; the\n"
    "store keeps its *definition* too, which spells the variant out, because papers use one name for several\n"
    "formulas.\n"
    "\n"
    "## Conventions\n"
    "\n"
    "- **One query** is one user at test time. **Candidates** are all items of the target domain, or the\n"
    "  query's list, without the masked ones (what the user is known to have seen). N is their number.\n"
    "- **Relevant** is a held-out item that is a candidate and, where the data has ratings and the experiment\n"
    "  sets a threshold, is rated at least that high. R is their number. Every other candidate counts as not\n"
    "  relevant. Gain is binary: rel(i) is 1 when the item at rank i is relevant, else 0.\n"
    "- **Ties** are never broken by item number. Every ranking metric is its expectation over a random order\n"
    "  of the candidates with equal score, in closed form (F. McSherry and M. Najork, *Computing information\n"
    "  retrieval performance measures efficiently in the presence of tied scores*, ECIR 2008). A constant\n"
    "  scorer so gets exactly what a random ranking gets on average. Scores are equal when their 32-bit\n"
    "  floating point values are.\n"
    "- **Cut-offs**: `ndcg` with `cutoffs = 10, 50` stands for `ndcg@10` and `ndcg@50`; `ndcg@20` stands for\n"
    "  itself. Where the list says so, `@all` is the whole list. `mrr` alone is the whole list.\n"
    "- **The mean** of a ranking metric is over the queries where it is defined, each with the same weight. A\n"
    "  query without a relevant candidate is in no mean; how many there were is counted and shown.\n"
    "- **Rating metrics** need an algorithm that predicts on the rating scale, and ratings. They use every\n"
    "  held-out rating, relevant or not, and give each rating (not each query) the same weight.\n"
    "\n"
    "## Expectations over tie order\n"
    "\n"
    "A tie group has n candidates, m of them relevant, with a candidates above it, r of those relevant; its\n"
    "ranks are a + 1 .. a + n, of which d = min(n, k - a) lie within the cut-off. Only groups with m > 0\n"
    "matter. H(i) is the sum of 1/j over j = 1..i.\n"
    "\n"
    "| quantity | expectation |\n"
    "|---|---|\n"
    "| relevant items within the cut-off | m d / n |\n"
    "| DCG of the group | (m / n) * sum over ranks i = a+1 .. a+d of 1 / log2(i + 1) |\n"
    "| at least one relevant item (first group) | 1 - C(n - m, d) / C(n, d) |\n"
    "| 1 / rank of the first relevant item (first group) | sum over j = 1 .. d of C(n - j, m - 1) / C(n, m) / "
    "(a + j); for a = 0 and no cut-off: m / (n - m + 1) * (H(n) - H(m - 1)) |\n"
    "| sum of precisions at relevant ranks | (m / n) * sum over j = 1 .. d of (r + 1 + (j - 1) (m - 1) / (n - 1)) / "
    "(a + j) |\n"
    "| pairs won (AUC) | m * (others below + (n - m) / 2) |\n"
    "\n"
    "## The metrics\n";

static const char *const agreement =
    "\n"
    "## Agreement with other programs\n"
    "\n"
    "The tests reproduce values of trec_eval (`tests/oracle/trec_eval.py`) and scikit-learn on rankings\n"
    "without ties, and the average over all orders of short lists with ties. Where names or formulas differ:\n"
    "\n"
    "| here | there |\n"
    "|---|---|\n"
    "| `ndcg@k`, `ndcg@all` | trec_eval `ndcg_cut_k`, `ndcg` (binary judgements) |\n"
    "| `recall@k`, `precision@k`, `hit@k` | trec_eval `recall_k`, `P_k`, `success_k` |\n"
    "| `map@all` | trec_eval `map` |\n"
    "| `map@k` | trec_eval `map_cut_k` times R / min(R, k): trec_eval divides by R, so that a perfect list of k "
    "items stays below 1 where R > k |\n"
    "| `mrr` | trec_eval `recip_rank` |\n"
    "| `auc` | scikit-learn `roc_auc_score` of one query; the mean over queries is not the AUC of all pairs "
    "pooled |\n"
    "| any, with ties | trec_eval orders equal scores by document name, most libraries by item number or by "
    "chance |\n";

/* How the metric is written in an experiment. */
static void spellings(const struct rh_metric *m, struct rh_text *t)
{
    if (!(m->flags & RH_M_AT_K))
        rh_text_printf(t, "`%s`", m->name);
    else if (m->flags & RH_M_BARE_ALL)
        rh_text_printf(t, "`%s` (the whole list), `%s@10`", m->name, m->name);
    else if (m->flags & RH_M_ALL)
        rh_text_printf(t, "`%s@10`, `%s@all` (the whole list)", m->name, m->name);
    else
        rh_text_printf(t, "`%s@10`", m->name);
}

static void one(const struct rh_metric *m, struct rh_text *t)
{
    rh_text_printf(t, "\n### %s: %s\n\n", m->name, m->summary);
    rh_text_printf(t, "- formula: %s\n", m->formula);
    rh_text_printf(t, "- definition: `%s`\n- written: ", m->definition);
    spellings(m, t);
    if (isinf(m->max))
        rh_text_printf(t, "\n- range: %g and up, ", m->min);
    else
        rh_text_printf(t, "\n- range: %g to %g, ", m->min, m->max);
    rh_text_printf(t, "%s is better\n", m->flags & RH_M_LOWER_IS_BETTER ? "lower" : "higher");
    rh_text_printf(t, "- source: %s\n", m->reference);
}

void rh_metrics_markdown(struct rh_text *t)
{
    rh_text_add(t, introduction);
    for (const struct rh_metric *const *m = rh_metrics(); *m; m++)
        one(*m, t);
    rh_text_add(t, agreement);
}
