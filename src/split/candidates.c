/* Candidate universes: which items a test query ranks. */
#include "split/build.h"

#include <stdio.h>
#include <string.h>

/* How the candidates of validation are those of the test queries: what is in the test part is not known while one
 * validates, the others are. */
static bool serves_validation(const struct rh_candidate_file *f, int universe)
{
    return universe == RH_UNIVERSE_TRAIN || (universe == RH_UNIVERSE_FILE && !f->row);
}

static bool belongs(int universe, bool train, bool test)
{
    switch (universe) {
    case RH_UNIVERSE_TRAIN:
        return train;
    case RH_UNIVERSE_TEST:
        return test;
    case RH_UNIVERSE_UNION:
        return train || test;
    case RH_UNIVERSE_OVERLAP:
        return train && test;
    default:
        return true;
    }
}

/* The universe as a list, ascending. */
static int list_items(struct rh_build *b, int universe, int32_t **item, int32_t *n, struct rh_error *err)
{
    enum { IN_TRAIN = 1, IN_TEST = 2 };
    const struct rh_domain_data *target = b->domain[0];
    uint8_t *seen = rh_build_alloc(&b->work, (size_t)target->n_items, 1, "candidates", err);
    *item = rh_build_alloc(&b->p->arena, (size_t)target->n_items, sizeof **item, "candidates", err);
    if (!seen || !*item)
        return RH_ENOMEM;
    for (int64_t r = 0; r < target->n_rows; r++)
        seen[target->item[r]] |= b->label[0][r] == RH_TRAIN ? IN_TRAIN : b->label[0][r] == RH_TEST ? IN_TEST : 0;
    *n = 0;
    for (int32_t i = 0; i < target->n_items; i++)
        if (belongs(universe, seen[i] & IN_TRAIN, seen[i] & IN_TEST))
            (*item)[(*n)++] = i;
    return RH_OK;
}

/* The rows of truths whose item is no candidate, and what is left without any. */
static int count_lost(struct rh_build *b, struct rh_error *err)
{
    const struct rh_queries *q = &b->p->test;
    struct rh_removed *lost = &b->p->not_candidates;
    uint8_t *is = rh_build_alloc(&b->work, (size_t)b->domain[0]->n_items, 1, "candidates", err);
    uint8_t *gone = rh_build_alloc(&b->work, (size_t)b->domain[0]->n_items, 1, "candidates", err);
    const int32_t *entered = NULL;
    int32_t n_entered = 0;
    if (!is || !gone)
        return RH_ENOMEM;
    snprintf(lost->step, sizeof lost->step, "candidates = %s", rh_universe_word(b->spec->asking->candidates));
    for (int32_t i = 0; i < q->n; i++) {
        const struct rh_query *query = &q->query[i];
        const struct rh_truth *t = &q->truth[i];
        int32_t left = t->n;
        if (query->candidate != entered || query->n_candidates != n_entered) { /* a shared list is entered once */
            for (int32_t c = 0; c < n_entered; c++)
                is[entered[c]] = 0;
            entered = query->candidate;
            n_entered = query->n_candidates;
            for (int32_t c = 0; c < n_entered; c++)
                is[entered[c]] = 1;
        }
        for (int32_t k = 0; k < t->n; k++)
            if (!is[t->item[k]]) {
                left--;
                lost->rows++;
                lost->items += !gone[t->item[k]];
                gone[t->item[k]] = 1;
            }
        lost->users += !left;
    }
    if (lost->rows == b->p->leakage.test_rows)
        return rh_fail(err, RH_EDATA, "no held-out item of problem '%s' is a candidate with %s", b->spec->name,
                       lost->step);
    return RH_OK;
}

/* Each query's own list, or the error of a user that has none. */
static int own_lists(struct rh_build *b, const struct rh_candidate_file *f, struct rh_query *query, int32_t n,
                     struct rh_error *err)
{
    for (int32_t i = 0; i < n; i++) {
        int64_t at = f->row[query[i].user];
        query[i].n_candidates = (int32_t)(f->row[query[i].user + 1] - at);
        query[i].candidate = f->item + at;
        if (!query[i].n_candidates)
            return rh_fail(err, RH_EDATA, "%s gives no candidate to user '%s', who is asked",
                           b->spec->asking->candidates_file, rh_string(&b->p->user_id, query[i].user));
    }
    return RH_OK;
}

/* Each query asks for what it holds out; a held-out item that is masked stays away from rankings. */
static int ask_held_out(struct rh_build *b, struct rh_queries *q, struct rh_error *err)
{
    struct rh_query *query = rh_arena_copy(&b->p->arena, q->query, (size_t)q->n, sizeof *query);
    if (q->n && !query)
        return rh_fail_memory(err, "candidates", (size_t)q->n * sizeof *query);
    for (int32_t i = 0; i < q->n; i++) {
        query[i].candidate = q->truth[i].item;
        query[i].n_candidates = q->truth[i].n;
    }
    q->query = query;
    return RH_OK;
}

int rh_build_candidates(struct rh_build *b, struct rh_error *err)
{
    const struct rh_asking *asking = b->spec->asking;
    struct rh_candidate_file f = { 0 };
    int32_t *item = NULL, n = 0;
    if (asking->candidates == RH_UNIVERSE_ALL)
        return RH_OK;
    if (asking->candidates == RH_UNIVERSE_HELD_OUT) {
        RH_TRY(ask_held_out(b, &b->p->test, err));
        return ask_held_out(b, &b->p->validation, err);
    }
    if (asking->candidates_file[0])
        RH_TRY(rh_candidate_file_read(b, &f, err));
    if (asking->candidates == RH_UNIVERSE_SAMPLED)
        return rh_build_sampled(b, &f, err);
    if (asking->candidates == RH_UNIVERSE_FILE) {
        item = f.item;
        n = f.n;
    } else {
        RH_TRY(list_items(b, asking->candidates, &item, &n, err));
    }
    struct rh_queries *both[] = { &b->p->test, &b->p->validation };
    for (size_t k = 0; k < (serves_validation(&f, asking->candidates) ? 2 : 1); k++) {
        struct rh_query *query = rh_arena_copy(&b->p->arena, both[k]->query, (size_t)both[k]->n, sizeof *query);
        if (both[k]->n && !query)
            return rh_fail_memory(err, "candidates", (size_t)both[k]->n * sizeof *query);
        if (f.row)
            RH_TRY(own_lists(b, &f, query, both[k]->n, err));
        for (int32_t i = 0; i < both[k]->n && !f.row; i++) {
            query[i].candidate = item;
            query[i].n_candidates = n;
        }
        both[k]->query = query;
    }
    return count_lost(b, err);
}
