/* Whether a request fits at one public address, and where: the part of the pool that looks at one address only. */
#ifndef RSIPD_FIT_H
#define RSIPD_FIT_H

#include <stdbool.h>

#include "address.h"
#include "binding.h"
#include "conf.h"
#include "pool.h"
#include "rsip_proto.h"

/* How far a request came: when it fails at several addresses, the error of the farthest tells most. */
enum fit_step { FIT_ADDRESS, FIT_RANGE, FIT_PORTS, FIT_SPIS, FIT_COOKIE, FIT_LISTENER };

struct fit {
	const struct address *a; /* NULL: an address of which nothing is in use */
	ip4_t addr;
	const struct conf_pool *spec;
	const struct hold *own;    /* not NULL: ports come from what is held for the host, of which this is the first */
	const struct pool_want *want;
	struct binding *b; /* receives what was found; unspecified where it does not fit */
	/* where it does not fit: */
	enum fit_step step;
	enum rsip_error error;
};

bool fit_request(struct fit *f);

#endif
