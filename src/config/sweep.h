/* Counting through all combinations of swept keys. */
#ifndef RH_CONFIG_SWEEP_H
#define RH_CONFIG_SWEEP_H

#include "config/section.h"

/* Axes of several owners side by side; the last axis turns fastest. */
struct rh_sweep {
    const struct rh_axis **axis; /* [n] borrowed */
    int32_t *owner;              /* [n] whose axis it is: a number of the caller's */
    int32_t *at;                 /* [n] index of the value now */
    int32_t n, capacity;
};

int rh_sweep_add(struct rh_sweep *s, struct rh_arena *a, const struct rh_axis *axis, int32_t n, int32_t owner,
                 struct rh_error *err);
const char *rh_sweep_value(const struct rh_sweep *s, int32_t i);
bool rh_sweep_swept(const struct rh_sweep *s, int32_t i);
/* Steps to the next combination; false after the last. */
bool rh_sweep_next(struct rh_sweep *s);
/* "name key=value key=value" of the swept keys; in the arena, NULL: no memory. */
const char *rh_sweep_label(const struct rh_sweep *s, struct rh_arena *a, const char *name);

#endif
