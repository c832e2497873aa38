/* rh/plugin.h - the whole contract between the harness and an algorithm.
 *
 * An algorithm is one `const struct rh_algorithm` at the end of one source file. The same source is linked
 * into the program (compiled with RH_BUILTIN) or built as a module and loaded with dlopen. It includes this
 * header and nothing else of the harness, and it has no undefined rh_ symbols: what it needs from the host
 * comes through the table `ctx->host`.
 *
 * What an algorithm does: learn from a `struct rh_train`, score a `struct rh_query`. What it never does: see
 * test data, mask, sort, measure, print, exit, or keep state outside the memory that the host gives it.
 *
 * Order of the calls of one run (P: parameters final, defaults filled in, ranges checked):
 *
 *     check(P)                         while the plan is made, before any data is read        optional
 *     fit(P, train, state)             once; state is zeroed                                  required
 *     epoch(state, 1), epoch(state, 2) ... until the host stops                               optional
 *     score(state, queries, n)         any number of times, from several threads at once      required
 *     explain(state, query, item)      after fit, on request                                  optional
 *     persist(P, train, state)         after fit: saves; on a zeroed state instead of fit: loads  optional
 *                                      (with RH_A_RESUMES also after fit, before the first epoch: loads over it)
 *     release(state)                   exactly once when fit was called, even if it failed    optional
 *
 * Everything passed to a callback is borrowed: params until the run ends, train until the run ends, queries
 * until the callback returns. See docs/writing-an-algorithm.md for a plugin on one page.
 *
 * The program is under the GNU General Public License; this header may be used, copied and changed by anyone for any
 * purpose without condition (SPDX-License-Identifier: 0BSD). Including it puts no licence condition on a plugin.
 */
#ifndef RH_PLUGIN_H
#define RH_PLUGIN_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RH_ABI 2u

/* Status of every fallible function, here and in the host. 0 done, positive: information, negative: failed. */
enum rh_status {
    RH_DONE = 1,      /* success, and nothing is left to do (epoch: converged) */
    RH_OK = 0,
    RH_EINVAL = -1,   /* the user asked for something impossible */
    RH_EDATA = -2,    /* the input data is malformed or does not suffice */
    RH_EIO = -3,      /* cannot read or write */
    RH_ENOMEM = -4,
    RH_ENUMERIC = -5, /* diverged, not a number, singular */
    RH_EUNSUP = -6,   /* not supported by this algorithm or this build */
    RH_ECANCEL = -7,  /* interrupted or timed out */
    RH_EBUG = -8      /* a contract of this header was broken */
};

/* ------------------------------------------------------------------------------------------ parameters */

enum rh_param_type {
    RH_P_END = 0, /* closes a table */
    RH_P_INT,     /* int64_t */
    RH_P_REAL,    /* double */
    RH_P_BOOL,    /* bool; written yes/no, true/false, on/off, 1/0 */
    RH_P_ENUM,    /* int; written as one of the words of `choices` */
    RH_P_STR      /* const char *, never NULL, owned by the plan */
};

struct rh_choice { /* one word of an RH_P_ENUM; a table of them ends with word == NULL */
    const char *word;
    int value;
    const char *help;
};

/* One parameter. Built with the macros below, which refuse a field of another C type at compile time. From this
 * table come parsing, defaults, range errors, `harness describe` and the stored effective parameters. */
struct rh_param {
    const char *name;
    const char *help;
    enum rh_param_type type;
    size_t offset;       /* of the field in the parameter struct */
    double def;          /* default of INT, REAL, BOOL, ENUM */
    double min, max;     /* INT, REAL: allowed range, both ends included */
    const char *def_str; /* default of STR */
    const struct rh_choice *choices;
};

#define RH_FIELD_(S, f, T) (offsetof(S, f) + 0 * sizeof(char[_Generic(((S *)0)->f, T : 1, default : -1)]))
#define RH_INT(S, f, def_, lo, hi, help_)                                                                      \
    {                                                                                                          \
        .name = #f, .help = help_, .type = RH_P_INT, .offset = RH_FIELD_(S, f, int64_t), .def = def_,          \
        .min = lo, .max = hi                                                                                   \
    }
#define RH_REAL(S, f, def_, lo, hi, help_)                                                                     \
    {                                                                                                          \
        .name = #f, .help = help_, .type = RH_P_REAL, .offset = RH_FIELD_(S, f, double), .def = def_,          \
        .min = lo, .max = hi                                                                                   \
    }
#define RH_BOOL(S, f, def_, help_)                                                                             \
    {                                                                                                          \
        .name = #f, .help = help_, .type = RH_P_BOOL, .offset = RH_FIELD_(S, f, bool), .def = def_, .max = 1   \
    }
#define RH_ENUM(S, f, def_, choices_, help_)                                                                   \
    {                                                                                                          \
        .name = #f, .help = help_, .type = RH_P_ENUM, .offset = RH_FIELD_(S, f, int), .def = def_,             \
        .choices = choices_                                                                                    \
    }
#define RH_STR(S, f, def_, help_)                                                                              \
    {                                                                                                          \
        .name = #f, .help = help_, .type = RH_P_STR, .offset = RH_FIELD_(S, f, const char *), .def_str = def_  \
    }
#define RH_PARAMS_END                                                                                          \
    { .name = NULL, .type = RH_P_END }

/* ------------------------------------------------------------------------------------------------- data */

/* A block of features of items or users: a matrix of n_rows x n_cols, sparse (row != NULL) or dense (dense !=
 * NULL). A block with neither has no data for this domain: every row is empty. Blocks of the same index have the
 * same name and the same columns in every domain of a problem, so weights on columns carry over. */
struct rh_features {
    const char *name; /* "genre", "title", "description", "age", ... */
    int32_t n_rows;   /* items of the domain, or users of the problem */
    int32_t n_cols;
    const int64_t *row; /* [n_rows + 1] offsets into col and val */
    const int32_t *col; /* [row[n_rows]] ascending inside a row */
    const float *val;   /* [row[n_rows]] or NULL: all 1 */
    const float *dense; /* [n_rows x n_cols] row-major */
};

/* Interactions of one domain as compressed sparse rows, one row a user of the problem. */
struct rh_domain {
    const char *name;
    int32_t n_items;
    const int64_t *row;  /* [n_users + 1] offsets */
    const int32_t *item; /* [row[n_users]] ascending inside a row, no item twice in a row */
    const float *value;  /* [row[n_users]] ratings, or NULL: implicit feedback */
    const int64_t *time; /* [row[n_users]] unix seconds, INT64_MIN where unknown, or NULL: no timestamps */
    float value_min, value_max; /* the rating scale; both 0 when value is NULL */
    const struct rh_features *item_features; /* [n_item_blocks] each with n_rows == n_items */
    /* [row[n_users]] which comes first in the training data, for what depends on it (the updates of gradient descent):
     * distinct numbers, not without gaps: of the files, or as the split ordered them. NULL: as the rows stand here. */
    const int32_t *order;
};

/* What may be learned from: the train part of a problem. One user id space over all domains; a user without
 * train interactions in a domain has an empty row there. Sources hold all their interactions. */
struct rh_train {
    int32_t n_users;
    int32_t n_domains;
    int32_t target; /* index of the domain that queries are about; the others are sources */
    const struct rh_domain *domain; /* [n_domains] */
    int32_t n_item_blocks;
    int32_t n_user_blocks;
    const struct rh_features *user_features; /* [n_user_blocks] each with n_rows == n_users */
};

/* Interactions of one user that a model may look at when it answers a query. */
struct rh_history {
    int32_t n;
    const int32_t *item; /* [n] ascending */
    const float *value;  /* [n] or NULL: implicit */
    const int64_t *time; /* [n] or NULL */
};

/* One thing asked: how much would this user like each candidate now? A warm user's history in the target is the
 * user's train row; a cold user's is the k support interactions (none when k = 0), which were not in train. */
struct rh_query {
    int32_t user;                     /* row of the user in the train view and in user_features */
    const struct rh_history *history; /* [n_domains] */
    int32_t n_candidates;
    const int32_t *candidate; /* [n_candidates] items of the target, or NULL: every item, n_candidates == n_items */
};

/* ------------------------------------------------------------------------------------------------- host */

struct rh_ctx;

/* A stream of random numbers (xoshiro256**, Blackman and Vigna 2018). A value: copy it to fork it. */
struct rh_rng {
    uint64_t s[4];
};

/* What persist is called for. */
enum rh_purpose {
    RH_FOR_LOADING = 1u << 0,  /* the model comes out of a file; without: it goes into one */
    /* Only of algorithms with RH_A_RESUMES: */
    RH_FOR_STARTING = 1u << 1, /* epochs are to go on from it: name the weights that they move too */
    RH_FOR_RESUMING = 1u << 2, /* beside RH_FOR_STARTING: and bit for bit, so name the memory of the optimiser too */
    RH_FOR_OTHERS = 1u << 3    /* loading, of other users or items: leave out what belongs to one of them */
};

/* Called for a part [begin, end) of a parallel loop. `ctx` is the context of this thread: scratch memory taken
 * from it is private to the part and is given back when the part returns. */
typedef int rh_part_fn(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end);

struct rh_host {
    uint32_t abi, size; /* RH_ABI, sizeof(struct rh_host) */

    /* Memory, zeroed and 64-byte aligned; NULL when there is none left (return RH_ENOMEM: the host has recorded
     * the sizes) or when n * elem overflows. Nobody frees it.
     * alloc: lives as long as the run; counted; only from fit, epoch and init work, not from score or parts.
     * scratch: lives until the callback (or the part) returns. */
    void *(*alloc)(struct rh_ctx *ctx, size_t n, size_t elem);
    void *(*scratch)(struct rh_ctx *ctx, size_t n, size_t elem);

    /* Records why a callback fails, as a sentence (lower case, no full stop), and returns `status`, so that one
     * can write `return ctx->host->fail(ctx, RH_EINVAL, "...")`. The first message wins. */
    int (*fail)(struct rh_ctx *ctx, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

    /* Level 0 warning, 1 information, 2 detail. */
    void (*log)(struct rh_ctx *ctx, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

    /* Reports progress inside a long callback; RH_ECANCEL means: return it. Cheap; call it often. */
    int (*tick)(struct rh_ctx *ctx, int64_t done, int64_t total);

    /* The random stream of (experiment seed, run identity, purpose, index): independent of the order of calls, of
     * the number of threads and of other runs. Use a purpose a use ("init", "negatives") and an index an epoch or
     * a user. */
    struct rh_rng (*stream)(struct rh_ctx *ctx, const char *purpose, uint64_t index);

    /* Runs `part` over [0, n) on all threads in pieces of `grain`. Pieces start at multiples of grain whatever
     * the number of threads, so a result written per piece is the same on any number. They begin in ascending order,
     * and what has begun is run to its end, so a piece may wait for pieces before it. Returns the first failure (by
     * position). BLAS runs on one thread: parallelise around it. */
    int (*parallel)(struct rh_ctx *ctx, int64_t n, int64_t grain, rh_part_fn *part, void *arg);

    /* Only from persist. A field of the model: n elements of elem bytes at *array. Saving writes them. Loading takes
     * memory as alloc does, points *array at it and fills it; RH_EDATA when the saved model has no field of this name
     * and shape here. `array` is the address of a pointer in the state (void * so that any pointer type goes);
     * where n is 0 the pointer is NULL after loading. */
    int (*field)(struct rh_ctx *ctx, const char *name, void *array, int64_t n, size_t elem);
    /* Only from persist. The same for a number or a plain struct that lies in the state itself, at `where`. Sizes come
     * first, so that the shapes of later fields follow from them in either direction. */
    int (*value)(struct rh_ctx *ctx, const char *name, void *where, size_t size);

    /* Loading over what fit made (RH_A_RESUMES): an array that is there is filled in place, so that all pointers to it
     * stay good. persist is called twice then; the first time only compares shapes and changes nothing. Fields of the
     * file that it does not name are passed over. */

    /* Only from persist and fit. In persist: what for, of enum rh_purpose. In fit: RH_FOR_LOADING when a model will be
     * loaded over what it makes, so that costly passes may be left out. */
    unsigned (*purpose)(struct rh_ctx *ctx);
};

struct rh_ctx {
    const struct rh_host *host;
    void *own; /* the host's */
};

/* ------------------------------------------------------------------------------------------- algorithms */

enum rh_algorithm_flags {
    RH_A_USES_SOURCES = 1u << 0,       /* learns from the source domains too (transfer) */
    RH_A_NEEDS_VALUES = 1u << 1,       /* needs ratings in the target */
    RH_A_NEEDS_TIME = 1u << 2,         /* needs timestamps in the target */
    RH_A_NEEDS_ITEM_FEATURES = 1u << 3,
    RH_A_NEEDS_USER_FEATURES = 1u << 4,
    RH_A_NEEDS_SOURCES = 1u << 5,      /* refuses a problem without source domains */
    RH_A_RATES = 1u << 6,              /* scores are on the rating scale: RMSE and MAE make sense */
    RH_A_COLD_USERS = 1u << 7,         /* scores users that were not in target train (from history or features) */
    RH_A_COLD_ITEMS = 1u << 8,         /* scores items without train interactions */
    RH_A_RANDOM = 1u << 9,             /* draws random numbers: the seed matters */
    /* Epochs go on from a loaded model, and from a checkpoint as if nothing had been: persist loads over what fit made,
     * and heeds host->purpose. With `epoch` and `persist` only. */
    RH_A_RESUMES = 1u << 10,
    RH_A_BY_FEATURES = 1u << 11        /* with RH_A_RESUMES: starts from models of other users and items, too */
};

struct rh_algorithm {
    uint32_t abi, size;    /* RH_ABI, sizeof(struct rh_algorithm); stay first for ever */
    const char *name;      /* as in the papers, lower case, [a-z0-9_]+ */
    const char *summary;   /* one line */
    const char *reference; /* the paper: authors, title, where and when */
    const char *cost;      /* time and memory as formulas: "fit O(nnz x d^2 + (U + I) d^3), memory 4 (U + I) d bytes" */
    const char *advice;    /* when to use it and when not, what to tune first; one to four sentences */
    uint32_t revision;     /* from 1; raise it when the same input gives other output: it is part of run identity */
    uint32_t flags;        /* enum rh_algorithm_flags */
    const struct rh_param *params; /* ends with RH_PARAMS_END */
    size_t params_size, state_size;
    int32_t epochs;        /* default number of epochs when `epoch` is set; the user's key `epochs` overrides it */

    /* Rules between parameters. Pure: no memory, no data. */
    int (*check)(struct rh_ctx *ctx, const void *params);
    /* Learns from train, or prepares for epochs. `params` and `train` stay valid for the whole run. */
    int (*fit)(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state);
    /* One pass, numbered from 1; *loss is its mean training loss. RH_DONE: converged. The host owns the loop,
     * validates, stops early and may put the memory of the best epoch back in place. */
    int (*epoch)(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss);
    /* Fills out[i * stride + c] with the score of candidate c of query i, larger is better, finite. stride is at
     * least the largest n_candidates. Runs on several threads at once: `state` is read only. */
    int (*score)(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                 size_t stride);
    /* Why `item`: fills up to max (item of the target history, weight) pairs, most important first; returns how
     * many, or a negative status. */
    int (*explain)(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item, int32_t max,
                   int32_t *why, float *weight);
    /* Names all that score needs of the fitted state, by host->value and host->field, in a fixed order. Written once,
     * it saves and loads. What the train view holds need not be saved: pointers into it are set from `train`. */
    int (*persist)(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state);
    /* Frees what is not from the host (a GSL object). */
    void (*release)(void *state);
};

/* Closes a plugin's source: names its descriptor `id` to the host in either linkage. */
#ifdef RH_BUILTIN
#define RH_ALGORITHM(id)                                                                                       \
    const struct rh_algorithm *rh_algorithm_##id(void);                                                        \
    const struct rh_algorithm *rh_algorithm_##id(void)                                                         \
    {                                                                                                          \
        return &id;                                                                                            \
    }
#else
#define RH_ALGORITHM(id)                                                                                       \
    __attribute__((visibility("default"))) const struct rh_algorithm *rh_algorithm_entry(void);                \
    const struct rh_algorithm *rh_algorithm_entry(void)                                                        \
    {                                                                                                          \
        return &id;                                                                                            \
    }
#endif

/* ---------------------------------------------------------------------------------------- random numbers */

/* Next 64 random bits. */
static inline uint64_t rh_rng_next(struct rh_rng *r)
{
    uint64_t *s = r->s;
    uint64_t x = s[1] * 5, t = s[1] << 17;
    x = ((x << 7) | (x >> 57)) * 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return x;
}

/* Uniform in [0, 1), 53 bits. */
static inline double rh_rng_uniform(struct rh_rng *r)
{
    return (double)(rh_rng_next(r) >> 11) * 0x1.0p-53;
}

/* Uniform integer in [0, n), n > 0, without bias (Lemire 2019, 32-bit version). */
static inline uint32_t rh_rng_below(struct rh_rng *r, uint32_t n)
{
    uint64_t m = (rh_rng_next(r) >> 32) * n;
    if ((uint32_t)m < n) {
        uint32_t floor = (0u - n) % n;
        while ((uint32_t)m < floor)
            m = (rh_rng_next(r) >> 32) * n;
    }
    return (uint32_t)(m >> 32);
}

/* Standard normal (Marsaglia and Bray's polar method; the second value is thrown away to keep the state small). */
static inline double rh_rng_normal(struct rh_rng *r)
{
    double u, v, q;
    do {
        u = 2.0 * rh_rng_uniform(r) - 1.0;
        v = 2.0 * rh_rng_uniform(r) - 1.0;
        q = u * u + v * v;
    } while (q >= 1.0 || q == 0.0);
    return u * sqrt(-2.0 * log(q) / q);
}

/* Fisher-Yates shuffle of n ids. */
static inline void rh_rng_shuffle(struct rh_rng *r, int32_t *x, int32_t n)
{
    for (int32_t i = n - 1; i > 0; i--) {
        int32_t j = (int32_t)rh_rng_below(r, (uint32_t)i + 1), t = x[i];
        x[i] = x[j];
        x[j] = t;
    }
}

#endif
