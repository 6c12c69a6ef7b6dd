#include "ike_demux.h"

/* Who holds a cookie, and the claim by which he does; no claim where it is a leased block. */
struct holder {
	struct demux_binding *binding;
	struct learned *claim;
};

static struct learned_key
cookie_key(ip4_t local_addr, uint64_t cookie)
{
	return (struct learned_key){ .kind = LEARNED_COOKIE, .local_addr = local_addr, .value = cookie };
}

/* The claim is older than any block it could lie in: who took the block chooses another cookie of it. */
static struct holder
holder_of(const struct demux *d, ip4_t local_addr, uint64_t cookie)
{
	struct learned_key key = cookie_key(local_addr, cookie);
	const struct addr_table *t = demux_addr(d, local_addr);
	struct holder holder = { 0 };

	if (t == NULL || cookie == 0)
		return holder;
	holder.claim = learned_find(demux_learned(d), &key);
	holder.binding = holder.claim != NULL ? holder.claim->binding : addr_table_cookie(t, cookie);
	return holder;
}

static bool
held_by(const struct holder *holder, const struct demux_host *host)
{
	return holder->binding != NULL && holder->binding->host == host;
}

static struct holder
other_holder_of(const struct demux *d, ip4_t local_addr, uint64_t cookie, const struct demux_host *sender)
{
	struct holder holder = holder_of(d, local_addr, cookie);

	return sender != NULL && held_by(&holder, sender) ? (struct holder){ 0 } : holder;
}

/* A peer's cookie may lie in a block of ours by chance. When the two fields lead to different hosts, the local
 * side's own one decides; where IKE does not say which that is, the initiator's (RFC 3104 4). */
static struct holder
holder_by_cookies(const struct demux *d, const struct demux_key *key, enum local_side side,
                  const struct demux_host *sender)
{
	struct holder initiator = other_holder_of(d, key->local_addr, key->initiator_cookie, sender);
	struct holder responder = other_holder_of(d, key->local_addr, key->responder_cookie, sender);
	enum ike_sender means_local_responds = side == LOCAL_IS_DST ? IKE_SENDER_INITIATOR : IKE_SENDER_RESPONDER;

	if (initiator.binding == NULL)
		return responder;
	if (responder.binding != NULL && key->ike_sender == means_local_responds)
		return responder;
	return initiator;
}

static struct learned_key
session_key(const struct demux_key *key)
{
	return demux_learned_key(LEARNED_IKE_PEER, key);
}

static struct demux_binding *
sole_session(struct demux *d, const struct demux_key *key, const struct demux_host *sender)
{
	struct learned_key session = session_key(key);
	const struct learned *item = learned_find_sole(demux_learned(d), &session, sender != NULL ? &sender->learner : NULL);

	return item != NULL ? item->binding : NULL;
}

struct demux_binding *
ike_owner(struct demux *d, const struct demux_key *key, enum local_side side, const struct demux_host *sender)
{
	struct demux_binding *owner = holder_by_cookies(d, key, side, sender).binding;

	return owner != NULL ? owner : sole_session(d, key, sender);
}

static struct learned *
claim(struct demux *d, const struct demux_key *key, uint64_t cookie, struct demux_binding *binding, int64_t now)
{
	struct learned_key cookies = cookie_key(key->local_addr, cookie);
	struct learned *item = learned_add(demux_learned(d), &cookies, &binding->host->learner, binding, now);

	if (item != NULL)
		item->peer = key->peer_addr;
	return item;
}

static bool
has_second_cookie(const struct demux_key *key)
{
	return key->responder_cookie != 0 && key->responder_cookie != key->initiator_cookie;
}

static void
session_use(struct demux *d, const struct demux_key *key, struct demux_binding *binding, int64_t now)
{
	struct learned_key session = session_key(key);
	struct learned *item = learned_find_of(demux_learned(d), &session, &binding->host->learner);

	if (item != NULL) {
		learned_use(item, now);
	} else if ((item = learned_add(demux_learned(d), &session, &binding->host->learner, binding, now)) != NULL) {
		item->peer = key->peer_addr;
		learned_answered(item);
	}
}

/* Only the peer has used these cookies so far. They are claimed so that they stay with this host when another begins to
 * speak with the same peer; the claims are the first to go when the host's quota is full, so a flood of made-up cookies
 * takes no claim from the host that it has used itself. */
static void
claim_unanswered(struct demux *d, const struct demux_key *key, struct demux_binding *binding, int64_t now)
{
	if (holder_of(d, key->local_addr, key->initiator_cookie).binding == NULL)
		claim(d, key, key->initiator_cookie, binding, now);
	if (has_second_cookie(key) && holder_of(d, key->local_addr, key->responder_cookie).binding == NULL)
		claim(d, key, key->responder_cookie, binding, now);
}

static struct demux_binding *
listener(const struct addr_table *t, ip4_t peer, const struct demux_host *sender)
{
	struct demux_binding *binding = addr_table_listener(t, peer);

	return binding != NULL && binding->host == sender ? NULL : binding;
}

struct demux_binding *
ike_receive(struct demux *d, const struct demux_key *key, const struct demux_host *sender, int64_t now)
{
	struct holder holder = holder_by_cookies(d, key, LOCAL_IS_DST, sender);
	const struct addr_table *t = demux_addr(d, key->local_addr);
	struct demux_binding *owner = holder.binding;

	if (holder.claim != NULL)
		learned_use(holder.claim, now);
	if (owner != NULL || t == NULL)
		return owner;
	if (key->kind == DEMUX_KEEPALIVE)
		return sole_session(d, key, sender);
	owner = listener(t, key->peer_addr, sender);
	if (owner == NULL)
		owner = sole_session(d, key, sender);
	if (owner != NULL)
		claim_unanswered(d, key, owner, now);
	return owner;
}

enum dp_drop
ike_unowned(struct demux *d, const struct demux_key *key, const struct demux_host *sender)
{
	struct learned_key session = session_key(key);
	const struct learned *any = learned_find(demux_learned(d), &session);
	const struct learned *sole = learned_find_sole(demux_learned(d), &session, NULL);

	if (any == NULL || (sole != NULL && sender != NULL && sole->learner == &sender->learner))
		return DP_DROP_UNKNOWN_COOKIE;
	return DP_DROP_AMBIGUOUS_COOKIE;
}

/* The host uses a cookie that it holds. True when this makes a peer's claim its own. */
static bool
use_held(const struct holder *holder, const struct demux_host *host, int64_t now)
{
	bool first = held_by(holder, host) && holder->claim != NULL && !holder->claim->answered;

	if (held_by(holder, host) && holder->claim != NULL) {
		learned_answered(holder->claim);
		learned_use(holder->claim, now);
	}
	return first;
}

/* Trial and error, RFC 3104 6.1: unique cookies are the host's from now on. */
static enum dp_drop
claim_new(struct demux *d, const struct demux_key *key, struct demux_binding *binding, int64_t now, unsigned *claimed)
{
	struct learned *item = claim(d, key, key->initiator_cookie, binding, now);

	if (item == NULL)
		return DP_DROP_COOKIE_QUOTA;
	learned_answered(item);
	*claimed = 1;
	if (has_second_cookie(key) && (item = claim(d, key, key->responder_cookie, binding, now)) != NULL) {
		learned_answered(item);
		*claimed = 2;
	}
	return DP_NO_DROP;
}

/* Only for a session that there is: a keepalive alone is none. */
static void
keep_session(struct demux *d, const struct demux_key *key, const struct demux_host *host, int64_t now)
{
	struct learned_key session = session_key(key);
	struct learned *item = learned_find_of(demux_learned(d), &session, &host->learner);

	if (item != NULL)
		learned_use(item, now);
}

/* The sender's own cookie of a packet between two hosts of one address; 0 while it has none. IKEv1 does not tell who
 * sends: then the initiator's field is the sender's unless another holds it. */
static uint64_t
own_cookie(const struct demux *d, const struct demux_key *key, const struct demux_host *host)
{
	struct holder initiator = holder_of(d, key->local_addr, key->initiator_cookie);

	if (key->ike_sender == IKE_SENDER_RESPONDER)
		return key->responder_cookie;
	if (key->ike_sender == IKE_SENDER_UNKNOWN && initiator.binding != NULL && !held_by(&initiator, host))
		return key->responder_cookie;
	return key->initiator_cookie;
}

/* To a host of the same address. The other field is the other's, and no collision. */
static enum dp_drop
send_to_neighbour(struct demux *d, const struct demux_key *key, struct demux_binding *binding, int64_t now,
                  unsigned *claimed)
{
	struct demux_key own = *key;
	struct holder holder;

	own.initiator_cookie = own_cookie(d, key, binding->host);
	own.responder_cookie = 0;
	holder = holder_of(d, key->local_addr, own.initiator_cookie);
	if (own.initiator_cookie == 0)
		return DP_NO_DROP;
	if (holder.binding == NULL)
		return claim_new(d, &own, binding, now, claimed);
	if (!held_by(&holder, binding->host))
		return DP_DROP_COOKIE_COLLISION;
	*claimed = use_held(&holder, binding->host, now);
	return DP_NO_DROP;
}

enum dp_drop
ike_send(struct demux *d, const struct demux_key *key, struct demux_binding *binding, int64_t now, unsigned *claimed)
{
	struct holder initiator = holder_of(d, key->local_addr, key->initiator_cookie);
	struct holder responder = holder_of(d, key->local_addr, key->responder_cookie);
	const struct demux_host *host = binding->host;
	enum dp_drop drop = DP_NO_DROP;

	*claimed = 0;
	if (key->kind == DEMUX_KEEPALIVE) {
		keep_session(d, key, host, now);
		return DP_NO_DROP;
	}
	if (key->peer_addr == key->local_addr)
		drop = send_to_neighbour(d, key, binding, now, claimed);
	else if (held_by(&initiator, host) || held_by(&responder, host))
		*claimed = (unsigned)use_held(&initiator, host, now) + (unsigned)use_held(&responder, host, now);
	else if (initiator.binding != NULL || responder.binding != NULL)
		drop = DP_DROP_COOKIE_COLLISION;
	else
		drop = claim_new(d, key, binding, now, claimed);
	if (drop == DP_NO_DROP)
		session_use(d, key, binding, now);
	return drop;
}

static void
restore_session(struct demux *d, const struct demux_key *key, struct demux_binding *binding, int64_t now)
{
	struct learned_key session = session_key(key);
	struct learned *item;

	session_use(d, key, binding, now);
	item = learned_find_of(demux_learned(d), &session, &binding->host->learner);
	if (item != NULL)
		item->told = true;
}

static void
restore_cookie(struct demux *d, const struct demux_key *key, uint64_t cookie, struct demux_binding *binding, int64_t now)
{
	struct holder holder = holder_of(d, key->local_addr, cookie);

	if (holder.binding == NULL)
		holder.claim = claim(d, key, cookie, binding, now);
	if (holder.claim != NULL && holder.claim->learner == &binding->host->learner) {
		learned_answered(holder.claim);
		holder.claim->told = true;
	}
}

void
ike_restore(struct demux *d, const struct dp_claim *told, int64_t now)
{
	struct demux_binding *binding = demux_binding(d, told->bind_id);
	struct demux_key key = { .local_addr = told->local_addr, .peer_addr = told->peer };

	if (binding == NULL || binding->lease.local_addr != told->local_addr)
		return;
	if (told->cookie == 0)
		restore_session(d, &key, binding, now);
	else
		restore_cookie(d, &key, told->cookie, binding, now);
}
