#!/usr/bin/env python3
"""Means of trec_eval and scikit-learn over a popularity ranking of MovieLens 100K, for tests/unit/popularity_run.c.

    cd tests/oracle && /tmp/oracle/bin/python ml100k_popularity.py DATA/ml-100k/u.data > ml100k_popularity.expected

(the environment of trec_eval.py). A row is held out when (31 user + 17 item) mod 5 is 0, and relevant when it is rated
4 or 5 too; an item scores its number of train rows plus id / 4096, so there are no ties and 32 bits hold it; candidates
are the items without a train row of the user. Lines "measure mean", over the users with a relevant item.
"""
import sys

import pytrec_eval
from sklearn.metrics import roc_auc_score

ITEMS = 1682
MEASURES = {"ndcg_cut.5,10,50", "ndcg", "recall.5,10,50", "P.5,10,50", "map", "recip_rank", "success.5,10,50"}


def main():
    count = [0] * (ITEMS + 1)
    seen, relevant = {}, {}
    for line in open(sys.argv[1]):
        user, item, rating = map(int, line.split()[:3])
        if (31 * user + 17 * item) % 5:
            count[item] += 1
            seen.setdefault(user, set()).add(item)
        elif rating >= 4:
            relevant.setdefault(user, set()).add(item)
    run, qrels, auc = {}, {}, []
    for user, items in relevant.items():
        candidates = [i for i in range(1, ITEMS + 1) if i not in seen.get(user, ())]
        scores = [count[i] + i / 4096 for i in candidates]
        run[str(user)] = {str(i): s for i, s in zip(candidates, scores)}
        qrels[str(user)] = {str(i): 1 for i in items}
        auc.append(roc_auc_score([i in items for i in candidates], scores))
    values = pytrec_eval.RelevanceEvaluator(qrels, MEASURES).evaluate(run)
    print("users %d" % len(values))
    for measure in sorted(next(iter(values.values()))):
        print("%s %r" % (measure, sum(v[measure] for v in values.values()) / len(values)))
    print("auc %r" % (float(sum(auc)) / len(auc)))


if __name__ == "__main__":
    main()
