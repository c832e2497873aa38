/* ease - embarrassingly shallow autoencoder.
 *
 * Steck 2019, "Embarrassingly shallow autoencoders for sparse data" (WWW 28). With X the users x items matrix of ones
 * where there is an interaction, the weights B minimise |X - X B|^2 + l2 |B|^2 under diag(B) = 0. With
 * P = (X'X + l2 I)^-1 that is B(i, j) = -P(i, j) / P(j, j) for i != j, and the score of item j is the sum of B(i, j)
 * over the items i of the history. Weights may be negative: an item can speak against another.
 *
 * X'X is counted and inverted by lib/gram.h. P is kept whole, so that the rows of a history are added front to back;
 * the division by P(j, j) comes last.
 *
 * Unseen users are folded in through their history. A user without history gets 0 for every item, as does an item
 * without interactions.
 *
 * Time: sum over users of the squared row length, and n^3 / 2 multiplications; a query: |history| n. Memory: 4 n^2
 * bytes. */
#include <rh/plugin.h>

#include "algorithms/lib/gram.h"
#include "algorithms/lib/item_weights.h"

struct ease_params {
    double l2;
};

static const struct rh_param ease_table[] = {
    RH_REAL(struct ease_params, l2, 500, 1e-3, 1e9, "regularisation: added to the diagonal of the item-item counts"),
    RH_PARAMS_END,
};

static int ease_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct ease_params *p = params;
    struct rh_item_weights *s = state;
    int status = rh_item_weights_new(ctx, train, s);
    if (status >= 0)
        status = rh_gram_count(ctx, &train->domain[train->target], train->n_users, s->w);
    return status < 0 ? status : rh_gram_weights(ctx, s->n, p->l2, "l2", s->w, s->scale);
}

static const struct rh_algorithm ease = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "ease",
    .summary = "linear weights between items in closed form, an item never its own reason",
    .reference = "Steck 2019, Embarrassingly shallow autoencoders for sparse data (WWW)",
    .cost = "fit O(sum over users of the squared row length + I^3), score O(|history| I) a query, memory 4 I^2 bytes",
    .advice = "Among the strongest linear models, with one parameter: tune l2 (10 to 10000). Time grows with the "
              "cube of the items, memory with the square: for very many items take neighbourhoods (itemknn) or factors "
              "(ials). It cannot score items without interactions.",
    .revision = 2,
    .flags = RH_A_COLD_USERS,
    .params = ease_table,
    .params_size = sizeof(struct ease_params),
    .state_size = sizeof(struct rh_item_weights),
    .fit = ease_fit,
    .score = rh_item_weights_score,
    .explain = rh_item_weights_explain,
    .persist = rh_item_weights_persist,
};
RH_ALGORITHM(ease)
