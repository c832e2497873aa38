/* docs/metrics.md comes from here, so that what is documented is what is computed. */
#include "metrics/catalogue.h"

#include <math.h>

static const char *const introduction =
    "# Metrics\n"
    "\n"
    "This page is written by the program from its metric descriptors; a test compares the two. What stands in\n"
    "an experiment under `metrics`, and in the store beside every value, is an *id* such as `ndcg@10` or\n"
    "`ndcg@10/gain=exp`; the store keeps its *definition* too, which spells every variant out, because papers\n"
    "use one name for several formulas.\n"
    "\n"
    "## Names, cut-offs, variants\n"
    "\n"
    "An id is `name[@k][/variant=word]...`. `ndcg` with `cutoffs = 10, 50` stands for `ndcg@10` and `ndcg@50`;\n"
    "`ndcg@20` stands for itself. Where the list says so, `@all` is the whole list; `mrr` and `auc` alone are the\n"
    "whole list. The first word of a variant is the default: an id leaves it out, a definition never does, and\n"
    "`ndcg@10/ideal=min/gain=exp` is the same metric as `ndcg@10/gain=exp`. A variant that is a NAME, `block`, "
    "names\n"
    "a block of item features of the target and has no default: `ild@10/block=genre`.\n"
    "\n"
    "| also understood | stands for | called so by |\n"
    "|---|---|---|\n";

static const char *const conventions =
    "\n"
    "## Conventions\n"
    "\n"
    "- **One query** is one user at test time. **Candidates** are all items of the target domain, or the\n"
    "  query's list, without the masked ones (what the user is known to have seen). N is their number.\n"
    "- **Relevant** is a held-out item that is a candidate and, where the data has ratings and the experiment\n"
    "  sets a threshold, is rated at least that high. R is their number. Every other candidate counts as not\n"
    "  relevant: rel(i) is 1 when the item at rank i is relevant, else 0. Graded gains come from the rating of the\n"
    "  relevant item (1 where the data has no ratings), others gain 0.\n"
    "- **Ties** are never broken by item number. A metric with `ties=mean` is its expectation over a random order\n"
    "  of the candidates with equal score, in closed form (F. McSherry and M. Najork, *Computing information\n"
    "  retrieval performance measures efficiently in the presence of tied scores*, ECIR 2008). A constant\n"
    "  scorer so gets exactly what a random ranking gets on average. With `ties=exposure` the metric is not linear\n"
    "  in the ranking, and it is computed from the expected exposure: each item's chance to be recommended. Scores\n"
    "  are equal when their 32-bit floating point values are.\n"
    "- **The mean** of an accuracy metric is over the queries where it is defined, each with the same weight unless "
    "the\n"
    "  formula says otherwise. A query without a relevant candidate is in no mean; how many there were is counted "
    "and\n"
    "  shown. Metrics of what is recommended (from coverage on) are over all queries with a candidate.\n"
    "- **Metrics of a run**, coverage, gini and entropy, have one value a run and none a query, so no interval\n"
    "  over users.\n"
    "- **Popularity** of an item is its number of train rows in the target domain. **The history** of a query are "
    "the\n"
    "  rows of the target that the model may look at.\n"
    "- **Rating metrics** need an algorithm that predicts on the rating scale, and ratings. They use every\n"
    "  held-out rating, relevant or not, and give each rating (not each query) the same weight.\n"
    "\n"
    "## Expectations over tie order\n"
    "\n"
    "A tie group has n candidates, m of them relevant, with a candidates above it, r of those relevant; its\n"
    "ranks are a + 1 .. a + n, of which d = min(n, k - a) lie within the cut-off. H(i) is the sum of 1/j over\n"
    "j = 1..i.\n"
    "\n"
    "| quantity | expectation |\n"
    "|---|---|\n"
    "| relevant items within the cut-off | m d / n |\n"
    "| DCG of the group | (sum of its gains / n) * sum over ranks i = a+1 .. a+d of discount(i) |\n"
    "| at least one relevant item (first group) | 1 - C(n - m, d) / C(n, d) |\n"
    "| 1 / rank of the first relevant item (first group) | sum over j = 1 .. d of C(n - j, m - 1) / C(n, m) / "
    "(a + j); for a = 0 and no cut-off: m / (n - m + 1) * (H(n) - H(m - 1)) |\n"
    "| sum of precisions at relevant ranks | (m / n) * sum over j = 1 .. d of (r + 1 + (j - 1) (m - 1) / (n - 1)) / "
    "(a + j) |\n"
    "| sum of precisions at all ranks of the group | sum over j = 1 .. d of (r + j m / n) / (a + j) |\n"
    "| pairs won (AUC) | m * (others below + (n - m) / 2) |\n"
    "| an item is recommended | d / n |\n"
    "| two items of the group are recommended together | d (d - 1) / (n (n - 1)) |\n"
    "| an item is recommended to nobody | product over queries of (1 - d / n) |\n"
    "\n"
    "## The metrics\n";

static const char *const agreement =
    "\n"
    "## Agreement with other programs\n"
    "\n"
    "The tests reproduce values of other programs on rankings without ties (`tests/oracle/`): trec_eval, ranx,\n"
    "scikit-learn, RecTools and LensKit; with ties, the average over all orders of short lists. Where names or\n"
    "formulas differ:\n"
    "\n"
    "| here | there |\n"
    "|---|---|\n"
    "| `ndcg@k`, `ndcg@all` | trec_eval `ndcg_cut_k`, `ndcg` (binary judgements) |\n"
    "| `recall@k`, `precision@k`, `hit@k` | trec_eval `recall_k`, `P_k`, `success_k` |\n"
    "| `map@all` | trec_eval `map` |\n"
    "| `map@k/div=rel` | trec_eval `map_cut_k`: a perfect list of k items stays below 1 where R > k |\n"
    "| `r_precision` | trec_eval `Rprec` |\n"
    "| `ndcg@k/gain=exp`, `/gain=linear` | ranx `ndcg_burges@k`, `ndcg@k`; trec_eval's graded `ndcg_cut_k` is "
    "linear |\n"
    "| `novelty@k`, `serendipity@k`, `ild@k` | RecTools `MeanInvUserFreq`, `Serendipity`, `IntraListDiversity` (with "
    "the cosine as distance) |\n"
    "| `popularity@k/unit=quantile`, `gini@k` | LensKit `MeanPopRank`, `ListGini` |\n"
    "| `mrr` | trec_eval `recip_rank` |\n"
    "| `auc` | scikit-learn `roc_auc_score` of one query; the mean over queries is not the AUC of all pairs "
    "pooled |\n"
    "| any, with ties | trec_eval orders equal scores by document name, most libraries by item number or by "
    "chance |\n"
    "\n"
    "Formulas alone do not make two programs agree: which items are candidates, who is a user without relevant "
    "items,\n"
    "and how ties fall matters as much. As far as formulas go, the metrics of other programs are written here as\n"
    "\n"
    "| program | its metrics, as ids of this page |\n"
    "|---|---|\n"
    "| trec_eval | `ndcg@k/gain=linear` with graded judgements, `map@k/div=rel`, `recall@k`, `precision@k`, "
    "`mrr`, `hit@k`, `r_precision` |\n"
    "| RecBole | `ndcg@k`, `map@k`, `recall@k`, `precision@k`, `mrr@k`, `hit@k`, `gauc`; `coverage@k`, `gini@k`, "
    "`popularity@k`, `entropy@k/log=e/div=covered` |\n"
    "| Elliot | `ndcg@k/gain=above`, `map@k/at=ranks`, `recall@k`, `precision@k`, `mrr@k`, `hit@k`, `f1@k` |\n"
    "| LensKit | `ndcg@k/discount=late` (`/gain=linear` where it is given a field), `map@k`, `recall@k/div=min`, "
    "`precision@k/div=list`, `mrr@k`, `hit@k`; `gini@k`, `popularity@k/unit=quantile` |\n"
    "| implicit | precision `recall@k/div=min/mean=pool`, `map@k`, `ndcg@k`, `auc@k/others=items` |\n"
    "| Microsoft Recommenders | `ndcg@k` (`/gain=linear`, `/gain=exp` where asked), map `map@k/div=rel`, map_at_k "
    "`map@k`, `recall@k`, `precision@k`; serendipity `unexpectedness@k/block=NAME/of=relevant` |\n"
    "| MyMediaLite | `auc/one_class=half`, `precision@k`, `map@all`, `recall@k`, `ndcg@all`, `mrr` |\n"
    "| RecTools | `novelty@k`, `serendipity@k`, `ild@k/block=NAME`, `popularity@k`, `coverage@k` |\n";

static bool needs_block(const struct rh_metric *m)
{
    const struct rh_metric_variant *v = m->variant;
    return v && v->key && !v->choice;
}

static void variant(const struct rh_metric_variant *v, struct rh_text *t)
{
    rh_text_printf(t, "\n- `%s`: ", v->key);
    if (!v->choice)
        rh_text_add(t, "a block of item features, by its name");
    for (const struct rh_choice *c = v->choice; c && c->word; c++)
        rh_text_printf(t, "%s`%s` %s", c == v->choice ? "" : "; ", c->word, c->help);
}

/* How the metric is written in an experiment. */
static void spellings(const struct rh_metric *m, struct rh_text *t)
{
    if (!(m->flags & RH_M_AT_K))
        rh_text_printf(t, "`%s`", m->name);
    else if (needs_block(m))
        rh_text_printf(t, "`%s@10/block=genre`", m->name);
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
    rh_text_add(t, "- written: ");
    spellings(m, t);
    for (const struct rh_metric_variant *v = m->variant; v && v->key; v++)
        variant(v, t);
    if (isinf(m->max))
        rh_text_printf(t, "\n- range: %g and up, ", m->min);
    else
        rh_text_printf(t, "\n- range: %g to %g, ", m->min, m->max);
    rh_text_printf(t, "%s is better%s\n", m->flags & RH_M_LOWER_IS_BETTER ? "lower" : "higher",
                   m->flags & RH_M_RUN ? "; one value a run" : "");
    rh_text_printf(t, "- source: %s\n", m->reference);
}

void rh_metrics_markdown(struct rh_text *t)
{
    rh_text_add(t, introduction);
    for (const struct rh_metric_alias *a = rh_metric_aliases(); a->name; a++)
        rh_text_printf(t, "| `%s` | `%s%s%s` | %s |\n", a->name, a->stands_for, *a->variants ? "/" : "", a->variants,
                       a->of);
    rh_text_add(t, conventions);
    for (const struct rh_metric *const *m = rh_metrics(); *m; m++)
        one(*m, t);
    rh_text_add(t, agreement);
}
