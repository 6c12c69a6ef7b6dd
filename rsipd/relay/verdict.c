#include "verdict.h"

#include "demux_binding.h"
#include "meters.h"

void
verdict_drop(struct verdict *v, enum dp_drop reason)
{
	v->action = VERDICT_DROP;
	v->reason = reason;
}

static void
count_in(const struct verdict *v, struct dp_counters *counters)
{
	counters->in_packets++;
	counters->in_bytes += v->len;
	if (v->binding == NULL || v->binding->meter == NULL)
		return;
	v->binding->meter->in_packets++;
	v->binding->meter->in_bytes += v->len;
}

static void
count_out(const struct verdict *v, const struct demux_binding *from, struct dp_counters *counters)
{
	counters->out_packets++;
	counters->out_bytes += v->len;
	if (from == NULL || from->meter == NULL)
		return;
	from->meter->out_packets++;
	from->meter->out_bytes += v->len;
}

void
verdict_count(const struct verdict *v, struct dp_counters *counters)
{
	counters->claims += v->claims;
	if (v->hairpin)
		count_out(v, v->from, counters);
	if (v->answer != NULL)
		counters->answered++;
	switch (v->action) {
	case VERDICT_DROP:
		counters->drops[v->reason]++;
		break;
	case VERDICT_HOST:
		count_in(v, counters);
		break;
	case VERDICT_PUBLIC:
		count_out(v, v->binding, counters);
		break;
	case VERDICT_STACK:
		counters->to_stack++;
		break;
	case VERDICT_ANSWERED:
		break;
	case VERDICT_HELD:
		counters->held++;
		break;
	}
}
