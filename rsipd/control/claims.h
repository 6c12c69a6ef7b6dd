/* The IKE cookies that a data plane has learned (design: IKE cookies), and who speaks IKE with whom, kept so that one
 * started anew can be told of them. They belong to bindings and go with them. */
#ifndef RSIPD_CLAIMS_H
#define RSIPD_CLAIMS_H

#include <stddef.h>
#include <stdint.h>

#include "dataplane.h"

#define CLAIMS_A_BINDING 1024 /* more are not kept; the data plane's own limit (max_claims) is lower */

struct binding;
struct claim_set;

/* How many the binding's host may have learned at one time: struct dp_bind's max_claims. */
uint16_t claims_allowed(const struct binding *b);

/* Zero-initialised. */
struct claims {
	struct claim_set *sets; /* by bind ID */
	size_t n;
};

void claims_add(struct claims *c, const struct dp_claim *claim); /* known already: replaced */
void claims_remove(struct claims *c, const struct dp_claim *claim);
void claims_forget_binding(struct claims *c, uint32_t bind_id);
void claims_clear(struct claims *c);

typedef void claims_cb(const struct dp_claim *claim, void *arg);
void claims_of_binding(const struct claims *c, uint32_t bind_id, claims_cb *cb, void *arg);

#endif
