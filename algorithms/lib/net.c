#include "algorithms/lib/net.h"

#include <string.h>

struct rh_net_parts rh_net_parts(const struct rh_net *n, rh_real *phi)
{
    struct rh_net_parts x;
    x.wp = phi;
    x.wt = x.wp + (size_t)n->H * (size_t)n->E;
    x.b = x.wt + (size_t)n->H * (size_t)n->E;
    x.w1 = x.b + n->H;
    x.w2 = x.w1 + n->H;
    x.w3 = x.w2 + n->E;
    x.c = x.w3 + n->E;
    return x;
}

/* The parts of weights that are only read. */
static struct rh_net_parts parts_of(const struct rh_net *n, const rh_real *phi)
{
    return rh_net_parts(n, (rh_real *)(uintptr_t)phi);
}

void rh_net_init(const struct rh_net *n, struct rh_rng *r, rh_real *phi)
{
    struct rh_net_parts x = rh_net_parts(n, phi);
    double layer = sqrt(6.0 / (2.0 * n->E + n->H)), head = sqrt(1.0 / n->H);
    memset(phi, 0, (size_t)rh_net_size(n) * sizeof *phi);
    for (int64_t i = 0; i < 2 * (int64_t)n->H * n->E; i++)
        x.wp[i] = (rh_real)(layer * (2 * rh_rng_uniform(r) - 1));
    for (int32_t i = 0; i < n->H; i++)
        x.w1[i] = (rh_real)(head * (2 * rh_rng_uniform(r) - 1));
    for (int32_t i = 0; i < n->E; i++)
        x.w2[i] = 1;
}

/* --------------------------------------------------------------------------------------------- the two sides */

void rh_net_users(const struct rh_net *net, const rh_real *phi, int32_t n, const rh_real *p, rh_real *a, rh_real *q)
{
    struct rh_net_parts x = parts_of(net, phi);
    size_t E = (size_t)net->E;
    rh_nn_linear(n, net->E, net->H, p, x.wp, x.b, a);
    for (size_t k = 0; k < (size_t)n; k++)
        for (size_t e = 0; e < E; e++)
            q[k * E + e] = p[k * E + e] * x.w2[e] + x.w3[e];
}

void rh_net_users_back(const struct rh_net *net, const rh_real *phi, int32_t n, const rh_real *p, const rh_real *da,
                       const rh_real *dq, rh_real *dphi, rh_real *dp)
{
    struct rh_net_parts x = parts_of(net, phi);
    size_t E = (size_t)net->E;
    struct rh_net_parts d = { 0 };
    if (dphi)
        d = rh_net_parts(net, dphi);
    rh_nn_linear_back(n, net->E, net->H, p, x.wp, da, dp, d.wp, d.b);
    for (size_t k = 0; k < (size_t)n; k++) {
        if (dphi) {
            rh_axpy_product(net->E, 1, p + k * E, dq + k * E, d.w2);
            rh_axpy(net->E, 1, dq + k * E, d.w3);
        }
        if (dp)
            rh_axpy_product(net->E, 1, x.w2, dq + k * E, dp + k * E);
    }
}

void rh_net_items(const struct rh_net *net, const rh_real *phi, int32_t n, const rh_real *t, rh_real *b)
{
    rh_nn_linear(n, net->E, net->H, t, parts_of(net, phi).wt, NULL, b);
}

void rh_net_items_back(const struct rh_net *net, const rh_real *phi, int32_t n, const rh_real *t, const rh_real *db,
                       rh_real *dphi, rh_real *dt)
{
    rh_nn_linear_back(n, net->E, net->H, t, parts_of(net, phi).wt, db, dt, dphi ? rh_net_parts(net, dphi).wt : NULL,
                      NULL);
}

/* ----------------------------------------------------------------------------------------------------- pairs */

/* The items of row k that are there: their slots, the liked one first. Returns how many. */
static int32_t present(const struct rh_net_rows *pairs, int32_t k, size_t *slot)
{
    const int32_t *s = pairs->slot + (size_t)k * (size_t)pairs->m;
    int32_t m = 0;
    for (int32_t j = 0; j < pairs->m; j++)
        if (s[j] >= 0)
            slot[m++] = (size_t)s[j];
    return s[0] >= 0 ? m : 0;
}

static rh_real row_weight(const struct rh_net_rows *pairs, int32_t k)
{
    return pairs->weight ? pairs->weight[k] : 1 / (rh_real)pairs->n;
}

static void hidden(const struct rh_net *net, const rh_real *restrict a, const rh_real *restrict b,
                   rh_real *restrict h)
{
    if (net->act == RH_RELU) {
#pragma omp simd
        for (int32_t i = 0; i < net->H; i++)
            h[i] = rh_act(RH_RELU, a[i] + b[i]);
    } else {
        for (int32_t i = 0; i < net->H; i++)
            h[i] = rh_act(RH_TANH, a[i] + b[i]);
    }
}

/* Takes the gradient ds of a score through the hidden units h of its pair. One loop an activation, each without a
 * branch inside: this is where the time of training goes. */
static void hidden_back(const struct rh_net *net, rh_real ds, const rh_real *restrict w1, const rh_real *restrict h,
                        rh_real *restrict da, rh_real *restrict db, rh_real *restrict dw1)
{
    if (net->act == RH_RELU) {
#pragma omp simd
        for (int32_t i = 0; i < net->H; i++) {
            rh_real slope = h[i] > 0 ? (rh_real)1 : (rh_real)0; /* rh_act_1 here: compiled to a mask, not a jump */
            rh_real g = ds * w1[i] * slope;
            da[i] += g;
            db[i] += g;
            dw1[i] += ds * h[i];
        }
    } else {
#pragma omp simd
        for (int32_t i = 0; i < net->H; i++) {
            rh_real g = ds * w1[i] * rh_act_1(RH_TANH, h[i]);
            da[i] += g;
            db[i] += g;
            dw1[i] += ds * h[i];
        }
    }
}

/* The score of row k and the item in `slot`; h[H] are its hidden units. */
static rh_real score_pair(const struct rh_net *net, const struct rh_net_parts *x, const struct rh_sides *sides,
                          size_t k, size_t slot, rh_real *h)
{
    size_t E = (size_t)net->E, H = (size_t)net->H;
    hidden(net, sides->a + k * H, sides->b + slot * H, h);
    return rh_dot(net->H, x->w1, h) + rh_dot(net->E, sides->q + k * E, sides->t + slot * E) + *x->c;
}

void rh_net_scores(const struct rh_net *net, const rh_real *phi, const struct rh_net_rows *pairs,
                   const struct rh_sides *sides, rh_real *score, rh_real *work)
{
    struct rh_net_parts x = parts_of(net, phi);
    size_t m = (size_t)pairs->m;
    for (size_t k = 0; k < (size_t)pairs->n; k++)
        for (size_t j = 0; j < m; j++) {
            int32_t slot = pairs->slot[k * m + j];
            score[k * m + j] = slot < 0 ? 0 : score_pair(net, &x, sides, k, (size_t)slot, work);
        }
}

/* Loss and ds[m] of row k, whose items that are there have the scores s[m]. */
static rh_real row_loss(const struct rh_net *net, const struct rh_net_rows *pairs, int32_t k, int32_t m,
                        const rh_real *s, rh_real *ds)
{
    const struct rh_lesson *lesson = pairs->lesson;
    rh_real weight = row_weight(pairs, k), told[RH_NET_ITEMS];
    if (!lesson)
        return rh_nn_loss(net->loss, m, s, weight, ds);
    size_t row = (size_t)k * (size_t)pairs->m;
    for (int32_t j = 0, i = 0; j < pairs->m; j++)
        if (pairs->slot[row + (size_t)j] >= 0)
            told[i++] = lesson->score[row + (size_t)j];
    return rh_nn_loss(net->loss, m, s, (1 - lesson->share) * weight, ds) +
           rh_nn_distill(m, s, told, lesson->temperature, lesson->share * weight, ds);
}

double rh_net_pairs(const struct rh_net *net, const rh_real *phi, const struct rh_net_rows *pairs,
                    const struct rh_sides *sides, struct rh_sides *d, rh_real *dphi, rh_real *work)
{
    struct rh_net_parts x = parts_of(net, phi), dx = { 0 };
    size_t E = (size_t)net->E, H = (size_t)net->H, slot[RH_NET_ITEMS];
    rh_real s[RH_NET_ITEMS], ds[RH_NET_ITEMS];
    double loss = 0;
    if (d)
        dx = rh_net_parts(net, dphi);
    for (int32_t k = 0; k < pairs->n; k++) {
        int32_t m = present(pairs, k, slot);
        if (m < 2)
            continue;
        const rh_real *q = sides->q + (size_t)k * E;
        for (int32_t j = 0; j < m; j++)
            s[j] = score_pair(net, &x, sides, (size_t)k, slot[j], work + (size_t)j * H);
        loss += (double)row_loss(net, pairs, k, m, s, ds);
        if (!d)
            continue;
        rh_real *da = d->a + (size_t)k * H, *dq = d->q + (size_t)k * E;
        for (int32_t j = 0; j < m; j++) {
            hidden_back(net, ds[j], x.w1, work + (size_t)j * H, da, d->b + slot[j] * H, dx.w1);
            rh_axpy(net->E, ds[j], sides->t + slot[j] * E, dq);
            rh_axpy(net->E, ds[j], q, d->t + slot[j] * E);
            *dx.c += ds[j];
        }
    }
    return loss;
}

void rh_net_represent(const struct rh_net *net, int32_t n, const int32_t *row, const int32_t *slot, const rh_real *p,
                      const struct rh_sides *sides, rh_real *out)
{
    size_t E = (size_t)net->E, H = (size_t)net->H, G = H + 2 * E;
    for (size_t k = 0; k < (size_t)n; k++) {
        const rh_real *t = sides->t + (size_t)slot[k] * E, *u = p + (size_t)row[k] * E;
        rh_real *g = out + k * G;
        hidden(net, sides->a + (size_t)row[k] * H, sides->b + (size_t)slot[k] * H, g);
        for (size_t e = 0; e < E; e++) {
            g[H + e] = u[e] * t[e];
            g[H + E + e] = t[e];
        }
    }
}

void rh_net_represent_back(const struct rh_net *net, int32_t n, const int32_t *row, const int32_t *slot,
                           const rh_real *p, const struct rh_sides *sides, const rh_real *out, const rh_real *dout,
                           struct rh_sides *d, rh_real *dp)
{
    size_t E = (size_t)net->E, H = (size_t)net->H, G = H + 2 * E;
    for (size_t k = 0; k < (size_t)n; k++) {
        size_t r = (size_t)row[k], i = (size_t)slot[k];
        const rh_real *g = out + k * G, *dg = dout + k * G, *t = sides->t + i * E, *u = p + r * E;
        for (size_t j = 0; j < H; j++) {
            rh_real x = dg[j] * rh_act_1(net->act, g[j]);
            d->a[r * H + j] += x;
            d->b[i * H + j] += x;
        }
        for (size_t e = 0; e < E; e++) {
            dp[r * E + e] += dg[H + e] * t[e];
            d->t[i * E + e] += dg[H + e] * u[e] + dg[H + E + e];
        }
    }
}

/* -------------------------------------------------------------------------- a closed set of pairs, second order */

size_t rh_net_work(const struct rh_net *net, int32_t n, int32_t n_slots)
{
    size_t width = (size_t)net->E + (size_t)net->H;
    return 4 * width * ((size_t)n + (size_t)n_slots) + 2 * (size_t)RH_NET_ITEMS * (size_t)net->H;
}

/* Hands out the sides of a set from `work`, zeroed; t is the set's own when it is given. */
static struct rh_sides take(const struct rh_net *net, const struct rh_net_set *set, rh_real **work)
{
    size_t E = (size_t)net->E, H = (size_t)net->H, n = (size_t)set->pairs.n, slots = (size_t)set->n_slots;
    struct rh_sides s;
    memset(*work, 0, (n + slots) * (E + H) * sizeof **work);
    s.a = *work;
    s.q = s.a + n * H;
    s.b = s.q + n * E;
    s.t = s.b + slots * H;
    *work = s.t + slots * E;
    return s;
}

/* The sides of the set at phi. */
static struct rh_sides forward(const struct rh_net *net, const rh_real *phi, const struct rh_net_set *set,
                               rh_real **work)
{
    struct rh_sides s = take(net, set, work);
    rh_net_users(net, phi, set->pairs.n, set->p, s.a, s.q);
    rh_net_items(net, phi, set->n_slots, set->t, s.b);
    s.t = (rh_real *)(uintptr_t)set->t; /* only read */
    return s;
}

double rh_net_gradient(const struct rh_net *net, const rh_real *phi, const struct rh_net_set *set, rh_real *dphi,
                       rh_real *dp, rh_real *dt, rh_real *work)
{
    struct rh_sides s = forward(net, phi, set, &work), d = take(net, set, &work);
    if (!dphi)
        return rh_net_pairs(net, phi, &set->pairs, &s, NULL, NULL, work);
    double loss = rh_net_pairs(net, phi, &set->pairs, &s, &d, dphi, work);
    rh_net_users_back(net, phi, set->pairs.n, set->p, d.a, d.q, dphi, dp);
    rh_net_items_back(net, phi, set->n_slots, set->t, d.b, dphi, d.t);
    if (dt)
        rh_axpy(set->n_slots * net->E, 1, d.t, dt);
    return loss;
}

/* The pairs of rh_net_gradient_r: first derivatives into d, their derivatives along v into r and rdphi. */
static void pairs_r(const struct rh_net *net, const rh_real *phi, const rh_real *v, const struct rh_net_rows *pairs,
                    const struct rh_sides *s, const struct rh_sides *vs, rh_real scale, struct rh_sides *d,
                    struct rh_sides *r, rh_real *rdphi, rh_real *work)
{
    struct rh_net_parts x = parts_of(net, phi), vx = parts_of(net, v), rx = rh_net_parts(net, rdphi);
    size_t E = (size_t)net->E, H = (size_t)net->H, slot[RH_NET_ITEMS];
    rh_real y[RH_NET_ITEMS], ry[RH_NET_ITEMS], dy[RH_NET_ITEMS], rdy[RH_NET_ITEMS];
    rh_real *hs = work, *rhs = work + (size_t)RH_NET_ITEMS * H;
    for (int32_t k = 0; k < pairs->n; k++) {
        int32_t m = present(pairs, k, slot);
        if (m < 2)
            continue;
        size_t ka = (size_t)k * H, kq = (size_t)k * E;
        for (int32_t j = 0; j < m; j++) {
            rh_real *h = hs + (size_t)j * H, *rh = rhs + (size_t)j * H;
            const rh_real *t = s->t + slot[j] * E;
            hidden(net, s->a + ka, s->b + slot[j] * H, h);
            for (size_t i = 0; i < H; i++)
                rh[i] = rh_act_1(net->act, h[i]) * (vs->a[ka + i] + vs->b[slot[j] * H + i]);
            y[j] = rh_dot(net->H, x.w1, h) + rh_dot(net->E, s->q + kq, t) + *x.c;
            ry[j] = rh_dot(net->H, x.w1, rh) + rh_dot(net->H, vx.w1, h) + rh_dot(net->E, vs->q + kq, t) + *vx.c;
        }
        rh_real weight = scale * row_weight(pairs, k);
        rh_nn_loss(net->loss, m, y, weight, dy);
        rh_nn_loss_r(net->loss, m, y, ry, weight, rdy);
        for (int32_t j = 0; j < m; j++) {
            const rh_real *h = hs + (size_t)j * H, *rh = rhs + (size_t)j * H, *t = s->t + slot[j] * E;
            size_t jb = slot[j] * H, jt = slot[j] * E;
            for (size_t i = 0; i < H; i++) {
                rh_real one = rh_act_1(net->act, h[i]), two = rh_act_2(net->act, h[i]);
                rh_real g = dy[j] * x.w1[i] * one;
                rh_real rg = (rdy[j] * x.w1[i] + dy[j] * vx.w1[i]) * one +
                             dy[j] * x.w1[i] * two * (vs->a[ka + i] + vs->b[jb + i]);
                d->a[ka + i] += g;
                d->b[jb + i] += g;
                r->a[ka + i] += rg;
                r->b[jb + i] += rg;
                rx.w1[i] += rdy[j] * h[i] + dy[j] * rh[i];
            }
            for (size_t e = 0; e < E; e++) {
                d->q[kq + e] += dy[j] * t[e];
                r->q[kq + e] += rdy[j] * t[e];
                r->t[jt + e] += rdy[j] * s->q[kq + e] + dy[j] * vs->q[kq + e];
            }
            *rx.c += rdy[j];
        }
    }
}

void rh_net_gradient_r(const struct rh_net *net, const rh_real *phi, const rh_real *v, const struct rh_net_set *set,
                       rh_real scale, rh_real *rdphi, rh_real *rdp, rh_real *rdt, rh_real *work)
{
    struct rh_net_parts x = parts_of(net, phi), vx = parts_of(net, v), rx = rh_net_parts(net, rdphi);
    size_t E = (size_t)net->E;
    int32_t n = set->pairs.n, slots = set->n_slots;
    struct rh_sides s = forward(net, phi, set, &work), vs = take(net, set, &work), d = take(net, set, &work),
                    r = take(net, set, &work);
    rh_nn_linear(n, net->E, net->H, set->p, vx.wp, vx.b, vs.a);
    for (size_t k = 0; k < (size_t)n; k++)
        for (size_t e = 0; e < E; e++)
            vs.q[k * E + e] = set->p[k * E + e] * vx.w2[e] + vx.w3[e];
    rh_nn_linear(slots, net->E, net->H, set->t, vx.wt, NULL, vs.b);
    pairs_r(net, phi, v, &set->pairs, &s, &vs, scale, &d, &r, rdphi, work);

    rh_nn_linear_back(n, net->E, net->H, set->p, x.wp, r.a, rdp, rx.wp, rx.b);
    for (size_t k = 0; k < (size_t)n; k++) {
        rh_axpy_product(net->E, 1, set->p + k * E, r.q + k * E, rx.w2);
        rh_axpy(net->E, 1, r.q + k * E, rx.w3);
        if (rdp) {
            rh_axpy_product(net->E, 1, x.w2, r.q + k * E, rdp + k * E);
            rh_axpy_product(net->E, 1, vx.w2, d.q + k * E, rdp + k * E);
        }
    }
    if (rdp)
        rh_nn_linear_back(n, net->E, net->H, set->p, vx.wp, d.a, rdp, NULL, NULL);
    rh_nn_linear_back(slots, net->E, net->H, set->t, x.wt, r.b, r.t, rx.wt, NULL);
    rh_nn_linear_back(slots, net->E, net->H, set->t, vx.wt, d.b, r.t, NULL, NULL);
    if (rdt)
        rh_axpy(slots * net->E, 1, r.t, rdt);
}
