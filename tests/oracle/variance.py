#!/usr/bin/env python3
"""Variance components of a made sample, from the mean squares of statsmodels' analysis of variance.

    /tmp/oracle/bin/pip install pandas scipy statsmodels
    /tmp/oracle/bin/python tests/oracle/variance.py > tests/oracle/variance.expected

Lines "values number..." ([splits x inits x users]) and "components split init user user-by-split noise" of 4 splits,
3 initialisations and 6 users, made with statsmodels 0.15.0. Expected mean squares, with a, b, n levels and users crossed
with splits: noise E; init E + n I; user by split E + b SU; user E + b SU + a b U; split E + n I + b SU + n b S.
"""
import numpy
import pandas
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

a, b, n = 4, 3, 6
rng = numpy.random.default_rng(1992)
x = (0.3 + 0.2 * rng.standard_normal((a, 1, 1)) + 0.03 * rng.standard_normal((a, b, 1))
     + 0.1 * rng.standard_normal((1, 1, n)) + 0.04 * rng.standard_normal((a, 1, n))
     + 0.02 * rng.standard_normal((a, b, n))).round(6)
s, i, u = numpy.indices(x.shape)
frame = pandas.DataFrame({"x": x.ravel(), "s": s.ravel(), "i": i.ravel(), "u": u.ravel()})
table = anova_lm(ols("x ~ C(s) + C(u) + C(s):C(u) + C(s):C(i)", frame).fit(), typ=1)
squares = table["sum_sq"]
ms = {"split": squares["C(s)"] / (a - 1), "user": squares["C(u)"] / (n - 1),
      "both": squares["C(s):C(u)"] / ((a - 1) * (n - 1)), "init": squares["C(s):C(i)"] / (a * (b - 1)),
      "noise": squares["Residual"] / (a * (b - 1) * (n - 1))}
print("values", *[repr(float(v)) for v in x.ravel()])
print("components", *[repr(float(v)) for v in (
    (ms["split"] - ms["init"] - ms["both"] + ms["noise"]) / (n * b), (ms["init"] - ms["noise"]) / n,
    (ms["user"] - ms["both"]) / (a * b), (ms["both"] - ms["noise"]) / b, ms["noise"])])
