/* Numbers and texts as several formats write them, for reports and for commands that write rows of their own. */
#ifndef RH_REPORT_ESCAPE_H
#define RH_REPORT_ESCAPE_H

#include "base/text.h"

/* Bytes of the UTF-8 sequence that starts here; 0: none does. */
size_t rh_utf8_sequence(const char *s);
void rh_write_count(struct rh_text *t, int64_t n);       /* 1,234,567 */
void rh_write_real(struct rh_text *t, double x);         /* reads back as the same double; nothing for NaN */
void rh_write_csv(struct rh_text *t, const char *field); /* RFC 4180 */
void rh_write_json(struct rh_text *t, const char *s);    /* with its quotes; no UTF-8: U+FFFD */
/* `before`, then "key": "value"; `, "key": x`, null when x is not finite. */
void rh_write_json_pair(struct rh_text *t, const char *before, const char *key, const char *value);
void rh_write_json_number(struct rh_text *t, const char *key, double x);
void rh_write_markdown(struct rh_text *t, const char *s); /* escaped for a cell or a sentence */
void rh_write_latex(struct rh_text *t, const char *s);

#endif
