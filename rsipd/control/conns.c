#include "conns.h"

#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "mem.h"

struct conns_of_host {
	ip4_t host_addr;
	struct conn *conns;
	unsigned n;
	UT_hash_handle hh;
};

static struct conns_of_host *
find(const struct conns *c, ip4_t host_addr)
{
	struct conns_of_host *host;

	HASH_FIND(hh, c->hosts, &host_addr, sizeof(host_addr), host);
	return host;
}

struct conn *
conns_add(struct conns *c, ip4_t host_addr, bool stranger)
{
	struct conns_of_host *host = find(c, host_addr);
	struct conn *conn;

	if (c->n >= c->max || (stranger && c->n_strangers >= CONNS_STRANGERS))
		return NULL;
	if (host == NULL) {
		host = mem_zero(1, sizeof(*host));
		host->host_addr = host_addr;
		HASH_ADD(hh, c->hosts, host_addr, sizeof(host->host_addr), host);
	}
	conn = mem_zero(1, sizeof(*conn));
	conn->host_addr = host_addr;
	conn->stranger = stranger;
	DL_APPEND(host->conns, conn);
	DL_APPEND2(c->by_use, conn, idler, busier);
	host->n++;
	c->n++;
	c->n_strangers += stranger;
	return conn;
}

void
conns_remove(struct conns *c, struct conn *conn)
{
	struct conns_of_host *host = find(c, conn->host_addr);

	DL_DELETE(host->conns, conn);
	DL_DELETE2(c->by_use, conn, idler, busier);
	c->n--;
	c->n_strangers -= conn->stranger;
	if (--host->n == 0) {
		HASH_DELETE(hh, c->hosts, host);
		free(host);
	}
	free(conn);
}

void
conns_used(struct conns *c, struct conn *conn)
{
	DL_DELETE2(c->by_use, conn, idler, busier);
	DL_APPEND2(c->by_use, conn, idler, busier);
}

struct conn *
conns_in_the_way(const struct conns *c, bool stranger)
{
	bool welcome = !stranger || c->n_strangers < CONNS_STRANGERS;
	struct conn *conn = c->n >= c->max && welcome ? c->by_use : NULL;

	while (conn != NULL && conn->letters > 0)
		conn = conn->busier;
	return conn;
}

struct conn *
conns_latest(const struct conns *c, ip4_t host_addr)
{
	const struct conns_of_host *host = find(c, host_addr);
	struct conn *conn, *latest = NULL;

	if (host == NULL)
		return NULL;
	DL_FOREACH(host->conns, conn) {
		if (!conn->ended)
			latest = conn;
	}
	return latest;
}

struct conn *
conns_surplus(const struct conns *c, ip4_t host_addr)
{
	const struct conns_of_host *host = find(c, host_addr);

	return host != NULL && host->n > CONNS_A_HOST ? host->conns : NULL;
}

struct conn *
conns_any(const struct conns *c)
{
	return c->hosts != NULL ? c->hosts->conns : NULL;
}
