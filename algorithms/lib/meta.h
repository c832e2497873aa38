/* Model-agnostic meta-learning over the scoring network (Finn, Abbeel, Levine 2017).
 *
 * A task is a user: a support set S of some of their liked items, and a query set Q of others. The inner loop
 * descends the support loss from the shared start phi,
 *
 *     phi_0 = phi,    phi_{s+1} = phi_s - rate * M grad L_S(phi_s),    s = 0 .. steps - 1,
 *
 * with M = 1 on the weights that adapt and 0 on the others; the outer loop descends L_Q(phi_steps) by phi and by the
 * vectors p and t of users and items below it. Exactly (second order), backwards from v = grad L_Q(phi_steps):
 *
 *     v <- v - rate * H_S(phi_s) M v                     for s = steps - 1 .. 0; at the end v is the gradient by phi
 *     dL/dt_S -= rate * d(grad_phi L_S(phi_s) . M v)/dt  and the same for p: the support's vectors shaped the path
 *
 * Both are directional derivatives of the gradient (rh_net_gradient_r), so no Hessian is ever made. First order
 * leaves out H and the second line. With steps = 0 nothing adapts: the twin without meta-learning.
 *
 * Meta-SGD (Li et al. 2017) has a rate a_i for each weight in place of the one, and learns these too:
 *
 *     phi_{s+1} = phi_s - a * M grad L_S(phi_s),    dL/da -= M grad L_S(phi_s) * v before each step back,
 *     v <- v - H_S(phi_s) (a * M v)                                                 '*' element by element
 *
 * Reptile (Nichol, Achiam, Schulman 2018) follows the path that descends the support `steps` times and the query set
 * once, and moves the start towards its end: (phi - end) / rate, the sum of the gradients along the path, stands in
 * place of dL/dphi, and the same sum in place of dL/dp and dL/dt, for what rests during the path.
 *
 * Cost of a task: steps + 1 gradients, and for second order `steps` passes of about three gradients each. */
#ifndef RH_ALGORITHMS_LIB_META_H
#define RH_ALGORITHMS_LIB_META_H

#include "algorithms/lib/network.h"

enum rh_meta_order {
    RH_SECOND_ORDER = 0,
    RH_FIRST_ORDER = 1,
    RH_ALONG_PATH = 2, /* Reptile; adapts all weights */
};

struct rh_meta {
    struct rh_net net;
    double rate;
    int32_t steps;
    enum rh_meta_order order;
    bool head_only;       /* M leaves the layer out (Raghu et al. 2020, ANIL) */
    const rh_real *rates; /* [rh_net_size] of each weight (Meta-SGD), or NULL: `rate` */
    /* Of batches: */
    bool blind;        /* user vectors do not read the support: adaptation alone carries it */
    int32_t negatives; /* sampled items of a support row; 0: as many as of a query row */
};

struct rh_meta_gradient { /* by p and t of the two sets, and by the rates, if there are any; added to */
    rh_real *support_p, *support_t, *query_p, *query_t, *rates;
};

/* rh_real that `work` must have, for sets of up to n rows and n_slots slots. */
size_t rh_meta_work(const struct rh_meta *m, int32_t n, int32_t n_slots);

/* Query loss after adaptation; adds its gradient to dphi and to d. */
double rh_meta_task(const struct rh_meta *m, const rh_real *phi, const struct rh_net_set *support,
                    const struct rh_net_set *query, rh_real *dphi, const struct rh_meta_gradient *d, rh_real *work);

/* adapted[rh_net_size] = phi after the inner loop on the support. */
void rh_meta_adapt(const struct rh_meta *m, const rh_real *phi, const struct rh_net_set *support, rh_real *adapted,
                   rh_real *work);

/* -------------------------------------------------------------------------------------------- batches of tasks */

/* Weight in L_S of row j of a support with n that count. */
static inline rh_real rh_support_weight(const struct rh_network *net, int32_t domain, const float *value, int64_t j,
                                        int32_t n)
{
    double a = rh_history_weight(net, domain, value, j);
    return n > 0 && a > 0 ? (rh_real)(a / (n + net->params->shrink)) : 0;
}

struct rh_task {
    int32_t user, domain;
};
enum rh_tasks { RH_TASKS_TARGET = 0, RH_TASKS_SOURCES = 1, RH_TASKS_BOTH = 2 };
extern const struct rh_choice rh_tasks_words[];

/* A task of each user with two rows or more in a domain that `which` names, by alloc. RH_EDATA: there is none, with a
 * sentence that begins with `who`. */
int rh_meta_tasks(struct rh_ctx *ctx, const char *who, enum rh_tasks which, const struct rh_train *train,
                  struct rh_task **task, int32_t *n_tasks);
/* One step of the outer loop on n tasks, the first of them number `first` of the pass; *loss receives their mean. */
typedef int rh_meta_step(struct rh_ctx *ctx, void *arg, uint64_t first, const struct rh_task *task, int32_t n,
                         double *loss);
/* All tasks once in random order, `size` a step; `pass` numbers the stream of the order. *loss is the mean. */
int rh_meta_pass(struct rh_ctx *ctx, const struct rh_task *task, int32_t n_tasks, int32_t size, uint64_t pass,
                 rh_meta_step *step, void *arg, double *loss);

/* A task sees as history its support rows, unless it is blind, and with weight source_history the user's rows of other
 * domains. */
struct rh_meta_batch {
    struct rh_network *net;
    const struct rh_meta *meta;
    const bool *see;
    int32_t m, n_tasks, shots; /* m: items a row at most */
    int32_t negatives[2];      /* of a query row, of a support row */
    const struct rh_task *task;
    int32_t *first_row;                 /* [n_tasks + 1] rows: support, then query */
    int32_t *n_support;                 /* [n_tasks] */
    int64_t *first_history;             /* [n_tasks + 1] history: the support rows in order, then the rest */
    rh_real *norm_support, *norm_query; /* [n_tasks] 1 / weight of the history, for support rows without the item */
    int32_t *slot;                      /* [rows x m] */
    int32_t *local;                     /* [rows x m] number within the task's own set, or -1 */
    rh_real *weight;                    /* [rows] in the loss of their set */
    int32_t *history;                   /* slots, -1: unused */
    rh_real *history_weight;
    struct rh_slots slots;
    rh_real *t, *dt;         /* [slots x E] */
    rh_real *row_t, *drow_t; /* [rows x m x E] the items of the rows, gathered */
    rh_real *p, *dp;         /* [rows x E] */
    rh_real *task_dphi;      /* [n_tasks x rh_net_size] */
    rh_real *dphi;           /* [rh_net_size] */
    rh_real *task_drates;    /* [n_tasks x rh_net_size] with rates, else NULL */
    rh_real *drates;         /* [rh_net_size] with rates, else NULL */
    rh_real *work;           /* [n_tasks x work_size] */
    size_t work_size;
    double *task_loss; /* [n_tasks] */
    double loss;       /* mean over the tasks */
};

/* Memory, from scratch, for up to n_tasks tasks of up to `shots` support rows and RH_GROUP query rows. */
int rh_meta_batch_init(struct rh_ctx *ctx, struct rh_meta_batch *b, struct rh_network *net,
                       const struct rh_meta *meta, int32_t n_tasks, int32_t shots, const bool *see);
/* Draws support and query; `pass` and the task's number `first` + i name the streams. A task has two rows or more. */
int rh_meta_batch_draw(struct rh_ctx *ctx, struct rh_meta_batch *b, uint64_t pass, uint64_t first,
                       const struct rh_task *task, int32_t n_tasks);
/* Loss, dphi, drates, and dt of the slots. */
int rh_meta_batch_learn(struct rh_ctx *ctx, struct rh_meta_batch *b);

#endif
