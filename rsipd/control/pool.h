/* What is free, leased and held of the public addresses: whole addresses, ports, SPIs, cookie blocks, IKE listeners.
 * Pure: no sockets, no SQL, no clock.
 *
 * State is kept for each address in use, whatever pool it came from, so that leases outlive a reload that changes the
 * pools. What a request may be given from is named at each call. */
#ifndef RSIPD_POOL_H
#define RSIPD_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "binding.h"
#include "conf.h"
#include "hold.h"
#include "pool_totals.h"
#include "rsip_proto.h"
#include "session.h"

struct pool;

struct pool *pool_new(void);
void pool_free(struct pool *pool);

/* Which pools there are, for the search for room and the totals; all live bindings are those of the sessions. conf is
 * borrowed until the next call. */
void pool_configure(struct pool *pool, const struct conf *conf, const struct session_table *sessions);

/* How a resource is asked for. */
enum pool_intent {
	POOL_NONE,  /* not at all */
	POOL_ANY,   /* whichever is free */
	POOL_NAMED, /* what the binding already says */
};

struct pool_want {
	ip4_t host;                           /* it may take back what is held for it */
	enum pool_intent addr;                /* ANY or NAMED */
	enum pool_intent ports, spis, cookie; /* all NONE for RSA-IP */
	uint16_t n_any_ports, n_any_spis;     /* how many, contiguous, where ANY; cookie: any of its mask */
	const ip4_t *keep;                    /* addresses to try first: those the host has already */
	size_t n_keep;
	const struct conf_pool *const *pools; /* where from, in the order of preference */
	size_t n_pools;
};

/* Takes what is wanted for b, all of it or nothing, and writes it into b: local_addr, ports[0], spis[0] (the arrays
 * have room, see binding_new), cookie_value. b->session (but b is not among its bindings yet), b->method and
 * its IKE listener are read. A host keeps the address it has, or else gets one where something is held for it, or else
 * the lowest one that can hold the request.
 * Ports and SPIs are random (RFC 6056, RFC 3104 8), contiguous, and aligned to their number when that is a power of
 * two; SPIs and cookie blocks always to the next one.
 *
 * What was held for this host stays held as well, until pool_settle. Returns RSIP_OK or the error of RFC 3103 9.6.3,
 * 9.8.3, RFC 3104 6.2:
 *   LOCAL_ADDR_UNALLOWED      the named address is in none of the pools
 *   LOCAL_ADDR_INUSE          it is leased or held whole by another, or (RSA-IP) in part
 *   LOCAL_ADDR_UNAVAILABLE    no address is free (RSA-IP), or all are leased whole
 *   LOCAL_ADDRPORT_UNALLOWED  a named port is outside the pool's range, or an IKE port
 *   LOCAL_ADDRPORT_INUSE      a named port is leased or held by another; an IKE listener for that peer is
 *   LOCAL_ADDRPORT_UNAVAILABLE  nowhere so many contiguous ports
 *   IPSEC_SPI_INUSE           a named SPI or cookie block is leased or held by another
 *   IPSEC_SPI_UNAVAILABLE     no room for so many, or a named SPI is outside the pool's range */
enum rsip_error pool_acquire(struct pool *pool, const struct pool_want *want, struct binding *b);

/* Takes exactly what b says, as when loading; false, and nothing taken, when any of it is taken or held already. b is
 * not among the bindings of its session yet. */
bool pool_restore(struct pool *pool, const struct binding *b);

/* b is no longer among the bindings of its session. to_be_held: pool_hold follows for each of its tuples, so that there is no
 * room for others yet. */
void pool_release(struct pool *pool, const struct binding *b, bool to_be_held);

/* Holds a tuple that is neither leased nor held now; the pool owns the hold. NULL when it is. */
struct hold *pool_hold(struct pool *pool, struct tuple tuple, ip4_t host, int64_t until);
void pool_unhold(struct pool *pool, struct hold *hold); /* ends and frees it */

/* Ends the holds, all of its own host, that b has taken from; what b did not take of them stays held, as new holds.
 * ending is called for each before it is freed, made for each new one. */
typedef void pool_hold_cb(struct hold *hold, void *arg);
void pool_settle(struct pool *pool, const struct binding *b, pool_hold_cb *ending, pool_hold_cb *made, void *arg);

/* What was held for the host at one address is held for it at another: it has moved. */
void pool_rehost(struct pool *pool, ip4_t from, ip4_t to);

/* Calls cb for each hold; it must not end any. */
void pool_each_hold(const struct pool *pool, pool_hold_cb *cb, void *arg);

/* Of one pool of the present configuration; kept up to date, so it costs nothing to ask. */
struct pool_totals pool_totals(const struct pool *pool, const struct conf_pool *spec);

/* The same for one address of that pool; spec NULL: of none any more. Costs a look-up. */
struct pool_totals pool_address_totals(const struct pool *pool, const struct conf_pool *spec, ip4_t addr);

/* For the invariant check. */
bool pool_is_leased(const struct pool *pool, struct tuple tuple); /* all of it */
bool pool_is_held(const struct pool *pool, struct tuple tuple);   /* any of it */
size_t pool_count_leased(const struct pool *pool);                /* tuples */
size_t pool_addresses(const struct pool *pool, ip4_t **addrs);    /* all in use, into an array that the caller frees */
void pool_address_leased(const struct pool *pool, ip4_t addr, size_t *n_tuples, uint32_t *n_ports);
void pool_each_hold_of(const struct pool *pool, ip4_t addr, pool_hold_cb *cb, void *arg); /* as pool_each_hold */
const struct hold *pool_find_hold(const struct pool *pool, struct tuple tuple); /* one that has something of it, or NULL */
/* True when nothing at all is leased or held (invariant 6). */
bool pool_is_full(const struct pool *pool);

#endif
