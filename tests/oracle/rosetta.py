#!/usr/bin/env python3
"""What several libraries say of one run, for harness rosetta.

    python3 -m venv /tmp/oracle
    /tmp/oracle/bin/pip install pytrec-eval-terrier lenskit implicit torch
    /tmp/oracle/bin/pip install --no-deps recbole recommenders
    /tmp/oracle/bin/python tests/oracle/rosetta.py

writes, beside itself, rosetta.run, rosetta.qrels (generated, without ties) and rosetta.expected (lines
"library,name,value" at cut-off 10; those committed are of pytrec-eval-terrier 0.5.11, RecBole 1.2.1, LensKit 2025.8.1,
implicit 0.7.3, recommenders 1.2.1). Elliot and MyMediaLite are not on PyPI: their formulas are written out below, after
elliot/evaluation/metrics/accuracy and src/MyMediaLite/Eval/Measures.
"""
import math
import os
import random
import sys
import unittest.mock

import numpy as np

np.float = float  # RecBole 1.2.1 wants it
HERE = os.path.dirname(os.path.abspath(__file__))
K = 10


def generate():
    rng = random.Random(11)
    run, qrels = {}, {}
    for user in range(25):
        items = rng.sample(range(200), 60)
        listed = items[:rng.randrange(12, 50)]
        scores = sorted(rng.sample(range(100000), len(listed)), reverse=True)
        run[user] = {i: s / 1024 for i, s in zip(listed, scores)}
        judged = rng.sample(items, rng.choice([1, 3, 8, 25]))
        qrels[user] = {i: rng.randrange(1, 4) for i in judged}
    return run, qrels


def trec_eval(run, qrels):
    import pytrec_eval
    text = lambda d: {str(u): {str(i): x for i, x in v.items()} for u, v in d.items()}
    measures = {"ndcg_cut.10", "map_cut.10", "recall.10", "P.10", "recip_rank", "success.10"}
    values = pytrec_eval.RelevanceEvaluator(text(qrels), measures).evaluate(text(run))
    for name in ("ndcg_cut_10", "map_cut_10", "recall_10", "P_10", "recip_rank", "success_10"):
        yield name, np.mean([v[name] for v in values.values()])


def recbole(run, qrels):
    for unused in ("torch.utils.tensorboard", "texttable", "thop", "plotly", "plotly.graph_objs"):
        sys.modules.setdefault(unused, unittest.mock.MagicMock())
    from recbole.evaluator import metrics
    hits = np.array([[i in qrels[u] for i in list(run[u])[:K]] for u in run])
    length = np.array([len(qrels[u]) for u in run])
    for name, metric, args in (("ndcg@10", metrics.NDCG, (length,)), ("map@10", metrics.MAP, (length,)),
                               ("recall@10", metrics.Recall, (length,)), ("precision@10", metrics.Precision, ()),
                               ("mrr@10", metrics.MRR, ()), ("hit@10", metrics.Hit, ())):
        yield name, object.__new__(metric).metric_info(hits, *args)[:, K - 1].mean()


def lenskit(run, qrels):
    from lenskit.data import ItemList
    from lenskit.metrics import NDCG, Hit, Precision, RecipRank, Recall
    from lenskit.metrics.ranking._map import AveragePrecision
    for name, metric in (("NDCG(10)", NDCG(K)), ("AveragePrecision(10)", AveragePrecision(K)),
                         ("Recall(10)", Recall(K)), ("Precision(10)", Precision(K)),
                         ("RecipRank(10)", RecipRank(K)), ("Hit(10)", Hit(K))):
        yield name, np.mean([metric.measure_list(ItemList(list(run[u]), ordered=True), ItemList(list(qrels[u])))
                             for u in run])


def implicit(run, qrels):
    from implicit.evaluation import ranking_metrics_at_k
    from scipy.sparse import csr_matrix

    class Model:
        def recommend(self, users, user_items, N, **kwargs):
            ids = np.array([list(run[u])[:N] for u in users], dtype=np.int32)
            return ids, np.tile(np.arange(N, 0, -1, dtype=np.float32), (len(users), 1))

    pairs = [(u, i) for u in qrels for i in qrels[u]]
    rows, cols = zip(*pairs)
    test = csr_matrix((np.ones(len(pairs)), (rows, cols)), shape=(len(run), 200))
    values = ranking_metrics_at_k(Model(), csr_matrix(test.shape), test, K=K, show_progress=False, num_threads=1)
    for name in ("ndcg", "map", "precision"):
        yield name + "@10", values[name]


def microsoft(run, qrels):
    import pandas
    from recommenders.evaluation import python_evaluation as e
    true = pandas.DataFrame([(u, i, r) for u in qrels for i, r in qrels[u].items()],
                            columns=["userID", "itemID", "rating"])
    predicted = pandas.DataFrame([(u, i, s) for u in run for i, s in run[u].items()],
                                 columns=["userID", "itemID", "prediction"])
    for name in ("ndcg_at_k", "map", "recall_at_k", "precision_at_k"):
        yield name, getattr(e, name)(true, predicted, k=K)


def elliot(run, qrels):
    def user(u):
        ranked, relevant = list(run[u])[:K], qrels[u]
        gain = lambda r: 2 ** (r - 1 + 1) - 1  # threshold 1
        dcg = sum(gain(relevant[i]) * math.log(2) / math.log(n + 2) for n, i in enumerate(ranked) if i in relevant)
        best = sorted(map(gain, relevant.values()), reverse=True)[:K]
        hits = [i in relevant for i in ranked]
        precisions = [sum(hits[:n + 1]) / (n + 1) for n in range(K)]
        return (dcg / sum(g * math.log(2) / math.log(n + 2) for n, g in enumerate(best)), np.mean(precisions),
                sum(hits) / len(relevant), sum(hits) / K, 1 / (1 + hits.index(True)) if any(hits) else 0, any(hits))
    values = np.mean([user(u) for u in run], axis=0)
    return zip(("nDCG@10", "MAP@10", "Recall@10", "Precision@10", "MRR@10", "HR@10"), values)


def mymedialite(run, qrels):
    def user(u):
        relevant = qrels[u]
        hits = [i in relevant for i in run[u]]
        dcg = sum(1 / math.log2(n + 2) for n, h in enumerate(hits) if h)
        return (dcg / sum(1 / math.log2(n + 2) for n in range(len(relevant))),
                sum(sum(hits[:n + 1]) / (n + 1) for n, h in enumerate(hits) if h) / len(relevant),
                sum(hits[:K]) / len(relevant), sum(hits[:K]) / K, 1 / (1 + hits.index(True)) if any(hits) else 0)
    values = np.mean([user(u) for u in run], axis=0)
    return zip(("NDCG", "MAP", "recall@10", "prec@10", "MRR"), values)


def main():
    run, qrels = generate()
    with open(os.path.join(HERE, "rosetta.run"), "w") as out:
        for u in run:
            for rank, (i, s) in enumerate(run[u].items(), 1):
                out.write("%d Q0 %d %d %r generated\n" % (u, i, rank, s))
    with open(os.path.join(HERE, "rosetta.qrels"), "w") as out:
        for u in qrels:
            for i, r in qrels[u].items():
                out.write("%d 0 %d %d\n" % (u, i, r))
    with open(os.path.join(HERE, "rosetta.expected"), "w") as out:
        for library, values in (("trec_eval", trec_eval), ("RecBole", recbole), ("Elliot", elliot),
                                ("LensKit", lenskit), ("implicit", implicit), ("Microsoft", microsoft),
                                ("MyMediaLite", mymedialite)):
            for name, value in values(run, qrels):
                out.write("%s,%s,%.12g\n" % (library, name, value))


if __name__ == "__main__":
    main()
