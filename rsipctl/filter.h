/* Which packets trace and replay tell of: those that match everything that is set. */
#ifndef RSIPCTL_FILTER_H
#define RSIPCTL_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

struct explained;

/* Zero-initialised: all packets. */
struct filter {
	ip4_t host;    /* the private address of an RSIP host; 0 = any */
	ip4_t address; /* the public address */
	ip4_t peer;
	struct port_range port; /* on either side; first 0 = any */
	bool has_spi;
	struct spi_range spi;
	uint64_t cookie, cookie_mask; /* either IKE cookie under the mask; mask 0 = any */
	bool dropped;                 /* dropped ones only */
};

/* Each reads one option's argument; false when it is none, leaving the filter alone. */
bool filter_read_port(struct filter *f, const char *text);   /* "4500", "1024-2047" */
bool filter_read_spi(struct filter *f, const char *text);    /* "0x4a10", "18960", "0x4a10-0x4a1f" */
bool filter_read_cookie(struct filter *f, const char *text); /* a number, or "0x5ac3000000000000/16" */

bool filter_matches(const struct filter *f, const struct explained *x);

#endif
