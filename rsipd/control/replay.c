#include "replay.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* Counters wrap around (RFC 3103 10.1: from the highest to 1), so later is what is ahead by less than half the space. */
static bool
is_later(uint32_t counter, uint32_t than)
{
	return (int32_t)(counter - than) > 0;
}

enum replay_verdict
replay_check(const struct replay *r, uint16_t port, uint32_t counter)
{
	for (size_t i = 0; i < REPLAY_PORTS && r->seen[i].port != 0; i++) {
		if (r->seen[i].port != port)
			continue;
		if (i == 0 && r->seen[i].counter == counter)
			return REPLAY_DUPLICATE;
		return is_later(counter, r->seen[i].counter) ? REPLAY_NEW : REPLAY_OLD;
	}
	return REPLAY_NEW;
}

/* Moves the port's sequence to the front, as a new one when it is not known: the oldest then falls out. */
static void
note_sequence(struct replay *r, uint16_t port, uint32_t counter)
{
	size_t i = 0;

	while (i < REPLAY_PORTS - 1 && r->seen[i].port != port && r->seen[i].port != 0)
		i++;
	memmove(&r->seen[1], &r->seen[0], i * sizeof(r->seen[0]));
	r->seen[0] = (struct replay_seq){ port, counter };
}

void
replay_note(struct replay *r, uint16_t port, uint32_t counter, const void *response, size_t len)
{
	uint8_t *copy = mem_zero(len, 1);

	memcpy(copy, response, len);
	free(r->response);
	r->response = copy;
	r->response_len = len;
	note_sequence(r, port, counter);
}

uint16_t
replay_port(const struct replay *r)
{
	return r->seen[0].port;
}

void
replay_clear(struct replay *r)
{
	free(r->response);
	*r = (struct replay){ 0 };
}
