#include "gateway.h"

#include "kernel.h"

#include <stdlib.h>
#include <string.h>

void
gateway_up(struct gateway *g, struct fast_path *fp)
{
	site_begin(&g->engine);
	if (fp != NULL)
		fast_path_follow(fp, g->engine.demux);
	site_tell(&g->engine);
}

void
gateway_down(struct gateway *g)
{
	demux_free(g->engine.demux);
}

void
gateway_later(struct gateway *g, unsigned seconds)
{
	struct dp_counters counters = { 0 };

	g->engine.now += (int64_t)seconds * 1000;
	engine_expire(&g->engine, &counters);
}

static void
add_learned(struct demux_host *host, void *arg)
{
	for (int kind = 0; kind < LEARNED_KINDS; kind++)
		*(uint32_t *)arg += learner_count(&host->learner, kind);
}

static uint32_t
learned_total(struct gateway *g)
{
	uint32_t n = 0;

	demux_each_host(g->engine.demux, add_learned, &n);
	return n;
}

void
gateway_relays(struct gateway *g, const struct frame *f, struct outcome *o)
{
	uint32_t knew = learned_total(g);
	struct verdict v;
	size_t len;

	if (!kernel_receives(f, o, &len))
		return;
	if (f->direction == IN)
		engine_inbound(&g->engine, o->packet, len, &v);
	else
		engine_outbound(&g->engine, o->packet, len, &v);
	kernel_sends(&v, o);
	while (engine_next_released(&g->engine, &v)) /* fragments, which no fast path has anything to do with */
		;
	if (learned_total(g) != knew) {
		o->fate = FATE_ELSEWHERE;
		o->because = "the relay learns from it";
	}
}
