/* What networks that learn to predict a user's ratings from few of them have in common (melu, mamo, tanp): contents of
 * users and items as rows of fields (fields.h), users as tasks, and queries whose history is the support.
 *
 * A task is a user with two rows or more in the target. Its rows are drawn into a random order; `asked` of them at
 * most (and never all) are the query set, the others, `shots` at most, the support. An outer step takes meta_batch
 * tasks: the method gives the loss of each and its gradients by the weights phi and by the rows x; their means over the
 * tasks move phi and the tables of the fields. A query is answered by showing the method the rows of the user's history
 * (`shots` at most) and asking it for the candidates, some at a time.
 *
 * Tasks of a step are shared out to threads; what they add up is added in the order of the tasks, so numbers do not
 * depend on threads. Memory of a step: meta_batch times (size of phi + rows x width x 2 + what the method wants). */
#ifndef RH_ALGORITHMS_LIB_RATER_H
#define RH_ALGORITHMS_LIB_RATER_H

#include "algorithms/lib/fields.h"
#include "algorithms/lib/mlp.h"

#include <rh/plugin.h>

/* First member of a plugin's parameters: RH_RATER_FIELDS; in its table: the rows below. */
#define RH_RATER_FIELDS_                                                                                             \
    int64_t factors, hidden, asked, shots, meta_batch;                                                               \
    double rate;                                                                                                     \
    int support, optimizer;                                                                                          \
    bool redraw, vary
struct rh_rater_params {
    RH_RATER_FIELDS_;
};
#define RH_RATER_FIELDS                                                                                              \
    union {                                                                                                          \
        struct rh_rater_params rater;                                                                                \
        struct {                                                                                                     \
            RH_RATER_FIELDS_;                                                                                        \
        };                                                                                                           \
    }
enum rh_rater_support { RH_SUPPORT_ALL, RH_SUPPORT_UNSEEN };
extern const struct rh_choice rh_rater_support_words[], rh_rater_optimizer_words[];
#define RH_RATER_SIZES(S)                                                                                            \
    RH_INT(S, factors, 32, 1, 1024, "width of the vectors of a field"),                                              \
        RH_INT(S, hidden, 64, 1, 1024, "units of each hidden layer"),                                                \
        RH_REAL(S, rate, 1e-3, 1e-9, 10, "learning rate of the outer loop")
#define RH_RATER_TASKS(S, asked_, shots_)                                                                            \
    RH_INT(S, asked, asked_, 1, 1024, "rows of a task in its query set, at most; one stays in the support"),         \
        RH_INT(S, shots, shots_, 1, 4096, "rows of a task, or of a query's history, in the support, at most"),       \
        RH_INT(S, meta_batch, 32, 1, 4096, "tasks of one outer step"),                                               \
        RH_BOOL(S, redraw, true, "cut the rows of a task anew in each epoch; no: once for all"),                     \
        RH_ENUM(S, support, RH_SUPPORT_ALL, rh_rater_support_words, "rows of a query's history that it adapts to")
/* Not of melu: without them Adam, and whole supports. */
#define RH_RATER_OPTIMIZER(S)                                                                                        \
    RH_ENUM(S, optimizer, RH_ADAM, rh_rater_optimizer_words, "rule of the outer loop")
#define RH_RATER_VARY(S)                                                                                             \
    RH_BOOL(S, vary, true, "the support of a task is cut to a random number of rows, from 0: for queries of any length")

/* A user and rows with their ratings: those of a task, support first, or the support of a query. A row is that of
 * fields.h, the item's part first. */
struct rh_rater_rows {
    int32_t user, n_support, n;
    const rh_real *profile; /* [width - item_width] the user's part of a row, also where there is none */
    const rh_real *x;       /* [n x width] */
    const rh_real *rating;  /* [n] */
    uint64_t stream;        /* of a task: number for random streams that are this user's in this epoch */
};
/* Where the gradients of a task go; zeroed, to be added to. */
struct rh_rater_back {
    rh_real *dx;   /* [n x width] that of the profile may be in any row or over several */
    rh_real *dphi; /* [size] */
};

/* What makes one network different from another. `self` is the state of the plugin. Statuses are as everywhere; work
 * and room are memory of this task or query alone. */
struct rh_rater_method {
    const char *who; /* begins the sentence of a refusal */
    /* When the fields are known: shapes, and the size of phi. Then, in fit, random weights. What is saved beside the
     * fields and phi; may be NULL. */
    void (*shape)(void *self, const void *params);
    int (*start)(struct rh_ctx *ctx, void *self);
    int (*persist)(struct rh_ctx *ctx, void *self);

    size_t (*work)(const void *self, int32_t n); /* numbers for a task of n rows at most */
    /* Before and after the tasks of an outer step, with all of them; may be NULL. work: tasks [n x stride]. */
    int (*before)(struct rh_ctx *ctx, void *self, int32_t n, const struct rh_rater_rows *task, rh_real *work,
                  size_t stride);
    int (*learn)(struct rh_ctx *ctx, const void *self, const struct rh_rater_rows *task, struct rh_rater_back back,
                 rh_real *work, double *loss);
    int (*after)(struct rh_ctx *ctx, void *self, int32_t n, const struct rh_rater_rows *task, rh_real *work,
                 size_t stride);
    /* A query: numbers for n rows of support and `tile` candidates; makes itself ready for the user; then answers for
     * n rows, whose ratings lie in the room. */
    size_t (*room)(const void *self, int32_t n, int32_t tile);
    int (*meet)(struct rh_ctx *ctx, const void *self, const struct rh_rater_rows *support, rh_real *room);
    const rh_real *(*predict)(const void *self, int32_t n, const rh_real *x, rh_real *room);
};

struct rh_rater {
    const struct rh_rater_method *method;
    void *self;
    const struct rh_rater_params *params;
    const struct rh_train *train;
    double inner_rate; /* set by shape: to be advised about when it diverges; 0: there is none */
    struct rh_fields fields;
    int64_t size;                  /* of phi */
    rh_real *phi, *first, *second; /* [size] weights, and the moments of the optimiser */
    struct rh_optimizer_state optimizer;
    int32_t *task; /* [n_tasks] users with two rows or more */
    int32_t n_tasks;
    rh_real *item; /* [items x item_width] the items' part of x, made after each epoch */
};

/* Layers begin as PyTorch's do, which the methods were published in: all uniform in +- 1 / sqrt(width of the input). */
void rh_rater_init_layers(const struct rh_mlp *m, struct rh_rng *rng, rh_real *phi);

/* The callbacks of a plugin whose state begins with a struct rh_rater, and whose parameters begin with RH_RATER_FIELDS.
 * Those that have to know its method are written by RH_RATER_CALLBACKS; RH_RATER_DESCRIPTOR is what their descriptors
 * have in common. */
int rh_rater_fit(struct rh_ctx *ctx, const struct rh_rater_method *method, const void *params,
                 const struct rh_train *train, void *state);
int rh_rater_epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss);
int rh_rater_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                   size_t stride);
int rh_rater_persist(struct rh_ctx *ctx, const struct rh_rater_method *method, const void *params,
                     const struct rh_train *train, void *state);
#define RH_RATER_CALLBACKS(method)                                                                                   \
    static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)                \
    {                                                                                                                \
        return rh_rater_fit(ctx, &method, params, train, state);                                                     \
    }                                                                                                                \
    static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)            \
    {                                                                                                                \
        return rh_rater_persist(ctx, &method, params, train, state);                                                 \
    }
#define RH_RATER_DESCRIPTOR                                                                                          \
    .abi = RH_ABI, .size = sizeof(struct rh_algorithm),                                                              \
    .flags = RH_A_NEEDS_VALUES | RH_A_NEEDS_ITEM_FEATURES | RH_A_RATES | RH_A_COLD_USERS | RH_A_COLD_ITEMS |         \
             RH_A_RANDOM | RH_A_RESUMES,                                                                             \
    .params = params_table, .params_size = sizeof(struct params), .state_size = sizeof(struct state), .epochs = 20,  \
    .fit = fit, .epoch = rh_rater_epoch, .score = rh_rater_score, .persist = persist

#endif
