#include "fragments.h"

#include "fragment_hold.h"

/* RFC 791 3.2: fragments belong together by source, destination, protocol and identification. */
static struct learned_key
fragment_key(const struct packet *p, enum local_side side)
{
	return (struct learned_key){
		.kind = side == LOCAL_IS_DST ? LEARNED_FRAGMENT_IN : LEARNED_FRAGMENT_OUT,
		.local_addr = side == LOCAL_IS_DST ? p->dst : p->src,
		.peer_addr = side == LOCAL_IS_DST ? p->src : p->dst,
		.value = (uint64_t)p->proto << 16 | p->id,
	};
}

static struct learned *
find(struct demux *d, const struct learned_key *key, const struct demux_host *host)
{
	if (key->kind == LEARNED_FRAGMENT_IN)
		return learned_find(demux_learned(d), key);
	return learned_find_of(demux_learned(d), key, &host->learner);
}

static struct fragment_key
hold_key(const struct packet *p, enum local_side side, const struct demux_host *host)
{
	return (struct fragment_key){ .packet = fragment_key(p, side), .host = side == LOCAL_IS_SRC ? host->addr : 0 };
}

/* The latest first fragment counts: peers use an ID again long before its time is over. */
void
fragments_first(struct demux *d, const struct packet *p, enum local_side side, struct demux_binding *binding,
                int64_t now)
{
	struct fragment_key key = hold_key(p, side, binding->host);
	struct learned *item = find(d, &key.packet, binding->host);

	if (item != NULL)
		learned_forget(item);
	item = learned_add(demux_learned(d), &key.packet, &binding->host->learner, binding, now);
	if (item != NULL)
		item->first_len = p->payload_len;
	fragment_hold_release(demux_held(d), &key);
}

void
fragments_first_of_nobody(struct demux *d, const struct packet *p)
{
	struct fragment_key key = hold_key(p, LOCAL_IS_DST, NULL);

	fragment_hold_forget(demux_held(d), &key);
}

enum fragment_fate
fragments_owner(struct demux *d, const struct packet *p, enum local_side side, const struct demux_host *host,
                struct demux_binding **owner)
{
	struct learned_key key = fragment_key(p, side);
	const struct learned *item = find(d, &key, host);

	*owner = NULL;
	if (item == NULL)
		return FRAGMENT_EARLY;
	if (p->fragment_offset < item->first_len)
		return FRAGMENT_OVERLAPS;
	*owner = item->binding;
	return FRAGMENT_OWNED;
}

void
fragments_hold_in(struct demux *d, const struct packet *p, bool spare, int64_t now)
{
	struct fragment_key key = hold_key(p, LOCAL_IS_DST, NULL);

	fragment_hold_add(demux_held(d), &key, p, (struct tunnel_kind){ 0 }, spare, now);
}

void
fragments_hold_out(struct demux *d, const struct packet *p, const struct demux_host *host, struct tunnel_kind tunnel,
                   int64_t now)
{
	struct fragment_key key = hold_key(p, LOCAL_IS_SRC, host);

	fragment_hold_add(demux_held(d), &key, p, tunnel, false, now);
}
