#include "pool_room.h"

/* What has no room for fewer ports has none for more. */
uint64_t
pool_room_from(const struct pool_room *room, unsigned n)
{
	uint64_t from = room->ports[0];

	for (unsigned i = 1; i <= n; i++) {
		if (room->ports[i] > from)
			from = room->ports[i];
	}
	return from;
}

void
pool_room_none(struct pool_room *room, unsigned n, uint64_t index)
{
	if (index == pool_room_from(room, n))
		room->ports[n] = index + 1;
}

static void
lower(uint64_t *mark, uint64_t index)
{
	if (*mark > index)
		*mark = index;
}

/* How many ports in a row may be free around the tuple: what is held of them is not looked at, which costs a search in
 * vain at the worst. */
static unsigned
run_around(const struct portbits *leased, uint16_t first, uint16_t last)
{
	unsigned n = last - first + 1u, above;
	int next;

	if (leased == NULL)
		return POOL_ROOM_PORTS;
	next = last < UINT16_MAX ? portbits_find(leased, true, (uint16_t)(last + 1), UINT16_MAX) : -1;
	above = next < 0 ? POOL_ROOM_PORTS : (unsigned)next - last - 1u;
	for (n += above; first > 0 && n < POOL_ROOM_PORTS && portbits_find(leased, true, first - 1, first - 1) < 0; first--)
		n++;
	return n < POOL_ROOM_PORTS ? n : POOL_ROOM_PORTS;
}

void
pool_room_again(struct pool_room *room, const struct address *a, uint64_t index, struct tuple tuple)
{
	unsigned n = tuple.kind == TUPLE_PORT ? run_around(a->ports, (uint16_t)tuple.first, (uint16_t)tuple.last) :
	             tuple.kind == TUPLE_ADDRESS ? POOL_ROOM_PORTS : 0;

	for (unsigned i = 0; i <= n; i++)
		lower(&room->ports[i], index);
	if (a->n_leased == 0 && a->n_held == 0)
		lower(&room->whole, index);
}
