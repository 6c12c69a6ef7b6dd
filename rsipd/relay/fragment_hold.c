#include "fragment_hold.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "siphash.h"

STAILQ_HEAD(held_list, held_fragment);

/* What has come of one packet. */
struct train {
	struct fragment_key key;
	struct share *share;
	int64_t since;
	bool spare;
	size_t bytes; /* that it is charged with */
	struct held_list fragments;
	TAILQ_ENTRY(train) in_share, in_all; /* both oldest first */
};

TAILQ_HEAD(train_list, train);

struct share {
	struct train_list trains;
	size_t bytes;
	unsigned n;
};

struct fragment_hold {
	struct siphash_key secret;
	struct share shares[FRAGMENT_HOLD_SHARES];
	struct train_list all;
	size_t bytes;
	struct held_list released;
	struct fragment_hold_lost lost;
};

struct fragment_hold *
fragment_hold_new(void)
{
	struct fragment_hold *hold = mem_zero(1, sizeof(*hold));

	siphash_key_random(&hold->secret);
	for (unsigned i = 0; i < FRAGMENT_HOLD_SHARES; i++)
		TAILQ_INIT(&hold->shares[i].trains);
	TAILQ_INIT(&hold->all);
	STAILQ_INIT(&hold->released);
	return hold;
}

/* ---- trains ---- */

static struct share *
share_of(struct fragment_hold *hold, const struct fragment_key *key)
{
	ip4_t sender = key->packet.kind == LEARNED_FRAGMENT_IN ? key->packet.peer_addr : key->host;

	return &hold->shares[siphash(&hold->secret, &sender, sizeof(sender)) % FRAGMENT_HOLD_SHARES];
}

static bool
same_key(const struct fragment_key *a, const struct fragment_key *b)
{
	return a->packet.kind == b->packet.kind && a->packet.local_addr == b->packet.local_addr &&
	       a->packet.peer_addr == b->packet.peer_addr && a->packet.value == b->packet.value && a->host == b->host;
}

/* FRAGMENT_HOLD_SHARE_PACKETS steps at most. */
static struct train *
train_find(const struct share *share, const struct fragment_key *key)
{
	struct train *train;

	TAILQ_FOREACH(train, &share->trains, in_share) {
		if (same_key(&train->key, key))
			return train;
	}
	return NULL;
}

static void
charge(struct fragment_hold *hold, struct train *train, size_t bytes)
{
	train->bytes += bytes;
	train->share->bytes += bytes;
	hold->bytes += bytes;
}

static struct train *
train_new(struct fragment_hold *hold, struct share *share, const struct fragment_key *key, bool spare, int64_t now)
{
	struct train *train = mem_zero(1, sizeof(*train));

	train->key = *key;
	train->share = share;
	train->since = now;
	train->spare = spare;
	STAILQ_INIT(&train->fragments);
	TAILQ_INSERT_TAIL(&share->trains, train, in_share);
	TAILQ_INSERT_TAIL(&hold->all, train, in_all);
	share->n++;
	charge(hold, train, sizeof(*train));
	return train;
}

/* The fragments are another's, or freed, by now. */
static void
train_remove(struct fragment_hold *hold, struct train *train)
{
	TAILQ_REMOVE(&train->share->trains, train, in_share);
	TAILQ_REMOVE(&hold->all, train, in_all);
	train->share->n--;
	train->share->bytes -= train->bytes;
	hold->bytes -= train->bytes;
	free(train);
}

static unsigned
free_all(struct held_list *list)
{
	struct held_fragment *held;
	unsigned n = 0;

	while ((held = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, next);
		free(held);
		n++;
	}
	return n;
}

/* *lost counts its fragments, unless they were only copies. */
static void
give_up(struct fragment_hold *hold, struct train *train, uint64_t *lost)
{
	unsigned n = free_all(&train->fragments);

	if (!train->spare)
		*lost += n;
	train_remove(hold, train);
}

/* ---- in ---- */

static void
make_room(struct fragment_hold *hold, struct share *share, size_t bytes, unsigned trains)
{
	while (share->n > 0 && (share->bytes + bytes > FRAGMENT_HOLD_SHARE_BYTES ||
	                        share->n + trains > FRAGMENT_HOLD_SHARE_PACKETS))
		give_up(hold, TAILQ_FIRST(&share->trains), &hold->lost.flooded);
	while (hold->bytes + bytes > FRAGMENT_HOLD_BYTES)
		give_up(hold, TAILQ_FIRST(&hold->all), &hold->lost.flooded);
}

static struct held_fragment *
held_new(const struct fragment_key *key, const struct packet *p, struct tunnel_kind tunnel)
{
	struct held_fragment *held = mem_zero(1, sizeof(*held) + p->len);

	held->key = *key;
	held->tunnel = tunnel;
	held->len = p->len;
	memcpy(held->bytes, p->bytes, p->len);
	return held;
}

void
fragment_hold_add(struct fragment_hold *hold, const struct fragment_key *key, const struct packet *p,
                  struct tunnel_kind tunnel, bool spare, int64_t now)
{
	struct share *share = share_of(hold, key);
	bool first = train_find(share, key) == NULL;
	size_t bytes = sizeof(struct held_fragment) + p->len;
	struct held_fragment *held;
	struct train *train;

	make_room(hold, share, sizeof(*train) + bytes, first ? 1 : 0);
	train = train_find(share, key); /* it may have been the one to go */
	if (train == NULL)
		train = train_new(hold, share, key, spare, now);
	held = held_new(key, p, tunnel);
	STAILQ_INSERT_TAIL(&train->fragments, held, next);
	charge(hold, train, bytes);
}

/* ---- out ---- */

void
fragment_hold_release(struct fragment_hold *hold, const struct fragment_key *key)
{
	struct train *train = train_find(share_of(hold, key), key);

	if (train == NULL)
		return;
	STAILQ_CONCAT(&hold->released, &train->fragments);
	train_remove(hold, train);
}

struct held_fragment *
fragment_hold_next(struct fragment_hold *hold)
{
	struct held_fragment *held = STAILQ_FIRST(&hold->released);

	if (held != NULL)
		STAILQ_REMOVE_HEAD(&hold->released, next);
	return held;
}

void
fragment_hold_forget(struct fragment_hold *hold, const struct fragment_key *key)
{
	struct train *train = train_find(share_of(hold, key), key);

	if (train != NULL)
		give_up(hold, train, &hold->lost.late);
}

void
fragment_hold_expire(struct fragment_hold *hold, int64_t now)
{
	struct train *train;

	while ((train = TAILQ_FIRST(&hold->all)) != NULL && now - train->since >= FRAGMENT_HOLD_MS)
		give_up(hold, train, &hold->lost.late);
}

struct fragment_hold_lost
fragment_hold_take_lost(struct fragment_hold *hold)
{
	struct fragment_hold_lost lost = hold->lost;

	hold->lost = (struct fragment_hold_lost){ 0 };
	return lost;
}

size_t
fragment_hold_bytes(const struct fragment_hold *hold)
{
	return hold->bytes;
}

void
fragment_hold_free(struct fragment_hold *hold)
{
	uint64_t lost = 0;

	while (!TAILQ_EMPTY(&hold->all))
		give_up(hold, TAILQ_FIRST(&hold->all), &lost);
	free_all(&hold->released);
	free(hold);
}
