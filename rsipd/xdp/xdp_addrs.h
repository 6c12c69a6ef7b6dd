/* The addresses that anything is leased of, as the programs shall see them: user space's record of each, from which the
 * element of the map is made anew with every change. */
#ifndef RSIPD_XDP_ADDRS_H
#define RSIPD_XDP_ADDRS_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "addr.h"
#include "dataplane.h"
#include "xdp_tables.h"

struct xdp_addr_record {
	ip4_t addr;
	uint32_t ports; /* its table, 0 = none */
	uint32_t mix;   /* struct xdp_addr's */
	uint32_t whole;
	uint32_t n_bindings;
	uint32_t n_claims;     /* learned cookies */
	uint32_t n_hidden;     /* RSIPSEC bindings that the programs do not know: cookies cannot be told apart without */
	uint32_t n_blocks[32]; /* SPI blocks by the log2 of their size */
	uint32_t n_cookies[65]; /* cookie blocks by how many bits are fixed */
	uint16_t ike_ports[8];
	uint16_t n_ike_ports;
	bool mss_clamp;
	bool cookies_up; /* a cookie found no room once */
	bool spis_up;    /* nor did an SPI block: those that are missing are the relay's */
	bool old_claims; /* an earlier run's, until the tables are swept */
	bool is_shown;
	struct xdp_addr shown; /* the element as it was written last */
	UT_hash_handle hh;
};

struct xdp_addrs;

/* For tables that may hold an earlier run's addresses: those keep their port tables. */
struct xdp_addrs *xdp_addrs_new(struct xdp_tables *tables);
void xdp_addrs_free(struct xdp_addrs *addrs); /* the tables stay as they are */

struct xdp_addr_record *xdp_addrs_find(struct xdp_addrs *addrs, ip4_t addr);

/* The record, made when there is none; pool says how the address is served, NULL = not known yet. */
struct xdp_addr_record *xdp_addrs_get(struct xdp_addrs *addrs, ip4_t addr, const struct dp_pool *pool);

/* Forgets the record when no binding is left. */
void xdp_addrs_put(struct xdp_addrs *addrs, struct xdp_addr_record *record);

/* Gives the address a table of ports. False when there is none left. */
bool xdp_addrs_need_ports(struct xdp_addrs *addrs, struct xdp_addr_record *record);

void xdp_addrs_set_pool(struct xdp_addrs *addrs, struct xdp_addr_record *record, const struct dp_pool *pool);

/* Shows the record to the programs, where it says anything new. */
void xdp_addrs_write(struct xdp_addrs *addrs, struct xdp_addr_record *record);

void xdp_addrs_each(struct xdp_addrs *addrs, void (*each)(struct xdp_addr_record *, void *), void *arg);

/* Takes out of the map the addresses that have no record: an earlier run's. */
void xdp_addrs_sweep(struct xdp_addrs *addrs);

#endif
