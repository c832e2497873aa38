/* Python literals (what repr() prints and ast.literal_eval() reads) as jansson values. */
#ifndef RH_DATA_PYLITERAL_H
#define RH_DATA_PYLITERAL_H

#include <jansson.h>
#include <stddef.h>

/* Values nested deeper than this are refused. */
#define RH_PYLITERAL_DEPTH 64

struct rh_pyliteral_error {
    size_t column; /* byte in the text, from 1 */
    char text[120];
};

/* Reads the n bytes of `s` as one literal: dictionaries, lists, tuples (as arrays), texts in single or double quotes
 * with or without the prefix u, whole and real numbers, True, False, None. Dictionary keys become texts; of a key
 * given twice the last counts, as in Python. A whole number beyond 64 bits becomes the text of its digits. Escapes:
 * \\ \' \" \a \b \f \n \r \t \v \ooo \xhh \uhhhh \Uhhhhhhhh (\x and \ooo are code points; a surrogate pair is joined,
 * half a pair becomes U+FFFD, NUL a space); an unknown one stays as it is, with its backslash. NULL: not a literal,
 * and `error` says where and why. Free with json_decref. */
json_t *rh_pyliteral(const char *s, size_t n, struct rh_pyliteral_error *error);

#endif
