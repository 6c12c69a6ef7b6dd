/* Which SAs of the kernel's make a tunnel: the kernel knows single SAs, and policies that lead into them by reqid and outer
 * addresses. */
#ifndef RSIPC_KERNEL_PAIRS_H
#define RSIPC_KERNEL_PAIRS_H

#include <stdbool.h>

#include "kernel_table.h"

/* Of an SA: inbound when a policy `in` or `fwd` of its reqid leads to its destination, outbound when one of `out` does. */
bool kernel_led_to(const struct kernel_table *table, const struct kernel_state *state, bool out);
bool kernel_is_inbound(const struct kernel_table *table, const struct kernel_state *state);

/* The outbound SA between the same ends and of the same generation, or the latest that there is; spi 0 = none. */
struct kernel_state kernel_partner(const struct kernel_table *table, const struct kernel_state *in);

/* Does a policy `out` send by this SA? By its SPI where the policy names one, else when there is no other for it. */
bool kernel_is_sent_by(const struct kernel_table *table, const struct kernel_state *out);

#endif
