/* harness: the program. Finds the command and readies what all commands share. */
#include <config.h>

#include "base/text.h"
#include "cmd.h"

#include <cblas.h>
#include <gsl/gsl_errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted; /* a signal handler has nowhere else to write */

static void on_signal(int signal)
{
    (void)signal;
    if (interrupted) /* the second time the user means it */
        _exit(RH_EXIT_INTERRUPTED);
    interrupted = 1;
}

static const struct command {
    const char *name, *summary;
    int (*run)(const struct rh_cmd *c, int argc, char **argv);
    bool many_loops; /* trains: its threads meet in loop after loop */
} commands[] = {
    { "run", "run an experiment, then print its table", rh_cmd_run, true },
    { "reproduce", "run the experiment of a published table and compare", rh_cmd_reproduce, true },
    { "check", "parse and validate an experiment, print the plan; reads no data", rh_cmd_check },
    { "list", "list algorithms, datasets, metrics or splits", rh_cmd_list },
    { "describe", "describe one of them: summary, paper, parameters", rh_cmd_describe },
    { "data", "list, inspect, verify, add and fetch datasets", rh_cmd_data },
    { "table", "print the comparison of an experiment's stored runs", rh_cmd_table },
    { "compare", "test the differences between its algorithms", rh_cmd_compare },
    { "breakdown", "break its values down by strata of users, items and time", rh_cmd_breakdown },
    { "plot", "draw it", rh_cmd_plot },
    { "explain", "say why a model recommends an item to a user", rh_cmd_explain, true },
    { "evaluate", "compute metrics without fitting", rh_cmd_evaluate },
    { "import", "judge a run that another program made", rh_cmd_import },
    { "rosetta", "score a run as several libraries would", rh_cmd_rosetta },
    { "export", "write runs as files for other programs", rh_cmd_export },
};
#define N_COMMANDS (sizeof commands / sizeof *commands)

static int help(void)
{
    struct rh_text t = { 0 };
    rh_text_add(&t, "usage: harness COMMAND [OPTION]...\n\n"
                    "An offline laboratory for recommenders that transfer knowledge between domains.\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        rh_text_printf(&t, "  %-10s %s\n", commands[i].name, commands[i].summary);
    rh_text_add(&t, "\nharness COMMAND --help tells more. A start: harness run experiments/cross_domain.ini\n");
    int status = rh_print(t.s);
    rh_text_release(&t);
    return status;
}

/* The folder with datasets/: beside the program when it runs in its source tree, else where it was installed. */
static const char *own_folder(char *path, size_t n)
{
    ssize_t length = readlink("/proc/self/exe", path, n - sizeof "/datasets");
    char *slash = length > 0 ? memrchr(path, '/', (size_t)length) : NULL;
    if (!slash)
        return RH_DATADIR;
    memcpy(slash, "/datasets", sizeof "/datasets");
    bool there = access(path, F_OK) == 0;
    *slash = '\0';
    return there ? path : RH_DATADIR;
}

/* Between loops the threads of OpenMP spin for milliseconds by default. A minibatch has many short loops: with other
 * work on the machine that costs ten times the time. OpenMP reads its environment before main, so the program starts
 * again, once; where it cannot, it is slower and no less right. */
static void let_threads_sleep(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT"))
        return;
    if (setenv("OMP_WAIT_POLICY", "passive", 1) == 0)
        execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    char folder[4096];
    struct rh_cmd c = { .installed = own_folder(folder, sizeof folder), .cancel = &interrupted };
    if (argc < 2) {
        help();
        return RH_EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || (!strcmp(argv[1], "help") && argc == 2))
        return help();
    char **program = argv; /* as it was called */
    char *help_of[] = { argv[0], argv[2], (char[]){ "--help" }, NULL };
    if (!strcmp(argv[1], "help")) { /* help COMMAND is COMMAND --help */
        argv = help_of;
        argc = 3;
    }
    if (!strcmp(argv[1], "--version"))
        return rh_print(PACKAGE_STRING "\n");
    const struct command *command = NULL;
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++) {
        names[i] = commands[i].name;
        if (!strcmp(argv[1], commands[i].name))
            command = &commands[i];
    }
    if (!command) {
        const char *nearest = rh_nearest(argv[1], names, N_COMMANDS);
        return rh_usage_error("there is no command '%s'%s; see harness --help", argv[1],
                              rh_did_you_mean(nearest, (char[RH_HINT]){ 0 }));
    }
    if (command->many_loops)
        let_threads_sleep(program);
    struct sigaction action = { .sa_handler = on_signal };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);    /* a closed pipe is an error of write, said in a sentence */
    signal(SIGXFSZ, SIG_IGN);    /* and so is a file that has reached the limit of ulimit -f */
    setlocale(LC_CTYPE, "");     /* UTF-8 on the terminal; numbers stay C's */
    gsl_set_error_handler_off(); /* its default aborts */
    openblas_set_num_threads(1); /* threads are ours, around BLAS: the same sums on any number of them */
    return command->run(&c, argc - 1, argv + 1);
}
