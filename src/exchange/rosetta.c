#include "exchange/rosetta.h"

#define HERE "harness"
#define TREC "trec_eval"
#define RECBOLE "RecBole"
#define ELLIOT "Elliot"
#define LENSKIT "LensKit"
#define IMPLICIT "implicit"
#define MICROSOFT "Microsoft"
#define MYMEDIALITE "MyMediaLite"

static const struct rh_dialect all[] = {
    { "nDCG", HERE, "ndcg@K", "ndcg@K", "binary gain, 1/log2(rank + 1), ideal of min(R, k)" },
    { "nDCG", TREC, "ndcg_cut_K", "ndcg@K/gain=linear", "the judgement itself is the gain" },
    { "nDCG", RECBOLE, "ndcg@K", "ndcg@K", "binary gain" },
    { "nDCG", ELLIOT, "nDCG@K", "ndcg@K/gain=above", "gain 2^(rating - threshold + 1) - 1" },
    { "nDCG", LENSKIT, "NDCG(K)", "ndcg@K/discount=late", "1/max(1, log2(rank)): ranks 1 and 2 count alike" },
    { "nDCG", IMPLICIT, "ndcg@K", "ndcg@K", "binary gain" },
    { "nDCG", MICROSOFT, "ndcg_at_k", "ndcg@K", "binary gain by default; the base of its logarithm cancels" },
    { "nDCG", MYMEDIALITE, "NDCG", "ndcg@all", "the whole list, whatever k" },

    { "MAP", HERE, "map@K", "map@K", "divided by min(R, k), so that a perfect list has 1" },
    { "MAP", TREC, "map_cut_K", "map@K/div=rel", "divided by R: a perfect list stays below 1 where R > k" },
    { "MAP", RECBOLE, "map@K", "map@K", "divided by min(R, k)" },
    { "MAP", ELLIOT, "MAP@K", "map@K/at=ranks", "mean of precision@i over all ranks 1..k, relevant or not" },
    { "MAP", LENSKIT, "AveragePrecision(K)", "map@K", "divided by min(R, length of the list)" },
    { "MAP", IMPLICIT, "map@K", "map@K", "divided by min(R, k)" },
    { "MAP", MICROSOFT, "map", "map@K/div=rel", "divided by R; its map_at_k is divided by min(R, k)" },
    { "MAP", MYMEDIALITE, "MAP", "map@all", "the whole list, whatever k" },

    { "recall", HERE, "recall@K", "recall@K", "divided by R: below 1 by construction where R > k" },
    { "recall", TREC, "recall_K", "recall@K", "divided by R" },
    { "recall", RECBOLE, "recall@K", "recall@K", "divided by R" },
    { "recall", ELLIOT, "Recall@K", "recall@K", "divided by R" },
    { "recall", LENSKIT, "Recall(K)", "recall@K/div=min", "divided by min(R, k)" },
    { "recall", MICROSOFT, "recall_at_k", "recall@K", "divided by R" },
    { "recall", MYMEDIALITE, "recall@K", "recall@K", "divided by R" },

    { "precision", HERE, "precision@K", "precision@K", "divided by k, also where the list is shorter" },
    { "precision", TREC, "P_K", "precision@K", "divided by k" },
    { "precision", RECBOLE, "precision@K", "precision@K", "divided by k" },
    { "precision", ELLIOT, "Precision@K", "precision@K", "divided by k" },
    { "precision", LENSKIT, "Precision(K)", "precision@K/div=list", "divided by the length of the list, at most k" },
    { "precision", IMPLICIT, "precision@K", "recall@K/div=min/mean=pool",
      "divided by min(R, k), and summed over users before the division: a recall" },
    { "precision", MICROSOFT, "precision_at_k", "precision@K", "divided by k" },
    { "precision", MYMEDIALITE, "prec@K", "precision@K", "divided by k" },

    { "MRR", HERE, "mrr@K", "mrr@K", "0 when the first relevant item is behind k" },
    { "MRR", TREC, "recip_rank", "mrr", "the whole list, whatever k" },
    { "MRR", RECBOLE, "mrr@K", "mrr@K", "0 behind k" },
    { "MRR", ELLIOT, "MRR@K", "mrr@K", "0 behind k" },
    { "MRR", LENSKIT, "RecipRank(K)", "mrr@K", "0 behind k" },
    { "MRR", MYMEDIALITE, "MRR", "mrr", "the whole list, whatever k" },

    { "hit rate", HERE, "hit@K", "hit@K", "1 when any relevant item is among the first k" },
    { "hit rate", TREC, "success_K", "hit@K", "the same" },
    { "hit rate", RECBOLE, "hit@K", "hit@K", "the same" },
    { "hit rate", ELLIOT, "HR@K", "hit@K", "the same" },
    { "hit rate", LENSKIT, "Hit(K)", "hit@K", "the same" },
};

const struct rh_dialect *rh_rosetta(int32_t *n)
{
    *n = (int32_t)(sizeof all / sizeof *all);
    return all;
}
