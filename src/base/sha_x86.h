/* SHA-256 of whole blocks with the instructions that some processors have for it; behind base/hash.c. */
#ifndef RH_BASE_SHA_X86_H
#define RH_BASE_SHA_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* This processor has them; only then rh_sha256_blocks may be called. */
bool rh_sha256_fast(void);

/* Takes n blocks of 64 bytes into the state a .. h. */
void rh_sha256_blocks(uint32_t state[8], const unsigned char *p, size_t n);

#endif
