#include "base/hash.h"

#include "base/sha_x86.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void rh_hash_init(struct rh_hash *h)
{
    SHA256Init(&h->sha);
}

void rh_hash_bytes(struct rh_hash *h, const void *p, size_t n)
{
    const unsigned char *byte = p;
    if (n >= 1024 && rh_sha256_fast()) {
        /* libmd fills its buffer up to a block, then whole blocks go past it. */
        size_t open = (size_t)(h->sha.bitcount[0] / 8 % 64), head = open ? 64 - open : 0;
        if (head)
            SHA256Update(&h->sha, byte, head);
        size_t blocks = (n - head) / 64;
        rh_sha256_blocks(h->sha.state.st32, byte + head, blocks);
        h->sha.bitcount[0] += (uint64_t)blocks * 512;
        byte += head + 64 * blocks;
        n -= head + 64 * blocks;
    }
    if (n)
        SHA256Update(&h->sha, byte, n);
}

void rh_hash_u64(struct rh_hash *h, uint64_t x)
{
    unsigned char b[8];
    for (int i = 0; i < 8; i++)
        b[i] = (unsigned char)(x >> (8 * i));
    rh_hash_bytes(h, b, sizeof b);
}

void rh_hash_text(struct rh_hash *h, const char *s)
{
    size_t n = s ? strlen(s) : 0;
    rh_hash_u64(h, n);
    if (n)
        rh_hash_bytes(h, s, n);
}

void rh_hash_hex(struct rh_hash *h, char hex[static RH_HASH_HEX])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256Final(digest, &h->sha);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

int rh_hash_file(const char *path, char hex[static RH_HASH_HEX], struct rh_error *err)
{
    unsigned char block[1 << 16];
    struct rh_hash h;
    struct stat st;
    if (!stat(path, &st) && !S_ISREG(st.st_mode)) /* opening a pipe would wait for its writer */
        return rh_fail(err, RH_EIO, "cannot read '%s': not a regular file", path);
    FILE *f = fopen(path, "rb");
    if (!f)
        return rh_fail(err, RH_EIO, "cannot open '%s': %s", path, strerror(errno));
    rh_hash_init(&h);
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
        rh_hash_bytes(&h, block, n);
    int bad = ferror(f) ? errno : 0;
    fclose(f);
    if (bad)
        return rh_fail(err, RH_EIO, "cannot read '%s': %s", path, strerror(bad));
    rh_hash_hex(&h, hex);
    return RH_OK;
}
