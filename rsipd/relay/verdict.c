#include "verdict.h"

void
verdict_drop(struct verdict *v, enum dp_drop reason)
{
	v->action = VERDICT_DROP;
	v->reason = reason;
}

static void
count_out(const struct verdict *v, struct dp_counters *counters)
{
	counters->out_packets++;
	counters->out_bytes += v->len;
}

void
verdict_count(const struct verdict *v, struct dp_counters *counters)
{
	counters->claims += v->claims;
	if (v->hairpin)
		count_out(v, counters);
	if (v->answer != NULL)
		counters->answered++;
	switch (v->action) {
	case VERDICT_DROP:
		counters->drops[v->reason]++;
		break;
	case VERDICT_HOST:
		counters->in_packets++;
		counters->in_bytes += v->len;
		break;
	case VERDICT_PUBLIC:
		count_out(v, counters);
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
