#include "metrics/lists.h"

#include <string.h>

double rh_list_mean(const struct rh_ranked *r, int32_t k, const double *value, bool of_relevant)
{
    double sum = 0;
    for (int32_t i = 0; i < r->n_list_groups; i++) {
        const struct rh_list_group *g = &r->list_group[i];
        int32_t inside = rh_places_inside(g, k);
        double of_group = 0;
        if (inside == 0)
            break;
        for (int32_t j = g->above; j < g->above + g->size; j++)
            if (!of_relevant || r->list_relevant[j])
                of_group += value[r->list[j]];
        sum += inside == g->size ? of_group : of_group * inside / g->size;
    }
    return sum / rh_list_length(r, k);
}

void rh_row_add(const struct rh_features *f, int32_t item, double weight, double *sum)
{
    if (f->dense) {
        const float *row = f->dense + (size_t)item * (size_t)f->n_cols;
        for (int32_t c = 0; c < f->n_cols; c++)
            sum[c] += weight * (double)row[c];
    } else if (f->row) {
        for (int64_t i = f->row[item]; i < f->row[item + 1]; i++)
            sum[f->col[i]] += f->val ? weight * (double)f->val[i] : weight;
    }
}

double rh_row_product(const struct rh_features *f, int32_t item, const double *with)
{
    double sum = 0;
    if (f->dense) {
        const float *row = f->dense + (size_t)item * (size_t)f->n_cols;
        for (int32_t c = 0; c < f->n_cols; c++)
            sum += with[c] * (double)row[c];
    } else if (f->row) {
        for (int64_t i = f->row[item]; i < f->row[item + 1]; i++)
            sum += f->val ? with[f->col[i]] * (double)f->val[i] : with[f->col[i]];
    }
    return sum;
}

void rh_row_clear(const struct rh_features *f, int32_t item, double *sum)
{
    if (f->dense)
        memset(sum, 0, (size_t)f->n_cols * sizeof *sum);
    else if (f->row)
        for (int64_t i = f->row[item]; i < f->row[item + 1]; i++)
            sum[f->col[i]] = 0;
}

double rh_row_sum(const struct rh_features *f, int32_t item)
{
    double sum = 0;
    if (f->dense)
        for (int32_t c = 0; c < f->n_cols; c++)
            sum += (double)f->dense[(size_t)item * (size_t)f->n_cols + (size_t)c];
    else if (f->row)
        for (int64_t i = f->row[item]; i < f->row[item + 1]; i++)
            sum += f->val ? (double)f->val[i] : 1.0;
    return sum;
}

double rh_row_square(const struct rh_features *f, int32_t item)
{
    double sum = 0;
    if (f->dense)
        for (int32_t c = 0; c < f->n_cols; c++) {
            double x = (double)f->dense[(size_t)item * (size_t)f->n_cols + (size_t)c];
            sum += x * x;
        }
    else if (f->row)
        for (int64_t i = f->row[item]; i < f->row[item + 1]; i++)
            sum += f->val ? (double)f->val[i] * (double)f->val[i] : 1.0;
    return sum;
}

int rh_unit_rows_make(struct rh_arena *a, const struct rh_features *f, struct rh_unit_rows *out,
                      struct rh_error *err)
{
    double *factor = rh_alloc(a, (size_t)f->n_rows, sizeof *factor);
    if (!factor)
        return rh_fail_memory(err, "lengths of feature vectors", (size_t)f->n_rows * sizeof *factor);
    for (int32_t i = 0; i < f->n_rows; i++) {
        double square = rh_row_square(f, i);
        factor[i] = square > 0 ? 1 / sqrt(square) : 0;
    }
    *out = (struct rh_unit_rows){ f, factor };
    return RH_OK;
}
