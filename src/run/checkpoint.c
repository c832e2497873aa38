#include "run/checkpoint.h"

#include "base/file.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PURPOSE (RH_FOR_STARTING | RH_FOR_RESUMING)
enum { EPOCH, LOSS, VALIDATION, SECONDS, COLUMNS }; /* of a row of the curve, as it is written */

/* The curve as numbers without gaps between them. */
static int put_curve(struct rh_saved *saved, const struct rh_curve *curve, struct rh_error *err)
{
    double *row = calloc((size_t)curve->n + 1, COLUMNS * sizeof *row);
    int64_t n = curve->n;
    if (!row)
        return rh_fail_memory(err, "a checkpoint", (size_t)n * COLUMNS * sizeof *row);
    for (int32_t e = 0; e < curve->n; e++) {
        const struct rh_epoch_row *x = &curve->epoch[e];
        double cells[COLUMNS] = { [EPOCH] = x->epoch, [LOSS] = x->loss, [VALIDATION] = x->validation,
                                  [SECONDS] = x->seconds };
        memcpy(row + COLUMNS * e, cells, sizeof cells);
    }
    int status = rh_saved_put(saved, "epochs", &n, 1, sizeof n, err);
    if (status >= 0)
        status = rh_saved_put(saved, "curve", row, (size_t)n, COLUMNS * sizeof *row, err);
    free(row);
    return status;
}

static int put_standing(struct rh_saved *saved, const struct rh_standing *s, struct rh_error *err)
{
    const int64_t counts[] = { s->best, s->since };
    const double numbers[] = { s->best_value, s->seconds };
    RH_TRY(rh_saved_put(saved, "counts", counts, 2, sizeof *counts, err));
    return rh_saved_put(saved, "numbers", numbers, 2, sizeof *numbers, err);
}

static bool best_is_last(const struct rh_standing *s, const struct rh_curve *curve)
{
    return s->best == curve->n - 1;
}

static int put_all(struct rh_instance *in, struct rh_saved *saved, const struct rh_standing *s,
                   const struct rh_curve *curve, struct rh_error *err)
{
    RH_TRY(put_curve(saved, curve, err));
    RH_TRY(put_standing(saved, s, err));
    if (s->best >= 0 && !best_is_last(s, curve))
        RH_TRY(rh_instance_put_best(in, PURPOSE, saved, err));
    RH_TRY(rh_instance_put(in, PURPOSE, saved, err));
    return rh_saved_end(saved, err);
}

int rh_checkpoint_write(struct rh_instance *in, const struct rh_algorithm *alg, const struct rh_model_key *key,
                        const struct rh_standing *s, const struct rh_curve *curve, const char *path,
                        struct rh_error *err)
{
    struct rh_saved saved;
    int status = rh_saved_begin(&saved, alg, key, PURPOSE, err);
    if (status >= 0)
        status = put_all(in, &saved, s, curve, err);
    if (status >= 0)
        status = rh_write_file(path, saved.bytes, saved.n, err);
    rh_saved_release(&saved);
    return status;
}

static int get_curve(struct rh_saved *saved, struct rh_curve *curve, int32_t most, struct rh_error *err)
{
    const void *p;
    int64_t n;
    RH_TRY(rh_saved_get(saved, "epochs", 1, sizeof n, &p, err));
    memcpy(&n, p, sizeof n);
    if (n < 1 || n > most)
        return rh_fail(err, RH_EDATA, "it stands at epoch %lld of %d", (long long)n, most);
    RH_TRY(rh_saved_get(saved, "curve", (size_t)n, COLUMNS * sizeof(double), &p, err));
    for (int64_t e = 0; e < n; e++) {
        double cells[COLUMNS];
        memcpy(cells, (const char *)p + (size_t)e * sizeof cells, sizeof cells);
        curve->epoch[e] = (struct rh_epoch_row){ .epoch = (int32_t)(e + 1), .loss = cells[LOSS],
                                                 .validation = cells[VALIDATION], .seconds = cells[SECONDS] };
    }
    curve->n = (int32_t)n;
    return RH_OK;
}

static int get_standing(struct rh_saved *saved, struct rh_standing *s, const struct rh_curve *curve,
                        struct rh_error *err)
{
    const void *p;
    int64_t counts[2];
    double numbers[2];
    RH_TRY(rh_saved_get(saved, "counts", 2, sizeof *counts, &p, err));
    memcpy(counts, p, sizeof counts);
    RH_TRY(rh_saved_get(saved, "numbers", 2, sizeof *numbers, &p, err));
    memcpy(numbers, p, sizeof numbers);
    if (counts[0] < -1 || counts[0] >= curve->n || counts[1] < 0 || counts[1] > curve->n)
        return rh_fail(err, RH_EDATA, "its best epoch is none of its epochs");
    *s = (struct rh_standing){ (int32_t)counts[0], (int32_t)counts[1], numbers[0], numbers[1] };
    return RH_OK;
}

/* The instance, from here on, is changed: what fails now fails the fit. */
static int get_instance(struct rh_instance *in, struct rh_saved *saved, const struct rh_standing *s,
                        const struct rh_curve *curve, struct rh_error *err)
{
    RH_TRY(rh_instance_fit_to_load(in, err));
    if (s->best >= 0 && !best_is_last(s, curve)) {
        RH_TRY(rh_instance_get(in, PURPOSE, saved, err));
        RH_TRY(rh_instance_keep(in, err));
    }
    RH_TRY(rh_instance_get(in, PURPOSE, saved, err));
    return best_is_last(s, curve) ? rh_instance_keep(in, err) : RH_OK;
}

int rh_checkpoint_read(struct rh_instance *in, const struct rh_algorithm *alg, const struct rh_model_key *key,
                       const char *path, int32_t most, struct rh_standing *s, struct rh_curve *curve,
                       struct rh_error *why, struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_saved saved;
    char *bytes;
    size_t n;
    if (!rh_file_exists(path))
        return RH_DONE;
    int status = rh_read_file(&a, path, &bytes, &n, why);
    if (status >= 0)
        status = rh_saved_open(&saved, bytes, n, alg, key, why);
    if (status >= 0)
        status = get_curve(&saved, curve, most, why);
    if (status >= 0)
        status = get_standing(&saved, s, curve, why);
    if (status >= 0) {
        saved.passing = true; /* what is made from the others when it is loaded */
        status = get_instance(in, &saved, s, curve, err);
        if (status == RH_EDATA)
            rh_error_context(err, "checkpoint '%s'", path);
    } else {
        curve->n = 0;
        status = RH_DONE;
    }
    rh_arena_release(&a);
    return status;
}

void rh_checkpoint_remove(const char *path)
{
    struct rh_arena a = { 0 };
    const char *folder = rh_path_folder(&a, path), *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    DIR *all = folder ? opendir(folder) : NULL;
    for (const struct dirent *e; all && (e = readdir(all));) {
        const char *file = strncmp(e->d_name, name, strlen(name)) ? NULL : rh_path_join(&a, folder, e->d_name);
        if (file)
            unlink(file);
    }
    if (all && closedir(all) == 0)
        rmdir(folder); /* fails while others are in it */
    rh_arena_release(&a);
}
