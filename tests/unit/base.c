/* base/: memory, text, ini, parameters, streams. */
#include "base/arena.h"
#include "base/hash.h"
#include "base/ini.h"
#include "base/param.h"
#include "base/parallel.h"
#include "base/stream.h"
#include "base/text.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void arena_rewinds_to_zeroed_memory(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    char *first = rh_alloc(&a, 10, 1);
    struct rh_arena_mark m = rh_arena_mark(&a);
    char *p = rh_alloc(&a, 1000, 1);
    assert_int_equal((uintptr_t)p % 64, 0);
    memset(p, 7, 1000);
    memset(rh_alloc(&a, 1 << 20, 1), 7, 1 << 20);
    rh_arena_rewind(&a, m);
    char *q = rh_alloc(&a, 1000, 1);
    assert_ptr_equal(p, q);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(q[i], 0);
    char *big = rh_alloc(&a, 1 << 20, 1);
    for (int i = 0; i < 1 << 20; i += 4097)
        assert_int_equal(big[i], 0);
    assert_int_equal(first[0], 0);
    assert_null(rh_alloc(&a, SIZE_MAX / 2, 3));
    rh_arena_release(&a);
}

static void arena_snapshot_restores_in_place(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_snapshot s = { 0 };
    int *x = rh_alloc(&a, 100, sizeof *x), *y = rh_alloc(&a, 100000, sizeof *y);
    x[99] = 1;
    y[99999] = 2;
    assert_true(rh_snapshot_take(&s, &a));
    int *z = rh_alloc(&a, 5, sizeof *z), *w = rh_alloc(&a, 200000, sizeof *w);
    x[99] = y[99999] = 17;
    z[4] = w[199999] = 5;
    rh_snapshot_restore(&s, &a);
    assert_int_equal(x[99], 1);
    assert_int_equal(y[99999], 2);
    assert_int_equal(z[4], 5);
    assert_int_equal(w[199999], 5);
    rh_snapshot_release(&s);
    rh_arena_release(&a);
}

static void arena_keeps_to_its_limit(void **state)
{
    (void)state;
    struct rh_arena a = { .limit = 1000 };
    assert_non_null(rh_alloc(&a, 900, 1));
    assert_null(rh_alloc(&a, 900, 1));
    rh_arena_release(&a);
}

static void numbers_are_read_strictly(void **state)
{
    (void)state;
    int64_t i = 3;
    double d = 3;
    bool b;
    assert_true(rh_parse_int(" -12 ", &i));
    assert_int_equal(i, -12);
    assert_false(rh_parse_int("12x", &i));
    assert_false(rh_parse_int("", &i));
    assert_false(rh_parse_int("99999999999999999999", &i));
    assert_int_equal(i, -12);
    assert_true(rh_parse_real("2.385e1", &d));
    assert_true(d == 23.85);
    assert_false(rh_parse_real("nan", &d));
    assert_false(rh_parse_real("1e999", &d));
    assert_true(rh_parse_bool("Off", &b) && !b);
    assert_false(rh_parse_bool("maybe", &b));
    char buf[32];
    assert_string_equal(rh_real_text(0.1, buf), "0.1");
    assert_string_equal(rh_real_text(1.0 / 3.0, buf), "0.3333333333333333");
}

static void nearest_name_is_suggested(void **state)
{
    (void)state;
    const char *names[] = { "itemknn", "userknn", "popularity", "maml" };
    assert_string_equal(rh_nearest("itemnkn", names, 4), "itemknn");
    assert_string_equal(rh_nearest("populrity", names, 4), "popularity");
    assert_null(rh_nearest("wombat", names, 4));
    assert_int_equal(rh_edit_distance("kitten", "sitting"), 3);
}

static void ini_is_read_with_places(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_ini ini = { 0 };
    struct rh_error err = { 0 };
    static const char text[] = "\xef\xbb\xbf; comment\r\n[experiment]\r\nname = a b ; why\r\n\n[empty]\n[s]\n"
                               "v = one\n  two\n  three = 3\nw=4\n";
    assert_int_equal(rh_ini_read_text(&ini, &a, "x.ini", text, strlen(text), &err), RH_OK);
    assert_string_equal(rh_ini_find(&ini, "experiment", "name")->value, "a b");
    assert_int_equal(rh_ini_find(&ini, "experiment", "name")->line, 3);
    assert_non_null(rh_ini_find(&ini, "empty", NULL));
    assert_string_equal(rh_ini_find(&ini, "s", "v")->value, "one two three = 3");
    assert_int_equal(rh_ini_set(&ini, &a, "algorithm.itemknn.k = 5", &err), RH_OK);
    assert_string_equal(rh_ini_find(&ini, "algorithm.itemknn", "k")->value, "5");
    rh_arena_release(&a);
}

static void ini_keeps_long_lines_whole(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_ini ini = { 0 };
    struct rh_error err = { 0 };
    struct rh_text text = { 0 }, want = { 0 };
    for (int i = 0; i < 300; i++)
        rh_text_printf(&want, "%sword%d", i % 3 ? " " : i ? " #" : "", i);
    for (int i = 0; i < 300; i++) /* and a word longer than any line of inih, with what may not begin a line */
        rh_text_printf(&want, "/%d;#", i);
    rh_text_printf(&text, "[s]\nv = %s  ; a comment %s\nw = 1\n", want.s, want.s);
    assert_int_equal(rh_ini_read_text(&ini, &a, "x.ini", text.s, text.n, &err), RH_OK);
    assert_string_equal(rh_ini_find(&ini, "s", "v")->value, want.s);
    assert_int_equal(rh_ini_find(&ini, "s", "w")->line, 3);
    rh_text_release(&text);
    rh_text_release(&want);
    rh_arena_release(&a);
}

static void ini_errors_name_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "[a]\nx = 1\nx = 2\n", "x.ini:3: key 'x' is there already, at line 2" },
        { "[a]\nx = 1\ny = 1\nx = 2\n", "x.ini:4: key 'x' is there already, at line 2" },
        { "[a]\nx 1\n", "x.ini:2: expected 'key = value', [section] or a comment" },
        { "x = 1\n", "x.ini:1: key 'x' outside a section; start with [experiment]" },
        { "[a]\n[b]\n[a]\n", "x.ini:3: section [a] is there already, at line 1" },
        { "[a\n", "x.ini:1: section header without ']'" },
        { "[]\n", "x.ini:1: section name of 0 characters: 1 to 48 are allowed" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rh_arena a = { 0 };
        struct rh_ini ini = { 0 };
        struct rh_error err = { 0 };
        assert_int_equal(rh_ini_read_text(&ini, &a, "x.ini", cases[i].text, strlen(cases[i].text), &err),
                         RH_EINVAL);
        assert_string_equal(err.text, cases[i].says);
        assert_int_equal(ini.n, 0);
        rh_arena_release(&a);
    }
}

struct sample {
    int64_t neighbors;
    double rate;
    bool on;
    int kind;
    const char *name;
};
static const struct rh_choice kinds[] = { { "cosine", 1, "angle" }, { "adjusted", 2, "centred" }, { NULL, 0, NULL } };
static const struct rh_param sample_params[] = {
    RH_INT(struct sample, neighbors, 20, 1, 10000, "neighbours"),
    RH_REAL(struct sample, rate, 0.1, 0, 1, "rate"),
    RH_BOOL(struct sample, on, true, "switch"),
    RH_ENUM(struct sample, kind, 1, kinds, "similarity"),
    RH_STR(struct sample, name, "none", "a name"),
    RH_PARAMS_END,
};

static void parameters_round_trip(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    struct sample s;
    assert_int_equal(rh_params_sane(sample_params, sizeof s, &err), RH_OK);
    rh_params_defaults(sample_params, &s);
    assert_int_equal(s.neighbors, 20);
    assert_true(s.on && s.kind == 1 && s.rate == 0.1);
    assert_int_equal(rh_param_parse(rh_param_find(sample_params, "kind"), "adjusted", &s, &a, &err), RH_OK);
    struct rh_text t = { 0 };
    for (const struct rh_param *p = sample_params; p->type != RH_P_END; p++) {
        rh_param_text(p, &s, &t);
        rh_text_add(&t, " ");
    }
    assert_string_equal(t.s, "20 0.1 yes adjusted none ");
    rh_text_release(&t);
    assert_int_equal(rh_param_parse(rh_param_find(sample_params, "neighbors"), "0", &s, &a, &err), RH_EINVAL);
    assert_string_equal(err.text, "neighbors = 0 is not allowed: expected integer 1 to 10000");
    err.status = 0;
    rh_param_parse(rh_param_find(sample_params, "kind"), "cosin", &s, &a, &err);
    assert_string_equal(err.text,
                        "kind = cosin is not allowed: expected cosine | adjusted; did you mean 'cosine'?");
    assert_int_equal(s.kind, 2);
    rh_arena_release(&a);
}

static void streams_differ_by_every_part_of_their_name(void **state)
{
    (void)state;
    struct rh_rng a = rh_stream(1, "run", "init", 0), b = rh_stream(1, "run", "init", 0);
    assert_memory_equal(&a, &b, sizeof a);
    struct rh_rng other[] = { rh_stream(2, "run", "init", 0), rh_stream(1, "ruo", "init", 0),
                              rh_stream(1, "run", "inis", 0), rh_stream(1, "run", "init", 1),
                              rh_stream(1, "runi", "nit", 0) };
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        assert_memory_not_equal(&a, &other[i], sizeof a);
    /* xoshiro256** from the state {1, 2, 3, 4}: by hand, rotl(2 * 5, 7) * 9 = 11520, then s[1] = 2^3^1 = 0 */
    struct rh_rng known = { { 1, 2, 3, 4 } };
    assert_int_equal(rh_rng_next(&known), 11520);
    assert_int_equal(rh_rng_next(&known), 0);
    double sum = 0, square = 0;
    for (int i = 0; i < 100000; i++) {
        double x = rh_rng_normal(&a);
        sum += x;
        square += x * x;
    }
    assert_true(sum / 100000 > -0.0127 && sum / 100000 < 0.0127); /* four standard errors of the mean */
    assert_true(square / 100000 > 0.982 && square / 100000 < 1.018);
}

struct marks {
    int8_t hit[1000];
    int64_t fail_from;
};
static int mark(void *arg, int thread, int64_t begin, int64_t end)
{
    struct marks *m = arg;
    (void)thread;
    if (begin >= m->fail_from)
        return begin == m->fail_from ? RH_EDATA : RH_EBUG;
    for (int64_t i = begin; i < end; i++)
        m->hit[i]++;
    return RH_OK;
}

static void loop_covers_everything_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        struct marks m = { .fail_from = 5000 };
        assert_int_equal(rh_loop(threads, 1000, 7, mark, &m), RH_OK);
        for (int i = 0; i < 1000; i++)
            assert_int_equal(m.hit[i], 1);
        m.fail_from = 700;
        assert_int_equal(rh_loop(threads, 1000, 7, mark, &m), RH_EDATA);
    }
}

/* Each piece waits for the one three before it; one in the middle fails, but ends. */
struct queue {
    atomic_int done[1000];
    int64_t fails;
};
static int wait_in_line(void *arg, int thread, int64_t begin, int64_t end)
{
    struct queue *q = arg;
    (void)thread;
    (void)end;
    while (begin >= 3 && !atomic_load(&q->done[begin - 3]))
        sched_yield();
    atomic_store(&q->done[begin], 1);
    return begin == q->fails ? RH_EDATA : RH_OK;
}

static void pieces_may_wait_for_those_before_them(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads++)
        for (int64_t fails = 499; fails <= 1000; fails += 501) {
            struct queue q = { .fails = fails };
            assert_int_equal(rh_loop(threads, 1000, 1, wait_in_line, &q), fails < 1000 ? RH_EDATA : RH_OK);
            for (int64_t i = 0; i < 1000 && i <= fails; i++)
                assert_int_equal(atomic_load(&q.done[i]), 1);
        }
}

static void sha256_is_sha256(void **state)
{
    (void)state;
    struct rh_hash h;
    char hex[RH_HASH_HEX];
    rh_hash_init(&h);
    rh_hash_bytes(&h, "abc", 3);
    rh_hash_hex(&h, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); /* FIPS 180-2 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_rewinds_to_zeroed_memory),
        cmocka_unit_test(arena_snapshot_restores_in_place),
        cmocka_unit_test(arena_keeps_to_its_limit),
        cmocka_unit_test(numbers_are_read_strictly),
        cmocka_unit_test(nearest_name_is_suggested),
        cmocka_unit_test(ini_is_read_with_places),
        cmocka_unit_test(ini_keeps_long_lines_whole),
        cmocka_unit_test(ini_errors_name_the_place),
        cmocka_unit_test(parameters_round_trip),
        cmocka_unit_test(streams_differ_by_every_part_of_their_name),
        cmocka_unit_test(loop_covers_everything_once),
        cmocka_unit_test(pieces_may_wait_for_those_before_them),
        cmocka_unit_test(sha256_is_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
