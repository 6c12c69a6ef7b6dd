#include "remote_names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "binding.h"
#include "clock.h"
#include "log.h"
#include "mem.h"

#define NAME_MAX_LEN 254 /* as the codec allows */

struct remote_names {
	struct remote_names_events events;
	struct remote_name *by_name;
};

struct remote_names *
remote_names_new(const struct remote_names_events *events)
{
	struct remote_names *names = mem_zero(1, sizeof(*names));

	names->events = *events;
	return names;
}

static void
forget(struct remote_names *names, struct remote_name *n)
{
	HASH_DEL(names->by_name, n);
	free(n->name);
	free(n);
}

void
remote_names_free(struct remote_names *names)
{
	struct remote_name *n, *next;

	if (names == NULL)
		return;
	HASH_ITER(hh, names->by_name, n, next)
		forget(names, n);
	free(names);
}

static struct remote_name *
find(const struct remote_names *names, const char *name)
{
	struct remote_name *n;

	HASH_FIND_STR(names->by_name, name, n);
	return n;
}

static struct remote_name *
add(struct remote_names *names, const char *name)
{
	struct remote_name *n = mem_zero(1, sizeof(*n));

	n->name = mem_strdup(name);
	HASH_ADD_KEYPTR(hh, names->by_name, n->name, strlen(n->name), n);
	return n;
}

/* An answer may come before look_up returns; until then there is nothing more to be done. */
static void
look_up(struct remote_names *names, struct remote_name *n)
{
	n->looking = true;
	n->next = INT64_MAX;
	names->events.look_up(names->events.arg, n->name);
}

const struct remote_name *
remote_names_ask(struct remote_names *names, const char *text, size_t len)
{
	char name[NAME_MAX_LEN + 1];
	struct remote_name *n;

	if (names == NULL || len > NAME_MAX_LEN)
		return NULL;
	if (len > 0 && text[len - 1] == '.')
		len--;
	for (size_t i = 0; i < len; i++)
		name[i] = (char)tolower((unsigned char)text[i]);
	name[len] = '\0';
	if ((n = find(names, name)) != NULL)
		return n;
	if (HASH_COUNT(names->by_name) >= REMOTE_NAMES_MAX)
		return NULL;
	n = add(names, name);
	look_up(names, n);
	return n;
}

/* --- answers --- */

static bool
has_addr(const ip4_t *addrs, size_t n, ip4_t addr)
{
	for (size_t i = 0; i < n; i++) {
		if (addrs[i] == addr)
			return true;
	}
	return false;
}

static void
drop_addr(struct remote_name *n, size_t i)
{
	n->n--;
	n->addrs[i] = n->addrs[n->n];
	n->gone[i] = n->gone[n->n];
}

/* Where there is no room, what has been gone for longest makes some. */
static bool
make_room(struct remote_name *n)
{
	size_t oldest = 0;

	if (n->n < DP_REMOTE_ADDRS_MAX)
		return true;
	for (size_t i = 1; i < n->n; i++) {
		if (n->gone[i] != 0 && (n->gone[oldest] == 0 || n->gone[i] < n->gone[oldest]))
			oldest = i;
	}
	if (n->gone[oldest] == 0)
		return false;
	drop_addr(n, oldest);
	return true;
}

static bool
mark_gone(struct remote_name *n, const ip4_t *addrs, size_t n_addrs, int64_t now)
{
	bool any = false;

	for (size_t i = 0; i < n->n; i++) {
		if (has_addr(addrs, n_addrs, n->addrs[i]))
			n->gone[i] = 0;
		else if (n->gone[i] == 0)
			n->gone[i] = now;
		any = any || n->gone[i] != 0;
	}
	return any;
}

/* Returns whether there are others than before. */
static bool
take_addrs(struct remote_names *names, struct remote_name *n, const ip4_t *addrs, size_t n_addrs)
{
	bool changed = false;

	for (size_t i = 0; i < n_addrs; i++) {
		if (has_addr(n->addrs, n->n, addrs[i]) || !names->events.may_talk_to(names->events.arg, addrs[i]) || !make_room(n))
			continue;
		n->addrs[n->n] = addrs[i];
		n->gone[n->n++] = 0;
		changed = true;
	}
	return changed;
}

static bool
end_grace(struct remote_name *n, int64_t now)
{
	bool changed = false;

	for (size_t i = n->n; i-- > 0;) {
		if (n->gone[i] == 0 || now - n->gone[i] < REMOTE_NAME_GRACE_S * 1000)
			continue;
		drop_addr(n, i);
		changed = true;
	}
	return changed;
}

static void
tell_change(struct remote_names *names, struct remote_name *n)
{
	log_info("names", "addresses changed name=%s addresses=%zu", n->name, n->n);
	if (n->bindings != NULL)
		names->events.changed(names->events.arg, n);
}

static void
settle(struct remote_names *names, struct remote_name *n, enum remote_name_state state, uint32_t next_s)
{
	n->looking = false;
	n->state = state;
	n->next = clock_now() + (int64_t)next_s * 1000;
	names->events.answered(names->events.arg);
}

static uint32_t
bounded_ttl(uint32_t ttl_s)
{
	return ttl_s < REMOTE_NAME_TTL_MIN_S ? REMOTE_NAME_TTL_MIN_S :
	       ttl_s > REMOTE_NAME_TTL_MAX_S ? REMOTE_NAME_TTL_MAX_S : ttl_s;
}

void
remote_names_answer(struct remote_names *names, const char *name, const ip4_t *addrs, size_t n_addrs, uint32_t ttl_s)
{
	struct remote_name *n = find(names, name);
	int64_t now = clock_now();
	uint32_t next_s = bounded_ttl(ttl_s);
	bool changed;

	if (n == NULL || !n->looking)
		return;
	if (mark_gone(n, addrs, n_addrs, now) && next_s > REMOTE_NAME_GRACE_S)
		next_s = REMOTE_NAME_GRACE_S;
	changed = end_grace(n, now);
	changed = take_addrs(names, n, addrs, n_addrs) || changed;
	if (n->n == 0 && n->bindings == NULL)
		next_s = REMOTE_NAME_FORGET_S;
	if (changed)
		tell_change(names, n);
	settle(names, n, n->n > 0 ? REMOTE_NAME_KNOWN : REMOTE_NAME_NONE, next_s);
}

void
remote_names_failed(struct remote_names *names, const char *name)
{
	static struct log_limit limit;
	struct remote_name *n = find(names, name);

	if (n == NULL || !n->looking)
		return;
	log_warn_limited(&limit, "names", "lookup failed name=%s addresses_kept=%zu", name, n->n);
	settle(names, n, n->n > 0 ? REMOTE_NAME_KNOWN : REMOTE_NAME_FAILED,
	       n->bindings != NULL ? REMOTE_NAME_RETRY_S : REMOTE_NAME_FORGET_S);
}

void
remote_names_restore(struct remote_names *names, const char *name, const ip4_t *addrs, size_t n_addrs)
{
	struct remote_name *n;

	if (names == NULL)
		return;
	n = find(names, name) != NULL ? find(names, name) : add(names, name);
	take_addrs(names, n, addrs, n_addrs);
	n->state = n->n > 0 ? REMOTE_NAME_KNOWN : REMOTE_NAME_NONE;
	n->next = clock_now();
}

/* --- bindings --- */

void
remote_names_attach(struct remote_names *names, struct binding *b)
{
	struct remote_name *n;

	if (names == NULL)
		return;
	n = find(names, binding_remote_name(b));
	if (n == NULL) { /* a database without its addresses: they will come */
		n = add(names, binding_remote_name(b));
		n->next = clock_now();
	}
	b->terms->named->remote = n;
	DL_APPEND2(n->bindings, b, terms->named->prev, terms->named->next);
}

void
remote_names_detach(struct remote_names *names, struct binding *b)
{
	struct remote_name *n = binding_remote(b);

	if (names == NULL || n == NULL)
		return;
	DL_DELETE2(n->bindings, b, terms->named->prev, terms->named->next);
	b->terms->named->remote = NULL;
}

/* --- time --- */

/* A name that nobody has is forgotten instead. */
static void
renew(struct remote_names *names, struct remote_name *n, int64_t now)
{
	if (n->bindings == NULL) {
		forget(names, n);
		return;
	}
	if (end_grace(n, now))
		tell_change(names, n);
	look_up(names, n);
}

void
remote_names_due(struct remote_names *names)
{
	struct remote_name *n, *next;
	int64_t now = clock_now();

	HASH_ITER(hh, names->by_name, n, next) {
		if (!n->looking && n->next <= now)
			renew(names, n, now);
	}
}

int64_t
remote_names_delay(const struct remote_names *names)
{
	int64_t soonest = INT64_MAX, now = clock_now();

	for (const struct remote_name *n = names->by_name; n != NULL; n = n->hh.next) {
		if (!n->looking && n->next < soonest)
			soonest = n->next;
	}
	return soonest == INT64_MAX ? -1 : soonest > now ? soonest - now : 0;
}
