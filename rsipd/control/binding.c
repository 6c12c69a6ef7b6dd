#include "binding.h"

#include <stdlib.h>
#include <utlist.h>

#include "mem.h"

struct binding *
binding_new(size_t n_ports, size_t n_remote_ports, size_t n_spis)
{
	struct binding *b = mem_zero(1, sizeof(*b) + n_spis * sizeof(struct spi_range) +
	                                    (n_ports + n_remote_ports) * sizeof(struct port_range));

	b->n_ports = (uint8_t)n_ports;
	b->n_remote_ports = (uint8_t)n_remote_ports;
	b->n_spis = (uint16_t)n_spis;
	return b;
}

void
binding_name_remote(struct binding *b, const char *name)
{
	b->named = mem_zero(1, sizeof(*b->named));
	b->named->name = mem_strdup(name);
}

void
binding_free(struct binding *b)
{
	if (b == NULL)
		return;
	if (b->named != NULL)
		free(b->named->name);
	free(b->named);
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
		return (struct tuple){ addr, TUPLE_PORT, binding_ports(b)[i].first, binding_ports(b)[i].last };
	i -= b->n_ports;
	if (i < b->n_spis)
		return (struct tuple){ addr, TUPLE_SPI, binding_spis(b)[i].first, binding_spis(b)[i].last };
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
		n += binding_ports(b)[i].last - binding_ports(b)[i].first + 1u;
	return n;
}

uint32_t
binding_spi_count(const struct binding *b)
{
	uint32_t n = 0;

	for (size_t i = 0; i < b->n_spis; i++)
		n += binding_spis(b)[i].last - binding_spis(b)[i].first + 1;
	return n;
}

void
binding_table_init(struct binding_table *t)
{
	t->by_id = ID_TABLE(struct binding, bind_id, id_next);
}

void
binding_table_done(struct binding_table *t)
{
	id_table_done(&t->by_id);
}

void
binding_table_add(struct binding_table *t, struct binding *b)
{
	id_table_add(&t->by_id, b);
}

void
binding_table_remove(struct binding_table *t, struct binding *b)
{
	id_table_remove(&t->by_id, b);
}

struct binding *
binding_find(const struct binding_table *t, uint32_t bind_id)
{
	return id_table_find(&t->by_id, bind_id);
}

size_t
binding_count(const struct binding_table *t)
{
	return t->by_id.n;
}

void
binding_cursor_start(struct binding_cursor *c, const struct binding_table *t)
{
	*c = (struct binding_cursor){ .table = t };
}

struct binding *
binding_cursor_next(struct binding_cursor *c)
{
	return id_table_next(&c->table->by_id, &c->at);
}
