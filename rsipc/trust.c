#include "trust.h"

#include "authentication.h"
#include "conf.h"

#define REPLAYS_MAX 3 /* then the refusal is taken as such */

size_t
trust_sign(struct trust *t, ip4_t host_addr, uint8_t *bytes, size_t len, size_t cap)
{
	const struct conf *conf = t->conf;
	const struct authentication_scope scope = { AUTHENTICATION_REQUEST, host_addr, conf->gateway, NULL };

	if (conf->identity == NULL || len == 0)
		return len;
	t->counter = authentication_next_counter(t->counter);
	return authentication_append(&conf->key, &scope, conf->identity, t->counter, bytes, len, cap);
}

static bool
is_answer(const struct trust *t, ip4_t host_addr, const uint8_t *bytes, const struct rsip_auth *auth,
          const uint8_t *request, size_t request_len)
{
	const struct authentication_scope scope = { AUTHENTICATION_RESPONSE, host_addr, t->conf->gateway,
	                                            request + request_len - RSIP_MAC_LEN };

	return authentication_holds(&t->conf->key, &scope, bytes, auth);
}

static bool
is_notice(const struct trust *t, ip4_t host_addr, const uint8_t *bytes, const struct rsip_auth *auth)
{
	const struct authentication_scope scope = { AUTHENTICATION_NOTICE, host_addr, t->conf->gateway, NULL };

	return auth->counter > t->notice && authentication_holds(&t->conf->key, &scope, bytes, auth);
}

/* A gateway that takes us for a replay tells the counter that it would have accepted; our clock is behind. */
static enum trust_verdict
answered(struct trust *t, uint64_t counter)
{
	t->proven = true;
	if (counter <= t->counter) {
		t->replays = 0;
		return TRUST_ANSWER;
	}
	t->counter = counter - 1;
	return t->replays++ < REPLAYS_MAX ? TRUST_REPLAY : TRUST_ANSWER;
}

enum trust_verdict
trust_read(struct trust *t, ip4_t host_addr, const uint8_t *bytes, size_t len, const uint8_t *request, size_t request_len)
{
	struct rsip_auth auth;

	if (t->conf->identity == NULL)
		return TRUST_PLAIN;
	if (authentication_find(bytes, len, &auth)) {
		if (request != NULL && is_answer(t, host_addr, bytes, &auth, request, request_len))
			return answered(t, auth.counter);
		if (is_notice(t, host_addr, bytes, &auth)) {
			t->notice = auth.counter;
			return TRUST_NOTICE;
		}
	} else if (t->conf->trusting && !t->proven) {
		return TRUST_PLAIN;
	}
	t->refused++;
	return TRUST_REFUSED;
}

void
trust_renew(struct trust *t)
{
	t->notice = 0;
}
