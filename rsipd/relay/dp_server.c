#include "dp_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dp_apply.h"
#include "log.h"
#include "mem.h"
#include "token_bucket.h"

#define VIOLATIONS_PER_SECOND 5    /* of one host */
#define STRANGERS_PER_SECOND 500   /* of all that are no hosts; many are when the database was restored from an older copy */
#define MESSAGES_AT_ONCE 65536     /* a full synchronisation of a large site; then packets get their turn */

struct dp_server {
	struct demux *demux;
	int fd; /* -1: control is away */
	bool in_step; /* control has told everything: what it does not know of claims, it does not know */
	bool claims_untold;
	struct token_bucket strangers;
	uint8_t packet[DP_PACKET_MAX + 1]; /* one more, to see that one is too long */
};

struct dp_server *
dp_server_new(struct demux *d)
{
	struct dp_server *s = mem_zero(1, sizeof(*s));

	s->demux = d;
	s->fd = -1;
	return s;
}

void
dp_server_free(struct dp_server *s)
{
	dp_server_connect(s, -1);
	free(s);
}

void
dp_server_connect(struct dp_server *s, int fd)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = fd;
	s->in_step = false;
}

bool
dp_server_in_step(const struct dp_server *s)
{
	return s->in_step;
}

static bool
tell(struct dp_server *s, const void *message, size_t len)
{
	return s->fd >= 0 && send(s->fd, message, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

/* An answer that does not fit into the socket is lost: control asks again. */
static void
answer_check(struct dp_server *s, const uint8_t *question)
{
	_Alignas(struct dp_checked) uint8_t answer[DP_CHECKED_MAX];

	tell(s, answer, dp_check_answer(s->demux, question, answer));
}

static void
apply(struct dp_server *s, const uint8_t *message, size_t len, int64_t now)
{
	switch (dp_apply(s->demux, message, len, now)) {
	case DP_APPLIED_BEGIN:
		s->in_step = false;
		break;
	case DP_APPLIED_END:
		s->in_step = s->claims_untold = true;
		break;
	case DP_APPLIED_CHECK:
		answer_check(s, message);
		break;
	default:
		break;
	}
}

/* Returns how many messages the packet was. */
static unsigned
apply_packet(struct dp_server *s, size_t len, int64_t now)
{
	const uint8_t *at = s->packet, *end = at + len;
	unsigned n = 0;

	for (size_t length; at < end; at += length, n++) {
		length = dp_message_length(at, (size_t)(end - at));
		apply(s, at, length, now);
	}
	return n;
}

bool
dp_server_poll(struct dp_server *s, int64_t now)
{
	for (unsigned i = 0; s->fd >= 0 && i < MESSAGES_AT_ONCE;) {
		ssize_t n = recv(s->fd, s->packet, sizeof(s->packet), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n <= 0)
			return false;
		i += apply_packet(s, (size_t)n, now);
	}
	if (s->claims_untold)
		dp_server_tell_claims(s);
	return true;
}

/* A session has no value: cookie 0. */
static struct dp_claim
claim_message(enum dp_op op, const struct learned *item)
{
	return (struct dp_claim){
		.op = op,
		.bind_id = item->binding->lease.bind_id,
		.local_addr = item->key.local_addr,
		.peer = item->peer,
		.cookie = item->key.value,
	};
}

static void
tell_claim(struct learned *item, void *arg)
{
	struct dp_server *s = arg;
	struct dp_claim message = claim_message(DP_CLAIMED, item);

	if (item->told || !item->answered || s->claims_untold)
		return;
	item->told = tell(s, &message, sizeof(message));
	s->claims_untold = !item->told;
}

void
dp_server_tell_claims(struct dp_server *s)
{
	if (!s->in_step)
		return;
	s->claims_untold = false;
	learned_walk(demux_learned(s->demux), LEARNED_COOKIE, tell_claim, s);
	learned_walk(demux_learned(s->demux), LEARNED_IKE_PEER, tell_claim, s);
}

void
dp_server_forgotten(struct dp_server *s, const struct learned *item)
{
	struct dp_claim message;

	if (!item->told)
		return;
	message = claim_message(DP_UNCLAIMED, item);
	tell(s, &message, sizeof(message));
}

void
dp_server_violation(struct dp_server *s, struct demux_host *host, const struct dp_violation *v, int64_t now)
{
	bool allowed = host != NULL ? token_bucket_take(&host->violations, VIOLATIONS_PER_SECOND, now) :
	                              token_bucket_take(&s->strangers, STRANGERS_PER_SECOND, now);

	if (allowed)
		tell(s, v, sizeof(*v));
}
