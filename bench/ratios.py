"""Times of the programs here against those of their peers, in alternation, as a table.

usage: ratios.py PREFIX [ROW ...] [rounds=N] [threads=1,2]        (PREFIX as for prepare.py; run from the top folder)

Each round runs the peer, then ours, in processes of their own on the same data and as many threads. Printed are the
medians, the median of the ratios of the pairs (peer / ours: above 1 we are faster), by the wall clock and by processor
seconds, which a busy machine disturbs less, and the most memory of both processes, data included. Where a row says
"epoch", it is the fastest of a few, without what comes before. LIBMF names libmf's library for rows with libmf.
"""
import os
import re
import statistics
import subprocess
import sys

SLIM = ["fit", "-q", "slim", "BIN", "T", "1", "alpha=0.2", "l1_ratio=0.005", "neighbors=1000000"]
SLIM_DENSE = ["fit", "-q", "slim", "BIN", "T", "1", "alpha=0.2225", "l1_ratio=0.000113", "neighbors=1000000"]
ROWS = {  # row: (peer, our program and its settings)
    "itemknn": ("implicit-itemknn", ["fit", "-q", "itemknn", "BIN", "T", "1", "lists_of=history"]),
    "ials-cg": ("implicit-ials-cg", ["fit", "-q", "ials", "BIN", "T", "1", "solver=cg"]),
    "ials-exact": ("implicit-ials-exact", ["fit", "-q", "ials", "BIN", "T", "1"]),
    "ials-exact/cg": ("implicit-ials-cg", ["fit", "-q", "ials", "BIN", "T", "1"]),
    "bpr": ("implicit-bpr", ["fit", "-q", "bpr", "BIN", "T", "1"]),
    "bpr/libmf": ("libmf-bpr", ["fit", "-q", "bpr", "BIN", "T", "1"]),
    "svd": ("surprise-svd", ["fit", "-q", "svd", "BIN", "T", "1"]),
    "ease": ("scipy-ease", ["fit", "-q", "ease", "BIN", "T", "1"]),
    "ease/inv": ("numpy-ease", ["fit", "-q", "ease", "BIN", "T", "1"]),
    "slim": ("irspack-slim", SLIM),
    "slim/fastslim": ("fastslim", SLIM),
    "slim/sklearn": ("sklearn-slim", SLIM),
    "slim-dense": ("irspack-slim-dense", SLIM_DENSE),
    "slim-dense/sklearn": ("sklearn-slim-dense", SLIM_DENSE),
    "evaluate": ("implicit-evaluate", ["evaluate", "-q", "BIN", "T", "1", "1"]),
    "evaluate-list": ("implicit-evaluate", ["evaluate", "-q", "BIN", "T", "1", "3"]),
    "parse": ("pandas-parse", ["parse", "-q", "CSV", "T"]),
}
here = os.path.dirname(os.path.abspath(__file__))
options = dict(a.split("=") for a in sys.argv[2:] if "=" in a)
rows = [a for a in sys.argv[2:] if "=" not in a] or list(ROWS)
prefix = sys.argv[1]
rounds = int(options.get("rounds", 5))


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"seconds (\S+) cpu (\S+) peak (\S+)", done.stdout)
    if not found:
        sys.exit("%s: %s%s" % (" ".join(command), done.stdout, done.stderr))
    return tuple(float(x) for x in found.groups())


print("| row | threads | peer | wall s, peer / ours | ratio | cpu s, peer / ours | ratio | MiB, peer / ours |")
print("|---|---|---|---|---|---|---|---|")
for row in rows:
    peer, ours = ROWS[row]
    for threads in options.get("threads", "1,2").split(","):
        names = {"BIN": prefix + ".bin", "CSV": prefix + ".csv", "T": threads}
        command = [os.path.join(here, ours[0])] + [names.get(a, a) for a in ours[1:]]
        pairs = [(run([sys.executable, os.path.join(here, "peers.py"), peer, prefix, threads]), run(command))
                 for _ in range(rounds)]
        of = [[statistics.median(p[side][k] for p in pairs) for k in range(3)] for side in (0, 1)]
        ratio = [statistics.median(p[0][k] / p[1][k] for p in pairs) for k in (0, 1)]
        print("| %s | %s | %s | %.4g / %.4g | %.1f | %.4g / %.4g | %.1f | %.0f / %.0f |" %
              (row, threads, peer, of[0][0], of[1][0], ratio[0], of[0][1], of[1][1], ratio[1], of[0][2], of[1][2]),
              flush=True)
