#include "config/published.h"

#include "base/text.h"
#include "config/section.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAMILY "published."

struct table {
    const char *source, *table, *protocol, *departures;
};
static const struct rh_param table_params[] = {
    RH_STR(struct table, source, "", "who published it, where and when"),
    RH_STR(struct table, table, "", "which table of it"),
    RH_STR(struct table, protocol, "", "how it was made"),
    RH_STR(struct table, departures, "", "what is done otherwise here, separated by ';'"),
    RH_PARAMS_END,
};

struct row {
    const char *algorithm, *problem, *cells, *note;
};
static const struct rh_param row_params[] = {
    RH_STR(struct row, algorithm, "", "label of the algorithm; the row's name when empty"),
    RH_STR(struct row, problem, "", "label of the problem, where there are several"),
    RH_STR(struct row, cells, "", "METRIC VALUE [within TOLERANCE] [rounding | exact | seed], separated by commas"),
    RH_STR(struct row, note, "", "a sentence about the row"),
    RH_PARAMS_END,
};

static int out_of_memory(struct rh_planning *p)
{
    return rh_fail_memory(p->err, "the published table", p->a->used);
}

static int read_section(struct rh_planning *p, const char *section, const struct rh_param *params, void *values)
{
    struct rh_table_of of = { params, values };
    rh_params_defaults(params, values);
    for (size_t i = 0; i < p->ini->n; i++) {
        const struct rh_ini_entry *e = &p->ini->entry[i];
        if (e->key && !strcmp(e->section, section))
            RH_TRY(rh_section_set(e, e->value, &of, 1, NULL, p->a, p->err));
    }
    return RH_OK;
}

/* A refusal that begins with the place of a key, or of the section where the key is not there. */
static int refuse(struct rh_planning *p, const char *section, const char *key, const char *says)
{
    char place[300];
    const struct rh_ini_entry *e = rh_ini_find(p->ini, section, key);
    if (!e)
        e = rh_ini_find(p->ini, section, NULL);
    return rh_fail(p->err, RH_EINVAL, "%s: [%s] %s", e ? rh_entry_place(e, place, sizeof place) : p->plan->file,
                   section, says);
}

static int find_algorithm(struct rh_planning *p, const char *section, const char *label, const char **out)
{
    const char *names[256], *nearest;
    size_t n = 0;
    for (int32_t i = 0; i < p->plan->n_algorithms; i++) {
        *out = p->plan->algorithm[i].label;
        if (!strcmp(*out, label))
            return RH_OK;
        if (n < 256)
            names[n++] = *out;
    }
    nearest = rh_nearest(label, names, n);
    const char *says = rh_arena_printf(p->a, "algorithm = %s: no algorithm of the experiment has this label%s", label,
                                       rh_did_you_mean(nearest, (char[RH_HINT]){ 0 }));
    return says ? refuse(p, section, "algorithm", says) : out_of_memory(p);
}

static int find_problem(struct rh_planning *p, const char *section, const char *label, const char **out)
{
    const char *names[256], *only = p->plan->problem[0].label;
    size_t n = 0;
    bool several = false;
    for (int32_t i = 0; i < p->plan->n_problems; i++) {
        *out = p->plan->problem[i].label;
        if (*label && !strcmp(*out, label))
            return RH_OK;
        several |= strcmp(*out, only) != 0;
        if (n < 256)
            names[n++] = *out;
    }
    if (!*label && !several) {
        *out = only;
        return RH_OK;
    }
    const char *says = *label ? rh_arena_printf(p->a, "problem = %s: no problem has this label%s", label,
                                                rh_did_you_mean(rh_nearest(label, names, n), (char[RH_HINT]){ 0 }))
                              : "needs the key 'problem': there are several";
    return says ? refuse(p, section, "problem", says) : out_of_memory(p);
}

/* Half a unit of the last digit of a number as it is printed: 0.0005 for 0.934. An exponent moves it. */
static double half_unit(const char *printed)
{
    const char *point = strchr(printed, '.'), *exponent = strpbrk(printed, "eE");
    long digits = 0;
    for (const char *c = point; c && c[1] >= '0' && c[1] <= '9'; c++)
        digits++;
    return 0.5 * pow(10, (double)((exponent ? strtol(exponent + 1, NULL, 10) : 0) - digits));
}

/* What printing in binary and reading back may add. */
#define SLACK 1e-12
#define EXACT 1e-9

static int bad_cell(struct rh_planning *p, const char *section, const char *cell, const char *why)
{
    const char *says = rh_arena_printf(p->a, "cells: '%s': %s", cell, why);
    return says ? refuse(p, section, "cells", says) : out_of_memory(p);
}

static bool is_sampled(const struct rh_plan *plan)
{
    bool any = false;
    for (int32_t i = 0; i < plan->n_problems; i++)
        any |= plan->problem[i].asking->candidates == RH_UNIVERSE_SAMPLED;
    return any;
}

/* Behind the metric may stand which of the values beside the full one is meant: "hit@10/candidates=sampled". */
static int find_metric(struct rh_planning *p, const char *section, const char *cell, const char *written,
                       const char **out)
{
    struct rh_metric_use *use;
    struct rh_error why = { 0 };
    int32_t n = 0;
    const char *beside = strstr(written, "/candidates="), *name = written;
    if (beside && strcmp(beside, "/candidates=sampled") && strcmp(beside, "/candidates=corrected"))
        return bad_cell(p, section, cell, "behind /candidates= expected sampled or corrected");
    if (beside && !is_sampled(p->plan))
        return bad_cell(p, section, cell, "no problem has candidates = sampled");
    if (beside && !(name = rh_arena_strndup(p->a, written, (size_t)(beside - written))))
        return out_of_memory(p);
    bool known = rh_metrics_expand(p->a, &name, 1, NULL, 0, &use, &n, &why) == RH_OK && n == 1;
    *out = known ? use[0].id : name;
    for (int32_t m = 0; m < p->plan->n_metrics; m++)
        if (!strcmp(p->plan->metric[m].id, *out)) {
            *out = beside ? rh_arena_printf(p->a, "%s%s", *out, beside) : *out;
            return *out ? RH_OK : out_of_memory(p);
        }
    const char *says = known || why.status >= 0 ? "the metric is not among those of [evaluate]" : why.text;
    return bad_cell(p, section, cell, says);
}

/* "rmse 1.518 within 0.01 seed" */
static int read_cell(struct rh_planning *p, const char *section, const char *text, struct rh_claim *c)
{
    static const char *const reasons[] = { "rounding", "exact", "seed", "ties" };
    char *copy = rh_arena_strdup(p->a, text), *save = NULL;
    if (!copy)
        return out_of_memory(p);
    const char *metric = strtok_r(copy, " \t", &save), *value = strtok_r(NULL, " \t", &save), *word;
    bool within = false, reason = false;
    if (!metric || !value || !rh_parse_real(value, &c->value))
        return bad_cell(p, section, text, "expected METRIC VALUE [within TOLERANCE] [rounding | exact | seed | ties]");
    RH_TRY(find_metric(p, section, text, metric, &c->metric));
    c->printed = value;
    while ((word = strtok_r(NULL, " \t", &save))) {
        if (!strcmp(word, "within") && !within) {
            const char *number = strtok_r(NULL, " \t", &save);
            if (!number || !rh_parse_real(number, &c->tolerance) || c->tolerance < 0)
                return bad_cell(p, section, text, "'within' needs a number from 0");
            within = true;
            continue;
        }
        int r = 0;
        while (r < 4 && strcmp(word, reasons[r]))
            r++;
        if (r == 4 || reason)
            return bad_cell(p, section, text, "behind the value there may be 'within' with a tolerance and one of "
                            "rounding, exact, seed, ties");
        c->reason = (enum rh_claim_reason)r;
        reason = true;
    }
    if (within && !reason)
        return bad_cell(p, section, text, "a tolerance needs its reason: rounding, exact, seed or ties");
    if (c->reason == RH_CLAIM_SEED && !within)
        return bad_cell(p, section, text, "'seed' needs its interval: within TOLERANCE");
    if (c->reason == RH_CLAIM_TIES && !within)
        return bad_cell(p, section, text, "'ties' needs its interval: within TOLERANCE");
    if (!within)
        c->tolerance = (c->reason == RH_CLAIM_EXACT ? EXACT * fabs(c->value) : half_unit(value)) + SLACK;
    return RH_OK;
}

static int read_row(struct rh_planning *p, const char *section, struct rh_claims *out, struct rh_claim **claim)
{
    struct row v;
    struct rh_claim row = { .row = section + strlen(FAMILY) };
    int32_t n;
    RH_TRY(read_section(p, section, row_params, &v));
    row.note = v.note;
    RH_TRY(find_algorithm(p, section, *v.algorithm ? v.algorithm : row.row, &row.algorithm));
    RH_TRY(find_problem(p, section, v.problem, &row.problem));
    const char **cell = rh_list(p->a, v.cells, &n);
    struct rh_claim *all = rh_alloc(p->a, (size_t)(out->n_claims + n), sizeof *all);
    if (!cell || !all)
        return out_of_memory(p);
    if (!n)
        return refuse(p, section, "cells", "needs the key 'cells', such as cells = rmse 0.934, mae 0.737");
    if (out->n_claims)
        memcpy(all, *claim, (size_t)out->n_claims * sizeof *all);
    for (int32_t k = 0; k < n; k++) {
        all[out->n_claims] = row;
        RH_TRY(read_cell(p, section, cell[k], &all[out->n_claims++]));
    }
    *claim = all;
    out->claim = all;
    return RH_OK;
}

/* Sentences between semicolons. */
static int read_departures(struct rh_planning *p, const char *text, struct rh_claims *out)
{
    int32_t most = 1;
    for (const char *c = text; *c; c++)
        most += *c == ';';
    const char **sentence = rh_alloc(p->a, (size_t)most, sizeof *sentence);
    char *copy = rh_arena_strdup(p->a, text), *save = NULL;
    if (!sentence || !copy)
        return out_of_memory(p);
    for (char *s = strtok_r(copy, ";", &save); s; s = strtok_r(NULL, ";", &save)) {
        s += strspn(s, " \t");
        size_t n = strlen(s);
        while (n && strchr(" \t", s[n - 1]))
            s[--n] = '\0';
        if (n)
            sentence[out->n_departures++] = s;
    }
    out->departure = sentence;
    return RH_OK;
}

int rh_read_published(struct rh_planning *p)
{
    struct table v;
    struct rh_claim *claim = NULL;
    const struct rh_ini_entry *first = NULL;
    struct rh_claims *out = rh_alloc(p->a, 1, sizeof *out);
    if (!out)
        return out_of_memory(p);
    for (size_t i = 0; i < p->ini->n; i++) {
        const struct rh_ini_entry *e = &p->ini->entry[i];
        if (e->key || (strcmp(e->section, "published") && strncmp(e->section, FAMILY, strlen(FAMILY))))
            continue;
        first = first ? first : e;
        if (e->section[strlen("published")])
            RH_TRY(read_row(p, e->section, out, &claim));
    }
    if (!first)
        return RH_OK;
    RH_TRY(read_section(p, "published", table_params, &v));
    if (!*v.source || !out->n_claims) {
        char place[300];
        return rh_fail(p->err, RH_EINVAL, "%s: a published table needs %s", rh_entry_place(first, place, sizeof place),
                       *v.source ? "rows: [published.ROW] with cells = ..." : "its source: [published] source = ...");
    }
    out->source = v.source;
    out->table = v.table;
    out->protocol = v.protocol;
    RH_TRY(read_departures(p, v.departures, out));
    p->plan->published = out;
    return RH_OK;
}
