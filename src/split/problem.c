#include "base/param.h"
#include "split/build.h"

#include <stdlib.h>
#include <string.h>

/* Raise when the same domains and labels give another problem. */
#define PROBLEM_REVISION 1

static int check_needs(const struct rh_problem_spec *spec, struct rh_error *err)
{
    const struct rh_split *split = spec->split;
    if (split->needs_time && !spec->target->time)
        return rh_fail(err, RH_EDATA, "split %s needs timestamps and domain '%s' has none", split->name,
                       spec->target->name);
    if (split->needs_given && !spec->target->given)
        return rh_fail(err, RH_EDATA, "split %s needs a dataset that comes in train and test files; domain '%s' does "
                       "not", split->name, spec->target->name);
    if (split->needs_sources && !spec->n_sources)
        return rh_fail(err, RH_EINVAL, "split %s needs a source domain and problem '%s' has none", split->name,
                       spec->name);
    return RH_OK;
}

/* Calls the split and looks at what it said. */
static int label_rows(struct rh_build *b, struct rh_error *err)
{
    const struct rh_problem_spec *spec = b->spec;
    const struct rh_split *split = spec->split;
    b->label = rh_build_alloc(&b->work, (size_t)b->n_domains, sizeof *b->label, "labels", err);
    if (!b->label)
        return RH_ENOMEM;
    for (int32_t d = 0; d < b->n_domains; d++)
        if (!(b->label[d] = rh_build_alloc(&b->work, (size_t)b->domain[d]->n_rows, 1, "labels", err)))
            return RH_ENOMEM;
    const void *params = spec->params;
    if (!params && split->params) {
        void *defaults = rh_build_alloc(&b->work, 1, split->params_size, "split parameters", err);
        if (!defaults)
            return RH_ENOMEM;
        rh_params_defaults(split->params, defaults);
        params = defaults;
    }
    struct rh_split_input in = { .target = spec->target,
                                 .n_sources = spec->n_sources,
                                 .source = spec->source,
                                 .source_user = b->user + 1,
                                 .seed = spec->seed,
                                 .identity = spec->target->content,
                                 .fold = spec->fold,
                                 .n_folds = split->folds ? split->folds(params) : 1 };
    if (in.fold < 0 || in.fold >= in.n_folds)
        return rh_fail(err, RH_EINVAL, "fold %d of problem '%s' is not there: split %s makes folds 0 to %d", in.fold,
                       spec->name, split->name, in.n_folds - 1);
    struct rh_split_output out = { b->label[0], b->label + 1, NULL, false };
    out.order = rh_build_alloc(&b->p->arena, (size_t)spec->target->n_rows, sizeof *out.order, "order of rows", err);
    if (!out.order)
        return RH_ENOMEM;
    memcpy(out.order, spec->target->position, (size_t)spec->target->n_rows * sizeof *out.order);
    if (split->label(&in, params, &out, err) < 0)
        return rh_error_context(err, "split %s of domain '%s'", split->name, spec->target->name);
    b->order = out.ordered ? out.order : NULL;
    for (int32_t d = 0; d < b->n_domains; d++)
        for (int64_t r = 0; r < b->domain[d]->n_rows; r++) {
            uint8_t part = b->label[d][r];
            if (part > RH_UNUSED || (d && part != RH_TRAIN && part != RH_UNUSED))
                return rh_fail(err, RH_EBUG, "split %s put row %lld of domain '%s' into part %d", split->name,
                               (long long)r, b->domain[d]->name, part);
        }
    return RH_OK;
}

static int check_parts(struct rh_build *b, struct rh_error *err)
{
    int64_t n[RH_UNUSED + 1] = { 0 };
    for (int64_t r = 0; r < b->domain[0]->n_rows; r++)
        n[b->label[0][r]]++;
    b->p->n_unused = n[RH_UNUSED];
    if (n[RH_TRAIN] && n[RH_TEST])
        return RH_OK;
    return rh_fail(err, RH_EDATA, "split %s leaves no %s row in domain '%s': of %lld rows it makes %lld train, %lld "
                   "test, %lld validation, %lld support and %lld unused", b->spec->split->name,
                   n[RH_TRAIN] ? "test" : "train", b->domain[0]->name, (long long)b->domain[0]->n_rows,
                   (long long)n[RH_TRAIN], (long long)n[RH_TEST], (long long)n[RH_VALIDATION],
                   (long long)(n[RH_SUPPORT] + n[RH_VALIDATION_SUPPORT]), (long long)n[RH_UNUSED]);
}

/* Lists that queries share are hashed once. */
static void hash_candidates(struct rh_hash *h, const struct rh_queries *q)
{
    const int32_t *last = NULL;
    for (int32_t i = 0; i < q->n; i++) {
        if (q->query[i].candidate != last) {
            last = q->query[i].candidate;
            rh_hash_u64(h, (uint64_t)i);
            rh_hash_bytes(h, last, (size_t)q->query[i].n_candidates * sizeof *last);
        }
    }
}

/* What the asking adds; nothing for all items, all links, no bridge and no placebo. Which links are forgotten, and a
 * placebo, follow from domains, labels and seed. */
static void hash_asking(const struct rh_build *b, struct rh_hash *h)
{
    const struct rh_asking *q = b->spec->asking;
    if (q->candidates != RH_UNIVERSE_ALL) {
        rh_hash_text(h, rh_universe_word(q->candidates));
        hash_candidates(h, &b->p->test);
        hash_candidates(h, &b->p->sampled.queries);
    }
    if (q->known < 1) {
        rh_hash_u64(h, (uint64_t)b->p->unlinked.users);
        rh_hash_u64(h, b->spec->seed);
    }
    if (q->placebo != RH_PLACEBO_NONE) {
        rh_hash_u64(h, (uint64_t)q->placebo);
        rh_hash_u64(h, b->spec->seed);
    }
    if (q->item_bridge[0]) {
        const struct rh_domain *target = &b->view[0];
        int64_t n = target->row[b->p->train.n_users], own = n - b->p->bridged.rows;
        rh_hash_text(h, "item bridge");
        rh_hash_bytes(h, target->row, ((size_t)b->p->train.n_users + 1) * sizeof *target->row);
        rh_hash_bytes(h, target->item + own, (size_t)(n - own) * sizeof *target->item);
    }
}

/* The domains and the label of every row determine train, queries and truths, and are a tenth of their bytes. */
static void hash_content(struct rh_build *b)
{
    struct rh_hash h;
    rh_hash_init(&h);
    rh_hash_text(&h, "problem");
    rh_hash_u64(&h, PROBLEM_REVISION);
    rh_hash_u64(&h, (uint64_t)b->n_domains);
    for (int32_t d = 0; d < b->n_domains; d++) {
        rh_hash_text(&h, b->domain[d]->content);
        rh_hash_u64(&h, (uint64_t)b->domain[d]->n_rows);
        rh_hash_bytes(&h, b->label[d], (size_t)b->domain[d]->n_rows);
    }
    if (b->order) {
        rh_hash_text(&h, "order");
        rh_hash_bytes(&h, b->order, (size_t)b->domain[0]->n_rows * sizeof *b->order);
    }
    hash_asking(b, &h);
    rh_hash_hex(&h, b->p->content);
}

static void count_users(struct rh_build *b)
{
    struct rh_problem *p = b->p;
    const int64_t *train = b->view[0].row;
    for (int32_t i = 0; i < p->test.n; i++) {
        int32_t u = p->test.query[i].user;
        p->n_cold_users += train[u] == train[u + 1];
    }
    for (int32_t u = 0; u < b->domain[0]->n_users; u++) {
        int64_t used = 0, elsewhere = 0;
        for (int64_t r = b->domain[0]->row[u]; r < b->domain[0]->row[u + 1]; r++)
            used += b->label[0][r] != RH_UNUSED;
        for (int32_t d = 1; d < b->n_domains; d++)
            elsewhere += b->view[d].row[u + 1] - b->view[d].row[u];
        p->n_shared_users += used && elsewhere;
    }
}

static void tell(const struct rh_problem *p, struct rh_log *log)
{
    const struct rh_leakage *l = &p->leakage;
    if (!log)
        return;
    rh_log(log, RH_LOG_DETAIL, "problem", "%s: %d users, %lld train rows, %d test and %d validation queries, %d "
           "cold, %lld rows unused", p->name, p->train.n_users, (long long)l->train_rows, p->test.n, p->validation.n,
           p->n_cold_users, (long long)p->n_unused);
    if (p->bridged.rows)
        rh_log(log, RH_LOG_INFO, "problem", "%s: %lld rows of %lld users of the sources, on %lld items in common, "
               "train as the target's (oracle: item_bridge)", p->name, (long long)p->bridged.rows,
               (long long)p->bridged.users, (long long)p->bridged.items);
    if (l->mask_hits || l->cold_user_train_rows)
        rh_log(log, RH_LOG_WARNING, "problem", "%s leaks: %lld test items in the visible history of their query, "
               "%lld train rows of cold users", p->name, (long long)l->mask_hits, (long long)l->cold_user_train_rows);
    if (l->duplicate_hits || l->source_hits)
        rh_log(log, RH_LOG_INFO, "problem", "%s: of %lld test rows %lld have another edition of their item in the "
               "history, and %lld have their item in a source of the same user", p->name, (long long)l->test_rows,
               (long long)l->duplicate_hits, (long long)l->source_hits);
    if (l->future_pairs || l->test_rows_before_train || l->future_source_rows)
        rh_log(log, RH_LOG_INFO, "problem", "%s: in %.1f %% of pairs the train row is later than the test row; %lld "
               "test rows are older than the newest train row of their user; %lld source rows are later than the "
               "first test row of their user", p->name,
               100.0 * (double)l->future_pairs / (double)(l->future_pairs_sampled ? l->future_pairs_sampled : 1),
               (long long)l->test_rows_before_train, (long long)l->future_source_rows);
}

static int build(struct rh_build *b, struct rh_error *err)
{
    const struct rh_problem_spec *spec = b->spec;
    struct rh_problem *p = b->p;
    RH_TRY(check_needs(spec, err));
    b->n_domains = 1 + spec->n_sources;
    b->domain = rh_build_alloc(&p->arena, (size_t)b->n_domains, sizeof *b->domain, "domains", err);
    b->view = rh_build_alloc(&p->arena, (size_t)b->n_domains, sizeof *b->view, "domains", err);
    p->name = rh_arena_strdup(&p->arena, spec->name);
    p->asking = *spec->asking;
    p->asking.candidates_file = rh_arena_strdup(&p->arena, spec->asking->candidates_file);
    p->asking.item_bridge = rh_arena_strdup(&p->arena, spec->asking->item_bridge);
    p->asking.item_bridge_columns = rh_arena_strdup(&p->arena, spec->asking->item_bridge_columns);
    if (!b->domain || !b->view || !p->name || !p->asking.candidates_file || !p->asking.item_bridge ||
        !p->asking.item_bridge_columns)
        return rh_fail_memory(err, "a problem", 0);
    b->domain[0] = spec->target;
    for (int32_t s = 0; s < spec->n_sources; s++)
        b->domain[1 + s] = spec->source[s];
    p->domain = b->domain;
    p->train.domain = b->view;
    p->train.n_domains = b->n_domains;
    p->train.target = 0;
    RH_TRY(rh_build_users(b, err));
    RH_TRY(rh_build_crowds(b, err));
    RH_TRY(label_rows(b, err));
    RH_TRY(check_parts(b, err));
    if (spec->asking->placebo == RH_PLACEBO_DOUBLES)
        RH_TRY(rh_build_placebo_doubles(b, err));
    if (spec->asking->train_core > 1)
        RH_TRY(rh_build_core(b, err));
    if (spec->asking->known < 1)
        RH_TRY(rh_build_known(b, err));
    if (spec->asking->placebo == RH_PLACEBO_USERS)
        RH_TRY(rh_build_placebo_users(b, err));
    RH_TRY(rh_build_features(b, err));
    if (spec->asking->placebo == RH_PLACEBO_FEATURES)
        RH_TRY(rh_build_placebo_features(b, err));
    RH_TRY(rh_build_train(b, err));
    RH_TRY(rh_build_queries(b, err));
    if (spec->asking->item_bridge[0])
        RH_TRY(rh_build_bridge(b, err));
    count_users(b);
    RH_TRY(rh_build_leakage(b, err));
    RH_TRY(rh_build_candidates(b, err));
    hash_content(b);
    return RH_OK;
}

int rh_problem_build(const struct rh_problem_spec *spec, struct rh_log *log, struct rh_problem **out,
                     struct rh_error *err)
{
    struct rh_problem *p = calloc(1, sizeof *p);
    if (!p)
        return rh_fail_memory(err, "a problem", sizeof *p);
    struct rh_asking asking;
    struct rh_problem_spec whole = *spec;
    if (!spec->asking) {
        rh_params_defaults(rh_asking_params, &asking);
        whole.asking = &asking;
    }
    struct rh_build b = { .spec = &whole, .p = p };
    int status = build(&b, err);
    rh_arena_release(&b.work);
    if (status < 0) {
        rh_problem_free(p);
        return status;
    }
    tell(p, log);
    *out = p;
    return RH_OK;
}

void rh_problem_free(struct rh_problem *p)
{
    if (!p)
        return;
    rh_arena_release(&p->arena);
    free(p);
}
