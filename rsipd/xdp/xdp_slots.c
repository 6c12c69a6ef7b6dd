#include "xdp_slots.h"

#include <stddef.h>
#include <string.h>

/* Places where a binding may have its entry. With a third of all free, hardly one needs more than 100. */
#define PROBES_MAX 256
#define REST_MS 1000

/* Bind IDs are given in turn, so those of a group begin, and often end, together. Neighbours have neighbouring entries:
 * then the cache lines and the pages of bindings and counters that the programs need are full ones. An entry that is
 * taken is passed over to the same place of the next group, and where there are few groups, to the next place. */
#define GROUP 128

static uint32_t
probe(const struct xdp_tables *t, uint32_t bind_id, uint32_t i)
{
	uint32_t n_groups = t->sizes.bindings / GROUP - 1; /* but for the first, where 0 is nobody */
	uint32_t home = (uint32_t)((uint64_t)(bind_id / GROUP * 0x9e3779b1u) * n_groups >> 32);

	return GROUP + (home + i) % n_groups * GROUP + (bind_id + i / n_groups) % GROUP;
}

/* No binding has been passed over from an entry that none has ever had. */
static bool
never_taken(const struct xdp_terms *terms)
{
	return __atomic_load_n(&terms->bind_id, __ATOMIC_ACQUIRE) == 0 && terms->user[XDP_SLOT_FREED] == 0;
}

uint32_t
xdp_slots_find(const struct xdp_tables *t, uint32_t bind_id)
{
	for (uint32_t i = 0; i < PROBES_MAX; i++) {
		uint32_t slot = probe(t, bind_id, i);

		if (t->terms[slot].bind_id == bind_id && xdp_slots_live(t, slot))
			return slot;
		if (never_taken(&t->terms[slot]))
			return 0;
	}
	return 0;
}

static bool
rested(const struct xdp_terms *terms, int64_t now)
{
	int64_t freed = (int64_t)terms->user[XDP_SLOT_FREED];

	return terms->bind_id == 0 && (freed == 0 || now - freed >= REST_MS);
}

uint32_t
xdp_slots_take(struct xdp_tables *t, uint32_t bind_id, int64_t now)
{
	for (uint32_t i = 0; i < PROBES_MAX; i++) {
		uint32_t slot = probe(t, bind_id, i);
		struct xdp_terms *terms = &t->terms[slot];

		if (!rested(terms, now))
			continue;
		memset(&t->bindings[slot], 0, sizeof(t->bindings[slot]));
		t->counts_in[slot] = t->counts_out[slot] = (struct xdp_count) { 0 };
		__atomic_store_n(&terms->bind_id, bind_id, __ATOMIC_RELEASE); /* at no time is it one that was never taken */
		memset(&terms->client_id, 0, sizeof(*terms) - offsetof(struct xdp_terms, client_id));
		return slot;
	}
	return 0;
}

void
xdp_slots_publish(struct xdp_tables *t, uint32_t slot, uint8_t flags)
{
	__atomic_store_n(&t->bindings[slot].flags, (uint8_t)(flags | XDP_BINDING_LIVE), __ATOMIC_RELEASE);
}

void
xdp_slots_stop(const struct xdp_tables *t, uint32_t bind_id)
{
	uint32_t slot = xdp_slots_find(t, bind_id);

	if (slot != 0)
		__atomic_store_n(&t->bindings[slot].flags, 0, __ATOMIC_RELEASE);
}

void
xdp_slots_leave(struct xdp_tables *t, uint32_t slot, int64_t now)
{
	struct xdp_terms *terms = &t->terms[slot];

	__atomic_store_n(&t->bindings[slot].flags, 0, __ATOMIC_RELEASE);
	terms->user[XDP_SLOT_FREED] = (uint64_t)now;
	__atomic_store_n(&terms->bind_id, 0, __ATOMIC_RELEASE);
}
