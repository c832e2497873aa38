/* The list of all readers. */
#include "data/delimited.h"

#include <string.h>

extern const struct rh_reader rh_reader_jsonl, rh_reader_pyliteral; /* data/json.c */

static const struct rh_reader *const readers[] = {
    &rh_reader_delimited,
    &rh_reader_atomic,
    &rh_reader_userlist,
    &rh_reader_jsonlists,
    &rh_reader_jsonl,
    &rh_reader_pyliteral,
    NULL,
};

const struct rh_reader *const *rh_readers(void)
{
    return readers;
}

const struct rh_reader *rh_reader_find(const char *name)
{
    for (size_t i = 0; readers[i]; i++)
        if (!strcmp(readers[i]->name, name))
            return readers[i];
    return NULL;
}
