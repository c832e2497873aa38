#include "algorithms/lib/tally.h"

#include <string.h>

#define PLANES 16                          /* counts below 2^16, then they are emptied into the sums */
#define FULL (((int64_t)1 << PLANES) - 16) /* rows that surely fit */
#define PAYS 8                             /* a row with more than words / 8 entries is cheaper as a bitmap */

/* 128 columns: eight words of sixteen. */
typedef uint16_t columns __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));
#define WORDS 8

int rh_tally_build(struct rh_ctx *ctx, int32_t n_rows, int32_t n_cols, const int64_t *row, const int32_t *col,
                   void *(*take)(struct rh_ctx *ctx, size_t n, size_t elem), struct rh_tally *out)
{
    *out = (struct rh_tally){ .n_cols = n_cols, .row = row, .col = col };
    out->words = ((int64_t)n_cols + 16 * WORDS - 1) / (16 * WORDS) * WORDS;
    out->bitmap = take(ctx, (size_t)n_rows, sizeof *out->bitmap);
    if (!out->bitmap)
        return RH_ENOMEM;
    for (int32_t r = 0; r < n_rows; r++)
        out->bitmap[r] = (row[r + 1] - row[r]) * PAYS > out->words ? (int32_t)out->empty++ : -1;
    out->bits = take(ctx, (size_t)(out->empty + 1), (size_t)out->words * sizeof *out->bits);
    if (!out->bits)
        return RH_ENOMEM;
    for (int32_t r = 0; r < n_rows; r++) {
        uint16_t *bits = out->bits + out->bitmap[r] * out->words;
        for (int64_t k = row[r]; out->bitmap[r] >= 0 && k < row[r + 1]; k++)
            bits[col[k] / 16] |= (uint16_t)(1u << col[k] % 16);
    }
    return RH_OK;
}

size_t rh_tally_space(const struct rh_tally *t)
{
    return (size_t)t->words / WORDS * PLANES * sizeof(columns);
}

/* a + b + c = 2 high + low in every bit; low may be c. */
static inline void full_add(columns *high, columns *low, columns a, columns b, columns c)
{
    columns either = a ^ b;
    *high = (a & b) | (either & c);
    *low = either ^ c;
}

/* Adds four rows to the planes of weight 1 and 2; *fours is what is carried. */
static inline void add_four(columns *ones, columns *twos, columns *fours, const columns *const *row, int64_t at)
{
    columns first, second;
    full_add(&first, ones, row[0][at], row[1][at], *ones);
    full_add(&second, ones, row[2][at], row[3][at], *ones);
    full_add(fours, twos, first, second, *twos);
}

/* Adds 16 rows to the planes: [words / WORDS x PLANES], the planes of the same columns side by side. */
static void add_sixteen(columns *plane, int64_t n, const columns *const *row)
{
    for (int64_t at = 0; at < n; at++, plane += PLANES) {
        columns ones = plane[0], twos = plane[1], fours = plane[2], eights = plane[3], a, b, first, second, carry;
        add_four(&ones, &twos, &a, row, at);
        add_four(&ones, &twos, &b, row + 4, at);
        full_add(&first, &fours, a, b, fours);
        add_four(&ones, &twos, &a, row + 8, at);
        add_four(&ones, &twos, &b, row + 12, at);
        full_add(&second, &fours, a, b, fours);
        full_add(&carry, &eights, first, second, eights);
        plane[0] = ones;
        plane[1] = twos;
        plane[2] = fours;
        plane[3] = eights;
        for (int p = 4; p < PLANES && (((halves)carry)[0] | ((halves)carry)[1]); p++) {
            columns both = plane[p] & carry;
            plane[p] ^= carry;
            carry = both;
        }
    }
}

/* Adds the counts that stand in the lowest n_planes planes to the sums, from the highest plane down. */
static void empty_planes(const columns *plane, int64_t n, int n_planes, int32_t *count)
{
    const columns low = { 1, 2, 4, 8, 16, 32, 64, 128 }, high = low << 8;
    for (int64_t at = 0; at < n; at++, plane += PLANES)
        for (int w = 0; w < WORDS; w++, count += 16) {
            columns first = { 0 }, second = { 0 };
            for (int p = n_planes - 1; p >= 0; p--) { /* a comparison that holds is -1 */
                uint16_t bits = plane[p][w];
                first = first + first - (columns)((low & bits) == low);
                second = second + second - (columns)((high & bits) == high);
            }
            for (int l = 0; l < 8; l++) {
                count[l] += first[l];
                count[l + 8] += second[l];
            }
        }
}

void rh_tally_add(const struct rh_tally *t, const int32_t *rows, int64_t n, void *space, int32_t *count,
                  unsigned char *touched)
{
    columns *plane = space;
    int64_t vectors = t->words / WORDS, held = 0; /* rows in the planes */
    const columns *empty = (const columns *)(t->bits + t->empty * t->words), *sixteen[16];
    int waiting = 0; /* rows in `sixteen` */
    for (int64_t k = 0; k < n; k++) {
        int32_t r = rows[k];
        if (t->bitmap[r] < 0) {
            for (int64_t m = t->row[r]; m < t->row[r + 1]; m++) {
                count[t->col[m]]++;
                touched[t->col[m] / 16] = 1;
            }
        } else {
            sixteen[waiting++] = (const columns *)(t->bits + t->bitmap[r] * t->words);
        }
        bool last = k == n - 1;
        if (waiting == 16 || (last && waiting > 0)) {
            if (held == 0)
                memset(plane, 0, rh_tally_space(t));
            held += waiting;
            while (waiting < 16)
                sixteen[waiting++] = empty;
            add_sixteen(plane, vectors, sixteen);
            waiting = 0;
        }
        if (held >= FULL || (last && held > 0)) {
            int n_planes = 0;
            while (held >> n_planes)
                n_planes++;
            empty_planes(plane, vectors, n_planes, count);
            memset(touched, 1, (size_t)t->words);
            held = 0;
        }
    }
}
