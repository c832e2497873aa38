"""What numpy.random.RandomState gives, for tests/unit/numpy_legacy.c.

    python3 numpy_legacy.py > numpy_legacy.values         (numpy 1.26.4; the stream is frozen, so any version will do)

One line a call: a seed, the name of the call, and numbers. All are drawn one after the other from one RandomState a seed,
so each line also says that the calls before it took as many words as numpy's.
"""
import numpy as np

for seed in 0, 1, 42, 4294967295:
    r = np.random.RandomState(seed)
    lines = [
        ("random_sample", r.random_sample(5)),
        ("standard_normal", r.standard_normal(5)),  # odd: the second value of the last pair waits
        ("uniform_2_5", r.uniform(2, 5, 3)),
        ("standard_normal", r.standard_normal(2)),
        ("randint_3", r.randint(3, size=12)),
        ("randint_1", r.randint(1, size=2)),
        ("randint_1000000", r.randint(1000000, size=5)),
        ("permutation_20", r.permutation(20)),
        ("normal_1_0.1", r.normal(1, 0.1, size=(2, 2)).ravel()),
    ]
    x = np.arange(100000)
    r.shuffle(x)
    lines.append(("shuffle_100000", [x[0], x[1], x[77777], x[-1], int((x * np.arange(100000)).sum())]))
    lines.append(("random_sample", r.random_sample(1)))
    for name, values in lines:
        print(seed, name, len(values), *(repr(float(v)) for v in values))
