#include "request.h"

#include <string.h>

#include "conf.h"
#include "lease.h"
#include "message.h"

#define HOSTNAME_MAX 64                     /* more is cut */
#define COOKIE_MASK UINT64_C(0xffffffff00000000) /* half of a cookie is ours to choose, half says whose it is */

static void
begin(struct rsip_message *m, enum rsip_msg_type type, uint32_t client_id)
{
	message_init(m, type);
	m->has_client_id = true;
	m->client_id = client_id;
}

/* RFC 3103 8.1; 0 is "don't care". */
static void
put_address(struct rsip_address *out, ip4_t addr)
{
	*out = (struct rsip_address){ .type = RSIP_ADDR_IPV4, .any = addr == 0, .ip4 = addr };
}

/* RFC 3103 8.2; first 0 is "don't care where". */
static void
put_ports(struct rsip_ports *out, uint16_t number, uint16_t first)
{
	out->form = first == 0 ? RSIP_LIST_DONT_CARE : RSIP_LIST_RANGE;
	out->number = (uint8_t)(number == 0 ? 1 : number); /* MUST be greater than or equal to one */
	out->port[0] = first;
}

/* Local ports by name when the config names them, or when they are to be what they were and were one range. */
static void
put_local_ports(struct rsip_message *m, const struct lease *lease)
{
	uint16_t first = lease->port;

	if (lease->ask == ASK_SAME && lease->grant.n_ports == 1)
		first = lease->grant.ports[0].first;
	put_ports(&m->local_ports, lease->n_ports, first);
}

/* RSIPSEC without ports says "don't need" in both ports parameters (RFC 3104 6.2). */
static void
put_ipsec(struct rsip_message *m, const struct lease *lease)
{
	const struct grant *had = &lease->grant;

	if (lease->want->ports == 0) {
		m->local_ports = (struct rsip_ports){ .form = RSIP_LIST_DONT_NEED };
		m->remote_ports = (struct rsip_ports){ .form = RSIP_LIST_DONT_NEED };
	}
	m->spis.number = lease->want->spis;
	m->spis.form = RSIP_LIST_DONT_CARE;
	if (lease->ask == ASK_SAME && had->n_spis == 1) {
		m->spis.form = RSIP_LIST_RANGE;
		m->spis.spi[0] = had->spis[0].first;
	}
	if (lease->want->cookie_block) { /* our extension; value 0 asks for any block of that size */
		m->has_cookie = true;
		m->cookie_mask = COOKIE_MASK;
		m->cookie_value = lease->ask == ASK_SAME && had->cookie_mask == COOKIE_MASK ? had->cookie_value : 0;
	}
	m->ike_listener = lease->want->ike_peer;
}

static enum rsip_msg_type
assign_type(const struct conf_lease *want)
{
	if (want->listen)
		return RSIP_LISTEN_REQUEST;
	switch (want->method) {
	case RSIP_METHOD_RSA_IP:
		return RSIP_ASSIGN_REQUEST_RSA_IP;
	case RSIP_METHOD_RSIPSEC:
		return RSIP_ASSIGN_REQUEST_RSIPSEC;
	default:
		return RSIP_ASSIGN_REQUEST_RSAP_IP;
	}
}

void
request_register(struct rsip_message *m, const char *hostname)
{
	message_init(m, RSIP_REGISTER_REQUEST);
	m->hostname = hostname;
	m->hostname_len = (uint8_t)strnlen(hostname, HOSTNAME_MAX);
}

void
request_de_register(struct rsip_message *m, uint32_t client_id)
{
	begin(m, RSIP_DE_REGISTER_REQUEST, client_id);
}

void
request_assign(struct rsip_message *m, uint32_t client_id, uint8_t remote_flow, const struct lease *lease, ip4_t near,
    struct tunnel_kind tunnel)
{
	const struct conf_lease *want = lease->want;

	begin(m, assign_type(want), client_id);
	put_address(&m->local_addr, lease->ask == ASK_SAME ? lease->grant.address : lease->ask == ASK_NEAR ? near : 0);
	/* RFC 3103 9.16.3: without remote flow policy the remote side of a LISTEN_REQUEST MUST be "don't care". */
	bool any_peer = want->listen && remote_flow == RSIP_REMOTE_NONE;
	put_address(&m->remote_addr, any_peer ? 0 : want->remote);
	put_ports(&m->remote_ports, 1, any_peer ? 0 : want->remote_port);
	if (want->method != RSIP_METHOD_RSA_IP)
		put_local_ports(m, lease);
	if (want->method == RSIP_METHOD_RSIPSEC)
		put_ipsec(m, lease);
	m->has_lease_time = want->lease_s != 0;
	m->lease_time = want->lease_s;
	m->n_tunnels = 1;
	m->tunnels[0] = tunnel.type;
	m->gre_key = tunnel.gre_key;
}

void
request_extend(struct rsip_message *m, uint32_t client_id, const struct lease *lease)
{
	begin(m, RSIP_EXTEND_REQUEST, client_id);
	m->has_bind_id = true;
	m->bind_id = lease->grant.bind_id;
	m->has_lease_time = lease->want->lease_s != 0;
	m->lease_time = lease->want->lease_s;
}

void
request_free(struct rsip_message *m, uint32_t client_id, const struct lease *lease)
{
	begin(m, RSIP_FREE_REQUEST, client_id);
	m->has_bind_id = true;
	m->bind_id = lease->grant.bind_id;
}

void
request_query(struct rsip_message *m, uint32_t client_id)
{
	begin(m, RSIP_QUERY_REQUEST, client_id);
}
