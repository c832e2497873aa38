/* The words of a text, as columns of token blocks: lower case, split where there is no letter or digit (an apostrophe
 * inside a word is dropped: "don't" is "dont"), without stop words of English, numbers and single letters. */
#ifndef RH_DATA_WORDS_H
#define RH_DATA_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define RH_LONGEST_WORD 40 /* bytes; longer runs are no words and are passed over */

struct rh_words {
    const char *at, *end; /* the rest of the text, UTF-8; set these to start */
    char word[RH_LONGEST_WORD + 8];
    size_t n;
};

/* The next word in word[0 .. n); false: there is none. */
bool rh_next_word(struct rh_words *w);

/* Lower case of UTF-8 text in place: Latin, Greek and Cyrillic letters whose two cases have the same length. */
void rh_lower(char *s, size_t n);

#endif
