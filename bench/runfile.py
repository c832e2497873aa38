#!/usr/bin/env python3
"""For bench/runfile.sh: `runfile.py generate QUERIES DEPTH ITEMS NAME` writes NAME.run and NAME.qrels (generated, in the
order of the ranks), `runfile.py measure NAME` prints the means that pytrec_eval finds."""
import random
import sys


def generate(queries, depth, items, name):
    rng = random.Random(1)
    with open(name + ".run", "w") as run, open(name + ".qrels", "w") as qrels:
        for query in range(1, queries + 1):
            listed = rng.sample(range(1, items + 1), depth)
            score, lines = 10.0, []
            for rank, item in enumerate(listed, 1):
                score -= rng.random() * 0.01
                lines.append("%d Q0 %d %d %.6f x" % (query, item, rank, score))
            run.write("\n".join(lines) + "\n")
            relevant = set(rng.sample(listed, 5)) | set(rng.sample(range(1, items + 1), 3))
            qrels.writelines("%d 0 %d 1\n" % (query, item) for item in sorted(relevant))


def measure(name):
    import pytrec_eval
    with open(name + ".qrels") as f:
        qrels = pytrec_eval.parse_qrel(f)
    with open(name + ".run") as f:
        run = pytrec_eval.parse_run(f)
    measures = {"map", "ndcg", "recip_rank", "ndcg_cut.10", "recall.10,100", "P.10"}
    values = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
    for m, ours in (("map", "map@all"), ("ndcg", "ndcg@all"), ("recip_rank", "mrr"), ("ndcg_cut_10", "ndcg@10"),
                    ("recall_10", "recall@10"), ("recall_100", "recall@100"), ("P_10", "precision@10")):
        print("%s %.10f" % (ours, sum(v[m] for v in values.values()) / len(values)))


if sys.argv[1] == "generate":
    generate(*map(int, sys.argv[2:5]), sys.argv[5])
else:
    measure(sys.argv[2])
