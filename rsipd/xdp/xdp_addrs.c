#include "config.h"

#include "xdp_addrs.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "xdp_block_key.h"
#include "xdp_port_table.h"

#define IKE_PLAIN_PORT 500 /* RFC 7296 2; every other shared port is spoken to as 4500 is */

struct xdp_addrs {
	struct xdp_tables *t;
	struct xdp_addr_record *records; /* uthash */
	uint32_t *free_tables;           /* a ring, so that one rests as long as can be */
	uint32_t first, n_free, n_tables;
};

/* ---- port tables ---- */

static void
give_table(struct xdp_addrs *a, uint32_t table)
{
	a->free_tables[(a->first + a->n_free++) % a->n_tables] = table;
}

static uint32_t
take_table(struct xdp_addrs *a)
{
	uint32_t table;

	if (a->n_free == 0)
		return 0;
	table = a->free_tables[a->first];
	a->first = (a->first + 1) % a->n_tables;
	a->n_free--;
	return table;
}

/* The element of the map that an earlier run has left. */
static bool
read_element(const struct xdp_addrs *a, uint32_t key, struct xdp_addr *element)
{
	return bpf_map_lookup_elem(a->t->fd[XDP_MAP_ADDRS], &key, element) == 0;
}

static bool
next_key(const struct xdp_addrs *a, const uint32_t *key, uint32_t *next)
{
	return bpf_map_get_next_key(a->t->fd[XDP_MAP_ADDRS], key, next) == 0;
}

static void
find_free_tables(struct xdp_addrs *a)
{
	bool *used = mem_zero(a->n_tables + 1, sizeof(*used));
	struct xdp_addr element;
	uint32_t key;

	for (bool more = next_key(a, NULL, &key); more; more = next_key(a, &key, &key)) {
		if (read_element(a, key, &element) && element.ports <= a->n_tables)
			used[element.ports] = true;
	}
	for (uint32_t table = 1; table <= a->n_tables; table++) {
		if (!used[table])
			give_table(a, table);
	}
	free(used);
}

bool
xdp_addrs_need_ports(struct xdp_addrs *a, struct xdp_addr_record *r)
{
	static struct log_limit limit;
	char str[IP4_STRLEN];

	if (r->ports == 0 && (r->ports = take_table(a)) == 0)
		log_warn_limited(&limit, "xdp", "no table for the ports of another address, the relay serves it address=%s",
		                 ip4_str(r->addr, str));
	return r->ports != 0;
}

static void
set_owner(const struct xdp_addrs *a, const struct xdp_addr_record *r, uint16_t port, uint32_t owner)
{
	if (r->ports != 0)
		xdp_port_set(&a->t->ports[r->ports], port, owner);
}

/* ---- records ---- */

struct xdp_addrs *
xdp_addrs_new(struct xdp_tables *tables)
{
	struct xdp_addrs *a = mem_zero(1, sizeof(*a));

	a->t = tables;
	a->n_tables = tables->sizes.port_tables;
	a->free_tables = mem_zero(a->n_tables, sizeof(*a->free_tables));
	find_free_tables(a);
	return a;
}

void
xdp_addrs_free(struct xdp_addrs *a)
{
	struct xdp_addr_record *r, *next;

	HASH_ITER(hh, a->records, r, next) {
		HASH_DEL(a->records, r);
		free(r);
	}
	free(a->free_tables);
	free(a);
}

struct xdp_addr_record *
xdp_addrs_find(struct xdp_addrs *a, ip4_t addr)
{
	struct xdp_addr_record *r;

	HASH_FIND(hh, a->records, &addr, sizeof(addr), r);
	return r;
}

struct xdp_addr_record *
xdp_addrs_get(struct xdp_addrs *a, ip4_t addr, const struct dp_pool *pool)
{
	struct xdp_addr_record *r = xdp_addrs_find(a, addr);
	struct xdp_addr element;

	if (r != NULL)
		return r;
	r = mem_zero(1, sizeof(*r));
	r->addr = addr;
	r->mix = xdp_addr_mix(a->t->state->seed, addr);
	if (read_element(a, htonl(addr), &element)) {
		r->ports = element.ports;
		r->old_claims = (element.flags & XDP_ADDR_CLAIMS) != 0;
	}
	HASH_ADD(hh, a->records, addr, sizeof(r->addr), r);
	xdp_addrs_set_pool(a, r, pool);
	return r;
}

void
xdp_addrs_put(struct xdp_addrs *a, struct xdp_addr_record *r)
{
	uint32_t key = htonl(r->addr);

	if (r->n_bindings > 0)
		return;
	bpf_map_delete_elem(a->t->fd[XDP_MAP_ADDRS], &key);
	if (r->ports != 0) {
		memset(&a->t->ports[r->ports], 0, sizeof(struct xdp_ports));
		give_table(a, r->ports);
	}
	HASH_DEL(a->records, r);
	free(r);
}

static void
mark_ike_ports(struct xdp_addrs *a, const struct xdp_addr_record *r, bool on)
{
	for (unsigned i = 0; i < r->n_ike_ports; i++) {
		uint32_t word = r->ike_ports[i] == IKE_PLAIN_PORT ? XDP_PORT_IKE : XDP_PORT_NATT;

		set_owner(a, r, r->ike_ports[i], on ? word : XDP_PORT_NOBODY);
	}
}

/* As long as the pool is not known, SYNs are the relay's, and so are the shared ports of an address that had none. */
void
xdp_addrs_set_pool(struct xdp_addrs *a, struct xdp_addr_record *r, const struct dp_pool *pool)
{
	r->mss_clamp = pool == NULL || pool->mss_clamp;
	if (pool == NULL)
		return;
	mark_ike_ports(a, r, false);
	r->n_ike_ports = pool->n_ike_ports;
	memcpy(r->ike_ports, pool->ike_ports, sizeof(r->ike_ports));
	if (r->n_ike_ports > 0)
		xdp_addrs_need_ports(a, r);
	mark_ike_ports(a, r, true);
}

/* ---- what the programs see ---- */

/* The sizes that most blocks have. */
static void
choose_shifts(const struct xdp_addr_record *r, struct xdp_addr *element)
{
	uint32_t n_blocks[32];

	memcpy(n_blocks, r->n_blocks, sizeof(n_blocks));
	for (element->n_shifts = 0; element->n_shifts < XDP_SHIFTS_MAX; element->n_shifts++) {
		uint8_t most = 0;

		for (uint8_t shift = 1; shift < 32; shift++) {
			if (n_blocks[shift] > n_blocks[most])
				most = shift;
		}
		if (n_blocks[most] == 0)
			return;
		n_blocks[most] = 0;
		element->shifts[element->n_shifts] = most;
	}
}

/* All of them, or none. */
static void
choose_fixed(const struct xdp_addr_record *r, struct xdp_addr *element)
{
	for (uint8_t fixed = 1; fixed <= 64; fixed++) {
		if (r->n_cookies[fixed] == 0)
			continue;
		if (element->n_fixed == XDP_FIXED_MAX) {
			element->flags |= XDP_ADDR_COOKIES_UP;
			element->n_fixed = 0;
			return;
		}
		element->fixed[element->n_fixed++] = fixed;
	}
}

static struct xdp_addr
element_of(const struct xdp_addr_record *r)
{
	struct xdp_addr element = { .whole = r->whole, .ports = r->ports, .mix = r->mix };

	if (r->mss_clamp)
		element.flags |= XDP_ADDR_MSS_CLAMP;
	if (r->cookies_up || r->n_hidden > 0)
		element.flags |= XDP_ADDR_COOKIES_UP;
	if (r->n_claims > 0 || r->old_claims)
		element.flags |= XDP_ADDR_CLAIMS;
	choose_shifts(r, &element);
	choose_fixed(r, &element);
	return element;
}

void
xdp_addrs_write(struct xdp_addrs *a, struct xdp_addr_record *r)
{
	static struct log_limit limit;
	struct xdp_addr element = element_of(r);
	uint32_t key = htonl(r->addr);

	if (r->is_shown && memcmp(&element, &r->shown, sizeof(element)) == 0)
		return;
	r->is_shown = bpf_map_update_elem(a->t->fd[XDP_MAP_ADDRS], &key, &element, BPF_ANY) == 0;
	r->shown = element;
	if (!r->is_shown)
		log_warn_limited(&limit, "xdp", "no room for another address, the relay serves it alone error=\"%s\"",
		                 strerror(errno));
}

void
xdp_addrs_each(struct xdp_addrs *a, void (*each)(struct xdp_addr_record *, void *), void *arg)
{
	struct xdp_addr_record *r, *next;

	HASH_ITER(hh, a->records, r, next)
		each(r, arg);
}

void
xdp_addrs_sweep(struct xdp_addrs *a)
{
	struct xdp_addr element;
	uint32_t key, next;

	for (bool more = next_key(a, NULL, &key); more; key = next) {
		more = next_key(a, &key, &next);
		if (xdp_addrs_find(a, ntohl(key)) != NULL || !read_element(a, key, &element))
			continue;
		bpf_map_delete_elem(a->t->fd[XDP_MAP_ADDRS], &key);
		if (element.ports != 0 && element.ports <= a->n_tables) {
			memset(&a->t->ports[element.ports], 0, sizeof(struct xdp_ports));
			give_table(a, element.ports);
		}
	}
}
