#include "ports_used.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
ports_used_add(struct ports_used *used, uint16_t port)
{
	used->bits[port / 64] |= UINT64_C(1) << port % 64;
}

unsigned
ports_used_count(const struct ports_used *used, struct port_range range)
{
	unsigned n = 0;

	for (unsigned port = range.first; port <= range.last; port++)
		n += used->bits[port / 64] >> port % 64 & 1;
	return n;
}

/* Lines such as "   0: 0100007F:1F90 00000000:0000 0A ...": number, local address and port, all but the first hexadecimal. */
static bool
read_table(struct ports_used *used, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	unsigned port;

	if (file == NULL)
		return false;
	while (getline(&line, &size, file) > 0) {
		if (sscanf(line, "%*u: %*[0-9A-Fa-f]:%4x", &port) == 1)
			ports_used_add(used, (uint16_t)port);
	}
	free(line);
	fclose(file);
	return true;
}

/* Those of IPv6 may hold IPv4 sockets; a kernel without it has none of them. */
bool
ports_used_read(struct ports_used *used)
{
	memset(used, 0, sizeof(*used));
	if (!read_table(used, "/proc/self/net/tcp") || !read_table(used, "/proc/self/net/udp"))
		return false;
	read_table(used, "/proc/self/net/tcp6");
	read_table(used, "/proc/self/net/udp6");
	return true;
}
