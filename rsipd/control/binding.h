/* One binding: what one host leases at one time (RFC 3103 3, design: leases), and the index of all of them. */
#ifndef RSIPD_BINDING_H
#define RSIPD_BINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "id_table.h"
#include "rsip_proto.h"

struct session;

/* The remote side as a name, for the few bindings that have one. */
struct binding_named {
	char *name;                 /* as remote flow policy asked for it: owned */
	struct remote_name *remote; /* its addresses now (remote_names.h); NULL outside of the ledger */
	struct binding *prev, *next; /* others with this remote side, utlist.h */
};

/* What few bindings have. */
struct binding_terms {
	struct binding_named *named;        /* NULL: the remote side is no name. Owned */
	uint64_t cookie_value, cookie_mask; /* mask 0 = no cookie block; else ones from the highest bit on */
	ip4_t remote_addr;  /* 0 = any: no remote flow policy; or named has it */
	ip4_t ike_listener; /* 0 = none */
	uint32_t gre_key;   /* agreed on with the host; 0 = none */
	uint32_t ranges[];
};

/* Pure data: no timers, no SQL, no sockets. One line of the cache, since there may be a million: a single range stands in
 * it, more and the terms in a block beside it. */
struct binding {
	uint32_t number;      /* slab.h */
	uint32_t id_next;     /* the table's */
	uint32_t bind_id;     /* unique over all hosts of the gateway, never 0, growing */
	uint32_t expiry_slot; /* the expiry heap's */
	struct session *session;
	struct binding *next; /* the next of the session's bindings */
	int64_t expires;      /* clock_now() milliseconds */
	ip4_t local_addr;
	ip4_t endpoint; /* our end of its tunnel, as the host was told */
	uint16_t n_spis;
	uint8_t n_ports; /* RSAP-IP, RSIPSEC: ranges in port order */
	uint8_t n_remote_ports;
	uint8_t method; /* enum rsip_method */
	uint8_t tunnel; /* enum rsip_tunnel_type */
	bool listen;
	bool has_terms; /* which of the union holds: see the functions below */
	union {
		uint32_t ranges[2]; /* SPIs, ports, remote ports */
		struct binding_terms *terms; /* owned */
	};
};

_Static_assert(sizeof(struct binding) == 64, "a binding is one line of the cache");

static inline const struct binding_terms *
binding_terms(const struct binding *b)
{
	static const struct binding_terms none;

	return b->has_terms ? b->terms : &none;
}

/* To be written to. What binding_spis and its like have returned before is void. */
struct binding_terms *binding_own_terms(struct binding *b);

static inline struct spi_range *
binding_spis(const struct binding *b)
{
	return (struct spi_range *)(uintptr_t)(b->has_terms ? b->terms->ranges : b->ranges);
}

static inline struct port_range *
binding_ports(const struct binding *b)
{
	return (struct port_range *)(void *)(binding_spis(b) + b->n_spis);
}

static inline struct port_range *
binding_remote_ports(const struct binding *b)
{
	return binding_ports(b) + b->n_ports;
}

static inline const char *
binding_remote_name(const struct binding *b) /* or NULL */
{
	return binding_terms(b)->named != NULL ? b->terms->named->name : NULL;
}

static inline struct remote_name *
binding_remote(const struct binding *b) /* or NULL */
{
	return binding_terms(b)->named != NULL ? b->terms->named->remote : NULL;
}

extern const struct slab *const binding_slab; /* of all of them */

/* A zeroed binding with room for that many ranges, n_ set. binding_free ends it. */
struct binding *binding_new(size_t n_ports, size_t n_remote_ports, size_t n_spis);
void binding_name_remote(struct binding *b, const char *name); /* its remote side is a name; once */
void binding_free(struct binding *b); /* accepts NULL; b must be in no table */

/* What a binding takes from its address, one by one and in one form: that is what pools, quarantine and history deal
 * with. RSA-IP has exactly one tuple, the whole address. */
enum tuple_kind {
	TUPLE_ADDRESS,  /* first and last are 0 */
	TUPLE_PORT,     /* first..last */
	TUPLE_SPI,      /* first..last */
	TUPLE_COOKIE,   /* first..last, an aligned block */
	TUPLE_IKE_PEER, /* first = last = the peer whose IKE the binding listens for */
	TUPLE_KINDS
};
struct tuple {
	ip4_t addr;
	enum tuple_kind kind;
	uint64_t first, last;
};
size_t binding_n_tuples(const struct binding *b);
struct tuple binding_tuple(const struct binding *b, size_t i); /* i < binding_n_tuples(b) */
const char *tuple_kind_name(enum tuple_kind kind);             /* "address", "port", "spi", "cookie", "ike-peer" */

uint32_t binding_port_count(const struct binding *b); /* over all ranges */
uint32_t binding_spi_count(const struct binding *b);

/* Index of all live bindings by bind ID. */
struct binding_table { struct id_table by_id; };
void binding_table_init(struct binding_table *t);
void binding_table_done(struct binding_table *t); /* no binding may be left */
void binding_table_add(struct binding_table *t, struct binding *b); /* bind_id not in it yet */
void binding_table_remove(struct binding_table *t, struct binding *b);
struct binding *binding_find(const struct binding_table *t, uint32_t bind_id); /* or NULL */
size_t binding_count(const struct binding_table *t);

/* A walk over all bindings that may take many turns of the loop: what is removed meanwhile is skipped, what is added
 * meanwhile may be come across or not. */
struct binding_cursor {
	const struct binding_table *table;
	struct id_cursor at;
};
void binding_cursor_start(struct binding_cursor *c, const struct binding_table *t);
struct binding *binding_cursor_next(struct binding_cursor *c); /* NULL at the end */

#endif
