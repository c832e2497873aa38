/* What the commands share that work on a stored experiment. */
#ifndef RH_COMMAND_CMD_STORED_H
#define RH_COMMAND_CMD_STORED_H

#include "cmd.h"

#include "run/recall.h"

struct rh_stored_options {
    const char *store, *data, *cache, *threads;
    bool quiet;
};

/* A stored experiment with all that it lives in; zero it to start. */
struct rh_stored {
    struct rh_arena arena;
    struct rh_registry registry;
    struct rh_data_env env;
    struct rh_log log;
    struct rh_store *store;
    struct rh_recalled recalled;
};

int rh_stored_open(const struct rh_cmd *c, const struct rh_stored_options *o, enum rh_store_mode mode,
                   const char *experiment, struct rh_stored *out, struct rh_error *err);
void rh_stored_close(struct rh_stored *s);

#endif
