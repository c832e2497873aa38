/* Tables for programs: csv and json. Full precision, the order of the experiment, and nothing that differs between
 * two runs with the same numbers: no times, no dates, no machine. */
#include "report/gain.h"
#include "report/write.h"

#include <math.h>
#include <string.h>

/* A sentence without its commas, so that a table that is cut at commas is cut where its columns are. */
static void csv_sentence(struct rh_text *t, const char *s)
{
    for (; *s; s++)
        if (*s != ',')
            rh_text_addn(t, s, 1);
}

/* A sentence as one field; nothing when there is nothing to say. */
static void sentence(void (*write)(const struct rh_part *, struct rh_text *),
                     void (*quote)(struct rh_text *, const char *), const struct rh_part *p, struct rh_text *t)
{
    struct rh_text plain = { 0 };
    write(p, &plain);
    quote(t, plain.s ? plain.s : "");
    t->failed |= plain.failed;
    rh_text_release(&plain);
}

static void csv_gains(const struct rh_results *r, const struct rh_row *row, struct rh_text *t)
{
    if (r->gain_shown[RH_GAIN]) {
        rh_text_add(t, ",");
        rh_write_csv(t, row->twin);
        if (row->twin_tried)
            rh_text_printf(t, ",%d,%d,", row->tried, row->twin_tried);
        else
            rh_text_add(t, ",,,");
        rh_write_real(t, row->twin_tried ? row->twin_seconds : NAN);
    }
    for (int k = 0; k < RH_GAINS; k++) {
        const struct rh_gain *g = row->gain ? &row->gain[k] : NULL;
        const double numbers[] = { g ? g->mean : NAN, g ? g->low : NAN, g ? g->high : NAN };
        for (size_t i = 0; i < 3 && r->gain_shown[k]; i++) {
            rh_text_add(t, ",");
            rh_write_real(t, numbers[i]);
        }
    }
}

static void csv_part(const struct rh_results *r, const struct rh_part *p, struct rh_text *t)
{
    for (int32_t i = 0; i < p->n_rows; i++) {
        const struct rh_row *row = &p->row[i];
        const char *const words[] = { r->name, p->label, p->target, p->sources, p->split };
        for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
            rh_write_csv(t, words[k]);
            rh_text_add(t, ",");
        }
        rh_text_printf(t, "%s,", p->generated ? "yes" : "no");
        sentence(rh_write_warning, csv_sentence, p, t);
        rh_text_add(t, ",");
        sentence(rh_write_leakage, csv_sentence, p, t);
        rh_text_add(t, ",");
        rh_write_csv(t, row->label);
        rh_text_add(t, ",");
        rh_write_csv(t, row->algorithm);
        rh_text_printf(t, ",%s,%d,%d,%lld", row->status, row->runs, row->failed, (long long)p->test_queries);
        for (int32_t c = 0; c < r->n_columns; c++) {
            rh_text_add(t, ",");
            rh_write_real(t, row->cell[c].value);
            rh_text_add(t, ",");
            rh_write_real(t, row->cell[c].interval);
            rh_text_add(t, ",");
            rh_write_real(t, row->cell[c].sd);
        }
        csv_gains(r, row, t);
        rh_text_add(t, ",");
        rh_write_csv(t, row->message);
        rh_text_add(t, "\n");
    }
}

void rh_table_csv(const struct rh_results *r, struct rh_text *t)
{
    rh_text_add(
        t, "experiment,problem,target,sources,split,generated,warning,leakage,label,algorithm,status,runs,failed,"
           "queries");
    for (int32_t c = 0; c < r->n_columns; c++)
        rh_text_printf(t, ",%s,%s ci95,%s sd", r->column[c].id, r->column[c].id, r->column[c].id);
    rh_text_add(t, r->gain_shown[RH_GAIN] ? ",twin,settings tried,twin settings tried,twin seconds" : "");
    for (int k = 0; k < RH_GAINS; k++) {
        struct rh_text head = { 0 };
        rh_text_add(&head, rh_gain_head(k));
        for (char *comma = head.s ? strchr(head.s, ',') : NULL; comma && *comma; comma++)
            *comma = comma[1]; /* "gain users shuffled" */
        const char *h = head.s ? head.s : "";
        if (r->gain_shown[k])
            rh_text_printf(t, ",%s,%s ci95 low,%s ci95 high", h, h, h);
        rh_text_release(&head);
    }
    rh_text_add(t, ",message\n");
    for (int32_t i = 0; i < r->n_parts; i++)
        csv_part(r, &r->part[i], t);
}

/* --------------------------------------------------------------------------------------------------- json */

static void json_key_values(struct rh_text *t, const char *key, const struct rh_key_value *kv, int32_t n)
{
    rh_text_printf(t, ", \"%s\": {", key);
    for (int32_t i = 0; i < n; i++) {
        rh_text_add(t, i ? ", " : "");
        rh_write_json(t, kv[i].key);
        rh_text_add(t, ": ");
        rh_write_json(t, kv[i].value);
    }
    rh_text_add(t, "}");
}

static void json_gains(const struct rh_results *r, const struct rh_row *row, struct rh_text *t)
{
    static const char *const keys[RH_GAINS] = { "gain", "gain_users_shuffled", "gain_features_shuffled",
                                                 "gain_doubles_dropped" };
    if (!row->gain)
        return;
    rh_write_json_pair(t, ",\n      ", "twin", row->twin);
    if (row->twin_tried) {
        rh_text_printf(t, ", \"settings_tried\": %d, \"twin_settings_tried\": %d", row->tried, row->twin_tried);
        rh_write_json_number(t, "twin_seconds", row->twin_seconds);
    }
    for (int k = 0; k < RH_GAINS; k++) {
        const struct rh_gain *g = &row->gain[k];
        if (!r->gain_shown[k])
            continue;
        rh_text_printf(t, ", \"%s\": {\"users\": %lld", keys[k], (long long)g->users);
        rh_write_json_number(t, "value", g->mean);
        rh_write_json_number(t, "low", g->low);
        rh_write_json_number(t, "high", g->high);
        rh_text_printf(t, ", \"negative_transfer\": %s}", g->negative ? "true" : "false");
    }
}

static void json_row(const struct rh_results *r, const struct rh_row *row, struct rh_text *t)
{
    rh_write_json_pair(t, "     {", "label", row->label);
    rh_write_json_pair(t, ", ", "algorithm", row->algorithm);
    rh_write_json_pair(t, ", ", "status", row->status);
    rh_text_printf(t, ", \"runs\": %d, \"failed\": %d", row->runs, row->failed);
    rh_write_json_pair(t, ", ", "message", row->message);
    json_key_values(t, "parameters", row->param, row->n_params);
    rh_text_add(t, ",\n      \"metrics\": {");
    for (int32_t c = 0; c < r->n_columns; c++) {
        const struct rh_cell *cell = &row->cell[c];
        rh_text_add(t, c ? ",\n                  " : "");
        rh_write_json(t, r->column[c].id);
        rh_text_printf(t, ": {\"defined\": %lld", (long long)cell->defined);
        rh_write_json_number(t, "value", cell->value);
        rh_write_json_number(t, "ci95", cell->interval);
        rh_write_json_number(t, "sd", cell->sd);
        rh_text_add(t, "}");
    }
    rh_text_add(t, "}");
    json_gains(r, row, t);
    rh_text_add(t, "}");
}

static void json_facts(const struct rh_part *p, struct rh_text *t)
{
    rh_text_printf(t, ", \"problems\": %d, \"built\": %d, \"generated\": %s", p->n_problems, p->n_built,
                   p->generated ? "true" : "false");
    if (p->n_built) {
        const struct {
            const char *key;
            int64_t n;
        } facts[] = { { "users", p->users }, { "items", p->items }, { "train_rows", p->train_rows },
                      { "source_rows", p->source_rows }, { "test_rows", p->test_rows },
                      { "test_queries", p->test_queries }, { "cold_users", p->cold_users },
                      { "shared_users", p->shared_users } };
        rh_text_add(t, ",\n    ");
        for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
            rh_text_printf(t, "%s\"%s\": %lld", i ? ", " : "", facts[i].key, (long long)facts[i].n);
    }
}

static void json_part(const struct rh_results *r, const struct rh_part *p, struct rh_text *t)
{
    rh_write_json_pair(t, "   {", "label", p->label);
    rh_write_json_pair(t, ", ", "target", p->target);
    rh_write_json_pair(t, ", ", "sources", p->sources);
    rh_write_json_pair(t, ", ", "split", p->split);
    json_facts(p, t);
    json_key_values(t, "settings", p->setting, p->n_settings);
    rh_text_add(t, ",\n    \"warning\": ");
    sentence(rh_write_warning, rh_write_json, p, t);
    rh_text_add(t, ", \"leakage\": [");
    for (int32_t i = 0; i < p->n_leaks; i++) {
        rh_write_json_pair(t, i ? ", {" : "{", "what", p->leak[i].what);
        rh_text_printf(t, ", \"count\": %lld, \"of\": %lld}", (long long)p->leak[i].count, (long long)p->leak[i].of);
    }
    rh_text_add(t, "],\n    \"odd_queries\": [");
    for (int32_t i = 0; i < p->n_odd; i++) {
        rh_write_json_pair(t, i ? ", {" : "{", "what", p->odd[i].what);
        rh_text_printf(t, ", \"count\": %lld}", (long long)p->odd[i].count);
    }
    rh_text_add(t, "],\n    \"removed\": [");
    for (int32_t i = 0; i < p->n_removed; i++) {
        rh_write_json_pair(t, i ? ", {" : "{", "domain", p->removed[i].domain);
        rh_write_json_pair(t, ", ", "step", p->removed[i].step);
        rh_text_printf(t, ", \"rows\": %lld, \"users\": %lld, \"items\": %lld}", (long long)p->removed[i].rows,
                       (long long)p->removed[i].users, (long long)p->removed[i].items);
    }
    rh_text_add(t, "],\n    \"rows\": [\n");
    for (int32_t i = 0; i < p->n_rows; i++) {
        json_row(r, &p->row[i], t);
        rh_text_add(t, i + 1 < p->n_rows ? ",\n" : "\n    ");
    }
    rh_text_add(t, "]}");
}

void rh_table_json(const struct rh_results *r, struct rh_text *t)
{
    rh_write_json_pair(t, "{", "experiment", r->name);
    rh_write_json_pair(t, ", ", "title", r->title);
    rh_write_json_pair(t, ", ", "primary", r->primary);
    rh_text_add(t, ",\n \"metrics\": [");
    for (int32_t c = 0; c < r->n_columns; c++) {
        rh_write_json_pair(t, c ? ",\n             {" : "{", "id", r->column[c].id);
        rh_write_json_pair(t, ", ", "definition", r->column[c].definition);
        rh_text_printf(t, ", \"lower_is_better\": %s}", r->column[c].lower_is_better ? "true" : "false");
    }
    rh_text_add(t, "],\n \"problems\": [\n");
    for (int32_t i = 0; i < r->n_parts; i++) {
        json_part(r, &r->part[i], t);
        rh_text_add(t, i + 1 < r->n_parts ? ",\n" : "\n ");
    }
    rh_text_add(t, "]}\n");
}
