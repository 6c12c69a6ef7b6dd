/* REGISTER and DE-REGISTER, RFC 3103 9.2-9.5. */
#include "exchange.h"
#include "lease.h"
#include "policy.h"
#include "registration.h"

/* <REGISTER_RESPONSE> ::= <Client ID> <Lease time> <Flow Policy> [Message Counter] [RSIP Method]... [Tunnel Type]... */
static void
describe(const struct session *s, struct rsip_message *reply)
{
	unsigned methods = policy_methods(s->policy), tunnels = policy_tunnels(s->policy);

	reply->has_client_id = reply->has_lease_time = reply->has_flow_policy = true;
	reply->client_id = s->client_id;
	reply->lease_time = lease_seconds_left(s->expires);
	reply->local_flow = (uint8_t)s->policy->local_flow;
	reply->remote_flow = (uint8_t)s->policy->remote_flow;
	for (uint8_t method = RSIP_METHOD_RSA_IP; method <= RSIP_METHOD_RSIPSEC; method++) {
		if ((methods & CONF_METHOD(method)) != 0)
			reply->methods[reply->n_methods++] = method;
	}
	for (uint8_t tunnel = RSIP_TUNNEL_IP_IP; tunnel <= RSIP_TUNNEL_L2TP; tunnel++) {
		if ((tunnels & CONF_TUNNEL(tunnel)) != 0)
			reply->tunnels[reply->n_tunnels++] = tunnel;
	}
}

enum rsip_error
request_register(struct exchange *x)
{
	const struct rsip_message *request = x->request;

	if (x->session != NULL)
		return refuse(&x->why, RSIP_ALREADY_REGISTERED, "registered already: de-register that client ID first");
	if (conf_policy_for(x->ledger->conf, x->from->host_addr) == NULL)
		return refuse(&x->why, RSIP_REGISTRATION_DENIED, "no host section of this gateway covers this address");
	x->session = registration_begin(x->ledger, x->from->host_addr, x->from->gateway_addr, x->from->transport,
	                                x->proof.identity, request->hostname, request->hostname_len);
	describe(x->session, x->reply);
	return RSIP_OK;
}

enum rsip_error
request_de_register(struct exchange *x)
{
	registration_end(x->ledger, x->session, LEASE_DE_REGISTERED);
	x->session = NULL;
	return RSIP_OK;
}
