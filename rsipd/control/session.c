#include "session.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "mem.h"
#include "random.h"
#include "utf8.h"

const char *
rsip_transport_name(enum rsip_transport transport)
{
	return transport == RSIP_UDP ? "udp" : "tcp";
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

	struct session *s = mem_zero(1, sizeof(*s));
	s->host_addr = host_addr;
	s->client_id = client_id != 0 ? client_id : fresh_client_id(t);
	HASH_ADD(by_addr, t->by_addr, host_addr, sizeof(s->host_addr), s);
	HASH_ADD(by_client, t->by_client, client_id, sizeof(s->client_id), s);
	return s;
}

/* A walk over all hosts may pass it twice, or not at all. */
void
session_set_addr(struct session_table *t, struct session *s, ip4_t host_addr)
{
	struct session_cursor *c;

	DL_FOREACH(t->cursors, c) {
		if (c->at == s)
			c->at = s->by_addr.next;
	}
	HASH_DELETE(by_addr, t->by_addr, s);
	s->host_addr = host_addr;
	HASH_ADD(by_addr, t->by_addr, host_addr, sizeof(s->host_addr), s);
}

void
session_remove(struct session_table *t, struct session *s)
{
	struct session_cursor *c;

	DL_FOREACH(t->cursors, c) {
		if (c->at == s)
			c->at = s->by_addr.next;
	}
	HASH_DELETE(by_addr, t->by_addr, s);
	HASH_DELETE(by_client, t->by_client, s);
	replay_clear(&s->replay);
	free(s->name);
	free(s);
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
	struct session *s;

	HASH_FIND(by_addr, t->by_addr, &host_addr, sizeof(host_addr), s);
	return s;
}

struct session *
session_find_client(const struct session_table *t, uint32_t client_id)
{
	struct session *s;

	HASH_FIND(by_client, t->by_client, &client_id, sizeof(client_id), s);
	return s;
}

size_t
session_count(const struct session_table *t)
{
	return HASH_CNT(by_addr, t->by_addr);
}

void
session_cursor_start(struct session_cursor *c, struct session_table *t)
{
	c->at = t->by_addr;
	DL_APPEND(t->cursors, c);
}

struct session *
session_cursor_next(struct session_cursor *c)
{
	struct session *s = c->at;

	if (s != NULL)
		c->at = s->by_addr.next;
	return s;
}

void
session_cursor_end(struct session_cursor *c, struct session_table *t)
{
	if (c->prev != NULL)
		DL_DELETE(t->cursors, c);
}

void
session_cursors_detach(struct session_table *t)
{
	struct session_cursor *c, *tmp;

	DL_FOREACH_SAFE(t->cursors, c, tmp) {
		c->at = NULL;
		c->prev = NULL;
	}
	t->cursors = NULL;
}
