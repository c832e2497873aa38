"""RMSE and MAE of Surprise on the first fold of MovieLens 100K, for tests/cli/reproduce.sh.

    HARNESS_DATA=FOLDER python3 surprise_ml100k.py > surprise_ml100k.values          (scikit-surprise 1.1.4, numpy 1.26.4)

The folds are those of KFold(n_splits=5, random_state=0, shuffle=True), as in Surprise's own benchmark. A line: the name of
the section in tests/oracle/surprise_ml100k.ini, RMSE, MAE.
"""
import os

import numpy as np
import surprise as s
from surprise.model_selection import KFold

path = os.path.join(os.environ["HARNESS_DATA"], "ml-100k", "u.data")
data = s.Dataset.load_from_file(path, s.Reader(line_format="user item rating timestamp", sep="\t"))
train, test = next(KFold(n_splits=5, random_state=0, shuffle=True).split(data))


def sim(name, user_based=True, **more):
    return dict(sim_options=dict(name=name, user_based=user_based, **more), verbose=False)


models = {
    "svd": s.SVD(random_state=0),
    "svd_unbiased": s.SVD(random_state=3, biased=False, n_factors=17, n_epochs=7, lr_all=0.01, reg_all=0.05),
    "svdpp": s.SVDpp(random_state=0),
    "svdpp_small": s.SVDpp(random_state=7, n_factors=6, n_epochs=3, lr_all=0.02, reg_all=0.1),
    "nmf": s.NMF(random_state=0),
    "coclustering": s.CoClustering(random_state=0),
    "coclustering_more": s.CoClustering(random_state=5, n_cltr_u=5, n_cltr_i=4, n_epochs=8),
    "slopeone": s.SlopeOne(),
    "baseline": s.BaselineOnly(verbose=False),
    "baseline_sgd": s.BaselineOnly(bsl_options=dict(method="sgd", n_epochs=15, reg=0.03, learning_rate=0.007), verbose=False),
    "users_msd": s.KNNBaseline(verbose=False),
    "users_basic": s.KNNBasic(verbose=False),
    "users_means_cosine": s.KNNWithMeans(k=25, min_k=3, **sim("cosine", min_support=4)),
    "users_zscore_pearson": s.KNNWithZScore(**sim("pearson")),
    "users_pearson_baseline": s.KNNBaseline(**sim("pearson_baseline", shrinkage=50)),
    "items_msd": s.KNNBaseline(**sim("msd", False)),
    "items_basic_cosine": s.KNNBasic(**sim("cosine", False)),
    "items_means_pearson": s.KNNWithMeans(k=30, **sim("pearson", False)),
    "items_zscore_msd": s.KNNWithZScore(**sim("msd", False)),
    "items_pearson_baseline": s.KNNBaseline(**sim("pearson_baseline", False)),
}
for name, model in models.items():
    np.random.seed(0)
    predictions = model.fit(train).test(test)
    print(name, "%.9f %.9f" % (s.accuracy.rmse(predictions, False), s.accuracy.mae(predictions, False)), flush=True)
