#include "config.h"

#include "xdp_feed.h"

#include <string.h>

#include "clock.h"
#include "demux.h"
#include "log.h"
#include "mem.h"
#include "xdp_addrs.h"
#include "xdp_publish.h"
#include "xdp_slots.h"
#include "xdp_sweep.h"

struct xdp_feed {
	struct xdp_tables *t;
	struct demux *demux;
	struct xdp_addrs *addrs;
	ip4_t gateway_addr;
	uint64_t epoch; /* of this run: entries of another one are an earlier run's */
	bool adopting;  /* until the first synchronisation is over */
};

/* ---- ESP and AH of a host: by any RSIPSEC binding that the programs know ---- */

static bool
sends_ipsec(const struct demux_binding *b, ip4_t local_addr)
{
	return b->lease.method == RSIP_METHOD_RSIPSEC && b->lease.local_addr == local_addr && b->xdp_slot != 0;
}

static void
choose_ipsec(struct xdp_feed *f, const struct demux_binding *of)
{
	const struct demux_binding *b;
	uint32_t slot = 0;

	if (of->lease.method != RSIP_METHOD_RSIPSEC)
		return;
	SLIST_FOREACH(b, &of->host->bindings, of_host) {
		if (sends_ipsec(b, of->lease.local_addr))
			slot = b->xdp_slot;
	}
	xdp_lead_ipsec(f->t, of, slot);
}

/* ---- bindings ---- */

static uint32_t
take_slot(struct xdp_feed *f, const struct demux_binding *b, uint8_t *gateway)
{
	static struct log_limit limit;
	ip4_t gateway_addr = b->lease.gateway_addr != 0 ? b->lease.gateway_addr : f->gateway_addr;
	uint32_t slot = 0;

	if (xdp_tables_gateway(f->t, gateway_addr, gateway))
		slot = xdp_slots_take(f->t, b->lease.bind_id, clock_now());
	if (slot == 0)
		log_warn_limited(&limit, "xdp", "no room for another binding, the relay serves it alone bind_id=%u",
		                 b->lease.bind_id);
	return slot;
}

/* What was counted before is not lost. */
static void
copy_counters(const struct xdp_feed *f, uint32_t from, uint32_t to)
{
	f->t->counts_in[to] = f->t->counts_in[from];
	f->t->counts_out[to] = f->t->counts_out[from];
}

static uint32_t
new_slot(struct xdp_feed *f, const struct demux_binding *b, uint32_t old)
{
	uint8_t gateway;
	uint32_t slot = take_slot(f, b, &gateway);

	if (slot == 0)
		return 0;
	uint8_t flags = xdp_fill(f->t, slot, b, gateway);
	f->t->terms[slot].user[XDP_SLOT_EPOCH] = f->epoch;
	if (old != 0)
		copy_counters(f, old, slot);
	xdp_slots_publish(f->t, slot, flags);
	return slot;
}

/* The entry that an earlier run has left, if it says what control says now. */
static uint32_t
adopt_slot(struct xdp_feed *f, const struct demux_binding *b)
{
	uint32_t slot = f->adopting ? xdp_slots_find(f->t, b->lease.bind_id) : 0;
	struct xdp_terms *terms = &f->t->terms[slot];

	if (slot == 0 || terms->user[XDP_SLOT_FINGERPRINT] != xdp_fingerprint(b))
		return 0;
	terms->user[XDP_SLOT_EPOCH] = f->epoch;
	f->t->bindings[slot].path_mtu = b->host->path_mtu;
	return slot;
}

static bool
hides_cookies(const struct demux_binding *b)
{
	return b->lease.method == RSIP_METHOD_RSIPSEC && b->xdp_slot == 0;
}

/* Takes the binding, as it was, out of the tables. The entry first: nothing is forwarded by it from then on. */
static void
withdraw(struct xdp_feed *f, const struct demux_binding *was)
{
	struct xdp_addr_record *r = xdp_addrs_find(f->addrs, was->lease.local_addr);

	if (hides_cookies(was))
		r->n_hidden--;
	if (was->xdp_slot == 0) {
		r->n_bindings--;
		return;
	}
	xdp_slots_leave(f->t, was->xdp_slot, clock_now());
	xdp_mislead(f->t, r, was, was->xdp_slot);
}

static void
show(struct xdp_feed *f, struct demux_binding *b, const struct demux_binding *was)
{
	struct xdp_addr_record *r;
	uint32_t old = was != NULL ? was->xdp_slot : 0;

	r = xdp_addrs_get(f->addrs, b->lease.local_addr, demux_pool(f->demux, b->lease.local_addr));
	b->xdp_slot = 0;
	if (xdp_publishable(b) && (b->xdp_slot = adopt_slot(f, b)) == 0)
		b->xdp_slot = new_slot(f, b, old);
	if (b->xdp_slot != 0)
		xdp_lead(f->t, f->addrs, r, b, b->xdp_slot);
	else
		r->n_bindings++;
	if (hides_cookies(b))
		r->n_hidden++;
}

/* Learned cookies lead to the binding's new entry. */
static void
move_claims(struct xdp_feed *f, const struct demux_binding *b)
{
	const struct learned *item;

	for (item = learner_oldest(&b->host->learner, LEARNED_COOKIE); item != NULL; item = TAILQ_NEXT(item, in_use_order)) {
		if (item->binding == b && b->xdp_slot != 0)
			xdp_lead_claim(f->t, item, b->xdp_slot);
	}
}

/* Where another hand has been at the tables (bpftool), the binding is shown anew when it is told again. */
static bool
unchanged(const struct xdp_feed *f, const struct demux_binding *b, const struct demux_binding *was)
{
	return was != NULL && was->xdp_slot != 0 && xdp_publishable(b) &&
	       f->t->terms[was->xdp_slot].user[XDP_SLOT_FINGERPRINT] == xdp_fingerprint(b) &&
	       xdp_shown_fault(f->t, xdp_addrs_find(f->addrs, b->lease.local_addr), b) == DP_NO_FAULT;
}

static void
bound_cb(struct demux_binding *b, const struct demux_binding *was, void *arg)
{
	struct xdp_feed *f = arg;

	if (unchanged(f, b, was))
		return;
	show(f, b, was);
	if (was != NULL) {
		xdp_addrs_find(f->addrs, b->lease.local_addr)->is_shown = false; /* written again whatever it was */
		move_claims(f, b);
		withdraw(f, was);
	}
	choose_ipsec(f, b);
	if (was != NULL && was->host != b->host) /* it has moved, and sends nothing from there any more */
		choose_ipsec(f, was);
	xdp_addrs_write(f->addrs, xdp_addrs_find(f->addrs, b->lease.local_addr));
}

static void
unbound_cb(struct demux_binding *b, void *arg)
{
	struct xdp_feed *f = arg;
	struct xdp_addr_record *r = xdp_addrs_find(f->addrs, b->lease.local_addr);

	withdraw(f, b);
	b->xdp_slot = 0;
	choose_ipsec(f, b);
	if (r->n_bindings > 0)
		xdp_addrs_write(f->addrs, r);
	xdp_addrs_put(f->addrs, r);
}

/* ---- the rest ---- */

static void
learned_cb(const struct learned *item, bool gone, void *arg)
{
	struct xdp_feed *f = arg;
	struct xdp_addr_record *r = xdp_addrs_find(f->addrs, item->key.local_addr);

	if (r == NULL)
		return;
	if (gone || !item->answered) /* else it is counted already */
		r->n_claims += gone ? -1u : 1;
	if (!xdp_lead_claim(f->t, item, gone ? 0 : item->binding->xdp_slot))
		r->cookies_up = true;
	xdp_addrs_write(f->addrs, r);
}

/* What has no entry is the relay's alone. */
static enum dp_fault
check_cb(const struct demux_binding *b, void *arg)
{
	struct xdp_feed *f = arg;

	return b->xdp_slot == 0 ? DP_NO_FAULT :
	                          xdp_shown_fault(f->t, xdp_addrs_find(f->addrs, b->lease.local_addr), b);
}

static void
set_pool(struct xdp_addr_record *r, void *arg)
{
	struct xdp_feed *f = arg;

	xdp_addrs_set_pool(f->addrs, r, demux_pool(f->demux, r->addr));
	xdp_addrs_write(f->addrs, r);
}

static void
synced_cb(void *arg)
{
	struct xdp_feed *f = arg;

	xdp_addrs_each(f->addrs, set_pool, f);
	if (f->adopting)
		xdp_sweep(f->t, f->addrs, f->demux, f->epoch);
	f->adopting = false;
}

void
xdp_feed_path_mtu(struct xdp_feed *f, const struct demux_host *host)
{
	const struct demux_binding *b;

	if (f == NULL)
		return;
	SLIST_FOREACH(b, &host->bindings, of_host) {
		if (b->xdp_slot != 0)
			f->t->bindings[b->xdp_slot].path_mtu = host->path_mtu;
	}
}

struct xdp_feed *
xdp_feed_new(struct xdp_tables *tables, struct demux *d, ip4_t gateway_addr)
{
	struct xdp_feed *f;

	if (tables == NULL)
		return NULL;
	f = mem_zero(1, sizeof(*f));
	f->t = tables;
	f->demux = d;
	f->addrs = xdp_addrs_new(tables);
	f->gateway_addr = gateway_addr;
	f->epoch = (uint64_t)clock_now();
	f->adopting = true;
	demux_watch(d, &(struct demux_watcher) {
		.bound = bound_cb, .unbound = unbound_cb, .synced = synced_cb, .learned = learned_cb, .check = check_cb,
		.arg = f,
	});
	return f;
}

void
xdp_feed_free(struct xdp_feed *f)
{
	if (f == NULL)
		return;
	demux_watch(f->demux, NULL);
	xdp_addrs_free(f->addrs);
	free(f);
}
