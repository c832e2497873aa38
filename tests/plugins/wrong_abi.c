/* For tests of the host: comes from a future in which the contract is another one. It must not be called. */
#include <rh/plugin.h>

static const struct rh_algorithm wrong_abi = {
    .abi = RH_ABI + 1,
    .size = sizeof(struct rh_algorithm) + 64,
    .name = "wrong_abi",
    .summary = "speaks another version of the contract; for tests",
    .reference = "none: a test of the host",
    .revision = 1,
};
RH_ALGORITHM(wrong_abi)
