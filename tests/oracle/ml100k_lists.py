#!/usr/bin/env python3
"""Metrics of other programs over a ranking of MovieLens 100K, for tests/unit/lists_run.c.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install ranx rectools lenskit scikit-learn
    cd tests/oracle && /tmp/oracle/bin/python ml100k_lists.py DATA/ml-100k > ml100k_lists.expected

reads u.data and u.item. A row is held out when (31 user + 17 item) mod 5 is 0, and relevant when it is rated 4 or 5
too. Candidates of a user are the items without a train row of the user, ordered by how often they occur in train
together with the user's items, then by descending id; the candidate at rank r scores -r / 256, so there are no ties.
The features of an item are its 19 genre flags. Those committed are of ranx 0.3.21, RecTools 0.19.0, LensKit 2025.8.1
and scikit-learn; lift, miscalibration, unexpectedness and entropy, which none of them has, are their formulas with
numpy and scipy. Lines "id value", ids as in docs/metrics.md; no row of the data is in the file.
"""
import os
import sys

import numpy as np
import pandas as pd
import sklearn.metrics
from lenskit.data import ItemList, from_interactions_df
from lenskit.metrics import ListGini, MeanPopRank
from ranx import Qrels, Run, evaluate
from rectools.metrics import AvgRecPopularity, CatalogCoverage, IntraListDiversity, MeanInvUserFreq, Serendipity
from rectools.metrics.distances import PairwiseDistanceCalculator
from scipy.stats import entropy
from sklearn.metrics.pairwise import cosine_similarity

USERS, ITEMS = 943, 1682
CUTS = (5, 10, 50)


class Cosine(PairwiseDistanceCalculator):
    def __init__(self, similarity):
        self.similarity = similarity

    def _get_distances_for_item_pairs(self, items_0, items_1):
        return 1 - self.similarity[items_0.astype(int), items_1.astype(int)]


def tell(name, value):
    print("%s %r" % (name, float(value)))


def accuracy(rating, held, order):
    """Users without a relevant item are in no mean."""
    qrels, run, aucs, sizes, labels, scores = {}, {}, [], [], [], []
    for user in range(USERS):
        relevant = held[user] & (rating[user] >= 4)
        score = -np.arange(1, len(order[user]) + 1) / 256
        label = relevant[order[user]]
        labels.append(label)
        scores.append(score)
        if not relevant.any():
            continue
        qrels[str(user)] = {str(i): int(rating[user, i]) for i in np.flatnonzero(relevant)}
        run[str(user)] = dict(zip(map(str, order[user]), score))
        aucs.append(sklearn.metrics.roc_auc_score(label, score))
        sizes.append((label.sum(), len(label)))
    qrels, run = Qrels(qrels), Run(run)
    names = {"recall@%d": "recall@%d", "precision@%d": "precision@%d", "f1@%d": "f1@%d", "hit@%d": "hit_rate@%d",
             "mrr@%d": "mrr@%d", "map@%d/div=rel": "map@%d", "ndcg@%d/gain=linear": "ndcg@%d",
             "ndcg@%d/gain=exp": "ndcg_burges@%d", "dcg@%d/gain=linear": "dcg@%d", "dcg@%d/gain=exp": "dcg_burges@%d"}
    for here, there in names.items():
        for k in CUTS:
            tell(here % k, evaluate(qrels, run, there % k, make_comparable=False))
    for here, there in {"mrr": "mrr", "map@all": "map", "r_precision": "r-precision", "ndcg@all/gain=linear": "ndcg",
                        "ndcg@all/gain=exp": "ndcg_burges"}.items():
        tell(here, evaluate(qrels, run, there, make_comparable=False))
    tell("auc", np.mean(aucs))
    tell("gauc", np.average(aucs, weights=[s[0] for s in sizes]))
    tell("gauc/weight=candidates", np.average(aucs, weights=[s[1] for s in sizes]))
    label, score = np.concatenate(labels), np.concatenate(scores)
    tell("logloss", sklearn.metrics.log_loss(label, 1 / (1 + np.exp(-score))))


def lists(rating, held, train, order, genre):
    rows = [(u, i, r + 1) for u in range(USERS) for r, i in enumerate(order[u][:max(CUTS)])]
    reco = pd.DataFrame(rows, columns=["user_id", "item_id", "rank"])
    users, items = np.nonzero(train)
    seen = pd.DataFrame({"user_id": users, "item_id": items, "weight": 1.0, "datetime": pd.Timestamp(0)})
    users, items = np.nonzero(held & (rating >= 4))
    liked = pd.DataFrame({"user_id": users, "item_id": items, "weight": 1.0, "datetime": pd.Timestamp(0)})
    catalog = list(range(ITEMS))
    similarity = cosine_similarity(genre)
    popularity = train.sum(axis=0).astype(float)
    data = from_interactions_df(seen[["user_id", "item_id"]])
    category = genre / np.maximum(genre.sum(axis=1, keepdims=True), 1)
    for k in CUTS:
        tell("coverage@%d" % k, CatalogCoverage(k=k, normalize=True).calc(reco, catalog))
        tell("popularity@%d" % k, AvgRecPopularity(k=k).calc(reco, seen))
        tell("novelty@%d" % k, MeanInvUserFreq(k=k).calc(reco, seen))
        tell("serendipity@%d" % k, Serendipity(k=k).calc(reco, liked, seen, catalog))
        if k <= 10: # RecTools makes a table of all pairs
            short = reco[reco["rank"] <= k]
            tell("ild@%d/block=genre" % k, IntraListDiversity(k, Cosine(similarity)).calc(short))
        gini, quantile = ListGini(n=k, items=ITEMS), MeanPopRank(data, n=k)
        recs = [ItemList(item_ids=order[u][:k], ordered=True) for u in range(USERS)]
        tell("gini@%d" % k, gini.global_aggregate([gini.compute_list_data(r, None) for r in recs]))
        tell("popularity@%d/unit=quantile" % k, np.mean([quantile.measure_list(r, None) for r in recs]))
        counts = np.bincount(np.concatenate([order[u][:k] for u in range(USERS)]), minlength=ITEMS)
        tell("entropy@%d" % k, entropy(counts, base=2))
        lift, kl, unexpected, surprising = [], [], [], []
        for u in range(USERS):
            history, recommended = np.flatnonzero(train[u]), order[u][:k]
            lift.append(popularity[recommended].mean() / popularity[history].mean() - 1)
            p, q = (category[x][category[x].any(axis=1)].mean(axis=0) for x in (history, recommended))
            kl.append(entropy(p, 0.99 * q + 0.01 * p))
            far = 1 - similarity[np.ix_(recommended, history)].mean(axis=1)
            unexpected.append(far.mean())
            surprising.append((far * (held[u] & (rating[u] >= 4))[recommended]).mean())
        tell("lift@%d" % k, np.mean(lift))
        tell("miscalibration@%d/block=genre" % k, np.mean(kl))
        tell("unexpectedness@%d/block=genre" % k, np.mean(unexpected))
        tell("unexpectedness@%d/block=genre/of=relevant" % k, np.mean(surprising))


def main():
    rating = np.zeros((USERS, ITEMS), dtype=int)
    genre = np.zeros((ITEMS, 19))
    for line in open(os.path.join(sys.argv[1], "u.data")):
        user, item, value = map(int, line.split()[:3])
        rating[user - 1, item - 1] = value
    for line in open(os.path.join(sys.argv[1], "u.item"), encoding="latin-1"):
        field = line.rstrip("\n").split("|")
        genre[int(field[0]) - 1] = [float(x) for x in field[-19:]]
    numbers = 31 * np.arange(1, USERS + 1)[:, None] + 17 * np.arange(1, ITEMS + 1)[None, :]
    held = (rating > 0) & (numbers % 5 == 0)
    train = (rating > 0) & ~held
    together = train.astype(int).T @ train.astype(int)
    order = []
    for user in range(USERS):
        candidate = np.flatnonzero(~train[user])
        count = together[:, train[user]].sum(axis=1)[candidate]
        order.append(candidate[np.lexsort((-candidate, -count))])
    accuracy(rating, held, order)
    lists(rating, held, train, order, genre)


if __name__ == "__main__":
    main()
