/* data/: the readers jsonl and pyliteral, and the clearing of HTML. */
#include "data/json_quick.h"
#include "data/plain.h"
#include "data/pyliteral.h"
#include "data/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[256], path[300];

static int make_folder(void **state)
{
    (void)state;
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/harness-json-XXXXXX", temporary && *temporary ? temporary : P_tmpdir);
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/lines", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

/* One open file. */
struct reading {
    const struct rh_reader *reader;
    struct rh_arena arena;
    struct rh_input *in;
    struct rh_reading *r;
    struct rh_error err;
    struct rh_field field[8];
};

static void begin(struct reading *t, const char *reader, const char *bytes, size_t n, const char *const *wanted,
                  bool latin1)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    *t = (struct reading){ .reader = rh_reader_find(reader) };
    assert_non_null(t->reader);
    struct rh_reader_config config = { .wanted = wanted, .latin1 = latin1 };
    while (wanted[config.n_wanted])
        config.n_wanted++;
    assert_int_equal(rh_input_open(path, &t->in, &t->err), RH_OK);
    assert_int_equal(t->reader->open(&t->arena, t->in, &config, &t->r, &t->err), RH_OK);
}

static int next(struct reading *t)
{
    return t->reader->next(t->r, t->field, &t->err);
}

static void end(struct reading *t)
{
    t->reader->close(t->r);
    rh_input_close(t->in);
    rh_arena_release(&t->arena);
}

/* The field as a text; a missing one is "(none)", the list separator a bar. */
static const char *shown(const struct rh_field *f, char buf[static 256])
{
    if (!f->s)
        return "(none)";
    assert_true(f->n < 256);
    memcpy(buf, f->s, f->n);
    buf[f->n] = '\0';
    for (char *p = buf; *p; p++)
        if (*p == RH_LIST_SEPARATOR)
            *p = '|';
    return buf;
}

struct one_value {
    const char *line, *key, *expected;
};

static void check_values(const char *reader, const struct one_value *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct reading t;
        char buf[256];
        begin(&t, reader, cases[i].line, strlen(cases[i].line), (const char *[]){ cases[i].key, NULL }, false);
        int status = next(&t);
        if (status != RH_OK)
            fail_msg("%s: %s", cases[i].line, t.err.text);
        if (strcmp(shown(&t.field[0], buf), cases[i].expected))
            fail_msg("%s: '%s' instead of '%s'", cases[i].line, shown(&t.field[0], buf), cases[i].expected);
        assert_int_equal(next(&t), RH_DONE);
        end(&t);
    }
}

static void jsonl_values_become_texts(void **state)
{
    (void)state;
    static const struct one_value cases[] = {
        { "{\"overall\": 5.0}", "overall", "5" },
        { "{\"overall\": 3.5}\n", "overall", "3.5" },
        { "{\"t\": 1523093714024}\r\n", "t", "1523093714024" },
        { "{\"t\": -9223372036854775808}", "t", "-9223372036854775808" },
        { "{\"t\": 0.1}", "t", "0.1" },
        { "{\"t\": 1e-7}", "t", "1e-07" },
        { "{\"t\": 123456789.125}", "t", "123456789.125" },
        { "{\"t\": true}", "t", "true" },
        { "{\"t\": false}", "t", "false" },
        { "{\"t\": null}", "t", "(none)" },
        { "{}", "t?", "(none)" },
        { "{\"t\": \"\"}", "t", "" },
        { "{\"t\": []}", "t", "" },
        { "{\"t\": [\"\", null, [], \" \"]}", "t", "" },
        { "{\"t\": [\"a\", \"\", [\"b\", [\"c d\"]], 7, {\"k\": \"e\"}]}", "t", "a|b|c d|7|e" },
        { "{\"t\": \"a\\u001fb\\tc\\u0000d\\n\"}", "t", "a b c d" },
        { "{\"t\": \"  padded \"}", "t", "padded" },
        { "{\"t\": \"Am\\u00e9lie \\ud83d\\ude00\"}", "t", "Am\xc3\xa9lie \xf0\x9f\x98\x80" },
        { "{\"t\": \"Rock &amp; Roll &quot;x&quot; don&#39;t\"}", "t", "Rock & Roll \"x\" don't" },
        { "{\"category\": [\"x\"]}", "categories|category", "x" },
        { "{\"category\": [\"x\"]}", "category?", "x" },
        { "{\"category\": [\"x\"]}", "categories|category?", "x" },
        { "{\"category\": [\"x\"]}", "?", "(none)" },
        { "{\"categories\": null, \"category\": \"y\"}", "categories|category", "y" },
        { "{\"categories\": [], \"category\": \"y\"}", "categories|category", "" },
        { "{\"details\": {\"Brand\": \"Acme\"}}", "brand|details.Brand", "Acme" },
        { "{\"details.Brand\": 1, \"details\": {\"Brand\": 2}}", "details.Brand", "1" },
        { "{\"details\": [1]}", "details.Brand?", "(none)" },
        { "\n   \n{\"t\": 1}\n\n", "t", "1" },
        { "\xef\xbb\xbf{\"t\": 1}\n", "t", "1" },
    };
    check_values("jsonl", cases, sizeof cases / sizeof *cases);
}

static void pyliteral_values_become_texts(void **state)
{
    (void)state;
    static const struct one_value cases[] = {
        { "{'t': 'plain'}", "t", "plain" },
        { "{'t': \"Don't\"}\n", "t", "Don't" },
        { "{'t': 'say \"x\"'}\n", "t", "say \"x\"" },
        { "{'t': 'it\\'s'}", "t", "it's" },
        { "{'t': \"a\\\"b\"}", "t", "a\"b" },
        { "{'t': 'back\\\\slash'}", "t", "back\\slash" },
        { "{'t': '\\xe9t\\u00e9 \\U0001F600 \\101'}", "t", "\xc3\xa9t\xc3\xa9 \xf0\x9f\x98\x80 A" },
        { "{'t': '\\ud83d\\ude00'}", "t", "\xf0\x9f\x98\x80" },
        { "{'t': '\\ud83d!'}", "t", "\xef\xbf\xbd!" },
        { "{'t': 'a\\nb\\x00c\\0d'}", "t", "a b c d" },
        { "{'t': 'un\\known'}", "t", "un\\known" },
        { "{u't': u'old'}", "t", "old" },
        { "{'t': 9.49}", "t", "9.49" },
        { "{'t': -17}", "t", "-17" },
        { "{'t': 1.}", "t", "1" },
        { "{'t': .25}", "t", "0.25" },
        { "{'t': 2e3}", "t", "2000" },
        { "{'t': 939190L}", "t", "939190" },
        { "{'t': 123456789012345678901234567890}", "t", "123456789012345678901234567890" },
        { "{'t': True}", "t", "true" },
        { "{'t': False}", "t", "false" },
        { "{'t': None}", "t", "(none)" },
        { "{'t': [['CDs & Vinyl', 'Pop'], ['Digital Music']]}", "t", "CDs & Vinyl|Pop|Digital Music" },
        { "{'t': ('a', 'b',)}", "t", "a|b" },
        { "{'t': ('a')}", "t", "a" },
        { "{'t': ()}", "t", "" },
        { "{'t': {'Music': 58799, 3: 'x', 1.5: 'y'}}", "t", "58799|x|y" },
        { "{'r': {'also': ['B1', 'B2']}, }", "r.also", "B1|B2" },
        { "{'t': 1, 't': 2}", "t", "2" },
        { "{ }", "t?", "(none)" },
        { "  { 't' :  'spaced' }  ", "t", "spaced" },
        { "{'t': 'R&amp;B &eacute;'}", "t", "R&B \xc3\xa9" },
    };
    check_values("pyliteral", cases, sizeof cases / sizeof *cases);
}

static void bad_lines_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *reader, *bytes, *message;
    } cases[] = {
        { "jsonl", "{\"a\": 1}\n{\"a\": 1", ":2: not JSON at byte" },
        { "jsonl", "{\"a\": 1}\n{\"a\": \"x", "is the file cut off?" },
        { "jsonl", "{'a': 1}\n", ":1: not JSON at byte" },
        { "jsonl", "[{\"a\": 1}]\n", ":1: the line holds a list; expected one object a line" },
        { "jsonl", "17\n", ":1: the line holds a single value" },
        { "jsonl", "{\"a\": 1, \"a\": 2}\n", "duplicate" },
        { "jsonl", "{\"a\": NaN}\n", ":1: not JSON" },
        { "jsonl", "{\"a\": 99999999999999999999}\n", "too big integer" },
        { "jsonl", "{\"a\": 1e999}\n", ":1: not JSON" },
        { "jsonl", "{\"a\": \"\xff\"}\n", ":1: not JSON" },
        { "jsonl", "{\"a\": 1} {\"a\": 2}\n", ":1: not JSON" },
        { "jsonl", "{\"b\": 1, \"c\": 2}\n{\"c\": 1}\n", ": no line has the key 'a'; the first has: b, c" },
        { "pyliteral", "{'a': 1}\n\n{'a': 'x", ":3: not a Python literal at byte 9: a text without its closing '" },
        { "pyliteral", "{'a': 1", "it ends where ',' or '}' should be (the line does not end with '}'" },
        { "pyliteral", "{'a': 'x\\", "a text without its closing '" },
        { "pyliteral", "{'a' 1}", "byte 6: '1' where ':' after a key should be" },
        { "pyliteral", "{'a': 1 2}", "'2' where ',' or '}' should be" },
        { "pyliteral", "{'a': [1 2]}", "'2' where ',' or ']' should be" },
        { "pyliteral", "{'a': (1, 2}", "'}' where ',' or ')' should be" },
        { "pyliteral", "{'a': 1} x", "'x' where the end should be" },
        { "pyliteral", "{'a': true}", "'t' where a value should be" },
        { "pyliteral", "{'a': Nonesuch}", "'N' where a value should be" },
        { "pyliteral", "{'a': -}", "'-' is no number" },
        { "pyliteral", "{'a': 1.2.3}", "'1.2.3' is no number" },
        { "pyliteral", "{'a': 1e999}", "is no number that can be held" },
        { "pyliteral", "{'a': '\\x4'}", "an escape \\x needs 2 hex digits" },
        { "pyliteral", "{'a': '\\u12g4'}", "an escape \\u needs 4 hex digits" },
        { "pyliteral", "{'a': '\xff'}", "a text that is not UTF-8" },
        { "pyliteral", "{None: 1}", "a key that is neither a text nor a number" },
        { "pyliteral", "['a']", "the line holds a list; expected one dictionary a line" },
        { "pyliteral", "\x01", "byte 0x01 where a value should be" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading t;
        int status;
        begin(&t, cases[i].reader, cases[i].bytes, strlen(cases[i].bytes), (const char *[]){ "a", NULL }, false);
        while ((status = next(&t)) == RH_OK)
            ;
        if (status != RH_EDATA || !strstr(t.err.text, cases[i].message) || !strstr(t.err.text, path))
            fail_msg("%s: status %d, '%s' instead of '%s'", cases[i].bytes, status, t.err.text, cases[i].message);
        end(&t);
    }
}

static void records_keep_several_fields(void **state)
{
    (void)state;
    static const char lines[] =
        "{\"user_id\": \"AG7\", \"parent_asin\": \"B01\", \"rating\": 4.0, \"timestamp\": 1523093714024}\n"
        "{\"rating\": 2, \"timestamp\": null, \"parent_asin\": \"0001844423\"}\n";
    struct reading t;
    char buf[256];
    begin(&t, "jsonl", lines, strlen(lines),
          (const char *[]){ "user_id", "parent_asin", "rating", "timestamp", NULL }, false);
    static const char *const expected[2][4] = { { "AG7", "B01", "4", "1523093714024" },
                                                { "(none)", "0001844423", "2", "(none)" } };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(next(&t), RH_OK);
        for (int k = 0; k < 4; k++)
            assert_string_equal(shown(&t.field[k], buf), expected[i][k]);
    }
    assert_int_equal(next(&t), RH_DONE);
    end(&t);
}

static void latin1_lines_become_utf8(void **state)
{
    (void)state;
    char buf[256];
    static const char *const reader[] = { "jsonl", "pyliteral" };
    for (int i = 0; i < 2; i++) {
        struct reading t;
        begin(&t, reader[i], "{\"a\": \"Caf\xe9\"}\n", 14, (const char *[]){ "a", NULL }, true);
        assert_int_equal(next(&t), RH_OK);
        assert_string_equal(shown(&t.field[0], buf), "Caf\xc3\xa9");
        end(&t);
    }
}

static void readers_bid_for_their_own(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        const char *winner;
    } cases[] = {
        { "{\"a\": 1}", "jsonl" },
        { " {\n\"a", "jsonl" },
        { "{'a': 1}", "pyliteral" },
        { "{ 'a", "pyliteral" },
        { "{}", "jsonl" },
        { "a,b\n", NULL },
        { "", NULL },
        { "{", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int j = rh_reader_find("jsonl")->bid(cases[i].head, strlen(cases[i].head));
        int p = rh_reader_find("pyliteral")->bid(cases[i].head, strlen(cases[i].head));
        const char *winner = j > p ? "jsonl" : p > j ? "pyliteral" : NULL;
        if (cases[i].winner)
            assert_string_equal(winner, cases[i].winner);
        else
            assert_null(winner);
    }
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    struct rh_pyliteral_error e;
    char deep[300000];
    memset(deep, '[', sizeof deep);
    assert_null(rh_pyliteral(deep, sizeof deep, &e));
    assert_string_equal(e.text, "nested deeper than 64 levels");
    assert_int_equal(e.column, 65);
    memset(deep, '[', 64);
    memset(deep + 64, ']', 64);
    json_t *v = rh_pyliteral(deep, 128, &e);
    assert_non_null(v);
    json_decref(v);
    memset(deep, '(', 64); /* sixty-four pairs of parentheses around a number are that number */
    deep[64] = '7';
    memset(deep + 65, ')', 64);
    assert_int_equal(json_integer_value(v = rh_pyliteral(deep, 129, &e)), 7);
    json_decref(v);
}

static void html_is_cleared(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "", "" },
        { "AT&T R&B; & &; &# &#; &#x; &nosuch; &quot", "AT&T R&B; & &; &# &#; &#x; &nosuch; &quot" },
        { "&amp;&quot;&#39;&lt;&gt;&apos;", "&\"'<>'" },
        { "&amp;amp;", "&amp;" },
        { "don&#x92;t &#147;x&#148;", "don\xe2\x80\x99t \xe2\x80\x9cx\xe2\x80\x9d" },
        { "a&nbsp;b&#xA0;c", "a b c" },
        { "&Eacute;&yuml;&AElig;&euro;", "\xc3\x89\xc3\xbf\xc3\x86\xe2\x82\xac" },
        { "&#x1F600;&#233;&#xD800;&#1114112;&#99999999999;",
          "\xf0\x9f\x98\x80\xc3\xa9&#xD800;&#1114112;&#99999999999;" },
        { "I <3 you, a < b > c, <Untitled>, <", "I <3 you, a < b > c, <Untitled>, <" },
        { "<b>Bold</b> and<br />new<BR>line", "Bold and new line" },
        { "<span class=\"a-size-medium a-color-secondary\"", "" },
        { "Good <span class=\"x\"", "Good" },
        { "x <a lot", "x <a lot" },
        { "<script>var a = '<b>';</script>Title<style>p{}</style>", "Title" },
        { "a<!-- no > yes -->b<!-- open", "a b" },
        { "&lt;b&gt;", "<b>" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char buf[128];
        size_t n = strlen(cases[i].in);
        memcpy(buf, cases[i].in, n);
        buf[rh_plain_text(buf, n)] = '\0';
        assert_string_equal(buf, cases[i].out);
    }
}

/* Lines changed at random: any outcome is fine but a crash (run it with the sanitizers), and what is accepted must be
 * UTF-8 that jansson can print and read back. HARNESS_FUZZ sets the number of rounds. */
static void mutated_lines_do_no_harm(void **state)
{
    (void)state;
    static const char *const seed[] = {
        "{'asin': '5555991584', 'title': \"Don't \\u00e9 \\xe9\", 'price': 9.49, 'related': {'also': ['B0', 'B1']}, "
        "'n': None}",
        "{u'a': (1, 2L, -3.5e7), 'b': [[True, False], {}, ''], 'c': '\\ud83d\\ude00 &#x92; <b>x</b> \\'q\\''}",
        "{\"a\": [\"x\", {\"b\": null}], \"c\": \"&amp;&eacute; \\u00e9\\ud83d\\ude00\", \"d\": -1.5e-3, \"e\": "
        "true}",
    };
    static const char pieces[] = "{}[]():,'\"\\\\xuU09aeEL.+-&#;<>/=\x80\xc3\xff\x01 Nn";
    const char *rounds = getenv("HARNESS_FUZZ");
    long n = rounds ? strtol(rounds, NULL, 10) : 30000, accepted = 0;
    struct rh_rng rng = { { 0x5eed, 17, 4711, 0xdecade } };
    for (long i = 0; i < n; i++) {
        char line[512];
        const char *from = seed[rh_rng_below(&rng, 3)];
        size_t length = strlen(from);
        memcpy(line, from, length);
        for (uint32_t k = rh_rng_below(&rng, 4); k-- && length > 1;) {
            size_t at = rh_rng_below(&rng, (uint32_t)length), other = rh_rng_below(&rng, (uint32_t)length);
            switch (rh_rng_below(&rng, 5)) {
            case 0: line[at] = pieces[rh_rng_below(&rng, sizeof pieces - 1)]; break;
            case 1: /* cut off */ length = at + 1; break;
            case 2: /* take out */ memmove(line + at, line + at + 1, --length - at); break;
            case 3: /* put in */
                memmove(line + at + 1, line + at, length++ - at);
                line[at] = pieces[rh_rng_below(&rng, sizeof pieces - 1)];
                break;
            default: /* repeat a part elsewhere */
                memmove(line + at, line + other, length - (at > other ? at : other));
            }
        }
        struct rh_pyliteral_error e;
        char *exact = malloc(length); /* so that the address sanitizer sees one byte too many */
        assert_non_null(exact);
        memcpy(exact, line, length);
        json_t *v = rh_pyliteral(exact, length, &e);
        size_t plain = rh_plain_text(exact, length);
        assert_true(plain <= length);
        free(exact);
        if (!v) {
            assert_true(e.text[0] && e.column >= 1 && e.column <= length + 1);
            continue;
        }
        accepted++;
        char *text = json_dumps(v, JSON_ENCODE_ANY);
        json_t *again = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
        assert_true(again && json_equal(v, again));
        json_decref(again);
        json_decref(v);
        free(text);
    }
    assert_true(accepted > n / 20);
}

/* The short way for plain lines gives what the long way gives. A wanted key with a dot sends every line the long way.
 */
static void quick_lines_equal_careful_ones(void **state)
{
    (void)state;
    static const char *const values[] = {
        "5.0",
        "4.5",
        "-3.5",
        "0",
        "-0",
        "0.0",
        "-0.0",
        "007",
        "1.25",
        "1e3",
        "1388534400",
        "1523093714024",
        "12345678901234567",
        "1.",
        ".5",
        "-",
        "null",
        "true",
        "false",
        "True",
        "\"A1\"",
        "\"\"",
        "\" A\"",
        "\"A&amp;B\"",
        "\"<b>x</b>\"",
        "\"q\\\"q\"",
        "\"b\\\\\"",
        "\"\xc3\xa9\"",
        "\"\t\"",
        "\"\x7f\"",
        "[1, 2]",
        "[]",
        "{\"a\": \"}\"}",
        "\"cut",
        "[1",
        "",
        "1 2",
        "\"a\"b",
        "nul",
    };
    static const char *const shapes[] = {
        "{\"a\": %s, \"b\": %s}",       "{\"x\": %s, \"a\": %s}",  "{\"a\":%s,\"x\":[{\"a\":1},\"]\"],\"b\":%s}  ",
        " { \"b\" : %s , \"b\" : %s }", "{\"a\": %s, \"c\": %s,}", "{\"a\": %s} %s",
        "{\"\\u0061\": %s, \"b\": %s}",
    };
    enum { N = sizeof values / sizeof *values, OFFSETS = 4 };
    int quick = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes * N * OFFSETS; i++) {
        char line[256], one[256], other[256];
        struct reading t[2];
        int status[2];
        size_t n = strlen("{\"z\": 0}\n"); /* the first line always goes the long way */
        memcpy(line, "{\"z\": 0}\n", n);
        snprintf(line + n, sizeof line - n, shapes[i / N / OFFSETS], values[i % N],
                 values[(i % N + i / N % OFFSETS * 11) % N]);
        struct rh_field field[2];
        quick += rh_json_quick(line + n, strlen(line + n), (const char *[]){ "a", "b" }, 2, field);
        for (int k = 0; k < 2; k++) {
            begin(&t[k], "jsonl", line, strlen(line), (const char *[]){ "a?", "b?", k ? "not.there?" : NULL, NULL },
                  false);
            assert_int_equal(next(&t[k]), RH_OK);
            status[k] = next(&t[k]);
        }
        if (status[1] == RH_OK) {
            assert_int_equal(status[0], RH_OK);
            for (int f = 0; f < 2; f++)
                assert_string_equal(shown(&t[0].field[f], one), shown(&t[1].field[f], other));
        }
        end(&t[0]);
        end(&t[1]);
    }
    assert_true(quick > N); /* it is not always the long way */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jsonl_values_become_texts), cmocka_unit_test(pyliteral_values_become_texts),
        cmocka_unit_test(bad_lines_are_named),       cmocka_unit_test(records_keep_several_fields),
        cmocka_unit_test(latin1_lines_become_utf8),  cmocka_unit_test(readers_bid_for_their_own),
        cmocka_unit_test(nesting_is_bounded),        cmocka_unit_test(html_is_cleared),
        cmocka_unit_test(mutated_lines_do_no_harm),  cmocka_unit_test(quick_lines_equal_careful_ones),
    };
    return cmocka_run_group_tests_name("json", tests, make_folder, remove_folder);
}
