#include "binding.h"

#include <stdlib.h>
#include <utlist.h>

#include "mem.h"

struct binding *
binding_new(size_t n_ports, size_t n_remote_ports, size_t n_spis)
{
	/* The widest elements first, so that each array is aligned behind the one before. */
	struct binding *b = mem_zero(1, sizeof(*b) + n_spis * sizeof(struct spi_range) +
	                                    (n_ports + n_remote_ports) * sizeof(struct port_range));

	b->spis = (struct spi_range *)(b + 1);
	b->ports = (struct port_range *)(b->spis + n_spis);
	b->remote_ports = b->ports + n_ports;
	b->n_ports = (uint8_t)n_ports;
	b->n_remote_ports = (uint8_t)n_remote_ports;
	b->n_spis = (uint16_t)n_spis;
	return b;
}

void
binding_free(struct binding *b)
{
	if (b == NULL)
		return;
	free(b->remote_name);
	free(b);
}

size_t
binding_n_tuples(const struct binding *b)
{
	if (b->method == RSIP_METHOD_RSA_IP)
		return 1;
	return (size_t)b->n_ports + b->n_spis + (b->cookie_mask != 0) + (b->ike_listener != 0);
}

struct tuple
binding_tuple(const struct binding *b, size_t i)
{
	ip4_t addr = b->local_addr;

	if (b->method == RSIP_METHOD_RSA_IP)
		return (struct tuple){ addr, TUPLE_ADDRESS, 0, 0 };
	if (i < b->n_ports)
		return (struct tuple){ addr, TUPLE_PORT, b->ports[i].first, b->ports[i].last };
	i -= b->n_ports;
	if (i < b->n_spis)
		return (struct tuple){ addr, TUPLE_SPI, b->spis[i].first, b->spis[i].last };
	i -= b->n_spis;
	if (i == 0 && b->cookie_mask != 0)
		return (struct tuple){ addr, TUPLE_COOKIE, b->cookie_value, b->cookie_value | ~b->cookie_mask };
	return (struct tuple){ addr, TUPLE_IKE_PEER, b->ike_listener, b->ike_listener };
}

static const char *const kind_names[TUPLE_KINDS] = {
	[TUPLE_ADDRESS] = "address", [TUPLE_PORT] = "port",         [TUPLE_SPI] = "spi",
	[TUPLE_COOKIE] = "cookie",   [TUPLE_IKE_PEER] = "ike-peer",
};

const char *
tuple_kind_name(enum tuple_kind kind)
{
	return kind_names[kind];
}

uint32_t
binding_port_count(const struct binding *b)
{
	uint32_t n = 0;

	for (size_t i = 0; i < b->n_ports; i++)
		n += b->ports[i].last - b->ports[i].first + 1u;
	return n;
}

uint32_t
binding_spi_count(const struct binding *b)
{
	uint32_t n = 0;

	for (size_t i = 0; i < b->n_spis; i++)
		n += b->spis[i].last - b->spis[i].first + 1;
	return n;
}

void
binding_table_add(struct binding_table *t, struct binding *b)
{
	HASH_ADD(hh, t->by_id, bind_id, sizeof(b->bind_id), b);
}

void
binding_table_remove(struct binding_table *t, struct binding *b)
{
	struct binding_cursor *c;

	DL_FOREACH(t->cursors, c) {
		if (c->at == b)
			c->at = b->hh.next;
	}
	HASH_DELETE(hh, t->by_id, b);
}

struct binding *
binding_find(const struct binding_table *t, uint32_t bind_id)
{
	struct binding *b;

	HASH_FIND(hh, t->by_id, &bind_id, sizeof(bind_id), b);
	return b;
}

size_t
binding_count(const struct binding_table *t)
{
	return HASH_CNT(hh, t->by_id);
}

void
binding_cursor_start(struct binding_cursor *c, struct binding_table *t)
{
	c->at = t->by_id;
	DL_APPEND(t->cursors, c);
}

struct binding *
binding_cursor_next(struct binding_cursor *c)
{
	struct binding *b = c->at;

	if (b != NULL)
		c->at = b->hh.next;
	return b;
}

void
binding_cursor_end(struct binding_cursor *c, struct binding_table *t)
{
	if (c->prev != NULL)
		DL_DELETE(t->cursors, c);
}

void
binding_cursors_detach(struct binding_table *t)
{
	struct binding_cursor *c, *tmp;

	DL_FOREACH_SAFE(t->cursors, c, tmp) {
		c->at = NULL;
		c->prev = NULL;
	}
	t->cursors = NULL;
}
