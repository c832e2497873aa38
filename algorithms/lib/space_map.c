#include "algorithms/lib/space_map.h"

#include <string.h>

size_t rh_space_map_room(const struct rh_space_map *m, int32_t n)
{
    size_t out = 3 * (size_t)n * (size_t)m->net.width[m->net.layers];
    return out + rh_mlp_tape(&m->net, 3 * n) + rh_mlp_work(&m->net, 3 * n);
}

double rh_space_map(const struct rh_space_map *m, const rh_real *phi, const struct rh_space_rows *rows,
                     rh_real share, rh_real *dphi, rh_real *room)
{
    int32_t n = rows->n, d = m->net.width[m->net.layers];
    /* without the items there are the users' rows alone */
    int32_t mapped = m->weight > 0 ? 3 * n : n;
    rh_real *dy = room, *tape = dy + 3 * (size_t)n * (size_t)d, *work = tape + rh_mlp_tape(&m->net, 3 * n);
    const rh_real *y = rh_mlp_forward(&m->net, phi, mapped, rows->in, NULL, tape);
    double loss = 0;
    memset(dy, 0, (size_t)mapped * (size_t)d * sizeof *dy);
    for (int32_t u = 0; u < n; u++) {
        const rh_real *t = rows->t + (size_t)u * (size_t)d;
        const rh_real *fx = y + (size_t)u * (size_t)d;
        rh_real *dx = dy + (size_t)u * (size_t)d;
        rh_real far = 0;
        for (int32_t f = 0; f < d; f++) {
            rh_real e = fx[f] - t[f];
            far += e * e;
            dx[f] = 2 * share * e;
        }
        loss += (double)far;
        if (!(m->weight > 0))
            continue;
        const rh_real *liked = y + (size_t)(n + u) * (size_t)d, *other = y + (size_t)(2 * n + u) * (size_t)d;
        rh_real *dl = dy + (size_t)(n + u) * (size_t)d, *dother = dy + (size_t)(2 * n + u) * (size_t)d;
        rh_real gap = m->margin;
        for (int32_t f = 0; f < d; f++)
            gap += (t[f] - liked[f]) * (t[f] - liked[f]) - (t[f] - other[f]) * (t[f] - other[f]);
        if (gap <= 0)
            continue;
        loss += (double)(m->weight * gap);
        for (int32_t f = 0; f < d; f++) {
            dl[f] = 2 * share * m->weight * (liked[f] - t[f]);
            dother[f] = -2 * share * m->weight * (other[f] - t[f]);
        }
    }
    rh_mlp_back(&m->net, phi, mapped, rows->in, NULL, tape, dy, dphi, NULL, work);
    return loss;
}
