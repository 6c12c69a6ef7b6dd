#include "xdp_port_table.h"

static uint32_t
owner_of_block(const struct xdp_ports *table, unsigned block)
{
	const uint32_t *owner = &table->owner[block * XDP_PORT_BLOCK];

	for (unsigned i = 1; i < XDP_PORT_BLOCK; i++) {
		if (owner[i] != owner[0])
			return XDP_PORT_MIXED;
	}
	return owner[0];
}

/* Readers are sent to the single ports before one of them changes, and back to the block when all are the same. */
void
xdp_port_set(struct xdp_ports *table, uint16_t port, uint32_t owner)
{
	unsigned block = port / XDP_PORT_BLOCK;

	if (table->owner[port] == owner)
		return;
	__atomic_store_n(&table->block[block], XDP_PORT_MIXED, __ATOMIC_RELEASE);
	__atomic_store_n(&table->owner[port], owner, __ATOMIC_RELEASE);
	__atomic_store_n(&table->block[block], owner_of_block(table, block), __ATOMIC_RELEASE);
}
