#include "eval/relevant.h"

/* splitmix64's mixer (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Is row i among the `best` highest rated? */
static bool is_best(const struct rh_truth *t, int32_t i, int32_t best)
{
    uint64_t key = 0, own;
    int32_t above = 0;
    for (int32_t j = 0; j < t->n; j++)
        key += mix((uint64_t)t->item[j]);
    own = mix(key ^ (uint64_t)t->item[i]);
    for (int32_t j = 0; j < t->n; j++) {
        uint64_t other = mix(key ^ (uint64_t)t->item[j]);
        above += t->value[j] > t->value[i] || (!(t->value[j] < t->value[i]) && other < own);
    }
    return above < best;
}

bool rh_is_relevant(const struct rh_truth *t, int32_t i, double from, int32_t best)
{
    if (!t->value)
        return true;
    return (double)t->value[i] >= from && (best <= 0 || is_best(t, i, best));
}
