/* Titles made comparable: two items with the same key are editions of one work, near enough. */
#ifndef RH_SPLIT_TITLES_H
#define RH_SPLIT_TITLES_H

#include "base/text.h"

/* Writes the key of a title, or nothing for a title without a word. In this order:
 *   lower case; an apostrophe inside a word is dropped, '&' is "and", all else that is no letter or digit separates;
 *   a part in ( ) or [ ] whose words are all words of editions is dropped: "(DVD)", "[Blu-ray]", "(Two-Disc Special
 *   Edition)"; a year stays: films of one name in two years are two films;
 *   so is the run of such words that ends the title, when one of them is said of nothing but editions (dvd, edition,
 *   widescreen, paperback, ..) and something is left: "Blade Runner: The Director's Cut" keeps "blade runner", while
 *   "Final Cut" stays whole;
 *   the articles the, a, an are dropped at the start, at the end and behind a comma: "Matrix, The (1999)". */
void rh_title_key(const char *title, struct rh_text *out);

#endif
