/* The made world of testhost.h. */
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_A_TOPIC 12
#define WORDS_AN_ITEM 8

static void *own(struct test_host *h, int64_t n, size_t elem)
{
    void *p = rh_alloc(&h->own, (size_t)n, elem);
    assert_non_null(p);
    return p;
}

struct liking {
    double value;
    int32_t item;
};

static int compare_likings(const void *a, const void *b)
{
    const struct liking *x = a, *y = b;
    return x->value != y->value ? (x->value < y->value) - (x->value > y->value) : x->item - y->item;
}

static int compare_ids(const void *a, const void *b)
{
    return *(const int32_t *)a - *(const int32_t *)b;
}

/* Items of one domain: topic mixtures and the two feature blocks. word_topic[w]: the topic whose items use word w. */
static double *make_items(struct test_host *h, const struct test_world_spec *s, struct rh_rng *r,
                          const int32_t *word_topic, struct rh_features *blocks)
{
    int32_t topics = s->n_tastes, n_words = topics * WORDS_A_TOPIC;
    double *mixture = own(h, (int64_t)s->n_items * topics, sizeof *mixture); /* [n_items x n_tastes] */
    struct test_cell *genre = own(h, (int64_t)s->n_items * 2, sizeof *genre);
    struct test_cell *word = own(h, (int64_t)s->n_items * WORDS_AN_ITEM, sizeof *word);
    int64_t n_genre = 0, n_word = 0;
    for (int32_t i = 0; i < s->n_items; i++) {
        int32_t main = (int32_t)rh_rng_below(r, (uint32_t)topics),
                second = (int32_t)rh_rng_below(r, (uint32_t)topics);
        mixture[(size_t)i * (size_t)topics + (size_t)main] += 0.7;
        mixture[(size_t)i * (size_t)topics + (size_t)second] += 0.3;
        genre[n_genre++] = (struct test_cell){ i, main, 1 };
        if (second != main)
            genre[n_genre++] = (struct test_cell){ i, second, 1 };
        int64_t begin = n_word;
        while (n_word - begin < WORDS_AN_ITEM) {
            int32_t topic = rh_rng_uniform(r) < 0.7 ? main : second, w;
            do
                w = (int32_t)rh_rng_below(r, (uint32_t)n_words);
            while (word_topic[w] != topic);
            int64_t at = begin;
            while (at < n_word && word[at].col != w)
                at++;
            if (at < n_word) {
                word[at].value += 1;
                if (word[at].value > 3)
                    break; /* an item may have fewer words */
            } else {
                word[n_word++] = (struct test_cell){ i, w, 1 };
            }
        }
    }
    blocks[0] = test_sparse(h, "genre", s->n_items, topics, genre, n_genre, false);
    if (s->no_genre)
        blocks[0] = (struct rh_features){ .name = "genre", .n_rows = s->n_items, .n_cols = topics };
    blocks[1] = test_sparse(h, "word", s->n_items, n_words, word, n_word, true);
    return mixture;
}

void test_world(struct test_host *h, const struct test_world_spec *s, struct test_world *out)
{
    int32_t topics = s->n_tastes, n_words = topics * WORDS_A_TOPIC;
    struct rh_rng r = rh_stream(s->seed, "test world", "all", 0);
    double *taste = own(h, (int64_t)s->n_users * topics, sizeof *taste); /* [n_users x n_tastes] */
    for (int64_t i = 0; i < (int64_t)s->n_users * topics; i++)
        taste[i] = rh_rng_normal(&r);
    struct rh_domain *domain = own(h, s->n_domains, sizeof *domain);
    int32_t **relevant = own(h, s->n_users, sizeof *relevant), *n_relevant = own(h, s->n_users, sizeof *n_relevant);
    int32_t **support = own(h, s->n_users, sizeof *support);
    float **support_value = own(h, s->n_users, sizeof *support_value);
    int32_t *n_support = own(h, s->n_users, sizeof *n_support);
    int32_t *word_topic = own(h, n_words, sizeof *word_topic);
    struct liking *liking = own(h, s->n_items, sizeof *liking);
    static const char *const names[] = { "target", "source", "second source", "third source" };
    assert_in_range(s->n_domains, 1, 4);

    for (int32_t d = 0; d < s->n_domains; d++) {
        for (int32_t w = 0; w < n_words; w++)
            word_topic[w] = w / WORDS_A_TOPIC;
        if (d > 0) { /* the first words of every topic move on to the next topic */
            for (int32_t w = 0; w < n_words; w++)
                if (w % WORDS_A_TOPIC < (int32_t)(s->shift * WORDS_A_TOPIC))
                    word_topic[w] = (word_topic[w] + 1) % topics;
        }
        struct rh_features *blocks = own(h, 2, sizeof *blocks);
        double *mixture = make_items(h, s, &r, word_topic, blocks);
        struct test_row *row = own(h, (int64_t)s->n_users * s->rows, sizeof *row);
        int64_t n_rows = 0;
        for (int32_t u = 0; u < s->n_users; u++) {
            int32_t n = 0;
            for (int32_t i = 0; i < s->n_items; i++) {
                double x = 0;
                for (int32_t t = 0; t < topics; t++)
                    x += taste[(size_t)u * (size_t)topics + (size_t)t] *
                         mixture[(size_t)i * (size_t)topics + (size_t)t];
                x += s->noise * rh_rng_normal(&r);
                if (rh_rng_below(&r, 2))
                    liking[n++] = (struct liking){ x, i };
            }
            qsort(liking, (size_t)n, sizeof *liking, compare_likings);
            int32_t rows = s->rows < n ? s->rows : n;
            bool cold = d == 0 && u >= s->n_warm;
            int32_t visible = rows;
            if (d == 0) {
                visible = cold ? (s->support < rows ? s->support : rows) : rows - rows / 4;
                relevant[u] = own(h, rows, sizeof **relevant);
                support[u] = own(h, rows, sizeof **support);
                support_value[u] = own(h, rows, sizeof **support_value);
            }
            for (int32_t k = rows - 1; k > 0; k--) { /* which of the liked items are visible is by chance */
                int32_t j = (int32_t)rh_rng_below(&r, (uint32_t)k + 1);
                struct liking swap = liking[k];
                liking[k] = liking[j];
                liking[j] = swap;
            }
            for (int32_t k = 0; k < rows; k++) {
                double rating = 3 + 1.2 * liking[k].value;
                float value = (float)(rating < 1 ? 1 : rating > 5 ? 5 : rating);
                if (k >= visible)
                    relevant[u][n_relevant[u]++] = liking[k].item;
                else if (cold)
                    support[u][n_support[u]++] = liking[k].item;
                else
                    row[n_rows++] = (struct test_row){ u, liking[k].item, value, 1000 + k };
            }
            if (cold) {
                qsort(support[u], (size_t)n_support[u], sizeof **support, compare_ids);
                for (int32_t k = 0; k < n_support[u]; k++)
                    for (int32_t j = 0; j < rows; j++)
                        if (liking[j].item == support[u][k]) {
                            double rating = 3 + 1.2 * liking[j].value;
                            support_value[u][k] = (float)(rating < 1 ? 1 : rating > 5 ? 5 : rating);
                        }
            }
            if (d == 0)
                qsort(relevant[u], (size_t)n_relevant[u], sizeof **relevant, compare_ids);
        }
        domain[d] = test_domain(h, names[d], s->n_users, s->n_items, row, n_rows,
                                s->ratings ? TEST_VALUES | TEST_TIMES : TEST_TIMES);
        domain[d].item_features = blocks;
    }
    *out = (struct test_world){ .train = { .n_users = s->n_users,
                                           .n_domains = s->n_domains,
                                           .target = 0,
                                           .domain = domain,
                                           .n_item_blocks = 2 },
                                .n_queries = s->n_users,
                                .query = own(h, s->n_users, sizeof(struct rh_query)),
                                .n_relevant = n_relevant,
                                .relevant = relevant };
    for (int32_t u = 0; u < s->n_users; u++)
        out->query[u] = u < s->n_warm ? test_query(h, &out->train, u)
                                      : test_query_with(h, &out->train, u, n_support[u], support[u],
                                                        s->ratings ? support_value[u] : NULL);
}

double test_world_auc(struct test_host *h, const struct test_world *w, const struct test_model *m, int32_t from,
                      int32_t to)
{
    int32_t n_items = w->train.domain[w->train.target].n_items, counted = 0;
    float *score = own(h, (int64_t)(to - from) * n_items, sizeof *score);
    char *kind = own(h, n_items, 1);
    if (test_score(h, m, w->query + from, to - from, 16, score, (size_t)n_items) < 0)
        fail_msg("%s: score failed: %s", m->algorithm->name, h->error.text);
    double sum = 0;
    for (int32_t q = from; q < to; q++) {
        const float *s = score + (size_t)(q - from) * (size_t)n_items;
        const struct rh_history *seen = &w->query[q].history[w->train.target];
        memset(kind, 0, (size_t)n_items);
        for (int32_t k = 0; k < seen->n; k++)
            kind[seen->item[k]] = 1;
        for (int32_t k = 0; k < w->n_relevant[q]; k++)
            kind[w->relevant[q][k]] = 2;
        int64_t pairs = 0;
        double won = 0;
        for (int32_t k = 0; k < w->n_relevant[q]; k++) {
            float mine = s[w->relevant[q][k]];
            for (int32_t i = 0; i < n_items; i++)
                if (kind[i] == 0) {
                    pairs++;
                    won += mine > s[i] ? 1 : mine == s[i] ? 0.5 : 0;
                }
        }
        if (pairs) {
            sum += won / (double)pairs;
            counted++;
        }
    }
    return counted ? sum / counted : NAN;
}
