/* Two worlds for tests of splits, one written by hand and one drawn, and the labelling of all their rows. */
#ifndef TESTS_UNIT_SPLITWORLD_H
#define TESTS_UNIT_SPLITWORLD_H

#include "base/param.h"
#include "small.h"
#include "split/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* As compressed rows: u0: a10 b30 c20 d40, u1: a15 c35, u2: a5 b25 d25, u3: a45 c(unknown). */
static const struct small_row main_rows[] = {
    { "u0", "a", 5, 10, RH_GIVEN_TRAIN }, { "u0", "b", 4, 30, RH_GIVEN_TEST },
    { "u0", "c", 3, 20, RH_GIVEN_TRAIN }, { "u0", "d", 2, 40, RH_GIVEN_VALIDATION },
    { "u1", "a", 1, 15, RH_GIVEN_TRAIN }, { "u1", "c", 2, 35, RH_GIVEN_NONE },
    { "u2", "b", 5, 25, RH_GIVEN_TRAIN }, { "u2", "d", 4, 25, RH_GIVEN_TEST },
    { "u2", "a", 3, 5, RH_GIVEN_TRAIN },  { "u3", "c", 1, RH_NO_TIME, RH_GIVEN_TRAIN },
    { "u3", "a", 1, 45, RH_GIVEN_TEST },
};
/* As compressed rows: u3: x24 y26, zz: x1, u1: y(unknown). */
static const struct small_row other_rows[] = {
    { "u3", "x", 5, 24, 0 }, { "u3", "y", 4, 26, 0 }, { "zz", "x", 1, 1, 0 }, { "u1", "y", 2, RH_NO_TIME, 0 },
};

struct world {
    struct rh_domain_data *target, *source;
    struct rh_arena arena;
    struct rh_error err;
    char label[4096], source_label[4096]; /* one letter a row */
    char parts[128];                      /* users apart */
    int32_t *order;                       /* of the rows */
};

static inline int make_world(void **state)
{
    static struct world w;
    w = (struct world){ .target = small_domain("main", main_rows, 11, SMALL_VALUE | SMALL_TIME | SMALL_GIVEN),
                        .source = small_domain("other", other_rows, 4, SMALL_VALUE | SMALL_TIME) };
    rh_domain_data_hash(w.target);
    rh_domain_data_hash(w.source);
    *state = &w;
    return 0;
}

static inline int free_world(void **state)
{
    struct world *w = *state;
    rh_domain_data_free(w->target);
    rh_domain_data_free(w->source);
    rh_arena_release(&w->arena);
    return 0;
}

/* Parameters from "name=value name=value". */
static inline void *params_of(struct world *w, const struct rh_split *split, const char *text)
{
    void *values = rh_alloc(&w->arena, 1, split->params_size);
    rh_params_defaults(split->params, values);
    char *copy = rh_arena_strdup(&w->arena, text), *save;
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        const struct rh_param *p = rh_param_find(split->params, word);
        assert_non_null(p);
        if (rh_param_parse(p, value, values, &w->arena, &w->err) < 0)
            fail_msg("%s", w->err.text);
    }
    return values;
}

/* Labels all rows; what the problem builder does around a split, done once more in a plain way. */
static inline int label(struct world *w, const char *name, const char *settings, uint64_t seed, int32_t fold)
{
    static const char letter[] = ".tvsw-";
    const struct rh_split *split = rh_split_find(name);
    assert_non_null(split);
    void *params = params_of(w, split, settings);
    w->err = (struct rh_error){ 0 };
    if (split->check && split->check(params, &w->err) < 0)
        return w->err.status;
    int32_t *to_source = rh_alloc(&w->arena, (size_t)w->target->n_users, sizeof *to_source);
    for (int32_t u = 0; u < w->target->n_users; u++) {
        to_source[u] = -1;
        for (int32_t v = 0; v < w->source->n_users; v++)
            if (!strcmp(rh_string(&w->target->user_id, u), rh_string(&w->source->user_id, v)))
                to_source[u] = v;
    }
    const struct rh_domain_data *source[] = { w->source };
    const int32_t *source_user[] = { to_source };
    uint8_t *target_part = rh_alloc(&w->arena, (size_t)w->target->n_rows, 1);
    uint8_t *source_part[] = { rh_alloc(&w->arena, (size_t)w->source->n_rows, 1) };
    struct rh_split_input in = { .target = w->target, .n_sources = 1, .source = source, .source_user = source_user,
                                 .seed = seed, .identity = w->target->content, .fold = fold,
                                 .n_folds = split->folds ? split->folds(params) : 1 };
    int32_t *order = rh_alloc(&w->arena, (size_t)w->target->n_rows, sizeof *order);
    memcpy(order, w->target->position, (size_t)w->target->n_rows * sizeof *order);
    struct rh_split_output out = { target_part, source_part, order, false };
    w->order = order;
    int status = split->label(&in, params, &out, &w->err);
    assert_int_equal(status, w->err.status);
    if (status < 0)
        return status;
    assert_true(w->target->n_rows < (int64_t)sizeof w->label);
    char *at = w->parts;
    for (int32_t u = 0; u < w->target->n_users; u++) {
        for (int64_t r = w->target->row[u]; r < w->target->row[u + 1]; r++) {
            assert_in_range(target_part[r], RH_TRAIN, RH_UNUSED);
            w->label[r] = letter[target_part[r]];
            if (w->target->n_rows < 60)
                *at++ = w->label[r];
        }
        if (w->target->n_rows < 60)
            *at++ = u + 1 < w->target->n_users ? ' ' : '\0';
    }
    w->label[w->target->n_rows] = 0;
    for (int64_t r = 0; r < w->source->n_rows; r++) {
        assert_true(source_part[0][r] == RH_TRAIN || source_part[0][r] == RH_UNUSED);
        w->source_label[r] = letter[source_part[0][r]];
    }
    w->source_label[w->source->n_rows] = 0;
    return RH_OK;
}

static inline int count(const char *text, char letter)
{
    int n = 0;
    for (; *text; text++)
        n += *text == letter;
    return n;
}

/* 60 users x 40 items, each pair a row with probability 0.4, users of the two domains share 30 ids. */
static inline struct rh_domain_data *random_domain(const char *name, int32_t first_user, uint64_t seed)
{
    static struct small_row rows[2400];
    static char text[100][8];
    struct rh_rng rng = { { seed, 2, 3, 4 } };
    for (int i = 0; i < 100; i++) {
        snprintf(text[i], sizeof text[i], "n%d", i);
        rh_rng_next(&rng);
    }
    int32_t n = 0;
    for (int32_t u = 0; u < 60; u++)
        for (int32_t i = 0; i < 40; i++)
            if (rh_rng_uniform(&rng) < 0.4) {
                struct small_row *row = &rows[n++];
                row->user = text[first_user + u];
                row->item = text[i];
                row->value = (float)(1 + rh_rng_below(&rng, 5));
                row->time = rh_rng_below(&rng, 50) ? 1000000 + rh_rng_below(&rng, 500) : RH_NO_TIME;
                row->given = (uint8_t)rh_rng_below(&rng, 4);
            }
    struct rh_domain_data *d = small_domain(name, rows, n, SMALL_VALUE | SMALL_TIME | SMALL_GIVEN);
    rh_domain_data_hash(d);
    return d;
}

static inline int make_random_world(void **state)
{
    static struct world w;
    w = (struct world){ .target = random_domain("main", 0, 71), .source = random_domain("other", 30, 72) };
    assert_int_equal(rh_domain_data_check(w.target, &w.err), RH_OK);
    *state = &w;
    return 0;
}

#endif
