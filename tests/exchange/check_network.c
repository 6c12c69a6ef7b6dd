/* Three of our hosts and our gateway over a network that loses, doubles, delays and reorders datagrams, while leases
 * expire, an operator frees bindings and the gateway restarts or forgets everything; all on a clock that the test moves.
 * Both sides are the real ones: the agent of rsipc, and the control process of rsipd (gateway_pipe.c). Two of the hosts
 * authenticate themselves; they move from one network to another and back, while somebody sends what they and the gateway
 * have said again minutes later, from elsewhere, or with a bit of it changed.
 *
 * When the network has been good again for as long as a registration lasts, hosts and gateway agree on every binding;
 * and the gateway has checked its invariants all the while. A run is made from a seed, which a failure tells. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"
#include "clock.h"
#include "conf.h"
#include "gateway_pipe.h"
#include "lease.h"
#include "log.h"

enum { HOSTS = 3, SEEDS = 8, FLIGHT_MAX = 1000, BYTES_MAX = 1500 };
#define BAD_MS (15 * 60000)
#define GOOD_MS (11 * 60000)
#define TICK_MS 500

struct host {
	struct conf conf;
	struct conf_lease leases[2];
	char identity[8];
	struct agent *agent;
	ip4_t addr;
	uint16_t port; /* of its present transport session */
	bool opening, online;
	int64_t wake;
};

struct datagram {
	int64_t at;
	unsigned host;
	ip4_t addr; /* the host's, true or not */
	uint16_t port;
	bool to_host;
	size_t len;
	uint8_t bytes[BYTES_MAX];
};

static struct network {
	struct host hosts[HOSTS];
	struct datagram flight[FLIGHT_MAX];
	size_t n;
	int64_t now, good_from;
	uint64_t dice;
	pid_t gateway;
	FILE *to, *from;
	unsigned lost, doubled, delivered, freed, restarts, forged, moves;
} net;

/* --- chance --- */

static unsigned
pick(unsigned n)
{
	net.dice = net.dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(net.dice >> 33) % n;
}

static bool
good(void)
{
	return net.now >= net.good_from;
}

/* --- the network --- */

static void
launch(unsigned host, ip4_t addr, uint16_t port, bool to_host, const void *bytes, size_t len, int64_t delay)
{
	struct datagram *d = &net.flight[net.n++];

	ck_assert_uint_le(net.n, FLIGHT_MAX);
	ck_assert_uint_le(len, BYTES_MAX);
	*d = (struct datagram){ .at = net.now + delay, .host = host, .addr = addr, .port = port, .to_host = to_host, .len = len };
	memcpy(d->bytes, bytes, len);
}

static bool
authenticates(unsigned host)
{
	return host < HOSTS - 1;
}

/* Somebody has heard it, and sends it again: any time later, from wherever he likes, with a bit of it changed or not. */
static void
forge(unsigned host, ip4_t addr, uint16_t port, bool to_host, const void *bytes, size_t len)
{
	uint8_t copy[BYTES_MAX];
	unsigned bit = pick(8 * (unsigned)len);

	memcpy(copy, bytes, len);
	if (pick(2) == 0)
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
	if (!to_host && pick(2) == 0)
		addr ^= pick(2) == 0 ? GATEWAY_PIPE_OTHER_NET : 0x80;
	launch(host, addr, port, to_host, copy, len, pick(4) == 0 ? pick(10 * 60000) : pick(200));
	net.forged++;
}

/* One in three is lost, one in five comes twice; most take up to 60 ms, some up to three seconds. */
static void
transmit(unsigned host, ip4_t addr, uint16_t port, bool to_host, const void *bytes, size_t len)
{
	unsigned copies = good() ? 1 : pick(3) == 0 ? 0 : pick(5) == 0 ? 2 : 1;

	if (!good() && authenticates(host) && pick(4) == 0)
		forge(host, addr, port, to_host, bytes, len);
	net.lost += copies == 0;
	net.doubled += copies == 2;
	while (copies-- > 0)
		launch(host, addr, port, to_host, bytes, len, good() ? 1 : pick(8) == 0 ? pick(3000) : pick(60));
}

/* --- the gateway, at its pipes --- */

static void
start_gateway(void)
{
	int to[2], from[2];

	ck_assert(pipe(to) == 0 && pipe(from) == 0);
	net.gateway = fork();
	ck_assert_int_ge(net.gateway, 0);
	if (net.gateway == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		close(to[1]);
		close(from[0]);
		execl(GATEWAY_PIPE, GATEWAY_PIPE, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	net.to = fdopen(to[1], "w");
	net.from = fdopen(from[0], "r");
}

static void
hear(void *to, size_t len)
{
	ck_assert_msg(fread(to, 1, len, net.from) == len, "the gateway has ended");
}

static unsigned
host_at(uint32_t addr)
{
	return (addr & ~GATEWAY_PIPE_OTHER_NET) - GATEWAY_PIPE_HOST(0);
}

static bool
holds(const struct host *host, const struct gateway_pipe_frame *b)
{
	for (const struct lease *l = agent_leases(host->agent); l != NULL; l = l->next) {
		if (l->state == LEASE_HELD && l->grant.bind_id == b->bind_id)
			return l->grant.ports[0].first == b->port && grant_port_count(&l->grant) == b->len;
	}
	return false;
}

/* Tells the gateway something, and sends on what it says. Returns how many bindings it has listed; all of them are what
 * their host holds. */
static unsigned
tell_gateway(struct gateway_pipe_frame frame, const void *bytes)
{
	static uint8_t heard[BYTES_MAX];
	unsigned bindings = 0;

	frame.now = net.now;
	ck_assert(fwrite(&frame, sizeof(frame), 1, net.to) == 1);
	ck_assert(frame.kind != GP_DATAGRAM || fwrite(bytes, 1, frame.len, net.to) == frame.len);
	ck_assert_int_eq(fflush(net.to), 0);
	for (hear(&frame, sizeof(frame)); frame.kind != GP_END; hear(&frame, sizeof(frame))) {
		unsigned host = host_at(frame.host_addr);
		ck_assert(host < HOSTS || (frame.kind == GP_DATAGRAM && host_at(frame.host_addr ^ 0x80) < HOSTS));
		if (frame.kind == GP_BINDING) {
			ck_assert_uint_eq(frame.host_addr, net.hosts[host].addr);
			ck_assert_msg(holds(&net.hosts[host], &frame), "host %u does not know its binding %u", host, frame.bind_id);
			bindings++;
			continue;
		}
		ck_assert_uint_le(frame.len, sizeof(heard));
		hear(heard, frame.len);
		if (host < HOSTS)
			transmit(host, frame.host_addr, (uint16_t)frame.port, true, heard, frame.len);
	}
	return bindings;
}

/* --- the hosts --- */

static unsigned
index_of(const void *host)
{
	return (unsigned)((const struct host *)host - net.hosts);
}

static void
op_open(void *arg)
{
	((struct host *)arg)->opening = true;
}

static void
op_close(void *arg)
{
	((struct host *)arg)->online = false;
}

static void
op_send(const void *bytes, size_t len, void *arg)
{
	const struct host *host = arg;

	transmit(index_of(host), host->addr, host->port, false, bytes, len);
}

static void
op_wake(int64_t when, void *arg)
{
	((struct host *)arg)->wake = when;
}

static void
op_nothing(void *arg)
{
	(void)arg;
}

static const struct agent_ops ops = { .open = op_open, .close = op_close, .send = op_send, .wake = op_wake,
	                              .changed = op_nothing, .stopped = op_nothing };

static void
start_host(struct host *host)
{
	host->leases[0] = (struct conf_lease){ .name = (char *)(uintptr_t)"few", .method = RSIP_METHOD_RSAP_IP, .ports = 4,
	                                       .lease_s = 60 };
	host->leases[1] = (struct conf_lease){ .name = (char *)(uintptr_t)"many", .method = RSIP_METHOD_RSAP_IP,
	                                       .ports = 64 };
	host->conf = (struct conf){ .udp = true, .gateway = 0x0a000001, .tunnel = RSIP_TUNNEL_IP_IP,
	                            .leases = host->leases, .n_leases = 2 };
	if (authenticates(index_of(host))) {
		gateway_pipe_identity(index_of(host), host->identity, host->conf.key.bytes);
		host->conf.identity = host->identity;
		host->conf.key.len = GATEWAY_PIPE_KEY_LEN;
	}
	host->addr = GATEWAY_PIPE_HOST(index_of(host));
	host->port = 5000;
	host->agent = agent_new(&host->conf, true, &ops, host);
	agent_run(host->agent);
}

/* A session of the transport opened is a new port. */
static void
run_host(struct host *host)
{
	while (host->opening || host->wake <= net.now) {
		if (host->opening) {
			host->opening = false;
			host->online = true;
			host->port++;
			agent_up(host->agent, host->addr);
		} else {
			agent_run(host->agent);
			ck_assert_int_gt(host->wake, net.now);
		}
	}
}

/* --- events --- */

static void
arrive(size_t i)
{
	struct datagram d = net.flight[i];
	struct host *host = &net.hosts[d.host];

	net.flight[i] = net.flight[--net.n];
	net.delivered++;
	if (!d.to_host)
		tell_gateway((struct gateway_pipe_frame){ .kind = GP_DATAGRAM, .host_addr = d.addr, .port = d.port,
		                                          .len = (uint32_t)d.len }, d.bytes);
	else if (host->online && d.port == host->port && d.addr == host->addr)
		agent_input(host->agent, d.bytes, d.len);
}

/* Something befalls the gateway: every half minute or so while times are bad. */
static void
befall(void)
{
	struct gateway_pipe_frame frame = { .kind = GP_TIME };

	if (!good() && pick(60) == 0) {
		const struct lease *l = agent_leases(net.hosts[pick(HOSTS)].agent);
		frame.kind = (uint32_t[]){ GP_FREE, GP_FREE, GP_FREE, GP_RESTART, GP_RESTART, GP_FORGET }[pick(6)];
		frame.bind_id = l != NULL && l->state == LEASE_HELD ? l->grant.bind_id : 0;
		net.freed += frame.kind == GP_FREE;
		net.restarts += frame.kind != GP_FREE;
	}
	tell_gateway(frame, NULL);
}

/* A host goes to the other network. */
static void
move(void)
{
	struct host *host = &net.hosts[pick(HOSTS - 1)];

	if (good() || pick(60) != 0)
		return;
	host->addr ^= GATEWAY_PIPE_OTHER_NET;
	net.moves++;
	agent_relocate(host->agent);
}

static size_t
next_arrival(void)
{
	size_t first = 0;

	for (size_t i = 1; i < net.n; i++) {
		if (net.flight[i].at < net.flight[first].at)
			first = i;
	}
	return first;
}

static void
pass_until(int64_t end)
{
	int64_t tick = net.now;

	while (net.now < end) {
		size_t first = next_arrival();
		int64_t next = tick;
		for (unsigned i = 0; i < HOSTS; i++)
			next = net.hosts[i].wake < next ? net.hosts[i].wake : next;
		if (net.n > 0 && net.flight[first].at < next)
			next = net.flight[first].at;
		net.now = next > net.now ? next : net.now;
		clock_set(net.now, 0);
		if (net.n > 0 && net.flight[first].at <= net.now)
			arrive(first);
		if (tick <= net.now) {
			befall();
			move();
			tick += TICK_MS;
		}
		for (unsigned i = 0; i < HOSTS; i++)
			run_host(&net.hosts[i]);
	}
}

/* --- the test --- */

START_TEST(agreement)
{
	log_init("test", LOG_TO_NONE, LOG_LVL_ERROR, false);
	memset(&net, 0, sizeof(net));
	net.dice = (uint64_t)_i * 2654435761u + 3103;
	net.now = 1000000;
	net.good_from = net.now + BAD_MS;
	clock_set(net.now, 0);
	start_gateway();
	for (unsigned i = 0; i < HOSTS; i++)
		start_host(&net.hosts[i]);
	pass_until(net.good_from);
	pass_until(net.good_from + GOOD_MS);

	/* Each host holds both of its leases, and the gateway has these bindings and no others. */
	unsigned held = 0;
	for (unsigned i = 0; i < HOSTS; i++) {
		ck_assert_str_eq(agent_state_name(net.hosts[i].agent), "assigned");
		for (const struct lease *l = agent_leases(net.hosts[i].agent); l != NULL; l = l->next)
			held += l->state == LEASE_HELD;
	}
	ck_assert_uint_eq(held, 2 * HOSTS);
	ck_assert_uint_eq(tell_gateway((struct gateway_pipe_frame){ .kind = GP_LIST }, NULL), held);
	ck_assert_uint_gt(net.lost, 100);
	ck_assert_uint_gt(net.doubled, 30);
	ck_assert_uint_gt(net.forged, 100);
	ck_assert_uint_gt(net.moves, 5);
	printf("seed %d: %u datagrams, %u lost, %u doubled, %u forged, %u bindings freed, %u restarts, %u moves\n", _i,
	       net.delivered, net.lost, net.doubled, net.forged, net.freed, net.restarts, net.moves);

	int status;
	fclose(net.to);
	ck_assert_int_eq(waitpid(net.gateway, &status, 0), net.gateway);
	ck_assert_int_eq(status, 0);
	for (unsigned i = 0; i < HOSTS; i++)
		agent_free(net.hosts[i].agent);
	fclose(net.from);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("network");
	TCase *tc = tcase_create("network");

	tcase_set_timeout(tc, 60); /* a busy machine */
	tcase_add_loop_test(tc, agreement, 0, SEEDS);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
