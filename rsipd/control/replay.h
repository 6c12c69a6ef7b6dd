/* UDP reliability at the gateway, RFC 3103 10.1: the last response of a host is kept, and repeated byte for byte for a
 * duplicate of its request; older duplicates are never executed again.
 *
 * A host's requests are told apart by source port and message counter. A host that rebooted comes from a new port and
 * begins a new sequence there; the sequences of a few earlier ports are remembered, so that their stragglers are
 * known for what they are. */
#ifndef RSIPD_REPLAY_H
#define RSIPD_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#define REPLAY_PORTS 4

struct replay {
	struct replay_seq { uint16_t port; uint32_t counter; } seen[REPLAY_PORTS]; /* latest first; port 0 = unused */
	uint8_t *response; /* the answer to seen[0]; NULL when there is none yet */
	size_t response_len;
};

enum replay_verdict {
	REPLAY_NEW,
	REPLAY_DUPLICATE, /* of the latest request: send the kept response again */
	REPLAY_OLD,       /* of an earlier one */
};

/* Zero-initialised to begin with. */
enum replay_verdict replay_check(const struct replay *r, uint16_t port, uint32_t counter);

/* Notes a request as the latest, and its response (copied). */
void replay_note(struct replay *r, uint16_t port, uint32_t counter, const void *response, size_t len);

/* The port that asynchronous messages go to: the last one heard from; 0 when none. */
uint16_t replay_port(const struct replay *r);

void replay_clear(struct replay *r); /* frees what it holds */

#endif
