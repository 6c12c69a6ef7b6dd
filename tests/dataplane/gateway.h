/* A whole gateway on the site of site.h: a fast path if there is one, the kernel, the relay. Two of them, one with and
 * one without a fast path, must not be told apart by what they do to the same frames in the same order. */
#ifndef TESTS_GATEWAY_H
#define TESTS_GATEWAY_H

#include "engine.h"
#include "fast_path.h"
#include "outcome.h"

struct gateway {
	struct engine engine;
};

/* fp follows its relay, unless it is NULL. */
void gateway_up(struct gateway *g, struct fast_path *fp);
void gateway_down(struct gateway *g);
void gateway_later(struct gateway *g, unsigned seconds);

/* The way of a frame by kernel and relay. Where the relay has learned something from it, it is FATE_ELSEWHERE. */
void gateway_relays(struct gateway *g, const struct frame *f, struct outcome *o);

#endif
