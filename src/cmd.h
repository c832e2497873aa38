/* The command layer: the only place that prints, and whose statuses become exit statuses. Each command gets its own
 * argc and argv (argv[0] is its name) and returns one of these. */
#ifndef RH_COMMAND_CMD_H
#define RH_COMMAND_CMD_H

#include "base/error.h"
#include "base/log.h"
#include "data/dataset.h"
#include <signal.h>

enum rh_exit {
    RH_EXIT_OK = 0,     /* all runs done */
    RH_EXIT_FAILED = 1, /* some run failed */
    RH_EXIT_USAGE = 2,  /* bad usage or .ini */
    RH_EXIT_IO = 3,     /* cannot read or write */
    RH_EXIT_INTERRUPTED = 130
};

/* What main gives to every command. */
struct rh_cmd {
    const char *installed;               /* folder with datasets/ and experiments/ of an installed harness */
    const volatile sig_atomic_t *cancel; /* set by SIGINT and SIGTERM */
};

int rh_cmd_run(const struct rh_cmd *c, int argc, char **argv);
int rh_cmd_reproduce(const struct rh_cmd *c, int argc, char **argv);
int rh_cmd_check(const struct rh_cmd *c, int argc, char **argv);
int rh_cmd_list(const struct rh_cmd *c, int argc, char **argv);
int rh_cmd_describe(const struct rh_cmd *c, int argc, char **argv);
int rh_cmd_data(const struct rh_cmd *c, int argc, char **argv);
int rh_cmd_table(const struct rh_cmd *c, int argc, char **argv);
int rh_cmd_compare(const struct rh_cmd *c, int argc, char **argv);
int rh_cmd_breakdown(const struct rh_cmd *c, int argc, char **argv);
int rh_cmd_evaluate(const struct rh_cmd *c, int argc, char **argv);
int rh_cmd_explain(const struct rh_cmd *c, int argc, char **argv);
int rh_cmd_export(const struct rh_cmd *c, int argc, char **argv);
int rh_cmd_import(const struct rh_cmd *c, int argc, char **argv);
int rh_cmd_rosetta(const struct rh_cmd *c, int argc, char **argv);
int rh_cmd_plot(const struct rh_cmd *c, int argc, char **argv);

/* ------------------------------------------------------------------------------ shared by the commands */

/* Options of one command: a table from which both parsing and `--help` come. */
struct rh_option {
    const char *name;     /* without "--" */
    const char *argument; /* "FILE", or NULL: a switch */
    const char *help;
    bool *flag;         /* of a switch */
    const char **value; /* of an option with an argument; the last one wins */
    const char *alone;  /* the value of an option without "=VALUE", which is then optional; else NULL */
    const char **many;  /* instead of value: room for RH_MANY of them ... */
    int32_t *n_many;    /* ... and how many there are */
};
#define RH_MANY 64
#define RH_OPTIONS_END                                                                                               \
    {                                                                                                                \
        .name = NULL                                                                                                 \
    }

/* Parses `argv`; operands are moved to the front and counted. Handles --help (prints usage, summary and options,
 * returns RH_EXIT_OK through *exit_status with false). False: stop with *exit_status. `usage` is like
 * "run FILE [OPTION]...". */
bool rh_options(int argc, char **argv, const char *usage, const char *summary, const struct rh_option *option,
                char ***operand, int *n_operands, int *exit_status);

/* Prints "harness: text" on stderr and returns the exit status that suits the error. */
int rh_complain(const struct rh_error *err);
/* The same for a text of one's own. */
int rh_usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Columns of the terminal that standard output is, 0 when it is none; and whether it may be coloured. */
int rh_terminal_width(void);
bool rh_terminal_colour(void);

/* Ends a command that reads the store: prints what the report wrote, or complains; releases text and store (NULL is
 * fine). Returns the exit status. */
struct rh_store;
struct rh_text;
int rh_finish_report(struct rh_store *store, struct rh_text *text, int status, const struct rh_error *err);

/* Reads a thread count: "" or NULL: all processors. 0: not a number from 1 to 4096. */
int rh_thread_count(const char *text);

/* Writes `text` to stdout; RH_EXIT_IO with a complaint when that fails (a full disk, a closed pipe). */
int rh_print(const char *text);

#endif
