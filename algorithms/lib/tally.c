#include "algorithms/lib/tally.h"

#include <string.h>

#define PLANES 16                          /* counts below 2^16, then they are emptied into the sums */
#define FULL (((int64_t)1 << PLANES) - 16) /* rows that surely fit */
#define PAYS 8                             /* a row with more than words / 8 entries is cheaper as a bitmap */
#define RARE 100                           /* a column that less than one row use in a hundred has is rare */

/* 128 columns: eight words of sixteen. */
typedef uint16_t columns __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));
#define WORDS 8

/* Chooses the frequent columns; bit[c] becomes the number of column c among them, or -1. A row is used as often as it
 * has entries: a user's row for each of the user's items. */
static int choose_columns(struct rh_ctx *ctx, int32_t n_rows, const int64_t *row, const int32_t *col,
                          struct rh_tally *t, int32_t *bit)
{
    int64_t *uses = ctx->host->scratch(ctx, (size_t)t->n_cols, sizeof *uses);
    if (!uses)
        return RH_ENOMEM;
    for (int32_t r = 0; r < n_rows; r++)
        for (int64_t k = row[r]; k < row[r + 1]; k++)
            uses[col[k]] += row[r + 1] - row[r];
    for (int32_t c = 0; c < t->n_cols; c++) {
        bool frequent = uses[c] > row[n_rows] / RARE;
        bit[c] = frequent ? t->n_frequent : -1;
        if (frequent)
            t->frequent[t->n_frequent++] = c;
    }
    t->words = ((int64_t)t->n_frequent + 16 * WORDS - 1) / (16 * WORDS) * WORDS;
    return RH_OK;
}

/* Chooses the rows that get a bitmap; returns the number of their rare entries. */
static int64_t choose_rows(int32_t n_rows, const int64_t *row, const int32_t *col, struct rh_tally *t,
                           const int32_t *bit)
{
    int64_t all_rare = 0;
    for (int32_t r = 0; r < n_rows; r++) {
        int32_t rare = 0, n = (int32_t)(row[r + 1] - row[r]);
        for (int64_t k = row[r]; k < row[r + 1]; k++)
            rare += bit[col[k]] < 0;
        bool pays = (int64_t)(n - rare) * PAYS > t->words;
        t->row[r] = (struct rh_tally_row){ col + row[r], pays ? rare : n, pays ? t->n_bitmaps++ : -1 };
        all_rare += pays ? rare : 0;
    }
    return all_rare;
}

int rh_tally_build(struct rh_ctx *ctx, int32_t n_rows, int32_t n_cols, const int64_t *row, const int32_t *col,
                   void *(*take)(struct rh_ctx *ctx, size_t n, size_t elem), struct rh_tally *out)
{
    *out = (struct rh_tally){
        .n_cols = n_cols,
        .frequent = take(ctx, (size_t)n_cols, sizeof *out->frequent),
        .row = take(ctx, (size_t)n_rows, sizeof *out->row),
    };
    int32_t *bit = ctx->host->scratch(ctx, (size_t)n_cols, sizeof *bit);
    if (!out->frequent || !out->row || !bit || choose_columns(ctx, n_rows, row, col, out, bit) < 0)
        return RH_ENOMEM;
    int64_t all_rare = choose_rows(n_rows, row, col, out, bit);
    int32_t *rare = take(ctx, (size_t)all_rare, sizeof *rare);
    out->bits = take(ctx, (size_t)out->n_bitmaps + 1, (size_t)out->words * sizeof *out->bits);
    if (!rare || !out->bits)
        return RH_ENOMEM;
    for (int32_t r = 0; r < n_rows; r++) {
        if (out->row[r].bitmap < 0)
            continue;
        uint16_t *bits = out->bits + out->row[r].bitmap * out->words;
        out->row[r].walk = rare;
        for (int64_t k = row[r]; k < row[r + 1]; k++) {
            int32_t b = bit[col[k]];
            if (b >= 0)
                bits[b / 16] |= (uint16_t)(1u << b % 16);
            else
                *rare++ = col[k];
        }
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

/* The 16 counts that stand in word w of the lowest n_planes planes, from the highest plane down. */
static inline void read_planes(const columns *plane, int n_planes, int w, uint16_t *n)
{
    const columns low = { 1, 2, 4, 8, 16, 32, 64, 128 }, high = low << 8;
    columns first = { 0 }, second = { 0 };
    for (int p = n_planes - 1; p >= 0; p--) { /* a comparison that holds is -1 */
        uint16_t bits = plane[p][w];
        first = first + first - (columns)((low & bits) == low);
        second = second + second - (columns)((high & bits) == high);
    }
    memcpy(n, &first, sizeof first);
    memcpy(n + 8, &second, sizeof second);
}

/* Adds the counts of `held` rows in the planes to the sums. */
static void empty_planes(const struct rh_tally *t, const columns *plane, int64_t held, int32_t *count,
                         unsigned char *touched)
{
    int n_planes = 0;
    while (held >> n_planes)
        n_planes++;
    for (int32_t b = 0; b < t->n_frequent; b += 16) {
        const int32_t *column = t->frequent + b;
        int32_t here = t->n_frequent - b < 16 ? t->n_frequent - b : 16;
        uint16_t n[16];
        read_planes(plane + b / (16 * WORDS) * PLANES, n_planes, b / 16 % WORDS, n);
        if (here == 16 && column[15] - column[0] == 15) { /* neighbouring columns, as most are in dense data */
            int32_t *sum = count + column[0];
            for (int l = 0; l < 16; l++)
                sum[l] += n[l];
            touched[column[0] / 16] = touched[column[15] / 16] = 1;
        } else {
            for (int32_t l = 0; l < here; l++) {
                count[column[l]] += n[l];
                touched[column[l] / 16] = 1;
            }
        }
    }
}

/* Groups of columns that walking has touched. When it has touched as many as there are, looking which is not worth
 * it. */
struct trail {
    unsigned char *touched;
    int64_t n_groups, walked;
};

static void walk(const struct rh_tally_row *row, int32_t *restrict count, struct trail *trail)
{
    const int32_t *restrict col = row->walk;
    for (int32_t k = 0; k < row->n_walk; k++)
        count[col[k]]++;
    if (trail->walked >= trail->n_groups)
        return;
    trail->walked += row->n_walk;
    if (trail->walked >= trail->n_groups)
        memset(trail->touched, 1, (size_t)trail->n_groups);
    else
        for (int32_t k = 0; k < row->n_walk; k++)
            trail->touched[col[k] / 16] = 1;
}

/* Fetches ahead what a row will need; of long lists the beginning, the rest comes by itself. */
static void fetch(const struct rh_tally *t, const struct rh_tally_row *row)
{
    __builtin_prefetch(row->walk);
    __builtin_prefetch(row->walk + 16);
    if (row->bitmap >= 0)
        for (int64_t w = 0; w < t->words; w += 32)
            __builtin_prefetch(t->bits + row->bitmap * t->words + w);
}

#define NEAR 8 /* rows ahead that contents are fetched; where they are is fetched as long before */

void rh_tally_add(const struct rh_tally *t, const int32_t *rows, int64_t n, void *space, int32_t *count,
                  unsigned char *touched)
{
    columns *plane = space;
    struct trail trail = { touched, (t->n_cols + 15) / 16, 0 };
    int64_t vectors = t->words / WORDS, held = 0; /* rows in the planes */
    const columns *empty = (const columns *)(t->bits + t->n_bitmaps * t->words), *sixteen[16];
    int waiting = 0; /* rows in `sixteen` */
    for (int64_t k = 0; k < n; k++) {
        const struct rh_tally_row *row = &t->row[rows[k]];
        if (k + 2 * NEAR < n)
            __builtin_prefetch(&t->row[rows[k + 2 * NEAR]]);
        if (k + NEAR < n)
            fetch(t, &t->row[rows[k + NEAR]]);
        walk(row, count, &trail);
        if (row->bitmap >= 0)
            sixteen[waiting++] = (const columns *)(t->bits + row->bitmap * t->words);
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
            empty_planes(t, plane, held, count, touched);
            held = 0;
        }
    }
}
