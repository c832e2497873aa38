#include "base/error.h"

#include <stdio.h>
#include <string.h>

int rh_vfail(struct rh_error *err, int status, const char *fmt, va_list ap)
{
    if (!err)
        return status;
    if (err->status < 0)
        return err->status;
    err->status = status;
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    return status;
}

int rh_fail(struct rh_error *err, int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    status = rh_vfail(err, status, fmt, ap);
    va_end(ap);
    return status;
}

int rh_error_context(struct rh_error *err, const char *fmt, ...)
{
    if (!err || err->status >= 0)
        return RH_OK;
    char context[sizeof err->text], whole[sizeof err->text + sizeof err->text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(context, sizeof context, fmt, ap);
    va_end(ap);
    /* A message too long for the buffer loses its end: the cause comes first in it. */
    size_t n = strlen(context);
    if (n > sizeof err->text / 2)
        n = sizeof err->text / 2;
    memcpy(whole, context, n);
    snprintf(whole + n, sizeof whole - n, ": %s", err->text);
    memcpy(err->text, whole, sizeof err->text);
    err->text[sizeof err->text - 1] = 0;
    return err->status;
}

int rh_fail_memory(struct rh_error *err, const char *what, size_t bytes)
{
    return rh_fail(err, RH_ENOMEM, "not enough memory for %s (%.1f MiB)", what, (double)bytes / 1048576.0);
}

const char *rh_status_word(int status)
{
    switch (status) {
    case RH_DONE:
    case RH_OK: return "done";
    case RH_EINVAL: return "invalid";
    case RH_EDATA: return "data";
    case RH_EIO: return "io";
    case RH_ENOMEM: return "memory";
    case RH_ENUMERIC: return "numeric";
    case RH_EUNSUP: return "unsupported";
    case RH_ECANCEL: return "cancelled";
    default: return "bug";
    }
}
