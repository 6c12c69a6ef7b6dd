/* What the data plane is told of a binding (struct dp_bind of dataplane.h), as the books have it now. */
#ifndef RSIPD_DP_BIND_H
#define RSIPD_DP_BIND_H

#include <stddef.h>
#include <stdint.h>

#include "binding.h"
#include "dataplane.h"

/* The whole message, with its ranges and peers behind it. Returns its length in bytes. */
size_t dp_bind_encode(const struct binding *b, uint8_t bytes[DP_MESSAGE_MAX]);

/* By what the data plane tells whether it has the binding like that. */
struct dp_check_entry dp_bind_check_entry(const struct binding *b);

#endif
