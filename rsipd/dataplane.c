#include "dataplane.h"

#include <string.h>

static const char *const drop_names[] = {
#define X(id, name) [DP_DROP_##id] = name,
	DP_DROP_REASONS(X)
#undef X
};

const char *
dp_drop_name(enum dp_drop reason)
{
	return (unsigned)reason < DP_DROP_COUNT ? drop_names[reason] : "unknown";
}

static bool
dp_bind_valid(const void *bytes, size_t len)
{
	struct dp_bind b;

	if (len < sizeof(b))
		return false;
	memcpy(&b, bytes, sizeof(b));
	if (b.n_ports > DP_RANGES_MAX || b.n_spis > DP_RANGES_MAX || b.n_remote_ports > DP_RANGES_MAX ||
	    b.n_remote_addrs > DP_REMOTE_ADDRS_MAX)
		return false;
	return len == sizeof(b) + (b.n_ports + b.n_remote_ports) * sizeof(struct port_range) +
	                  b.n_spis * sizeof(struct spi_range) + b.n_remote_addrs * sizeof(ip4_t);
}

bool
dp_message_valid(const void *bytes, size_t len)
{
	uint32_t op;

	if (len < sizeof(op))
		return false;
	memcpy(&op, bytes, sizeof(op));
	switch (op) {
	case DP_SYNC_BEGIN:
	case DP_SYNC_END: return len == sizeof(struct dp_sync);
	case DP_BIND: return dp_bind_valid(bytes, len);
	case DP_UNBIND: return len == sizeof(struct dp_unbind);
	case DP_CLAIM:
	case DP_CLAIMED:
	case DP_UNCLAIMED: return len == sizeof(struct dp_claim);
	case DP_POOL: return len == sizeof(struct dp_pool);
	case DP_VIOLATION: return len == sizeof(struct dp_violation);
	default: return false;
	}
}
