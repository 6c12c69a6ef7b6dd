#include "proof.h"

#include <string.h>

#include "authentication.h"
#include "exchange.h"
#include "identities.h"
#include "log.h"

static enum proof_verdict
verdict_of(const struct identity *id, uint64_t counter)
{
	if (counter == id->counter)
		return PROOF_AGAIN;
	return counter > id->counter ? PROOF_FRESH : PROOF_STALE;
}

void
proof_read(struct proof *p, struct ledger *l, const struct requester *from, const uint8_t *bytes, size_t len)
{
	const struct authentication_scope scope = { AUTHENTICATION_REQUEST, from->host_addr, from->gateway_addr, NULL };
	struct rsip_auth auth;

	*p = (struct proof){ .verdict = PROOF_NONE };
	if (!authentication_find(bytes, len, &auth))
		return;
	p->counter = auth.counter;
	memcpy(p->mac, auth.mac, sizeof(p->mac));
	p->host = conf_identity(l->conf, auth.identity, auth.identity_len);
	if (p->host == NULL) {
		p->verdict = PROOF_UNKNOWN;
	} else if (!authentication_holds(&p->host->key, &scope, bytes, &auth)) {
		p->host = NULL;
		p->verdict = PROOF_WRONG;
	} else {
		p->identity = identities_get(&l->identities, p->host->identity);
		p->verdict = verdict_of(p->identity, p->counter);
	}
}

/* RFC 3103 has no error for a host that does not prove who it is. One that would register is denied that (Appendix A: 304
 * is for when "the RSIP server refuses to register the host"); and in a registration the client ID is in the wrong hands
 * (305), whichever number it is, since it is the identity's. */
static enum rsip_error
error_for(const struct exchange *x)
{
	return x->request->type == RSIP_REGISTER_REQUEST ? RSIP_REGISTRATION_DENIED : RSIP_BAD_CLIENT_ID;
}

static bool
must_prove(const struct exchange *x)
{
	return (x->session != NULL && x->session->identity != NULL) ||
	       conf_requires_authentication(x->ledger->conf, x->from->host_addr);
}

bool
proof_lacks(const struct exchange *x)
{
	return must_prove(x) && x->proof.verdict != PROOF_FRESH;
}

/* What a host proves must be what the registration that it speaks in has proved. */
static enum rsip_error
check_owner(struct exchange *x)
{
	if (x->session == NULL || x->session->identity == NULL || x->session->identity == x->proof.identity)
		return RSIP_OK;
	x->svc->stats->auth_foreign++;
	return refuse(&x->why, error_for(x), "this address is registered by another identity");
}

enum rsip_error
proof_check(struct exchange *x)
{
	struct stats *stats = x->svc->stats;

	switch (x->proof.verdict) {
	case PROOF_FRESH:
		return check_owner(x);
	case PROOF_AGAIN:
	case PROOF_STALE:
		stats->auth_replayed++;
		return refuse(&x->why, error_for(x), "the counter is not above the last one of this identity: a replay, or a clock "
		              "that was set back");
	case PROOF_WRONG:
		stats->auth_wrong++;
		return refuse(&x->why, error_for(x), "the MAC is not that of this identity's key between these addresses: compare "
		              "the key files of both ends");
	case PROOF_UNKNOWN:
		if (!must_prove(x))
			return RSIP_OK;
		stats->auth_unknown++;
		return refuse(&x->why, error_for(x), "no host section of this gateway has that identity");
	case PROOF_NONE:
	default:
		if (!must_prove(x))
			return RSIP_OK;
		stats->auth_missing++;
		return refuse(&x->why, error_for(x), "this gateway wants this host to authenticate: set identity and key-file");
	}
}

void
proof_accept(const struct proof *p, struct ledger *l, bool durable)
{
	if (p->verdict != PROOF_FRESH)
		return;
	p->identity->counter = p->counter;
	if (durable)
		store_put_identity(l->store, p->identity);
}

/* A duplicate's answer is a kept one and does not come here. */
size_t
proof_answer(const struct proof *p, const struct requester *from, uint8_t *response, size_t len, size_t cap)
{
	const struct authentication_scope scope = { AUTHENTICATION_RESPONSE, from->host_addr, from->gateway_addr, p->mac };
	uint64_t counter = p->counter;

	if (len == 0 || p->host == NULL)
		return len;
	if (p->verdict != PROOF_FRESH)
		counter = p->identity->counter + 1;
	return authentication_append(&p->host->key, &scope, p->host->identity, counter, response, len, cap);
}

size_t
proof_notice(struct ledger *l, const struct session *s, uint8_t *bytes, size_t len, size_t cap)
{
	const struct authentication_scope scope = { AUTHENTICATION_NOTICE, s->host_addr, s->gateway_addr, NULL };
	const struct conf_host *host;

	if (s->identity == NULL)
		return len;
	host = conf_identity(l->conf, s->identity->name, strlen(s->identity->name));
	if (host == NULL) /* its key is gone with its section: the host would not believe us */
		return len;
	l->notice_counter = authentication_next_counter(l->notice_counter);
	return authentication_append(&host->key, &scope, host->identity, l->notice_counter, bytes, len, cap);
}

size_t
proof_regret(const struct ledger *l, const struct rsip_auth *was, ip4_t host_addr, ip4_t gateway_addr,
             const uint8_t *request_mac, uint8_t *bytes, size_t len, size_t cap)
{
	const struct authentication_scope scope = { AUTHENTICATION_RESPONSE, host_addr, gateway_addr, request_mac };
	const struct conf_host *host = conf_identity(l->conf, was->identity, was->identity_len);

	if (host == NULL)
		return len;
	return authentication_append(&host->key, &scope, host->identity, was->counter, bytes, len, cap);
}
