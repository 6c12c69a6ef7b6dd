#include "parked.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "mem.h"

bool
parked_has_host(const struct parked *p, ip4_t host_addr)
{
	const struct parked_request *r;

	DL_FOREACH(p->list, r) {
		if (r->from.host_addr == host_addr)
			return true;
	}
	return false;
}

static bool
is_repeat(const struct parked_request *r, const struct requester *from, const uint8_t *bytes, size_t len)
{
	return from->transport == RSIP_UDP && r->from.transport == RSIP_UDP && r->from.port == from->port && r->len == len &&
	       memcmp(r->bytes, bytes, len) == 0;
}

struct parked_request *
parked_add(struct parked *p, const struct requester *from, const uint8_t *bytes, size_t len, bool *full)
{
	struct parked_request *r;
	size_t of_host = 0;

	*full = false;
	DL_FOREACH(p->list, r) {
		if (r->from.host_addr != from->host_addr)
			continue;
		if (is_repeat(r, from, bytes, len))
			return NULL;
		of_host++;
	}
	*full = p->n >= PARKED_MAX || of_host >= PARKED_A_HOST;
	if (*full)
		return NULL;
	r = mem_zero(1, sizeof(*r) + len);
	r->from = *from;
	r->len = len;
	memcpy(r->bytes, bytes, len);
	DL_APPEND(p->list, r);
	p->n++;
	return r;
}

void
parked_remove(struct parked *p, struct parked_request *r)
{
	DL_DELETE(p->list, r);
	p->n--;
	free(r);
}

void
parked_begin(struct parked *p)
{
	struct parked_request *r;

	DL_FOREACH(p->list, r)
		r->waits = false;
}

struct parked_request *
parked_next(struct parked *p)
{
	struct parked_request *r;

	DL_FOREACH(p->list, r) {
		if (!r->waits)
			return r;
	}
	return NULL;
}

void
parked_waits(struct parked *p, struct parked_request *r)
{
	struct parked_request *other;

	DL_FOREACH(p->list, other) {
		if (other->from.host_addr == r->from.host_addr)
			other->waits = true;
	}
}
