#include "data/words.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Sorted. Short on purpose: what is frequent in one collection is left to token_max_share. */
static const char *const stop_words[] = {
    "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "because", "been", "before",
    "but", "by", "can", "could", "did", "do", "does", "for", "from", "had", "has", "have", "he", "her", "him", "his",
    "how", "if", "in", "into", "is", "it", "its", "just", "me", "more", "most", "my", "no", "not", "of", "on", "one",
    "only", "or", "other", "our", "out", "over", "she", "so", "some", "such", "than", "that", "the", "their", "them",
    "then", "there", "these", "they", "this", "those", "to", "up", "us", "was", "we", "were", "what", "when", "where",
    "which", "who", "will", "with", "would", "you", "your",
};

/* The code point at s, and its length in *n; the text is valid UTF-8. */
static uint32_t decode(const char *s, const char *end, size_t *n)
{
    unsigned char c = (unsigned char)*s;
    *n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if ((size_t)(end - s) < *n)
        *n = (size_t)(end - s);
    uint32_t x = *n == 1 ? c : *n == 2 ? c & 0x1fu : *n == 3 ? c & 0xfu : c & 7u;
    for (size_t k = 1; k < *n; k++)
        x = x << 6 | ((unsigned char)s[k] & 0x3fu);
    return x;
}

static uint32_t lower(uint32_t x)
{
    if ((x >= 'A' && x <= 'Z') || (x >= 0xc0 && x <= 0xde && x != 0xd7) || (x >= 0x391 && x <= 0x3a9) ||
        (x >= 0x410 && x <= 0x42f))
        return x + 32;
    if (x >= 0x400 && x <= 0x40f)
        return x + 80;
    /* Latin extended A: capital and small letter alternate, from an even or an odd number on */
    if ((x >= 0x100 && x <= 0x137 && x != 0x130) || (x >= 0x14a && x <= 0x177))
        return x | 1;
    if ((x >= 0x139 && x <= 0x148) || (x >= 0x179 && x <= 0x17e))
        return x + (x & 1);
    return x;
}

/* Letters and digits: every code point beyond ASCII counts but for signs and punctuation of the common blocks. */
static bool is_letter(uint32_t x)
{
    if (x < 0x80)
        return (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z') || (x >= '0' && x <= '9');
    if (x < 0xc0)
        return x == 0xaa || x == 0xb5 || x == 0xba;
    return x != 0xd7 && x != 0xf7 && !(x >= 0x2000 && x < 0x2c00) && !(x >= 0x3000 && x <= 0x303f) &&
           !(x >= 0xfe10 && x <= 0xfe6f) && !(x >= 0xff00 && x <= 0xff0f) && x < 0x1f000;
}

static void encode_same_length(char *s, size_t n, uint32_t x)
{
    if (n == 1) {
        s[0] = (char)x;
        return;
    }
    for (size_t k = n - 1; k > 0; k--, x >>= 6)
        s[k] = (char)(0x80 | (x & 0x3f));
    s[0] = (char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | x);
}

void rh_lower(char *s, size_t n)
{
    const char *end = s + n;
    for (size_t k; s < end; s += k) {
        uint32_t x = decode(s, end, &k), y = lower(x);
        if (y != x)
            encode_same_length(s, k, y);
    }
}

static int compare_word(const void *key, const void *entry)
{
    return strcmp(key, *(const char *const *)entry);
}

static bool wanted(const char *word, size_t n)
{
    size_t digits = 0;
    for (size_t i = 0; i < n; i++)
        digits += word[i] >= '0' && word[i] <= '9';
    if (digits == n || n < 2 || n > RH_LONGEST_WORD)
        return false;
    return !bsearch(word, stop_words, sizeof stop_words / sizeof *stop_words, sizeof *stop_words, compare_word);
}

bool rh_next_word(struct rh_words *w)
{
    for (;;) {
        size_t k, n = 0;
        bool inside = false;
        while (w->at < w->end) {
            uint32_t x = decode(w->at, w->end, &k);
            bool apostrophe = inside && (x == '\'' || x == 0x2019);
            if (!apostrophe && !is_letter(x)) {
                if (inside)
                    break;
                w->at += k;
                continue;
            }
            inside = true;
            if (!apostrophe && n <= RH_LONGEST_WORD) { /* there is room for one more code point */
                memcpy(w->word + n, w->at, k);
                n += k;
            }
            w->at += k;
        }
        if (!inside)
            return false;
        w->word[n] = '\0';
        rh_lower(w->word, n);
        if (wanted(w->word, n)) {
            w->n = n;
            return true;
        }
    }
}
