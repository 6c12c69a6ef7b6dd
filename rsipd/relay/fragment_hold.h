/* Later fragments that came before their first one, which alone tells whose they are: kept until it comes (RFC 3102
 * 3.1: a gateway reassembles to route, and times fragments out). Nothing is put together; each leaves as it came.
 *
 * Bounded against a flood three ways: in bytes in all, in bytes and packets for each sender, and in time. A sender is
 * an address; a secret hash gives it one of FRAGMENT_HOLD_SHARES shares, and where its share is full its own oldest
 * packet goes. Only a flood from forged addresses all over fills the whole: then the oldest packet of all goes, which
 * still leaves each some milliseconds, the time by which real networks reorder. Fragments in order never come here. */
#ifndef RSIPD_FRAGMENT_HOLD_H
#define RSIPD_FRAGMENT_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "encap.h"
#include "learned.h"
#include "packet.h"

#define FRAGMENT_HOLD_MS 2000
#define FRAGMENT_HOLD_BYTES (4u * 1024 * 1024) /* with what it takes to keep them */
#define FRAGMENT_HOLD_SHARES 256u
#define FRAGMENT_HOLD_SHARE_BYTES (FRAGMENT_HOLD_BYTES / 16)
#define FRAGMENT_HOLD_SHARE_PACKETS 64u

/* The packet that fragments are parts of. */
struct fragment_key {
	struct learned_key packet; /* LEARNED_FRAGMENT_IN or _OUT */
	ip4_t host;                /* outbound: who sent it, else 0 */
};

/* One fragment. The caller that got it from fragment_hold_next frees it. */
struct held_fragment {
	STAILQ_ENTRY(held_fragment) next;
	struct fragment_key key;
	struct tunnel_kind tunnel; /* outbound: through which it came */
	size_t len;
	uint8_t bytes[];
};

/* Fragments given up, since the last fragment_hold_take_lost. */
struct fragment_hold_lost {
	uint64_t late;    /* the first one did not come in time */
	uint64_t flooded; /* room was needed for others */
};

struct fragment_hold;

struct fragment_hold *fragment_hold_new(void);
void fragment_hold_free(struct fragment_hold *hold);

/* Keeps a copy of p. spare: the packet itself went on (own-address mode), so that losing the copy is no loss. */
void fragment_hold_add(struct fragment_hold *hold, const struct fragment_key *key, const struct packet *p,
                       struct tunnel_kind tunnel, bool spare, int64_t now);

/* The first fragment has come: the others are handed out by fragment_hold_next, in the order in which they came. */
void fragment_hold_release(struct fragment_hold *hold, const struct fragment_key *key);
struct held_fragment *fragment_hold_next(struct fragment_hold *hold); /* NULL: no more */

/* The first fragment has come and was not a host's. Spare copies only. */
void fragment_hold_forget(struct fragment_hold *hold, const struct fragment_key *key);

/* Gives up what has waited too long. Call about once a second. */
void fragment_hold_expire(struct fragment_hold *hold, int64_t now);

struct fragment_hold_lost fragment_hold_take_lost(struct fragment_hold *hold);
/* Bytes in use now, at most FRAGMENT_HOLD_BYTES. */
size_t fragment_hold_bytes(const struct fragment_hold *hold);

#endif
