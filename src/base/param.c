#include "base/param.h"

#include <string.h>

const struct rh_param *rh_param_find(const struct rh_param *table, const char *name)
{
    for (; table && table->type != RH_P_END; table++)
        if (!strcmp(table->name, name))
            return table;
    return NULL;
}

size_t rh_param_count(const struct rh_param *table)
{
    size_t n = 0;
    while (table && table[n].type != RH_P_END)
        n++;
    return n;
}

static void *field(const struct rh_param *p, void *values)
{
    return (char *)values + p->offset;
}

void rh_params_defaults(const struct rh_param *table, void *values)
{
    for (const struct rh_param *p = table; p && p->type != RH_P_END; p++)
        switch (p->type) {
        case RH_P_INT: *(int64_t *)field(p, values) = (int64_t)p->def; break;
        case RH_P_REAL: *(double *)field(p, values) = p->def; break;
        case RH_P_BOOL: *(bool *)field(p, values) = p->def != 0; break;
        case RH_P_ENUM: *(int *)field(p, values) = (int)p->def; break;
        case RH_P_STR: *(const char **)field(p, values) = p->def_str ? p->def_str : ""; break;
        case RH_P_END: break;
        }
}

static int refuse(const struct rh_param *p, const char *text, struct rh_error *err)
{
    struct rh_text allowed = { 0 };
    rh_param_allowed(p, &allowed);
    const char *hint = NULL;
    if (p->type == RH_P_ENUM) {
        const char *words[64];
        size_t n = 0;
        for (const struct rh_choice *c = p->choices; c->word && n < 64; c++)
            words[n++] = c->word;
        hint = rh_nearest(text, words, n);
    }
    rh_fail(err, RH_EINVAL, "%s = %s is not allowed: expected %s%s", p->name, *text ? text : "(nothing)",
            allowed.s ? allowed.s : "another value", rh_did_you_mean(hint, (char[RH_HINT]){ 0 }));
    rh_text_release(&allowed);
    return RH_EINVAL;
}

int rh_param_parse(const struct rh_param *p, const char *text, void *values, struct rh_arena *a, struct rh_error *err)
{
    int64_t i;
    double d;
    bool b;
    switch (p->type) {
    case RH_P_INT:
        if (!rh_parse_int(text, &i) || (double)i < p->min || (double)i > p->max)
            return refuse(p, text, err);
        *(int64_t *)field(p, values) = i;
        return RH_OK;
    case RH_P_REAL:
        if (!rh_parse_real(text, &d) || d < p->min || d > p->max)
            return refuse(p, text, err);
        *(double *)field(p, values) = d;
        return RH_OK;
    case RH_P_BOOL:
        if (!rh_parse_bool(text, &b))
            return refuse(p, text, err);
        *(bool *)field(p, values) = b;
        return RH_OK;
    case RH_P_ENUM:
        for (const struct rh_choice *c = p->choices; c->word; c++)
            if (!strcmp(c->word, text)) {
                *(int *)field(p, values) = c->value;
                return RH_OK;
            }
        return refuse(p, text, err);
    case RH_P_STR: {
        char *copy = rh_arena_strdup(a, text);
        if (!copy)
            return rh_fail_memory(err, p->name, strlen(text));
        *(const char **)field(p, values) = copy;
        return RH_OK;
    }
    case RH_P_END: break;
    }
    return rh_fail(err, RH_EBUG, "parameter %s has no type", p->name);
}

static const char *choice_word(const struct rh_param *p, int value)
{
    for (const struct rh_choice *c = p->choices; c->word; c++)
        if (c->value == value)
            return c->word;
    return "?";
}

void rh_param_text(const struct rh_param *p, const void *values, struct rh_text *t)
{
    char buf[32];
    const void *f = (const char *)values + p->offset;
    switch (p->type) {
    case RH_P_INT: rh_text_printf(t, "%lld", (long long)*(const int64_t *)f); break;
    case RH_P_REAL: rh_text_add(t, rh_real_text(*(const double *)f, buf)); break;
    case RH_P_BOOL: rh_text_add(t, *(const bool *)f ? "yes" : "no"); break;
    case RH_P_ENUM: rh_text_add(t, choice_word(p, *(const int *)f)); break;
    case RH_P_STR: rh_text_add(t, *(const char *const *)f); break;
    case RH_P_END: break;
    }
}

void rh_param_allowed(const struct rh_param *p, struct rh_text *t)
{
    char lo[32], hi[32];
    switch (p->type) {
    case RH_P_INT:
    case RH_P_REAL:
        rh_text_printf(t, "%s %s to %s", p->type == RH_P_INT ? "integer" : "number", rh_real_text(p->min, lo),
                       rh_real_text(p->max, hi));
        break;
    case RH_P_BOOL: rh_text_add(t, "yes | no"); break;
    case RH_P_ENUM:
        for (const struct rh_choice *c = p->choices; c->word; c++)
            rh_text_printf(t, "%s%s", c == p->choices ? "" : " | ", c->word);
        break;
    case RH_P_STR: rh_text_add(t, "text"); break;
    case RH_P_END: break;
    }
}

int rh_params_sane(const struct rh_param *table, size_t struct_size, struct rh_error *err)
{
    for (const struct rh_param *p = table; p && p->type != RH_P_END; p++) {
        size_t size = p->type == RH_P_BOOL ? sizeof(bool) : p->type == RH_P_ENUM ? sizeof(int) : 8;
        if (!p->name || !*p->name || !p->help || !*p->help)
            return rh_fail(err, RH_EBUG, "parameter %zu has no name or no help", (size_t)(p - table));
        if (p->offset + size > struct_size)
            return rh_fail(err, RH_EBUG, "parameter %s lies outside its struct of %zu bytes", p->name, struct_size);
        if (rh_param_find(table, p->name) != p)
            return rh_fail(err, RH_EBUG, "parameter %s is there twice", p->name);
        if ((p->type == RH_P_INT || p->type == RH_P_REAL) && !(p->def >= p->min && p->def <= p->max))
            return rh_fail(err, RH_EBUG, "the default of parameter %s is out of its range", p->name);
        if (p->type == RH_P_ENUM && (!p->choices || *choice_word(p, (int)p->def) == '?'))
            return rh_fail(err, RH_EBUG, "the default of parameter %s is none of its words", p->name);
    }
    return RH_OK;
}
