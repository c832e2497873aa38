#include "base/log.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double rh_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void rh_log_init(struct rh_log *log, FILE *out, int level)
{
    *log = (struct rh_log){ .out = out, .level = level };
    log->live = out && isatty(fileno(out));
}

static void wipe_line(struct rh_log *log)
{
    if (log->line_open && log->live)
        fputs("\r\033[K", log->out);
    log->line_open = false;
}

void rh_log(struct rh_log *log, int level, const char *component, const char *fmt, ...)
{
    static const char *const words[] = { "warning", "info", "detail" };
    if (!log || !log->out || level > log->level)
        return;
    va_list ap;
    wipe_line(log);
    fprintf(log->out, "%s %s: ", words[level < 0 ? 0 : level > 2 ? 2 : level], component);
    va_start(ap, fmt);
    vfprintf(log->out, fmt, ap);
    va_end(ap);
    fputc('\n', log->out);
    fflush(log->out);
}

void rh_progress_begin(struct rh_log *log, const char *fmt, ...)
{
    if (!log)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(log->what, sizeof log->what, fmt, ap);
    va_end(ap);
    log->started = rh_now();
    log->drawn = log->live ? log->started - 1 : log->started;
}

static void time_text(double seconds, char *buf, size_t n)
{
    if (seconds < 60)
        snprintf(buf, n, "%.0f s", seconds);
    else if (seconds < 3600)
        snprintf(buf, n, "%.0f min %02.0f s", (double)(long)(seconds / 60), (double)((long)seconds % 60));
    else
        snprintf(buf, n, "%.0f h %02.0f min", (double)(long)(seconds / 3600), (double)((long)(seconds / 60) % 60));
}

void rh_progress_step(struct rh_log *log, double done, double total)
{
    if (!log || !log->out || log->level < RH_LOG_INFO || total <= 0)
        return;
    double now = rh_now();
    if (now - log->drawn < (log->live ? 0.1 : 30.0))
        return;
    log->drawn = now;
    double elapsed = now - log->started;
    char left[48] = "";
    if (done > 0 && elapsed > 0.5) {
        char t[32];
        time_text(elapsed * (total - done) / done, t, sizeof t);
        snprintf(left, sizeof left, ", %s left", t);
    }
    wipe_line(log);
    fprintf(log->out, "%s: %.0f %%%s%s", log->what, 100.0 * done / total, left, log->live ? "" : "\n");
    log->line_open = true;
    fflush(log->out);
}

void rh_progress_end(struct rh_log *log)
{
    if (!log || !log->out)
        return;
    wipe_line(log);
    fflush(log->out);
}
