#include "store/sql.h"

static int write_values(struct rh_store *s, int64_t problem, const struct rh_fact_row *fact, int32_t n,
                        struct rh_error *err)
{
    int64_t there;
    RH_TRY(rh_sql_number(s, &there, 0, err, "SELECT 1 FROM problem_fact WHERE problem = ? LIMIT 1", "i", problem));
    for (int32_t i = 0; i < n && !there; i++)
        RH_TRY(rh_sql_run(s, err, "INSERT INTO problem_fact VALUES (?, ?, ?, ?, ?)", "itttd", problem, fact[i].subject,
                          fact[i].key, fact[i].labels, fact[i].value, (size_t)fact[i].n));
    return RH_OK;
}

int rh_store_problem_values(struct rh_store *s, int64_t problem, const struct rh_fact_row *fact, int32_t n,
                            struct rh_error *err)
{
    RH_TRY(rh_sql_begin(s, err));
    return rh_sql_end(s, write_values(s, problem, fact, n, err), err);
}
