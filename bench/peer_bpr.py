"""The peer's side of a BPR measurement: epochs of implicit on a file of lines "user item rating".

usage: peer_bpr.py FILE THREADS FACTORS        (needs implicit and scipy from PyPI)
"""
import sys
import time

import numpy as np
import scipy.sparse as sp
from implicit.cpu.bpr import BayesianPersonalizedRanking

user, item, _ = np.loadtxt(sys.argv[1]).T
rows = sp.csr_matrix((np.ones(len(user), np.float32), (user.astype(int), item.astype(int))))


def seconds(epochs):
    model = BayesianPersonalizedRanking(factors=int(sys.argv[3]), num_threads=int(sys.argv[2]), iterations=epochs,
                                        random_state=1)
    begin = time.perf_counter()
    model.fit(rows, show_progress=False)
    return time.perf_counter() - begin


seconds(1)
print("implicit epoch %.4f s" % min((seconds(4) - seconds(1)) / 3 for _ in range(3)))
