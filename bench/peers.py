"""The peers' side of bench/ratios.py: one job of one peer in a process of its own.

usage: peers.py JOB PREFIX THREADS        (PREFIX as for prepare.py; needs numpy, scipy and the peer of the job)

Prints the line "seconds S cpu C peak M": wall and processor seconds of the job alone (of one epoch where there are
epochs), MiB of memory that the process had at most. Jobs:
  implicit-itemknn           cosine, 100 neighbours
  implicit-ials-cg, -exact   one iteration of ALS, 64 factors, both sides; three steps of conjugate gradients
  implicit-bpr               one epoch, 64 factors, negatives checked
  implicit-evaluate          the best 100 of all items for each user, train rows left out, and its four metrics
  libmf-bpr                  one epoch, 64 factors (LIBMF names the library, see README.md)
  surprise-svd               one epoch, 100 factors
  pandas-parse               PREFIX.csv to columns, types given
  numpy-ease, scipy-ease     weights in closed form, l2 = 500, in single precision: by inv, and by Cholesky (LAPACK's
                             potrf and potri); here BLAS has the threads
  irspack-slim, fastslim     elastic net, alpha = 0.2, l1_ratio = 0.005, all weights kept; -dense: 0.2225 and 0.000113
  sklearn-slim               the same by ElasticNet of scikit-learn, as RecBole and Ferrari Dacrema et al. call it, for
                             one column in 32, whose seconds are taken 32 times
"""
import ctypes
import os
import resource
import statistics
import sys
import time

job, prefix, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
# The peers' own threads do the work, as implicit asks for, but for those that have none.
os.environ["OPENBLAS_NUM_THREADS"] = str(threads) if job.endswith("-ease") else "1"

import numpy as np
import scipy.sparse as sp


def cpu():
    use = resource.getrusage(resource.RUSAGE_SELF)
    return use.ru_utime + use.ru_stime


def clock(work, *args):
    wall, used = time.perf_counter(), cpu()
    result = work(*args)
    return time.perf_counter() - wall, cpu() - used, result


def matrix(part):
    m = sp.load_npz("%s.%s.npz" % (prefix, part))
    m.data[:] = 1
    return m


def epochs(fit, n):
    """Seconds of an epoch: what n + 1 of them take more than one, over n."""
    one, more = clock(fit, 1), clock(fit, n + 1)
    return (more[0] - one[0]) / n, (more[1] - one[1]) / n


def itemknn():
    from implicit.nearest_neighbours import CosineRecommender
    rows = matrix("all")
    model = CosineRecommender(K=100, num_threads=threads)
    return clock(lambda: model.fit(rows, show_progress=False))[:2]


def each_epoch(make):
    """Seconds of the fastest epoch, by the callback that implicit calls after each."""
    marks = []
    rows = matrix("all")
    make(2 if rows.nnz > 5e6 else 6).fit(rows, show_progress=False,
                                         callback=lambda *_: marks.append((time.perf_counter(), cpu())))
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in zip(marks, marks[1:])]
    return min(s[0] for s in steps), min(s[1] for s in steps)


def ials(cg):
    from implicit.cpu.als import AlternatingLeastSquares
    return each_epoch(lambda n: AlternatingLeastSquares(
        factors=64, iterations=n, regularization=0.05, alpha=10, use_cg=cg, calculate_training_loss=False,
        num_threads=threads, random_state=1))


def bpr():
    from implicit.cpu.bpr import BayesianPersonalizedRanking
    return each_epoch(lambda n: BayesianPersonalizedRanking(
        factors=64, iterations=n, learning_rate=0.05, regularization=0.01, num_threads=threads, random_state=1,
        verify_negative_samples=True))


def evaluate():
    from implicit.cpu.als import AlternatingLeastSquares
    from implicit.evaluation import ranking_metrics_at_k
    train, test = matrix("train"), matrix("test")
    factors = np.load(prefix + ".factors.npz")
    model = AlternatingLeastSquares(factors=factors["users"].shape[1], num_threads=threads)
    model.user_factors, model.item_factors = factors["users"], factors["items"]
    wall, used, values = clock(lambda: ranking_metrics_at_k(model, train, test, K=100, show_progress=False,
                                                            num_threads=threads))
    print(values)
    return wall, used


class Node(ctypes.Structure):
    _fields_ = [("u", ctypes.c_int), ("v", ctypes.c_int), ("r", ctypes.c_float)]


class Problem(ctypes.Structure):
    _fields_ = [("m", ctypes.c_int), ("n", ctypes.c_int), ("nnz", ctypes.c_longlong), ("R", ctypes.c_void_p)]


class Settings(ctypes.Structure):
    _fields_ = ([(name, ctypes.c_int) for name in ("fun", "k", "nr_threads", "nr_bins", "nr_iters")] +
                [(name, ctypes.c_float) for name in ("lambda_p1", "lambda_p2", "lambda_q1", "lambda_q2", "eta")] +
                [(name, ctypes.c_bool) for name in ("do_nmf", "quiet", "copy_data")])


def libmf():
    library = ctypes.CDLL(os.environ["LIBMF"])
    library.mf_train.restype = ctypes.c_void_p
    rows = matrix("all").tocoo()
    nodes = np.empty(rows.nnz, np.dtype([("u", np.int32), ("v", np.int32), ("r", np.float32)]))
    nodes["u"], nodes["v"], nodes["r"] = rows.row, rows.col, 1
    problem = Problem(rows.shape[0], rows.shape[1], rows.nnz, nodes.ctypes.data)
    bins = max(2 * threads + 1, 26)  # its own default

    def fit(n):
        library.mf_train(ctypes.byref(problem), Settings(10, 64, threads, bins, n, 0, 0.01, 0, 0.01, 0.05, False,
                                                         True, True))
    return epochs(fit, 2 if rows.nnz > 5e6 else 8)


def svd():
    import surprise
    rows = sp.load_npz(prefix + ".all.npz").tocoo()
    import pandas as pd
    frame = pd.DataFrame({"u": rows.row, "i": rows.col, "r": rows.data})
    train = surprise.Dataset.load_from_df(frame, surprise.Reader(rating_scale=(0.5, 5))).build_full_trainset()
    return epochs(lambda n: surprise.SVD(n_epochs=n, random_state=0).fit(train), 2)


def parse():
    import pandas as pd
    names = ["user", "item", "rating", "time"]
    types = dict(zip(names, [np.int32, np.int32, np.float32, np.int64]))

    def read():
        frame = pd.read_csv(prefix + ".csv", names=names, header=0, dtype=types)
        return frame, np.unique(frame.user.values, return_inverse=True), np.unique(frame.item.values,
                                                                                   return_inverse=True)
    return clock(read)[:2]


def ease(cholesky):
    rows = matrix("all").astype(np.float32)

    def fit():
        g = (rows.T @ rows).toarray()
        g[np.diag_indices_from(g)] += 500
        if cholesky:
            from scipy.linalg.lapack import spotrf, spotri
            p = spotri(spotrf(g.T, lower=True, overwrite_a=True)[0], lower=True, overwrite_c=True)[0]
            p = np.tril(p) + np.tril(p, -1).T
        else:
            p = np.linalg.inv(g)
        b = p / -np.diag(p)
        np.fill_diagonal(b, 0)
        return b
    return clock(fit)[:2]


def objective(rows, w, l1, l2):
    """What all columns together minimise, for the eye: peers stop where they like."""
    g = (rows.T @ rows).toarray()
    return (np.trace(g) - 2 * (g * w).sum() + (w * (g @ w)).sum()) / 2 + l1 * abs(w).sum() + l2 / 2 * (w * w).sum()


def slim(package, alpha, l1_ratio):
    rows = matrix("all")
    n = int((np.diff(rows.indptr) > 0).sum())
    l1, l2 = n * alpha * l1_ratio, n * alpha * (1 - l1_ratio)
    if package == "irspack":
        from irspack import SLIMRecommender
        model = SLIMRecommender(rows, alpha=alpha, l1_ratio=l1_ratio, n_threads=threads)
        wall, used, _ = clock(model.learn)
        w = model.W.toarray()
    else:
        import fastslim
        wall, used, w = clock(lambda: fastslim.fit(rows, lambd=l1, beta=l2, n_threads=threads))
        w = w.toarray()
    print("objective %.4f, %d weights" % (objective(rows, w, l1, l2), np.count_nonzero(w)))
    return wall, used


def sklearn_slim(alpha, l1_ratio):
    import warnings
    from sklearn.linear_model import ElasticNet
    warnings.filterwarnings("ignore")
    rows = sp.csc_matrix(matrix("all"), dtype=np.float64)
    model = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, positive=True, fit_intercept=False, copy_X=False,
                       selection="random", max_iter=100, tol=1e-4, random_state=1)

    def fit():
        for j in range(0, rows.shape[1], 32):
            own = slice(rows.indptr[j], rows.indptr[j + 1])
            target = rows[:, [j]].toarray().ravel()
            kept = rows.data[own].copy()
            rows.data[own] = 0
            model.fit(rows, target)
            rows.data[own] = kept
    wall, used, _ = clock(fit)
    share = rows.shape[1] / len(range(0, rows.shape[1], 32))
    return wall * share, used * share


jobs = {"numpy-ease": lambda: ease(False), "scipy-ease": lambda: ease(True),
        "irspack-slim": lambda: slim("irspack", 0.2, 0.005), "fastslim": lambda: slim("fastslim", 0.2, 0.005),
        "irspack-slim-dense": lambda: slim("irspack", 0.2225, 0.000113), "sklearn-slim": lambda: sklearn_slim(0.2, 0.005),
        "sklearn-slim-dense": lambda: sklearn_slim(0.2225, 0.000113),
        "implicit-itemknn": itemknn, "implicit-ials-cg": lambda: ials(True), "implicit-ials-exact": lambda: ials(False),
        "implicit-bpr": bpr, "implicit-evaluate": evaluate, "libmf-bpr": libmf, "surprise-svd": svd,
        "pandas-parse": parse}
wall, used = jobs[job]()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print("seconds %.4f cpu %.4f peak %.0f" % (wall, used, peak))
