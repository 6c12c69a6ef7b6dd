#include "agent_world.h"

#include <check.h>
#include <string.h>

#include "clock.h"
#include "message.h"
#include "message_print.h"
#include "when.h"

static uint32_t client_id; /* of the registration, for the gateway's messages */

static void
op_open(void *arg)
{
	((struct world *)arg)->opens++;
}

static void
op_close(void *arg)
{
	((struct world *)arg)->closes++;
}

static void
op_send(const void *bytes, size_t len, void *arg)
{
	static struct rsip_message m;
	struct world *w = arg;

	ck_assert_int_eq(message_decode(&m, bytes, len), RSIP_OK);
	ck_assert(rsip_msg_is_request(m.type));
	ck_assert(m.has_counter);
	ck_assert_uint_ne(m.counter, 0);
	ck_assert_uint_lt(w->n_sent, WORLD_SENT_MAX);
	w->counter = m.counter;
	w->sent_at[w->n_sent] = clock_now();
	w->repeated = len == w->len && memcmp(bytes, w->bytes, len) == 0;
	ck_assert_uint_le(len, sizeof(w->bytes));
	memcpy(w->bytes, bytes, w->len = len);
	m.hostname_len = 0;
	message_str(&m, w->sent[w->n_sent++], sizeof(w->sent[0]));
}

static void
op_wake(int64_t when, void *arg)
{
	((struct world *)arg)->wake = when;
}

static void
op_changed(void *arg)
{
	((struct world *)arg)->changes++;
}

static void
op_stopped(void *arg)
{
	((struct world *)arg)->stopped = true;
}

static const struct agent_ops ops = {
	.open = op_open, .close = op_close, .send = op_send, .wake = op_wake, .changed = op_changed, .stopped = op_stopped,
};

void
world_init(struct world *w, bool udp)
{
	log_init("test", LOG_TO_STDERR, LOG_LVL_ERROR, false);
	memset(w, 0, sizeof(*w));
	w->conf.udp = udp;
	w->conf.gateway = 0x0a000001;
	w->conf.tunnel = RSIP_TUNNEL_IP_IP;
	w->conf.leases = w->leases;
	w->counts = true;
	w->now = 1000000;
	clock_set(w->now, 0);
	world_lease(w, "apps", RSIP_METHOD_RSAP_IP)->ports = 4;
}

struct conf_lease *
world_lease(struct world *w, const char *name, uint8_t method)
{
	struct conf_lease *lease = &w->leases[w->conf.n_leases++];

	lease->name = (char *)(uintptr_t)name;
	lease->method = method;
	return lease;
}

void
world_begin(struct world *w)
{
	w->agent = agent_new(&w->conf, true, &ops, w);
}

void
world_run(struct world *w)
{
	if (w->agent == NULL)
		world_begin(w);
	agent_run(w->agent);
	ck_assert_int_eq(w->opens, 1);
	agent_up(w->agent, 0x0a00000b);
}

void
world_end(struct world *w)
{
	agent_free(w->agent);
}

/* The next timer within the time fires. False when there is none. */
static bool
fire(struct world *w, int64_t until)
{
	if (w->wake > until)
		return false;
	w->now = w->wake > w->now ? w->wake : w->now;
	clock_set(w->now, 0);
	agent_run(w->agent);
	ck_assert_msg(w->wake > w->now, "the agent asks to be woken for nothing");
	return true;
}

void
world_wait(struct world *w, int64_t ms)
{
	int64_t until = w->now + ms;

	while (fire(w, until))
		;
	w->now = until;
	clock_set(w->now, 0);
}

void
world_live(struct world *w, int64_t ms)
{
	int64_t until = w->now + ms;

	w->n_sent = w->n_seen = 0;
	while (fire(w, until)) {
		if (w->n_sent == 0 || strncmp(w->sent[w->n_sent - 1], "QUERY", 5) != 0)
			continue;
		w->n_sent = 0;
		gw_local(w, "10.0.0.0/8");
	}
	w->now = until;
	clock_set(w->now, 0);
}

void
host(struct world *w, const char *notation)
{
	ck_assert_msg(w->n_seen < w->n_sent, "nothing sent, expected: %s", notation);
	ck_assert_str_eq(w->sent[w->n_seen], notation);
	w->n_seen++;
}

void
host_silent(struct world *w)
{
	ck_assert_msg(w->n_seen == w->n_sent, "sent: %s", w->sent[w->n_seen]);
}

/* ---- the gateway ---- */

static struct rsip_message m;

static void
start(struct world *w, enum rsip_msg_type type)
{
	message_init(&m, type);
	m.has_client_id = true;
	m.client_id = client_id;
	m.has_counter = w->counts;
	m.counter = w->async ? 0 : w->counter;
}

static void
say(struct world *w)
{
	uint8_t bytes[4096];
	size_t len = message_encode(&m, bytes, sizeof(bytes));

	ck_assert_uint_gt(len, 0);
	gw_bytes(w, bytes, len);
}

void
gw_bytes(struct world *w, const void *bytes, size_t len)
{
	agent_input(w->agent, bytes, len);
}

static struct rsip_address
address(const char *text)
{
	struct rsip_address a = { .type = RSIP_ADDR_IPV4 };

	ck_assert(ip4_parse(text, &a.ip4));
	return a;
}

static void
grant(struct world *w, enum rsip_msg_type type, uint32_t bind_id, const char *addr, uint32_t lease_s)
{
	start(w, type);
	m.has_bind_id = m.has_lease_time = true;
	m.bind_id = bind_id;
	m.lease_time = lease_s;
	m.local_addr = address(addr);
	m.remote_addr = (struct rsip_address){ .type = RSIP_ADDR_IPV4, .any = true };
	m.remote_ports.form = RSIP_LIST_DONT_CARE;
	m.remote_ports.number = 1;
	m.n_tunnels = 1;
	m.tunnels[0] = w->tunnel_told != 0 ? w->tunnel_told : w->conf.tunnel;
	m.gre_key = w->key_told;
}

void
gw_registered(struct world *w, uint32_t id, uint32_t lease_s, int local, int remote)
{
	client_id = id;
	start(w, RSIP_REGISTER_RESPONSE);
	m.has_lease_time = m.has_flow_policy = true;
	m.lease_time = lease_s;
	m.local_flow = (uint8_t)local;
	m.remote_flow = (uint8_t)remote;
	say(w);
}

void
gw_ports(struct world *w, uint32_t bind_id, const char *addr, uint16_t first, uint8_t number, uint32_t lease_s)
{
	grant(w, RSIP_ASSIGN_RESPONSE_RSAP_IP, bind_id, addr, lease_s);
	m.local_ports.form = RSIP_LIST_RANGE;
	m.local_ports.number = number;
	m.local_ports.port[0] = first;
	say(w);
}

void
gw_ports_to(struct world *w, uint32_t bind_id, const char *addr, uint16_t port, const char *remote)
{
	grant(w, RSIP_ASSIGN_RESPONSE_RSAP_IP, bind_id, addr, 3600);
	m.local_ports.form = RSIP_LIST_RANGE;
	m.local_ports.number = 1;
	m.local_ports.port[0] = port;
	m.remote_addr = address(remote);
	say(w);
}

void
gw_listen(struct world *w, uint32_t bind_id, const char *addr, uint16_t port, uint32_t lease_s)
{
	grant(w, RSIP_LISTEN_RESPONSE, bind_id, addr, lease_s);
	m.local_ports.form = RSIP_LIST_RANGE;
	m.local_ports.number = 1;
	m.local_ports.port[0] = port;
	say(w);
}

void
gw_whole(struct world *w, uint32_t bind_id, const char *addr, uint32_t lease_s)
{
	grant(w, RSIP_ASSIGN_RESPONSE_RSA_IP, bind_id, addr, lease_s);
	say(w);
}

void
gw_ipsec(struct world *w, uint32_t bind_id, const char *addr, uint32_t spi, uint16_t number, uint64_t cookie)
{
	grant(w, RSIP_ASSIGN_RESPONSE_RSIPSEC, bind_id, addr, 3600);
	m.local_ports.form = m.remote_ports.form = RSIP_LIST_DONT_NEED;
	m.local_ports.number = m.remote_ports.number = 0;
	m.spis.form = RSIP_LIST_RANGE;
	m.spis.number = number;
	m.spis.spi[0] = spi;
	m.has_cookie = cookie != 0;
	m.cookie_value = cookie;
	m.cookie_mask = UINT64_C(0xffffffff00000000);
	say(w);
}

static void
say_of_binding(struct world *w, enum rsip_msg_type type, uint32_t bind_id, uint32_t lease_s)
{
	start(w, type);
	m.has_bind_id = true;
	m.bind_id = bind_id;
	m.has_lease_time = lease_s != 0;
	m.lease_time = lease_s;
	say(w);
}

void
gw_extended(struct world *w, uint32_t bind_id, uint32_t lease_s)
{
	say_of_binding(w, RSIP_EXTEND_RESPONSE, bind_id, lease_s);
}

void
gw_freed(struct world *w, uint32_t bind_id)
{
	say_of_binding(w, RSIP_FREE_RESPONSE, bind_id, 0);
}

void
gw_de_registered(struct world *w, uint32_t id)
{
	start(w, RSIP_DE_REGISTER_RESPONSE);
	m.client_id = id;
	say(w);
}

void
gw_local(struct world *w, const char *network)
{
	struct ip4_prefix prefix;

	start(w, RSIP_QUERY_RESPONSE);
	if (network != NULL) {
		ck_assert(ip4_prefix_parse(network, &prefix));
		m.n_tuples = 1;
		m.tuples[0].indicator = RSIP_LOCAL_NETWORK;
		m.tuples[0].addr = (struct rsip_address){ .type = RSIP_ADDR_IPV4, .ip4 = prefix.addr };
		m.tuples[0].netmask = (struct rsip_address){ .type = RSIP_ADDR_IPV4_NETMASK, .ip4 = ip4_mask(prefix.len) };
	}
	say(w);
}

void
gw_error(struct world *w, enum rsip_error error, uint32_t id)
{
	start(w, RSIP_ERROR_RESPONSE);
	m.has_client_id = id != 0;
	m.client_id = id;
	m.error = error;
	say(w);
}

void
gw_calls(struct world *w, enum rsip_error error)
{
	uint8_t bytes[4096];

	start(w, RSIP_ERROR_RESPONSE);
	m.has_client_id = false;
	m.has_counter = true;
	m.counter = 0;
	m.error = error;
	agent_called(w->agent, bytes, message_encode(&m, bytes, sizeof(bytes)));
}

void
world_settle(struct world *w)
{
	world_run(w);
	host(w, "REGISTER_REQUEST counter=1");
	gw_registered(w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host(w, "ASSIGN_REQUEST_RSAP-IP client_id=1 local_address=any local_ports=any(4) remote_address=any remote_ports=any "
	        "tunnels=ip-ip counter=2");
	gw_ports(w, 1, "203.0.113.8", 1234, 4, 3600);
	host(w, "QUERY_REQUEST client_id=1 counter=3");
	gw_local(w, "10.0.0.0/8");
	host_silent(w);
}

const struct lease *
lease_named(const struct world *w, const char *name)
{
	for (const struct lease *l = agent_leases(w->agent); l != NULL; l = l->next) {
		if (l->want != NULL && strcmp(l->want->name, name) == 0)
			return l;
	}
	return NULL;
}

unsigned
leases_held(const struct world *w)
{
	unsigned n = 0;

	for (const struct lease *l = agent_leases(w->agent); l != NULL; l = l->next)
		n += l->state == LEASE_HELD;
	return n;
}
