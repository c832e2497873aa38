/* The readers `jsonl` (an object a line) and `pyliteral` (a Python dictionary a line: metadata of Amazon 2014).
 *
 * A wanted key is looked up as it stands; when it is not there and has dots, "details.Brand" is the key Brand of the
 * object details. A value becomes text like this: a text is cleared of HTML (data/plain.h), its control characters
 * become spaces and the spaces around it go; numbers are written so that they read back as the same number; true and
 * false are words; null is as good as not there; arrays and objects are lists, nested ones flattened in order, empty
 * texts and nulls left out. Empty lines are passed over. A line that is cut off, also the last, is an error: the file
 * is not whole; so is a wanted key (without a '?') that no line has. */
#include "base/text.h"
#include "data/json_quick.h"
#include "data/plain.h"
#include "data/pyliteral.h"
#include "data/reader.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

struct wanted_key {
    int32_t n;
    const char **name; /* [n] the alternatives, best first */
    const char *written;
    bool seen;         /* by a line so far, or need not be: "brand?" */
};

struct rh_reading {
    struct rh_input *in;
    bool python, latin1;
    int32_t n_wanted;
    struct wanted_key *key; /* [n_wanted] */
    size_t *start;          /* [n_wanted] of each field in `text` */
    const char **quick;     /* [n_wanted] keys of plain lines (data/json_quick.h), or NULL: a key is not simple */
    struct rh_text text;    /* of the record last read */
    struct rh_text recoded; /* a latin-1 line as UTF-8 */
    struct rh_text has;     /* keys of the first line, for messages */
};

static int split_alternatives(struct rh_arena *a, const char *wanted, struct wanted_key *key)
{
    int32_t n = 1;
    for (const char *p = wanted; *p; p++)
        n += *p == '|';
    size_t length = strlen(wanted);
    key->written = wanted;
    key->seen = length && wanted[length - 1] == '?';
    length -= key->seen;
    char *copy = rh_arena_strndup(a, wanted, length);
    key->name = rh_alloc(a, (size_t)n, sizeof *key->name);
    if (!copy || !key->name)
        return RH_ENOMEM;
    for (char *p = copy; p;) {
        char *bar = strchr(p, '|');
        if (bar)
            *bar++ = '\0';
        key->name[key->n++] = p;
        p = bar;
    }
    return RH_OK;
}

static int open_lines(bool python, struct rh_arena *a, struct rh_input *in, const struct rh_reader_config *config,
                      struct rh_reading **out, struct rh_error *err)
{
    size_t n = (size_t)config->n_wanted;
    struct rh_reading *r = rh_alloc(a, 1, sizeof *r);
    if (!r || !(r->key = rh_alloc(a, n, sizeof *r->key)) || !(r->start = rh_alloc(a, n, sizeof *r->start)))
        return rh_fail_memory(err, "a reader", n * sizeof *r->key);
    r->in = in;
    r->python = python;
    r->latin1 = config->latin1;
    r->n_wanted = config->n_wanted;
    for (size_t i = 0; i < n; i++)
        if (split_alternatives(a, config->wanted[i], &r->key[i]) < 0)
            return rh_fail_memory(err, "a reader", strlen(config->wanted[i]));
    *out = r;
    if (python || n > 32)
        return RH_OK;
    r->quick = rh_alloc(a, n, sizeof *r->quick);
    for (size_t i = 0; i < n && r->quick; i++) {
        if (r->key[i].n > 1 || strchr(r->key[i].name[0], '.')) {
            r->quick = NULL;
            break;
        }
        r->quick[i] = r->key[i].name[0];
    }
    return RH_OK;
}

static int jsonl_open(struct rh_arena *a, struct rh_input *in, const struct rh_reader_config *config,
                      struct rh_reading **out, struct rh_error *err)
{
    return open_lines(false, a, in, config, out, err);
}

static int pyliteral_open(struct rh_arena *a, struct rh_input *in, const struct rh_reader_config *config,
                          struct rh_reading **out, struct rh_error *err)
{
    return open_lines(true, a, in, config, out, err);
}

static void close_lines(struct rh_reading *r)
{
    rh_text_release(&r->text);
    rh_text_release(&r->recoded);
    rh_text_release(&r->has);
}

/* -------------------------------------------------------------------------------------------- values to text */

/* Appends a text without HTML, control characters and outer spaces; false when nothing is left. */
static bool add_text(struct rh_text *t, const char *s, size_t n)
{
    size_t before = t->n;
    rh_text_addn(t, s, n);
    if (t->failed)
        return false;
    char *p = t->s + before;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
            p[i] = ' ';
    n = rh_plain_text(p, n);
    size_t lead = 0;
    while (lead < n && p[lead] == ' ')
        lead++;
    while (n > lead && p[n - 1] == ' ')
        n--;
    memmove(p, p + lead, n - lead);
    t->n = before + n - lead;
    t->s[t->n] = '\0';
    return n > lead;
}

/* Appends a value; a part of a list (`part`) is preceded by the separator unless it is the first at `begin`. */
static void add_value(struct rh_text *t, const json_t *v, bool part, size_t begin)
{
    size_t i, mark = t->n;
    json_t *child;
    const char *key;
    char buf[32];
    if (json_is_array(v)) {
        json_array_foreach((json_t *)v, i, child)
            add_value(t, child, true, begin);
        return;
    }
    if (json_is_object(v)) {
        json_object_foreach((json_t *)v, key, child)
            add_value(t, child, true, begin);
        return;
    }
    if (json_is_null(v))
        return;
    if (part && t->n > begin)
        rh_text_addn(t, &(char){ RH_LIST_SEPARATOR }, 1);
    if (json_is_integer(v)) {
        rh_text_printf(t, "%lld", (long long)json_integer_value(v));
    } else if (json_is_real(v)) {
        rh_text_add(t, rh_real_text(json_real_value(v), buf));
    } else if (json_is_boolean(v)) {
        rh_text_add(t, json_is_true(v) ? "true" : "false");
    } else if (!add_text(t, json_string_value(v), json_string_length(v)) && !t->failed) {
        t->n = mark; /* an empty text is no item of a list */
        if (t->s)
            t->s[mark] = '\0';
    }
}

static const json_t *look_up(const json_t *object, const char *name)
{
    const json_t *v = json_object_get(object, name);
    const char *dot = v ? NULL : strchr(name, '.');
    char head[128];
    if (!dot)
        return v;
    size_t n = (size_t)(dot - name);
    if (n >= sizeof head)
        return NULL;
    memcpy(head, name, n);
    head[n] = '\0';
    return look_up(json_object_get(object, head), dot + 1);
}

static int take_fields(struct rh_reading *r, const json_t *line, struct rh_field *field, struct rh_error *err)
{
    rh_text_clear(&r->text);
    for (int32_t i = 0; i < r->n_wanted; i++) {
        const json_t *v = NULL;
        for (int32_t k = 0; k < r->key[i].n && (!v || json_is_null(v)); k++)
            v = look_up(line, r->key[i].name[k]);
        r->key[i].seen |= v != NULL;
        field[i] = (struct rh_field){ 0 };
        r->start[i] = r->text.n;
        if (!v || json_is_null(v)) {
            r->start[i] = SIZE_MAX;
            continue;
        }
        add_value(&r->text, v, false, r->text.n);
        field[i].n = r->text.n - r->start[i];
    }
    if (r->text.failed)
        return rh_fail(err, RH_ENOMEM, "%s:%lld: not enough memory for the record", rh_input_name(r->in),
                       (long long)rh_input_line_number(r->in));
    for (int32_t i = 0; i < r->n_wanted; i++) /* now that the text stays where it is */
        if (r->start[i] != SIZE_MAX)
            field[i].s = r->text.s ? r->text.s + r->start[i] : "";
    return RH_OK;
}

/* --------------------------------------------------------------------------------------------------- lines */

static bool recode(struct rh_text *t, const char **line, size_t *n)
{
    rh_text_clear(t);
    for (size_t i = 0; i < *n; i++) {
        unsigned char c = (unsigned char)(*line)[i];
        char two[2] = { (char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f)) };
        rh_text_addn(t, c < 0x80 ? (const char *)&(*line)[i] : two, c < 0x80 ? 1 : 2);
    }
    *line = t->s;
    *n = t->n;
    return !t->failed;
}

static json_t *parse(struct rh_reading *r, const char *line, size_t n, struct rh_error *err)
{
    const char *file = rh_input_name(r->in);
    long long number = (long long)rh_input_line_number(r->in);
    json_t *v;
    if (r->python) {
        struct rh_pyliteral_error e;
        if (!(v = rh_pyliteral(line, n, &e)))
            rh_fail(err, RH_EDATA, "%s:%lld: not a Python literal at byte %zu: %s%s", file, number, e.column, e.text,
                    n && line[n - 1] != '}' ? " (the line does not end with '}': is the file cut off?)" : "");
    } else {
        json_error_t e;
        v = json_loadb(line, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
        if (!v)
            rh_fail(err, RH_EDATA, "%s:%lld: not JSON at byte %d: %.200s%s", file, number, e.position, e.text,
                    n && line[n - 1] != '}' ? " (the line does not end with '}': is the file cut off?)" : "");
    }
    if (v && !json_is_object(v)) {
        rh_fail(err, RH_EDATA, "%s:%lld: the line holds %s; expected one %s a line", file, number,
                json_is_array(v) ? "a list" : "a single value", r->python ? "dictionary" : "object");
        json_decref(v);
        v = NULL;
    }
    return v;
}

static void note_keys(struct rh_text *t, const json_t *line)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)line, key, v)
        if (t->n < 300)
            rh_text_printf(t, "%s%.40s", t->n ? ", " : "", key);
}

/* At the end of the file: a key that no line had is a slip of whoever wrote the description. */
static int check_keys(const struct rh_reading *r, struct rh_error *err)
{
    for (int32_t i = 0; i < r->n_wanted && r->has.n; i++)
        if (!r->key[i].seen)
            return rh_fail(err, RH_EDATA, "%s: no line has the key '%s'; the first has: %s", rh_input_name(r->in),
                           r->key[i].written, r->has.s);
    return RH_DONE;
}

static int next_line(struct rh_reading *r, struct rh_field *field, struct rh_error *err)
{
    const char *line;
    size_t n;
    do {
        int status = rh_input_line(r->in, &line, &n, err);
        if (status == RH_DONE)
            return check_keys(r, err);
        if (status != RH_OK)
            return status;
        while (n && isspace((unsigned char)line[n - 1]))
            n--;
    } while (!n);
    if (r->latin1 && !recode(&r->recoded, &line, &n))
        return rh_fail_memory(err, "a line", n * 2);
    if (r->quick && r->has.n && rh_json_quick(line, n, r->quick, r->n_wanted, field)) {
        for (int32_t i = 0; i < r->n_wanted; i++)
            r->key[i].seen |= field[i].s != NULL;
        return RH_OK;
    }
    json_t *v = parse(r, line, n, err);
    if (!v)
        return RH_EDATA;
    if (!r->has.n)
        note_keys(&r->has, v);
    int status = take_fields(r, v, field, err);
    json_decref(v);
    return status;
}

/* The quote after the first brace; 0 when the text does not begin like a dictionary. */
static char first_quote(const char *head, size_t n)
{
    size_t i = 0;
    while (i < n && isspace((unsigned char)head[i]))
        i++;
    if (i == n || head[i++] != '{')
        return 0;
    while (i < n && isspace((unsigned char)head[i]))
        i++;
    return i < n && (head[i] == '"' || head[i] == '\'' || head[i] == '}') ? head[i] : 0;
}

static int jsonl_bid(const char *head, size_t n)
{
    char quote = first_quote(head, n);
    return quote == '"' ? 90 : quote == '}' ? 50 : 0;
}

static int pyliteral_bid(const char *head, size_t n)
{
    return first_quote(head, n) == '\'' ? 90 : 0;
}

extern const struct rh_reader rh_reader_jsonl, rh_reader_pyliteral;

const struct rh_reader rh_reader_jsonl = {
    .name = "jsonl",
    .summary = "JSON lines: one object a line",
    .revision = 1,
    .bid = jsonl_bid,
    .open = jsonl_open,
    .next = next_line,
    .close = close_lines,
};

const struct rh_reader rh_reader_pyliteral = {
    .name = "pyliteral",
    .summary = "one Python dictionary a line (metadata of Amazon 2014)",
    .revision = 1,
    .bid = pyliteral_bid,
    .open = pyliteral_open,
    .next = next_line,
    .close = close_lines,
};
