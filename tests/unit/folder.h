/* A temporary folder of files for tests of what reads files. Include after cmocka.h; <config.h> comes first. */
#ifndef TESTS_UNIT_FOLDER_H
#define TESTS_UNIT_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define assert_says(err, part)                                                                                 \
    do {                                                                                                       \
        if (!strstr((err).text, part))                                                                         \
            fail_msg("expected '%s' in: %s", part, (err).text);                                                \
    } while (0)

static char folder_path[256];
static char folder_texts[8][1024]; /* in turn, so that a few paths live at once */

static int folder_open(void **state)
{
    const char *place = getenv("TMPDIR");
    (void)state;
    snprintf(folder_path, sizeof folder_path, "%s/harness-test-XXXXXX", place ? place : "/tmp");
    return mkdtemp(folder_path) ? 0 : -1;
}

static int folder_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int folder_close(void **state)
{
    (void)state;
    return nftw(folder_path, folder_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *in_folder(const char *name)
{
    static int turn;
    char *text = folder_texts[turn++ % 8];
    snprintf(text, sizeof folder_texts[0], "%s/%s", folder_path, name);
    return text;
}

static const char *write_bytes(const char *name, const void *bytes, size_t n)
{
    const char *path = in_folder(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return path;
}

static const char *write_file(const char *name, const char *text)
{
    return write_bytes(name, text, strlen(text));
}

#endif
