/* How a delimited file is laid out: shared by its reader, by the reader of RecBole's atomic files and by the fast
 * path of large files. */
#ifndef RH_DATA_DELIMITED_H
#define RH_DATA_DELIMITED_H

#include "data/reader.h"

#define RH_WANTED_MOST 64 /* wanted columns of one file */

struct rh_layout {
    char separator[16];
    size_t separator_n;
    bool quoted, latin1;
    int32_t n_columns; /* of the header; 0: there is none */
    int32_t n_needed;  /* a row must have so many columns */
    int32_t n_wanted;
    int32_t column[RH_WANTED_MOST]; /* [n_wanted] from 0; -1: not in the file */
};

/* Finds the separator if none is given, takes the header line if there is one (`typed`: names end in ":type", as in
 * atomic files), and finds the wanted columns. RH_EDATA with a sentence. */
int rh_layout_read(struct rh_input *in, const struct rh_reader_config *config, bool typed, struct rh_layout *out,
                   struct rh_error *err);

/* The refusal of a row of n columns, where more are needed. */
int rh_layout_refuse(const struct rh_layout *l, const char *file, int64_t line, const char *text, size_t text_n,
                     int32_t n, struct rh_error *err);

int rh_delimited_open(struct rh_arena *a, struct rh_input *in, const struct rh_reader_config *config, bool typed,
                      struct rh_reading **out, struct rh_error *err);
int rh_delimited_next(struct rh_reading *r, struct rh_field *field, struct rh_error *err);
void rh_delimited_close(struct rh_reading *r);

extern const struct rh_reader rh_reader_delimited, rh_reader_atomic, rh_reader_userlist, rh_reader_jsonlists;

#endif
