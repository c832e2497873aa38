/* SHA-256 (libmd) for identities, and a fast 64-bit mixer for tables and streams. */
#ifndef RH_BASE_HASH_H
#define RH_BASE_HASH_H

#include "base/error.h"
#include <sha2.h>
#include <stdint.h>

#define RH_HASH_HEX 65 /* 64 hex digits and a NUL */

struct rh_hash {
    SHA2_CTX sha;
};

void rh_hash_init(struct rh_hash *h);
void rh_hash_bytes(struct rh_hash *h, const void *p, size_t n);
/* A text with its length, so that ("ab","c") and ("a","bc") differ; NULL is the empty text. */
void rh_hash_text(struct rh_hash *h, const char *s);
void rh_hash_u64(struct rh_hash *h, uint64_t x); /* as 8 little-endian bytes */
void rh_hash_hex(struct rh_hash *h, char hex[static RH_HASH_HEX]); /* ends the hash */

/* SHA-256 of a file's bytes. RH_EIO: cannot be read. */
int rh_hash_file(const char *path, char hex[static RH_HASH_HEX], struct rh_error *err);

/* splitmix64's finaliser (Steele, Lea, Flood 2014). */
static inline uint64_t rh_mix64(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

#endif
