/* The embedded generator: the same bytes everywhere, and data that is as its parameters say. The thresholds stand
 * between what two different settings give; the values that the data gives are beside them. */
#include "base/exact.h"
#include "base/file.h"
#include "base/param.h"
#include "base/sort.h"
#include "data/synthetic.h"
#include "split/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const void *params_of(struct rh_arena *a, const char *text)
{
    struct rh_error err = { 0 };
    void *values = rh_alloc(a, 1, rh_synthetic_params_size());
    rh_params_defaults(rh_synthetic_params, values);
    char *copy = rh_arena_strdup(a, text), *save;
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        if (rh_param_parse(rh_param_find(rh_synthetic_params, word), value, values, a, &err) < 0)
            fail_msg("%s", err.text);
    }
    return values;
}

static struct rh_domain_data *generate(const char *settings, int32_t i)
{
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    struct rh_domain_data *d = NULL;
    if (rh_synthetic_generate(params_of(&a, settings), i, &d, &err) < 0)
        fail_msg("%s", err.text);
    rh_arena_release(&a);
    if (rh_domain_data_check(d, &err) < 0)
        fail_msg("%s", err.text);
    return d;
}

static double ulps(double x, double y)
{
    int64_t a, b;
    memcpy(&a, &x, sizeof a);
    memcpy(&b, &y, sizeof b);
    return a > b ? (double)(a - b) : (double)(b - a);
}

static void exact_functions_are_near_libm(void **state)
{
    (void)state;
    struct rh_rng rng = { { 5, 6, 7, 8 } };
    for (int i = 0; i < 200000; i++) {
        double x = 1400 * rh_rng_uniform(&rng) - 700, y = rh_rng_uniform(&rng), z = exp(x);
        assert_true(ulps(rh_exact_exp(x), exp(x)) <= 2);
        assert_true(ulps(rh_exact_exp(y), exp(y)) <= 2);
        assert_true(ulps(rh_exact_log(z), log(z)) <= 2);
        assert_true(ulps(rh_exact_log(y), log(y)) <= 2);
        assert_true(ulps(rh_exact_log(1 + y / 1000), log(1 + y / 1000)) <= 2);
    }
    assert_true(rh_exact_log(1) == 0 && rh_exact_exp(0) == 1);
    assert_true(rh_exact_log(0) == -INFINITY && isnan(rh_exact_log(-1)) && isnan(rh_exact_log(NAN)));
    assert_true(rh_exact_log(INFINITY) == INFINITY && rh_exact_exp(INFINITY) == INFINITY);
    assert_true(rh_exact_exp(-INFINITY) == 0 && rh_exact_exp(710) == INFINITY && isnan(rh_exact_exp(NAN)));
    assert_true(rh_exact_exp(-745) == exp(-745) && rh_exact_exp(709.7) <= 0x1.fffffffffffffp1023);
    assert_true(ulps(rh_exact_log(0x1p-1074), log(0x1p-1074)) <= 2);
    double sum = 0, square = 0;
    for (int i = 0; i < 100000; i++) {
        double x = rh_exact_normal(&rng);
        sum += x;
        square += x * x;
    }
    assert_true(fabs(sum / 100000) < 0.0127); /* four standard errors */
    assert_true(fabs(square / 100000 - 1) < 0.018);
}

static void radix_sort_sorts(void **state)
{
    (void)state;
    static uint64_t x[5000], y[5000], room[5000];
    struct rh_rng rng = { { 15, 16, 17, 18 } };
    const size_t sizes[] = { 0, 1, 2, 63, 64, 65, 5000 };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int shift = 0; shift < 64; shift += 21) {
            uint64_t sum = 0, all = 0;
            for (size_t i = 0; i < sizes[s]; i++)
                sum += rh_mix64(x[i] = y[i] = rh_rng_next(&rng) >> shift);
            rh_sort_u64(x, room, sizes[s]);
            for (size_t i = 0; i < sizes[s]; i++) {
                all += rh_mix64(x[i]);
                assert_true(!i || x[i - 1] <= x[i]);
            }
            assert_true(sum == all);
        }
    assert_true(rh_sort_key(-5) < rh_sort_key(3) && rh_sort_key(INT64_MIN) < rh_sort_key(-5));
}

/* Fixed for ever, or RH_SYNTHETIC_REVISION goes up. */
static void bytes_are_the_same_everywhere(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        int32_t domain;
        const char *content;
    } known[] = {
        { "", 0, "18d99fcba6aeff2e5dfdbc76617250a558b4c5a3c520569be7b7f58ed8e801c6" },
        { "", 1, "f6b6c923c3970bc22678032f8594bbcf2f378836d8b5b9a64a57ab6a47f64185" },
        { "domains=8 users=37 items=23 overlap=0.3 shift=0.4 sharing=0.1 ratings=no seed=99", 7,
          "d9abaef6277988feec03844556eb1ab7f41a149aa20299897c9c4843895769b9" },
        { "users=40 items=30 words=no vectors=yes turn=0.3", 1,
          "5aaeee4344399e6594511324fb63dc15d586bac1a2c54f7cb7b0593be351d054" },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct rh_domain_data *d = generate(known[i].settings, known[i].domain);
        assert_string_equal(d->content, known[i].content);
        rh_domain_data_free(d);
    }
}

static void shapes_are_as_asked(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    const void *p = params_of(&a, "");
    assert_int_equal(rh_params_sane(rh_synthetic_params, rh_synthetic_params_size(), &err), RH_OK);
    assert_int_equal(rh_synthetic_domain_count(p), 2);
    assert_string_equal(rh_synthetic_domain(p, 1), "books");
    struct rh_domain_data *d[] = { generate("", 0), generate("", 1), generate("domains=3", 0) };
    assert_string_equal(d[0]->content, d[2]->content); /* more domains leave the first as it is */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(d[i]->n_users, 600);
        assert_int_equal(d[i]->n_items, 400);
        assert_in_range(d[i]->n_rows, 22000, 28000); /* 24047 and 25966 */
        assert_int_equal(d[i]->n_item_blocks, 2);
        assert_string_equal(d[i]->item_block[0].name, "genre");
        assert_string_equal(d[i]->item_block[1].name, "title");
        assert_int_equal(d[i]->title.n, 400);
        for (int32_t u = 0; u < 600; u++)
            assert_in_range(d[i]->row[u + 1] - d[i]->row[u], 5, 240);
        for (int64_t r = 0; r < d[i]->n_rows; r++) {
            assert_true(d[i]->value[r] == (float)(int)d[i]->value[r]);
            assert_in_range(d[i]->time[r], 978307200, 978307200 + 4 * 31557600);
        }
        /* file order is order of time */
        int64_t *time = rh_alloc(&a, (size_t)d[i]->n_rows, sizeof *time);
        for (int64_t r = 0; r < d[i]->n_rows; r++)
            time[d[i]->position[r]] = d[i]->time[r];
        for (int64_t r = 1; r < d[i]->n_rows; r++)
            assert_true(time[r - 1] <= time[r]);
        /* a title's words are the columns of its row */
        const struct rh_block *words = &d[i]->item_block[1];
        for (int32_t t = 0; t < 400; t++) {
            char *title = rh_arena_strdup(&a, rh_string(&d[i]->title, t));
            for (char *c = title; *c; c++)
                if (*c >= 'A' && *c <= 'Z')
                    *c = (char)(*c | 32);
            assert_int_equal(words->features.row[t + 1] - words->features.row[t], 2);
            for (int64_t k = words->features.row[t]; k < words->features.row[t + 1]; k++)
                assert_non_null(strstr(title, rh_string(&words->column, words->features.col[k])));
        }
    }
    int shared = 0;
    for (int32_t u = 0; u < 600; u++)
        for (int32_t v = 0; v < 600; v++)
            shared += !strcmp(rh_string(&d[0]->user_id, u), rh_string(&d[1]->user_id, v));
    assert_int_equal(shared, 300);
    for (int i = 0; i < 3; i++)
        rh_domain_data_free(d[i]);
    struct rh_domain_data *none = NULL;
    assert_int_equal(rh_synthetic_generate(p, 2, &none, &err), RH_EINVAL);
    err = (struct rh_error){ 0 };
    assert_int_equal(rh_synthetic_generate(params_of(&a, "users=1000000 items=1000000"), 0, &none, &err), RH_EINVAL);
    assert_string_equal(err.text, "users = 1000000 times items = 1000000 is more than 10000000000 pairs to look at");
    err = (struct rh_error){ 0 };
    assert_int_equal(rh_synthetic_generate(params_of(&a, "strangers=2"), 0, &none, &err), RH_EINVAL);
    assert_string_equal(err.text, "strangers = 2 of domains = 2: the first one is none");
    rh_arena_release(&a);
}

static void extreme_settings_work(void **state)
{
    (void)state;
    static const char *const settings[] = {
        "users=2 items=2 overlap=1", "users=3 items=7 overlap=0 popularity=3 taste=10 drift=10 activity=3",
        "rows=100000 activity=0 years=50", "features=0 noise=5 sharing=0 shift=1", "features=1 popularity=0 seed=0",
        "ratings=no rows=1", "domains=1", "words=no", "vectors=yes turn=1 blur=10 domains=8",
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        rh_domain_data_free(generate(settings[i], 0));
}

/* Vectors change nothing else. Without noise they have the length 1 to 2 of characters, in the first half of the
 * dimensions; another domain's are turned by the angle that is asked for, and tell of one another what they did. */
static void vectors_are_turned(void **state)
{
    (void)state;
    enum { ITEMS = 50, WIDTH = 16 };
    struct rh_domain_data *plain = generate("users=40 items=50", 1);
    struct rh_domain_data *straight = generate("users=40 items=50 vectors=yes blur=0", 1);
    struct rh_domain_data *turned = generate("users=40 items=50 vectors=yes blur=0 turn=0.4", 1);
    struct rh_domain_data *first = generate("users=40 items=50 vectors=yes blur=0 turn=0.4 words=no", 0);
    assert_int_equal(plain->n_item_blocks, 2);
    assert_int_equal(straight->n_item_blocks, 3);
    assert_int_equal(first->n_item_blocks, 1);
    assert_memory_equal(plain->item, turned->item, (size_t)plain->n_rows * sizeof *plain->item);
    assert_memory_equal(plain->value, turned->value, (size_t)plain->n_rows * sizeof *plain->value);
    assert_string_equal(straight->item_block[2].name, "vector");
    assert_int_equal(straight->item_block[2].features.n_cols, WIDTH);
    const float *x = straight->item_block[2].features.dense, *y = turned->item_block[2].features.dense;
    const float *z = first->item_block[0].features.dense;
    for (int i = 0; i < ITEMS; i++) {
        double xx = 0, xy = 0, yy = 0, with_first[2] = { 0 };
        for (int j = 0; j < WIDTH; j++) {
            xx += (double)x[i * WIDTH + j] * x[i * WIDTH + j];
            yy += (double)y[i * WIDTH + j] * y[i * WIDTH + j];
            xy += (double)x[i * WIDTH + j] * y[i * WIDTH + j];
            with_first[0] += (double)x[j] * x[i * WIDTH + j];
            with_first[1] += (double)y[j] * y[i * WIDTH + j];
            assert_true(j < WIDTH / 2 || (x[i * WIDTH + j] == 0 && z[i * WIDTH + j] == 0));
        }
        assert_true(xx > 0 && xx < 4);
        assert_true(fabs(yy - xx) < 1e-5 && fabs(xy - 0.6 * xx) < 1e-5);
        assert_true(fabs(with_first[0] - with_first[1]) < 1e-5);
    }
    rh_domain_data_free(plain);
    rh_domain_data_free(straight);
    rh_domain_data_free(turned);
    rh_domain_data_free(first);
}

/* All vectors of a domain but the first are moved by one vector of the length that is asked for. */
static void vectors_are_moved(void **state)
{
    (void)state;
    enum { ITEMS = 50, WIDTH = 16 };
    for (int d = 0; d < 2; d++) {
        struct rh_domain_data *plain = generate("users=40 items=50 vectors=yes words=no turn=0.4", d);
        struct rh_domain_data *moved = generate("users=40 items=50 vectors=yes words=no turn=0.4 offset=3", d);
        const float *x = plain->item_block[0].features.dense, *y = moved->item_block[0].features.dense;
        double square = 0;
        for (int j = 0; j < WIDTH; j++) {
            double by = (double)y[j] - (double)x[j];
            square += by * by;
            for (int i = 1; i < ITEMS; i++)
                assert_true(fabs((double)y[i * WIDTH + j] - (double)x[i * WIDTH + j] - by) < 1e-6);
        }
        assert_true(fabs(sqrt(square) - (d ? 3 : 0)) < 1e-6);
        rh_domain_data_free(plain);
        rh_domain_data_free(moved);
    }
}

/* Options that came later are no part of the identity of data that does without them. */
static void later_options_leave_the_identity_alone(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    static const struct {
        const char *settings, *option;
        bool says;
    } cases[] = {
        { "", "ratings", true },     { "", "words", false },          { "", "vectors", false },
        { "turn=1", "turn", false }, { "words=no", "words", true },   { "vectors=yes", "vectors", true },
        { "vectors=yes", "turn", true }, { "vectors=yes", "blur", true },
        { "", "strangers", false },  { "domains=3 strangers=1", "strangers", true },
        { "offset=1", "offset", false }, { "vectors=yes", "offset", false },
        { "vectors=yes offset=1", "offset", true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(rh_synthetic_says(rh_param_find(rh_synthetic_params, cases[i].option),
                                           params_of(&a, cases[i].settings)), cases[i].says);
    rh_arena_release(&a);
}

/* A stranger is made of draws of its own; the other domains do not notice. */
static void strangers_change_themselves_alone(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct rh_domain_data *plain = generate("domains=3", i), *with = generate("domains=3 strangers=1", i);
        assert_int_equal(plain->n_rows == with->n_rows &&
                             memcmp(plain->item, with->item, (size_t)plain->n_rows * sizeof *plain->item) == 0, i < 2);
        rh_domain_data_free(plain);
        rh_domain_data_free(with);
    }
}

/* Exponent of the counts as a power of (rank + 2), by least squares over ranks 5 to 200. */
static double slope(const char *settings)
{
    struct rh_domain_data *d = generate(settings, 0);
    uint64_t *count = calloc((size_t)d->n_items * 2, sizeof *count);
    for (int64_t r = 0; r < d->n_rows; r++)
        count[d->item[r]]++;
    rh_sort_u64(count, count + d->n_items, (size_t)d->n_items);
    double sx = 0, sy = 0, sxx = 0, sxy = 0, n = 0;
    for (int32_t rank = 5; rank < 200; rank++) {
        double x = log(rank + 2), y = log((double)count[d->n_items - 1 - rank]);
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
        n++;
    }
    free(count);
    rh_domain_data_free(d);
    return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

static void popularity_follows_a_power_law(void **state)
{
    (void)state;
    /* few rows a user, so that drawing without replacement hardly flattens the head */
    double one = slope("users=8000 rows=5 activity=0 taste=0 drift=0");
    double half = slope("users=8000 rows=5 activity=0 taste=0 drift=0 popularity=0.5");
    print_message("# exponents %.3f (1), %.3f (0.5)\n", one, half);
    assert_true(one > -1.03 && one < -0.93);
    assert_true(half > -0.53 && half < -0.47);
}

/* docs/popularity.tsv, from which the picture is drawn, holds this generator's curve. */
static void documented_curve_is_true(void **state)
{
    (void)state;
    const char *root = getenv("HARNESS_SOURCE");
    if (!root) {
        print_message("# HARNESS_SOURCE is not set: docs/popularity.tsv is not compared\n");
        skip();
    }
    char path[4096], line[256];
    snprintf(path, sizeof path, "%s/docs/popularity.tsv", root);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    struct rh_domain_data *d = generate("", 0);
    uint64_t count[800] = { 0 };
    for (int64_t r = 0; r < d->n_rows; r++)
        count[d->item[r]]++;
    rh_sort_u64(count, count + 400, 400);
    int compared = 0, rank;
    double share;
    while (fgets(line, sizeof line, f) && *line != '\n')
        if (sscanf(line, "%d %lf", &rank, &share) == 2) {
            assert_in_range(rank, 1, 400);
            assert_true(fabs((double)count[400 - rank] / (double)d->n_rows - share) < 1e-8);
            compared++;
        }
    assert_true(compared > 30);
    fclose(f);
    rh_domain_data_free(d);
}

/* The table of options in docs/synthetic.md is that of the program. */
static void documented_options_are_true(void **state)
{
    (void)state;
    const char *root = getenv("HARNESS_SOURCE");
    if (!root) {
        print_message("# HARNESS_SOURCE is not set: docs/synthetic.md is not compared\n");
        skip();
    }
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    char path[4096], *text;
    size_t n;
    snprintf(path, sizeof path, "%s/docs/synthetic.md", root);
    assert_int_equal(rh_read_file(&a, path, &text, &n, &err), RH_OK);
    const void *defaults = params_of(&a, "");
    for (const struct rh_param *p = rh_synthetic_params; p->type != RH_P_END; p++) {
        struct rh_text line = { 0 };
        rh_text_printf(&line, "| `%s` | ", p->name);
        rh_param_text(p, defaults, &line);
        rh_text_add(&line, " | ");
        if (p->type == RH_P_BOOL)
            rh_text_add(&line, "yes, no"); /* a bar would end the column */
        else
            rh_param_allowed(p, &line);
        rh_text_printf(&line, " | %s |\n", p->help);
        if (!strstr(text, line.s))
            fail_msg("docs/synthetic.md lacks the line: %s", line.s);
        rh_text_release(&line);
    }
    rh_arena_release(&a);
}

/* ------------------------------------------------------------------------------------------ what transfers */

/* Mean area under the curve of scores[query][item] over the test queries. */
static double mean_auc(const struct rh_problem *p, const double *scores)
{
    int32_t n_items = p->train.domain[0].n_items;
    char *kind = calloc((size_t)n_items, 1);
    double sum = 0;
    for (int32_t q = 0; q < p->test.n; q++) {
        const struct rh_truth *t = &p->test.truth[q];
        const double *s = scores + (size_t)q * (size_t)n_items;
        double won = 0, pairs = 0;
        memset(kind, 0, (size_t)n_items);
        for (int32_t k = 0; k < t->n; k++)
            kind[t->item[k]] = 1;
        for (int32_t i = 0; i < n_items; i++)
            for (int32_t j = 0; kind[i] && j < n_items; j++)
                if (!kind[j]) {
                    won += s[i] > s[j] ? 1 : s[i] == s[j] ? 0.5 : 0;
                    pairs++;
                }
        sum += won / pairs;
    }
    free(kind);
    return sum / p->test.n;
}

/* The mean of a domain's item features: what an item is like on the whole. */
static void mean_features(const struct rh_features *f, double *mean)
{
    for (int32_t c = 0; c < f->n_cols; c++)
        mean[c] = 0;
    for (int64_t k = 0; k < f->row[f->n_rows]; k++)
        mean[f->col[k]] += 1.0 / f->n_rows;
}

/* Cosine between the mean features of a cold user's source history and those of each target item, both centred. */
static double content_auc(const struct rh_problem *p, int32_t block)
{
    const struct rh_features *from = &p->train.domain[1].item_features[block];
    const struct rh_features *to = &p->train.domain[0].item_features[block];
    int32_t n_items = to->n_rows, n_cols = to->n_cols;
    double *score = calloc((size_t)p->test.n * (size_t)n_items, sizeof *score);
    double *room = calloc((size_t)n_cols * 4, sizeof *room);
    double *mean_from = room, *mean_to = room + n_cols, *profile = room + 2 * n_cols, *x = room + 3 * n_cols;
    mean_features(from, mean_from);
    mean_features(to, mean_to);
    for (int32_t q = 0; q < p->test.n; q++) {
        const struct rh_history *h = &p->test.query[q].history[1];
        assert_int_equal(p->test.query[q].history[0].n, 0);
        assert_true(h->n > 0);
        for (int32_t c = 0; c < n_cols; c++)
            profile[c] = -mean_from[c];
        for (int32_t i = 0; i < h->n; i++)
            for (int64_t k = from->row[h->item[i]]; k < from->row[h->item[i] + 1]; k++)
                profile[from->col[k]] += 1.0 / h->n;
        for (int32_t i = 0; i < n_items; i++) {
            double both = 0, square = 0;
            for (int32_t c = 0; c < n_cols; c++)
                x[c] = -mean_to[c];
            for (int64_t k = to->row[i]; k < to->row[i + 1]; k++)
                x[to->col[k]] += 1;
            for (int32_t c = 0; c < n_cols; c++) {
                both += profile[c] * x[c];
                square += x[c] * x[c];
            }
            score[(size_t)q * (size_t)n_items + (size_t)i] = both / sqrt(square);
        }
    }
    double auc = mean_auc(p, score);
    free(score);
    free(room);
    return auc;
}

/* Target rows of the users whose source rows are like the cold user's (cosine, cubed), or all alike (popularity). */
static double neighbour_auc(const struct rh_problem *p, bool popularity)
{
    const struct rh_domain *target = &p->train.domain[0], *source = &p->train.domain[1];
    double *score = calloc((size_t)p->test.n * (size_t)target->n_items, sizeof *score);
    char *mine = calloc((size_t)source->n_items, 1);
    for (int32_t q = 0; q < p->test.n; q++) {
        const struct rh_history *h = &p->test.query[q].history[1];
        memset(mine, 0, (size_t)source->n_items);
        for (int32_t k = 0; k < h->n; k++)
            mine[h->item[k]] = 1;
        for (int32_t v = 0; v < p->train.n_users; v++) {
            double n = (double)(source->row[v + 1] - source->row[v]), both = 0, cosine;
            for (int64_t k = source->row[v]; k < source->row[v + 1]; k++)
                both += mine[source->item[k]];
            cosine = popularity ? 1 : n > 0 ? both / sqrt(n * h->n) : 0;
            for (int64_t k = target->row[v]; k < target->row[v + 1]; k++)
                score[(size_t)q * (size_t)target->n_items + (size_t)target->item[k]] += cosine * cosine * cosine;
        }
    }
    double auc = mean_auc(p, score);
    free(score);
    free(mine);
    return auc;
}

struct transfer {
    double genre, title, neighbours, popularity;
};

static struct transfer transfer(const char *settings)
{
    struct rh_error err = { 0 };
    struct rh_domain_data *target = generate(settings, 0), *books = generate(settings, 1);
    const struct rh_domain_data *source[] = { books };
    struct rh_problem_spec spec = { .name = "p", .target = target, .n_sources = 1, .source = source,
                                    .split = rh_split_find("overlap"), .seed = 1 };
    struct rh_problem *p;
    if (rh_problem_build(&spec, NULL, &p, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(p->test.n, 150);
    assert_int_equal(p->n_cold_users, 150);
    assert_int_equal(p->n_shared_users, 300);
    struct transfer t = { content_auc(p, 0), content_auc(p, 1), neighbour_auc(p, false), neighbour_auc(p, true) };
    print_message("# %s: auc from the source by genre %.3f, title words %.3f, neighbours %.3f; popularity %.3f\n",
                  settings, t.genre, t.title, t.neighbours, t.popularity);
    rh_problem_free(p);
    rh_domain_data_free(target);
    rh_domain_data_free(books);
    return t;
}

static void shared_tastes_transfer(void **state)
{
    (void)state;
    struct transfer t = transfer("sharing=1");
    assert_true(t.genre > 0.65);
    assert_true(t.title > 0.6);
    assert_true(t.neighbours > t.popularity + 0.05);
}

static void the_default_shares_enough(void **state)
{
    (void)state;
    struct transfer t = transfer("seed=1");
    assert_true(t.genre > 0.6);
    assert_true(t.title > 0.57);
    assert_true(t.neighbours > t.popularity + 0.02);
}

static void own_tastes_do_not_transfer(void **state)
{
    (void)state;
    struct transfer t = transfer("sharing=0");
    assert_true(fabs(t.genre - 0.5) < 0.03);
    assert_true(fabs(t.title - 0.5) < 0.03);
    assert_true(t.neighbours < t.popularity);
}

static void turned_genres_do_not_transfer_but_neighbours_do(void **state)
{
    (void)state;
    struct transfer t = transfer("sharing=1 shift=1");
    assert_true(fabs(t.genre - 0.5) < 0.03);
    assert_true(t.neighbours > t.popularity + 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_functions_are_near_libm),
        cmocka_unit_test(radix_sort_sorts),
        cmocka_unit_test(bytes_are_the_same_everywhere),
        cmocka_unit_test(shapes_are_as_asked),
        cmocka_unit_test(extreme_settings_work),
        cmocka_unit_test(vectors_are_turned),
        cmocka_unit_test(vectors_are_moved),
        cmocka_unit_test(later_options_leave_the_identity_alone),
        cmocka_unit_test(strangers_change_themselves_alone),
        cmocka_unit_test(popularity_follows_a_power_law),
        cmocka_unit_test(documented_curve_is_true),
        cmocka_unit_test(documented_options_are_true),
        cmocka_unit_test(shared_tastes_transfer),
        cmocka_unit_test(the_default_shares_enough),
        cmocka_unit_test(own_tastes_do_not_transfer),
        cmocka_unit_test(turned_genres_do_not_transfer_but_neighbours_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
