"""The transfer components of algorithms/lib/components.h on a made example, by numpy and scipy from the paper's own form.

Pan et al. 2011, eq. 8 to 11: the leading generalised eigenvectors of K H K against K L K + mu I, solved by
scipy.linalg.eigh with matrices of all items; no landmarks, no whitening, nothing of rank one made use of. mu is 0.05
of the nonzero eigenvalue of K L K. Kernel principal components: the same against I.

usage: python3 tests/oracle/tca.py > tests/oracle/tca.expected        (needs numpy, scipy)
"""
import numpy as np
from scipy.linalg import eigh

ITEMS, DENSE, SPARSE, C, MU, WIDTH = (11, 8), 5, 6, 4, 0.05, 1.5  # sources first


def features():
    dense, sparse = [], []
    for d, n in enumerate(ITEMS):
        for i in range(n):
            dense.append([np.sin(1.3 * i + 0.7 * j + 0.21 * i * j + d) + 0.3 * d for j in range(DENSE)])
            sparse.append([1 + 0.25 * ((i + c) % 3) if (i + 2 * c + d) % 3 == 0 else 0 for c in range(SPARSE)])
    dense, sparse = np.array(dense, np.float32).astype(float), np.array(sparse)
    sparse = sparse * (1 + np.log((1 + len(sparse)) / (1 + (sparse != 0).sum(0))))
    unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)
    return np.hstack([dense / np.sqrt((dense**2).sum(1).mean()), unit(sparse)])


def kernel(x, gaussian):
    if not gaussian:
        return x @ x.T
    d = ((x[:, None] - x[None]) ** 2).sum(-1)
    return np.exp(-d / (WIDTH * np.median(d[np.triu_indices(len(x), 1)])))


x = features()
n = len(x)
delta = np.r_[np.full(ITEMS[0], -1 / ITEMS[0]), np.full(ITEMS[1], 1 / ITEMS[1])]
H = np.eye(n) - 1 / n
for gaussian in (True, False):
    K = kernel(x, gaussian)
    KLK = K @ np.outer(delta, delta) @ K
    for match, whiten in ((True, True), (False, True), (True, False), (False, False)):
        B = KLK + MU * np.trace(KLK) * np.eye(n) if match else np.eye(n)
        value, W = eigh(K @ H @ K, B)
        W = W[:, ::-1][:, :C]
        W = W / np.sqrt(np.einsum("ik,ij,jk->k", W, K @ H @ K, W))
        W = W * np.sign(W[np.abs(W).argmax(0), range(C)])
        share = value[::-1][:C] ** 0.5 if not whiten else np.ones(C)
        Z = H @ K @ W * np.sqrt(n * share / share.sum())
        print("gaussian" if gaussian else "linear", "match" if match else "apart", "whiten" if whiten else "spread", "%.12f" % ((delta @ Z) ** 2).sum())
        for row in Z:
            print(" ".join("%.12f" % v for v in row))
