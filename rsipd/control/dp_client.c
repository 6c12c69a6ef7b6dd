#include "config.h"

#include "dp_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "claims.h"
#include "dp_bind.h"
#include "dp_pools.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "xdp_slots.h"

#define PENDING_MAX 512 /* packets that wait for the socket; with more, telling everything is simpler */
#define BATCH 64        /* packets sent by one system call, so that the data plane wakes once for many */
#define PACKED 2048     /* bytes of changes that go in one packet */

/* Telling everything, step by step, as fast as the data plane reads. */
enum sync_step { SYNC_BEGIN, SYNC_POOLS, SYNC_BINDINGS, SYNC_END, SYNC_DONE };

struct pending {
	struct pending *prev, *next;
	size_t len;
	uint8_t bytes[];
};

struct dp_client {
	struct loop *loop;
	struct binding_table *bindings;
	const struct conf *conf;
	const ip4_t *own;
	size_t n_own;
	const struct xdp_tables *xdp; /* or NULL */
	struct dp_client_events events;

	int fd; /* -1: no data plane now */
	struct loop_event *readable, *writable; /* writable only while something waits */
	struct loop_event *flush; /* at the end of the turn */
	struct pending *pending;
	size_t n_pending;

	enum sync_step step;
	struct dp_pools pools; /* SYNC_POOLS: what comes next */
	struct binding_cursor cursor; /* SYNC_BINDINGS */
	bool cursor_open;
	size_t batch_len; /* bindings that go out together, ahead of what is pending */
	uint8_t batch[DP_PACKET_MAX];

	struct claims claims;
	uint64_t changes;

	dp_checked_cb *checked; /* NULL: nobody asks */
	void *checked_arg;
};

/* --- out --- */

static void on_writable(int fd, void *arg);

static void
drop_pending(struct dp_client *dp)
{
	struct pending *p, *tmp;

	DL_FOREACH_SAFE(dp->pending, p, tmp) {
		DL_DELETE(dp->pending, p);
		free(p);
	}
	dp->n_pending = 0;
}

static void
drop_sync(struct dp_client *dp)
{
	dp->cursor_open = false;
	dp->batch_len = 0;
}

static void
disconnect(struct dp_client *dp)
{
	if (dp->fd < 0)
		return;
	loop_event_free(dp->readable);
	loop_event_free(dp->writable);
	dp->readable = dp->writable = NULL;
	close(dp->fd);
	dp->fd = -1;
	drop_pending(dp);
	drop_sync(dp);
}

static void
lost(struct dp_client *dp, const char *why)
{
	log_warn("dataplane", "lost why=\"%s\"", why);
	disconnect(dp); /* the monitor starts another one and hands us its socket */
}

/* After a send that failed: waits until the socket takes more, if that is all. */
static void
not_sent(struct dp_client *dp)
{
	if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS)
		lost(dp, strerror(errno));
	else if (dp->writable == NULL)
		dp->writable = loop_writable(dp->loop, dp->fd, on_writable, dp);
}

/* False when the socket takes no more now, or is gone. */
static bool
send_now(struct dp_client *dp, const void *bytes, size_t len)
{
	ssize_t n;

	if (dp->fd < 0)
		return false;
	do {
		n = send(dp->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)len)
		return true;
	not_sent(dp);
	return false;
}

/* The bindings of a synchronisation that go out together. */
static bool
flush_batch(struct dp_client *dp)
{
	if (dp->batch_len > 0 && !send_now(dp, dp->batch, dp->batch_len))
		return false;
	dp->batch_len = 0;
	return true;
}

/* What waits first, at most BATCH, in one call: how many the socket took, or -1. */
static int
send_batch(struct dp_client *dp)
{
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec iov[BATCH];
	struct pending *p;
	unsigned n = 0;
	int sent;

	DL_FOREACH(dp->pending, p) {
		if (n == BATCH)
			break;
		iov[n] = (struct iovec){ p->bytes, p->len };
		messages[n].msg_hdr.msg_iov = &iov[n];
		messages[n++].msg_hdr.msg_iovlen = 1;
	}
	do {
		sent = sendmmsg(dp->fd, messages, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent;
}

/* False when some of it has to wait on, or the data plane is gone. */
static bool
send_pending(struct dp_client *dp)
{
	if (!flush_batch(dp))
		return false;
	while (dp->pending != NULL) {
		int sent = send_batch(dp);

		if (sent < 0) {
			not_sent(dp);
			return false;
		}
		for (; sent > 0; sent--) {
			struct pending *p = dp->pending;
			DL_DELETE(dp->pending, p);
			free(p);
			dp->n_pending--;
		}
	}
	return true;
}

void
dp_client_flush(struct dp_client *dp)
{
	if (dp->writable == NULL)
		send_pending(dp);
}

static void
on_flush(void *arg)
{
	dp_client_flush(arg);
}

static struct pending *
add_packet(struct dp_client *dp, size_t len)
{
	struct pending *p = mem_zero(1, sizeof(*p) + (len > PACKED ? len : PACKED));

	DL_APPEND(dp->pending, p);
	dp->n_pending++;
	return p;
}

/* Tells a change, in its order behind those that wait, at the end of the turn. */
static void
tell(struct dp_client *dp, const void *bytes, size_t len)
{
	struct pending *p;

	if (dp->n_pending >= BATCH)
		dp_client_flush(dp);
	if (dp->fd < 0)
		return;
	if (dp->n_pending == PENDING_MAX) {
		dp_client_resync(dp, dp->conf);
		return;
	}
	p = dp->pending != NULL ? dp->pending->prev : NULL; /* utlist: the last one */
	if (p == NULL || p->len + len > PACKED)
		p = add_packet(dp, len);
	memcpy(p->bytes + p->len, bytes, len);
	p->len += len;
	loop_deferred_raise(dp->flush);
}

static void
on_bind(void *arg, const struct binding *b)
{
	struct dp_client *dp = arg;
	uint8_t bytes[DP_MESSAGE_MAX];

	dp->changes++;
	tell(dp, bytes, dp_bind_encode(b, bytes));
}

static void
on_unbind(void *arg, uint32_t bind_id)
{
	struct dp_client *dp = arg;
	struct dp_unbind m = { .op = DP_UNBIND, .bind_id = bind_id };

	dp->changes++;
	if (dp->xdp != NULL)
		xdp_slots_stop(dp->xdp, bind_id);
	claims_forget_binding(&dp->claims, bind_id);
	tell(dp, &m, sizeof(m));
}

/* --- telling everything --- */

static bool
sync_pools(struct dp_client *dp)
{
	struct dp_pools next = dp->pools;
	struct dp_pool m;

	while (dp_pools_next(&next, &m)) {
		if (!send_now(dp, &m, sizeof(m)))
			return false;
		dp->pools = next;
	}
	return true;
}

static void
tell_claim(const struct dp_claim *claim, void *arg)
{
	struct dp_claim m = *claim;

	m.op = DP_CLAIM;
	tell(arg, &m, sizeof(m));
}

/* A binding; and before it its address, if that is of no pool any more. */
static void
batch_binding(struct dp_client *dp, const struct binding *b)
{
	if (conf_pool_of(dp->conf, b->local_addr) == NULL) {
		struct dp_pool m = dp_pool_left(dp->conf, b->local_addr);

		memcpy(dp->batch + dp->batch_len, &m, sizeof(m));
		dp->batch_len += sizeof(m);
	}
	dp->batch_len += dp_bind_encode(b, dp->batch + dp->batch_len);
}

static bool
sync_bindings(struct dp_client *dp)
{
	const struct binding *b = NULL;

	if (!dp->cursor_open)
		binding_cursor_start(&dp->cursor, dp->bindings);
	dp->cursor_open = true;
	while (dp->pending == NULL) {
		if (dp->batch_len + sizeof(struct dp_pool) + DP_MESSAGE_MAX > sizeof(dp->batch) && !flush_batch(dp))
			return false;
		if ((b = binding_cursor_next(&dp->cursor)) == NULL)
			break;
		batch_binding(dp, b);
		claims_of_binding(&dp->claims, b->bind_id, tell_claim, dp);
	}
	return dp->pending == NULL && flush_batch(dp);
}

static bool
sync_mark(struct dp_client *dp, enum dp_op op)
{
	struct dp_sync m = { .op = op };

	return send_now(dp, &m, sizeof(m));
}

/* Goes on with telling everything. False when it has to wait. */
static bool
sync_more(struct dp_client *dp)
{
	while (dp->step != SYNC_DONE) {
		if (!(dp->step == SYNC_BEGIN ? sync_mark(dp, DP_SYNC_BEGIN) :
		      dp->step == SYNC_POOLS ? sync_pools(dp) :
		      dp->step == SYNC_BINDINGS ? sync_bindings(dp) : sync_mark(dp, DP_SYNC_END)))
			return false;
		dp->step++;
	}
	if (dp->cursor_open)
		log_info("dataplane", "told everything bindings=%zu", binding_count(dp->bindings));
	dp->cursor_open = false;
	return true;
}

static void
on_writable(int fd, void *arg)
{
	struct dp_client *dp = arg;

	(void)fd;
	do {
		if (!send_pending(dp) || !sync_more(dp))
			return;
	} while (dp->pending != NULL);
	loop_event_free(dp->writable);
	dp->writable = NULL;
}

void
dp_client_resync(struct dp_client *dp, const struct conf *conf)
{
	dp->conf = conf;
	dp->changes++;
	if (dp->fd < 0)
		return;
	drop_pending(dp);
	drop_sync(dp);
	dp->step = SYNC_BEGIN;
	dp->pools = (struct dp_pools){ .conf = conf, .own = dp->own, .n_own = dp->n_own };
	if (dp->writable == NULL)
		dp->writable = loop_writable(dp->loop, dp->fd, on_writable, dp);
}

/* --- questions --- */

enum dp_asked
dp_client_check(struct dp_client *dp, const struct dp_check_entry *entries, uint32_t n, uint32_t number,
                dp_checked_cb *cb, void *arg)
{
	uint8_t bytes[sizeof(struct dp_check) + DP_CHECK_MAX * sizeof(*entries)];
	struct dp_check m = { .op = DP_CHECK, .number = number, .n = n };

	if (dp->checked != NULL && dp->checked_arg != arg)
		return DP_BUSY;
	dp_client_flush(dp); /* the answer is to be of all that was told before */
	if (dp->fd < 0 || dp->step != SYNC_DONE || dp->pending != NULL)
		return DP_AWAY;
	memcpy(mempcpy(bytes, &m, sizeof(m)), entries, n * sizeof(*entries));
	if (!send_now(dp, bytes, sizeof(m) + n * sizeof(*entries)))
		return DP_AWAY;
	dp->checked = cb;
	dp->checked_arg = arg;
	return DP_ASKED;
}

void
dp_client_check_end(struct dp_client *dp, const void *arg)
{
	if (dp->checked_arg == arg)
		dp->checked = NULL;
}

/* --- in --- */

static void
on_checked(struct dp_client *dp, const uint8_t *bytes)
{
	struct dp_fault_entry faults[DP_CHECK_MAX];
	struct dp_checked answer;

	memcpy(&answer, bytes, sizeof(answer));
	memcpy(faults, bytes + sizeof(answer), answer.n * sizeof(faults[0]));
	if (dp->checked != NULL)
		dp->checked(dp->checked_arg, &answer, faults);
}

static void
on_claim(struct dp_client *dp, const uint8_t *bytes)
{
	struct dp_claim claim;

	memcpy(&claim, bytes, sizeof(claim));
	dp->changes++;
	if (claim.op == DP_UNCLAIMED)
		claims_remove(&dp->claims, &claim);
	else if (binding_find(dp->bindings, claim.bind_id) != NULL)
		claims_add(&dp->claims, &claim);
}

static void
on_message(struct dp_client *dp, const uint8_t *bytes, size_t len)
{
	static struct log_limit limit;
	uint32_t op = 0;

	if (dp_message_valid(bytes, len))
		memcpy(&op, bytes, sizeof(op));
	if (op == DP_CLAIMED || op == DP_UNCLAIMED) {
		on_claim(dp, bytes);
	} else if (op == DP_CHECKED) {
		on_checked(dp, bytes);
	} else if (op == DP_VIOLATION) {
		struct dp_violation v;
		memcpy(&v, bytes, sizeof(v));
		dp->events.violation(dp->events.arg, &v);
	} else {
		log_warn_limited(&limit, "dataplane", "not a message length=%zu op=%u", len, op);
	}
}

static void
on_readable(int fd, void *arg)
{
	struct dp_client *dp = arg;
	uint8_t bytes[DP_MESSAGE_MAX];

	for (int i = 0; i < 64 && dp->fd == fd; i++) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
			return;
		if (n <= 0) {
			lost(dp, n == 0 ? "it closed" : strerror(errno));
			return;
		}
		on_message(dp, bytes, (size_t)n <= sizeof(bytes) ? (size_t)n : 0);
	}
}

/* --- life --- */

struct dp_client *
dp_client_new(struct loop *loop, struct binding_table *bindings, const struct conf *conf, const ip4_t *own, size_t n_own,
              const struct dp_client_events *events)
{
	struct dp_client *dp = mem_zero(1, sizeof(*dp));

	dp->loop = loop;
	dp->bindings = bindings;
	dp->conf = conf;
	dp->own = own;
	dp->n_own = n_own;
	dp->events = *events;
	dp->fd = -1;
	dp->flush = loop_deferred(loop, on_flush, dp);
	return dp;
}

void
dp_client_free(struct dp_client *dp)
{
	if (dp == NULL)
		return;
	disconnect(dp);
	loop_event_free(dp->flush);
	claims_clear(&dp->claims);
	free(dp);
}

void
dp_client_set_xdp(struct dp_client *dp, const struct xdp_tables *xdp)
{
	dp->xdp = xdp;
}

void
dp_client_connect(struct dp_client *dp, int fd)
{
	disconnect(dp);
	dp->fd = fd;
	dp->readable = loop_readable(dp->loop, fd, on_readable, dp);
	dp_client_resync(dp, dp->conf);
	log_info("dataplane", "connected bindings=%zu", binding_count(dp->bindings));
}

struct dp_ops
dp_client_ops(struct dp_client *dp)
{
	return (struct dp_ops){ on_bind, on_unbind, dp };
}

size_t
dp_client_n_claims(const struct dp_client *dp)
{
	return dp->claims.n;
}

const struct claims *
dp_client_claims(const struct dp_client *dp)
{
	return &dp->claims;
}

const uint64_t *
dp_client_changes(const struct dp_client *dp)
{
	return &dp->changes;
}
