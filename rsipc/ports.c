#include "ports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static int
compare(const void *a, const void *b)
{
	return (int)((const struct port_range *)a)->first - (int)((const struct port_range *)b)->first;
}

/* Appends ",first-last". False when there is no room. */
static bool
append(char *text, unsigned first, unsigned last)
{
	size_t len = strlen(text), room = SYSCTL_VALUE_MAX - len;

	return (size_t)snprintf(text + len, room, "%s%u-%u", len > 0 ? "," : "", first, last) < room;
}

static bool
confine_sorted(struct ports_setting *out, const struct port_range *leased, size_t n, uint16_t floor)
{
	unsigned first = 0, last = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned from = leased[i].first < floor ? floor : leased[i].first;

		if (leased[i].last < from)
			continue;
		if (first == 0)
			first = from;
		else if (from > last + 1 && !append(out->reserved, last + 1, from - 1))
			return false;
		if (leased[i].last > last)
			last = leased[i].last;
	}
	snprintf(out->range, sizeof(out->range), "%u %u", first, last);
	return first != 0;
}

bool
ports_confine(struct ports_setting *out, const struct port_range *leased, size_t n, uint16_t floor,
    const char *reserved_before)
{
	struct port_range *sorted = mem_zero(n + 1, sizeof(*sorted));
	bool fits;

	if (n > 0)
		memcpy(sorted, leased, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	snprintf(out->reserved, sizeof(out->reserved), "%s", reserved_before);
	fits = confine_sorted(out, sorted, n, floor);
	free(sorted);
	return fits;
}
