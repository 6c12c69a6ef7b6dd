#include "claims.h"

#include <stdlib.h>
#include <uthash.h>

#include "binding.h"
#include "conf.h"
#include "mem.h"
#include "session.h"

struct claim_set {
	uint32_t bind_id;
	struct dp_claim *claims;
	size_t n;
	UT_hash_handle hh;
};

uint16_t
claims_allowed(const struct binding *b)
{
	const struct conf_policy *policy = b->session->policy;

	if (b->method != RSIP_METHOD_RSIPSEC || policy == NULL)
		return 0;
	return (uint16_t)(policy->max_cookies < CLAIMS_A_BINDING ? policy->max_cookies : CLAIMS_A_BINDING);
}

static struct claim_set *
find_set(const struct claims *c, uint32_t bind_id)
{
	struct claim_set *set;

	HASH_FIND(hh, c->sets, &bind_id, sizeof(bind_id), set);
	return set;
}

static struct dp_claim *
find_claim(const struct claim_set *set, const struct dp_claim *claim)
{
	for (size_t i = 0; i < set->n; i++) {
		if (set->claims[i].cookie == claim->cookie && set->claims[i].local_addr == claim->local_addr &&
		    (claim->cookie != 0 || set->claims[i].peer == claim->peer))
			return &set->claims[i];
	}
	return NULL;
}

void
claims_add(struct claims *c, const struct dp_claim *claim)
{
	struct claim_set *set = find_set(c, claim->bind_id);
	struct dp_claim *known;

	if (set == NULL) {
		set = mem_zero(1, sizeof(*set));
		set->bind_id = claim->bind_id;
		HASH_ADD(hh, c->sets, bind_id, sizeof(set->bind_id), set);
	}
	if ((known = find_claim(set, claim)) != NULL) {
		*known = *claim;
	} else if (set->n < CLAIMS_A_BINDING) {
		set->claims = mem_grow(set->claims, set->n + 1, sizeof(*set->claims));
		set->claims[set->n++] = *claim;
		c->n++;
	}
}

void
claims_remove(struct claims *c, const struct dp_claim *claim)
{
	struct claim_set *set = find_set(c, claim->bind_id);
	struct dp_claim *known = set != NULL ? find_claim(set, claim) : NULL;

	if (known == NULL)
		return;
	*known = set->claims[--set->n];
	c->n--;
	if (set->n == 0)
		claims_forget_binding(c, claim->bind_id);
}

void
claims_forget_binding(struct claims *c, uint32_t bind_id)
{
	struct claim_set *set = find_set(c, bind_id);

	if (set == NULL)
		return;
	c->n -= set->n;
	HASH_DELETE(hh, c->sets, set);
	free(set->claims);
	free(set);
}

void
claims_clear(struct claims *c)
{
	while (c->sets != NULL)
		claims_forget_binding(c, c->sets->bind_id);
}

void
claims_of_binding(const struct claims *c, uint32_t bind_id, claims_cb *cb, void *arg)
{
	const struct claim_set *set = find_set(c, bind_id);

	for (size_t i = 0; set != NULL && i < set->n; i++)
		cb(&set->claims[i], arg);
}
