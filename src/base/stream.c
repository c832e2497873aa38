#include "base/stream.h"

#include "base/hash.h"

static uint64_t text_key(uint64_t key, const char *s)
{
    for (; *s; s++)
        key = rh_mix64(key ^ (unsigned char)*s);
    return rh_mix64(key ^ 0x100); /* no byte: ends the text */
}

struct rh_rng rh_stream(uint64_t seed, const char *identity, const char *purpose, uint64_t index)
{
    uint64_t key = rh_mix64(seed);
    key = text_key(key, identity);
    key = text_key(key, purpose);
    key = rh_mix64(key ^ rh_mix64(index));
    struct rh_rng r;
    for (int i = 0; i < 4; i++)
        r.s[i] = key = rh_mix64(key);
    return r;
}
