#!/usr/bin/env python3
"""Values of SciPy and statsmodels for the unit test of paired comparisons.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install scipy statsmodels
    /tmp/oracle/bin/python tests/oracle/compare.py

writes, beside itself, compare.expected: lines "what sample number...". Those committed are of SciPy 1.17.1 and
statsmodels 0.15.0. The samples are generated here: differences of users as metrics have them.
"""
import os
import random

import numpy
from scipy import stats
from statsmodels.stats.multitest import multipletests

HERE = os.path.dirname(os.path.abspath(__file__))


def samples():
    rng = random.Random(20230923)
    yield "few", [round(rng.gauss(0.031, 0.07), 6) for _ in range(11)]
    yield "skewed", [round(rng.expovariate(9.7) - 0.0713, 6) for _ in range(83)]
    yield "ties", [rng.choice([0, 0, 0, 0.630929753571, -0.5, 1 / 3, -0.386852807235]) for _ in range(137)]
    yield "sure", [round(rng.gauss(0.0521, 0.0913), 6) for _ in range(211)]


def main():
    with open(os.path.join(HERE, "compare.expected"), "w") as out:
        def line(what, name, numbers):
            print(what, name, *[repr(float(x)) for x in numbers], file=out)
        for name, x in samples():
            d = numpy.array(x)
            line("sample", name, d)
            line("effect", name, [d.mean() / d.std(ddof=1)])
            line("t", name, [stats.ttest_1samp(d, 0).pvalue])
            line("wilcoxon", name, [stats.wilcoxon(d, zero_method="wilcox", correction=False).pvalue])
            flips = stats.permutation_test((d, numpy.zeros_like(d)), lambda a, b, axis: (a - b).mean(axis=axis),
                                           permutation_type="samples", vectorized=True, batch=500,
                                           n_resamples=numpy.inf if len(d) < 14 else 199999, rng=5)
            line("flips", name, [flips.pvalue])
            bca = stats.bootstrap((d,), numpy.mean, method="BCa", n_resamples=100000, batch=1000, rng=7)
            line("bca", name, bca.confidence_interval)
        # the ends of BCa by its formula: ranks of the replicates 1, 2, ..., 1999 around 1100.5
        z0 = stats.norm.ppf(1100 / 1999)
        for name, a in ("level", 0.0), ("bent", 0.0437):
            ends = []
            for q in 0.025, 0.975:
                w = z0 + stats.norm.ppf(q)
                ends.append(2000 * stats.norm.cdf(z0 + w / (1 - a * w)))
            line("ends", name, [a] + ends)
        rng = random.Random(1979)
        p = [round(rng.random() ** 4, 9) for _ in range(23)]
        p[7] = p[3]
        line("p", "raw", p)
        line("p", "holm", multipletests(p, method="holm")[1])
        line("p", "bh", multipletests(p, method="fdr_bh")[1])


if __name__ == "__main__":
    main()
