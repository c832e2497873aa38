#include "algorithms/lib/adapt.h"

#include <string.h>

/* Room of a task: the path phi_1 .. phi_steps and the tapes of its steps; the tape of the query; a gradient, v; the
 * derivatives by the predictions, twice; and what mlp.h wants. */
size_t rh_adapt_work(const struct rh_adapt *a, int32_t n)
{
    size_t size = (size_t)rh_mlp_size(&a->mlp), tape = rh_mlp_tape(&a->mlp, n), steps = (size_t)a->steps;
    return steps * (size + tape) + 2 * tape + 2 * size + 2 * (size_t)n + rh_mlp_work(&a->mlp, n);
}

/* Mean squared error of predictions y; dy its derivatives. */
static double squared_error(const struct rh_adapt_set *set, const rh_real *y, rh_real *dy)
{
    double sum = 0;
    for (int32_t k = 0; k < set->n; k++) {
        rh_real error = y[k] - set->rating[k];
        sum += (double)error * (double)error;
        dy[k] = 2 * error / (rh_real)set->n;
    }
    return set->n ? sum / set->n : 0;
}

/* to = from - rate * grad L_S(from); the tape of the support at `from` is kept. */
static void step(const struct rh_adapt *a, const struct rh_adapt_set *support, const rh_real *from, rh_real *to,
                 rh_real *tape, rh_real *gradient, rh_real *dy, rh_real *work)
{
    size_t size = (size_t)rh_mlp_size(&a->mlp);
    squared_error(support, rh_mlp_forward(&a->mlp, from, support->n, support->x, NULL, tape), dy);
    memset(gradient, 0, size * sizeof *gradient);
    rh_mlp_back(&a->mlp, from, support->n, support->x, NULL, tape, dy, gradient, NULL, work);
    if (to != from)
        memcpy(to, from, size * sizeof *to);
    rh_axpy((int32_t)size, (rh_real)-a->rate, gradient, to);
}

double rh_adapt_task(const struct rh_adapt *a, const rh_real *phi, const struct rh_adapt_set *support,
                     const struct rh_adapt_set *query, rh_real *dphi, rh_real *dx_support, rh_real *dx_query,
                     rh_real *work)
{
    const struct rh_mlp *m = &a->mlp;
    int32_t most = support->n > query->n ? support->n : query->n, steps = support->n > 0 ? a->steps : 0;
    size_t size = (size_t)rh_mlp_size(m), room = rh_mlp_tape(m, most);
    rh_real *path = work, *tapes = path + (size_t)a->steps * size, *tape = tapes + (size_t)a->steps * room;
    rh_real *rtape = tape + room, *gradient = rtape + room, *v = gradient + size, *dy = v + size, *rdy = dy + most;
    work = rdy + most;

    const rh_real *at = phi;
    for (int32_t s = 0; s < steps; s++) {
        rh_real *next = path + (size_t)s * size;
        step(a, support, at, next, tapes + (size_t)s * room, gradient, dy, work);
        at = next;
    }
    double loss = squared_error(query, rh_mlp_forward(m, at, query->n, query->x, NULL, tape), dy);
    memset(v, 0, size * sizeof *v);
    rh_mlp_back(m, at, query->n, query->x, NULL, tape, dy, v, dx_query, work);

    for (int32_t s = steps - 1; s >= 0 && !a->first_order; s--) {
        at = s > 0 ? path + (size_t)(s - 1) * size : phi;
        /* along v times -rate, so that what comes back is to be added as it is */
        for (size_t i = 0; i < size; i++)
            gradient[i] = (rh_real)-a->rate * v[i];
        const rh_real *kept = tapes + (size_t)s * room;
        squared_error(support, kept + rh_mlp_tape(m, support->n) - (size_t)support->n, dy);
        const rh_real *ry = rh_mlp_forward_r(m, at, support->n, support->x, NULL, kept, gradient, NULL, rtape);
        for (int32_t k = 0; k < support->n; k++)
            rdy[k] = 2 * ry[k] / (rh_real)support->n;
        rh_mlp_back_r(m, at, support->n, support->x, NULL, kept, rtape, gradient, NULL, dy, rdy, v, dx_support, work);
    }
    rh_axpy((int32_t)size, 1, v, dphi);
    return loss;
}

void rh_adapt_weights(const struct rh_adapt *a, const rh_real *phi, const struct rh_adapt_set *support,
                      rh_real *adapted, rh_real *work)
{
    size_t size = (size_t)rh_mlp_size(&a->mlp);
    rh_real *tape = work, *gradient = tape + rh_mlp_tape(&a->mlp, support->n), *dy = gradient + size;
    memcpy(adapted, phi, size * sizeof *adapted);
    for (int32_t s = 0; s < a->steps && support->n > 0; s++)
        step(a, support, adapted, adapted, tape, gradient, dy, dy + support->n);
}
