#include "exchange/names.h"

#include <ctype.h>
#include <string.h>

char *rh_safe_name(struct rh_arena *a, const char *name)
{
    char *safe = rh_arena_strdup(a, name[0] ? name : "_");
    for (char *p = safe; p && *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
              (strchr("._-=", *p) && !(p == safe && (*p == '.' || *p == '-')))))
            *p = '_';
    return safe;
}

int rh_trec_check_id(const char *what, const char *id, struct rh_error *err)
{
    if (!id[0] || id[strcspn(id, " \t\r\n\v\f")])
        return rh_fail(err, RH_EUNSUP, "%s '%s' has white space or is empty, which a TREC file cannot hold", what, id);
    return RH_OK;
}

void rh_csv_add(struct rh_text *t, const char *field)
{
    if (!field[strcspn(field, ",\"\r\n")]) {
        rh_text_add(t, field);
        return;
    }
    rh_text_add(t, "\"");
    for (const char *p = field; *p; p++) {
        if (*p == '"')
            rh_text_add(t, "\"");
        rh_text_addn(t, p, 1);
    }
    rh_text_add(t, "\"");
}
