/* Epochs of the first run of an experiment, timed, and its first steps written down, so that another program can make
 * the same steps from the same weights on the same minibatches (bench/torch.sh).
 *
 *     bench/experiment FILE.ini THREADS EPOCHS [STEPS [RECORD]]      ($HARNESS_DATA: the folder of the data)
 *
 * Prints a line: what the fastest of EPOCHS epochs took, how many steps it has, and the most memory that the process
 * had. With STEPS an epoch ends after so many; with RECORD the steps of the first epoch go there.
 *
 * What is timed is the plugin as the program runs it. The functions that learn from a minibatch are wrapped by the
 * linker (ld --wrap), which counts them and looks at what they are given. For maml and its relatives, direct, pretrain,
 * adversarial.
 *
 * The record: arrays one after the other, each a name of 16 bytes, a letter (f float, l int64, d double), 7 bytes of
 * nothing, the number of its elements as int64, and these. Items are numbered through all domains; -1: no item. */
#include "algorithms/lib/critic.h"
#include "algorithms/lib/meta.h"
#include "bench/data.h"
#include "base/parallel.h"
#include "plugin/instance.h"
#include "run/build.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------------------------------------------- the record */

/* The one thing that is global here: the wrapped functions have no argument for it. */
static struct {
    FILE *file; /* NULL: counting only */
    int64_t steps, most;
    int32_t pairs;   /* of a side in the step at hand */
    bool described;
    rh_real *psi; /* [n_psi] of the critic as it was drawn */
    int64_t n_psi;
    const struct rh_host *host; /* the real one */
    const struct rh_algorithm *algorithm;
} rec;

static void put(const char *name, char type, const void *x, int64_t n)
{
    char head[24] = { 0 };
    snprintf(head, 16, "%s", name);
    head[16] = type;
    if (fwrite(head, sizeof head, 1, rec.file) != 1 || fwrite(&n, sizeof n, 1, rec.file) != 1 ||
        fwrite(x, type == 'f' ? 4 : 8, (size_t)n, rec.file) != (size_t)n) {
        perror("the record");
        exit(1);
    }
}

/* Numbers as int64; through: slots as items. */
static void put_numbers(const char *name, const int32_t *x, int64_t n, const struct rh_slots *through)
{
    int64_t *wide = malloc((size_t)(n ? n : 1) * sizeof *wide);
    if (!wide)
        exit(1);
    for (int64_t k = 0; k < n; k++)
        wide[k] = through && x[k] >= 0 ? through->item[x[k]] : x[k];
    put(name, 'l', wide, n);
    free(wide);
}

/* The items' features with the weights that they have in the tower. */
static void put_features(const struct rh_tower *t)
{
    int64_t n = 0, most = 1;
    for (int32_t d = 0; d < t->n_domains; d++)
        for (int32_t b = 0; b < t->n_blocks; b++)
            most += t->train->domain[d].item_features[b].row ? t->train->domain[d].item_features[b].row[
                t->train->domain[d].n_items] : 0;
    int64_t *begin = calloc((size_t)t->n_items + 1, sizeof *begin), *col = calloc((size_t)most, sizeof *col);
    float *weight = calloc((size_t)most, sizeof *weight);
    if (!begin || !col || !weight)
        exit(1);
    for (int32_t d = 0; d < t->n_domains; d++)
        for (int32_t i = 0; i < rh_tower_domain_items(t, d); i++) {
            int32_t item = t->first_item[d] + i;
            for (int32_t b = 0; b < t->n_blocks; b++) {
                const struct rh_features *f = &t->train->domain[d].item_features[b];
                for (int64_t j = f->row ? f->row[i] : 0; f->row && j < f->row[i + 1]; j++) {
                    col[n] = t->first_column[b] + f->col[j];
                    weight[n] = (f->val ? f->val[j] : 1) * (t->idf ? t->idf[col[n]] : 1) *
                                t->factor[(size_t)item * (size_t)t->n_blocks + (size_t)b];
                    n++;
                }
            }
            begin[item + 1] = n;
        }
    put("feature_begin", 'l', begin, t->n_items + 1);
    put("feature_col", 'l', col, n);
    put("feature_weight", 'f', weight, n);
    free(begin);
    free(col);
    free(weight);
}

/* The weights before the first step. */
static void describe(const struct rh_network *net, int32_t m)
{
    if (rec.described)
        return;
    rec.described = true;
    const struct rh_tower *t = &net->tower;
    int64_t E = net->net.E, dims[] = { E, net->net.H, m, t->n_items, t->n_columns };
    put("dims", 'l', dims, 5);
    put("rate", 'd', &net->optimizer.rate, 1);
    put_features(t);
    put("table", 'f', t->table, t->n_columns * E);
    put("own", 'f', t->own, t->own ? t->n_items * E : 0);
    put("phi", 'f', net->phi, rh_net_size(&net->net));
    put("psi", 'f', rec.psi, rec.n_psi);
}

int __real_rh_meta_batch_learn(struct rh_ctx *ctx, struct rh_meta_batch *b);
int __wrap_rh_meta_batch_learn(struct rh_ctx *ctx, struct rh_meta_batch *b);
int __wrap_rh_meta_batch_learn(struct rh_ctx *ctx, struct rh_meta_batch *b)
{
    rec.steps++;
    if (rec.steps > rec.most)
        return RH_ECANCEL;
    if (!rec.file)
        return __real_rh_meta_batch_learn(ctx, b);
    describe(b->net, b->m);
    int32_t n = b->n_tasks, rows = b->first_row[n];
    int64_t steps = b->meta->steps;
    put("inner_steps", 'l', &steps, 1);
    put("inner_rate", 'd', &b->meta->rate, 1);
    put_numbers("first_row", b->first_row, n + 1, NULL);
    put_numbers("n_support", b->n_support, n, NULL);
    put("norm_support", 'f', b->norm_support, n);
    put("norm_query", 'f', b->norm_query, n);
    put_numbers("item", b->slot, (int64_t)rows * b->m, &b->slots);
    put("weight", 'f', b->weight, rows);
    put("first_history", 'l', b->first_history, n + 1);
    put_numbers("history", b->history, b->first_history[n], &b->slots);
    put("history_weight", 'f', b->history_weight, b->first_history[n]);
    int status = __real_rh_meta_batch_learn(ctx, b);
    put("loss", 'd', &b->loss, 1);
    return status;
}

int __real_rh_batch_learn(struct rh_ctx *ctx, struct rh_batch *b);
int __wrap_rh_batch_learn(struct rh_ctx *ctx, struct rh_batch *b);
int __wrap_rh_batch_learn(struct rh_ctx *ctx, struct rh_batch *b)
{
    rec.steps++;
    if (rec.steps > rec.most)
        return RH_ECANCEL;
    if (!rec.file)
        return __real_rh_batch_learn(ctx, b);
    describe(b->net, b->m);
    put_numbers("first_row", b->first_row, b->n_groups + 1, NULL);
    put("norm", 'f', b->norm, b->n_rows);
    put_numbers("item", b->slot, (int64_t)b->n_rows * b->m, &b->slots);
    put("own_weight", 'f', b->own_weight, b->n_rows);
    put("row_weight", 'f', b->row_weight, b->n_rows);
    put("first_history", 'l', b->first_history, b->n_groups + 1);
    put_numbers("history", b->history, b->first_history[b->n_groups], &b->slots);
    put("history_weight", 'f', b->history_weight, b->first_history[b->n_groups]);
    int status = __real_rh_batch_learn(ctx, b);
    put_numbers("slots", b->slots.item, b->slots.n, NULL);
    put("loss", 'd', &b->loss, 1);
    return status;
}

void __real_rh_net_represent(const struct rh_net *net, int32_t n, const int32_t *row, const int32_t *slot,
                             const rh_real *p, const struct rh_sides *sides, rh_real *out);
void __wrap_rh_net_represent(const struct rh_net *net, int32_t n, const int32_t *row, const int32_t *slot,
                             const rh_real *p, const struct rh_sides *sides, rh_real *out);
void __wrap_rh_net_represent(const struct rh_net *net, int32_t n, const int32_t *row, const int32_t *slot,
                             const rh_real *p, const struct rh_sides *sides, rh_real *out)
{
    __real_rh_net_represent(net, n, row, slot, p, sides, out);
    rec.pairs = n / 2;
    if (!rec.file)
        return;
    put_numbers("pair_row", row, n, NULL);
    put_numbers("pair_slot", slot, n, NULL);
}

void __real_rh_critic_init(const struct rh_critic *c, struct rh_rng *r, rh_real *psi);
void __wrap_rh_critic_init(const struct rh_critic *c, struct rh_rng *r, rh_real *psi);
void __wrap_rh_critic_init(const struct rh_critic *c, struct rh_rng *r, rh_real *psi)
{
    __real_rh_critic_init(c, r, psi);
    if (!rec.file)
        return;
    rec.n_psi = rh_critic_size(c);
    rec.psi = malloc((size_t)rec.n_psi * sizeof *rec.psi);
    if (!rec.psi)
        exit(1);
    memcpy(rec.psi, psi, (size_t)rec.n_psi * sizeof *rec.psi);
}

/* Where between the pairs of a move the gradient penalty looks. */
static struct rh_rng stream_seen(struct rh_ctx *ctx, const char *purpose, uint64_t index)
{
    struct rh_rng r = rec.host->stream(ctx, purpose, index);
    if (strcmp(purpose, "penalty"))
        return r;
    float *share = malloc((size_t)rec.pairs * sizeof *share);
    struct rh_rng copy = r;
    if (!share)
        exit(1);
    for (int32_t k = 0; k < rec.pairs; k++)
        share[k] = (float)rh_rng_uniform(&copy);
    put("share", 'f', share, rec.pairs);
    free(share);
    return r;
}

/* The plugin's epoch, with a host whose streams are looked at. */
static int epoch_seen(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    rec.host = ctx->host;
    struct rh_host host = *ctx->host;
    host.stream = stream_seen;
    struct rh_ctx own = { &host, ctx->own };
    return rec.algorithm->epoch(&own, state, number, loss);
}

/* ----------------------------------------------------------------------------------------------------- the clock */

static int measure(struct rh_instance *in, int32_t epochs, struct rh_error *err)
{
    double fastest = 0, cpu = 0;
    for (int32_t e = 1; e <= epochs; e++) {
        double begin = rh_now(), used = bench_cpu(), loss;
        rec.steps = 0;
        int status = rh_instance_epoch(in, e, &loss, err);
        if (rec.steps > rec.most) { /* ended here */
            rec.steps = rec.most;
            *err = (struct rh_error){ 0 };
        } else if (status < 0) {
            return status;
        }
        double seconds = rh_now() - begin;
        used = bench_cpu() - used;
        fastest = e == 1 || seconds < fastest ? seconds : fastest;
        cpu = e == 1 || used < cpu ? used : cpu;
    }
    printf("seconds %.4f cpu %.4f peak %.0f steps %lld\n", fastest, cpu, bench_peak(), (long long)rec.steps);
    return RH_OK;
}

static int work(const char *file, int threads, int32_t epochs, struct rh_arena *a, struct rh_error *err)
{
    struct rh_log log;
    struct rh_registry registry;
    const struct rh_plan *plan;
    struct rh_problem *problem = NULL;
    struct rh_instance *in = NULL;
    rh_log_init(&log, stderr, RH_LOG_WARNING);
    struct rh_data_env env = { .log = &log, .threads = threads };
    const struct rh_plan_input input = { .file = file, .data = getenv("HARNESS_DATA") };
    RH_TRY(rh_registry_init(&registry, a, err));
    RH_TRY(rh_plan_read(a, &input, &registry, &env, &plan, err));
    struct rh_loader loader = { .env = &env, .log = &log };
    const struct rh_plan_algorithm *g = &plan->algorithm[plan->run[0].algorithm];
    int status = rh_loader_build(&loader, &plan->problem[plan->run[0].problem], &problem, err);
    if (status >= 0) {
        struct rh_algorithm seen = *g->algorithm;
        if (rec.file)
            seen.epoch = epoch_seen;
        rec.algorithm = g->algorithm;
        struct rh_instance_options options = { .seed = plan->seed, .identity = "bench", .threads = threads };
        status = rh_instance_new(&seen, g->params, &problem->train, &options, &in, err);
        if (status >= 0)
            status = rh_instance_fit(in, err);
        if (status >= 0)
            status = measure(in, epochs, err);
        rh_instance_free(in);
    }
    rh_problem_free(problem);
    rh_loader_release(&loader);
    return status;
}

int main(int argc, char **argv)
{
    int64_t threads, epochs;
    rec.most = INT64_MAX;
    if (argc == 1) {
        printf("bench/experiment needs an experiment: see bench/torch.sh\n");
        return 0;
    }
    if (argc < 4 || argc > 6 || !rh_parse_int(argv[2], &threads) || !rh_parse_int(argv[3], &epochs) ||
        threads < 1 || threads > 256 || epochs < 1 || epochs > 1000 ||
        (argc > 4 && (!rh_parse_int(argv[4], &rec.most) || rec.most < 1)) || (argc == 6 && epochs > 1)) {
        fprintf(stderr, "usage: bench/experiment FILE.ini THREADS EPOCHS [STEPS [RECORD, with one epoch]]\n");
        return 2;
    }
    openblas_set_num_threads(1); /* as the program does: threads are ours */
    struct rh_arena arena = { 0 };
    struct rh_error err = { 0 };
    if (argc == 6 && !(rec.file = fopen(argv[5], "wb"))) {
        perror(argv[5]);
        return 1;
    }
    int status = work(argv[1], (int)threads, (int32_t)epochs, &arena, &err);
    if (rec.file && fclose(rec.file))
        status = RH_EIO;
    if (status < 0)
        fprintf(stderr, "%s\n", err.text);
    free(rec.psi);
    rh_arena_release(&arena);
    return status < 0;
}
