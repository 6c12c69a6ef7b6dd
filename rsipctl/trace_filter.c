#include "config.h"

#include "trace_filter.h"

#include <inttypes.h>
#include <stdio.h>

#include "json_field.h"
#include "mem.h"

#define RANGES_MAX 32 /* more make the kernel's program longer than it is worth; a BPF program has 4096 steps at most */
#define RANGE_TEXT_MAX 160

const char *
trace_public_interface(const json_t *data_plane)
{
	const char *interface = json_string_value(json_object_get(data_plane, "public_interface"));

	return interface != NULL ? interface : "";
}

/* Later fragments and packets with IP options have their addresses at the same place. */
static size_t
add_range(char *text, size_t size, ip4_t first, ip4_t last, const char *before)
{
	return (size_t)snprintf(text, size,
	                        "%s(ip[12:4] >= 0x%08" PRIx32 " and ip[12:4] <= 0x%08" PRIx32 ") or "
	                        "(ip[16:4] >= 0x%08" PRIx32 " and ip[16:4] <= 0x%08" PRIx32 ")",
	                        before, first, last, first, last);
}

char *
trace_filter_public(const json_t *data_plane)
{
	const json_t *pools = json_object_get(data_plane, "pools"), *pool;
	char text[RANGES_MAX * RANGE_TEXT_MAX] = "";
	size_t i, len = 0;
	ip4_t first, last;

	if (json_array_size(pools) == 0 || json_array_size(pools) > RANGES_MAX)
		return mem_strdup("ip");
	json_array_foreach(pools, i, pool) {
		if (!json_field_address(pool, "first", &first) || !json_field_address(pool, "last", &last))
			return mem_strdup("ip");
		len += add_range(text + len, sizeof(text) - len, first, last, len > 0 ? " or " : "ip and (");
	}
	snprintf(text + len, sizeof(text) - len, ")");
	return mem_strdup(text);
}
