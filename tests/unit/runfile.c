/* The lines of run files: numbers as strtod reads them, and any bytes without harm. What files look like from outside,
 * and the values of trec_eval, are in tests/cli/runfiles.sh. */
#include "exchange/idtable.h"
#include "exchange/lines.h"

#include "base/stream.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A number as some program might write it. */
static void write_number(struct rh_rng *rng, char *out, size_t n)
{
    double x = rh_rng_normal(rng) * pow(10, (double)rh_rng_below(rng, 12) - 6);
    switch (rh_rng_below(rng, 6)) {
    case 0: snprintf(out, n, "%.17g", x); break;
    case 1: snprintf(out, n, "%.*f", (int)rh_rng_below(rng, 22), x); break;
    case 2: snprintf(out, n, "%.*e", (int)rh_rng_below(rng, 20), x); break;
    case 3: snprintf(out, n, "%.9g", (double)(float)x); break;
    case 4: snprintf(out, n, "%lld", (long long)(x * 1e6)); break;
    default: /* half-way between two floats, or next to it: where rounding twice could go wrong */
        snprintf(out, n, "%.*f", 24 + (int)rh_rng_below(rng, 3),
                 (double)(1 + (int)rh_rng_below(rng, 1000)) + ldexp(1 + 2.0 * rh_rng_below(rng, 99), -24) +
                     (rh_rng_below(rng, 2) ? 1e-16 : 0));
    }
}

/* Every way of reading a line gives the float that the double nearest to the number rounds to. */
static void scores_are_read_as_by_strtod(void **state)
{
    (void)state;
    struct rh_rng rng = rh_stream(1, "test", "scores", 0);
    for (int i = 0; i < 50000; i++) {
        char number[64], text[200];
        write_number(&rng, number, sizeof number);
        int n = snprintf(text, sizeof text, "q Q0 17 1 9.5 t\nq Q0 18 2 %s t\nq  Q0 19 3 %s t\n", number, number);
        struct rh_piece p = { .begin = text, .end = text + n, .origin = text };
        rh_piece_read(&p, &(struct rh_line_rules){ .form = RH_FORM_TREC });
        assert_null(p.bad);
        assert_int_equal(p.n, 3);
        float want = (float)strtod(number, NULL);
        if (memcmp(&p.value[1], &want, sizeof want) || memcmp(&p.value[2], &want, sizeof want))
            fail_msg("%s is %.9g, not %.9g or %.9g", number, (double)want, (double)p.value[1], (double)p.value[2]);
        free(p.item);
        free(p.value);
        free(p.segment);
    }
}

static char path[64];

static struct rh_run_file *read_text(const char *text, size_t n, enum rh_file_kind kind, int *status)
{
    struct rh_run_file *f = NULL;
    struct rh_error err = { 0 };
    FILE *out = fopen(path, "w"); /* rh_write_file waits for the disk */
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, n, out), n);
    fclose(out);
    *status = rh_run_file_read(path, kind, 2, &f, &err);
    assert_true(*status == RH_OK || err.text[0]);
    return f;
}

/* Damaged files are read or refused, with a sentence, and neither reads what is not theirs. */
static void any_bytes_are_read_or_refused(void **state)
{
    (void)state;
    static const char *const good[] = {
        "u1 Q0 17 1 3.5 tag\nu1 Q0 018 2 -2e-3 tag\n\nu2 Q0 x,y 1 1 tag\nu1 Q0 9 3 -7 tag",
        "user,item,score,rank\nu1,\"a,b\",1.5,1\r\nu2,17,-.5,1\nu1,c,.25,2",
        "u1 0 17 1\nu1\t0\tx\t-1\nu2 0 018 2",
    };
    static const char odd[] = "\n\r\t ,\"0.9eE+-xQ\0\377";
    struct rh_rng rng = rh_stream(1, "test", "bytes", 0);
    snprintf(path, sizeof path, "%s/rh-runfile-XXXXXX", P_tmpdir);
    int fd = mkstemp(path), read = 0;
    assert_true(fd >= 0);
    close(fd);
    for (int i = 0; i < 1500; i++) {
        char text[128];
        int status, which = (int)rh_rng_below(&rng, 3);
        size_t n = strlen(good[which]);
        memcpy(text, good[which], n);
        for (uint32_t k = rh_rng_below(&rng, 4); k > 0; k--)
            text[rh_rng_below(&rng, (uint32_t)n)] = odd[rh_rng_below(&rng, sizeof odd - 1)];
        n -= rh_rng_below(&rng, 3) ? 0 : rh_rng_below(&rng, (uint32_t)n);
        struct rh_run_file *f = read_text(text, n, which == 2 ? RH_FILE_QRELS : RH_FILE_RUN, &status);
        if (!f)
            continue;
        struct rh_query_room room = { 0 };
        struct rh_query_lines lines;
        char buf[24];
        int64_t total = 0;
        for (int32_t q = 0; q < f->n_queries; q++) {
            struct rh_error err = { 0 };
            assert_int_equal(rh_run_file_find(f, f->query[q].id), q);
            assert_true(rh_run_file_line_number(f, q, f->query[q].n - 1) >= f->query[q].n);
            rh_run_file_check_ranks(f, q, &err);
            if (rh_run_file_enter(f, q, &room, &lines, &err) < 0)
                continue;
            for (int32_t k = 0; k < lines.n; k++) {
                assert_int_equal(rh_run_file_line(f, &room, f, lines.item[k]), k);
                assert_true(rh_item_text(f, lines.item[k], buf).n > 0 || which == 1);
            }
            total += lines.n;
        }
        read += total == f->n;
        rh_query_room_release(&room);
        rh_run_file_free(f);
    }
    assert_true(read > 250 && read < 1250);
    unlink(path);
}

static void ids_are_found(void **state)
{
    (void)state;
    static const char *const id[] = { "17", "017", "", "17 ", "seventeen", "seventee" };
    struct rh_arena a = { 0 };
    struct rh_id_table t;
    struct rh_error err = { 0 };
    assert_int_equal(rh_id_table_make(&a, id, 6, &t, &err), RH_OK);
    for (int32_t i = 0; i < 6; i++)
        assert_int_equal(rh_id_table_find(&t, (struct rh_span){ id[i], (uint32_t)strlen(id[i]) }), i);
    assert_int_equal(rh_id_table_find(&t, (struct rh_span){ "171", 3 }), -1);
    assert_int_equal(rh_id_table_find(&t, (struct rh_span){ "1", 1 }), -1);
    assert_int_equal(rh_id_table_find(&t, (struct rh_span){ "seventeens", 9 }), 4); /* a span has no end of its own */
    rh_arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_read_as_by_strtod),
        cmocka_unit_test(any_bytes_are_read_or_refused),
        cmocka_unit_test(ids_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
