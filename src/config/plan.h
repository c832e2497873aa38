/* The plan: the immutable, typed expansion of an experiment's .ini. Everything that can be known without reading data
 * is checked here: sections, keys, values, names, parameter rules, what an algorithm needs of a problem. */
#ifndef RH_CONFIG_PLAN_H
#define RH_CONFIG_PLAN_H

#include "base/ini.h"
#include "base/text.h"
#include "data/dataset.h"
#include "eval/policy.h"
#include "metrics/metric.h"
#include "plugin/registry.h"
#include "split/asking.h"
#include "split/split.h"
#include "store/claims.h"
#include "store/store.h"

struct rh_plan_domain {
    const struct rh_dataset *dataset;
    const char *section; /* as the experiment calls it */
    const char *domain;
};

struct rh_plan_problem {
    const char *name, *label; /* "cold", "cold k=5" */
    struct rh_plan_domain target;
    const struct rh_plan_domain *source; /* [n_sources] */
    int32_t n_sources;
    const struct rh_split *split;
    const void *params;
    const struct rh_asking *asking; /* candidates_file is the place where it was found */
    uint64_t seed;
    int32_t fold, n_folds;
    const struct rh_key_value *setting; /* [n_settings] "split.k", "synth.shift", "problem.seed", "problem.placebo" */
    int32_t n_settings;
};

/* The keys of the host in an algorithm that learns in epochs. The default of `epochs` is the algorithm's own. */
struct rh_training {
    int64_t epochs, patience, validate_every;
    const char *init_from;
};
extern const struct rh_param rh_training_params[]; /* the last, init_from, of those with RH_A_RESUMES alone */

struct rh_plan_algorithm {
    const struct rh_algorithm *algorithm;
    const char *section, *label; /* "itemknn", "itemknn neighbors=20" */
    const char *twin; /* section of the algorithm without transfer that it is judged against; "": none. No part of any
                       * identity */
    const void *params;
    int32_t epochs, patience, validate_every; /* epochs 0: fitted at once */
    const struct rh_key_value *param;         /* [n_params] effective values, canonical */
    int32_t n_params;
    const char *init_from, *init_hash; /* file of the model that it starts from, and its SHA-256; or NULL */
    const char *const *only; /* [n_only] names of the problems it is for; n_only == 0: all */
    int32_t n_only;
};

struct rh_plan_run { /* indices into problem and algorithm */
    int32_t problem, algorithm;
    int32_t init; /* number of the initialisation, from 0; algorithms that draw have init_repeats of them */
};

struct rh_plan {
    const char *file, *name, *title, *ini, *store;
    uint64_t seed;
    int64_t repeats, init_repeats, memory;            /* memory: MiB an algorithm may use, 0: what the machine has */
    int64_t keep_rankings;              /* best items of a query to store, 0: none; no part of any identity */
    const struct rh_metric_use *metric; /* [n_metrics] the first is the primary one */
    int32_t n_metrics;
    struct rh_metric_use validate; /* guides early stopping */
    double relevant_from;
    int32_t relevant_best; /* 0: however many */
    struct rh_eval_policy policy;
    const struct rh_plan_problem *problem;
    int32_t n_problems;
    const struct rh_plan_algorithm *algorithm;
    int32_t n_algorithms;
    const struct rh_plan_run *run; /* [n_runs] problem by problem */
    int32_t n_runs;
    const struct rh_plot_row *plot;
    int32_t n_plots;
    const struct rh_claims *published; /* the table that the experiment is about, or NULL; no part of any identity */
};

/* What the command line and the environment bring to a plan. */
struct rh_plan_input {
    const char *file;
    const char *text; /* of the file, where it need not be read; NULL: it is read */
    const char *const *set; /* [n_set] "section.key=value" */
    int32_t n_set;
    const char *data, *cache, *store; /* NULL: the .ini, the environment, the default decide */
    const char *installed;            /* folder with datasets/ of an installed harness */
    const char *plugin_path;          /* $RH_PLUGIN_PATH, or NULL */
};

/* Reads and expands. `registry` must hold the built-ins; plugins named by the plan are added to it. `env` gets the
 * folders for descriptions, data and cache; its log, threads and cancel are left alone. RH_EINVAL with FILE:LINE. */
int rh_plan_read(struct rh_arena *a, const struct rh_plan_input *in, struct rh_registry *registry,
                 struct rh_data_env *env, const struct rh_plan **out, struct rh_error *err);

/* The twin of an algorithm: the one of its twin's section whose swept settings are its own too; -1: it has none. *n:
 * how many there are, 1 in a plan that was read. */
int32_t rh_plan_twin(const struct rh_plan *p, int32_t algorithm, int32_t *n);

/* The plan for a reader: problems, algorithms with effective parameters, number of runs. */
void rh_plan_text(const struct rh_plan *p, struct rh_text *out);

/* Identities. The problem's needs the hash of its source files; the run's is made from the problem's. */
int rh_plan_problem_identity(const struct rh_plan *p, int32_t problem, const struct rh_data_env *env,
                             char hex[static RH_HASH_HEX], struct rh_error *err);
/* What is fitted: problem, algorithm, parameters, initialisation. It names the random streams, so that other metrics
 * find the same model. And with what is measured on it: the run. */
void rh_plan_fit_identity(const struct rh_plan *p, const char *problem_identity, const struct rh_plan_run *run,
                          char hex[static RH_HASH_HEX]);
void rh_plan_run_identity(const struct rh_plan *p, const char *fit_identity, char hex[static RH_HASH_HEX]);
/* What a run's row in the store has: the problem's seed, and 2^32 more for each further initialisation. */
uint64_t rh_plan_run_seed(const struct rh_plan *p, const struct rh_plan_run *run);

#endif
