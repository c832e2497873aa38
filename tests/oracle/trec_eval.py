#!/usr/bin/env python3
"""Values of trec_eval and scikit-learn for the unit test of the metrics.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install pytrec-eval-terrier scikit-learn
    /tmp/oracle/bin/python tests/oracle/trec_eval.py

writes, beside itself, rankings.input (lines "query item score relevant": generated rankings without ties, scores that
are exact in 32 bits) and rankings.expected (lines "query measure value"; those committed are of
pytrec-eval-terrier 0.5.11 and scikit-learn 1.9.1). Run it again only to change the rankings.
"""
import os
import random

import pytrec_eval
from sklearn.metrics import roc_auc_score

HERE = os.path.dirname(os.path.abspath(__file__))
MEASURES = {
    "ndcg_cut.1,3,5,10,20", "ndcg", "recall.1,3,5,10,20", "P.1,3,5,10,20,100", "map_cut.1,3,5,10,20", "map",
    "recip_rank", "success.1,3,5,10,20", "Rprec",
}
# (candidates, relevant): one relevant, few, more than the largest cut-off, all but one, fewer than the cut-offs
SHAPES = [(47, 1), (61, 1), (53, 4), (59, 9), (37, 13), (43, 26), (41, 40), (7, 3),
          (2, 1), (67, 31), (31, 5), (29, 2)]


def main():
    rng = random.Random(20240611)
    run, qrels, auc = {}, {}, {}
    with open(os.path.join(HERE, "rankings.input"), "w") as out:
        for number, (n, n_relevant) in enumerate(SHAPES):
            query = "q%02d" % number
            scores = [x / 1024 for x in rng.sample(range(-40000, 40000), n)]
            # half of the time the relevant items score high, as with a recommender that works
            tilt = 3 if number % 2 else 0
            order = sorted(range(n), key=lambda i: rng.random() + tilt * rng.random() * (scores[i] < 0))
            relevant = [0] * n
            for i in order[:n_relevant]:
                relevant[i] = 1
            run[query] = {"d%03d" % i: scores[i] for i in range(n)}
            qrels[query] = {"d%03d" % i: relevant[i] for i in range(n)}
            auc[query] = roc_auc_score(relevant, scores)
            for i in range(n):
                out.write("%d %d %r %d\n" % (number, i, scores[i], relevant[i]))
    values = pytrec_eval.RelevanceEvaluator(qrels, MEASURES).evaluate(run)
    with open(os.path.join(HERE, "rankings.expected"), "w") as out:
        for number in range(len(SHAPES)):
            query = "q%02d" % number
            for measure in sorted(values[query]):
                out.write("%d %s %r\n" % (number, measure, float(values[query][measure])))
            out.write("%d auc %r\n" % (number, float(auc[query])))


if __name__ == "__main__":
    main()
