#include "algorithms/lib/memories.h"

#include <string.h>

/* ------------------------------------------------------------------------------------------------------- shapes */

void rh_memories_shape(struct rh_memories *m, int32_t U, int32_t I, int32_t H, int32_t E)
{
    m->U = U > 0 ? U : 1;
    m->I = I;
    m->E = E;
    m->user = (struct rh_mlp){ 2, { m->U, H, E }, RH_RELU, RH_RELU, false };
    m->item = (struct rh_mlp){ 2, { I, H, E }, RH_RELU, RH_RELU, false };
    m->head = (struct rh_mlp){ 2, { 2 * E, E, 1 }, RH_RELU, RH_LINEAR, false };
    m->task = (struct rh_mlp){ 1, { 2 * E, 2 * E }, RH_LINEAR, RH_LINEAR, true };
}

int64_t rh_memories_user(const struct rh_memories *m)
{
    return rh_mlp_size(&m->user);
}

/* Where head and M begin in theta. */
static int64_t head_at(const struct rh_memories *m)
{
    return rh_mlp_size(&m->user) + rh_mlp_size(&m->item);
}

static int64_t task_at(const struct rh_memories *m)
{
    return head_at(m) + rh_mlp_size(&m->head);
}

int64_t rh_memories_theta(const struct rh_memories *m)
{
    return task_at(m) + rh_mlp_size(&m->task);
}

int64_t rh_memories_phi(const struct rh_memories *m)
{
    return m->slots > 0 ? task_at(m) : rh_memories_theta(m);
}

/* ------------------------------------------------------------------------------------------------------- reading */

void rh_memories_attend(const struct rh_memories *m, const rh_real *profile, rh_real *a)
{
    rh_real norm = rh_dot(m->U, profile, profile), sum = 0;
    for (int32_t k = 0; k < m->slots; k++) {
        const rh_real *slot = m->profile + (size_t)k * (size_t)m->U;
        rh_real both = rh_real_sqrt(norm * rh_dot(m->U, slot, slot));
        a[k] = rh_real_exp(both > 0 ? rh_dot(m->U, profile, slot) / both : 0); /* of -1 .. 1 */
        sum += a[k];
    }
    for (int32_t k = 0; k < m->slots; k++)
        a[k] /= sum;
}

void rh_memories_read(const struct rh_memories *m, const rh_real *phi, const rh_real *a, rh_real *theta)
{
    size_t user = (size_t)rh_memories_user(m), task = (size_t)rh_mlp_size(&m->task);
    rh_real *M = theta + task_at(m);
    memcpy(theta, phi, (size_t)rh_memories_phi(m) * sizeof *theta);
    if (m->slots > 0)
        memset(M, 0, task * sizeof *M);
    for (int32_t k = 0; k < m->slots; k++) {
        rh_axpy((int32_t)user, (rh_real)-m->tau * a[k], m->gradient + (size_t)k * user, theta);
        rh_axpy((int32_t)task, a[k], m->preference + (size_t)k * task, M);
    }
}

/* ------------------------------------------------------------------------------------------------------- network */

/* What a pass over n rows works in. */
struct pass {
    rh_real *p_i, *dp_i;            /* [n x I] */
    rh_real *user, *item;           /* tapes */
    rh_real *both, *dboth;          /* [n x 2E] e_u and e_i */
    rh_real *mixed, *head, *dmixed; /* tapes of M and head; [n x 2E] */
    rh_real *de_u, *de_i, *dy;      /* [E], [n x E], [n] */
    rh_real *dp_u;                  /* [U] */
    rh_real *work;
};

static size_t most_work(const struct rh_memories *m, int32_t n)
{
    const struct rh_mlp *const net[] = { &m->user, &m->item, &m->head, &m->task };
    size_t most = 0;
    for (int k = 0; k < 4; k++) {
        size_t w = rh_mlp_work(net[k], n);
        most = w > most ? w : most;
    }
    return most;
}

size_t rh_memories_work(const struct rh_memories *m, int32_t n)
{
    size_t rows = (size_t)n, E = (size_t)m->E;
    return 2 * rows * (size_t)m->I + rh_mlp_tape(&m->user, 1) + rh_mlp_tape(&m->item, n) + 6 * rows * E +
           rh_mlp_tape(&m->task, n) + rh_mlp_tape(&m->head, n) + E + rows * E + rows + (size_t)m->U + most_work(m, n);
}

static struct pass lay_out(const struct rh_memories *m, int32_t n, rh_real *work)
{
    size_t rows = (size_t)n, I = (size_t)m->I, E = (size_t)m->E;
    struct pass p = { .p_i = work };
    p.dp_i = p.p_i + rows * I;
    p.user = p.dp_i + rows * I;
    p.item = p.user + rh_mlp_tape(&m->user, 1);
    p.both = p.item + rh_mlp_tape(&m->item, n);
    p.dboth = p.both + rows * 2 * E;
    p.mixed = p.dboth + rows * 2 * E;
    p.head = p.mixed + rh_mlp_tape(&m->task, n);
    p.dmixed = p.head + rh_mlp_tape(&m->head, n);
    p.de_u = p.dmixed + rows * 2 * E;
    p.de_i = p.de_u + E;
    p.dy = p.de_i + rows * E;
    p.dp_u = p.dy + rows;
    p.work = p.dp_u + m->U;
    return p;
}

static const rh_real *forward(const struct rh_memories *m, const rh_real *theta, const struct rh_memories_set *set,
                              struct pass *p)
{
    size_t I = (size_t)m->I, E = (size_t)m->E, width = (size_t)set->width;
    int32_t n = set->n;
    for (size_t k = 0; k < (size_t)n; k++)
        memcpy(p->p_i + k * I, set->x + k * width, I * sizeof *p->p_i);
    const rh_real *e_u = rh_mlp_forward(&m->user, theta, 1, set->profile, NULL, p->user);
    const rh_real *e_i = rh_mlp_forward(&m->item, theta + rh_memories_user(m), n, p->p_i, NULL, p->item);
    for (size_t k = 0; k < (size_t)n; k++) {
        memcpy(p->both + 2 * k * E, e_u, E * sizeof *e_u);
        memcpy(p->both + (2 * k + 1) * E, e_i + k * E, E * sizeof *e_i);
    }
    const rh_real *mixed = rh_mlp_forward(&m->task, theta + task_at(m), n, p->both, NULL, p->mixed);
    return rh_mlp_forward(&m->head, theta + head_at(m), n, mixed, NULL, p->head);
}

const rh_real *rh_memories_predict(const struct rh_memories *m, const rh_real *theta,
                                   const struct rh_memories_set *set, rh_real *work)
{
    struct pass p = lay_out(m, set->n, work);
    return forward(m, theta, set, &p);
}

/* From dy: gradients by theta, and by the rows. */
static void backward(const struct rh_memories *m, const rh_real *theta, const struct rh_memories_set *set,
                     struct pass *p, rh_real *dtheta, rh_real *dx)
{
    size_t I = (size_t)m->I, E = (size_t)m->E, width = (size_t)set->width, rows = (size_t)set->n;
    int64_t item = rh_memories_user(m), head = head_at(m), task = task_at(m);
    bool known = width > I;
    memset(p->dmixed, 0, rows * 2 * E * sizeof *p->dmixed);
    memset(p->dboth, 0, rows * 2 * E * sizeof *p->dboth);
    rh_mlp_back(&m->head, theta + head, set->n, p->mixed, NULL, p->head, p->dy, dtheta + head, p->dmixed, p->work);
    rh_mlp_back(&m->task, theta + task, set->n, p->both, NULL, p->mixed, p->dmixed, dtheta + task, p->dboth, p->work);
    memset(p->de_u, 0, E * sizeof *p->de_u);
    for (size_t k = 0; k < rows; k++) {
        rh_axpy(m->E, 1, p->dboth + 2 * k * E, p->de_u);
        memcpy(p->de_i + k * E, p->dboth + (2 * k + 1) * E, E * sizeof *p->de_i);
    }
    memset(p->dp_i, 0, rows * I * sizeof *p->dp_i);
    memset(p->dp_u, 0, (size_t)m->U * sizeof *p->dp_u);
    rh_mlp_back(&m->item, theta + item, set->n, p->p_i, NULL, p->item, p->de_i, dtheta + item, dx ? p->dp_i : NULL,
                p->work);
    rh_mlp_back(&m->user, theta, 1, set->profile, NULL, p->user, p->de_u, dtheta,
                dx && known ? p->dp_u : NULL, p->work);
    for (size_t k = 0; k < rows && dx; k++)
        rh_axpy(m->I, 1, p->dp_i + k * I, dx + k * width);
    if (dx && known)
        rh_axpy(m->U, 1, p->dp_u, dx + I);
}

double rh_memories_loss(const struct rh_memories *m, const rh_real *theta, const struct rh_memories_set *set,
                        rh_real *dtheta, rh_real *dx, rh_real *work)
{
    struct pass p = lay_out(m, set->n, work);
    const rh_real *y = forward(m, theta, set, &p);
    double sum = 0;
    for (int32_t k = 0; k < set->n; k++) {
        rh_real error = y[k] - set->rating[k];
        sum += (double)error * (double)error;
        p.dy[k] = 2 * error / (rh_real)set->n;
    }
    backward(m, theta, set, &p, dtheta, dx);
    return sum / set->n;
}

/* ------------------------------------------------------------------------------------------ inner loop, writing */

void rh_memories_adapt(const struct rh_memories *m, rh_real *theta, const struct rh_memories_set *support,
                       rh_real *room, rh_real *work)
{
    size_t size = (size_t)rh_memories_theta(m);
    for (int32_t s = 0; s < m->steps && support->n > 0; s++) {
        memset(room, 0, size * sizeof *room);
        rh_memories_loss(m, theta, support, room, NULL, work);
        rh_axpy((int32_t)size, (rh_real)-m->rate, room, theta);
    }
}

/* slot = (1 - c a) slot + c a v, or (1 - c) slot + c a v */
static void write_slot(const struct rh_memories *m, int64_t n, double c, rh_real a, const rh_real *restrict v,
                       rh_real *restrict slot)
{
    rh_real brought = (rh_real)c * a, kept = 1 - (m->printed ? (rh_real)c : brought);
    for (int64_t i = 0; i < n; i++)
        slot[i] = kept * slot[i] + brought * v[i];
}

void rh_memories_write(struct rh_memories *m, const rh_real *profile, const rh_real *a, const rh_real *theta,
                       const rh_real *gradient)
{
    int64_t user = rh_memories_user(m), task = rh_mlp_size(&m->task);
    for (int32_t k = 0; k < m->slots; k++) {
        write_slot(m, m->U, m->alpha, a[k], profile, m->profile + (size_t)k * (size_t)m->U);
        write_slot(m, user, m->beta, a[k], gradient, m->gradient + k * user);
        write_slot(m, task, m->gamma, a[k], theta + task_at(m), m->preference + k * task);
    }
}
