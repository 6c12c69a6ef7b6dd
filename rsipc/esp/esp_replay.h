/* The anti-replay window of one inbound SA (RFC 4303 3.4.3), for 32-bit and extended sequence numbers (appendix A).
 *
 * What is asked before the ICV was checked (replay_sequence, replay_fresh) changes nothing: only replay_accept, called
 * for an authentic packet, moves the window. */
#ifndef RSIPC_ESP_REPLAY_H
#define RSIPC_ESP_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_WINDOW_MIN 64
#define REPLAY_WINDOW_MAX 4096
#define REPLAY_WORDS (2 * REPLAY_WINDOW_MAX / 64) /* a power of two, and more than the largest window takes */

struct replay {
	uint64_t highest; /* of the packets accepted; 0 = none yet */
	uint32_t window;
	bool esn;
	uint64_t seen[REPLAY_WORDS]; /* a ring by sequence number, bit by bit */
};

/* window: REPLAY_WINDOW_MIN to REPLAY_WINDOW_MAX packets, any number. Everything up to `highest` counts as received. */
void replay_init(struct replay *r, uint32_t window, bool esn, uint64_t highest);

/* The whole number of a packet whose header carries the low half: with ESN the one that lies nearest to the window
 * (RFC 4303 A2.2). 0, which no packet has, when there is none. */
uint64_t replay_sequence(const struct replay *r, uint32_t low);

/* Whether the packet is neither left of the window nor already received. */
bool replay_fresh(const struct replay *r, uint64_t sequence);

/* Notes a packet that is fresh and authentic. Returns whether it is newer than every one before. */
bool replay_accept(struct replay *r, uint64_t sequence);

#endif
