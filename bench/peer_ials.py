"""The peer's side of an iALS measurement: one iteration of implicit on a file of lines "user item rating".

usage: peer_ials.py FILE THREADS FACTORS cg|exact        (needs implicit and scipy from PyPI)
"""
import sys
import time

import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares

user, item, _ = np.loadtxt(sys.argv[1]).T
rows = sp.csr_matrix((np.ones(len(user), np.float32), (user.astype(int), item.astype(int))))
model = AlternatingLeastSquares(factors=int(sys.argv[3]), num_threads=int(sys.argv[2]), iterations=1,
                                use_cg=sys.argv[4] == "cg", random_state=1)
model.fit(rows, show_progress=False)
times = []
for _ in range(3):
    begin = time.perf_counter()
    model.fit(rows, show_progress=False)
    times.append(time.perf_counter() - begin)
print("implicit %s epoch %.4f s" % (sys.argv[4], min(times)))
