/* relay_lab [-r JOURNAL PUBLIC-INTERFACE POOL,POOL...] GATEWAY-ADDR PUBLIC-ADDR PRIVATE-INTERFACE...: the relay alone,
 * without a control process: opens its descriptors as the monitor does (TUN rsipd0, with -r also packet rings for these
 * pools, ascending ranges), and plays control by hand. Standard input, a command a line:
 *
 *   sync                        begin telling everything; "end" ends it
 *   pool RANGE [own] [shared] [mss] [ike=500,4500]
 *   bind ID HOST ADDRESS METHOD [gre] [ports=A-B] [spis=A-B] [cookie=VALUE/MASK] [claims=N] [remote=ADDR] [rports=A-B]
 *        [listen=PEER]
 *   unbind ID
 *   counters                    prints name=value lines, then "."
 *   reconnect                   closes the control socket and gives the relay a new one, as after a restart of control
 *
 * Reports of the relay are printed as they come. Ends with its input. */
#include "config.h"

#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "addr.h"
#include "conf.h"
#include "dataplane.h"
#include "log.h"
#include "monitor_proto.h"
#include "names.h"
#include "netlink.h"
#include "netstate.h"
#include "pktio_open.h"
#include "ring_open.h"
#include "rings.h"
#include "undo.h"

static struct dp_counters *counters;
static int control, monitor;

static void
die(const char *what)
{
	fprintf(stderr, "relay_lab: %s\n", what);
	exit(1);
}

static void
need(bool good, const char *text)
{
	if (!good)
		die(text);
}

static void
send_message(const void *message, size_t len)
{
	need(send(control, message, len, 0) == (ssize_t)len, "cannot send to the relay");
}

/* "name=value": returns the value. */
static const char *
value_of(const char *word, const char *name)
{
	size_t len = strlen(name);

	return strncmp(word, name, len) == 0 && word[len] == '=' ? word + len + 1 : NULL;
}

static void
do_pool(char **word)
{
	struct dp_pool pool = { .op = DP_POOL, .ports = { 1024, 65535 } };
	unsigned port[2] = { 0, 0 };
	const char *v;

	need(word[1] != NULL && ip4_range_parse(word[1], &pool.addresses), "pool: bad range");
	for (word += 2; *word != NULL; word++) {
		if (strcmp(*word, "own") == 0)
			pool.own = true;
		else if (strcmp(*word, "shared") == 0)
			pool.shared = true;
		else if (strcmp(*word, "mss") == 0)
			pool.mss_clamp = true;
		else if ((v = value_of(*word, "ike")) != NULL && sscanf(v, "%u,%u", &port[0], &port[1]) > 0)
			pool.n_ike_ports = port[1] != 0 ? 2 : 1;
		else
			die("pool: unknown word");
	}
	pool.ike_ports[0] = (uint16_t)port[0];
	pool.ike_ports[1] = (uint16_t)port[1];
	send_message(&pool, sizeof(pool));
}

/* One range of each kind is enough for a lab. */
struct bind_words {
	struct dp_bind lease;
	struct port_range ports, remote_ports;
	struct spi_range spis;
};

static void
bind_word(struct bind_words *b, const char *word)
{
	const char *v;

	if (strcmp(word, "gre") == 0)
		b->lease.tunnel = RSIP_TUNNEL_GRE;
	else if ((v = value_of(word, "ports")) != NULL && port_range_parse(v, &b->ports))
		b->lease.n_ports = 1;
	else if ((v = value_of(word, "spis")) != NULL && spi_range_parse(v, &b->spis))
		b->lease.n_spis = 1;
	else if ((v = value_of(word, "cookie")) != NULL &&
	         sscanf(v, "%lx/%lx", &b->lease.cookie_value, &b->lease.cookie_mask) == 2)
		b->lease.flags |= DP_F_COOKIE_BLOCK;
	else if ((v = value_of(word, "claims")) != NULL)
		b->lease.max_claims = (uint16_t)atoi(v);
	else if ((v = value_of(word, "remote")) != NULL && ip4_parse(v, &b->lease.remote_addr))
		return;
	else if ((v = value_of(word, "listen")) != NULL && ip4_parse(v, &b->lease.ike_listener))
		b->lease.flags |= DP_F_IKE_LISTENER;
	else if ((v = value_of(word, "rports")) != NULL && port_range_parse(v, &b->remote_ports)) {
		b->lease.n_remote_ports = 1;
		b->lease.flags |= DP_F_REMOTE_PORTS;
	} else
		die("bind: unknown word");
}

static void
do_bind(char **word)
{
	struct bind_words b = { .lease = { .op = DP_BIND, .tunnel = RSIP_TUNNEL_IP_IP } };
	uint8_t message[sizeof(b)], *end = message + sizeof(b.lease);

	need(word[1] != NULL && word[2] != NULL && word[3] != NULL && word[4] != NULL, "bind: words missing");
	b.lease.bind_id = b.lease.client_id = (uint32_t)atoi(word[1]);
	b.lease.method = (uint8_t)rsip_method_parse(word[4]);
	need(ip4_parse(word[2], &b.lease.host_addr) && ip4_parse(word[3], &b.lease.local_addr), "bind: bad address");
	for (word += 5; *word != NULL; word++)
		bind_word(&b, *word);
	memcpy(message, &b.lease, sizeof(b.lease));
	end = (uint8_t *)memcpy(end, &b.ports, sizeof(b.ports)) + b.lease.n_ports * sizeof(b.ports);
	end = (uint8_t *)memcpy(end, &b.spis, sizeof(b.spis)) + b.lease.n_spis * sizeof(b.spis);
	end = (uint8_t *)memcpy(end, &b.remote_ports, sizeof(b.remote_ports)) + b.lease.n_remote_ports * sizeof(b.remote_ports);
	send_message(message, (size_t)(end - message));
}

static void
do_unbind(char **word)
{
	struct dp_unbind message = { .op = DP_UNBIND };

	need(word[1] != NULL, "unbind: ID missing");
	message.bind_id = (uint32_t)atoi(word[1]);
	send_message(&message, sizeof(message));
}

static void
do_sync(char **word)
{
	struct dp_sync message = { .op = strcmp(word[0], "sync") == 0 ? DP_SYNC_BEGIN : DP_SYNC_END };

	send_message(&message, sizeof(message));
}

static void
do_counters(char **word)
{
	(void)word;
	printf("in_packets=%lu\nin_bytes=%lu\nout_packets=%lu\nout_bytes=%lu\nto_stack=%lu\nanswered=%lu\nclaims=%lu\nheld=%lu\ntunnel_errors=%lu\n",
	       counters->in_packets, counters->in_bytes, counters->out_packets, counters->out_bytes, counters->to_stack,
	       counters->answered, counters->claims, counters->held, counters->tunnel_errors);
	for (int i = 0; i < DP_DROP_COUNT; i++)
		printf("%s=%lu\n", dp_drop_name(i), counters->drops[i]);
	puts(".");
}

static void
do_reconnect(char **word)
{
	int pair[2];

	(void)word;
	need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "no socketpair");
	close(control);
	control = pair[0];
	need(monitor_send(monitor, MON_CONTROL, NULL, pair[1]), "cannot pass the socket");
	close(pair[1]);
}

static const struct {
	const char *name;
	void (*run)(char **word);
} commands[] = {
	{ "sync", do_sync },     { "end", do_sync },           { "pool", do_pool },           { "bind", do_bind },
	{ "unbind", do_unbind }, { "counters", do_counters }, { "reconnect", do_reconnect },
};

static void
run_line(char *line)
{
	char *word[32] = { NULL }, *save;
	size_t n = 0;

	for (char *w = strtok_r(line, " \t\n", &save); w != NULL && n < 31; w = strtok_r(NULL, " \t\n", &save))
		word[n++] = w;
	if (n == 0)
		return;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(word[0], commands[i].name) == 0) {
			commands[i].run(word);
			return;
		}
	}
	die("unknown command");
}

static void
print_report(const uint8_t *message)
{
	char host[IP4_STRLEN], local[IP4_STRLEN];
	struct dp_violation v;
	struct dp_claim c;
	uint32_t op;

	memcpy(&op, message, sizeof(op));
	if (op == DP_VIOLATION) {
		memcpy(&v, message, sizeof(v));
		printf("violation host=%s error=%s bind_id=%u local=%s:%u\n", ip4_str(v.host_addr, host),
		       rsip_error_name((int)v.error), v.bind_id, ip4_str(v.local_addr, local), v.local_port);
	} else {
		memcpy(&c, message, sizeof(c));
		printf("%s bind_id=%u local=%s cookie=0x%016lx\n", op == DP_CLAIMED ? "claimed" : "unclaimed", c.bind_id,
		       ip4_str(c.local_addr, local), c.cookie);
	}
}

static void
read_reports(void)
{
	uint8_t message[256];
	ssize_t n;

	while ((n = recv(control, message, sizeof(message), MSG_DONTWAIT)) > 0) {
		if (dp_message_valid(message, (size_t)n))
			print_report(message);
	}
	need(n < 0, "the relay has ended");
}

static void
serve(void)
{
	static char text[4096];
	size_t have = 0;

	for (;;) {
		struct pollfd ready[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = control, .events = POLLIN } };
		char *line = text, *end;
		ssize_t n;

		poll(ready, 2, -1);
		if ((ready[1].revents & POLLIN) != 0)
			read_reports();
		if (ready[0].revents != 0) {
			n = read(STDIN_FILENO, text + have, sizeof(text) - 1 - have);
			if (n <= 0)
				return;
			have += (size_t)n;
			text[have] = '\0';
			for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
				*end = '\0';
				run_line(line);
			}
			have -= (size_t)(line - text);
			memmove(text, line, have);
		}
		fflush(stdout);
	}
}

#define POOLS_MAX 16

/* The part of a config that rings are made from. */
static void
open_rings(struct undo *undo, struct netlink *nl, char **words, char **private, struct relay_fds *fds,
           struct netstate_place *place)
{
	struct conf_pool_range ranges[POOLS_MAX] = { 0 };
	struct conf conf = {
		.private_interfaces = private, .n_private_interfaces = place->net.n_private, .public_interface = words[1],
		.listen = &place->net.gateway_addr, .n_listen = 1, .relay_io = CONF_IO_RINGS, .pool_ranges = ranges,
	};
	char *pools = words[2], *one;

	place->net.public_ifindex = if_nametoindex(words[1]);
	place->net.tun_ifindex = if_nametoindex(PKTIO_TUN_NAME);
	while ((one = strsep(&pools, ",")) != NULL)
		need(conf.n_pool_ranges < POOLS_MAX && ip4_range_parse(one, &ranges[conf.n_pool_ranges++].range), "-r: bad pool");
	need(rings_open(undo, nl, &conf, place, fds), "no rings");
}

int
main(int argc, char **argv)
{
	struct relay_fds fds = RELAY_NO_FDS;
	struct netstate_place place = { 0 };
	struct relay_net *net = &place.net;
	char **rings = argc > 4 && strcmp(argv[1], "-r") == 0 ? argv + 2 : NULL;
	struct netlink *nl = NULL;
	struct undo *undo = NULL;
	int to_relay[2], from_monitor[2];
	pid_t relay;

	log_init("relay_lab", LOG_TO_STDERR, LOG_LVL_INFO, false);
	argc -= rings != NULL ? 4 : 0;
	argv += rings != NULL ? 4 : 0;
	need(argc > 3 && ip4_parse(argv[1], &net->gateway_addr) && ip4_parse(argv[2], &net->public_addr),
	     "usage: relay_lab [-r JOURNAL PUBLIC-INTERFACE POOL,POOL...] GATEWAY-ADDR PUBLIC-ADDR PRIVATE-INTERFACE...");
	for (int i = 3; i < argc && net->n_private < RELAY_PRIVATE_MAX; i++)
		need((net->private_ifindex[net->n_private++] = if_nametoindex(argv[i])) != 0, "no such interface");
	if ((fds.tun = pktio_open_tun(PKTIO_TUN_NAME)) < 0 || !pktio_open_tunnels(&fds))
		return 1;
	if (rings != NULL) {
		need((nl = netlink_open()) != NULL && (undo = undo_open(rings[0], nl)) != NULL, "no journal");
		open_rings(undo, nl, rings, argv + 3, &fds, &place);
	}
	need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, to_relay) == 0 &&
	     socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, from_monitor) == 0, "no socketpair");
	counters = mmap(NULL, sizeof(*counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(counters != MAP_FAILED, "no memory");
	ring_open_xsk(&fds);
	if ((relay = fork()) == 0) {
		close(to_relay[0]);
		close(from_monitor[0]);
		fds.control = to_relay[1];
		fds.monitor = from_monitor[1];
		_exit(relay_main(&fds, net, counters));
	}
	need(relay > 0, "cannot fork");
	ring_close_xsk(&fds);
	close(to_relay[1]);
	close(from_monitor[1]);
	control = to_relay[0];
	monitor = from_monitor[0];
	serve();
	close(monitor);
	waitpid(relay, NULL, 0);
	undo_close(undo);
	netlink_close(nl);
	return 0;
}
