#!/usr/bin/env python3
"""Values of trec_eval for a run file with ties, in no order, with queries that only one of the files has.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install pytrec-eval-terrier
    /tmp/oracle/bin/python tests/oracle/runfile.py

writes, beside itself, runfile.run, runfile.qrels and runfile.expected (lines "query,metric,value"; those committed are
of pytrec-eval-terrier 0.5.11). The data is generated.
"""
import os
import random

import pytrec_eval

HERE = os.path.dirname(os.path.abspath(__file__))
OURS = {
    "map": "map@all", "ndcg": "ndcg@all/gain=linear", "recip_rank": "mrr", "P_5": "precision@5", "P_10": "precision@10",
    "P_100": "precision@100", "recall_5": "recall@5", "recall_10": "recall@10", "recall_100": "recall@100",
    "ndcg_cut_5": "ndcg@5/gain=linear", "ndcg_cut_10": "ndcg@10/gain=linear", "ndcg_cut_100": "ndcg@100/gain=linear", "success_1": "hit@1",
    "success_5": "hit@5", "map_cut_10": "map@10/div=rel", "Rprec": "r_precision",
}
MEASURES = {"map", "ndcg", "recip_rank", "P.5,10,100", "recall.5,10,100", "ndcg_cut.5,10,100", "success.1,5",
            "map_cut.10", "Rprec"}


def main():
    rng = random.Random(7)
    run, qrels, lines = {}, {}, []
    for number in range(14):
        query = "q%d" % number
        digits = number % 2  # ids of digits alone, or with letters; some digits with a zero in front
        names = ["%d" % x if digits else "doc-%x" % x for x in rng.sample(range(5000), 60)]
        if digits:
            names[:5] = ["0" + name for name in names[:5]]
        listed = names[:rng.choice([3, 25, 40, 55])]
        levels = rng.choice([2, 6, 1000])  # few levels: many ties
        run[query] = {d: rng.randrange(-levels, levels) / 8 + rng.choice([0, 1e-9]) for d in listed}
        judged = rng.sample(names, 20)
        qrels[query] = {d: rng.choice([-1, 0, 0, 1, 2, 3]) for d in judged}
        qrels[query][judged[0]] = 1
        lines += [(query, d, s) for d, s in run[query].items()]
    del qrels["q3"]
    lines = [x for x in lines if x[0] != "q5"]
    del run["q5"]
    rng.shuffle(lines)
    grouped = [x for x in lines if x[0] < "q2"] + sorted((x for x in lines if x[0] >= "q2"), key=lambda x: x[0])
    with open(os.path.join(HERE, "runfile.run"), "w") as out:
        for query, d, s in grouped:
            out.write("%s Q0 %s 0 %r generated\n" % (query, d, s))
    with open(os.path.join(HERE, "runfile.qrels"), "w") as out:
        for query in qrels:
            for d in qrels[query]:
                out.write("%s 0 %s %d\n" % (query, d, qrels[query][d]))
    values = pytrec_eval.RelevanceEvaluator(qrels, MEASURES).evaluate(run)
    with open(os.path.join(HERE, "runfile.expected"), "w") as out:
        for query in sorted(values):
            for measure in sorted(OURS):
                out.write("%s,%s,%r\n" % (query, OURS[measure], float(values[query][measure])))


if __name__ == "__main__":
    main()
