#include "plugin/page.h"

#include <string.h>

void rh_algorithm_flags_text(const struct rh_algorithm *a, struct rh_text *out)
{
    static const struct {
        uint32_t flag;
        const char *text;
    } says[] = {
        { RH_A_USES_SOURCES, "learns from source domains" },
        { RH_A_NEEDS_SOURCES, "needs source domains" },
        { RH_A_NEEDS_VALUES, "needs ratings" },
        { RH_A_NEEDS_TIME, "needs timestamps" },
        { RH_A_NEEDS_ITEM_FEATURES, "needs item features" },
        { RH_A_NEEDS_USER_FEATURES, "needs user features" },
        { RH_A_RATES, "scores are ratings" },
        { RH_A_COLD_USERS, "scores unseen users" },
        { RH_A_COLD_ITEMS, "scores unseen items" },
        { RH_A_RANDOM, "depends on the seed" },
        { RH_A_RESUMES, "can be trained on from a saved model" },
        { RH_A_BY_FEATURES, "also from one of other users and items" },
    };
    for (size_t i = 0, n = 0; i < sizeof says / sizeof *says; i++)
        if (a->flags & says[i].flag)
            rh_text_printf(out, "%s%s", n++ ? ", " : "", says[i].text);
}

static void write_param(const struct rh_param *p, struct rh_text *out)
{
    rh_text_printf(out, "- `%s`", p->name);
    switch (p->type) {
    case RH_P_BOOL:
        rh_text_printf(out, " = %s", p->def != 0 ? "yes" : "no");
        break;
    case RH_P_ENUM:
        for (const struct rh_choice *c = p->choices; c->word; c++)
            if (c->value == (int)p->def)
                rh_text_printf(out, " = %s", c->word);
        break;
    case RH_P_STR:
        rh_text_printf(out, " = %s", p->def_str ? p->def_str : "");
        break;
    default:
        rh_text_printf(out, " = %.10g (%.10g to %.10g)", p->def, p->min, p->max);
    }
    rh_text_printf(out, ": %s", p->help);
    for (const struct rh_choice *c = p->type == RH_P_ENUM ? p->choices : NULL; c && c->word; c++)
        rh_text_printf(out, "; `%s` %s", c->word, c->help ? c->help : "");
    rh_text_add(out, "\n");
}

static void write_section(const struct rh_algorithm *a, struct rh_text *out)
{
    rh_text_printf(out, "\n## %s\n\n%s.\n\n- paper: %s\n", a->name, a->summary, a->reference);
    if (a->flags) {
        rh_text_add(out, "- properties: ");
        rh_algorithm_flags_text(a, out);
        rh_text_add(out, "\n");
    }
    if (a->epoch)
        rh_text_printf(out, "- epochs: %d by default\n", a->epochs);
    if (a->explain)
        rh_text_add(out, "- says which items of the history a score comes from\n");
    if (a->cost)
        rh_text_printf(out, "- cost: %s\n", a->cost);
    if (a->advice)
        rh_text_printf(out, "\n%s\n", a->advice);
    for (const struct rh_param *p = a->params; p && p->type != RH_P_END; p++) {
        rh_text_add(out, p == a->params ? "\nParameters, with default and range:\n\n" : "");
        write_param(p, out);
    }
}

void rh_algorithms_markdown(const struct rh_algorithm *(*const *list)(void), struct rh_text *out)
{
    rh_text_add(out, "# Algorithms\n\nThis page is written by the program from the descriptors of its algorithms; a "
                     "test compares the two.\n`HARNESS_WRITE_DOCS=docs/algorithms.md tests/unit/plugins` writes it "
                     "anew. `harness describe NAME` shows one of them.\n");
    for (const char *last = "";;) { /* by name, whatever the order of the table */
        const struct rh_algorithm *next = NULL;
        for (int i = 0; list[i]; i++) {
            const struct rh_algorithm *a = list[i]();
            if (strcmp(a->name, last) > 0 && (!next || strcmp(a->name, next->name) < 0))
                next = a;
        }
        if (!next)
            return;
        write_section(next, out);
        last = next->name;
    }
}
