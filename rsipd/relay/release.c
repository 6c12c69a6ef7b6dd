/* The engine's clockwork: what waited and may go on, what waited too long. */
#include <stdlib.h>

#include "engine_impl.h"
#include "fragment_hold.h"

/* The packet was good when it began to wait; whose it is, is asked now. */
static void
go_on(struct engine *e, struct held_fragment *held, struct verdict *v)
{
	struct outer_header outer = { .src = held->key.host, .tunnel = held->tunnel };
	struct packet p;

	*v = (struct verdict){ .bytes = held->bytes, .len = held->len };
	if (!packet_parse(&p, held->bytes, held->len)) {
		verdict_drop(v, DP_DROP_MALFORMED);
	} else if (held->key.host == 0) {
		engine_to_local(e, &p, NULL, v);
	} else if ((v->host = demux_host(e->demux, held->key.host)) != NULL) {
		engine_from_host(e, &outer, &p, v);
	} else {
		verdict_drop(v, DP_DROP_NOT_REGISTERED);
	}
}

bool
engine_next_released(struct engine *e, struct verdict *v)
{
	free(e->released);
	e->released = fragment_hold_next(demux_held(e->demux));
	if (e->released != NULL)
		go_on(e, e->released, v);
	return e->released != NULL;
}

void
engine_expire(struct engine *e, struct dp_counters *counters)
{
	struct fragment_hold *hold = demux_held(e->demux);
	struct fragment_hold_lost lost;

	learned_expire(demux_learned(e->demux), e->now);
	fragment_hold_expire(hold, e->now);
	lost = fragment_hold_take_lost(hold);
	counters->drops[DP_DROP_FRAGMENT] += lost.late;
	counters->drops[DP_DROP_FRAGMENT_FLOOD] += lost.flooded;
}
