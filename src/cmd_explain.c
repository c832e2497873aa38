/* harness explain: why a model recommends what it does to one user. */
#include "cmd_plan.h"

#include "base/file.h"
#include "report/escape.h"
#include "run/explain.h"

#include <math.h>
#include <string.h>

#define TOP 10
#define REASONS 5

enum shape { SHAPE_TEXT, SHAPE_CSV, SHAPE_TSV, SHAPE_JSON };

struct explain {
    struct rh_plan_options plan;
    struct rh_explain_which which;
    const char *user, *item, *top, *reasons;
    enum shape shape;
    int32_t n_top, n_reasons;
};

/* What the writers need to know. */
struct told {
    const struct rh_revived *run;
    const struct rh_explanation *e;
    const struct rh_domain_data *target;
    const char *user;
};

static const char *id_of(const struct told *x, int32_t item)
{
    return rh_string(&x->target->item_id, item);
}

static const char *title_of(const struct told *x, int32_t item)
{
    return x->target->title.n ? rh_string(&x->target->title, item) : "";
}

/* -------------------------------------------------------------------------------------------------------- text */

static void write_name(const struct told *x, int32_t item, struct rh_text *t)
{
    rh_text_add(t, id_of(x, item));
    if (title_of(x, item)[0])
        rh_text_printf(t, "  %s", title_of(x, item));
}

static void write_rank(const struct told *x, const struct rh_explained *i, struct rh_text *t)
{
    if (!i->tied)
        rh_text_add(t, "not ranked: the user has it already, or it is no candidate");
    else if (i->tied == 1)
        rh_text_printf(t, "rank %d of %d", i->above + 1, x->e->n_candidates);
    else
        rh_text_printf(t, "rank %d to %d of %d, with the same score", i->above + 1, i->above + i->tied,
                       x->e->n_candidates);
}

static void write_text(const struct told *x, struct rh_text *t)
{
    rh_text_printf(t, "%s for user %s, problem %s%s: %d items in the history\n", x->run->algorithm->label, x->user,
                   x->run->problem->name, x->run->folds ? " (its first fold)" : "", x->e->n_history);
    if (x->run->model)
        rh_text_printf(t, "model %s\n", x->run->model);
    for (int32_t k = 0; k < x->e->n; k++) {
        const struct rh_explained *i = &x->e->item[k];
        rh_text_add(t, "\n");
        write_name(x, i->item, t);
        rh_text_printf(t, "\n  score %.4g, ", (double)i->score);
        write_rank(x, i, t);
        rh_text_add(t, i->n_reasons ? ", because of\n" : "; nothing in the history speaks for or against it\n");
        for (int32_t r = 0; r < i->n_reasons; r++) {
            rh_text_printf(t, "  %9.4f  ", (double)i->weight[r]);
            write_name(x, i->reason[r], t);
            rh_text_add(t, "\n");
        }
    }
}

/* ---------------------------------------------------------------------------------------------- csv, tsv, json */

/* A field of TSV has no tabs or line ends: they become spaces. */
static void write_field(const char *field, enum shape shape, struct rh_text *t)
{
    if (shape == SHAPE_CSV) {
        rh_write_csv(t, field);
        return;
    }
    for (const char *p = field; *p; p++)
        rh_text_addn(t, strchr("\t\r\n", *p) ? " " : p, 1);
}

static void write_cells(const struct told *x, int32_t item, const char *sep, enum shape shape, struct rh_text *t)
{
    if (item >= 0)
        write_field(id_of(x, item), shape, t);
    rh_text_add(t, sep);
    if (item >= 0)
        write_field(title_of(x, item), shape, t);
    rh_text_add(t, sep);
}

static void write_rows(const struct told *x, enum shape shape, struct rh_text *t)
{
    const char *sep = shape == SHAPE_CSV ? "," : "\t";
    static const char *const column[] = { "item", "title", "score", "rank", "tied", "because_item", "because_title",
                                          "weight" };
    for (size_t c = 0; c < sizeof column / sizeof *column; c++)
        rh_text_printf(t, "%s%s", c ? sep : "", column[c]);
    rh_text_add(t, "\n");
    for (int32_t k = 0; k < x->e->n; k++) {
        const struct rh_explained *i = &x->e->item[k];
        for (int32_t r = 0; r < i->n_reasons || r == 0; r++) {
            write_cells(x, i->item, sep, shape, t);
            rh_text_printf(t, "%.9g%s", (double)i->score, sep);
            if (i->tied)
                rh_text_printf(t, "%d", i->above + 1);
            rh_text_printf(t, "%s%d%s", sep, i->tied, sep);
            write_cells(x, i->n_reasons ? i->reason[r] : -1, sep, shape, t);
            if (i->n_reasons)
                rh_text_printf(t, "%.9g", (double)i->weight[r]);
            rh_text_add(t, "\n");
        }
    }
}

static void write_json(const struct told *x, struct rh_text *t)
{
    rh_write_json_pair(t, "{", "algorithm", x->run->algorithm->label);
    rh_write_json_pair(t, ", ", "problem", x->run->problem->name);
    rh_write_json_pair(t, ", ", "user", x->user);
    rh_write_json_number(t, "history", x->e->n_history);
    rh_write_json_number(t, "candidates", x->e->n_candidates);
    if (x->run->model)
        rh_write_json_pair(t, ", ", "model", x->run->model);
    rh_text_add(t, ", \"items\": [");
    for (int32_t k = 0; k < x->e->n; k++) {
        const struct rh_explained *i = &x->e->item[k];
        rh_write_json_pair(t, k ? ",\n  {" : "\n  {", "item", id_of(x, i->item));
        rh_write_json_pair(t, ", ", "title", title_of(x, i->item));
        rh_write_json_number(t, "score", (double)i->score);
        rh_write_json_number(t, "rank", i->tied ? i->above + 1.0 : (double)NAN);
        rh_write_json_number(t, "tied", i->tied);
        rh_text_add(t, ", \"because\": [");
        for (int32_t r = 0; r < i->n_reasons; r++) {
            rh_write_json_pair(t, r ? ", {" : "{", "item", id_of(x, i->reason[r]));
            rh_write_json_pair(t, ", ", "title", title_of(x, i->reason[r]));
            rh_write_json_number(t, "weight", (double)i->weight[r]);
            rh_text_add(t, "}");
        }
        rh_text_add(t, "]}");
    }
    rh_text_add(t, "\n]}\n");
}

/* ------------------------------------------------------------------------------------------------------ command */

static int read_count(const char *option, const char *text, int32_t otherwise, int32_t *out, struct rh_error *err)
{
    int64_t n = otherwise;
    if (text && (!rh_parse_int(text, &n) || n < 1 || n > 100000))
        return rh_fail(err, RH_EINVAL, "--%s %s is not allowed: expected an integer from 1 to 100000", option, text);
    *out = (int32_t)n;
    return RH_OK;
}

static int read_shape(const char *word, enum shape *out, struct rh_error *err)
{
    static const char *const words[] = { "text", "csv", "tsv", "json" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(word, words[i])) {
            *out = (enum shape)i;
            return RH_OK;
        }
    return rh_fail(err, RH_EINVAL, "--format '%s': there are text, csv, tsv and json", word);
}

static int explain(struct rh_planned *p, const struct explain *o, struct rh_text *t, struct rh_error *err)
{
    struct rh_loader loader = { .env = &p->env }; /* what is to be known of the problem was said by run */
    struct rh_store *store = NULL;
    struct rh_revived run = { 0 };
    struct rh_explanation e;
    int32_t user = 0, item = -1;
    int status = rh_file_exists(p->plan->store) ? rh_store_open(p->plan->store, RH_STORE_READ, &store, err) : RH_OK;
    if (status >= 0)
        status = rh_revive(&p->arena, p->plan, &o->which, &loader, store, p->env.threads, &p->log, &run,
                           err);
    if (status >= 0)
        status = rh_explain_user(run.problem, o->user, &user, err);
    if (status >= 0 && o->item)
        status = rh_explain_item(run.problem, o->item, &item, err);
    if (status >= 0)
        status = rh_explain(&p->arena, &run, user, item, o->n_top, o->n_reasons, &e, err);
    if (status >= 0) {
        struct told x = { &run, &e, run.problem->domain[run.problem->train.target], o->user };
        if (o->shape == SHAPE_TEXT)
            write_text(&x, t);
        else if (o->shape == SHAPE_JSON)
            write_json(&x, t);
        else
            write_rows(&x, o->shape, t);
        status = t->failed ? rh_fail_memory(err, "an explanation", t->n) : RH_OK;
    }
    rh_revived_release(&run);
    rh_store_close(store);
    rh_loader_release(&loader);
    return status;
}

int rh_cmd_explain(const struct rh_cmd *c, int argc, char **argv)
{
    struct explain o = { 0 };
    const struct rh_option option[] = {
        { "algorithm", "SECTION", "whose model: a section or label of the experiment", .value = &o.which.algorithm },
        { "problem", "NAME", "on which problem, where there are several", .value = &o.which.problem },
        { "user", "ID", "the user, as the data calls them", .value = &o.user },
        { "item", "ID", "the item to explain: its id or title", .value = &o.item },
        { "top", "N", "explain the N best items (10 without --item)", .value = &o.top },
        { "reasons", "N", "most reasons of an item (5)", .value = &o.reasons },
        { "format", "WORD", "text, csv, tsv, json", .value = &o.plan.format },
        { "set", "SECTION.KEY=VALUE", "replace a value of the file; may be repeated", .many = o.plan.set,
          .n_many = &o.plan.n_set },
        { "data", "DIR", "folder with the raw files", .value = &o.plan.data },
        { "cache", "DIR", "folder for loaded domains, or 'none'", .value = &o.plan.cache },
        { "store", "FILE", "where saved models are known (" RH_STORE_DEFAULT ")", .value = &o.plan.store },
        { "threads", "N", "processors to use (all)", .value = &o.plan.threads },
        { "quiet", NULL, "warnings only", .flag = &o.plan.quiet },
        RH_OPTIONS_END,
    };
    char **file;
    int n, status;
    if (!rh_options(argc, argv, "explain FILE --algorithm SECTION --user ID [--item ID] [OPTION]...",
                    "Says why a model recommends an item to a user: the items of the user's history, with\n"
                    "their weights. The model is a saved one (run --save-models), or is fitted.",
                    option, &file, &n, &status))
        return status;
    if (n != 1)
        return rh_usage_error("explain takes one file, such as experiments/movielens.ini");
    if (!o.user)
        return rh_usage_error("explain needs --user ID, and --item ID or --top N");
    struct rh_planned p = { 0 };
    struct rh_error err = { 0 };
    struct rh_text text = { 0 };
    status = read_shape(o.plan.format ? o.plan.format : "text", &o.shape, &err);
    if (status >= 0)
        status = read_count("top", o.top, TOP, &o.n_top, &err);
    if (status >= 0)
        status = read_count("reasons", o.reasons, REASONS, &o.n_reasons, &err);
    if (o.item && !o.top)
        o.n_top = 0;
    if (status >= 0)
        status = rh_make_plan(c, &o.plan, file[0], &p, &err);
    if (status >= 0)
        status = explain(&p, &o, &text, &err);
    status = rh_finish_report(NULL, &text, status, &err);
    rh_arena_release(&p.arena);
    return status;
}
