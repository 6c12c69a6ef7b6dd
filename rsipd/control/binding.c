#include "binding.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

static struct slab slab = SLAB(struct binding);
const struct slab *const binding_slab = &slab;

static size_t
ranges_size(const struct binding *b)
{
	return b->n_spis * sizeof(struct spi_range) + ((size_t)b->n_ports + b->n_remote_ports) * sizeof(struct port_range);
}

struct binding *
binding_new(size_t n_ports, size_t n_remote_ports, size_t n_spis)
{
	struct binding *b = slab_take(&slab);

	b->n_ports = (uint8_t)n_ports;
	b->n_remote_ports = (uint8_t)n_remote_ports;
	b->n_spis = (uint16_t)n_spis;
	if (ranges_size(b) > sizeof(b->ranges))
		binding_own_terms(b);
	return b;
}

/* Before there are terms the ranges are those in the binding, if they fit. */
struct binding_terms *
binding_own_terms(struct binding *b)
{
	size_t size = ranges_size(b);
	struct binding_terms *terms;

	if (b->has_terms)
		return b->terms;
	terms = mem_zero(1, sizeof(*terms) + size);
	if (size <= sizeof(b->ranges))
		memcpy(terms->ranges, b->ranges, size);
	b->terms = terms;
	b->has_terms = true;
	return terms;
}

void
binding_name_remote(struct binding *b, const char *name)
{
	struct binding_named *named = mem_zero(1, sizeof(*named));

	named->name = mem_strdup(name);
	binding_own_terms(b)->named = named;
}

void
binding_free(struct binding *b)
{
	if (b == NULL)
		return;
	if (binding_terms(b)->named != NULL)
		free(b->terms->named->name);
	free(binding_terms(b)->named);
	if (b->has_terms)
		free(b->terms);
	slab_give(&slab, b);
}

size_t
binding_n_tuples(const struct binding *b)
{
	if (b->method == RSIP_METHOD_RSA_IP)
		return 1;
	return (size_t)b->n_ports + b->n_spis + (binding_terms(b)->cookie_mask != 0) + (binding_terms(b)->ike_listener != 0);
}

struct tuple
binding_tuple(const struct binding *b, size_t i)
{
	const struct binding_terms *terms = binding_terms(b);
	ip4_t addr = b->local_addr;

	if (b->method == RSIP_METHOD_RSA_IP)
		return (struct tuple){ addr, TUPLE_ADDRESS, 0, 0 };
	if (i < b->n_ports)
		return (struct tuple){ addr, TUPLE_PORT, binding_ports(b)[i].first, binding_ports(b)[i].last };
	i -= b->n_ports;
	if (i < b->n_spis)
		return (struct tuple){ addr, TUPLE_SPI, binding_spis(b)[i].first, binding_spis(b)[i].last };
	i -= b->n_spis;
	if (i == 0 && terms->cookie_mask != 0)
		return (struct tuple){ addr, TUPLE_COOKIE, terms->cookie_value, terms->cookie_value | ~terms->cookie_mask };
	return (struct tuple){ addr, TUPLE_IKE_PEER, terms->ike_listener, terms->ike_listener };
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
	t->by_id = ID_TABLE(&slab, struct binding, bind_id, id_next);
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
