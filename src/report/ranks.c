#include "report/ranks.h"

#include "report/systems.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BAR_GAP 0.25 /* of a rank, between bars of one row */

void rh_ranks_of(const double *value, int64_t n_users, int32_t n, bool lower_is_better, double *rank)
{
    for (int64_t u = 0; u < n_users; u++)
        for (int32_t i = 0; i < n; i++) {
            const double *v = value + u * n;
            int32_t better = 0, equal = 0; /* equal ones: itself too */
            for (int32_t k = 0; k < n; k++) {
                better += lower_is_better ? v[k] < v[i] : v[k] > v[i];
                equal += v[k] == v[i];
            }
            rank[u * n + i] = better + 0.5 * (equal + 1);
        }
}

struct placed {
    struct rh_mean_rank system;
    int32_t at; /* its column */
};

static int by_rank(const void *x, const void *y)
{
    const struct placed *a = x, *b = y;
    int order = (a->system.rank > b->system.rank) - (a->system.rank < b->system.rank);
    return order ? order : a->at - b->at;
}

/* p [n x n] is monotone in the difference of ranks, so those not separated from one are its neighbours on the axis. */
static void find_groups(const struct placed *order, const double *p, struct rh_ranks_panel *out)
{
    int32_t reach = -1;
    for (int32_t i = 0; i < out->n; i++) {
        int32_t last = i;
        while (last + 1 < out->n && !(p[(int64_t)order[i].at * out->n + order[last + 1].at] < RH_RANKS_LEVEL))
            last++;
        if (last > i && last > reach)
            out->group[out->n_groups++] = (struct rh_ranks_group){ i, last, 0 };
        reach = last > reach ? last : reach;
    }
    for (int32_t g = 0; g < out->n_groups; g++) {
        bool free_row = false;
        double start = out->system[out->group[g].first].rank;
        for (int32_t row = 0; !free_row; row++) {
            free_row = true;
            for (int32_t k = 0; k < g; k++)
                free_row &= out->group[k].row != row || out->system[out->group[k].last].rank + BAR_GAP < start;
            out->group[g].row = row;
        }
        out->n_rows = out->group[g].row + 1 > out->n_rows ? out->group[g].row + 1 : out->n_rows;
    }
}

static int make_panel(struct rh_arena *a, const struct rh_results *r, const struct rh_column *column,
                      const struct rh_part *part, const struct rh_systems *s, struct rh_ranks_panel *out,
                      struct rh_error *err)
{
    size_t n = (size_t)s->n;
    double *rank = rh_alloc(a, (size_t)s->n_users, n * sizeof *rank), *p = rh_alloc(a, n, n * sizeof *p);
    struct placed *order = rh_alloc(a, n, sizeof *order);
    const char *identity = rh_arena_printf(a, "%s\n%s\n%s\nranks", r->name, column->id, part->label);
    *out = (struct rh_ranks_panel){ .n = s->n, .system = rh_alloc(a, n, sizeof *out->system),
                                    .group = rh_alloc(a, n, sizeof *out->group),
                                    .title = rh_arena_printf(a, "%s: %lld users", part->label,
                                                             (long long)s->n_users) };
    if (!rank || !p || !order || !identity || !out->system || !out->group || !out->title)
        return rh_fail_memory(err, "ranks", (size_t)s->n_users * n * sizeof *rank);
    rh_ranks_of(s->value, s->n_users, s->n, column->lower_is_better, rank);
    RH_TRY(rh_tukey(a, rank, s->n_users, s->n, identity, RH_RANKS_LEVEL, p, &out->critical, err));
    for (int32_t i = 0; i < s->n; i++) {
        double sum = 0;
        for (int64_t u = 0; u < s->n_users; u++)
            sum += rank[u * s->n + i];
        order[i] = (struct placed){ { s->row[i]->label, sum / (double)s->n_users }, i };
    }
    qsort(order, n, sizeof *order, by_rank);
    for (int32_t i = 0; i < s->n; i++)
        out->system[i] = order[i].system;
    find_groups(order, p, out);
    return RH_OK;
}

int rh_ranks_load(struct rh_store *s, struct rh_arena *a, const struct rh_results *r, const struct rh_plot_row *plot,
                  struct rh_chart *c, struct rh_error *err)
{
    const struct rh_column *column = &r->column[c->column];
    struct rh_ranks *out = rh_alloc(a, 1, sizeof *out);
    if (!out || !(out->panel = rh_alloc(a, (size_t)r->n_parts + 1, sizeof *out->panel)))
        return rh_fail_memory(err, "ranks", (size_t)r->n_parts * sizeof *out->panel);
    for (int32_t i = 0; i < r->n_parts; i++) {
        struct rh_users u;
        struct rh_systems systems;
        RH_TRY(rh_users_load(s, a, &r->part[i], &u, err));
        RH_TRY(rh_systems_load(s, a, &u, column->id, &systems, err));
        if (systems.n > 1 && systems.n_users > 1)
            RH_TRY(make_panel(a, r, column, &r->part[i], &systems, &out->panel[out->n++], err));
    }
    c->ranks = out;
    if (!out->n)
        return rh_fail(err, RH_EDATA,
                       "plot '%s': nothing to draw: on no problem have two algorithms values of %s of the same users",
                       plot->name, column->id);
    c->subtitle = rh_arena_printf(a,
                                  "%s; mean ranks over users, best at the left; bars join algorithms whose ranks "
                                  "the randomised Tukey HSD does not separate (level %g)",
                                  c->subtitle, RH_RANKS_LEVEL);
    return c->subtitle ? RH_OK : rh_fail_memory(err, "ranks", 0);
}
