#include "config.h"

#include "demux.h"

#include <stdlib.h>
#include <string.h>

#include "fragment_hold.h"
#include "id_table.h"
#include "mem.h"
#include "meters.h"
#include "pool_map.h"

#define PATH_MTU_DEFAULT 1500 /* until the kernel has been asked */

struct demux {
	struct demux_events events;
	struct meters *meters; /* may be NULL */
	struct meter unmetered; /* of all bindings for which there is no room */
	struct demux_watcher watcher; /* all NULL: none */
	struct demux_host *hosts;       /* uthash by addr */
	struct id_table bindings;       /* by bind ID */
	struct addr_table *addrs;       /* uthash by addr */
	struct learned_table *learned;
	struct fragment_hold *held;
	struct pool_map pools, next_pools; /* the latter: those told so far in the synchronisation that is going on */
	uint16_t generation;               /* of the last synchronisation that began */
	bool syncing;
};

struct demux *
demux_new(const struct demux_events *events)
{
	struct demux *d = mem_zero(1, sizeof(*d));

	d->events = *events;
	d->bindings = ID_TABLE(demux_bindings, struct demux_binding, lease.bind_id, id_next);
	d->learned = learned_new(events->forgotten, events->arg);
	d->held = fragment_hold_new();
	return d;
}

void
demux_free(struct demux *d)
{
	demux_sync_begin(d);
	demux_sync_end(d);
	id_table_done(&d->bindings);
	learned_free(d->learned);
	fragment_hold_free(d->held);
	free(d);
}

void
demux_meter(struct demux *d, struct meters *meters)
{
	d->meters = meters;
}

void
demux_need_meter(struct demux *d, const struct demux_binding *b)
{
	struct demux_binding *mine;

	if (b == NULL || b->meter != NULL)
		return;
	mine = demux_binding(d, b->lease.bind_id);
	mine->meter = meters_take(d->meters, b->lease.bind_id);
	if (mine->meter == NULL)
		mine->meter = &d->unmetered;
}

/* Also what an earlier run of the relay has counted for it. */
static void
leave_meter(struct demux *d, const struct demux_binding *b)
{
	if (b->meter == NULL)
		meters_forget(d->meters, b->lease.bind_id);
	else if (b->meter != &d->unmetered)
		meters_leave(b->meter);
}

void
demux_watch(struct demux *d, const struct demux_watcher *watcher)
{
	d->watcher = watcher != NULL ? *watcher : (struct demux_watcher) { 0 };
	learned_watch(d->learned, d->watcher.learned, d->watcher.arg);
}

/* ---- lookups ---- */

struct demux_host *
demux_host(const struct demux *d, ip4_t host_addr)
{
	struct demux_host *host;

	HASH_FIND(hh, d->hosts, &host_addr, sizeof(host_addr), host);
	return host;
}

struct demux_binding *
demux_binding(const struct demux *d, uint32_t bind_id)
{
	return id_table_find(&d->bindings, bind_id);
}

static struct addr_table *
find_addr(const struct demux *d, ip4_t local_addr)
{
	struct addr_table *t;

	HASH_FIND(hh, d->addrs, &local_addr, sizeof(local_addr), t);
	return t;
}

const struct addr_table *
demux_addr(const struct demux *d, ip4_t local_addr)
{
	return find_addr(d, local_addr);
}

struct learned_table *
demux_learned(const struct demux *d)
{
	return d->learned;
}

struct fragment_hold *
demux_held(const struct demux *d)
{
	return d->held;
}

const struct dp_pool *
demux_pool(const struct demux *d, ip4_t local_addr)
{
	return pool_map_find(&d->pools, local_addr);
}

struct learned_key
demux_learned_key(enum learned_kind kind, const struct demux_key *key)
{
	struct learned_key learned = { .kind = kind, .local_addr = key->local_addr, .peer_addr = key->peer_addr };

	if (kind == LEARNED_ICMP_ID)
		learned.value = (uint64_t)key->icmp_type << 16 | key->icmp_id;
	else if (kind == LEARNED_PEER_SPI)
		learned.value = (uint64_t)key->proto << 32 | key->spi;
	return learned;
}

static struct demux_binding *
learned_owner(const struct demux *d, enum learned_kind kind, const struct demux_key *key)
{
	struct learned_key learned = demux_learned_key(kind, key);
	const struct learned *item = learned_find(d->learned, &learned);

	return item != NULL ? item->binding : NULL;
}

struct demux_binding *
demux_owner(const struct demux *d, const struct demux_key *key)
{
	const struct addr_table *t = demux_addr(d, key->local_addr);

	if (t == NULL || t->whole != NULL)
		return t != NULL ? t->whole : NULL;
	switch (key->kind) {
	case DEMUX_PORT:
		return addr_table_port(t, key->local_port);
	case DEMUX_LOCAL_SPI:
		return addr_table_spi(t, key->spi);
	case DEMUX_PEER_SPI:
		return learned_owner(d, LEARNED_PEER_SPI, key);
	case DEMUX_ICMP_REQUEST:
	case DEMUX_ICMP_REPLY:
		return learned_owner(d, LEARNED_ICMP_ID, key);
	default:
		return NULL;
	}
}

/* ---- bindings ---- */

static struct demux_host *
host_get(struct demux *d, ip4_t host_addr)
{
	struct demux_host *host = demux_host(d, host_addr);

	if (host != NULL)
		return host;
	host = mem_zero(1, sizeof(*host));
	host->addr = host_addr;
	host->path_mtu = PATH_MTU_DEFAULT;
	SLIST_INIT(&host->bindings);
	learned_join(d->learned, &host->learner);
	HASH_ADD(hh, d->hosts, addr, sizeof(host->addr), host);
	d->events.host_new(host, d->events.arg);
	return host;
}

static void
host_put(struct demux *d, struct demux_host *host)
{
	if (!SLIST_EMPTY(&host->bindings))
		return;
	learned_leave(&host->learner);
	HASH_DEL(d->hosts, host);
	free(host);
}

/* The limit that control tells with each binding is the host's. */
static void
host_update_limit(struct demux_host *host)
{
	const struct demux_binding *b;

	host->learner.max_cookies = 0;
	SLIST_FOREACH(b, &host->bindings, of_host) {
		if (b->lease.max_claims > host->learner.max_cookies)
			host->learner.max_cookies = b->lease.max_claims;
	}
}

static struct addr_table *
addr_get(struct demux *d, ip4_t local_addr)
{
	struct addr_table *t = find_addr(d, local_addr);

	if (t == NULL) {
		t = addr_table_new(local_addr);
		HASH_ADD(hh, d->addrs, addr, sizeof(t->addr), t);
	}
	return t;
}

static void
addr_put(struct demux *d, struct addr_table *t)
{
	if (t->n_bindings > 0)
		return;
	HASH_DEL(d->addrs, t);
	addr_table_free(t);
}

static void
binding_remove(struct demux *d, struct demux_binding *b)
{
	struct addr_table *t = find_addr(d, b->lease.local_addr);
	struct demux_host *host = b->host;

	learned_forget_binding(&host->learner, b);
	if (d->watcher.unbound != NULL)
		d->watcher.unbound(b, d->watcher.arg);
	addr_table_remove(t, b);
	addr_put(d, t);
	id_table_remove(&d->bindings, b);
	SLIST_REMOVE(&host->bindings, b, demux_binding, of_host);
	host_update_limit(host);
	host_put(d, host);
	leave_meter(d, b);
	demux_binding_free(b);
}

/* Takes out of the table what b stands in the way of. Returns how many bindings that were. */
static unsigned
remove_conflicts(struct demux *d, const struct demux_binding *b)
{
	struct demux_binding *other;
	unsigned removed = 0;

	for (;;) {
		struct addr_table *t = find_addr(d, b->lease.local_addr);

		if (t == NULL || (other = addr_table_conflict(t, b)) == NULL)
			return removed;
		binding_remove(d, other);
		removed++;
	}
}

/* The binding's host is at another address: what it has learned and counted stays with it. */
static void
binding_rehost(struct demux *d, struct demux_binding *b, ip4_t host_addr)
{
	struct demux_host *from = b->host, *to = host_get(d, host_addr);

	learned_hand_over(&from->learner, &to->learner, b);
	SLIST_REMOVE(&from->bindings, b, demux_binding, of_host);
	SLIST_INSERT_HEAD(&to->bindings, b, of_host);
	b->host = to;
	host_update_limit(from);
}

/* The binding in the tables becomes what is told, and *was what it has been. What was learned refers to the struct, which
 * stays. */
static unsigned
binding_change(struct demux *d, struct demux_binding *b, const struct demux_told *told, struct demux_binding *was)
{
	unsigned removed;

	addr_table_remove(find_addr(d, b->lease.local_addr), b);
	demux_binding_change(b, told, was);
	removed = remove_conflicts(d, b); /* first: b still keeps the host that it comes from */
	if (b->host->addr != told->lease->host_addr)
		binding_rehost(d, b, told->lease->host_addr);
	b->host->client_id = told->lease->client_id;
	addr_table_add(addr_get(d, b->lease.local_addr), b);
	return removed;
}

static void
binding_insert(struct demux *d, struct demux_binding *b)
{
	SLIST_INSERT_HEAD(&b->host->bindings, b, of_host);
	id_table_add(&d->bindings, b);
}

static void
bound(struct demux *d, struct demux_binding *b, const struct demux_binding *was)
{
	host_update_limit(b->host);
	b->lease.generation = d->generation;
	if (d->watcher.bound != NULL)
		d->watcher.bound(b, was, d->watcher.arg);
}

static unsigned
bind_new(struct demux *d, const struct demux_told *told)
{
	struct demux_host *host = host_get(d, told->lease->host_addr);
	struct demux_binding *b = demux_binding_new(told, host);
	unsigned removed;

	host->client_id = told->lease->client_id;
	binding_insert(d, b);
	removed = remove_conflicts(d, b);
	addr_table_add(addr_get(d, b->lease.local_addr), b);
	bound(d, b, NULL);
	return removed;
}

static unsigned
bind_again(struct demux *d, struct demux_binding *b, const struct demux_told *told)
{
	struct demux_binding was = *b;
	unsigned removed;

	if (demux_binding_is(b, told) && addr_table_leads(find_addr(d, b->lease.local_addr), b)) {
		bound(d, b, &was);
		return 0;
	}
	removed = binding_change(d, b, told, &was);
	bound(d, b, &was);
	if (was.host != b->host)
		host_put(d, was.host);
	demux_binding_was_free(&was);
	return removed;
}

unsigned
demux_bind(struct demux *d, const struct dp_bind *lease, const struct port_range *ports,
           const struct spi_range *spis, const struct port_range *remote_ports, const ip4_t *remote_addrs)
{
	const struct demux_told told = { lease, ports, spis, remote_ports, remote_addrs };
	struct demux_binding *b = demux_binding(d, lease->bind_id);

	if (b != NULL && b->lease.local_addr == lease->local_addr)
		return bind_again(d, b, &told);
	if (b != NULL)
		binding_remove(d, b);
	return bind_new(d, &told);
}

void
demux_unbind(struct demux *d, uint32_t bind_id)
{
	struct demux_binding *b = demux_binding(d, bind_id);

	if (b != NULL)
		binding_remove(d, b);
}

enum dp_fault
demux_check(const struct demux *d, uint32_t bind_id, uint64_t fingerprint)
{
	const struct demux_binding *b = demux_binding(d, bind_id);

	if (b == NULL)
		return DP_FAULT_MISSING;
	if (demux_binding_fingerprint(b) != fingerprint)
		return DP_FAULT_DIFFERS;
	if (!addr_table_leads(find_addr(d, b->lease.local_addr), b))
		return DP_FAULT_ASTRAY;
	return d->watcher.check != NULL ? d->watcher.check(b, d->watcher.arg) : DP_NO_FAULT;
}

uint32_t
demux_n_bindings(const struct demux *d)
{
	return d->bindings.n;
}

void
demux_each_host(struct demux *d, void (*each)(struct demux_host *, void *), void *arg)
{
	struct demux_host *host, *next;

	HASH_ITER(hh, d->hosts, host, next)
		each(host, arg);
}

/* ---- synchronisation ---- */

void
demux_sync_begin(struct demux *d)
{
	d->generation++;
	d->syncing = true;
	pool_map_clear(&d->next_pools);
}

bool
demux_add_pool(struct demux *d, const struct dp_pool *pool)
{
	if (d->syncing)
		pool_map_add(&d->next_pools, pool);
	return d->syncing;
}

static bool
is_bound(uint32_t bind_id, void *arg)
{
	return demux_binding(arg, bind_id) != NULL;
}

bool
demux_sync_end(struct demux *d)
{
	struct id_cursor cursor = { 0 };
	struct demux_binding *b;

	if (!d->syncing)
		return false;
	while ((b = id_table_next(&d->bindings, &cursor)) != NULL) {
		if (b->lease.generation != d->generation)
			binding_remove(d, b);
	}
	pool_map_clear(&d->pools);
	d->pools = d->next_pools;
	d->next_pools = (struct pool_map){ 0 };
	pool_map_sort(&d->pools);
	d->syncing = false;
	meters_sweep(d->meters, is_bound, d);
	if (d->watcher.synced != NULL)
		d->watcher.synced(d->watcher.arg);
	return true;
}
