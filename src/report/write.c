#include "report/write.h"

#include <math.h>
#include <string.h>

void rh_write_count(struct rh_text *t, int64_t n)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)n);
    for (int i = 0; i < length; i++) {
        if (i && digits[i - 1] != '-' && (length - i) % 3 == 0)
            rh_text_add(t, ",");
        rh_text_addn(t, digits + i, 1);
    }
}

size_t rh_utf8_sequence(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) /* stops at the NUL too */
            return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool no_character = (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf4 && p[1] >= 0x90);
    return overlong || no_character ? 0 : n;
}

void rh_write_paragraph(struct rh_text *t, const char *text, int width)
{
    size_t used = 0, most = width > 20 ? (size_t)width : SIZE_MAX;
    for (const char *word = text; *word;) {
        size_t bytes = strcspn(word, " "), columns = 0;
        for (size_t i = 0; i < bytes; i++)
            columns += ((unsigned char)word[i] & 0xc0) != 0x80;
        if (used && used + 1 + columns > most) {
            rh_text_add(t, "\n  ");
            used = 2;
        } else if (used) {
            rh_text_add(t, " ");
            used++;
        }
        rh_text_addn(t, word, bytes);
        used += columns;
        word += bytes;
        word += strspn(word, " ");
    }
}

void rh_write_real(struct rh_text *t, double x)
{
    char buf[32];
    if (!isnan(x))
        rh_text_add(t, rh_real_text(x, buf));
}

void rh_write_csv(struct rh_text *t, const char *field)
{
    if (!strpbrk(field, ",\"\r\n")) {
        rh_text_add(t, field);
        return;
    }
    rh_text_add(t, "\"");
    for (const char *p = field; *p; p++) {
        if (*p == '"')
            rh_text_add(t, "\"");
        rh_text_addn(t, p, 1);
    }
    rh_text_add(t, "\"");
}

void rh_write_json(struct rh_text *t, const char *s)
{
    rh_text_add(t, "\"");
    while (*s) {
        size_t n = rh_utf8_sequence(s);
        if (!n)
            rh_text_add(t, "\xef\xbf\xbd");
        else if (*s == '"' || *s == '\\')
            rh_text_printf(t, "\\%c", *s);
        else if ((unsigned char)*s < 0x20)
            rh_text_printf(t, "\\u%04x", (unsigned)*s);
        else
            rh_text_addn(t, s, n);
        s += n ? n : 1;
    }
    rh_text_add(t, "\"");
}

void rh_write_json_pair(struct rh_text *t, const char *before, const char *key, const char *value)
{
    rh_text_printf(t, "%s\"%s\": ", before, key);
    rh_write_json(t, value);
}

void rh_write_json_number(struct rh_text *t, const char *key, double x)
{
    rh_text_printf(t, ", \"%s\": ", key);
    if (isfinite(x))
        rh_write_real(t, x);
    else
        rh_text_add(t, "null");
}

void rh_write_markdown(struct rh_text *t, const char *s)
{
    for (; *s; s++) {
        if (strchr("|\\*_<`[]", *s))
            rh_text_add(t, "\\");
        rh_text_addn(t, *s == '\n' ? " " : s, 1);
    }
}

void rh_write_latex(struct rh_text *t, const char *s)
{
    for (; *s; s++) {
        if (*s == '\\')
            rh_text_add(t, "\\textbackslash{}");
        else if (*s == '~')
            rh_text_add(t, "\\textasciitilde{}");
        else if (*s == '^')
            rh_text_add(t, "\\textasciicircum{}");
        else if (strchr("&%$#_{}", *s))
            rh_text_printf(t, "\\%c", *s);
        else
            rh_text_addn(t, *s == '\n' ? " " : s, 1);
    }
}

static void counted(struct rh_text *t, int64_t n, const char *one, const char *many)
{
    rh_text_add(t, ", ");
    rh_write_count(t, n);
    rh_text_printf(t, " %s", n == 1 ? one : many);
}

void rh_write_part(const struct rh_part *p, struct rh_text *t)
{
    rh_text_printf(t, "target %s", p->target);
    if (p->sources[0])
        rh_text_printf(t, ", %s %s", strchr(p->sources, ',') ? "sources" : "source", p->sources);
    rh_text_printf(t, ", split %s", p->split);
    if (p->n_built) {
        counted(t, p->users, "user", "users");
        counted(t, p->items, "item", "items");
        counted(t, p->train_rows, "train row", "train rows");
        if (p->source_rows)
            counted(t, p->source_rows, "source row", "source rows");
        counted(t, p->test_queries, "test query", "test queries");
        if (p->cold_users) {
            rh_text_add(t, " (");
            rh_write_count(t, p->cold_users);
            rh_text_add(t, " of cold users)");
        }
    } else
        rh_text_add(t, ", not built");
    if (p->generated)
        rh_text_add(t, ", GENERATED DATA");
}

void rh_write_leakage(const struct rh_part *p, struct rh_text *t)
{
    bool any = false;
    for (int32_t i = 0; i < p->n_leaks; i++) {
        const struct rh_leak *l = &p->leak[i];
        if (!l->count)
            continue;
        rh_text_add(t, any ? "; " : "LEAKAGE: ");
        any = true;
        rh_write_count(t, l->count);
        if (l->of) {
            rh_text_add(t, " of ");
            rh_write_count(t, l->of);
        }
        rh_text_printf(t, " %s", l->what);
        if (l->of)
            rh_text_printf(t, " (%.1f %%)", 100.0 * (double)l->count / (double)l->of);
    }
}

static const char *setting(const struct rh_part *p, const char *key)
{
    for (int32_t i = 0; i < p->n_settings; i++)
        if (!strcmp(p->setting[i].key, key))
            return p->setting[i].value;
    return "";
}

void rh_write_warning(const struct rh_part *p, struct rh_text *t)
{
    const char *placebo = setting(p, "problem.placebo"), *between = "";
    if (!strcmp(placebo, "users") || !strcmp(placebo, "features")) {
        rh_text_printf(t, "PLACEBO: %s shuffled",
                       !strcmp(placebo, "users") ? "the link between the users of target and sources is"
                                                 : "the features of the items are");
        between = "; ";
    }
    if (!strcmp(placebo, "doubles")) {
        rh_text_add(t, "CONTROL: items of the sources that are items of the target, too, lose their rows");
        between = "; ";
    }
    if (setting(p, "problem.item_bridge")[0]) {
        rh_text_printf(t, "%sORACLE: what users of the sources did with items that are known to be the target's, too, "
                       "trains as the target's rows", between);
        between = "; ";
    }
    if (!strcmp(setting(p, "problem.candidates"), "sampled")) {
        bool file = setting(p, "problem.candidates_file")[0];
        rh_text_printf(t, "%sSAMPLED: values with candidates=sampled rank the held-out items against %s%s negatives%s; "
                       "they do not keep the order of algorithms, so go by the values without, or by the corrected "
                       "estimates", between, file ? "the file's" : setting(p, "problem.negatives"),
                       file ? "" : " drawn", !file && !strcmp(setting(p, "problem.negatives_by"), "popularity")
                       ? " (by popularity)" : "");
        between = "; ";
    }
    for (int32_t i = 0; i < p->n_removed; i++) {
        const struct rh_removed_row *r = &p->removed[i];
        if (strncmp(r->step, "candidates = ", 13))
            continue;
        rh_text_printf(t, "%sOUT OF REACH: with %s ", between, r->step);
        rh_write_count(t, r->rows);
        rh_text_printf(t, " test row%s of ", r->rows == 1 ? "" : "s");
        rh_write_count(t, r->items);
        rh_text_printf(t, " item%s cannot be found, and ", r->items == 1 ? "" : "s");
        rh_write_count(t, r->users);
        rh_text_printf(t, " quer%s left with none", r->users == 1 ? "y is" : "ies are");
        between = "; ";
    }
}

void rh_write_notes(const struct rh_part *p, struct rh_text *t)
{
    int32_t least = INT32_MAX, most = 0;
    bool any = false;
    for (int32_t i = 0; i < p->n_rows; i++) {
        least = p->row[i].runs < least ? p->row[i].runs : least;
        most = p->row[i].runs > most ? p->row[i].runs : most;
    }
    if (most > 1) {
        rh_text_add(t, "each value is the mean over ");
        if (least < most)
            rh_text_printf(t, "%d to ", least);
        rh_text_printf(t, "%d runs", most);
        if (p->n_problems > 1)
            rh_text_printf(t, " on %d problems (folds or seeds)", p->n_problems);
        any = true;
    }
    for (int32_t i = 0; i < p->n_odd; i++) {
        rh_text_add(t, any ? "; " : "");
        rh_write_count(t, p->odd[i].count);
        rh_text_add(t, " of ");
        rh_write_count(t, p->test_queries);
        rh_text_printf(t, " %s", p->odd[i].what);
        any = true;
    }
    for (int32_t i = 0; i < p->n_rows; i++) {
        const struct rh_row *row = &p->row[i];
        if (!row->failed || row->failed == row->runs)
            continue;
        rh_text_printf(t, "%s%d of %d runs of %s failed: %s", any ? "; " : "", row->failed, row->runs, row->label,
                       row->message);
        any = true;
    }
    if (p->gain_note)
        rh_text_printf(t, "%s%s", any ? "; " : "", p->gain_note);
}

bool rh_is_best(const struct rh_results *r, const struct rh_part *p, const struct rh_row *row, int32_t column)
{
    double mine = row->cell[column].value;
    bool others = false;
    if (isnan(mine))
        return false;
    for (int32_t i = 0; i < p->n_rows; i++) {
        double x = p->row[i].cell[column].value;
        if (isnan(x) || x == mine)
            continue;
        if (r->column[column].lower_is_better ? x < mine : x > mine)
            return false;
        others = true;
    }
    return others;
}
