#include "report/chart.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A plot while it is made. */
struct making {
    struct rh_arena *a;
    const struct rh_results *r;
    const struct rh_plot_row *plot;
    struct rh_chart *c;
    struct rh_error *err;
    const char *x, *series; /* "algorithm", "problem", or a key */
    bool x_of_problem;      /* the key x is a setting of problems; else a parameter of algorithms */
    int32_t column;
};

static int no_memory(struct making *m)
{
    return rh_fail_memory(m->err, "a plot", 0);
}

static const char *after_dot(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

static const char *find_value(const struct rh_key_value *kv, int32_t n, const char *key)
{
    for (int32_t i = 0; i < n; i++)
        if (!strcmp(kv[i].key, key))
            return kv[i].value;
    for (int32_t i = 0; i < n; i++)
        if (!strcmp(after_dot(kv[i].key), after_dot(key)))
            return kv[i].value;
    return NULL;
}

static bool is_key(const char *word)
{
    return strcmp(word, "algorithm") && strcmp(word, "problem");
}

/* The label without its "key=value" words of the keys that the axes show already; `otherwise` if nothing is left. */
static const char *rest_of_label(struct making *m, const char *label, const char *otherwise)
{
    char *out = rh_alloc(m->a, strlen(label) + 1, 1);
    size_t n = 0;
    if (!out)
        return NULL;
    for (const char *word = label; *word;) {
        size_t bytes = strcspn(word, " "), key = strcspn(word, " =");
        bool shown = false;
        const char *axes[] = { m->x, m->series };
        for (int i = 0; i < 2 && word[key] == '='; i++) {
            const char *last = after_dot(axes[i]);
            size_t start = key;
            while (start && word[start - 1] != '.')
                start--;
            shown |= is_key(axes[i]) && strlen(last) == key - start && !strncmp(word + start, last, key - start);
        }
        if (!shown) {
            if (n)
                out[n++] = ' ';
            memcpy(out + n, word, bytes);
            n += bytes;
        }
        word += bytes;
        word += strspn(word, " ");
    }
    return n ? out : otherwise;
}

static int32_t place(struct making *m, struct rh_names *names, const char *name)
{
    for (int32_t i = 0; i < names->n; i++)
        if (!strcmp(names->name[i], name))
            return i;
    if (names->n == names->capacity) {
        int32_t more = names->capacity ? names->capacity * 2 : 16;
        const char **p = rh_alloc(m->a, (size_t)more, sizeof *p);
        if (!p)
            return -1;
        if (names->n)
            memcpy(p, names->name, (size_t)names->n * sizeof *p);
        names->name = p;
        names->capacity = more;
    }
    names->name[names->n] = name;
    return names->n++;
}

/* The words of one row on one axis; NULL: it has none. */
static const char *on_axis(struct making *m, const char *axis, const struct rh_part *p, const struct rh_row *row)
{
    if (!strcmp(axis, "algorithm"))
        return rest_of_label(m, row->label, row->algorithm);
    if (!strcmp(axis, "problem"))
        return rest_of_label(m, p->label, p->name);
    const char *value = find_value(p->setting, p->n_settings, axis);
    return value ? value : find_value(row->param, row->n_params, axis);
}

/* What neither axis shows tells the panels apart. */
static const char *panel_of(struct making *m, const struct rh_part *p, const struct rh_row *row)
{
    bool problem = strcmp(m->x, "problem") && strcmp(m->series, "problem");
    bool algorithm = strcmp(m->x, "algorithm") && strcmp(m->series, "algorithm");
    const char *part = rest_of_label(m, p->label, p->name), *run = rest_of_label(m, row->label, row->algorithm);
    if (!part || !run)
        return NULL;
    if (problem && algorithm)
        return rh_arena_printf(m->a, "%s, %s", part, run);
    return problem ? part : algorithm ? run : "";
}

/* Calls `visit` with the places of every row that belongs into the picture. x is -1 for a row that has no value on
 * the x axis and stands level beside those that have. */
static int each_row(struct making *m, int (*visit)(struct making *, int32_t panel, int32_t series, int32_t x,
                                                   const struct rh_row *))
{
    for (int32_t i = 0; i < m->r->n_parts; i++) {
        const struct rh_part *p = &m->r->part[i];
        if (m->x_of_problem && !find_value(p->setting, p->n_settings, m->x))
            continue;
        for (int32_t k = 0; k < p->n_rows; k++) {
            const struct rh_row *row = &p->row[k];
            const char *x = on_axis(m, m->x, p, row), *series = on_axis(m, m->series, p, row);
            const char *panel = panel_of(m, p, row);
            if (!panel || (!x && !is_key(m->x)) || (!series && !is_key(m->series)))
                return no_memory(m);
            if (!x && !m->c->lines)
                continue;
            int32_t at[] = { place(m, &m->c->panel, panel), place(m, &m->c->series, series ? series : "other"),
                             x ? place(m, &m->c->x, x) : -1 };
            if (at[0] < 0 || at[1] < 0 || (x && at[2] < 0))
                return no_memory(m);
            RH_TRY(visit(m, at[0], at[1], at[2], row));
        }
    }
    return RH_OK;
}

static int only_names(struct making *m, int32_t panel, int32_t series, int32_t x, const struct rh_row *row)
{
    (void)m, (void)panel, (void)series, (void)x, (void)row;
    return RH_OK;
}

static int set_mark(struct making *m, int32_t panel, int32_t series, int32_t x, const struct rh_row *row)
{
    const struct rh_cell *cell = &row->cell[m->column];
    double value = isfinite(cell->value) ? cell->value : NAN; /* no axis reaches infinity */
    for (int32_t i = x < 0 ? 0 : x; i < (x < 0 ? m->c->x.n : x + 1); i++)
        *rh_chart_mark(m->c, panel, series, i) = (struct rh_mark){ value, isnan(value) ? NAN : cell->interval, true,
                                                                      row->failed == row->runs };
    return RH_OK;
}

/* ---------------------------------------------------------------------------------------------- the x axis */

struct number {
    double value;
    const char *name;
};

static int by_value(const void *x, const void *y)
{
    const struct number *a = x, *b = y;
    return (a->value > b->value) - (a->value < b->value);
}

static int sort_x(struct making *m)
{
    struct rh_chart *c = m->c;
    struct number *numbers = rh_alloc(m->a, (size_t)c->x.n, sizeof *numbers);
    c->x_value = rh_alloc(m->a, (size_t)c->x.n, sizeof *c->x_value);
    if (!numbers || !c->x_value)
        return no_memory(m);
    c->numeric = c->lines && is_key(m->x);
    for (int32_t i = 0; i < c->x.n; i++) {
        numbers[i].name = c->x.name[i];
        c->numeric = c->numeric && rh_parse_real(numbers[i].name, &numbers[i].value);
    }
    if (!c->numeric)
        return RH_OK;
    qsort(numbers, (size_t)c->x.n, sizeof *numbers, by_value);
    for (int32_t i = 0; i < c->x.n; i++) {
        c->x.name[i] = numbers[i].name;
        c->x_value[i] = numbers[i].value;
    }
    return RH_OK;
}

/* Is the key a setting of problems, or a parameter of algorithms, or unknown? */
static int find_key(struct making *m, const char *key)
{
    struct rh_names keys = { 0 };
    bool of_run = false;
    m->x_of_problem = false;
    for (int32_t i = 0; i < m->r->n_parts; i++) {
        const struct rh_part *p = &m->r->part[i];
        for (int32_t k = 0; k < p->n_settings; k++)
            if (place(m, &keys, after_dot(p->setting[k].key)) < 0)
                return no_memory(m);
        m->x_of_problem |= find_value(p->setting, p->n_settings, key) != NULL;
        for (int32_t k = 0; k < p->n_rows; k++) {
            of_run |= find_value(p->row[k].param, p->row[k].n_params, key) != NULL;
            for (int32_t j = 0; j < p->row[k].n_params; j++)
                if (place(m, &keys, p->row[k].param[j].key) < 0)
                    return no_memory(m);
        }
    }
    if (m->x_of_problem || of_run)
        return RH_OK;
    const char *nearest = rh_nearest(key, keys.name, (size_t)keys.n);
    return rh_fail(m->err, RH_EINVAL,
                   "plot '%s': no problem or algorithm of experiment '%s' has a setting '%s'%s", m->plot->name,
                   m->r->name, key, rh_did_you_mean(nearest, (char[RH_HINT]){ 0 }));
}

static int find_column(struct making *m, const char *metric)
{
    const char **names = rh_alloc(m->a, (size_t)m->r->n_columns + 1, sizeof *names);
    if (!names)
        return no_memory(m);
    for (int32_t i = 0; i < m->r->n_columns; i++) {
        names[i] = m->r->column[i].id;
        if (!strcmp(names[i], metric)) {
            m->column = i;
            return RH_OK;
        }
    }
    if (!m->r->n_columns)
        return rh_fail(m->err, RH_EDATA, "nothing to draw: experiment '%s' has no run with values", m->r->name);
    const char *nearest = rh_nearest(metric, names, (size_t)m->r->n_columns);
    return rh_fail(m->err, RH_EINVAL, "plot '%s': experiment '%s' has no metric '%s'%s", m->plot->name,
                   m->r->name, metric, rh_did_you_mean(nearest, (char[RH_HINT]){ 0 }));
}

/* -------------------------------------------------------------------------------------------------- titles */

static void list_word(struct rh_text *t, struct rh_names *seen, struct making *m, const char *word)
{
    int32_t n = seen->n;
    if (word[0] && place(m, seen, word) == n)
        rh_text_printf(t, "%s%s", n ? ", " : "", word);
}

/* "made: ndcg@10, target books, from movies": what the values are about; generated data and leakage are never passed
 * over. */
static int make_titles(struct making *m)
{
    const struct rh_column *column = &m->r->column[m->column];
    struct rh_text t = { 0 };
    struct rh_names targets = { 0 }, sources = { 0 };
    bool generated = false, leak = false, interval = false;
    rh_text_printf(&t, "%s: %s, target ", m->r->name, column->id);
    for (int32_t i = 0; i < m->r->n_parts; i++)
        list_word(&t, &targets, m, m->r->part[i].target);
    for (int32_t i = 0; i < m->r->n_parts; i++) {
        const struct rh_part *p = &m->r->part[i];
        if (p->sources[0] && !sources.n)
            rh_text_add(&t, ", from ");
        list_word(&t, &sources, m, p->sources);
        generated |= p->generated;
        for (int32_t k = 0; k < p->n_leaks; k++)
            leak |= p->leak[k].count != 0;
        for (int32_t k = 0; k < p->n_rows; k++)
            interval |= !m->c->of_ranks && !isnan(p->row[k].cell[m->column].interval);
    }
    rh_text_add(&t, generated ? "; generated data" : "");
    rh_text_add(&t, leak ? "; LEAKAGE, see the table" : "");
    if (strstr(column->id, "/candidates=sampled"))
        rh_text_add(&t, "; SAMPLED: does not keep the order of algorithms");
    rh_text_add(&t, interval ? "; 95 % confidence intervals over users" : "");
    m->c->subtitle = rh_arena_strdup(m->a, t.s ? t.s : "");
    bool failed = t.failed || !m->c->subtitle;
    rh_text_release(&t);
    m->c->title = m->plot->title && m->plot->title[0] ? m->plot->title : m->r->title[0] ? m->r->title : m->r->name;
    m->c->y_title = column->lower_is_better ? rh_arena_printf(m->a, "%s (lower is better)", column->id) : column->id;
    m->c->x_title = is_key(m->x) ? after_dot(m->x) : "";
    return failed || !m->c->y_title ? no_memory(m) : RH_OK;
}

/* -------------------------------------------------------------------------------------------------- making */

static const char *or_else(const char *word, const char *otherwise)
{
    return word && word[0] ? word : otherwise;
}

static int make(struct making *m, const char *metric)
{
    const char *kind = or_else(m->plot->kind, "bars");
    struct rh_chart *c = m->c;
    c->lines = !strcmp(kind, "lines");
    c->of_ranks = !strcmp(kind, "cd");
    if (!c->lines && !c->of_ranks && strcmp(kind, "bars"))
        return rh_fail(m->err, RH_EINVAL, "plot '%s': unknown kind '%s': allowed bars, lines, cd", m->plot->name,
                       kind);
    RH_TRY(find_column(m, or_else(metric, or_else(m->plot->y, m->r->primary))));
    c->column = m->column;
    if (c->of_ranks) {
        m->x = "algorithm";
        return make_titles(m);
    }
    m->x = or_else(m->plot->x, "algorithm");
    m->series = or_else(m->plot->series, strcmp(m->x, "algorithm") ? "algorithm" : "problem");
    if (is_key(m->series))
        RH_TRY(find_key(m, m->series));
    m->x_of_problem = false;
    if (is_key(m->x))
        RH_TRY(find_key(m, m->x));
    RH_TRY(each_row(m, only_names));
    RH_TRY(sort_x(m));
    int64_t marks = (int64_t)c->panel.n * c->series.n * c->x.n;
    c->mark = rh_alloc(m->a, (size_t)marks, sizeof *c->mark);
    if (!c->mark)
        return no_memory(m);
    for (int64_t i = 0; i < marks; i++)
        c->mark[i] = (struct rh_mark){ NAN, NAN, false, false };
    RH_TRY(each_row(m, set_mark));
    bool any = false;
    for (int64_t i = 0; i < marks; i++)
        any |= !isnan(c->mark[i].value);
    if (!any)
        return rh_fail(m->err, RH_EDATA, "plot '%s': nothing to draw: no run has a value of %s", m->plot->name,
                       m->r->column[m->column].id);
    return make_titles(m);
}

int rh_chart_make(struct rh_arena *a, const struct rh_results *r, const struct rh_plot_row *plot, const char *metric,
                  struct rh_chart *out, struct rh_error *err)
{
    *out = (struct rh_chart){ 0 };
    struct making m = { .a = a, .r = r, .plot = plot, .c = out, .err = err };
    return make(&m, metric);
}
