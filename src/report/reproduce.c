#include "report/reproduce.h"

#include "report/results.h"
#include "report/write.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum verdict { HOLDS, DIFFERS, MISSING };
static const char *const verdicts[] = { "holds", "differs", "missing" };
static const char *const reasons[] = { "rounding", "exact", "seed", "ties" };

/* A cell with what the store has. */
struct line {
    const struct rh_claim *claim;
    double ours; /* NaN: nothing */
    const char *message;
    enum verdict verdict;
};

static const struct rh_row *find_row(const struct rh_results *r, const struct rh_claim *c)
{
    for (int32_t p = 0; p < r->n_parts; p++)
        for (int32_t k = 0; k < r->part[p].n_rows && !strcmp(r->part[p].label, c->problem); k++)
            if (!strcmp(r->part[p].row[k].label, c->algorithm))
                return &r->part[p].row[k];
    return NULL;
}

/* A mean over some of the folds only is not the published one: a failed run makes a cell missing. */
static struct line compare(const struct rh_results *r, const struct rh_claim *c)
{
    struct line l = { .claim = c, .ours = NAN, .message = "", .verdict = MISSING };
    const struct rh_row *row = find_row(r, c);
    if (!row)
        return l;
    l.message = row->message;
    for (int32_t m = 0; m < r->n_columns && !row->failed; m++)
        if (!strcmp(r->column[m].id, c->metric))
            l.ours = row->cell[m].value;
    if (!isnan(l.ours))
        l.verdict = fabs(l.ours - c->value) <= c->tolerance ? HOLDS : DIFFERS;
    return l;
}

/* Our value with three digits more than the published one, so that a rounding can be followed. */
static void print_ours(const struct line *l, char *ours, char *difference, size_t n)
{
    const char *point = strchr(l->claim->printed, '.');
    int digits = (point ? (int)strlen(point + 1) : 0) + 3;
    if (isnan(l->ours)) {
        snprintf(ours, n, "-");
        snprintf(difference, n, "-");
        return;
    }
    snprintf(ours, n, "%.*f", digits, l->ours);
    snprintf(difference, n, "%+.*f", digits, l->ours - l->claim->value);
}

static void print_allowed(const struct rh_claim *c, char *out, size_t n)
{
    snprintf(out, n, "%.3g %s", c->tolerance, reasons[c->reason]);
}

enum { COLUMNS = 7, NUMBER = 64 };
static const char *const heads[COLUMNS] = {
    "row", "metric", "published", "ours", "difference", "allowed", "verdict",
};

/* The cells of a line as text; those that are borrowed stay where they are. */
struct cells {
    const char *text[COLUMNS];
    char ours[NUMBER], difference[NUMBER], allowed[NUMBER];
};

static void fill(const struct line *l, struct cells *c)
{
    print_ours(l, c->ours, c->difference, NUMBER);
    print_allowed(l->claim, c->allowed, NUMBER);
    const char *const text[COLUMNS] = { l->claim->row, l->claim->metric, l->claim->printed, c->ours,
                                        c->difference, c->allowed,       verdicts[l->verdict] };
    memcpy(c->text, text, sizeof text);
}

static void write_paragraph(struct rh_text *t, const char *head, const char *text, int width)
{
    struct rh_text plain = { 0 };
    if (!*text)
        return;
    rh_text_printf(&plain, "%s%s", head, text);
    rh_write_paragraph(t, plain.s ? plain.s : "", width);
    rh_text_add(t, "\n");
    t->failed |= plain.failed;
    rh_text_release(&plain);
}

/* "20 of 22 cells hold, 2 differ: the table does not hold" */
static void write_verdict(const struct line *line, int32_t n, struct rh_text *t)
{
    int32_t count[3] = { 0 };
    for (int32_t i = 0; i < n; i++)
        count[line[i].verdict]++;
    rh_text_printf(t, "%d of %d cells hold", count[HOLDS], n);
    if (count[DIFFERS])
        rh_text_printf(t, ", %d differ%s", count[DIFFERS], count[DIFFERS] == 1 ? "s" : "");
    if (count[MISSING])
        rh_text_printf(t, ", %d missing", count[MISSING]);
    rh_text_printf(t, ": the table %s\n", count[HOLDS] == n ? "holds" : "does not hold");
}

/* Notes of rows and messages of failed runs, each once. */
static void write_notes(const struct line *line, int32_t n, int width, const char *bullet, struct rh_text *t)
{
    char head[256];
    for (int32_t i = 0; i < n; i++) {
        const struct rh_claim *c = line[i].claim;
        if (i && !strcmp(c->row, line[i - 1].claim->row) && !strcmp(c->problem, line[i - 1].claim->problem))
            continue;
        snprintf(head, sizeof head, "%s%s: ", bullet, c->row);
        write_paragraph(t, head, c->note, width);
        if (line[i].verdict == MISSING)
            write_paragraph(t, head, *line[i].message ? line[i].message : "no such run is stored", width);
    }
}

static void write_text(const struct rh_claims *claims, const struct line *line, int width, struct rh_text *t)
{
    size_t widest[COLUMNS];
    int32_t n = claims->n_claims;
    for (int k = 0; k < COLUMNS; k++)
        widest[k] = strlen(heads[k]);
    for (int32_t i = 0; i < n; i++) {
        struct cells c;
        fill(&line[i], &c);
        for (int k = 0; k < COLUMNS; k++)
            if (rh_utf8_length(c.text[k]) > widest[k])
                widest[k] = rh_utf8_length(c.text[k]);
    }
    write_paragraph(t, "", claims->source, width);
    write_paragraph(t, "table: ", claims->table, width);
    write_paragraph(t, "protocol: ", claims->protocol, width);
    rh_text_add(t, "\n");
    for (int32_t i = -1; i < n; i++) {
        struct cells c;
        if (i < 0)
            memcpy(c.text, heads, sizeof heads);
        else
            fill(&line[i], &c);
        for (int k = 0; k < COLUMNS; k++) {
            int pad = (int)(widest[k] - rh_utf8_length(c.text[k]));
            bool number = k >= 2 && k <= 4;
            rh_text_printf(t, "%s%*s%s", k ? "  " : "", number ? pad : 0, "", c.text[k]);
            if (!number && k + 1 < COLUMNS)
                rh_text_printf(t, "%*s", pad, "");
        }
        rh_text_add(t, "\n");
    }
    rh_text_add(t, "\n");
    write_verdict(line, n, t);
    if (claims->n_departures)
        rh_text_add(t, "\ndepartures from the published protocol:\n");
    for (int32_t k = 0; k < claims->n_departures; k++)
        write_paragraph(t, "- ", claims->departure[k], width);
    write_notes(line, n, width, "* ", t);
}

static void write_markdown(const struct rh_claims *claims, const struct line *line, struct rh_text *t)
{
    rh_write_markdown(t, claims->source);
    rh_text_add(t, "\n\n");
    if (*claims->table) {
        rh_text_add(t, "Table: ");
        rh_write_markdown(t, claims->table);
        rh_text_add(t, "\n\n");
    }
    if (*claims->protocol) {
        rh_text_add(t, "Protocol: ");
        rh_write_markdown(t, claims->protocol);
        rh_text_add(t, "\n\n");
    }
    for (int k = 0; k < COLUMNS; k++)
        rh_text_printf(t, "| %s ", heads[k]);
    rh_text_add(t, "|\n| --- | --- | ---: | ---: | ---: | --- | --- |\n");
    for (int32_t i = 0; i < claims->n_claims; i++) {
        struct cells c;
        fill(&line[i], &c);
        for (int k = 0; k < COLUMNS; k++) {
            rh_text_add(t, "| ");
            rh_write_markdown(t, c.text[k]);
            rh_text_add(t, " ");
        }
        rh_text_add(t, "|\n");
    }
    rh_text_add(t, "\n");
    write_verdict(line, claims->n_claims, t);
    rh_text_add(t, claims->n_departures ? "\nDepartures from the published protocol:\n\n" : "");
    for (int32_t k = 0; k < claims->n_departures; k++) {
        rh_text_add(t, "- ");
        rh_write_markdown(t, claims->departure[k]);
        rh_text_add(t, "\n");
    }
    rh_text_add(t, "\n");
    write_notes(line, claims->n_claims, 0, "- ", t);
}

static void write_csv(const struct rh_claims *claims, const struct line *line, struct rh_text *t)
{
    rh_text_add(t, "row,problem,algorithm,metric,published,ours,difference,tolerance,reason,verdict,note,message\n");
    for (int32_t i = 0; i < claims->n_claims; i++) {
        const struct rh_claim *c = line[i].claim;
        const char *const text[] = { c->row, c->problem, c->algorithm, c->metric, c->printed };
        for (size_t k = 0; k < sizeof text / sizeof *text; k++) {
            rh_write_csv(t, text[k]);
            rh_text_add(t, ",");
        }
        rh_write_real(t, line[i].ours);
        rh_text_add(t, ",");
        rh_write_real(t, line[i].ours - c->value);
        rh_text_add(t, ",");
        rh_write_real(t, c->tolerance);
        rh_text_printf(t, ",%s,%s,", reasons[c->reason], verdicts[line[i].verdict]);
        rh_write_csv(t, c->note);
        rh_text_add(t, ",");
        rh_write_csv(t, line[i].message);
        rh_text_add(t, "\n");
    }
}

int rh_reproduce(struct rh_store *s, const char *experiment, const struct rh_claims *claims,
                 const struct rh_reproduce_options *o, struct rh_text *out, bool *holds, struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_results r;
    int status = rh_results_load(s, &a, experiment, NULL, false, &r, err);
    struct line *line = rh_alloc(&a, (size_t)claims->n_claims, sizeof *line);
    if (status >= 0 && !line)
        status = rh_fail_memory(err, "the comparison", (size_t)claims->n_claims * sizeof *line);
    *holds = status >= 0;
    for (int32_t i = 0; status >= 0 && i < claims->n_claims; i++) {
        line[i] = compare(&r, &claims->claim[i]);
        *holds &= line[i].verdict == HOLDS;
    }
    if (status >= 0 && o->format == RH_FORMAT_TEXT)
        write_text(claims, line, o->width, out);
    else if (status >= 0 && o->format == RH_FORMAT_MARKDOWN)
        write_markdown(claims, line, out);
    else if (status >= 0 && o->format == RH_FORMAT_CSV)
        write_csv(claims, line, out);
    else if (status >= 0)
        status = rh_fail(err, RH_EUNSUP, "reproduce writes text, md or csv");
    if (status >= 0 && out->failed)
        status = rh_fail_memory(err, "the comparison", out->n);
    rh_arena_release(&a);
    return status;
}
