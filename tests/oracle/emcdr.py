"""The linear map of EMCDR (Man et al. 2017, eq. 6) between two made sets of vectors, by numpy in double.

usage: python3 tests/oracle/emcdr.py > tests/oracle/emcdr.expected        (needs numpy)
"""
import numpy as np

USERS, FACTORS, REG = 23, 5, 0.37
u, f = np.meshgrid(np.arange(USERS), np.arange(FACTORS), indexing="ij")
source = np.sin(1.7 * u + 0.9 * f + 0.31 * u * f).astype(np.float32).astype(float)
target = np.cos(0.6 * u - 1.3 * f + 0.17 * u * f).astype(np.float32).astype(float)
matrix = np.linalg.solve(source.T @ source + REG * np.eye(FACTORS), source.T @ target)
for row in matrix:
    print(" ".join("%.12f" % x for x in row))
