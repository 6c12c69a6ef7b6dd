#include "strangers.h"

bool
strangers_take(struct strangers *s, ip4_t host_addr, int64_t now)
{
	int64_t *told = &s->told[host_addr * 2654435761u >> 20]; /* 4096 slots: the highest twelve bits */

	if (*told != 0 && now - *told < STRANGERS_PAUSE_MS)
		return false;
	*told = now;
	return true;
}
