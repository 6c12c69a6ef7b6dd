/* What the relay learns by looking at packets: who uses which IKE cookie, which host speaks IKE with which peer, whose
 * echo requests and outbound SPIs are whose, where the rest of a fragmented packet belongs.
 *
 * One table holds it all. Every item belongs to one learner (a host) and one of its bindings, goes when that binding
 * goes or when it has not been used for its kind's time, and counts against the learner's quota of the kind: a host
 * can fill its own share and no other. Keys come from outside, so they are hashed with a secret. */
#ifndef RSIPD_LEARNED_H
#define RSIPD_LEARNED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "addr.h"

struct demux_binding;

enum learned_kind {
	LEARNED_COOKIE,       /* local_addr, value: the cookie. The learner owns it (design: IKE cookies) */
	LEARNED_IKE_PEER,     /* local_addr, peer_addr: has a live IKE session; several learners may */
	LEARNED_ICMP_ID,      /* local_addr, peer_addr, value: request type and id (RFC 3102 6.2) */
	LEARNED_PEER_SPI,     /* local_addr, peer_addr, value: protocol and SPI: for ICMP errors about ESP and AH */
	LEARNED_FRAGMENT_IN,  /* local_addr, peer_addr, value: protocol and IP ID of a packet whose first fragment came */
	LEARNED_FRAGMENT_OUT, /* the same, outbound; several learners may */
	LEARNED_KINDS
};

/* Hashed as bytes: no hidden padding, pad always 0. */
struct learned_key {
	uint32_t kind;
	ip4_t local_addr, peer_addr;
	uint32_t pad;
	uint64_t value;
};

struct learned {
	struct learned_key key;
	struct learner *learner;
	struct demux_binding *binding;
	int64_t used;  /* clock_now() of the last use */
	ip4_t peer;    /* LEARNED_COOKIE: where it was first used with; LEARNED_IKE_PEER: with whom the session is */
	bool answered; /* the same: the host itself has used it; until then it is a peer's claim */
	bool told;     /* the same: control knows */
	uint16_t first_len; /* LEARNED_FRAGMENT_*: payload bytes of the first fragment */
	LIST_ENTRY(learned) in_bucket;
	TAILQ_ENTRY(learned) in_use_order;
};

TAILQ_HEAD(learned_list, learned);

struct learned_kinds {
	struct learned_list items[LEARNED_KINDS]; /* longest unused first */
	uint32_t n[LEARNED_KINDS], n_all;
};

/* A host's share; embed it in what the host is. Small while nothing is learned, as of most of 100,000 hosts. */
struct learner {
	struct learned_kinds *kinds; /* NULL: there is nothing. Owned */
	struct learned_table *table;
	LIST_ENTRY(learner) in_table;
	uint32_t max_cookies;
};

static inline uint32_t
learner_count(const struct learner *learner, enum learned_kind kind)
{
	return learner->kinds != NULL ? learner->kinds->n[kind] : 0;
}

/* The one longest unused, or NULL; the others follow by in_use_order. */
static inline struct learned *
learner_oldest(const struct learner *learner, enum learned_kind kind)
{
	return learner->kinds != NULL ? TAILQ_FIRST(&learner->kinds->items[kind]) : NULL;
}

struct learned_table;

/* Called when a cookie was learned, when the host first uses it itself, and before it goes for whatever reason. */
typedef void learned_watch_cb(const struct learned *item, bool gone, void *arg);

/* Called before an item goes for its age or its quota, not when its binding goes. */
typedef void learned_forget_cb(const struct learned *item, void *arg);

struct learned_table *learned_new(learned_forget_cb *on_forget, void *arg);
void learned_free(struct learned_table *table); /* every learner must have left */

/* For a fast path that has to know the cookies too. NULL ends it. */
void learned_watch(struct learned_table *table, learned_watch_cb *watch, void *arg);

void learned_join(struct learned_table *table, struct learner *learner);
void learned_leave(struct learner *learner);

/* The oldest item with this key, or NULL. Pointers to items are valid until the next call that is not a lookup. */
struct learned *learned_find(struct learned_table *table, const struct learned_key *key);
struct learned *learned_find_of(struct learned_table *table, const struct learned_key *key,
                                const struct learner *learner);
/* The item with this key if exactly one learner, not counting except (NULL: none), has one, else NULL. */
struct learned *learned_find_sole(struct learned_table *table, const struct learned_key *key,
                                  const struct learner *except);

/* Adds an item, which the caller knows is not there. A learner with its quota full gives up its longest unused item if
 * that has been unused for its kind's grace time, or is an unanswered cookie; otherwise NULL. */
struct learned *learned_add(struct learned_table *table, const struct learned_key *key, struct learner *learner,
                            struct demux_binding *binding, int64_t now);
void learned_use(struct learned *item, int64_t now);
void learned_answered(struct learned *item); /* by the host itself: no longer a peer's claim alone */
void learned_forget(struct learned *item);
/* What was learned with the binding is the other learner's now; its quota is not looked at until the next item. */
void learned_hand_over(struct learner *from, struct learner *to, const struct demux_binding *binding);
void learned_forget_binding(struct learner *learner, const struct demux_binding *binding);

/* Forgets what has been unused too long. Call about once a second. */
void learned_expire(struct learned_table *table, int64_t now);

/* Calls each for every item of the kind; each may not change the table. */
void learned_walk(struct learned_table *table, enum learned_kind kind, void (*each)(struct learned *, void *),
                  void *arg);

#endif
