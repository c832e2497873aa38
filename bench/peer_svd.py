"""The peer's side of bench/svd.sh: SVD of Surprise on five folds of MovieLens 100K.

usage: peer_svd.py U_DATA        (needs scikit-surprise from PyPI)
"""
import sys
import time

import surprise
from surprise.model_selection import KFold

reader = surprise.Reader(line_format="user item rating timestamp", sep="\t")
data = surprise.Dataset.load_from_file(sys.argv[1], reader)
fit = 0.0
for train, test in KFold(n_splits=5, random_state=0, shuffle=True).split(data):
    begin = time.perf_counter()
    model = surprise.SVD(random_state=0).fit(train)
    fit += time.perf_counter() - begin
    predictions = model.test(test)
    print(surprise.accuracy.rmse(predictions, verbose=False), surprise.accuracy.mae(predictions, verbose=False))
print("fit %.3f" % fit)
