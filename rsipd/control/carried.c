#include "carried.h"

#include "gateway.h"
#include "xdp_slots.h"
#include "xdp_tables.h"

struct dp_counters
carried_in_all(const struct gateway *gw)
{
	struct dp_counters sum = *gw->data;
	struct xdp_totals xdp;

	if (gw->xdp == NULL)
		return sum;
	xdp_tables_totals(gw->xdp, &xdp);
	sum.in_packets += xdp.in_packets;
	sum.in_bytes += xdp.in_bytes;
	sum.out_packets += xdp.out_packets;
	sum.out_bytes += xdp.out_bytes;
	return sum;
}

static void
add_xdp(const struct xdp_tables *t, struct meter *sum)
{
	uint32_t slot = xdp_slots_find(t, sum->bind_id);

	if (slot == 0)
		return;
	sum->in_packets += t->counts_in[slot].packets;
	sum->in_bytes += t->counts_in[slot].bytes;
	sum->out_packets += t->counts_out[slot].packets;
	sum->out_bytes += t->counts_out[slot].bytes;
}

struct meter
carried_by(const struct gateway *gw, uint32_t bind_id)
{
	const struct meter *relay = meters_find(gw->meters, bind_id);
	struct meter sum = { .bind_id = bind_id };

	if (relay != NULL)
		sum = *relay;
	sum.bind_id = bind_id;
	if (gw->xdp != NULL)
		add_xdp(gw->xdp, &sum);
	return sum;
}
