/* Product texts as people read them: without HTML. */
#ifndef RH_DATA_PLAIN_H
#define RH_DATA_PLAIN_H

#include <stddef.h>

/* Rewrites n bytes of UTF-8 in place, never longer, and returns the new length:
 *  - character references become characters: &amp; &quot; &#39; &#x2019; &eacute; ...; &#x80; to &#x9f; mean
 *    windows-1252, as browsers take them; &nbsp; is a space; what is no reference ("AT&T;", "R&B") stays;
 *  - HTML tags, also one cut off at the end, become one space; script, style and comments go with their contents.
 *    Only the names of real tags count: "<3" and "<Untitled>" stay. */
size_t rh_plain_text(char *s, size_t n);

#endif
