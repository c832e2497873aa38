#include "report/report.h"

#include "base/file.h"
#include "report/ranks.h"
#include "report/script.h"
#include "store/sql.h"

#include <string.h>
#include <strings.h>

#ifndef RH_GNUPLOT
#define RH_GNUPLOT "gnuplot"
#endif

struct plots {
    struct rh_plot_row *plot;
    int32_t n;
};

/* ------------------------------------------------------------------------------------------- which plots */

static int add_plot(struct rh_sql *q, struct rh_arena *a, struct plots *out, struct rh_error *err)
{
    struct rh_plot_row *p = rh_alloc(a, (size_t)out->n + 1, sizeof *p);
    if (!p)
        return rh_fail_memory(err, "plots", (size_t)out->n * sizeof *p);
    if (out->n)
        memcpy(p, out->plot, (size_t)out->n * sizeof *p);
    struct rh_plot_row *added = &p[out->n];
    *added = (struct rh_plot_row){ rh_sql_text(q, 0, a), rh_sql_text(q, 1, a), rh_sql_text(q, 2, a),
                                   rh_sql_text(q, 3, a), rh_sql_text(q, 4, a), rh_sql_text(q, 5, a) };
    if (!added->name || !added->title || !added->kind || !added->x || !added->y || !added->series)
        return rh_fail_memory(err, "plots", sizeof *p);
    out->plot = p;
    out->n++;
    return RH_OK;
}

static int load_plots(struct rh_store *s, struct rh_arena *a, const char *experiment, struct plots *out,
                      struct rh_error *err)
{
    static const struct rh_plot_row overview = { .name = "overview", .kind = "bars", .x = "algorithm",
                                                 .series = "problem" };
    struct rh_sql q;
    RH_TRY(rh_sql_open(&q, s, err,
                       "SELECT p.name, p.title, p.kind, p.x, p.y, p.series FROM plot p "
                       "JOIN experiment e ON e.id = p.experiment WHERE e.name = ? ORDER BY p.position", "t",
                       experiment));
    int status;
    while ((status = rh_sql_step(&q, err)) == RH_OK)
        if ((status = add_plot(&q, a, out, err)) < 0)
            break;
    rh_sql_close(&q);
    if (status < 0 || out->n)
        return status < 0 ? status : RH_OK;
    out->plot = rh_arena_copy(a, &overview, 1, sizeof overview);
    out->n = 1;
    return out->plot ? RH_OK : rh_fail_memory(err, "plots", sizeof overview);
}

static int choose_plot(struct rh_arena *a, const char *experiment, const char *name, struct plots *plots,
                       struct rh_error *err)
{
    const char **names = rh_alloc(a, (size_t)plots->n, sizeof *names);
    if (!names)
        return rh_fail_memory(err, "plots", (size_t)plots->n * sizeof *names);
    for (int32_t i = 0; i < plots->n; i++) {
        names[i] = plots->plot[i].name;
        if (!strcmp(names[i], name)) {
            plots->plot += i;
            plots->n = 1;
            return RH_OK;
        }
    }
    const char *nearest = rh_nearest(name, names, (size_t)plots->n);
    return rh_fail(err, RH_EINVAL, "experiment '%s' has no plot '%s'; %s '%s'", experiment, name,
                   nearest ? "did you mean" : "its first is", nearest ? nearest : names[0]);
}

/* ------------------------------------------------------------------------------------------------- output */

static int picture_of(const char *path, enum rh_picture *out, struct rh_error *err)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    if (dot && !strcasecmp(dot, ".svg"))
        *out = RH_PICTURE_SVG;
    else if (dot && !strcasecmp(dot, ".png"))
        *out = RH_PICTURE_PNG;
    else if (dot && !strcasecmp(dot, ".pdf"))
        *out = RH_PICTURE_PDF;
    else
        return rh_fail(err, RH_EINVAL,
                       "cannot tell the kind of picture from '%s': its name must end in .svg, .png or .pdf", path);
    return RH_OK;
}

/* A name that is one part of a path whatever the experiment is called. */
static char *file_name(struct rh_arena *a, const char *experiment, const char *plot)
{
    char *name = rh_arena_printf(a, "%s-%s.svg", experiment, plot);
    for (char *p = name; p && *p; p++)
        if (*p == '/' || (unsigned char)*p < 0x20 || (p == name && *p == '.'))
            *p = '_';
    return name;
}

/* Where a plot goes: the name asked for, that with the plot's name in it when there are several, or one beside the
 * store. */
static char *output_path(struct rh_store *s, struct rh_arena *a, const char *experiment,
                         const struct rh_plot_options *o, const struct plots *plots, int32_t i)
{
    const char *plot = plots->plot[i].name;
    if (o->output && plots->n == 1)
        return rh_arena_strdup(a, o->output);
    if (o->output) {
        const char *dot = strrchr(o->output, '.');
        char *name = file_name(a, "", plot); /* "-PLOT.svg" */
        return name ? rh_arena_printf(a, "%.*s%.*s%s", (int)(dot - o->output), o->output, (int)strlen(name) - 4, name,
                                      dot)
                    : NULL;
    }
    const char *store = rh_store_path(s), *slash = strrchr(store, '/');
    char *name = file_name(a, experiment, plot);
    return name ? rh_arena_printf(a, "%.*s%s", slash ? (int)(slash - store) + 1 : 0, store, name) : NULL;
}

/* The intervals of one metric: reading the values of users for all would take most of the time. */
static int add_intervals(struct rh_store *s, struct rh_arena *a, const struct rh_results *r,
                         const struct rh_plot_row *plot, const char *metric, struct rh_error *err)
{
    const char *id = metric && metric[0] ? metric : plot->y && plot->y[0] ? plot->y : r->primary;
    for (int32_t c = 0; c < r->n_columns; c++)
        if (!strcmp(r->column[c].id, id))
            return rh_results_intervals(s, a, r, c, err);
    return RH_OK; /* rh_chart_make says what is wrong with it */
}

/* A drawing of letters without the spaces that fill its lines, and without its empty first and last lines. */
static void add_trimmed(struct rh_text *out, const struct rh_text *drawing)
{
    size_t empty = 0;
    bool started = false;
    for (const char *line = drawing->s; line && *line;) {
        size_t bytes = strcspn(line, "\n\f"), kept = bytes;
        while (kept && line[kept - 1] == ' ')
            kept--;
        for (; kept && started && empty; empty--)
            rh_text_add(out, "\n");
        if (kept) {
            rh_text_addn(out, line, kept);
            rh_text_add(out, "\n");
            started = true;
            empty = 0;
        } else
            empty++;
        line += bytes + (line[bytes] != '\0');
    }
}

static int draw(struct rh_store *s, struct rh_arena *a, const struct rh_results *r, const struct rh_plot_options *o,
                const struct plots *plots, int32_t i, struct rh_text *out, struct rh_error *err)
{
    struct rh_chart chart;
    struct rh_text script = { 0 }, picture = { 0 };
    enum rh_picture kind = RH_PICTURE_TERMINAL;
    const char *path = output_path(s, a, r->name, o, plots, i), *gnuplot = o->gnuplot ? o->gnuplot : RH_GNUPLOT;
    if (!path)
        return rh_fail_memory(err, "a path", 0);
    if (!o->terminal)
        RH_TRY(picture_of(path, &kind, err));
    if (strcmp(plots->plot[i].kind, "cd") != 0)
        RH_TRY(add_intervals(s, a, r, &plots->plot[i], o->metric, err));
    RH_TRY(rh_chart_make(a, r, &plots->plot[i], o->metric, &chart, err));
    if (chart.of_ranks)
        RH_TRY(rh_ranks_load(s, a, r, &plots->plot[i], &chart, err));
    int width = o->width > 0 ? o->width : 100, height = o->height > 0 ? o->height : 30;
    if (i && (o->terminal || o->script))
        rh_text_add(out, "\n");
    if (o->terminal && !o->script && !chart.lines) {
        (chart.of_ranks ? rh_ranks_text : rh_bars_text)(&chart, width, out);
        return RH_OK;
    }
    if (!chart.lines && kind == RH_PICTURE_TERMINAL)
        kind = RH_PICTURE_SVG; /* a script of bars or ranks is one for a picture */
    rh_script_write(&chart, kind, width, height, o->script && kind != RH_PICTURE_TERMINAL ? path : NULL, &script);
    int status = script.failed ? rh_fail_memory(err, "a script", script.n) : RH_OK;
    if (status >= 0 && o->script)
        rh_text_addn(out, script.s, script.n);
    else if (status >= 0 && o->terminal) {
        rh_titles_text(&chart, width, out);
        status = rh_gnuplot(gnuplot, script.s, &picture, err);
        add_trimmed(out, &picture);
    } else if (status >= 0) {
        status = rh_gnuplot(gnuplot, script.s, &picture, err);
        if (status >= 0 && !picture.n)
            status = rh_fail(err, RH_EIO, "gnuplot drew nothing; has it the terminal for '%s'?", path);
        if (status >= 0)
            status = rh_write_file(path, picture.s, picture.n, err);
        if (status >= 0)
            rh_text_printf(out, "%s\n", path);
    }
    rh_text_release(&script);
    rh_text_release(&picture);
    return status;
}

int rh_plot(struct rh_store *s, const char *experiment, const struct rh_plot_options *o, struct rh_text *out,
            struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_results r;
    struct plots plots = { 0 };
    enum rh_picture kind;
    int status = o->output ? picture_of(o->output, &kind, err) : RH_OK; /* before any work */
    if (status >= 0)
        status = rh_results_load(s, &a, experiment, NULL, false, &r, err);
    if (status >= 0)
        status = load_plots(s, &a, experiment, &plots, err);
    if (status >= 0 && o->plot)
        status = choose_plot(&a, experiment, o->plot, &plots, err);
    for (int32_t i = 0; i < plots.n && status >= 0; i++)
        status = draw(s, &a, &r, o, &plots, i, out, err);
    if (status >= 0 && out->failed)
        status = rh_fail_memory(err, "plots", out->n);
    rh_arena_release(&a);
    return status;
}
