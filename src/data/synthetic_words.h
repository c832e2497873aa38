/* Genres of the embedded generator, and words for titles that go with them. */
#ifndef RH_DATA_SYNTHETIC_WORDS_H
#define RH_DATA_SYNTHETIC_WORDS_H

#define RH_SYNTHETIC_GENRES 12
#define RH_SYNTHETIC_WORDS 6 /* of each kind for each genre */

struct rh_synthetic_genre {
    const char *name;
    const char *adjective[RH_SYNTHETIC_WORDS];
    const char *noun[RH_SYNTHETIC_WORDS];
};

/* No word is there twice. */
extern const struct rh_synthetic_genre rh_synthetic_genres[RH_SYNTHETIC_GENRES];

#endif
