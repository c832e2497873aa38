#include "data/marks.h"

#include "data/ids.h"

#include <string.h>

struct marking {
    const struct rh_marks *how;
    struct rh_ids number[2]; /* of users and of items */
    uint8_t *cold[2];
    int64_t met[2];
};

static int number_ids(struct rh_ids *ids, const struct rh_strings *s, struct rh_error *err)
{
    for (int32_t i = 0; i < s->n; i++)
        if (rh_ids_add(ids, rh_string(s, i), strlen(rh_string(s, i))) < 0)
            return rh_fail_memory(err, "the ids", (size_t)s->n * 16);
    return RH_OK;
}

static int read_records(struct marking *m, const struct rh_data_env *env, struct rh_input *in,
                        struct rh_reading *reading, struct rh_error *err)
{
    struct rh_field field[2];
    for (;;) {
        int status = m->how->reader->next(reading, field, err);
        if (status != RH_OK)
            return status < 0 ? status : RH_OK;
        if (env->cancel && *env->cancel)
            return rh_fail(err, RH_ECANCEL, "interrupted");
        for (int k = 0; k < 2; k++) {
            if (!(k ? m->how->items : m->how->users))
                continue;
            if (!field[k].n)
                return rh_fail(err, RH_EDATA, "%s:%lld: the %s id is empty", m->how->place,
                               (long long)rh_input_line_number(in), k ? "item" : "user");
            int32_t i = rh_ids_find(&m->number[k], field[k].s, field[k].n);
            if (i < 0)
                continue;
            m->cold[k][i] = 1;
            m->met[k]++;
        }
    }
}

static int read_file(struct marking *m, const struct rh_data_env *env, struct rh_error *err)
{
    const struct rh_marks *how = m->how;
    bool lists = !strcmp(how->reader->name, "jsonlists") || !strcmp(how->reader->name, "userlist");
    const char *wanted[2] = { how->users ? "1" : "?", how->items ? (how->users ? "2" : "1") : "?" };
    if (lists) {
        wanted[0] = "user";
        wanted[1] = "item";
    }
    struct rh_reader_config config = { .separator = lists ? NULL : "\t", .wanted = wanted, .n_wanted = 2 };
    struct rh_arena a = { 0 };
    struct rh_input *in = NULL;
    struct rh_reading *reading = NULL;
    int status = rh_input_open(how->place, &in, err);
    if (status >= 0)
        status = how->reader->open(&a, in, &config, &reading, err);
    if (status >= 0)
        status = read_records(m, env, in, reading, err);
    if (reading)
        how->reader->close(reading);
    rh_input_close(in);
    rh_arena_release(&a);
    return status;
}

int rh_marks_read(const struct rh_marks *how, const struct rh_data_env *env, struct rh_domain_data *d,
                  struct rh_error *err)
{
    struct marking m = { .how = how };
    if (!d->cold_user) {
        d->cold_user = rh_alloc(&d->arena, (size_t)d->n_users, 1);
        d->cold_item = rh_alloc(&d->arena, (size_t)d->n_items, 1);
        if (!d->cold_user || !d->cold_item)
            return rh_fail_memory(err, "cold users and items", (size_t)d->n_users + (size_t)d->n_items);
    }
    m.cold[0] = (uint8_t *)d->cold_user; /* the domain is still being built: nobody else has it */
    m.cold[1] = (uint8_t *)d->cold_item;
    int status = number_ids(&m.number[0], &d->user_id, err);
    if (status >= 0)
        status = number_ids(&m.number[1], &d->item_id, err);
    if (status >= 0)
        status = read_file(&m, env, err);
    for (int k = 0; k < 2 && status >= 0; k++)
        if ((k ? how->items : how->users) && !m.met[k])
            status = rh_fail(err, RH_EDATA, "%s: none of its %ss is one of domain '%s'", how->place,
                             k ? "item" : "user", d->name);
    rh_ids_release(&m.number[0]);
    rh_ids_release(&m.number[1]);
    return status;
}
