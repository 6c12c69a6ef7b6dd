#include "farewell.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "clock.h"
#include "mem.h"

struct departed {
	ip4_t host_addr;
	struct replay_seq seq;
	int64_t until;
	size_t len;
	UT_hash_handle hh;
	uint8_t response[];
};

struct farewell { struct departed *hosts; }; /* in the order of their departure */

struct farewell *
farewell_new(void)
{
	return mem_zero(1, sizeof(struct farewell));
}

static void
drop(struct farewell *f, struct departed *host)
{
	HASH_DELETE(hh, f->hosts, host);
	free(host);
}

void
farewell_free(struct farewell *f)
{
	if (f == NULL)
		return;
	while (f->hosts != NULL)
		drop(f, f->hosts);
	free(f);
}

static struct departed *
find(const struct farewell *f, ip4_t host_addr)
{
	struct departed *host;

	HASH_FIND(hh, f->hosts, &host_addr, sizeof(host_addr), host);
	return host;
}

void
farewell_note(struct farewell *f, ip4_t host_addr, struct replay_seq seq, const void *response, size_t len)
{
	struct departed *host = find(f, host_addr);
	int64_t now = clock_now();

	if (host != NULL)
		drop(f, host);
	while (f->hosts != NULL && (f->hosts->until <= now || HASH_CNT(hh, f->hosts) >= FAREWELL_MAX))
		drop(f, f->hosts);
	host = mem_zero(1, sizeof(*host) + len);
	host->host_addr = host_addr;
	host->seq = seq;
	host->until = now + FAREWELL_MS;
	host->len = len;
	memcpy(host->response, response, len);
	HASH_ADD(hh, f->hosts, host_addr, sizeof(host->host_addr), host);
}

size_t
farewell_repeat(struct farewell *f, ip4_t host_addr, struct replay_seq seq, uint8_t *response, size_t cap)
{
	const struct departed *host = find(f, host_addr);

	if (host == NULL || host->until <= clock_now() || host->seq.port != seq.port ||
	    host->seq.counter != seq.counter || host->len > cap)
		return 0;
	memcpy(response, host->response, host->len);
	return host->len;
}
