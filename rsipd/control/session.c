#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "random.h"
#include "utf8.h"

const char *
rsip_transport_name(enum rsip_transport transport)
{
	return transport == RSIP_UDP ? "udp" : "tcp";
}

static struct slab slab = SLAB(struct session);
const struct slab *const session_slab = &slab;

/* Hosts' addresses are not ours to choose; client IDs are random. */
void
session_table_init(struct session_table *t)
{
	t->by_addr = ID_TABLE_MIXED(&slab, struct session, host_addr, addr_next);
	t->by_client = ID_TABLE(&slab, struct session, client_id, client_next);
}

void
session_table_done(struct session_table *t)
{
	id_table_done(&t->by_addr);
	id_table_done(&t->by_client);
}

static uint32_t
fresh_client_id(const struct session_table *t)
{
	uint32_t id;

	do {
		id = (uint32_t)random_u64();
	} while (id == 0 || session_find_client(t, id) != NULL);
	return id;
}

struct session *
session_add(struct session_table *t, ip4_t host_addr, uint32_t client_id)
{
	if (session_find(t, host_addr) != NULL || (client_id != 0 && session_find_client(t, client_id) != NULL))
		return NULL;

	struct session *s = slab_take(&slab);
	s->host_addr = host_addr;
	s->client_id = client_id != 0 ? client_id : fresh_client_id(t);
	id_table_add(&t->by_addr, s);
	id_table_add(&t->by_client, s);
	return s;
}

/* A walk over all hosts may pass it twice, or not at all. */
void
session_set_addr(struct session_table *t, struct session *s, ip4_t host_addr)
{
	id_table_remove(&t->by_addr, s);
	s->host_addr = host_addr;
	id_table_add(&t->by_addr, s);
}

void
session_remove(struct session_table *t, struct session *s)
{
	id_table_remove(&t->by_addr, s);
	id_table_remove(&t->by_client, s);
	replay_clear(&s->replay);
	free(s->name);
	slab_give(&slab, s);
}

void
session_set_name(struct session *s, const char *name, size_t len)
{
	char copy[SESSION_NAME_MAX + 1] = "";

	free(s->name);
	s->name = NULL;
	if (len == 0 || len > SESSION_NAME_MAX || !utf8_printable(name, len))
		return;
	memcpy(copy, name, len);
	if (strpbrk(copy, "\"\\") == NULL)
		s->name = mem_strdup(copy);
}

struct session *
session_find(const struct session_table *t, ip4_t host_addr)
{
	return id_table_find(&t->by_addr, host_addr);
}

struct session *
session_find_client(const struct session_table *t, uint32_t client_id)
{
	return id_table_find(&t->by_client, client_id);
}

size_t
session_count(const struct session_table *t)
{
	return t->by_addr.n;
}

struct session *
session_next(const struct session_table *t, struct id_cursor *c)
{
	return id_table_next(&t->by_addr, c);
}
