/* The embedded generator. docs/synthetic.md has the model in formulas; in short:
 *
 *   item i of domain d   character a_i = sqrt(w) (its genres' directions, rotated by shift) + sqrt(1 - w) (its own)
 *                        appeal 1 / (rank + 2)^popularity, ranks in random order; arrival uniform over the years
 *   user u in domain d   taste p_ud = sqrt(sharing) shared_u + sqrt(1 - sharing) own_ud, each normal in 8 dimensions;
 *                        in a stranger own_ud alone, and what genres mean is drawn anew
 *   rows                 n_u log-normal, drawn without replacement with odds appeal exp(taste p.a - drift distance),
 *                        the distance in time between the user and the item's arrival
 *   vector of item i     (when asked for) a_i and noise in 16 dimensions, turned by `turn` in other domains
 *   rating               3.0 + bias_u + quality_i + 0.8 p.a + noise, rounded into 1..5
 *
 * Every number comes from its own stream and from exact arithmetic, so all bytes are the same everywhere. */
#include "data/synthetic.h"

#include "base/exact.h"
#include "base/sort.h"
#include "base/stream.h"
#include "base/text.h"
#include "data/synthetic_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    K = 8, /* dimensions of taste; domains <= K, see rotated() */
    G = RH_SYNTHETIC_GENRES,
    V = 2 * K, /* dimensions of an item's vector */
    MAX_GENRES = 3,
    WORDS = G * 2 * RH_SYNTHETIC_WORDS,
    LEAST_ROWS = 5 /* of a user, when there are so many items */
};
#define START INT64_C(978307200) /* 2001-01-01 */
#define YEAR INT64_C(31557600)
#define MOST_PAIRS INT64_C(10000000000) /* half an hour */
#define IDENTITY "synthetic"

struct params {
    int64_t domains, users, items;
    double overlap, rows, activity, popularity, sharing, shift, features, taste, drift, noise;
    int64_t years, seed, strangers;
    bool ratings;
    bool words, vectors;
    double turn, offset, blur;
};

const struct rh_param rh_synthetic_params[] = {
    RH_INT(struct params, domains, 2, 1, K, "number of domains: movies, books, music, games, ..."),
    RH_INT(struct params, users, 600, 2, 1000000, "users of each domain"),
    RH_INT(struct params, items, 400, 2, 1000000, "items of each domain"),
    RH_REAL(struct params, overlap, 0.5, 0, 1, "share of a domain's users that are in all domains"),
    RH_REAL(struct params, rows, 42, 1, 100000, "mean number of rows of a user, before it is cut to 5 .. 0.6 items"),
    RH_REAL(struct params, activity, 0.8, 0, 3, "spread of the logarithm of a user's number of rows"),
    RH_REAL(struct params, popularity, 1, 0, 3, "exponent of the power law of the items' appeal"),
    RH_REAL(struct params, sharing, 0.8, 0, 1, "correlation of a shared user's tastes in two domains"),
    RH_REAL(struct params, shift, 0, 0, 1, "how far genres mean something else: 1 - cosine with the first domain"),
    RH_REAL(struct params, features, 0.8, 0, 1, "share of an item's character that its genres tell"),
    RH_REAL(struct params, taste, 2.5, 0, 10, "how strongly taste decides what a user picks"),
    RH_REAL(struct params, drift, 1, 0, 10, "how fast items fall out of fashion, over the whole time"),
    RH_REAL(struct params, noise, 0.7, 0, 5, "spread of a rating that nothing explains"),
    RH_INT(struct params, years, 4, 1, 50, "years from the first to the last row, from 2001"),
    RH_INT(struct params, seed, 1, 0, 1e15, "of the data; experiments have a seed of their own"),
    RH_INT(struct params, strangers, 0, 0, K - 1,
           "how many of the last domains have nothing of the first: tastes and what genres mean are their own"),
    RH_BOOL(struct params, ratings, true, "ratings from 1 to 5; no: implicit feedback"),
    RH_BOOL(struct params, words, true, "items have the blocks genre and title"),
    RH_BOOL(struct params, vectors, false, "items have the block vector: 16 numbers, as from a language model"),
    RH_REAL(struct params, turn, 0, 0, 1, "how far vectors are turned: 1 - cosine with the first domain's"),
    RH_REAL(struct params, offset, 0, 0, 100, "length of what all vectors of a domain but the first have added"),
    RH_REAL(struct params, blur, 0.1, 0, 10, "spread of what is in a vector's numbers for nothing"),
    RH_PARAMS_END,
};

static const char *const domain_names[K] = { "movies", "books", "music", "games",
                                             "series", "comics", "podcasts", "plays" };

size_t rh_synthetic_params_size(void)
{
    return sizeof(struct params);
}

bool rh_synthetic_says(const struct rh_param *option, const void *params)
{
    const struct params *p = params;
    if (option->offset == offsetof(struct params, strangers))
        return p->strangers > 0;
    if (option->offset == offsetof(struct params, words))
        return !p->words;
    if (option->offset == offsetof(struct params, offset))
        return p->vectors && p->offset != 0;
    if (option->offset >= offsetof(struct params, vectors))
        return p->vectors;
    return true;
}

int32_t rh_synthetic_domain_count(const void *params)
{
    return (int32_t)((const struct params *)params)->domains;
}

const char *rh_synthetic_domain(const void *params, int32_t i)
{
    (void)params;
    return domain_names[i];
}

/* ------------------------------------------------------------------------------------------------ model */

struct item {
    double a[K];
    double appeal, quality, arrival; /* arrival: share of the whole time */
    int32_t n_genres, genre[MAX_GENRES]; /* ascending */
    int32_t word[2];                     /* numbers below WORDS, ascending */
};

struct user {
    int32_t id; /* number over all domains */
    double p[K], bias;
    double begin, end; /* share of the whole time */
    int32_t n_rows;
};

struct maker {
    const struct params *params;
    int32_t d;
    bool stranger;
    char identity[32]; /* of streams of this domain */
    struct rh_arena work;
    struct item *item; /* [items] */
    struct user *user; /* [users] in the domain's order */
    char **title;      /* [items] */
    struct rh_domain_data *out;
    struct rh_error *err;
};

static void *take(struct maker *m, struct rh_arena *a, size_t n, size_t elem)
{
    void *p = rh_alloc(a, n, elem);
    if (!p)
        rh_fail_memory(m->err, "generated data", n * elem);
    return p;
}

static void normals(struct rh_rng *rng, double *x)
{
    for (int k = 0; k < K; k++)
        x[k] = rh_exact_normal(rng);
}

static void scale_to_one(double *x)
{
    double q = 0;
    for (int k = 0; k < K; k++)
        q += x[k] * x[k];
    for (int k = 0; k < K; k++)
        x[k] /= sqrt(q);
}

static double dot(const double *x, const double *y)
{
    double s = 0;
    for (int k = 0; k < K; k++)
        s += x[k] * y[k];
    return s;
}

/* The direction of genre g in domain d. Dimension j turns with dimension j ^ d: K / 2 planes, other ones for every
 * domain, each turned by the same angle, so that every direction has cosine 1 - shift with where it was. */
static void genre_direction(const struct maker *m, int32_t g, double *to)
{
    int32_t d = m->d;
    double at[K], c = d ? 1 - m->params->shift : 1, s = sqrt(1 - c * c);
    struct rh_rng rng = rh_stream((uint64_t)m->params->seed, m->stranger ? m->identity : IDENTITY, "genre",
                                  (uint64_t)g);
    normals(&rng, at);
    scale_to_one(at);
    for (int j = 0; j < K; j++)
        to[j] = c * at[j] + (j < (j ^ d) ? -s : s) * at[j ^ d];
}

static void add_genre(struct item *it, int32_t g)
{
    int32_t at = it->n_genres;
    for (int32_t i = 0; i < it->n_genres; i++)
        if (it->genre[i] == g)
            return;
    for (; at > 0 && it->genre[at - 1] > g; at--)
        it->genre[at] = it->genre[at - 1];
    it->genre[at] = g;
    it->n_genres++;
}

/* Genre g with odds 1 / (g + 2), so that some are common and some rare. */
static int32_t draw_genre(struct rh_rng *rng)
{
    double sum = 0, u;
    for (int g = 0; g < G; g++)
        sum += 1.0 / (g + 2);
    u = rh_rng_uniform(rng) * sum;
    for (int g = 0; g < G - 1; g++)
        if ((u -= 1.0 / (g + 2)) < 0)
            return g;
    return G - 1;
}

/* Word number w, counted through genres, their adjectives, then their nouns. */
static const char *word_of(int32_t w)
{
    const struct rh_synthetic_genre *g = &rh_synthetic_genres[w / (2 * RH_SYNTHETIC_WORDS)];
    int32_t i = w % (2 * RH_SYNTHETIC_WORDS);
    return i < RH_SYNTHETIC_WORDS ? g->adjective[i] : g->noun[i - RH_SYNTHETIC_WORDS];
}

/* A word of one of the item's genres, or, one time in five, of any. */
static int32_t draw_word(struct rh_rng *rng, const struct item *it, bool noun)
{
    int32_t g = rh_rng_uniform(rng) < 0.8 ? it->genre[rh_rng_below(rng, (uint32_t)it->n_genres)]
                                          : (int32_t)rh_rng_below(rng, G);
    return (2 * g + noun) * RH_SYNTHETIC_WORDS + (int32_t)rh_rng_below(rng, RH_SYNTHETIC_WORDS);
}

/* Two words in one of four patterns, and a year. */
static int make_title(struct maker *m, int32_t i, struct rh_rng *rng)
{
    struct item *it = &m->item[i];
    int form = (int)rh_rng_below(rng, 4);
    int32_t last = draw_word(rng, it, true), first;
    do
        first = draw_word(rng, it, form >= 2); /* two nouns, or an adjective and a noun */
    while (first == last);
    /* for sale since its arrival, made some years before */
    int64_t age = (int64_t)(-12 * rh_exact_log(1 - rh_rng_uniform(rng)));
    int64_t year = 2001 + (int64_t)(it->arrival * (double)m->params->years) - (age < 80 ? age : 80);
    const char *a = word_of(first), *b = word_of(last);
    switch (form) { /* formats are literals, so that the compiler checks them */
    case 0: m->title[i] = rh_arena_printf(&m->work, "The %s %s (%lld)", a, b, (long long)year); break;
    case 1: m->title[i] = rh_arena_printf(&m->work, "%s %s (%lld)", a, b, (long long)year); break;
    case 2: m->title[i] = rh_arena_printf(&m->work, "%s of the %s (%lld)", a, b, (long long)year); break;
    default: m->title[i] = rh_arena_printf(&m->work, "The %s and the %s (%lld)", a, b, (long long)year); break;
    }
    it->word[0] = first < last ? first : last;
    it->word[1] = first < last ? last : first;
    return m->title[i] ? RH_OK : rh_fail_memory(m->err, "titles", 0);
}

/* A random order of 0 .. n-1. */
static int32_t *permutation(struct maker *m, const char *purpose, int32_t n)
{
    int32_t *x = take(m, &m->work, (size_t)n, sizeof *x);
    if (!x)
        return NULL;
    for (int32_t i = 0; i < n; i++)
        x[i] = i;
    struct rh_rng rng = rh_stream((uint64_t)m->params->seed, m->identity, purpose, 0);
    rh_rng_shuffle(&rng, x, n);
    return x;
}

static int make_items(struct maker *m)
{
    const struct params *p = m->params;
    int32_t n = (int32_t)p->items;
    double direction[G][K], told = sqrt(p->features), own = sqrt(1 - p->features);
    int32_t *rank = permutation(m, "rank", n);
    m->item = take(m, &m->work, (size_t)n, sizeof *m->item);
    m->title = take(m, &m->work, (size_t)n, sizeof *m->title);
    if (!rank || !m->item || !m->title)
        return RH_ENOMEM;
    for (int32_t g = 0; g < G; g++)
        genre_direction(m, g, direction[g]);
    for (int32_t i = 0; i < n; i++) {
        struct item *it = &m->item[i];
        struct rh_rng rng = rh_stream((uint64_t)p->seed, m->identity, "item", (uint64_t)i);
        double some = rh_rng_uniform(&rng), genres[K] = { 0 }, self[K];
        for (int more = 1 + (some > 0.4) + (some > 0.8); more > 0; more--)
            add_genre(it, draw_genre(&rng));
        for (int32_t j = 0; j < it->n_genres; j++)
            for (int k = 0; k < K; k++)
                genres[k] += direction[it->genre[j]][k];
        normals(&rng, self);
        scale_to_one(genres);
        scale_to_one(self);
        for (int k = 0; k < K; k++)
            it->a[k] = told * genres[k] + own * self[k];
        it->appeal = rh_exact_exp(-p->popularity * rh_exact_log(rank[i] + 2));
        it->quality = 0.4 * rh_exact_normal(&rng) + 0.3 * (1 - 2 * (rank[i] + 0.5) / n);
        it->arrival = rh_rng_uniform(&rng);
        RH_TRY(make_title(m, i, &rng));
    }
    return RH_OK;
}

static int32_t draw_count(const struct params *p, struct rh_rng *rng)
{
    double n = p->rows * rh_exact_exp(p->activity * rh_exact_normal(rng) - 0.5 * p->activity * p->activity);
    double most = (double)(p->items * 3 / 5), least = p->items < LEAST_ROWS ? (double)p->items : LEAST_ROWS;
    n = n > most ? most : n;
    return (int32_t)(n < least ? least : n + 0.5);
}

static int make_users(struct maker *m)
{
    const struct params *p = m->params;
    int32_t n = (int32_t)p->users, shared = (int32_t)(p->overlap * n + 0.5);
    double sharing = m->stranger ? 0 : p->sharing, both = sqrt(sharing), alone = sqrt(1 - sharing);
    int32_t *place = permutation(m, "order", n);
    m->user = take(m, &m->work, (size_t)n, sizeof *m->user);
    if (!place || !m->user)
        return RH_ENOMEM;
    for (int32_t i = 0; i < n; i++) {
        struct user *u = &m->user[place[i]];
        double own[K];
        u->id = i < shared ? i : i + m->d * (n - shared); /* no overflow: 8 domains of a million */
        struct rh_rng common = rh_stream((uint64_t)p->seed, IDENTITY, "user", (uint64_t)u->id);
        struct rh_rng here = rh_stream((uint64_t)p->seed, m->identity, "user", (uint64_t)u->id);
        normals(&common, u->p);
        u->bias = 0.3 * rh_exact_normal(&common);
        u->begin = 0.9 * rh_rng_uniform(&common);
        u->end = u->begin + (1 - u->begin) * rh_rng_uniform(&common);
        normals(&here, own);
        for (int k = 0; k < K; k++)
            u->p[k] = both * u->p[k] + alone * own[k];
        u->n_rows = draw_count(p, &here);
    }
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------ rows */

/* Scratch of one user's choice, all [items]. */
struct choice {
    double *key;
    uint64_t *sorted, *room;
};

static uint64_t bits_of(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

/* Draws n_rows items without replacement: those with the smallest E / odds, E exponential (Efraimidis and Spirakis
 * 2006). Keys are not negative, so their bits sort as they do. Returns the largest key that is in. */
static double choose(const struct maker *m, const struct user *u, struct rh_rng *rng, struct choice *c)
{
    const struct params *p = m->params;
    double middle = 0.5 * (u->begin + u->end);
    for (int32_t i = 0; i < p->items; i++) {
        const struct item *it = &m->item[i];
        double far = middle - it->arrival;
        double odds = it->appeal * rh_exact_exp(p->taste * dot(u->p, it->a) - p->drift * (far < 0 ? -far : far));
        c->key[i] = -rh_exact_log(1 - rh_rng_uniform(rng)) / odds;
        c->sorted[i] = bits_of(c->key[i]);
    }
    rh_sort_u64(c->sorted, c->room, (size_t)p->items);
    double last;
    memcpy(&last, &c->sorted[u->n_rows - 1], sizeof last);
    return last;
}

static float rate(const struct params *p, const struct user *u, const struct item *it, struct rh_rng *rng)
{
    double x = 3.0 + u->bias + it->quality + 0.8 * dot(u->p, it->a) + p->noise * rh_exact_normal(rng);
    return (float)(x < 1.5 ? 1 : x >= 4.5 ? 5 : (int)(x + 0.5));
}

static int make_rows(struct maker *m)
{
    const struct params *p = m->params;
    struct rh_domain_data *out = m->out;
    struct rh_arena *a = &out->arena;
    size_t items = (size_t)p->items;
    int64_t n = 0;
    for (int32_t u = 0; u < p->users; u++)
        n += m->user[u].n_rows;
    if (n > INT32_MAX)
        return rh_fail(m->err, RH_EINVAL, "users = %lld with %.1f rows each make %lld rows; at most %d are possible",
                       (long long)p->users, (double)n / (double)p->users, (long long)n, INT32_MAX);
    struct choice c = { take(m, &m->work, items, sizeof *c.key), take(m, &m->work, items, sizeof *c.sorted),
                        take(m, &m->work, items, sizeof *c.room) };
    int64_t *row = take(m, a, (size_t)p->users + 1, sizeof *row), *time = take(m, a, (size_t)n, sizeof *time);
    int32_t *item = take(m, a, (size_t)n, sizeof *item);
    float *value = p->ratings ? take(m, a, (size_t)n, sizeof *value) : NULL;
    if (!c.key || !c.sorted || !c.room || !row || !time || !item || (p->ratings && !value))
        return RH_ENOMEM;
    n = 0;
    for (int32_t u = 0; u < p->users; u++) {
        const struct user *user = &m->user[u];
        struct rh_rng rng = rh_stream((uint64_t)p->seed, m->identity, "rows", (uint64_t)user->id);
        double last = choose(m, user, &rng, &c), length = user->end - user->begin;
        row[u + 1] = row[u] + user->n_rows;
        for (int32_t i = 0; i < p->items && n < row[u + 1]; i++) {
            if (c.key[i] > last)
                continue;
            double when = user->begin + length * rh_rng_uniform(&rng);
            float rating = rate(p, user, &m->item[i], &rng);
            time[n] = START + (int64_t)(when * (double)(p->years * YEAR));
            item[n] = i;
            if (value)
                value[n] = rating;
            n++;
        }
    }
    out->n_rows = n;
    out->row = row;
    out->item = item;
    out->time = time;
    out->value = value;
    if (value) {
        out->value_min = 1;
        out->value_max = 5;
    }
    return RH_OK;
}

/* The imagined file is in order of time; equal times in order of users. */
static int make_positions(struct maker *m)
{
    size_t n = (size_t)m->out->n_rows;
    int32_t *position = take(m, &m->out->arena, n, sizeof *position);
    uint64_t *key = take(m, &m->work, n, sizeof *key), *room = take(m, &m->work, n, sizeof *room);
    if (!position || !key || !room)
        return RH_ENOMEM;
    for (size_t r = 0; r < n; r++) /* 50 years of seconds and a row are 31 bits each */
        key[r] = (uint64_t)(m->out->time[r] - START) << 31 | r;
    rh_sort_u64(key, room, n);
    for (size_t r = 0; r < n; r++)
        position[key[r] & 0x7fffffff] = (int32_t)r;
    m->out->position = position;
    return RH_OK;
}

/* --------------------------------------------------------------------------------------- texts and blocks */

/* Gathers texts into one pool. */
struct pool {
    struct rh_text text;
    int64_t *offset; /* [n + 1] */
    int32_t n;
};

static int pool_open(struct maker *m, struct pool *p, int32_t most)
{
    *p = (struct pool){ .offset = take(m, &m->out->arena, (size_t)most + 1, sizeof *p->offset) };
    return p->offset ? RH_OK : RH_ENOMEM;
}

static void pool_end_text(struct pool *p)
{
    rh_text_addn(&p->text, "", 1);
    p->offset[++p->n] = (int64_t)p->text.n;
}

static int pool_close(struct maker *m, struct pool *p, struct rh_strings *out)
{
    char *pool = p->text.failed ? NULL : rh_arena_copy(&m->out->arena, p->text.s, p->text.n, 1);
    rh_text_release(&p->text);
    if (!pool)
        return rh_fail_memory(m->err, "texts", 0);
    *out = (struct rh_strings){ p->n, p->offset, pool };
    return RH_OK;
}

static int make_ids(struct maker *m)
{
    struct pool p;
    RH_TRY(pool_open(m, &p, m->out->n_users));
    for (int32_t u = 0; u < m->out->n_users; u++) {
        rh_text_printf(&p.text, "u%d", m->user[u].id + 1);
        pool_end_text(&p);
    }
    RH_TRY(pool_close(m, &p, &m->out->user_id));
    RH_TRY(pool_open(m, &p, m->out->n_items));
    for (int32_t i = 0; i < m->out->n_items; i++) {
        rh_text_printf(&p.text, "%s-%d", m->out->name, i + 1);
        pool_end_text(&p);
    }
    RH_TRY(pool_close(m, &p, &m->out->item_id));
    RH_TRY(pool_open(m, &p, m->out->n_items));
    for (int32_t i = 0; i < m->out->n_items; i++) {
        rh_text_add(&p.text, m->title[i]);
        pool_end_text(&p);
    }
    return pool_close(m, &p, &m->out->title);
}

/* The ascending numbers of an item in a block. Only those that occur become columns, so that domains differ in their
 * columns as real ones do. */
typedef int32_t list_fn(const struct item *it, const int32_t **entries);

static int32_t list_genres(const struct item *it, const int32_t **entries)
{
    *entries = it->genre;
    return it->n_genres;
}

static int32_t list_words(const struct item *it, const int32_t **entries)
{
    *entries = it->word;
    return 2;
}

static void add_column_name(struct pool *p, const char *name)
{
    for (; *name; name++)
        rh_text_printf(&p->text, "%c", *name | 32);
    pool_end_text(p);
}

static int make_block(struct maker *m, const char *name, list_fn *list, bool words, struct rh_block *block)
{
    int32_t column[WORDS] = { 0 }, n_items = m->out->n_items, n_names = words ? WORDS : G, n_cols = 0;
    const int32_t *entry;
    int64_t nnz = 0;
    for (int32_t i = 0; i < n_items; i++) {
        int32_t n = list(&m->item[i], &entry);
        nnz += n;
        for (int32_t k = 0; k < n; k++)
            column[entry[k]] = 1;
    }
    struct pool p;
    RH_TRY(pool_open(m, &p, n_names));
    for (int32_t c = 0; c < n_names; c++)
        if (column[c]) {
            column[c] = n_cols++;
            add_column_name(&p, words ? word_of(c) : rh_synthetic_genres[c].name);
        }
    RH_TRY(pool_close(m, &p, &block->column));
    int64_t *row = take(m, &m->out->arena, (size_t)n_items + 1, sizeof *row);
    int32_t *col = take(m, &m->out->arena, (size_t)nnz, sizeof *col);
    if (!row || !col)
        return RH_ENOMEM;
    for (int32_t i = 0; i < n_items; i++) {
        int32_t n = list(&m->item[i], &entry);
        for (int32_t k = 0; k < n; k++)
            col[row[i] + k] = column[entry[k]];
        row[i + 1] = row[i] + n;
    }
    block->name = name;
    block->features = (struct rh_features){ .name = name, .n_rows = n_items, .n_cols = n_cols, .row = row,
                                            .col = col };
    return RH_OK;
}

/* The item's character in the first K dimensions and noise in all, then dimension j turned with one of the last K,
 * another one for every domain: with turn = 1 no dimension has in common what it means. Last `away`, the same for all
 * items of the domain. */
static int make_vectors(struct maker *m, struct rh_block *block)
{
    int32_t n = m->out->n_items, d = m->d;
    double c = d ? 1 - m->params->turn : 1, s = sqrt(1 - c * c);
    float *dense = take(m, &m->out->arena, (size_t)n * V, sizeof *dense);
    double away[V], square = 0;
    if (!dense)
        return RH_ENOMEM;
    struct rh_rng direction = rh_stream((uint64_t)m->params->seed, m->identity, "offset", 0);
    for (int j = 0; j < V; j++) {
        away[j] = rh_exact_normal(&direction);
        square += away[j] * away[j];
    }
    for (int j = 0; j < V; j++)
        away[j] = d ? m->params->offset * away[j] / sqrt(square) : 0;
    for (int32_t i = 0; i < n; i++) {
        struct rh_rng rng = rh_stream((uint64_t)m->params->seed, m->identity, "vector", (uint64_t)i);
        double x[V];
        for (int j = 0; j < V; j++)
            x[j] = (j < K ? m->item[i].a[j] : 0) + m->params->blur * rh_exact_normal(&rng);
        for (int j = 0; j < K; j++) {
            double near = x[j], far = x[K + (j ^ d)];
            dense[i * V + j] = (float)(c * near - s * far + away[j]);
            dense[i * V + K + (j ^ d)] = (float)(s * near + c * far + away[K + (j ^ d)]);
        }
    }
    block->name = "vector";
    block->features = (struct rh_features){ .name = block->name, .n_rows = n, .n_cols = V, .dense = dense };
    return RH_OK;
}

static int make_blocks(struct maker *m)
{
    struct rh_block *block = take(m, &m->out->arena, 3, sizeof *block);
    int32_t n = 0;
    if (!block)
        return RH_ENOMEM;
    if (m->params->words) {
        RH_TRY(make_block(m, "genre", list_genres, false, &block[n++]));
        RH_TRY(make_block(m, "title", list_words, true, &block[n++]));
    }
    if (m->params->vectors)
        RH_TRY(make_vectors(m, &block[n++]));
    m->out->item_block = block;
    m->out->n_item_blocks = n;
    return RH_OK;
}

static int make_domain(struct maker *m)
{
    struct rh_domain_data *out = m->out;
    out->name = domain_names[m->d];
    out->n_users = (int32_t)m->params->users;
    out->n_items = (int32_t)m->params->items;
    RH_TRY(make_items(m));
    RH_TRY(make_users(m));
    RH_TRY(make_rows(m));
    RH_TRY(make_positions(m));
    RH_TRY(make_ids(m));
    RH_TRY(make_blocks(m));
    rh_domain_data_hash(out);
    return RH_OK;
}

int rh_synthetic_generate(const void *params, int32_t i, struct rh_domain_data **out, struct rh_error *err)
{
    const struct params *p = params;
    struct maker m = { .params = p, .d = i, .err = err };
    if (p->users * p->items > MOST_PAIRS)
        return rh_fail(err, RH_EINVAL, "users = %lld times items = %lld is more than %lld pairs to look at",
                       (long long)p->users, (long long)p->items, (long long)MOST_PAIRS);
    if (i < 0 || i >= p->domains)
        return rh_fail(err, RH_EINVAL, "domain %d is not there: domains = %lld", i, (long long)p->domains);
    if (p->strangers >= p->domains)
        return rh_fail(err, RH_EINVAL, "strangers = %lld of domains = %lld: the first one is none",
                       (long long)p->strangers, (long long)p->domains);
    m.stranger = i >= p->domains - p->strangers;
    snprintf(m.identity, sizeof m.identity, "%s/%s", IDENTITY, domain_names[i]);
    m.out = calloc(1, sizeof *m.out);
    if (!m.out)
        return rh_fail_memory(err, "a domain", sizeof *m.out);
    int status = make_domain(&m);
    rh_arena_release(&m.work);
    if (status < 0) {
        rh_domain_data_free(m.out);
        return status;
    }
    *out = m.out;
    return RH_OK;
}
