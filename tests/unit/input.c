/* data/input, data/scan and the readers: bytes to lines to fields. */
#include <config.h>

#include "base/text.h"
#include "data/delimited.h"
#include "data/input.h"
#include "data/scan.h"

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "folder.h"

/* An archive with the members (name, text), (name, text), ..., NULL; or, `format` "raw", one text compressed. */
static const char *write_archive(const char *file, const char *format, const char *filter, const char *const *member)
{
    const char *path = in_folder(file);
    struct archive *a = archive_write_new();
    assert_non_null(a);
    assert_int_equal(archive_write_set_format_by_name(a, format), ARCHIVE_OK);
    if (filter)
        assert_true(archive_write_add_filter_by_name(a, filter) >= ARCHIVE_WARN);
    assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
    for (; *member; member += 2) {
        struct archive_entry *e = archive_entry_new();
        archive_entry_set_pathname(e, member[0]);
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, 0644);
        archive_entry_set_size(e, (la_int64_t)strlen(member[1]));
        assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
        assert_int_equal(archive_write_data(a, member[1], strlen(member[1])), strlen(member[1]));
        archive_entry_free(e);
    }
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
    return path;
}

/* The first n bytes of a file under another name. */
static const char *cut_file(const char *from, const char *name, size_t n)
{
    char *bytes = malloc(n);
    FILE *f = fopen(from, "rb");
    assert_non_null(f);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, n, f), n);
    fclose(f);
    const char *path = write_bytes(name, bytes, n);
    free(bytes);
    return path;
}

/* Opens, reads to the end; the lines joined by '/'. */
static int lines_of(const char *place, char *out, size_t room, struct rh_error *err)
{
    struct rh_input *in;
    const char *line;
    size_t n;
    out[0] = '\0';
    int status = rh_input_open(place, &in, err);
    if (status < 0)
        return status;
    int64_t count = 0;
    while ((status = rh_input_line(in, &line, &n, err)) == RH_OK) {
        assert_int_equal(strlen(line), n);
        assert_int_equal(rh_input_line_number(in), ++count);
        size_t used = strlen(out);
        snprintf(out + used, room - used, "%s/", line);
    }
    rh_input_close(in);
    return status;
}

static void lines_end_in_any_way(void **state)
{
    char all[200];
    struct rh_error err = { 0 };
    (void)state;
    assert_int_equal(lines_of(write_file("a", "\xef\xbb\xbf" "7\t31\r\n\n99\r"), all, sizeof all, &err), RH_DONE);
    assert_string_equal(all, "7\t31//99/");
    assert_int_equal(lines_of(write_file("a", ""), all, sizeof all, &err), RH_DONE);
    assert_string_equal(all, "");
    assert_int_equal(lines_of(write_bytes("a", "1\n2\0" "3\n", 6), all, sizeof all, &err), RH_EDATA);
    assert_says(err, "a:2: a NUL byte");
}

static void every_compression_is_the_same_path(void **state)
{
    static const char *const filters[] = { "gzip", "bzip2", "xz", "zstd" };
    const char *member[] = { "ratings", "12::907::4\n13::41::5\n", NULL };
    char all[200];
    (void)state;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        struct rh_error err = { 0 };
        const char *path = write_archive("r.packed", "raw", filters[i], member);
        assert_int_equal(lines_of(path, all, sizeof all, &err), RH_DONE);
        assert_string_equal(all, "12::907::4/13::41::5/");
    }
}

static void members_are_found_by_name_or_end(void **state)
{
    const char *members[] = { "ml-7/README", "text\n", "ml-7/ratings.dat", "5::6\n", "x-ratings.dat", "no\n", NULL };
    static const char *const formats[][2] = {
        { "zip", NULL }, { "ustar", "gzip" }, { "ustar", "xz" }, { "7zip", NULL }
    };
    char all[200], place[1200];
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct rh_error err = { 0 };
        const char *path = write_archive("m.archive", formats[i][0], formats[i][1], members);
        snprintf(place, sizeof place, "%s:ratings.dat", path);
        assert_int_equal(lines_of(place, all, sizeof all, &err), RH_DONE);
        assert_string_equal(all, "5::6/");
        snprintf(place, sizeof place, "%s:ml-7/README", path);
        assert_int_equal(lines_of(place, all, sizeof all, &err), RH_DONE);
        assert_string_equal(all, "text/");
        snprintf(place, sizeof place, "%s:movies.dat", path);
        assert_int_equal(lines_of(place, all, sizeof all, &err), RH_EIO);
        assert_says(err, "has no member 'movies.dat'; it has: ml-7/README, ml-7/ratings.dat, x-ratings.dat");
        err = (struct rh_error){ 0 };
        assert_int_equal(lines_of(path, all, sizeof all, &err), RH_EINVAL);
        assert_says(err, "is an archive: name one of its members");
    }
}

static void what_cannot_be_read_is_refused(void **state)
{
    const char *up[] = { "../evil", "1\n", NULL }, *absolute[] = { "/etc/evil", "1\n", NULL };
    char all[200], place[1200];
    struct rh_error err = { 0 };
    (void)state;
    snprintf(place, sizeof place, "%s:evil", write_archive("up.zip", "zip", NULL, up));
    assert_int_equal(lines_of(place, all, sizeof all, &err), RH_EDATA);
    assert_says(err, "its member '../evil' leaves the folder");
    err = (struct rh_error){ 0 };
    snprintf(place, sizeof place, "%s:evil", write_archive("abs.tar", "ustar", NULL, absolute));
    assert_int_equal(lines_of(place, all, sizeof all, &err), RH_EDATA);
    assert_says(err, "leaves the folder");
    err = (struct rh_error){ 0 };
    assert_int_equal(lines_of(in_folder("none"), all, sizeof all, &err), RH_EIO);
    assert_says(err, "No such file");
    err = (struct rh_error){ 0 };
    assert_int_equal(lines_of(folder_path, all, sizeof all, &err), RH_EIO);
    assert_says(err, "it is a folder");
    err = (struct rh_error){ 0 };
    snprintf(place, sizeof place, "%s:member", write_file("plain.txt", "1\n"));
    assert_int_equal(lines_of(place, all, sizeof all, &err), RH_EINVAL);
    assert_says(err, "is no archive");
    if (geteuid() != 0) { /* root reads everything */
        const char *path = write_file("secret", "1\n");
        chmod(path, 0);
        err = (struct rh_error){ 0 };
        assert_int_equal(lines_of(path, all, sizeof all, &err), RH_EIO);
        assert_says(err, "Permission denied");
    }
}

static void damage_is_found_when_reading_gets_there(void **state)
{
    char text[40001], all[60000];
    const char *member[] = { "ratings", text, NULL };
    static const char *const filters[] = { "gzip", "xz", "bzip2", "zstd" };
    uint32_t x = 12345;
    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++) { /* texts that do not pack well */
        x = x * 1664525 + 1013904223;
        text[i] = i % 40 == 39 ? '\n' : (char)('0' + (x >> 24) % 75);
    }
    text[sizeof text - 1] = '\0';
    for (size_t i = 0; i < 4; i++) {
        struct rh_error err = { 0 };
        struct stat st;
        const char *path = write_archive("whole", "raw", filters[i], member);
        assert_int_equal(stat(path, &st), 0);
        int status = lines_of(cut_file(path, "cut", (size_t)st.st_size * 2 / 3), all, sizeof all, &err);
        assert_int_equal(status, RH_EIO);
        assert_says(err, "damaged or cut off");
    }
    struct rh_error err = { 0 };
    struct stat st;
    const char *zip = write_archive("whole.zip", "zip", NULL, member);
    assert_int_equal(stat(zip, &st), 0);
    char place[1200];
    snprintf(place, sizeof place, "%s:ratings", cut_file(zip, "cut.zip", (size_t)st.st_size / 2));
    assert_int_equal(lines_of(place, all, sizeof all, &err), RH_EIO);
}

/* 1.1 GiB of line ends: beyond 1 GiB, and far more than 2000 times the packed size. */
static void absurd_sizes_are_refused(void **state)
{
    (void)state;
    const char *path = in_folder("bomb.zst");
    struct archive *a = archive_write_new();
    struct archive_entry *e = archive_entry_new();
    char *block = calloc(1, 1 << 20);
    memset(block, '\n', 1 << 20);
    assert_int_equal(archive_write_set_format_raw(a), ARCHIVE_OK);
    assert_int_equal(archive_write_add_filter_zstd(a), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
    archive_entry_set_filetype(e, AE_IFREG);
    assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
    for (int i = 0; i < 1100; i++)
        assert_int_equal(archive_write_data(a, block, 1 << 20), 1 << 20);
    archive_entry_free(e);
    archive_write_close(a);
    archive_write_free(a);
    free(block);
    struct rh_error err = { 0 };
    struct rh_input *in;
    const char *p;
    size_t n = 1;
    int status = rh_input_open(path, &in, &err);
    assert_int_equal(status, RH_OK);
    while (status >= 0 && n)
        status = rh_input_block(in, &p, &n, &err);
    rh_input_close(in);
    assert_int_equal(status, RH_EDATA);
    assert_says(err, "is absurd");
}

/* ------------------------------------------------------------------------------------------------ numbers */

static void numbers_are_read_whole(void **state)
{
    int64_t i;
    double x;
    (void)state;
    assert_true(rh_scan_int("-9223372036854775807", 20, &i) && i == -INT64_MAX);
    assert_false(rh_scan_int("9223372036854775808", 19, &i));
    assert_false(rh_scan_int("99999999999999999999999", 23, &i));
    assert_false(rh_scan_int("12a", 3, &i));
    assert_false(rh_scan_int("-", 1, &i));
    assert_false(rh_scan_int("", 0, &i));
    const char *reals[] = {
        "3.7", "0.1", "-4.25", "5", "1e-3", "179769313486231570000000000000000000000", "2.2250738585072011e-308",
        ".5",  "7."
    };
    for (size_t k = 0; k < sizeof reals / sizeof *reals; k++) {
        assert_true(rh_scan_real(reals[k], strlen(reals[k]), &x));
        assert_true(x == strtod(reals[k], NULL)); /* the library's correctly rounded conversion */
    }
    const char *none[] = { "nan", "inf", "-inf", "0x10", "1,5", "", ".", "-", "1e", "1e999", "3.5 ", "four" };
    for (size_t k = 0; k < sizeof none / sizeof *none; k++)
        assert_false(rh_scan_real(none[k], strlen(none[k]), &x));
}

static void times_have_formats(void **state)
{
    struct rh_error err = { 0 };
    struct rh_time_format f;
    int64_t t;
    (void)state;
#define SCAN(text) rh_scan_time(&f, text, strlen(text), &t)
    assert_int_equal(rh_time_format_parse("unix", &f, &err), RH_OK);
    assert_true(SCAN("978300760") && t == 978300760);
    assert_true(SCAN("9.7830076e8") && t == 978300760);
    assert_false(SCAN("-1"));
    assert_false(SCAN("1588687728923")); /* milliseconds: beyond the year 9999 */
    assert_int_equal(rh_time_format_parse("unix_ms", &f, &err), RH_OK);
    assert_true(SCAN("1588687728923") && t == 1588687728);
    assert_false(SCAN("-1"));
    assert_int_equal(rh_time_format_parse("MM DD, YYYY", &f, &err), RH_OK);
    /* date -u -d 2004-04-04 +%s */
    assert_true(SCAN("04 4, 2004") && t == 1081036800);
    assert_false(SCAN("13 4, 2004"));
    assert_false(SCAN("02 30, 2004"));
    assert_int_equal(rh_time_format_parse("DD-Mon-YYYY", &f, &err), RH_OK);
    assert_true(SCAN("29-Feb-2000") && t == 951782400); /* date -u -d 2000-02-29 +%s */
    assert_false(SCAN("29-Feb-1900"));
    assert_int_equal(rh_time_format_parse("YYYY-MM-DD hh:mm:ss", &f, &err), RH_OK);
    assert_true(SCAN("2014-07-23 23:59:58") && t == 1406159998); /* date -u -d "2014-07-23 23:59:58" +%s */
    assert_false(SCAN("2014-07-23 24:00:00"));
    assert_false(SCAN("2014-07-23"));
    assert_int_equal(rh_time_format_parse("seconds", &f, &err), RH_EINVAL);
}

static void utf8_is_strict(void **state)
{
    (void)state;
    const char *fine[] = { "", "plain ASCII of some length", "caf\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8e\xac film" };
    const char *broken[] = { "caf\xe9", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "12345678\xe2\x82", "\x80" };
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        assert_true(rh_utf8_valid(fine[i], strlen(fine[i])));
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_false(rh_utf8_valid(broken[i], strlen(broken[i])));
}

/* ------------------------------------------------------------------------------------------------ readers */

/* All records: fields in brackets, '-' for one that is not there. */
static int records_of(const char *reader, const char *text, const struct rh_reader_config *config,
                      struct rh_text *out, struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_input *in = NULL;
    struct rh_reading *reading = NULL;
    struct rh_field field[8];
    const struct rh_reader *r = rh_reader_find(reader);
    assert_non_null(r);
    rh_text_clear(out);
    rh_text_add(out, "");
    *err = (struct rh_error){ 0 };
    int status = rh_input_open(write_file("t", text), &in, err);
    if (status >= 0)
        status = r->open(&a, in, config, &reading, err);
    while (status >= 0 && (status = r->next(reading, field, err)) == RH_OK)
        for (int32_t i = 0; i < config->n_wanted; i++)
            if (field[i].s)
                rh_text_printf(out, "[%.*s]", (int)field[i].n, field[i].s);
            else
                rh_text_add(out, "-");
    if (reading)
        r->close(reading);
    rh_input_close(in);
    rh_arena_release(&a);
    return status;
}

static void delimited_takes_columns_by_number_and_name(void **state)
{
    const char *numbers[] = { "3", "1" }, *names[] = { "rating", "user", "when?" },
               *either[] = { "score|rating", "2" };
    struct rh_reader_config c = { .separator = "::", .wanted = numbers, .n_wanted = 2 };
    struct rh_text out = { 0 };
    struct rh_error err;
    (void)state;
    assert_int_equal(records_of("delimited", "6::907::4::11\n\n7::41:::\n8::2::5::1::more\n", &c, &out, &err),
                     RH_DONE);
    assert_string_equal(out.s, "[4][6][:][7][5][8]");
    c = (struct rh_reader_config){ .header = true, .wanted = names, .n_wanted = 3 }; /* the separator is found out */
    assert_int_equal(records_of("delimited", "user\titem\trating\n17\t4\t3.5\n", &c, &out, &err), RH_DONE);
    assert_string_equal(out.s, "[3.5][17]-");
    c.wanted = either;
    c.n_wanted = 2;
    assert_int_equal(records_of("delimited", "user;item;rating\n17;4;3.5\n", &c, &out, &err), RH_DONE);
    assert_string_equal(out.s, "[3.5][4]");
    rh_text_release(&out);
}

static void delimited_quotes_as_rfc_4180(void **state)
{
    const char *wanted[] = { "title", "id" };
    struct rh_reader_config c = { .separator = ",", .header = true, .quoted = true, .wanted = wanted, .n_wanted = 2 };
    struct rh_text out = { 0 };
    struct rh_error err;
    (void)state;
    assert_int_equal(records_of("delimited",
                                "id,title,genres\r\n11,\"American President, The (1995)\",Drama\r\n"
                                "12,\"say \"\"yes\"\"\",\"a\nb,c\"\r\n13,plain \"inside\",\r\n14,\"\",\n",
                                &c, &out, &err), RH_DONE);
    assert_string_equal(out.s, "[American President, The (1995)][11][say \"yes\"][12][plain \"inside\"][13][][14]");
    assert_int_equal(records_of("delimited", "id,title,genres\n1,\"open,x\n2,b,c\n", &c, &out, &err), RH_EDATA);
    assert_says(err, "t:2: a quoted field begins in this line and does not end");
    assert_int_equal(records_of("delimited", "id,title,genres\n1,\"a\"b,x\n", &c, &out, &err), RH_EDATA);
    assert_says(err, "t:2: text behind the closing quote of column 2");
    rh_text_release(&out);
}

static void delimited_reads_latin1_or_says_so(void **state)
{
    const char *wanted[] = { "2" };
    struct rh_reader_config c = { .separator = "|", .wanted = wanted, .n_wanted = 1 };
    struct rh_text out = { 0 };
    struct rh_error err;
    (void)state;
    assert_int_equal(records_of("delimited", "5|ok\n6|Mis\xe9rables, Les\n", &c, &out, &err), RH_EDATA);
    assert_says(err, "t:2: bytes that are not UTF-8; is it encoding = latin1?");
    c.latin1 = true;
    assert_int_equal(records_of("delimited", "6|Mis\xe9rables, Les\n", &c, &out, &err), RH_DONE);
    assert_string_equal(out.s, "[Mis\xc3\xa9rables, Les]");
    rh_text_release(&out);
}

static void delimited_explains_wrong_columns(void **state)
{
    const char *wanted[] = { "user", "rating" }, *number[] = { "4" };
    struct rh_reader_config c = { .separator = ",", .header = true, .wanted = wanted, .n_wanted = 2 };
    struct rh_text out = { 0 };
    struct rh_error err;
    (void)state;
    assert_int_equal(records_of("delimited", "user,item,stars\n1,2,3\n", &c, &out, &err), RH_EDATA);
    assert_says(err, "t:1: there is no column 'rating'; there are: user, item, stars");
    assert_int_equal(records_of("delimited", "user,item,rating\n1,2,3\n4,5\n", &c, &out, &err), RH_EDATA);
    assert_says(err, "t:3: 2 columns split at 'comma', the header has 3");
    c = (struct rh_reader_config){ .separator = ",", .wanted = number, .n_wanted = 1 };
    assert_int_equal(records_of("delimited", "1\t2\t3\t4\n", &c, &out, &err), RH_EDATA);
    assert_says(err, "t:1: 1 column split at 'comma', column 4 is wanted; did you mean separator = tab?");
    assert_int_equal(records_of("delimited", "", &c, &out, &err), RH_EDATA);
    assert_says(err, "t: the file is empty");
    c.wanted = wanted;
    assert_int_equal(records_of("delimited", "1,2,3\n", &c, &out, &err), RH_EDATA);
    assert_says(err, "needs a header line (header = yes)");
    rh_text_release(&out);
}

static void atomic_and_userlist(void **state)
{
    const char *wanted[] = { "user_id", "item_id", "rating?" }, *list[] = { "user", "item", "time?" };
    struct rh_reader_config c = { .wanted = wanted, .n_wanted = 3 };
    struct rh_text out = { 0 };
    struct rh_error err;
    const char *inter = "user_id:token\titem_id:token\trating:float\nA1\t0811825558\t1\n";
    (void)state;
    assert_int_equal(records_of("atomic", inter, &c, &out, &err), RH_DONE);
    assert_string_equal(out.s, "[A1][0811825558][1]");
    assert_true(rh_reader_find("atomic")->bid(inter, strlen(inter)) >
                rh_reader_find("delimited")->bid(inter, strlen(inter)));
    assert_int_equal(rh_reader_find("atomic")->bid("user\titem\n", 10), 0);
    c.wanted = list;
    assert_int_equal(records_of("userlist", "1 209 234\n2\n\n7\t8|1357430400 9\n", &c, &out, &err), RH_DONE);
    assert_string_equal(out.s, "[1][209]-[1][234]-[7][8][1357430400][7][9]-");
    c.wanted = wanted;
    assert_int_equal(records_of("userlist", "1 2\n", &c, &out, &err), RH_EDATA);
    assert_says(err, "there is no column 'user_id'; there are: user, item, time");
    rh_text_release(&out);
}

static void lists_of_one_object(void **state)
{
    const char *list[] = { "user", "item", "time?" }, *other[] = { "item", "year" };
    struct rh_reader_config c = { .wanted = list, .n_wanted = 3 };
    struct rh_text out = { 0 };
    struct rh_error err;
    static const char *const refused[][2] = {
        { "", "t:1: not JSON: '[' or '{' expected near end of file" },
        { "{\"7\": [\"1\"", "not JSON: ']' expected near end of file" },
        { "[\"7\"]", "t: holds a list; expected one object of users and their lists of items" },
        { "{\"7\": 1}", "t: user '7' has no list of items" },
        { "{\"7\": [1.5]}", "t: an item of user '7' is neither a text nor a whole number" },
        { "{\"7\": [1], \"7\": [2]}", "not JSON: duplicate object key" },
    };
    (void)state;
    assert_int_equal(records_of("jsonlists", "{\"9\": [\"1\", \"22\"],\n \"a\": [], \"4\": [7]}\n", &c, &out,
                                &err), RH_DONE);
    assert_string_equal(out.s, "[9][1]-[9][22]-[4][7]-");
    assert_int_equal(records_of("jsonlists", "{}", &c, &out, &err), RH_DONE);
    assert_string_equal(out.s, "");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(records_of("jsonlists", refused[i][0], &c, &out, &err), RH_EDATA);
        assert_says(err, refused[i][1]);
    }
    c.wanted = other;
    c.n_wanted = 2;
    assert_int_equal(records_of("jsonlists", "{}", &c, &out, &err), RH_EDATA);
    assert_says(err, "t: there is no column 'year'; there are: user, item");
    rh_text_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_in_any_way),
        cmocka_unit_test(every_compression_is_the_same_path),
        cmocka_unit_test(members_are_found_by_name_or_end),
        cmocka_unit_test(what_cannot_be_read_is_refused),
        cmocka_unit_test(damage_is_found_when_reading_gets_there),
        cmocka_unit_test(absurd_sizes_are_refused),
        cmocka_unit_test(numbers_are_read_whole),
        cmocka_unit_test(times_have_formats),
        cmocka_unit_test(utf8_is_strict),
        cmocka_unit_test(delimited_takes_columns_by_number_and_name),
        cmocka_unit_test(delimited_quotes_as_rfc_4180),
        cmocka_unit_test(delimited_reads_latin1_or_says_so),
        cmocka_unit_test(delimited_explains_wrong_columns),
        cmocka_unit_test(atomic_and_userlist),
        cmocka_unit_test(lists_of_one_object),
    };
    return cmocka_run_group_tests(tests, folder_open, folder_close);
}
