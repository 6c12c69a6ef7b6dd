/* flow: numbered messages to an echo server and back, for a while: says what was lost and how long the worst one took.
 *
 *   flow echo ADDR:PORT                             echoes TCP and UDP until it is killed
 *   flow run [-u] [-n COUNT] [-i MS] FROM[:PORT] TO:PORT
 *       sends COUNT (20) messages, one each MS (50) milliseconds, by TCP or, with -u, UDP; -n 0: until SIGTERM
 *
 * `run` prints "sent=N back=N lost=N longest_ms=N"; exit status 0 when every message came back unchanged, 1 when not,
 * 2 usage or no such local address. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "clock.h"
#include "loop.h"

enum {
	MESSAGE_LEN = 512,
	CONNECT_MS = 10000,
	STRAGGLERS_UDP_MS = 2000,
	STRAGGLERS_TCP_MS = 8000, /* long enough for retransmissions after a short outage */
};

static struct loop *loop;

static void
die(const char *what)
{
	fprintf(stderr, "flow: %s: %s\n", what, strerror(errno));
	exit(2);
}

static struct sockaddr_in
socket_address(ip4_t addr, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(addr), .sin_port = htons(port)
	};
}

static int
socket_bound(int type, ip4_t addr, uint16_t port)
{
	struct sockaddr_in local = socket_address(addr, port);
	int fd = socket(AF_INET, type, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&local, sizeof(local)) != 0)
		die("bind");
	return fd;
}

/* --- the echo server ---------------------------------------------------------------------------------------------- */

struct client {
	int fd;
	struct loop_event *event;
};

static void
echo_stream(int fd, void *arg)
{
	struct client *client = arg;
	uint8_t bytes[16384];
	ssize_t got = read(fd, bytes, sizeof(bytes));

	if (got > 0 && send(fd, bytes, (size_t)got, MSG_NOSIGNAL) == got)
		return;
	loop_event_free(client->event);
	close(client->fd);
	free(client);
}

static void
echo_accept(int fd, void *arg)
{
	struct client *client = malloc(sizeof(*client));

	(void)arg;
	if (client == NULL || (client->fd = accept(fd, NULL, NULL)) < 0) {
		free(client);
		return;
	}
	client->event = loop_readable(loop, client->fd, echo_stream, client);
}

static void
echo_datagram(int fd, void *arg)
{
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	uint8_t bytes[65536];
	ssize_t got = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len);

	(void)arg;
	if (got >= 0)
		(void)sendto(fd, bytes, (size_t)got, 0, (struct sockaddr *)&from, from_len);
}

static int
echo_main(ip4_t addr, uint16_t port)
{
	int stream = socket_bound(SOCK_STREAM, addr, port), datagram = socket_bound(SOCK_DGRAM, addr, port);

	if (listen(stream, 16) != 0)
		die("listen");
	loop_readable(loop, stream, echo_accept, NULL);
	loop_readable(loop, datagram, echo_datagram, NULL);
	loop_run(loop);
	return 0;
}

/* --- the sender --------------------------------------------------------------------------------------------------- */

/* A message is its number, when it was sent, and a pattern made of the number. */
struct message {
	uint32_t number;
	uint32_t pattern[(MESSAGE_LEN - 12) / 4];
	int64_t sent_at; /* clock_now */
} __attribute__((packed));

static struct {
	int fd;
	bool udp;
	uint32_t count; /* 0: until SIGTERM */
	uint32_t sent, back;
	bool broken; /* the connection is over, or something came back changed */
	int64_t interval, longest;
	uint8_t partial[MESSAGE_LEN]; /* TCP: the message that is arriving */
	size_t partial_len;
	struct loop_event *tick, *deadline;
} flow;

static void
message_make(struct message *message, uint32_t number)
{
	message->number = number;
	for (size_t i = 0; i < sizeof(message->pattern) / sizeof(message->pattern[0]); i++)
		message->pattern[i] = number * 2654435761u + (uint32_t)i;
	message->sent_at = clock_now();
}

static void
finish(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

static void
broken(const char *why)
{
	fprintf(stderr, "flow: %s\n", why);
	flow.broken = true;
	finish(NULL);
}

/* No more is sent; what is still on its way may come. */
static void
drain(void *arg)
{
	(void)arg;
	loop_timer_cancel(flow.tick);
	if (flow.back == flow.sent)
		finish(NULL);
	else
		loop_timer_set(flow.deadline, flow.udp ? STRAGGLERS_UDP_MS : STRAGGLERS_TCP_MS);
	flow.count = flow.sent;
}

static void
send_next(void *arg)
{
	struct message message;

	(void)arg;
	message_make(&message, flow.sent);
	/* A datagram that the kernel refuses is one lost; it shows in the sum. */
	if (send(flow.fd, &message, sizeof(message), MSG_NOSIGNAL) < 0 && !flow.udp) {
		broken(strerror(errno));
		return;
	}
	flow.sent++;
	if (flow.sent == flow.count)
		drain(NULL);
	else
		loop_timer_set(flow.tick, flow.interval);
}

static void
message_back(const uint8_t *bytes)
{
	struct message got, expected;

	memcpy(&got, bytes, sizeof(got));
	message_make(&expected, got.number);
	expected.sent_at = got.sent_at;
	if (got.number >= flow.sent || memcmp(&got, &expected, sizeof(got)) != 0) {
		broken("a message came back changed");
		return;
	}
	int64_t took = clock_now() - got.sent_at;
	if (took > flow.longest)
		flow.longest = took;
	flow.back++;
	if (flow.count != 0 && flow.back == flow.count)
		finish(NULL);
}

static void
receive(int fd, void *arg)
{
	size_t room = MESSAGE_LEN - flow.partial_len;
	ssize_t got = recv(fd, flow.partial + flow.partial_len, room, 0);

	(void)arg;
	if (got < 0 && flow.udp) /* an ICMP error: the datagram it is about counts as lost */
		return;
	if (got <= 0) {
		broken(got == 0 ? "the peer closed the connection" : strerror(errno));
		return;
	}
	flow.partial_len += (size_t)got;
	if (flow.udp && flow.partial_len != MESSAGE_LEN) {
		broken("a message came back shortened");
		return;
	}
	if (flow.partial_len == MESSAGE_LEN) {
		flow.partial_len = 0;
		message_back(flow.partial);
	}
}

static int
run_main(ip4_t from, uint16_t from_port, ip4_t to, uint16_t to_port)
{
	struct sockaddr_in peer = socket_address(to, to_port);
	struct timeval limit = { .tv_sec = CONNECT_MS / 1000 };

	flow.fd = socket_bound(flow.udp ? SOCK_DGRAM : SOCK_STREAM, from, from_port);
	setsockopt(flow.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)); /* bounds connect(2) */
	if (connect(flow.fd, (struct sockaddr *)&peer, sizeof(peer)) != 0) {
		fprintf(stderr, "flow: connect: %s\n", errno == EINPROGRESS ? "no answer" : strerror(errno));
		printf("sent=0 back=0 lost=0 longest_ms=0\n");
		return 1;
	}
	flow.tick = loop_timer(loop, send_next, NULL);
	flow.deadline = loop_timer(loop, finish, NULL);
	loop_readable(loop, flow.fd, receive, NULL);
	loop_signal(loop, SIGTERM, drain, NULL);
	loop_timer_set(flow.tick, 0);
	loop_run(loop);
	printf("sent=%u back=%u lost=%u longest_ms=%lld\n", flow.sent, flow.back, flow.sent - flow.back,
	    (long long)flow.longest);
	return flow.broken || flow.back != flow.sent ? 1 : 0;
}

static int
usage(void)
{
	fprintf(stderr, "usage: flow echo ADDR:PORT\n"
	                "       flow run [-u] [-n COUNT] [-i MS] FROM[:PORT] TO:PORT\n");
	return 2;
}

int
main(int argc, char **argv)
{
	ip4_t from, to;
	uint16_t from_port = 0, to_port;
	int option;

	loop = loop_new();
	if (argc == 3 && strcmp(argv[1], "echo") == 0 && ip4_port_parse(argv[2], &from, &from_port))
		return echo_main(from, from_port);
	if (argc < 2 || strcmp(argv[1], "run") != 0)
		return usage();
	flow.count = 20;
	flow.interval = 50;
	for (optind = 2; (option = getopt(argc, argv, "un:i:")) != -1;) {
		switch (option) {
		case 'u':
			flow.udp = true;
			break;
		case 'n':
			flow.count = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'i':
			flow.interval = (int64_t)strtoul(optarg, NULL, 10);
			break;
		default:
			return usage();
		}
	}
	if (argc - optind != 2 || !ip4_port_parse(argv[optind + 1], &to, &to_port) ||
	    (!ip4_parse(argv[optind], &from) && !ip4_port_parse(argv[optind], &from, &from_port)))
		return usage();
	return run_main(from, from_port, to, to_port);
}
