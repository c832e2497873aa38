#include "split/asking.h"

static const struct rh_choice universes[] = {
    { "all", RH_UNIVERSE_ALL, "every item of the target" },
    { "train", RH_UNIVERSE_TRAIN, "items with a train row" },
    { "test", RH_UNIVERSE_TEST, "items with a test row" },
    { "union", RH_UNIVERSE_UNION, "items with a train or a test row" },
    { "overlap", RH_UNIVERSE_OVERLAP, "items with a train and a test row" },
    { "file", RH_UNIVERSE_FILE, "the items of candidates_file" },
    { "sampled", RH_UNIVERSE_SAMPLED, "all, with the values over sampled negatives beside them" },
    { "held_out", RH_UNIVERSE_HELD_OUT, "the held-out items of the user, alone: to predict ratings" },
    { NULL, 0, NULL },
};
static const struct rh_choice distributions[] = {
    { "uniform", RH_NEGATIVES_UNIFORM, "each item that the user has no row of is as likely" },
    { "popularity", RH_NEGATIVES_POPULARITY, "in proportion to its train rows" },
    { NULL, 0, NULL },
};
static const struct rh_choice placebos[] = {
    { "none", RH_PLACEBO_NONE, "the data as it is" },
    { "users", RH_PLACEBO_USERS, "which source user is which target user is shuffled" },
    { "features", RH_PLACEBO_FEATURES, "the feature rows of items are shuffled inside each domain" },
    { "doubles", RH_PLACEBO_DOUBLES, "items of sources that are items of the target, too, lose their rows" },
    { NULL, 0, NULL },
};

const struct rh_param rh_asking_params[] = {
    RH_ENUM(struct rh_asking, candidates, RH_UNIVERSE_ALL, universes, "the items that are ranked"),
    RH_STR(struct rh_asking, candidates_file, "",
           "items, or users with items: candidates of 'file', negatives of 'sampled'"),
    RH_INT(struct rh_asking, negatives, 100, 1, 1000000, "items drawn for a query (candidates = sampled)"),
    RH_ENUM(struct rh_asking, negatives_by, RH_NEGATIVES_UNIFORM, distributions, "how they are drawn"),
    RH_REAL(struct rh_asking, correction, 0.1, 0.001, 1,
            "gamma of the corrected estimate: the weight of its variance against its bias"),
    RH_ENUM(struct rh_asking, placebo, RH_PLACEBO_NONE, placebos, "what is destroyed to control a gain"),
    RH_REAL(struct rh_asking, known, 1, 0, 1,
            "share of the training users with rows in a source whose rows there are known to be theirs"),
    RH_STR(struct rh_asking, item_bridge, "",
           "an oracle: items in common, of a file or 'ids'; what users of the sources alone did with them trains"),
    RH_STR(struct rh_asking, item_bridge_columns, "1 2",
           "the file's columns of the sources' item and of the target's: numbers, or words of its first line"),
    RH_INT(struct rh_asking, train_core, 0, 0, 1000000,
           "train where users and items have so many train rows, ask everyone; 0: train on all"),
    RH_PARAMS_END,
};

const char *rh_universe_word(int candidates)
{
    return universes[candidates].word;
}

int rh_asking_check(const struct rh_asking *q, int32_t n_sources, struct rh_error *err)
{
    bool sampled = q->candidates == RH_UNIVERSE_SAMPLED;
    if (q->candidates == RH_UNIVERSE_FILE && !q->candidates_file[0])
        return rh_fail(err, RH_EINVAL, "candidates = file needs the key 'candidates_file'");
    if (q->candidates_file[0] && q->candidates != RH_UNIVERSE_FILE && !sampled)
        return rh_fail(err, RH_EINVAL, "candidates_file = %s is not looked at with candidates = %s; write candidates "
                       "= file, or sampled", q->candidates_file, rh_universe_word(q->candidates));
    if (q->placebo == RH_PLACEBO_USERS && n_sources == 0)
        return rh_fail(err, RH_EINVAL, "placebo = users shuffles which source user is which target user, and there "
                       "is no source; add 'sources = ...'");
    if (q->placebo == RH_PLACEBO_DOUBLES && n_sources == 0)
        return rh_fail(err, RH_EINVAL, "placebo = doubles drops items of a source that are items of the target, too, "
                       "and there is no source; add 'sources = ...'");
    if (q->known < 1 && n_sources == 0)
        return rh_fail(err, RH_EINVAL, "known = %g forgets links to a source, and there is no source; add 'sources = "
                       "...'", q->known);
    if (q->item_bridge[0] && n_sources == 0)
        return rh_fail(err, RH_EINVAL, "item_bridge = %s joins the items of a source to those of the target, and there "
                       "is no source; add 'sources = ...'", q->item_bridge);
    return RH_OK;
}
