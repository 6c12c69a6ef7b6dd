#include "fragments.h"

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

/* The latest first fragment counts: peers use an ID again long before its time is over. */
void
fragments_first(struct demux *d, const struct packet *p, enum local_side side, struct demux_binding *binding,
                int64_t now)
{
	struct learned_key key = fragment_key(p, side);
	struct learned *item = find(d, &key, binding->host);

	if (item != NULL)
		learned_forget(item);
	item = learned_add(demux_learned(d), &key, &binding->host->learner, binding, now);
	if (item != NULL)
		item->first_len = p->payload_len;
}

struct demux_binding *
fragments_owner(struct demux *d, const struct packet *p, enum local_side side, const struct demux_host *host)
{
	struct learned_key key = fragment_key(p, side);
	const struct learned *item = find(d, &key, host);

	return item != NULL && p->fragment_offset >= item->first_len ? item->binding : NULL;
}
