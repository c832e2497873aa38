/* The train view of each domain and the queries of test and validation, from the label of every row. */
#include "split/build.h"

#include <string.h>

/* ------------------------------------------------------------------------------------------------- train */

/* True when user u of the domain is user u of the problem, for all, and no row is dropped: the view is the domain. */
static bool whole(const struct rh_build *b, int32_t d)
{
    const struct rh_domain_data *data = b->domain[d];
    if (data->n_users != b->p->train.n_users)
        return false;
    for (int32_t u = 0; u < data->n_users; u++)
        if (b->user[d][u] != u)
            return false;
    return !data->n_rows || (b->label[d][0] == RH_TRAIN &&
                             !memcmp(b->label[d], b->label[d] + 1, (size_t)data->n_rows - 1));
}

static int train_of(struct rh_build *b, int32_t d, struct rh_error *err)
{
    const struct rh_domain_data *data = b->domain[d];
    struct rh_domain *view = &b->view[d];
    const int32_t *place = d == 0 && b->order ? b->order : data->position;
    view->name = data->name;
    view->n_items = data->n_items;
    view->value_min = data->value_min;
    view->value_max = data->value_max;
    if (whole(b, d)) {
        view->row = data->row;
        view->item = data->item;
        view->value = data->value;
        view->time = data->time;
        view->order = place;
        return RH_OK;
    }
    const uint8_t *label = b->label[d];
    int64_t kept = 0;
    for (int64_t r = 0; r < data->n_rows; r++)
        kept += label[r] == RH_TRAIN;
    struct rh_arena *a = &b->p->arena;
    int32_t n_users = b->p->train.n_users;
    int64_t *row = rh_build_alloc(a, (size_t)n_users + 1, sizeof *row, "train rows", err);
    int32_t *item = rh_build_alloc(a, (size_t)kept, sizeof *item, "train rows", err);
    float *value = data->value ? rh_build_alloc(a, (size_t)kept, sizeof *value, "train rows", err) : NULL;
    int64_t *time = data->time ? rh_build_alloc(a, (size_t)kept, sizeof *time, "train rows", err) : NULL;
    int32_t *order = rh_build_alloc(a, (size_t)kept, sizeof *order, "train rows", err);
    if (!row || !item || !order || (data->value && !value) || (data->time && !time))
        return RH_ENOMEM;
    int64_t n = 0;
    for (int32_t u = 0; u < n_users; u++) {
        int32_t from = b->user[d][u];
        for (int64_t r = from < 0 ? 0 : data->row[from]; from >= 0 && r < data->row[from + 1]; r++) {
            if (label[r] != RH_TRAIN)
                continue;
            item[n] = data->item[r];
            order[n] = place[r];
            if (value)
                value[n] = data->value[r];
            if (time)
                time[n] = data->time[r];
            n++;
        }
        row[u + 1] = n;
    }
    view->row = row;
    view->item = item;
    view->value = value;
    view->time = time;
    view->order = order;
    return RH_OK;
}

int rh_build_train(struct rh_build *b, struct rh_error *err)
{
    for (int32_t d = 0; d < b->n_domains; d++)
        RH_TRY(train_of(b, d, err));
    return RH_OK;
}

/* ----------------------------------------------------------------------------------------------- queries */

/* Sets of parts, as bits 1 << enum rh_part. */
struct asking {
    unsigned asked, history, mask;
};
static const struct asking asking_test = {
    .asked = 1u << RH_TEST,
    .history = 1u << RH_TRAIN | 1u << RH_SUPPORT,
    .mask = 1u << RH_TRAIN | 1u << RH_SUPPORT | 1u << RH_VALIDATION | 1u << RH_VALIDATION_SUPPORT,
};
/* Test and support rows are not masked here: when one validates, they are not known. */
static const struct asking asking_validation = {
    .asked = 1u << RH_VALIDATION,
    .history = 1u << RH_TRAIN | 1u << RH_VALIDATION_SUPPORT,
    .mask = 1u << RH_TRAIN | 1u << RH_VALIDATION_SUPPORT,
};

/* How many rows of target user u are in each set, and in train. */
struct sizes {
    int64_t asked, history, mask, train;
};

static struct sizes sizes_of(const struct rh_build *b, const struct asking *q, int32_t u)
{
    const struct rh_domain_data *target = b->domain[0];
    struct sizes s = { 0 };
    for (int64_t r = target->row[u]; r < target->row[u + 1]; r++) {
        unsigned part = 1u << b->label[0][r];
        s.asked += (part & q->asked) != 0;
        s.history += (part & q->history) != 0;
        s.mask += (part & q->mask) != 0;
        s.train += part == 1u << RH_TRAIN;
    }
    return s;
}

/* Rows that are copied because they do not lie together in the train view. Cursors move as rows are written. */
struct room {
    int32_t *item;
    float *value;  /* NULL: implicit */
    int64_t *time; /* NULL: no times */
    int64_t n;
};

static int room_take(struct rh_build *b, struct room *room, int64_t n, bool values, bool times, struct rh_error *err)
{
    struct rh_arena *a = &b->p->arena;
    *room = (struct room){ 0 };
    if (!(room->item = rh_build_alloc(a, (size_t)n, sizeof *room->item, "queries", err)) ||
        (values && !(room->value = rh_build_alloc(a, (size_t)n, sizeof *room->value, "queries", err))) ||
        (times && !(room->time = rh_build_alloc(a, (size_t)n, sizeof *room->time, "queries", err))))
        return RH_ENOMEM;
    return RH_OK;
}

/* Copies the rows of target user u whose part is in `set`; the caller keeps the place where they begin. */
static void room_fill(const struct rh_build *b, struct room *room, int32_t u, unsigned set)
{
    const struct rh_domain_data *target = b->domain[0];
    for (int64_t r = target->row[u]; r < target->row[u + 1]; r++) {
        if (!(1u << b->label[0][r] & set))
            continue;
        room->item[room->n] = target->item[r];
        if (room->value)
            room->value[room->n] = target->value[r];
        if (room->time)
            room->time[room->n] = target->time[r];
        room->n++;
    }
}

static struct rh_history history_of_view(const struct rh_domain *view, int32_t u)
{
    int64_t at = view->row[u];
    return (struct rh_history){
        .n = (int32_t)(view->row[u + 1] - at),
        .item = view->item + at,
        .value = view->value ? view->value + at : NULL,
        .time = view->time ? view->time + at : NULL,
    };
}

static int ask(struct rh_build *b, const struct asking *q, struct rh_queries *out, struct rh_error *err)
{
    const struct rh_domain_data *target = b->domain[0];
    struct rh_arena *a = &b->p->arena;
    size_t n_domains = (size_t)b->n_domains;
    struct sizes sum = { 0 }; /* of copied rows */
    int32_t n = 0;
    for (int32_t u = 0; u < target->n_users; u++) {
        struct sizes s = sizes_of(b, q, u);
        if (!s.asked)
            continue;
        n++;
        sum.asked += s.asked;
        sum.history += s.history > s.train ? s.history : 0;
        sum.mask += s.mask > s.history ? s.mask : 0;
    }
    struct rh_query *query = rh_build_alloc(a, (size_t)n, sizeof *query, "queries", err);
    struct rh_truth *truth = rh_build_alloc(a, (size_t)n, sizeof *truth, "queries", err);
    struct rh_history *history = rh_build_alloc(a, (size_t)n * n_domains, sizeof *history, "queries", err);
    struct room asked, seen, mask;
    if (!query || !truth || !history)
        return RH_ENOMEM;
    RH_TRY(room_take(b, &asked, sum.asked, target->value != NULL, false, err));
    RH_TRY(room_take(b, &seen, sum.history, target->value != NULL, target->time != NULL, err));
    RH_TRY(room_take(b, &mask, sum.mask, false, false, err));
    n = 0;
    for (int32_t u = 0; u < target->n_users; u++) {
        struct sizes s = sizes_of(b, q, u);
        if (!s.asked)
            continue;
        struct rh_history *h = history + (size_t)n * n_domains;
        for (size_t d = 0; d < n_domains; d++)
            h[d] = history_of_view(&b->view[d], u);
        if (s.history > s.train) {
            int64_t at = seen.n;
            room_fill(b, &seen, u, q->history);
            h[0] = (struct rh_history){ .n = (int32_t)s.history,
                                        .item = seen.item + at,
                                        .value = seen.value ? seen.value + at : NULL,
                                        .time = seen.time ? seen.time + at : NULL };
        }
        truth[n] = (struct rh_truth){ .n = (int32_t)s.asked,
                                      .item = asked.item + asked.n,
                                      .value = asked.value ? asked.value + asked.n : NULL,
                                      .n_mask = (int32_t)s.mask,
                                      .mask = h[0].item };
        room_fill(b, &asked, u, q->asked);
        if (s.mask > s.history) {
            truth[n].mask = mask.item + mask.n;
            room_fill(b, &mask, u, q->mask);
        }
        query[n++] = (struct rh_query){ .user = u, .history = h, .n_candidates = target->n_items };
    }
    *out = (struct rh_queries){ n, query, truth };
    return RH_OK;
}

int rh_build_queries(struct rh_build *b, struct rh_error *err)
{
    RH_TRY(ask(b, &asking_test, &b->p->test, err));
    return ask(b, &asking_validation, &b->p->validation, err);
}
