/* Small domains written by hand, for tests: rows in file order become a rh_domain_data. */
#ifndef TESTS_UNIT_SMALL_H
#define TESTS_UNIT_SMALL_H

#include "base/hash.h"
#include "data/domain.h"

#include <stdlib.h>
#include <string.h>

struct small_row {
    const char *user, *item;
    float value;
    int64_t time;
    uint8_t given;
};

enum small_parts { SMALL_VALUE = 1, SMALL_TIME = 2, SMALL_GIVEN = 4 };

static inline void *small_take(struct rh_domain_data *d, size_t n, size_t elem)
{
    void *p = rh_alloc(&d->arena, n, elem);
    if (!p)
        abort();
    return p;
}

static inline struct rh_strings small_strings(struct rh_domain_data *d, const char *const *s, int32_t n)
{
    int64_t *offset = small_take(d, (size_t)n + 1, sizeof *offset);
    for (int32_t i = 0; i < n; i++)
        offset[i + 1] = offset[i] + (int64_t)strlen(s[i]) + 1;
    char *pool = small_take(d, (size_t)offset[n] + 1, 1);
    for (int32_t i = 0; i < n; i++)
        memcpy(pool + offset[i], s[i], (size_t)(offset[i + 1] - offset[i]));
    return (struct rh_strings){ n, offset, pool };
}

static inline int32_t small_number(const char **seen, int32_t *n, const char *s)
{
    for (int32_t i = 0; i < *n; i++)
        if (!strcmp(seen[i], s))
            return i;
    seen[*n] = s;
    return (*n)++;
}

static inline struct rh_domain_data *small_domain(const char *name, const struct small_row *rows, int32_t n,
                                                  int parts)
{
    struct rh_domain_data *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    const char **user = small_take(d, (size_t)n, sizeof *user), **item = small_take(d, (size_t)n, sizeof *item);
    int32_t *u = small_take(d, (size_t)n, sizeof *u), *i = small_take(d, (size_t)n, sizeof *i);
    for (int32_t r = 0; r < n; r++) {
        u[r] = small_number(user, &d->n_users, rows[r].user);
        i[r] = small_number(item, &d->n_items, rows[r].item);
    }
    d->name = name;
    d->n_rows = n;
    d->user_id = small_strings(d, user, d->n_users);
    d->item_id = small_strings(d, item, d->n_items);
    int64_t *row = small_take(d, (size_t)d->n_users + 1, sizeof *row), at = 0;
    int32_t *to_item = small_take(d, (size_t)n, sizeof *to_item);
    int32_t *position = small_take(d, (size_t)n, sizeof *position);
    float *value = parts & SMALL_VALUE ? small_take(d, (size_t)n, sizeof *value) : NULL;
    int64_t *time = parts & SMALL_TIME ? small_take(d, (size_t)n, sizeof *time) : NULL;
    uint8_t *given = parts & SMALL_GIVEN ? small_take(d, (size_t)n, 1) : NULL;
    for (int32_t who = 0; who < d->n_users; who++) {
        for (int32_t what = 0; what < d->n_items; what++)
            for (int32_t r = 0; r < n; r++) {
                if (u[r] != who || i[r] != what)
                    continue;
                to_item[at] = what;
                position[at] = r;
                if (value)
                    value[at] = rows[r].value;
                if (time)
                    time[at] = rows[r].time;
                if (given)
                    given[at] = rows[r].given;
                at++;
            }
        row[who + 1] = at;
    }
    d->row = row;
    d->item = to_item;
    d->position = position;
    d->value = value;
    d->time = time;
    d->given = given;
    if (value) {
        d->value_min = 1;
        d->value_max = 5;
    }
    return d;
}

/* A sparse block: text[r] holds the column names of row r, separated by spaces, in any order. */
static inline struct rh_block small_block(struct rh_domain_data *d, const char *name, const char *columns,
                                          const char *const *text, int32_t n_rows)
{
    const char *column[64];
    int32_t n = 0;
    char *copy = small_take(d, strlen(columns) + 1, 1), *save;
    memcpy(copy, columns, strlen(columns));
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
        column[n++] = word;
    int64_t *row = small_take(d, (size_t)n_rows + 1, sizeof *row);
    int32_t *col = small_take(d, (size_t)n_rows * (size_t)n, sizeof *col);
    for (int32_t r = 0; r < n_rows; r++) {
        row[r + 1] = row[r];
        for (int32_t c = 0; c < n; c++) {
            const char *at = strstr(text[r], column[c]);
            size_t len = strlen(column[c]);
            if (at && (at == text[r] || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
                col[row[r + 1]++] = c;
        }
    }
    return (struct rh_block){ .name = name,
                              .column = small_strings(d, column, n),
                              .features = { .name = name, .n_rows = n_rows, .n_cols = n, .row = row, .col = col } };
}

#endif
