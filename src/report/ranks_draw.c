/* Diagrams of mean ranks: drawn with lines and texts at pixels, without gnuplot's axes; and as lines for a terminal. */
#include "report/drawing.h"
#include "report/ranks.h"
#include "report/write.h"

#include <math.h>
#include <string.h>

#define ROW 19       /* between two names */
#define BAR 8        /* between two rows of bars */
#define AXIS 52      /* from the top of a panel to its axis: the ruler and the numbers stand above */
#define MOST_NAME 40 /* letters of a name; the start of a longer one goes, as labels differ at the end */

/* The pixel of a rank. */
struct axis {
    double low, high, left, right;
};

static double pixel(const struct axis *x, double rank)
{
    return x->left + (rank - x->low) / (x->high - x->low) * (x->right - x->left);
}

static void line(struct rh_drawing *d, double x0, double y0, double x1, double y1, double width, const char *colour)
{
    rh_text_printf(d->t, "set arrow from %.1f,%.1f to %.1f,%.1f nohead lw %g lc rgb '%s'\n", x0, y0, x1, y1, width,
                   colour);
}

static void text(struct rh_drawing *d, double x, double y, const char *side, int size, const char *colour,
                 const char *words)
{
    rh_text_add(d->t, "set label ");
    rh_quoted(d->t, words, 0);
    rh_text_printf(d->t, " at %.1f,%.1f %s font 'sans-serif,%d' textcolor rgb '%s'\n", x, y, side, size, colour);
}

static const char *shortened(const char *name, struct rh_text *t)
{
    size_t n = rh_utf8_length(name), drop = n > MOST_NAME ? n - MOST_NAME + 1 : 0;
    rh_text_clear(t);
    if (drop)
        rh_text_add(t, "\xe2\x80\xa6");
    while (*name && (drop || ((unsigned char)*name & 0xc0) == 0x80))
        drop -= ((unsigned char)*name++ & 0xc0) != 0x80;
    rh_text_add(t, name);
    return t->s ? t->s : "";
}

static double longest(const struct rh_ranks *r)
{
    size_t most = 0;
    for (int32_t p = 0; p < r->n; p++)
        for (int32_t i = 0; i < r->panel[p].n; i++) {
            size_t n = rh_utf8_length(r->panel[p].system[i].label);
            most = n > most ? n : most;
        }
    return (double)(most < MOST_NAME ? most : MOST_NAME);
}

static double panel_height(const struct rh_ranks_panel *p)
{
    return 26 + AXIS + 12 + BAR * p->n_rows + ROW * ((p->n + 1) / 2) + 20;
}

/* Whole ranks around those of all panels, so that panels can be compared, and room for the ruler. */
static struct axis axis_of(const struct rh_drawing *d)
{
    const struct rh_ranks *r = d->c->ranks;
    double names = 16 + longest(r) * d->letter + 44, low = INFINITY, high = 1, ruler = 0;
    for (int32_t p = 0; p < r->n; p++) {
        const struct rh_ranks_panel *q = &r->panel[p];
        low = fmin(low, floor(q->system[0].rank));
        high = fmax(high, ceil(q->system[q->n - 1].rank));
        ruler = fmax(ruler, q->critical);
    }
    high = fmax(high, low + fmax(1, ceil(ruler)));
    return (struct axis){ low, high, 16 + names, d->width - 16 - names };
}

static void draw_axis(struct rh_drawing *d, const struct axis *x, const struct rh_ranks_panel *p, double y)
{
    char words[64];
    double step = ceil((x->high - x->low) / 14);
    line(d, x->left, y, x->right, y, 1.5, "#444444");
    for (double rank = x->low; rank <= x->high; rank += step) {
        line(d, pixel(x, rank), y, pixel(x, rank), y - 6, 1.5, "#444444");
        snprintf(words, sizeof words, "%.0f", rank);
        text(d, pixel(x, rank), y - 14, "center", 10, "#222222", words);
    }
    double end = pixel(x, x->low + p->critical), ruler = y - 32;
    line(d, x->left, ruler, end, ruler, 1.5, "#444444");
    line(d, x->left, ruler - 4, x->left, ruler + 4, 1.5, "#444444");
    line(d, end, ruler - 4, end, ruler + 4, 1.5, "#444444");
    snprintf(words, sizeof words, "critical difference %.2f", p->critical);
    text(d, end + 8, ruler, "left", 10, "#222222", words);
}

/* The better half has its names at the left, the other at the right; the outermost stand highest, so that no line
 * crosses another. */
static void draw_names(struct rh_drawing *d, const struct axis *x, const struct rh_ranks_panel *p, double axis,
                       double y)
{
    struct rh_text name = { 0 };
    char words[32];
    int32_t half = (p->n + 1) / 2;
    for (int32_t i = 0; i < p->n; i++) {
        bool left = i < half;
        double at = pixel(x, p->system[i].rank), row = y + ROW * (left ? i : p->n - 1 - i);
        double end = left ? x->left - 6 : x->right + 6;
        line(d, at, axis, at, row, 1, "#777777");
        line(d, at, row, end, row, 1, "#777777");
        snprintf(words, sizeof words, "%.2f", p->system[i].rank);
        text(d, left ? end - 4 : end + 4, row, left ? "right" : "left", 10, "#666666", words);
        text(d, left ? end - 42 : end + 42, row, left ? "right" : "left", 12, "#111111",
             shortened(p->system[i].label, &name));
    }
    d->t->failed |= name.failed;
    rh_text_release(&name);
}

static void draw_panel(struct rh_drawing *d, const struct axis *x, const struct rh_ranks_panel *p)
{
    double axis = d->top + 26 + AXIS;
    text(d, 16, d->top + 8, "left", 13, "#111111", p->title);
    draw_names(d, x, p, axis, axis + 12 + BAR * p->n_rows + 8);
    draw_axis(d, x, p, axis);
    for (int32_t g = 0; g < p->n_groups; g++) {
        const struct rh_ranks_group *k = &p->group[g];
        double y = axis + 9 + BAR * k->row;
        line(d, pixel(x, p->system[k->first].rank) - 3, y, pixel(x, p->system[k->last].rank) + 3, y, 4, "#0072B2");
    }
}

void rh_ranks_draw(struct rh_drawing *d, enum rh_picture picture, const char *output)
{
    const struct rh_ranks *r = d->c->ranks;
    d->width = 960;
    d->height = d->top = rh_drawing_head(d->c);
    for (int32_t p = 0; p < r->n; p++)
        d->height += panel_height(&r->panel[p]);
    struct axis x = axis_of(d);
    rh_drawing_open(d, picture, output);
    rh_drawing_titles(d);
    rh_text_printf(d->t,
                   "set lmargin at screen 0\nset rmargin at screen 1\n"
                   "set tmargin at screen 1\nset bmargin at screen 0\n"
                   "unset border\nunset tics\nunset key\nset xrange [0:%g]\nset yrange [%g:0]\n",
                   d->width, d->height);
    for (int32_t p = 0; p < r->n; p++) {
        draw_panel(d, &x, &r->panel[p]);
        d->top += panel_height(&r->panel[p]);
    }
    rh_text_add(d->t, "plot NaN notitle\nunset multiplot\n");
}

void rh_ranks_text(const struct rh_chart *c, int width, struct rh_text *t)
{
    const struct rh_ranks *r = c->ranks;
    rh_titles_text(c, width, t);
    for (int32_t p = 0; p < r->n; p++) {
        const struct rh_ranks_panel *q = &r->panel[p];
        rh_text_printf(t, "\n%s, critical difference %.2f\n", q->title, q->critical);
        for (int32_t i = 0; i < q->n; i++) {
            rh_text_printf(t, "%8.2f ", q->system[i].rank);
            for (int32_t g = 0; g < q->n_groups; g++) /* a column each: bars of one row would touch */
                rh_text_add(t, q->group[g].first <= i && i <= q->group[g].last ? "\xe2\x94\x83" : " ");
            rh_text_printf(t, "%s%s\n", q->n_groups ? " " : "", q->system[i].label);
        }
    }
}
