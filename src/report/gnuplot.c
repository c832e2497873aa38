/* Running gnuplot: a process of its own, without a shell. The script is its standard input, the picture its standard
 * output, so that no file name of the user reaches it. */
#include <config.h>

#include "report/script.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* A file without a name that holds the bytes, to be read from its start; -1: errno says why. */
static FILE *unnamed_file(const char *bytes, size_t n)
{
    FILE *f = tmpfile();
    if (!f)
        return NULL;
    if (fwrite(bytes, 1, n, f) != n || fflush(f) || lseek(fileno(f), 0, SEEK_SET) < 0) {
        int code = errno;
        fclose(f);
        errno = code;
        return NULL;
    }
    return f;
}

static int spawn(const char *program, int in, int out, int complaints, pid_t *pid)
{
    char name[] = "gnuplot",
         defaults[] = "-d"; /* without the start-up file of the user: the same picture everywhere */
    char *arguments[] = { name, defaults, NULL };
    posix_spawn_file_actions_t actions;
    int code = posix_spawn_file_actions_init(&actions);
    if (code)
        return code;
    if (!(code = posix_spawn_file_actions_adddup2(&actions, in, 0)) &&
        !(code = posix_spawn_file_actions_adddup2(&actions, out, 1)) &&
        !(code = posix_spawn_file_actions_adddup2(&actions, complaints, 2)))
        code = posix_spawnp(pid, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

static int read_all(int fd, struct rh_text *out)
{
    char buf[65536];
    for (;;) {
        ssize_t n = read(fd, buf, sizeof buf);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : 0;
        rh_text_addn(out, buf, (size_t)n);
    }
}

/* The first line that says something, for the error. */
static void first_complaint(FILE *f, char *line, int size)
{
    rewind(f);
    line[0] = '\0';
    while (fgets(line, size, f)) {
        size_t start = strspn(line, " \t\n^"), n = strlen(line);
        while (n && strchr(" \t\n", line[n - 1]))
            line[--n] = '\0';
        if (start < n) {
            memmove(line, line + start, n - start + 1);
            return;
        }
    }
}

static int finish(const char *program, pid_t pid, FILE *complaints, int read_error, struct rh_error *err)
{
    int how;
    char line[300];
    while (waitpid(pid, &how, 0) < 0)
        if (errno != EINTR)
            return rh_fail(err, RH_EIO, "lost sight of gnuplot: %s", strerror(errno));
    if (read_error)
        return rh_fail(err, RH_EIO, "cannot read from gnuplot: %s", strerror(read_error));
    if (WIFEXITED(how) && !WEXITSTATUS(how))
        return RH_OK;
    if (WIFEXITED(how) && WEXITSTATUS(how) == 127)
        return rh_fail(err, RH_EUNSUP, "cannot run '%s'; install gnuplot-nox, or write the script with --script",
                       program);
    first_complaint(complaints, line, sizeof line);
    return rh_fail(err, RH_EIO, "gnuplot failed: %s", line[0] ? line : "it gave no reason");
}

int rh_gnuplot(const char *gnuplot, const char *script, struct rh_text *out, struct rh_error *err)
{
    int ends[2] = { -1, -1 }, status;
    pid_t pid;
    FILE *in = unnamed_file(script, strlen(script)), *complaints = in ? unnamed_file("", 0) : NULL;
    if (!in || !complaints || pipe2(ends, O_CLOEXEC)) {
        status = rh_fail(err, RH_EIO, "cannot make a temporary file for gnuplot: %s", strerror(errno));
        goto out;
    }
    const char *program = gnuplot;
    int code = spawn(program, fileno(in), ends[1], fileno(complaints), &pid);
    if (code == ENOENT && strchr(gnuplot, '/')) { /* moved since this program was built */
        program = "gnuplot";
        code = spawn(program, fileno(in), ends[1], fileno(complaints), &pid);
    }
    close(ends[1]);
    ends[1] = -1;
    if (code) {
        status = rh_fail(err, RH_EUNSUP,
                         "cannot run '%s': %s; install gnuplot-nox, or write the script with --script", program,
                         strerror(code));
        goto out;
    }
    int read_error = read_all(ends[0], out);
    status = finish(program, pid, complaints, read_error, err);
    if (status >= 0 && out->failed)
        status = rh_fail_memory(err, "a picture", out->n);
out:
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
    if (in)
        fclose(in);
    if (complaints)
        fclose(complaints);
    return status;
}
