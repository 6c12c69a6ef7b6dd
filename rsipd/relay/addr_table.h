/* Who leases what of one public address: the whole of it, or ports, SPIs, IKE cookie blocks, and the peers whose
 * unknown IKE a host listens for. Lookups cost the same however many hosts share the address, but for SPIs and
 * cookie blocks (a binary search). */
#ifndef RSIPD_ADDR_TABLE_H
#define RSIPD_ADDR_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "addr.h"
#include "range_table.h"

struct demux_binding;
struct port_page;
struct ike_listener;

struct addr_table {
	ip4_t addr;
	uint32_t n_bindings;
	struct demux_binding *whole;
	struct port_page *ports[256]; /* by the port's high byte; made when first used */
	struct range_table spis, cookies;
	struct ike_listener *listeners; /* uthash */
	UT_hash_handle hh;
};

struct addr_table *addr_table_new(ip4_t addr);
void addr_table_free(struct addr_table *t); /* no binding may be left */

/* A binding in the table that leases something b leases too, or NULL. */
struct demux_binding *addr_table_conflict(const struct addr_table *t, const struct demux_binding *b);

/* b must conflict with none. It is referred to until removed. */
void addr_table_add(struct addr_table *t, struct demux_binding *b);
void addr_table_remove(struct addr_table *t, struct demux_binding *b);

/* Whether all that b leases leads to it; t may be NULL: nothing does. For the check of a live gateway. */
bool addr_table_leads(const struct addr_table *t, const struct demux_binding *b);

/* The binding that leases it, or NULL. */
struct demux_binding *addr_table_port(const struct addr_table *t, uint16_t port);
struct demux_binding *addr_table_spi(const struct addr_table *t, uint32_t spi);
struct demux_binding *addr_table_cookie(const struct addr_table *t, uint64_t cookie);
struct demux_binding *addr_table_listener(const struct addr_table *t, ip4_t peer);

#endif
