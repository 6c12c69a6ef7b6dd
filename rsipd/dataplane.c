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

const char *
dp_fault_text(enum dp_fault fault)
{
	static const char *const texts[] = {
#define X(id, text) [DP_FAULT_##id] = text,
		DP_FAULTS(X)
#undef X
	};
	const size_t n = sizeof(texts) / sizeof(texts[0]);

	return (unsigned)fault < n && texts[fault] != NULL ? texts[fault] : "nothing is known to be wrong with it";
}

/* FNV-1a: nobody gains by a collision, since both bindings are the gateway's own grants. */
static uint64_t
hash(uint64_t sum, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len-- > 0)
		sum = (sum ^ *at++) * 0x100000001b3u;
	return sum;
}

/* Of what stands behind it. */
static size_t
ranges_length(const struct dp_bind *b)
{
	return (b->n_ports + b->n_remote_ports) * sizeof(struct port_range) + b->n_spis * sizeof(struct spi_range) +
	       b->n_remote_addrs * sizeof(ip4_t);
}

uint64_t
dp_bind_fingerprint(const struct dp_bind *lease, const void *ranges)
{
	return hash(hash(0xcbf29ce484222325u, lease, sizeof(*lease)), ranges, ranges_length(lease));
}

/* Of a struct dp_bind with its ranges; 0 for one that is none. */
static size_t
bind_length(const void *bytes, size_t len)
{
	struct dp_bind b;

	if (len < sizeof(b))
		return 0;
	memcpy(&b, bytes, sizeof(b));
	if (b.n_ports > DP_RANGES_MAX || b.n_spis > DP_RANGES_MAX || b.n_remote_ports > DP_RANGES_MAX ||
	    b.n_remote_addrs > DP_REMOTE_ADDRS_MAX)
		return 0;
	return sizeof(b) + ranges_length(&b);
}

static size_t
check_length(const void *bytes, size_t len)
{
	struct dp_check m;

	if (len < sizeof(m))
		return 0;
	memcpy(&m, bytes, sizeof(m));
	return m.n <= DP_CHECK_MAX ? sizeof(m) + m.n * sizeof(struct dp_check_entry) : 0;
}

static size_t
checked_length(const void *bytes, size_t len)
{
	struct dp_checked m;

	if (len < sizeof(m))
		return 0;
	memcpy(&m, bytes, sizeof(m));
	return m.n <= DP_CHECK_MAX ? sizeof(m) + m.n * sizeof(struct dp_fault_entry) : 0;
}

/* As long as it says that it is; 0 for none. */
static size_t
length_of(const void *bytes, size_t len)
{
	uint32_t op;

	if (len < sizeof(op))
		return 0;
	memcpy(&op, bytes, sizeof(op));
	switch (op) {
	case DP_SYNC_BEGIN:
	case DP_SYNC_END: return sizeof(struct dp_sync);
	case DP_BIND: return bind_length(bytes, len);
	case DP_UNBIND: return sizeof(struct dp_unbind);
	case DP_CLAIM:
	case DP_CLAIMED:
	case DP_UNCLAIMED: return sizeof(struct dp_claim);
	case DP_POOL: return sizeof(struct dp_pool);
	case DP_CHECK: return check_length(bytes, len);
	case DP_CHECKED: return checked_length(bytes, len);
	case DP_VIOLATION: return sizeof(struct dp_violation);
	default: return 0;
	}
}

size_t
dp_message_length(const void *bytes, size_t len)
{
	size_t length = length_of(bytes, len);

	return length > 0 && length <= len ? length : len;
}

bool
dp_message_valid(const void *bytes, size_t len)
{
	size_t length = length_of(bytes, len);

	return length > 0 && length == len;
}
