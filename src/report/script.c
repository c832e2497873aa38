#include "report/drawing.h"
#include "report/write.h"

#include <math.h>
#include <string.h>

/* Okabe and Ito 2008, told apart by readers with any colour vision; greys for their black,
 * which hides the interval on a bar, and for their yellow, which is weak on white. */
static const unsigned palette[] = { 0x0072B2, 0xE69F00, 0x009E73, 0xCC79A7, 0x56B4E9, 0xD55E00, 0x555555, 0xAAAAAA };
static const int points[] = { 7, 5, 9, 11, 13, 6, 4, 8, 10, 12 }; /* filled first, then hollow */
#define SUBTITLE 140 /* letters of a line of the subtitle */
enum { COLOURS = sizeof palette / sizeof *palette, POINTS = sizeof points / sizeof *points };

void rh_quoted(struct rh_text *t, const char *s, char doubled)
{
    rh_text_add(t, "'");
    while (*s) {
        size_t n = rh_utf8_sequence(s);
        if (*s == '\'' || (doubled && *s == doubled))
            rh_text_addn(t, s, 1);
        if (!n)
            rh_text_add(t, "?");
        else if ((unsigned char)*s < 0x20 || *s == 0x7f)
            rh_text_add(t, " ");
        else
            rh_text_addn(t, s, n);
        s += n ? n : 1;
    }
    rh_text_add(t, "'");
}

static void number(struct rh_text *t, double x)
{
    char buf[32];
    rh_text_printf(t, " %s", isnan(x) ? "NaN" : rh_real_text(x, buf));
}

static size_t longest(const struct rh_names *names)
{
    size_t most = 0;
    for (int32_t i = 0; i < names->n; i++)
        most = rh_utf8_length(names->name[i]) > most ? rh_utf8_length(names->name[i]) : most;
    return most;
}

const char *rh_decimals(double most)
{
    return most >= 100 ? "%.1f" : most >= 0.1 ? "%.3f" : "%.4f";
}

static double lower(const struct rh_mark *m)
{
    return isnan(m->interval) ? m->value : m->value - m->interval;
}

static double upper(const struct rh_mark *m)
{
    return isnan(m->interval) ? m->value : m->value + m->interval;
}

/* Least and largest end of all intervals: panels share their axis, so that they can be compared. */
static void extent(const struct rh_chart *c, double *least, double *most)
{
    *least = INFINITY;
    *most = -INFINITY;
    for (int64_t i = 0; i < (int64_t)c->panel.n * c->series.n * c->x.n; i++) {
        if (isnan(c->mark[i].value))
            continue;
        *least = fmin(*least, lower(&c->mark[i]));
        *most = fmax(*most, upper(&c->mark[i]));
    }
}

/* Of bars: the ninth series and those after it have the first colours again, half as strong. Lines differ by dashes
 * and points too. */
static unsigned bar_colour(int32_t series)
{
    unsigned rgb = palette[series % COLOURS];
    return series < COLOURS ? rgb : 0x808080 + ((rgb >> 1) & 0x7f7f7f);
}

/* Does the series have anything at this place (x) or at all (x < 0) in the panel? */
static bool stands(const struct rh_chart *c, int32_t panel, int32_t series, int32_t x)
{
    bool any = false;
    for (int32_t i = x < 0 ? 0 : x; i < (x < 0 ? c->x.n : x + 1); i++)
        any |= rh_chart_mark(c, panel, series, i)->there;
    return any;
}

/* ---------------------------------------------------------------------------------------------- the whole */

void rh_drawing_open(struct rh_drawing *d, enum rh_picture picture, const char *output)
{
    static const char font[] = "font 'sans-serif,12' background rgb 'white'";
    struct rh_text *t = d->t;
    rh_text_add(t, "# Made by harness. Draw with: gnuplot FILE\n");
    switch (picture) {
    case RH_PICTURE_SVG:
        rh_text_printf(t, "set terminal svg noenhanced size %.0f,%.0f %s\n", d->width, d->height, font);
        break;
    case RH_PICTURE_PNG: /* half as many pixels again, for screens with small ones */
        rh_text_printf(t, "set terminal pngcairo noenhanced size %.0f,%.0f %s fontscale 1.2 linewidth 1.5 "
                          "pointscale 1.5\n",
                       1.5 * d->width, 1.5 * d->height, font);
        break;
    case RH_PICTURE_PDF:
        rh_text_printf(t, "set terminal pdfcairo noenhanced size %.2fin,%.2fin %s fontscale 0.58 linewidth 1.5 "
                          "pointscale 0.8\n",
                       d->width / 96, d->height / 96, font);
        break;
    case RH_PICTURE_TERMINAL:
        rh_text_printf(t, "set terminal dumb noenhanced mono size %.0f,%.0f\n", d->width, d->height);
        break;
    }
    rh_text_add(t, "set encoding utf8\n");
    if (output) {
        rh_text_add(t, "set output ");
        rh_quoted(t, output, 0);
        rh_text_add(t, "\n");
    }
    if (!d->terminal)
        rh_text_add(t, "set style line 100 lc rgb '#DDDDDD' lw 1\n"
                       "set border 3 lc rgb '#777777'\n"
                       "set tics textcolor rgb '#222222'\n"
                       "set style fill solid 1.0 noborder\n");
    rh_text_add(t, "set tics nomirror\nset format '%g'\nset multiplot\n");
}

static void label(struct rh_drawing *d, int tag, const char *text, double x, double y, const char *style)
{
    rh_text_printf(d->t, "set label %d ", tag);
    rh_quoted(d->t, text, 0);
    rh_text_printf(d->t, " at screen %.5f, screen %.5f left %s\n", x / d->width, 1 - y / d->height, style);
}

void rh_drawing_titles(struct rh_drawing *d)
{
    if (d->terminal)
        return; /* they stand above the drawing, as lines of text that can be broken */
    label(d, 1, d->c->title, 16, 24, "font 'sans-serif,16' textcolor rgb '#111111'");
    struct rh_text lines = { 0 };
    char *rest = NULL;
    int n = 0;
    rh_write_paragraph(&lines, d->c->subtitle, SUBTITLE);
    for (char *line = lines.s ? strtok_r(lines.s, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest)) {
        label(d, 5 + n, line + strspn(line, " "), 16, 47 + 16 * n, "font 'sans-serif,11' textcolor rgb '#555555'");
        n++;
    }
    d->t->failed |= lines.failed;
    rh_text_release(&lines);
}

double rh_drawing_head(const struct rh_chart *c)
{
    struct rh_text lines = { 0 };
    double height = 70;
    rh_write_paragraph(&lines, c->subtitle, SUBTITLE);
    for (const char *p = lines.s; p && (p = strchr(p, '\n')); p++)
        height += 16;
    rh_text_release(&lines);
    return height;
}

/* Margins of the panel at work, and its own title. */
static void place_panel(struct rh_drawing *d, const char *title)
{
    rh_text_printf(d->t, "set lmargin at screen %.5f\nset rmargin at screen %.5f\n", d->left / d->width,
                   d->right / d->width);
    rh_text_printf(d->t, "set tmargin at screen %.5f\nset bmargin at screen %.5f\n", 1 - d->top / d->height,
                   1 - d->bottom / d->height);
    if (title[0])
        label(d, 3, title, d->left, d->top - (d->terminal ? 1 : 14),
              d->terminal ? "" : "font 'sans-serif,13' textcolor rgb '#111111'");
}

/* What the first panel said need not be said again. */
static void close_panel(struct rh_drawing *d)
{
    rh_text_add(d->t, "unset label\nunset key\n");
}

static void key(struct rh_drawing *d)
{
    if (d->c->series.n > 1)
        rh_text_printf(d->t, "set key at screen %.5f, screen %.5f left top vertical maxrows %d Left reverse "
                             "samplen %s spacing 1.2\n",
                       (d->right + 2 * d->letter) / d->width, 1 - d->top / d->height, d->c->series.n,
                       d->c->lines ? "2.5" : "1");
    else
        rh_text_add(d->t, "unset key\n");
}

static double key_width(const struct rh_drawing *d)
{
    return d->c->series.n > 1 ? (double)longest(&d->c->series) * d->letter + (d->terminal ? 9 : 66) : 0;
}

/* -------------------------------------------------------------------------------------------- lying bars */

static bool all_failed(const struct rh_chart *c, int32_t panel, int32_t x)
{
    for (int32_t s = 0; s < c->series.n; s++)
        if (!isnan(rh_chart_mark(c, panel, s, x)->value))
            return false;
    return true;
}

/* Rows of bars that the panel has, one a place with its series; *bars is their number. */
static int32_t bar_rows(const struct rh_chart *c, int32_t panel, int32_t *bars)
{
    int32_t rows = 0;
    *bars = 0;
    for (int32_t x = 0; x < c->x.n; x++) {
        int32_t here = 0;
        for (int32_t s = 0; s < c->series.n; s++)
            here += stands(c, panel, s, x);
        rows += here > 0;
        *bars += here > 0 && all_failed(c, panel, x) ? 1 : here;
    }
    return rows;
}

/* Bars lie, so that the names of algorithms can be read; a group a place, thickness 1, gap 0.8. A group without any
 * value is one bar thick. */
static void bar_data(struct rh_drawing *d, int32_t panel, double *height)
{
    const struct rh_chart *c = d->c;
    struct rh_text tics = { 0 }, failures = { 0 };
    double y = 0.4;
    int tag = 100;
    rh_text_printf(d->t, "$bars%d << EOD\n# series value y low high thickness-low thickness-high\n", panel);
    for (int32_t x = 0; x < c->x.n; x++) {
        double first = y;
        for (int32_t s = 0; s < c->series.n; s++) {
            const struct rh_mark *m = rh_chart_mark(c, panel, s, x);
            if (!m->there)
                continue;
            if (isnan(m->value)) {
                rh_text_printf(&failures, "set label %d '%s' at first 0, first %g left offset 0.4,0 "
                                          "font 'sans-serif,10' textcolor rgb '#999999'\n",
                               tag++, m->failed ? "failed" : "undefined", y + 0.5);
                y += 1;
                if (all_failed(c, panel, x))
                    break;
                continue;
            }
            rh_text_printf(d->t, "%d", s);
            number(d->t, m->value);
            rh_text_printf(d->t, " %g", y + 0.5);
            number(d->t, isnan(m->interval) ? NAN : lower(m));
            number(d->t, isnan(m->interval) ? NAN : upper(m));
            rh_text_printf(d->t, " %g %g\n", y + 0.04, y + 0.96);
            y += 1;
        }
        if (y > first) {
            rh_text_add(&tics, tics.n ? ", " : "");
            rh_quoted(&tics, c->x.name[x], '%');
            rh_text_printf(&tics, " %g", (first + y) / 2);
            y += 0.8;
        }
    }
    *height = y - 0.4;
    rh_text_printf(d->t, "EOD\nset ytics (%s) scale 0\n%s", tics.s ? tics.s : "", failures.s ? failures.s : "");
    d->t->failed |= tics.failed || failures.failed;
    rh_text_release(&tics);
    rh_text_release(&failures);
}

static void bar_panel(struct rh_drawing *d, int32_t panel, double thickness, bool last)
{
    const struct rh_chart *c = d->c;
    struct rh_text *t = d->t;
    double least, most, height;
    extent(c, &least, &most);
    double low = fmin(0, least), high = fmax(most, 0), span = high > low ? high - low : 1;
    bar_data(d, panel, &height);
    d->bottom = d->top + height * thickness;
    place_panel(d, c->panel.name[panel]);
    rh_text_printf(t, "set yrange [%g:0]\nset xrange [%g:%g]\n", height, low < 0 ? low - 0.05 * span : 0,
                   high + 0.12 * span);
    rh_text_add(t, "set grid xtics ls 100\nset border 1\nset xtics scale 0.5 autofreq\n");
    if (last) {
        rh_text_add(t, "set xlabel ");
        rh_quoted(t, c->y_title, 0);
        rh_text_add(t, "\n");
    } else
        rh_text_add(t, "unset xlabel\n");
    rh_text_add(t, "plot ");
    for (int32_t s = 0; s < c->series.n; s++) {
        rh_text_printf(t, "$bars%d using ($1 == %d ? $2 : NaN):3:(0):2:6:7 with boxxyerror lc rgb '#%06X' title ",
                       panel, s, bar_colour(s));
        rh_quoted(t, c->series.name[s], 0);
        rh_text_add(t, ", \\\n     ");
    }
    rh_text_printf(t, "$bars%d using 2:3:4:5 with xerrorbars pt 0 lw 1.2 lc rgb '#000000' notitle, \\\n", panel);
    rh_text_printf(t, "     $bars%d using ($5 > $2 ? $5 : $2):3:(sprintf('%s', $2)) with labels left offset 0.4,0 "
                      "font 'sans-serif,%d' textcolor rgb '#333333' notitle\n",
                   panel, rh_decimals(most), thickness < 15 ? 9 : 10);
    close_panel(d);
}

static void draw_bars(struct rh_drawing *d, enum rh_picture picture, const char *output)
{
    const struct rh_chart *c = d->c;
    double thickness = c->series.n == 1 ? 18 : c->series.n == 2 ? 15 : 13;
    d->width = 960;
    d->height = rh_drawing_head(c);
    for (int32_t p = 0; p < c->panel.n; p++) {
        int32_t bars, rows = bar_rows(c, p, &bars);
        d->height += (bars + 0.8 * rows) * thickness + (c->panel.name[p][0] ? 66 : 40);
    }
    d->height += 26;
    rh_drawing_open(d, picture, output);
    rh_drawing_titles(d);
    rh_text_add(d->t, "set errorbars 0.5\n");
    d->left = fmin((double)longest(&c->x) * d->letter + 24, 0.45 * d->width);
    d->right = d->width - fmin(fmax(key_width(d), 24), 0.35 * d->width);
    d->top = rh_drawing_head(c);
    for (int32_t p = 0; p < c->panel.n; p++) {
        d->top += c->panel.name[p][0] ? 26 : 0;
        if (!p)
            key(d);
        bar_panel(d, p, thickness, p == c->panel.n - 1);
        d->top = d->bottom + 40;
    }
    rh_text_add(d->t, "unset multiplot\n");
}

/* -------------------------------------------------------------------------------------------------- lines */

static double x_of(const struct rh_chart *c, int32_t x)
{
    return c->numeric ? c->x_value[x] : x;
}

/* Values like 1, 5, 20, 100 want a logarithmic axis. */
static bool logarithmic(const struct rh_chart *c)
{
    return c->numeric && c->x.n > 2 && c->x_value[0] > 0 && c->x_value[c->x.n - 1] / c->x_value[0] >= 20;
}

static void x_axis(struct rh_drawing *d)
{
    const struct rh_chart *c = d->c;
    double first = x_of(c, 0), last = x_of(c, c->x.n - 1), room = 0.04 * (last - first);
    if (logarithmic(c)) {
        double factor = pow(last / first, 0.04);
        rh_text_printf(d->t, "set logscale x\nset xrange [%g:%g]\n", first / factor, last * factor);
    } else
        rh_text_printf(d->t, "set xrange [%g:%g]\n", first - (room > 0 ? room : 0.5), last + (room > 0 ? room : 0.5));
    rh_text_add(d->t, "set xtics (");
    int32_t step = 1 + c->x.n / (d->terminal ? 8 : 16); /* all of many would touch each other */
    for (int32_t x = 0; x < c->x.n; x += step) {
        rh_text_add(d->t, x ? ", " : "");
        rh_quoted(d->t, c->x.name[x], '%');
        number(d->t, x_of(c, x));
    }
    rh_text_add(d->t, ") scale 0.5\nset xlabel ");
    rh_quoted(d->t, c->x_title, 0);
    rh_text_add(d->t, "\n");
}

static void y_axis(struct rh_drawing *d)
{
    double least, most;
    extent(d->c, &least, &most);
    double room = most > least ? 0.06 * (most - least) : fmax(fabs(most), 1) * 0.1;
    bool from_zero = least >= 0 && least < 0.4 * most; /* else the axis would be mostly empty */
    rh_text_printf(d->t, "set yrange [%g:%g]\nset ytics scale 0.5 autofreq\n", from_zero ? 0 : least - room,
                   most + room);
    if (d->terminal)
        return; /* a name at the side would take the columns of the drawing */
    rh_text_add(d->t, "set ylabel ");
    rh_quoted(d->t, d->c->y_title, 0);
    rh_text_add(d->t, "\n");
}

static void line_data(struct rh_drawing *d, int32_t panel)
{
    const struct rh_chart *c = d->c;
    for (int32_t s = 0; s < c->series.n; s++) {
        rh_text_printf(d->t, "$line%d_%d << EOD\n# x value low high\n", panel, s);
        for (int32_t x = 0; x < c->x.n; x++) {
            const struct rh_mark *m = rh_chart_mark(c, panel, s, x);
            if (!m->there)
                continue;
            rh_text_add(d->t, "");
            number(d->t, x_of(c, x));
            number(d->t, m->value);
            number(d->t, isnan(m->interval) ? NAN : lower(m));
            number(d->t, isnan(m->interval) ? NAN : upper(m));
            rh_text_add(d->t, "\n");
        }
        rh_text_add(d->t, "EOD\n");
    }
}

static void series_title(struct rh_drawing *d, int32_t series)
{
    struct rh_text words = { 0 };
    bool any = false, failed = false;
    for (int32_t p = 0; p < d->c->panel.n; p++)
        for (int32_t x = 0; x < d->c->x.n; x++) {
            any |= !isnan(rh_chart_mark(d->c, p, series, x)->value);
            failed |= rh_chart_mark(d->c, p, series, x)->failed;
        }
    const char *why = any ? "" : failed ? " (failed)" : " (undefined)";
    size_t room = d->terminal ? (size_t)fmax(d->width - d->right - 9, 1) : SIZE_MAX;
    const char *name = d->c->series.name[series];
    if (rh_utf8_length(name) + strlen(why) > room) { /* keep the end, where labels differ */
        size_t drop = rh_utf8_length(name) + strlen(why) + 1 - room;
        while (*name && (drop || ((unsigned char)*name & 0xc0) == 0x80))
            drop -= ((unsigned char)*name++ & 0xc0) != 0x80;
        rh_text_add(&words, "\xe2\x80\xa6");
    }
    rh_text_printf(&words, "%s%s", name, why);
    rh_quoted(d->t, words.s ? words.s : "", 0);
    d->t->failed |= words.failed;
    rh_text_release(&words);
}

static void line_panel(struct rh_drawing *d, int32_t panel)
{
    const struct rh_chart *c = d->c;
    struct rh_text *t = d->t;
    line_data(d, panel);
    place_panel(d, c->panel.name[panel]);
    x_axis(d);
    y_axis(d);
    if (!d->terminal)
        rh_text_add(t, "set grid ytics ls 100\nset border 3\n");
    rh_text_add(t, "plot ");
    bool first = true, bands = c->series.n <= 4; /* more would hide each other */
    for (int32_t s = 0; s < c->series.n && !d->terminal; s++) {
        if (!stands(c, panel, s, -1))
            continue;
        rh_text_add(t, first ? "" : ", \\\n     ");
        first = false;
        if (bands)
            rh_text_printf(t,
                           "$line%d_%d using 1:3:4 with filledcurves fs transparent solid 0.15 lc rgb '#%06X' notitle",
                           panel, s, palette[s % COLOURS]);
        else
            rh_text_printf(t, "$line%d_%d using 1:2:3:4 with yerrorbars pt 0 lw 1 lc rgb '#80%06X' notitle", panel, s,
                           palette[s % COLOURS]);
    }
    for (int32_t s = 0; s < c->series.n; s++) {
        if (panel && !stands(c, panel, s, -1))
            continue; /* the first panel carries the key of all */
        rh_text_printf(t, "%s$line%d_%d using 1:2 with linespoints ", first ? "" : ", \\\n     ", panel, s);
        first = false;
        if (!d->terminal)
            rh_text_printf(t, "lw 2 dt %d pt %d ps 0.9 lc rgb '#%06X' ", s < COLOURS ? 1 : 2, points[s % POINTS],
                           palette[s % COLOURS]);
        rh_text_add(t, "title ");
        series_title(d, s);
    }
    rh_text_add(t, "\n");
    close_panel(d);
}

static void draw_lines(struct rh_drawing *d, enum rh_picture picture, int width, int height, const char *output)
{
    const struct rh_chart *c = d->c;
    bool titled = c->panel.n > 1 || c->panel.name[0][0];
    double panel_height = d->terminal ? height - 8 : c->panel.n > 1 ? 260 : 360;
    double head = d->terminal ? 1 : rh_drawing_head(c) - 4;
    double between = (d->terminal ? 4 : 56) + (titled ? 1.6 * d->line : 0);
    panel_height = fmax(panel_height, d->terminal ? 6 : 20);
    d->width = d->terminal ? width : 960;
    d->height = head + c->panel.n * (panel_height + between);
    rh_drawing_open(d, picture, output);
    rh_drawing_titles(d);
    d->left = d->terminal ? 9 : 84;
    d->right = d->width - fmin(fmax(key_width(d), d->terminal ? 2 : 24), (d->terminal ? 0.55 : 0.45) * d->width);
    rh_text_add(d->t, d->terminal ? "" : "set errorbars 0.5\n");
    for (int32_t p = 0; p < c->panel.n; p++) {
        d->top = head + p * (panel_height + between) + (titled ? 1.6 * d->line : 0);
        d->bottom = d->top + panel_height;
        if (!p)
            key(d);
        line_panel(d, p);
    }
    rh_text_add(d->t, "unset multiplot\n");
}

void rh_script_write(const struct rh_chart *c, enum rh_picture picture, int width, int height, const char *output,
                     struct rh_text *t)
{
    bool terminal = picture == RH_PICTURE_TERMINAL;
    struct rh_drawing d = { .c = c, .t = t, .terminal = terminal, .letter = terminal ? 1 : 7.2,
                         .line = terminal ? 1 : 16 };
    if (c->ranks)
        rh_ranks_draw(&d, picture, output);
    else if (c->lines)
        draw_lines(&d, picture, width, height, output);
    else
        draw_bars(&d, picture, output);
}
