/* A table for people at a terminal. */
#include "report/gain.h"
#include "report/write.h"

#include <math.h>
#include <string.h>

#define GAP 2 /* spaces between columns */

struct sheet {
    const struct rh_results *r;
    const struct rh_table_options *o;
    const struct rh_part *p;
    struct rh_text *t;
    struct rh_text cell; /* one cell, to be measured before it is placed */
};

static void spaces(struct rh_text *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rh_text_add(t, " ");
}

static void paint(const struct sheet *s, const char *code)
{
    if (s->o->colour)
        rh_text_add(s->t, code);
}

/* Behind the metrics stand the gains and the budget that are shown, then the time. Which is column c? -1: none. */
static int gain_at(const struct sheet *s, int32_t c)
{
    int32_t at = s->r->n_columns;
    for (int k = 0; k < RH_GAIN_COLUMNS; k++)
        if (rh_gain_shown(s->r, k) && at++ == c)
            return k;
    return -1;
}

static int32_t columns_of(const struct sheet *s)
{
    int32_t n = s->r->n_columns + 1;
    for (int k = 0; k < RH_GAIN_COLUMNS; k++)
        n += rh_gain_shown(s->r, k);
    return n;
}

static const char *heading(const struct sheet *s, int32_t c)
{
    int gain = gain_at(s, c);
    return c < s->r->n_columns ? s->r->column[c].id : gain >= 0 ? rh_gain_head(gain) : "seconds";
}

static void format_cell(struct sheet *s, const struct rh_row *row, int32_t c)
{
    int gain = gain_at(s, c);
    rh_text_clear(&s->cell);
    if (gain >= 0) {
        rh_gain_write(row, gain, &s->cell);
        if (!s->cell.n || s->cell.s[s->cell.n - 1] != '!')
            rh_text_add(&s->cell, "  "); /* the room of the mark */
        return;
    }
    if (c >= s->r->n_columns) {
        rh_text_printf(&s->cell, isnan(row->seconds) ? "-" : row->seconds < 100 ? "%.2f" : "%.0f", row->seconds);
        return;
    }
    const struct rh_cell *cell = &row->cell[c];
    rh_text_printf(&s->cell, isnan(cell->value) ? "-" : "%.4f", cell->value);
    if (!s->o->colour) /* a mark that every row makes room for, so that the points stay in line */
        rh_text_add(&s->cell, rh_is_best(s->r, s->p, row, c) ? "*" : " ");
    if (s->o->interval && !isnan(cell->value))
        rh_text_printf(&s->cell, isnan(cell->interval) ? "        " : " \xc2\xb1%.4f", cell->interval);
}

static bool whole_failure(const struct rh_row *row)
{
    return row->failed == row->runs;
}

static size_t cell_width(const struct sheet *s)
{
    return s->cell.s ? rh_utf8_length(s->cell.s) : 0;
}

static size_t column_width(struct sheet *s, int32_t c)
{
    size_t width = rh_utf8_length(heading(s, c)) + (!s->o->colour && c < s->r->n_columns);
    for (int32_t i = 0; i < s->p->n_rows; i++) {
        if (whole_failure(&s->p->row[i]))
            continue;
        format_cell(s, &s->p->row[i], c);
        width = cell_width(s) > width ? cell_width(s) : width;
    }
    return width;
}

static size_t label_width(const struct sheet *s)
{
    size_t width = strlen("algorithm");
    for (int32_t i = 0; i < s->p->n_rows; i++) {
        size_t n = rh_utf8_length(s->p->row[i].label);
        width = n > width ? n : width;
    }
    return width;
}

static void add_label(const struct sheet *s, const char *label, size_t width)
{
    rh_text_add(s->t, label);
    spaces(s->t, width - rh_utf8_length(label));
}

static void trim_end(struct rh_text *t)
{
    while (t->n && t->s[t->n - 1] == ' ')
        t->s[--t->n] = '\0';
}

static void add_failure(const struct sheet *s, const struct rh_row *row, size_t indent)
{
    size_t room = s->o->width > 0 && (size_t)s->o->width > indent + GAP + 20 ? (size_t)s->o->width - indent - GAP
                                                                             : SIZE_MAX;
    const char *word = strcmp(row->status, "stale") ? "failed: " : "stale: ";
    struct rh_text whole = { 0 };
    rh_text_printf(&whole, "%s%s", word, row->message);
    spaces(s->t, GAP);
    paint(s, "\033[31m");
    size_t columns = 0;
    const char *p = whole.s ? whole.s : "";
    bool cut = rh_utf8_length(p) > room;
    for (; *p; p++) {
        if (((unsigned char)*p & 0xc0) != 0x80 && cut && columns + 1 >= room)
            break;
        columns += ((unsigned char)*p & 0xc0) != 0x80;
        rh_text_addn(s->t, *p == '\n' ? " " : p, 1);
    }
    if (cut)
        rh_text_add(s->t, "\xe2\x80\xa6");
    paint(s, "\033[0m");
    rh_text_release(&whole);
}

/* Columns from .. to - 1, with the labels in front. */
static void write_block(struct sheet *s, int32_t from, int32_t to, const size_t *width, size_t labels)
{
    struct rh_text *t = s->t;
    add_label(s, "algorithm", labels);
    for (int32_t c = from; c < to; c++) {
        bool marked = !s->o->colour && c < s->r->n_columns; /* the heading ends where the digits do */
        spaces(t, GAP + width[c] - rh_utf8_length(heading(s, c)) - marked);
        rh_text_printf(t, "%s%s", heading(s, c), marked ? " " : "");
    }
    trim_end(t);
    rh_text_add(t, "\n");
    for (int32_t i = 0; i < s->p->n_rows; i++) {
        const struct rh_row *row = &s->p->row[i];
        add_label(s, row->label, labels);
        if (whole_failure(row))
            add_failure(s, row, labels);
        for (int32_t c = from; c < to && !whole_failure(row); c++) {
            bool bold = s->o->colour && c < s->r->n_columns && rh_is_best(s->r, s->p, row, c);
            format_cell(s, row, c);
            spaces(t, GAP + width[c] - cell_width(s));
            if (bold)
                rh_text_add(t, "\033[1m");
            rh_text_add(t, s->cell.s ? s->cell.s : "");
            if (bold)
                rh_text_add(t, "\033[0m");
        }
        trim_end(t);
        rh_text_add(t, "\n");
    }
}

static void write_lines(struct sheet *s)
{
    struct rh_text line = { 0 };
    paint(s, "\033[1m");
    rh_text_add(s->t, s->p->label);
    paint(s, "\033[0m");
    rh_text_add(s->t, "\n");
    rh_write_part(s->p, &line);
    rh_write_paragraph(s->t, line.s ? line.s : "", s->o->width);
    rh_text_add(s->t, "\n");
    void (*const loud[])(const struct rh_part *, struct rh_text *) = { rh_write_warning, rh_write_leakage };
    for (size_t i = 0; i < sizeof loud / sizeof *loud; i++) {
        rh_text_clear(&line);
        loud[i](s->p, &line);
        if (!line.n)
            continue;
        paint(s, "\033[1;31m");
        rh_write_paragraph(s->t, line.s, s->o->width);
        paint(s, "\033[0m");
        rh_text_add(s->t, "\n");
    }
    rh_text_release(&line);
    rh_text_add(s->t, "\n");
}

static void write_part(struct sheet *s)
{
    enum { MOST = 512 };
    size_t width[MOST], labels = label_width(s);
    int32_t n = columns_of(s) < MOST ? columns_of(s) : MOST; /* more than anyone reads at a terminal */
    write_lines(s);
    if (!s->p->n_rows) {
        rh_text_add(s->t, "no runs yet\n");
        return;
    }
    for (int32_t c = 0; c < n; c++)
        width[c] = column_width(s, c);
    for (int32_t from = 0; from < n;) {
        int32_t to = from;
        size_t used = labels;
        while (to < n && (to == from || !s->o->width || used + GAP + width[to] <= (size_t)s->o->width))
            used += GAP + width[to++];
        if (from)
            rh_text_add(s->t, "\n");
        write_block(s, from, to, width, labels);
        from = to;
    }
    struct rh_text notes = { 0 };
    rh_write_notes(s->p, &notes);
    if (notes.n) {
        rh_text_add(s->t, "\n");
        rh_write_paragraph(s->t, notes.s, s->o->width);
        rh_text_add(s->t, "\n");
    }
    rh_text_release(&notes);
}

void rh_table_text(const struct rh_results *r, const struct rh_table_options *o, struct rh_text *t)
{
    struct sheet s = { .r = r, .o = o, .t = t };
    rh_text_printf(t, r->title[0] && strcmp(r->title, r->name) ? "%s: %s\n" : "%s\n", r->name, r->title);
    if (!r->n_parts)
        rh_text_add(t, "\nno problems yet\n");
    for (int32_t i = 0; i < r->n_parts; i++) {
        s.p = &r->part[i];
        rh_text_add(t, "\n");
        write_part(&s);
    }
    rh_text_release(&s.cell);
}
