#include "cmd.h"

#include "base/parallel.h"
#include "base/text.h"
#include "store/store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int rh_complain(const struct rh_error *err)
{
    fprintf(stderr, "harness: %s\n", err->text);
    switch (err->status) {
    case RH_EINVAL:
    case RH_EUNSUP: return RH_EXIT_USAGE;
    case RH_EIO: return RH_EXIT_IO;
    case RH_ECANCEL: return RH_EXIT_INTERRUPTED;
    default: return RH_EXIT_FAILED;
    }
}

int rh_usage_error(const char *fmt, ...)
{
    struct rh_error err = { 0 };
    va_list ap;
    va_start(ap, fmt);
    rh_vfail(&err, RH_EINVAL, fmt, ap);
    va_end(ap);
    return rh_complain(&err);
}

int rh_print(const char *text)
{
    if (text && (fputs(text, stdout) == EOF || fflush(stdout) == EOF)) {
        struct rh_error err = { 0 };
        rh_fail(&err, RH_EIO, "cannot write to standard output: %s", strerror(errno));
        return rh_complain(&err);
    }
    return RH_EXIT_OK;
}

int rh_terminal_width(void)
{
    struct winsize w;
    return isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) ? w.ws_col : 0;
}

bool rh_terminal_colour(void)
{
    return isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
}

int rh_finish_report(struct rh_store *store, struct rh_text *text, int status, const struct rh_error *err)
{
    status = status < 0 ? rh_complain(err) : rh_print(text->s);
    rh_text_release(text);
    rh_store_close(store);
    return status;
}

int rh_thread_count(const char *text)
{
    int64_t n;
    if (!text || !*text)
        return rh_cpu_count();
    return rh_parse_int(text, &n) && n >= 1 && n <= 4096 ? (int)n : 0;
}

static void print_help(const char *usage, const char *summary, const struct rh_option *option)
{
    struct rh_text t = { 0 };
    rh_text_printf(&t, "usage: harness %s\n\n%s\n\n", usage, summary);
    for (const struct rh_option *o = option; o->name; o++) {
        char head[64];
        snprintf(head, sizeof head, o->alone ? "--%s[=%s%s]" : "--%s%s%s", o->name, o->argument && !o->alone ? " " : "",
                 o->argument ? o->argument : "");
        rh_text_printf(&t, "  %-26s %s\n", head, o->help);
    }
    rh_text_printf(&t, "  %-26s %s\n", "--help", "this text");
    rh_print(t.s);
    rh_text_release(&t);
}

static int unknown_option(const char *word, const char *command, const struct rh_option *option)
{
    const char *name[64];
    size_t n = 0;
    for (const struct rh_option *o = option; o->name && n < 63; o++)
        name[n++] = o->name;
    name[n++] = "help";
    char bare[64];
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const char *nearest = rh_nearest(bare, name, n);
    return rh_usage_error("%s has no option '--%s'%s%s%s; see harness %s --help", command, bare,
                          nearest ? "; did you mean '--" : "", nearest ? nearest : "", nearest ? "'?" : "", command);
}

bool rh_options(int argc, char **argv, const char *usage, const char *summary, const struct rh_option *option,
                char ***operand, int *n_operands, int *exit_status)
{
    bool only_operands = false;
    *operand = argv + 1;
    *n_operands = 0;
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        if (only_operands || word[0] != '-' || !word[1]) {
            (*operand)[(*n_operands)++] = word;
            continue;
        }
        if (!strcmp(word, "--")) {
            only_operands = true;
            continue;
        }
        if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
            print_help(usage, summary, option);
            *exit_status = RH_EXIT_OK;
            return false;
        }
        if (word[1] != '-') {
            *exit_status = rh_usage_error("%s has no option '%s'; see harness %s --help", argv[0], word, argv[0]);
            return false;
        }
        const struct rh_option *o = option;
        size_t n = strcspn(word + 2, "=");
        while (o->name && (strlen(o->name) != n || strncmp(o->name, word + 2, n)))
            o++;
        if (!o->name) {
            *exit_status = unknown_option(word, argv[0], option);
            return false;
        }
        const char *value = word[2 + n] == '=' ? word + 3 + n : NULL;
        if (!o->argument) {
            if (value) {
                *exit_status = rh_usage_error("option '--%s' takes no value", o->name);
                return false;
            }
            *o->flag = true;
            continue;
        }
        if (!value && o->alone)
            value = o->alone;
        if (!value && i + 1 < argc)
            value = argv[++i];
        if (!value) {
            *exit_status = rh_usage_error("option '--%s' needs a %s", o->name, o->argument);
            return false;
        }
        if (o->many && *o->n_many == RH_MANY) {
            *exit_status = rh_usage_error("option '--%s' is allowed %d times", o->name, RH_MANY);
            return false;
        }
        if (o->many)
            o->many[(*o->n_many)++] = value;
        else
            *o->value = value;
    }
    return true;
}
