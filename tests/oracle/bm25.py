"""Scores of rank_bm25 (BM25Okapi) for the documents and queries of tests/unit/bm25.c.

    pip install rank-bm25 && python3 bm25.py > bm25.values

Document i has word c so many times: (3 i^2 + 7 c + i c) modulo 13, less 8 (word 0: less 3), if that is positive. The
query of user u is the words of documents u, u + 3 and u + 7 modulo the number of documents. A line: k1, b, user, a
score a document.
"""
from rank_bm25 import BM25Okapi

ITEMS, WORDS = 12, 9


def document(i):
    return ["w%d" % c for c in range(WORDS) for _ in range(max(0, (3 * i * i + 7 * c + i * c) % 13 - (8 if c else 3)))]


documents = [document(i) for i in range(ITEMS)]
for k1, b in ((1.5, 0.75), (0.4, 0.2), (2.0, 0.9)):
    index = BM25Okapi(documents, k1=k1, b=b, epsilon=0.25)
    for user in range(ITEMS):
        query = documents[user] + documents[(user + 3) % ITEMS] + documents[(user + 7) % ITEMS]
        print(k1, b, user, *("%.9g" % score for score in index.get_scores(query)))
