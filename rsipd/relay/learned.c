#include "learned.h"

#include <stdlib.h>

#include "mem.h"
#include "siphash.h"

#define SECONDS(s) ((int64_t)(s) * 1000)
#define BUCKETS 65536u /* chains stay short up to some 100 000 items; the memory is half a megabyte */

/* How long an item lives unused, how many one learner may have (cookies: learner->max_cookies), and after how long
 * unused one may be replaced when the quota is full.
 *
 * An IKE SA may be silent for hours where neither side probes, so cookies and sessions live long; a host that has
 * its fill of them loses only what it has not used for minutes. RFC 5508 REQ-1: 60 s for ICMP queries at least.
 * Fragments: RFC 1122 3.3.2, 60 s at least and 120 at most for a host; a router that needs only the order keeps
 * less. */
static const struct {
	int64_t idle_ms;
	uint32_t quota;
	int64_t grace_ms;
} limits[LEARNED_KINDS] = {
	[LEARNED_COOKIE] = { SECONDS(4 * 3600), 0, SECONDS(120) },
	[LEARNED_IKE_PEER] = { SECONDS(4 * 3600), 256, 0 },
	[LEARNED_ICMP_ID] = { SECONDS(60), 256, 0 },
	[LEARNED_PEER_SPI] = { SECONDS(3600), 256, 0 },
	[LEARNED_FRAGMENT_IN] = { SECONDS(30), 256, 0 },
	[LEARNED_FRAGMENT_OUT] = { SECONDS(30), 256, 0 },
};

LIST_HEAD(bucket, learned);

struct learned_table {
	struct siphash_key secret;
	learned_forget_cb *on_forget;
	void *arg;
	learned_watch_cb *watch;
	void *watch_arg;
	LIST_HEAD(, learner) learners;
	struct bucket buckets[BUCKETS];
};

struct learned_table *
learned_new(learned_forget_cb *on_forget, void *arg)
{
	struct learned_table *table = mem_zero(1, sizeof(*table));

	siphash_key_random(&table->secret);
	table->on_forget = on_forget;
	table->arg = arg;
	LIST_INIT(&table->learners);
	return table;
}

void
learned_free(struct learned_table *table)
{
	free(table);
}

void
learned_watch(struct learned_table *table, learned_watch_cb *watch, void *arg)
{
	table->watch = watch;
	table->watch_arg = arg;
}

static void
tell_watcher(const struct learned *item, bool gone)
{
	const struct learned_table *table = item->learner->table;

	if (item->key.kind == LEARNED_COOKIE && table->watch != NULL)
		table->watch(item, gone, table->watch_arg);
}

void
learned_join(struct learned_table *table, struct learner *learner)
{
	learner->table = table;
	learner->kinds = NULL;
	LIST_INSERT_HEAD(&table->learners, learner, in_table);
}

static struct learned_kinds *
kinds_of(struct learner *learner)
{
	if (learner->kinds == NULL) {
		learner->kinds = mem_zero(1, sizeof(*learner->kinds));
		for (int kind = 0; kind < LEARNED_KINDS; kind++)
			TAILQ_INIT(&learner->kinds->items[kind]);
	}
	return learner->kinds;
}

/* One item more or less of what the learner has. */
static void
count(struct learner *learner, enum learned_kind kind, int n)
{
	learner->kinds->n[kind] += (uint32_t)n;
	learner->kinds->n_all += (uint32_t)n;
	if (learner->kinds->n_all > 0)
		return;
	free(learner->kinds);
	learner->kinds = NULL;
}

void
learned_leave(struct learner *learner)
{
	struct learned *item;

	for (int kind = 0; kind < LEARNED_KINDS; kind++) {
		while ((item = learner_oldest(learner, kind)) != NULL)
			learned_forget(item);
	}
	LIST_REMOVE(learner, in_table);
}

static struct bucket *
bucket_of(struct learned_table *table, const struct learned_key *key)
{
	return &table->buckets[siphash(&table->secret, key, sizeof(*key)) % BUCKETS];
}

static bool
same_key(const struct learned_key *a, const struct learned_key *b)
{
	return a->kind == b->kind && a->local_addr == b->local_addr && a->peer_addr == b->peer_addr &&
	       a->value == b->value;
}

/* New items go to the front of their bucket, so the last one found is the oldest. */
struct learned *
learned_find(struct learned_table *table, const struct learned_key *key)
{
	struct learned *item, *found = NULL;

	LIST_FOREACH(item, bucket_of(table, key), in_bucket) {
		if (same_key(&item->key, key))
			found = item;
	}
	return found;
}

struct learned *
learned_find_of(struct learned_table *table, const struct learned_key *key, const struct learner *learner)
{
	struct learned *item;

	LIST_FOREACH(item, bucket_of(table, key), in_bucket) {
		if (item->learner == learner && same_key(&item->key, key))
			return item;
	}
	return NULL;
}

struct learned *
learned_find_sole(struct learned_table *table, const struct learned_key *key, const struct learner *except)
{
	struct learned *item, *found = NULL;

	LIST_FOREACH(item, bucket_of(table, key), in_bucket) {
		if (item->learner == except || !same_key(&item->key, key))
			continue;
		if (found != NULL)
			return NULL;
		found = item;
	}
	return found;
}

/* The item that has to go for a new one, or NULL when none may. */
static struct learned *
replaceable(struct learner *learner, enum learned_kind kind, int64_t now)
{
	struct learned *item, *oldest = learner_oldest(learner, kind);

	if (oldest == NULL)
		return NULL;
	if (kind == LEARNED_COOKIE) {
		for (item = oldest; item != NULL; item = TAILQ_NEXT(item, in_use_order)) {
			if (!item->answered)
				return item;
		}
	}
	return now - oldest->used >= limits[kind].grace_ms ? oldest : NULL;
}

static void
forget_and_tell(struct learned_table *table, struct learned *item)
{
	table->on_forget(item, table->arg);
	learned_forget(item);
}

static bool
make_room(struct learned_table *table, struct learner *learner, enum learned_kind kind, int64_t now)
{
	uint32_t quota = kind == LEARNED_COOKIE ? learner->max_cookies : limits[kind].quota;

	while (learner_count(learner, kind) >= quota) {
		struct learned *item = replaceable(learner, kind, now);

		if (item == NULL)
			return false;
		forget_and_tell(table, item);
	}
	return true;
}

struct learned *
learned_add(struct learned_table *table, const struct learned_key *key, struct learner *learner,
            struct demux_binding *binding, int64_t now)
{
	struct learned *item;

	if (!make_room(table, learner, key->kind, now))
		return NULL;
	item = mem_zero(1, sizeof(*item));
	item->key = *key;
	item->learner = learner;
	item->binding = binding;
	item->used = now;
	LIST_INSERT_HEAD(bucket_of(table, key), item, in_bucket);
	TAILQ_INSERT_TAIL(&kinds_of(learner)->items[key->kind], item, in_use_order);
	count(learner, key->kind, 1);
	tell_watcher(item, false);
	return item;
}

void
learned_use(struct learned *item, int64_t now)
{
	struct learned_list *list = &item->learner->kinds->items[item->key.kind];

	item->used = now;
	TAILQ_REMOVE(list, item, in_use_order);
	TAILQ_INSERT_TAIL(list, item, in_use_order);
}

void
learned_answered(struct learned *item)
{
	if (item->answered)
		return;
	item->answered = true;
	tell_watcher(item, false);
}

void
learned_forget(struct learned *item)
{
	tell_watcher(item, true);
	LIST_REMOVE(item, in_bucket);
	TAILQ_REMOVE(&item->learner->kinds->items[item->key.kind], item, in_use_order);
	count(item->learner, item->key.kind, -1);
	free(item);
}

/* Lists are in the order of the last use, which expiry relies on. */
static void
insert_in_order(struct learner *learner, struct learned *item)
{
	struct learned_list *list = &kinds_of(learner)->items[item->key.kind];
	struct learned *before = TAILQ_LAST(list, learned_list);

	while (before != NULL && before->used > item->used)
		before = TAILQ_PREV(before, learned_list, in_use_order);
	if (before != NULL)
		TAILQ_INSERT_AFTER(list, before, item, in_use_order);
	else
		TAILQ_INSERT_HEAD(list, item, in_use_order);
}

void
learned_hand_over(struct learner *from, struct learner *to, const struct demux_binding *binding)
{
	struct learned *item, *next;

	for (int kind = 0; kind < LEARNED_KINDS; kind++) {
		for (item = learner_oldest(from, kind); item != NULL; item = next) {
			next = TAILQ_NEXT(item, in_use_order);
			if (item->binding != binding)
				continue;
			TAILQ_REMOVE(&from->kinds->items[kind], item, in_use_order);
			count(from, kind, -1);
			item->learner = to;
			insert_in_order(to, item);
			count(to, kind, 1);
		}
	}
}

void
learned_forget_binding(struct learner *learner, const struct demux_binding *binding)
{
	struct learned *item, *next;

	for (int kind = 0; kind < LEARNED_KINDS; kind++) {
		for (item = learner_oldest(learner, kind); item != NULL; item = next) {
			next = TAILQ_NEXT(item, in_use_order);
			if (item->binding == binding)
				learned_forget(item);
		}
	}
}

void
learned_expire(struct learned_table *table, int64_t now)
{
	struct learner *learner;
	struct learned *item;

	LIST_FOREACH(learner, &table->learners, in_table) {
		for (int kind = 0; kind < LEARNED_KINDS; kind++) {
			while ((item = learner_oldest(learner, kind)) != NULL &&
			       now - item->used >= limits[kind].idle_ms)
				forget_and_tell(table, item);
		}
	}
}

void
learned_walk(struct learned_table *table, enum learned_kind kind, void (*each)(struct learned *, void *), void *arg)
{
	struct learner *learner;
	struct learned *item;

	LIST_FOREACH(learner, &table->learners, in_table) {
		for (item = learner_oldest(learner, kind); item != NULL; item = TAILQ_NEXT(item, in_use_order))
			each(item, arg);
	}
}
