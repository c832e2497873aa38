#include "config/plan.h"

#include <math.h>
#include <string.h>

static void domain_text(const struct rh_plan_domain *d, struct rh_text *out)
{
    rh_text_add(out, d->section);
    if (rh_dataset_domain_count(d->dataset) > 1)
        rh_text_printf(out, "/%s", d->domain);
}

/* Folds and repeats of one label differ in fold and seed only: they are told as a number. */
static int32_t same_label(const struct rh_plan *p, int32_t from)
{
    int32_t n = from;
    while (n < p->n_problems && !strcmp(p->problem[n].label, p->problem[from].label))
        n++;
    return n - from;
}

/* What is ranked and what is shuffled, where it is not everything and nothing. */
static void asking_text(const struct rh_plan_problem *q, struct rh_text *out)
{
    const struct rh_asking *a = q->asking;
    for (int32_t k = 0; k < q->n_settings; k++) {
        const char *key = q->setting[k].key, *name = strchr(key, '.') + 1;
        bool sample = !strncmp(name, "negatives", 9) || !strcmp(name, "correction");
        if (strncmp(key, "problem.", 8) || !q->setting[k].value[0])
            continue;
        if ((!strncmp(name, "candidates", 10) && a->candidates != RH_UNIVERSE_ALL) ||
            (sample && a->candidates == RH_UNIVERSE_SAMPLED) ||
            (!strcmp(name, "placebo") && a->placebo != RH_PLACEBO_NONE))
            rh_text_printf(out, ", %s %s", name, q->setting[k].value);
    }
}

void rh_plan_text(const struct rh_plan *p, struct rh_text *out)
{
    rh_text_printf(out, "experiment %s%s%s\n", p->name, *p->title ? ": " : "", p->title);
    rh_text_printf(out, "seed %llu, store %s\n", (unsigned long long)p->seed, p->store);
    rh_text_add(out, "\nproblems\n");
    for (int32_t i = 0, n; i < p->n_problems; i += n) {
        const struct rh_plan_problem *q = &p->problem[i];
        n = same_label(p, i);
        rh_text_printf(out, "  %s: target ", q->label);
        domain_text(&q->target, out);
        for (int32_t s = 0; s < q->n_sources; s++) {
            rh_text_add(out, s ? ", " : ", sources ");
            domain_text(&q->source[s], out);
        }
        rh_text_printf(out, ", split %s", q->split->name);
        for (int32_t k = 0; k < q->n_settings; k++)
            if (!strncmp(q->setting[k].key, "split.", 6))
                rh_text_printf(out, " %s=%s", q->setting[k].key + 6, q->setting[k].value);
        asking_text(q, out);
        if (n > 1)
            rh_text_printf(out, " (%d folds or repeats)", n);
        rh_text_add(out, "\n");
    }
    rh_text_add(out, "\nalgorithms\n");
    for (int32_t i = 0; i < p->n_algorithms; i++) {
        const struct rh_plan_algorithm *g = &p->algorithm[i];
        rh_text_printf(out, "  %s: %s revision %u", g->label, g->algorithm->name, g->algorithm->revision);
        for (int32_t k = 0; k < g->n_params; k++)
            rh_text_printf(out, " %s=%s", g->param[k].key, g->param[k].value);
        for (int32_t k = 0; k < g->n_only; k++)
            rh_text_printf(out, "%s%s", k ? ", " : "; only for ", g->only[k]);
        int32_t n, twin = rh_plan_twin(p, i, &n);
        if (twin >= 0)
            rh_text_printf(out, "; twin %s", p->algorithm[twin].label);
        rh_text_add(out, "\n");
    }
    rh_text_add(out, "\nmetrics\n ");
    for (int32_t m = 0; m < p->n_metrics; m++)
        rh_text_printf(out, " %s", p->metric[m].definition);
    if (isfinite(p->relevant_from)) {
        char number[32];
        rh_text_printf(out, "; relevant from rating %s", rh_real_text(p->relevant_from, number));
    }
    if (p->relevant_best)
        rh_text_printf(out, "; relevant the %d highest rated of a query", p->relevant_best);
    rh_text_printf(out, "\n\n%d problems, %d runs\n", p->n_problems, p->n_runs);
}
