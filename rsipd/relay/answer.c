/* What the gateway itself says: ICMP errors and answers to pings, both at a limited rate. */
#include "engine_impl.h"

#define ICMP_ERRORS_PER_SECOND 1000  /* RFC 1812 4.3.2.8 */
#define ICMP_ANSWERS_PER_SECOND 1000 /* as many of either: neither is a way to load the gateway or a third party */

void
engine_answer_error(struct engine *e, const struct packet *about, uint8_t type, uint8_t code, uint16_t mtu,
                    struct verdict *v)
{
	ip4_t src = e->public_addr != 0 ? e->public_addr : about->dst;

	if (!token_bucket_take(&e->errors, ICMP_ERRORS_PER_SECOND, e->now))
		return;
	v->answer_len = icmp_error(e->error, about, type, code, mtu, src);
	v->answer = v->answer_len > 0 ? e->error : NULL;
}

void
engine_answer_query(struct engine *e, struct packet *request, struct verdict *v)
{
	if (packet_is_fragment(request)) {
		verdict_drop(v, DP_DROP_FRAGMENT);
	} else if (!token_bucket_take(&e->answers, ICMP_ANSWERS_PER_SECOND, e->now)) {
		verdict_drop(v, DP_DROP_ICMP_RATE);
	} else if (icmp_reply(request, e->ms_of_day)) {
		v->action = VERDICT_ANSWERED;
		v->answer = request->bytes;
		v->answer_len = request->len;
	} else {
		verdict_drop(v, DP_DROP_PROTOCOL);
	}
}
