#include "algorithms/lib/critic.h"

#include <string.h>

struct parts {
    const rh_real *v, *d, *u, *e;
};

static struct parts parts_of(const struct rh_critic *c, const rh_real *psi)
{
    struct parts x = { .v = psi };
    x.d = x.v + (size_t)c->U * (size_t)c->G;
    x.u = x.d + c->U;
    x.e = x.u + c->U;
    return x;
}

struct gradients {
    rh_real *v, *d, *u, *e;
};

static struct gradients gradients_of(const struct rh_critic *c, rh_real *dpsi)
{
    struct gradients x = { .v = dpsi };
    x.d = x.v + (size_t)c->U * (size_t)c->G;
    x.u = x.d + c->U;
    x.e = x.u + c->U;
    return x;
}

void rh_critic_init(const struct rh_critic *c, struct rh_rng *r, rh_real *psi)
{
    double layer = sqrt(6.0 / ((double)c->G + c->U)), head = sqrt(1.0 / c->U);
    int64_t matrix = (int64_t)c->U * c->G, size = rh_critic_size(c);
    memset(psi, 0, (size_t)size * sizeof *psi);
    for (int64_t i = 0; i < matrix; i++)
        psi[i] = (rh_real)(layer * (2 * rh_rng_uniform(r) - 1));
    for (int64_t i = matrix + c->U; i < size - 1; i++)
        psi[i] = (rh_real)(head * (2 * rh_rng_uniform(r) - 1));
}

void rh_critic_values(const struct rh_critic *c, const rh_real *psi, int32_t n, const rh_real *g, rh_real *hidden,
                      rh_real *value)
{
    struct parts x = parts_of(c, psi);
    rh_nn_linear(n, c->G, c->U, g, x.v, x.d, hidden);
    for (size_t i = 0; i < (size_t)n * (size_t)c->U; i++)
        hidden[i] = rh_act(c->act, hidden[i]);
    for (int32_t k = 0; k < n; k++)
        value[k] = rh_dot(c->U, x.u, hidden + (size_t)k * (size_t)c->U) + *x.e;
}

void rh_critic_back(const struct rh_critic *c, const rh_real *psi, int32_t n, const rh_real *g, const rh_real *hidden,
                    const rh_real *dvalue, rh_real *dpsi, rh_real *dg, rh_real *work)
{
    struct parts x = parts_of(c, psi);
    struct gradients dx = { 0 };
    size_t U = (size_t)c->U;
    if (dpsi)
        dx = gradients_of(c, dpsi);
    for (size_t k = 0; k < (size_t)n; k++) {
        const rh_real *h = hidden + k * U;
        for (size_t i = 0; i < U; i++)
            work[k * U + i] = dvalue[k] * x.u[i] * rh_act_1(c->act, h[i]);
        if (dpsi) {
            rh_axpy(c->U, dvalue[k], h, dx.u);
            *dx.e += dvalue[k];
        }
    }
    rh_nn_linear_back(n, c->G, c->U, g, x.v, work, dg, dx.v, dx.d);
}

double rh_critic_loss(enum rh_adversary kind, int32_t n_source, int32_t n_target, const rh_real *value,
                      rh_real *dvalue)
{
    double loss = 0;
    for (int32_t k = 0; k < n_source + n_target; k++) {
        /* The sources want large values, the target small ones. */
        rh_real sign = k < n_source ? -1 : 1, share = 1 / (rh_real)(k < n_source ? n_source : n_target);
        if (kind == RH_WASSERSTEIN) {
            loss += (double)(share * sign * value[k]);
            dvalue[k] = share * sign;
        } else {
            loss += (double)(share * rh_softplus(sign * value[k]));
            dvalue[k] = share * sign * rh_sigmoid(sign * value[k]);
        }
    }
    return loss;
}

double rh_critic_feature_loss(enum rh_adversary kind, int32_t n_source, int32_t n_target, const rh_real *value,
                              rh_real *dvalue)
{
    double loss = 0;
    if (kind != RH_GAN) {
        loss = -rh_critic_loss(kind, n_source, n_target, value, dvalue);
        for (int32_t k = 0; k < n_source + n_target; k++)
            dvalue[k] = -dvalue[k];
        return loss;
    }
    for (int32_t k = 0; k < n_source + n_target; k++) {
        rh_real sign = k < n_source ? 1 : -1, share = 1 / (rh_real)(k < n_source ? n_source : n_target);
        loss += (double)(share * rh_softplus(sign * value[k]));
        dvalue[k] = share * sign * rh_sigmoid(sign * value[k]);
    }
    return loss;
}

/* With a one-layer critic grad D = V^T (u * act'(z)), so the penalty has its gradient in closed form:
 * r = V^T s, s = u * act'(z), f = (|r| - 1)^2; dr = 2 (|r| - 1) r / |r|, ds = V dr, dV = s dr^T (+ through z),
 * du = ds * act'(z), dz = ds * u * act''(z), and from z = V g + d: dV += dz g^T, dd = dz. */
double rh_critic_penalty(const struct rh_critic *c, const rh_real *psi, int32_t n, const rh_real *g, rh_real weight,
                         rh_real *dpsi, rh_real *work)
{
    struct parts x = parts_of(c, psi);
    struct gradients dx = gradients_of(c, dpsi);
    size_t U = (size_t)c->U, G = (size_t)c->G;
    rh_real *hidden = work, *s = hidden + (size_t)n * U, *r = s + (size_t)n * U, *dr = r + (size_t)n * G;
    rh_real *ds = dr + (size_t)n * G;
    double sum = 0;
    if (n <= 0)
        return 0;
    rh_nn_linear(n, c->G, c->U, g, x.v, x.d, hidden);
    for (size_t k = 0; k < (size_t)n; k++)
        for (size_t i = 0; i < U; i++) {
            rh_real *h = &hidden[k * U + i];
            *h = rh_act(c->act, *h);
            s[k * U + i] = x.u[i] * rh_act_1(c->act, *h);
        }
    memset(r, 0, (size_t)n * G * sizeof *r);
    rh_nn_linear_back(n, c->G, c->U, NULL, x.v, s, r, NULL, NULL);
    for (size_t k = 0; k < (size_t)n; k++) {
        rh_real length = rh_real_sqrt(rh_dot(c->G, r + k * G, r + k * G));
        sum += (double)((length - 1) * (length - 1));
        rh_real factor = length > 0 ? 2 * weight / (rh_real)n * (length - 1) / length : 0;
        for (size_t j = 0; j < G; j++)
            dr[k * G + j] = factor * r[k * G + j];
    }
    /* dV from r = V^T s: rows s, columns dr; the layer's own product with the roles of x and dy taken by dr and s. */
    rh_nn_linear_back(n, c->G, c->U, dr, x.v, s, NULL, dx.v, NULL);
    rh_nn_linear(n, c->G, c->U, dr, x.v, NULL, ds);
    for (size_t k = 0; k < (size_t)n * U; k++) {
        rh_real h = hidden[k];
        size_t i = k % U;
        dx.u[i] += ds[k] * rh_act_1(c->act, h);
        s[k] = ds[k] * x.u[i] * rh_act_2(c->act, h); /* dz in the place of s */
    }
    rh_nn_linear_back(n, c->G, c->U, g, x.v, s, NULL, dx.v, dx.d);
    return (double)weight * sum / n;
}
