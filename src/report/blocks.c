/* Bars in a terminal. */
#include "report/script.h"
#include "report/write.h"

#include <math.h>
#include <string.h>

static void spaces(struct rh_text *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rh_text_add(t, " ");
}

/* A bar of `length` letters, to an eighth of one. */
static void block_bar(struct rh_text *t, double length)
{
    static const char *const eighth[] = { "", "\xe2\x96\x8f", "\xe2\x96\x8e", "\xe2\x96\x8d", "\xe2\x96\x8c",
                                          "\xe2\x96\x8b", "\xe2\x96\x8a", "\xe2\x96\x89" };
    int eighths = length > 0 ? (int)(8 * length + 0.5) : 0;
    for (; eighths >= 8; eighths -= 8)
        rh_text_add(t, "\xe2\x96\x88");
    rh_text_add(t, eighth[eighths]);
}

static void bar_line(const struct rh_chart *c, const struct rh_mark *m, int32_t x, size_t names, double scale,
                     double most, struct rh_text *t)
{
    spaces(t, 2 + names - rh_utf8_length(c->x.name[x]));
    rh_text_printf(t, "%s ", c->x.name[x]);
    if (isnan(m->value)) {
        rh_text_add(t, m->failed ? "failed\n" : "undefined\n");
        return;
    }
    block_bar(t, m->value * scale);
    rh_text_add(t, " ");
    rh_text_printf(t, rh_decimals(most), m->value);
    if (!isnan(m->interval)) {
        rh_text_add(t, " \xc2\xb1");
        rh_text_printf(t, rh_decimals(most), m->interval);
    }
    rh_text_add(t, "\n");
}

static void block(const struct rh_chart *c, int32_t panel, int32_t series, size_t names, double scale, double most,
                  struct rh_text *t)
{
    bool any = false;
    for (int32_t x = 0; x < c->x.n; x++) {
        const struct rh_mark *m = rh_chart_mark(c, panel, series, x);
        if (!m->there)
            continue;
        if (!any)
            rh_text_printf(t, "\n%s%s%s\n", c->panel.name[panel], c->panel.name[panel][0] ? ", " : "",
                           c->series.name[series]);
        any = true;
        bar_line(c, m, x, names, scale, most, t);
    }
}

void rh_titles_text(const struct rh_chart *c, int width, struct rh_text *t)
{
    rh_write_paragraph(t, c->title, width);
    rh_text_add(t, "\n");
    rh_write_paragraph(t, c->subtitle, width);
    rh_text_add(t, "\n");
}

void rh_bars_text(const struct rh_chart *c, int width, struct rh_text *t)
{
    size_t names = 0;
    double most = 0;
    for (int32_t x = 0; x < c->x.n; x++)
        names = rh_utf8_length(c->x.name[x]) > names ? rh_utf8_length(c->x.name[x]) : names;
    for (int64_t i = 0; i < (int64_t)c->panel.n * c->series.n * c->x.n; i++)
        if (c->mark[i].value > most) /* not of a NaN */
            most = c->mark[i].value;
    double room = fmax(width - (double)names - 22, 10); /* names, gaps, "0.1234 +-0.1234" */
    rh_titles_text(c, width, t);
    for (int32_t p = 0; p < c->panel.n; p++)
        for (int32_t s = 0; s < c->series.n; s++)
            block(c, p, s, names, most > 0 ? room / most : 0, most, t);
}
