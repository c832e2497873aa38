#!/usr/bin/env python3
"""Values of NumPy and SciPy for the unit test of the randomised Tukey HSD.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install numpy scipy
    /tmp/oracle/bin/python tests/oracle/tukey.py

writes, beside itself, tukey.expected: lines "what sample number...". Those committed are of SciPy 1.17.1. `p` is of
200,000 permutations of the columns inside every row (numpy.Generator.permuted), the share of them whose largest
difference of column means is at least the pair's, the observed one counted in; pairs (0, 1), (0, 2), ... `hsd` is
scipy.stats.tukey_hsd, which takes the columns for independent samples of normal numbers: where that is so (sample
"level"), both must nearly agree; where users differ more than systems (the others), it finds less.
"""
import os

import numpy
from scipy import stats

HERE = os.path.dirname(os.path.abspath(__file__))
PERMUTATIONS, BATCH = 200000, 2000


def samples():
    rng = numpy.random.default_rng(20121001)
    def users(n, systems, spread):
        return spread * rng.standard_normal((n, 1)) + numpy.array(systems) + 0.1 * rng.standard_normal((n, len(systems)))
    yield "two", users(12, [0, 0.05], 0.2)
    yield "level", users(60, [0, 0.01, 0.03, 0.045, 0.06], 0)
    yield "paired", users(40, [0, 0.005, 0.01, 0.035, 0.05, 0.07, 0.12], 0.3)
    hits = (rng.random((45, 9)) < numpy.linspace(0.2, 0.5, 9)) / numpy.log2(2 + rng.integers(0, 5, (45, 9)))
    yield "hits", hits + rng.random((45, 1))


def randomised(x):
    n, m = x.shape
    pairs = [(i, k) for i in range(m) for k in range(i + 1, m)]
    seen = numpy.array([abs(x[:, i].mean() - x[:, k].mean()) for i, k in pairs])
    rng, hits = numpy.random.default_rng(5), numpy.zeros(len(pairs))
    for _ in range(PERMUTATIONS // BATCH):
        means = rng.permuted(numpy.broadcast_to(x, (BATCH, n, m)), axis=2).mean(axis=1)
        largest = means.max(axis=1) - means.min(axis=1)
        hits += (largest[:, None] >= seen - 1e-12).sum(axis=0)
    return pairs, (hits + 1) / (PERMUTATIONS + 1)


def main():
    with open(os.path.join(HERE, "tukey.expected"), "w") as out:
        def line(what, name, numbers):
            print(what, name, *[repr(float(x)) for x in numbers], file=out)
        for name, x in samples():
            x = x.round(6)
            pairs, p = randomised(x)
            hsd = stats.tukey_hsd(*x.T).pvalue
            line("size", name, x.shape)
            line("values", name, x.ravel())
            line("p", name, p)
            line("hsd", name, [hsd[i, k] for i, k in pairs])


if __name__ == "__main__":
    main()
