#include "config.h"

#include <string.h>

#include "xdp_tables.h"

const char *
xdp_pass_name(enum xdp_pass reason)
{
	static const char *const names[] = {
#define X(id, name) [XDP_PASS_##id] = name,
		XDP_PASS_REASONS(X)
#undef X
	};

	return (unsigned)reason < XDP_PASS_COUNT ? names[reason] : "unknown";
}

void
xdp_tables_totals(const struct xdp_tables *t, struct xdp_totals *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (uint32_t cpu = 0; cpu < t->sizes.cpus; cpu++) {
		const struct xdp_totals *at = &t->totals[cpu];

		sum->in_packets += at->in_packets;
		sum->in_bytes += at->in_bytes;
		sum->out_packets += at->out_packets;
		sum->out_bytes += at->out_bytes;
		for (int i = 0; i < XDP_PASS_COUNT; i++)
			sum->passed[i] += at->passed[i];
	}
}
