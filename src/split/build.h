/* What the parts of the problem builder share: users.c, links.c, join.c, placebo.c, bridge.c, queries.c, candidates.c
 * with candidate_file.c and sampled.c, leakage.c with duplicates.c, and problem.c, which calls them. Private to split/.
 * Domain 0 is the target, 1 .. are the sources. */
#ifndef RH_SPLIT_BUILD_H
#define RH_SPLIT_BUILD_H

#include "split/problem.h"

struct rh_build {
    const struct rh_problem_spec *spec;
    struct rh_problem *p;
    struct rh_arena work; /* gone when the problem is built */
    int32_t n_domains;
    const struct rh_domain_data **domain; /* [n_domains], in the problem's arena */
    struct rh_domain *view;               /* [n_domains] what becomes train.domain */
    const int32_t **user;                 /* [n_domains][n_users] the domain's number of this problem user, or -1 */
    uint8_t **label;                      /* [n_domains][rows of the domain] enum rh_part */
    uint64_t **crowd;                     /* [n_domains][n_items] mark of the set of users; 0: too few for one */
    int32_t *order;                       /* [rows of the target] in the problem's arena; NULL: as in the files */
};

/* rh_alloc, with the usual sentence in err. */
static inline void *rh_build_alloc(struct rh_arena *a, size_t n, size_t elem, const char *what, struct rh_error *err)
{
    void *p = rh_alloc(a, n, elem);
    if (!p)
        rh_fail_memory(err, what, n * elem);
    return p;
}

/* Number of users, their ids, and which user of each domain they are. */
int rh_build_users(struct rh_build *b, struct rh_error *err);
/* Joins item and user feature blocks by name. */
int rh_build_features(struct rh_build *b, struct rh_error *err);
/* The train view of every domain, then the queries of test and validation. */
int rh_build_train(struct rh_build *b, struct rh_error *err);
int rh_build_queries(struct rh_build *b, struct rh_error *err);
/* Candidate lists for the queries as spec->asking says, and what falls out of them; or p->sampled. */
int rh_build_candidates(struct rh_build *b, struct rh_error *err);
/* After the labels, before the train view; and after the features. */
int rh_build_placebo_users(struct rh_build *b, struct rh_error *err);
int rh_build_placebo_features(struct rh_build *b, struct rh_error *err);
/* After the labels, before links are forgotten: rows of source items that are the target's, too, become unused. */
int rh_build_placebo_doubles(struct rh_build *b, struct rh_error *err);

/* After the labels: rows outside the train core, links that are not known. */
int rh_build_core(struct rh_build *b, struct rh_error *err);
int rh_build_known(struct rh_build *b, struct rh_error *err);

/* After the train view: rows of the sources on items that are the target's, too, become train rows of the target. */
int rh_build_bridge(struct rh_build *b, struct rh_error *err);

/* What spec->asking->candidates_file says: one list for all, or one a user. Ascending, no item twice. */
struct rh_candidate_file {
    int64_t *row;  /* [n_users + 1] offsets into item; NULL: one list for all */
    int32_t *item; /* [n] items of the target, in the problem's arena */
    int32_t n;
};
/* Lines, plain or compressed, of one of three kinds, the fields separated by tabs (or, where there is no tab, commas):
 * "item"; "user item"; "(user,item) item item ...", the negatives of He et al. 2017 (Neural collaborative filtering,
 * WWW), whose pair in front names the held-out item and is no candidate. RH_EDATA with FILE:LINE: users or items that
 * the target does not know, kinds mixed, a line of another shape, no line. */
int rh_candidate_file_read(struct rh_build *b, struct rh_candidate_file *out, struct rh_error *err);
/* p->sampled, from the file when it has lists. */
int rh_build_sampled(struct rh_build *b, const struct rh_candidate_file *f, struct rh_error *err);

/* Fills in p->leakage; looks at the finished problem, not at what the builder meant to do. */
int rh_build_leakage(struct rh_build *b, struct rh_error *err);
/* After the users: what items are known by where ids say nothing, for placebo = doubles and the next. */
int rh_build_crowds(struct rh_build *b, struct rh_error *err);
/* The part of it that is about items which are the same work. */
int rh_build_duplicates(struct rh_build *b, struct rh_error *err);

#endif
