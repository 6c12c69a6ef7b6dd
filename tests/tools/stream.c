/* stream: one end of a two-way stream of numbered datagrams, as of a call: sends at a steady rate, writes down what it
 * sends and what it receives, each with its time, for a report of what was lost and when.
 *
 *   stream [-r RATE] LOCAL PORT REMOTE PORT FILE    RATE datagrams a second (1000); addresses of IPv4 or IPv6
 *
 * Runs until SIGTERM, drains for a moment, then writes FILE, a line an event, times in microseconds of CLOCK_MONOTONIC
 * (one clock for all network namespaces of a kernel):
 *
 *   sent NUMBER TIME            refused NUMBER TIME ERRNO   (the kernel would not send it)
 *   got NUMBER SENT RECEIVED    address ADDRESS TIME        (this node got an IPv4 address)
 *   route TIME                  (it got an IPv4 default route) */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
	PAYLOAD_LEN = 172, /* RTP with 20 ms of G.711 */
	DRAIN_MS = 500,
	BURST_MAX = 100, /* after a stall, no more at once than the kernel's queues hold */
};

struct event {
	enum { EVENT_SENT, EVENT_REFUSED, EVENT_GOT, EVENT_ADDRESS, EVENT_ROUTE } kind;
	uint32_t number; /* of a datagram; an errno is in `more` */
	uint32_t more;   /* EVENT_ADDRESS: the address, network order */
	int64_t sent;
	int64_t at;
};

static struct {
	struct event *list;
	size_t count, room;
} events;

struct datagram {
	uint32_t number;
	uint32_t zero;
	int64_t sent_at;
	uint8_t fill[PAYLOAD_LEN - 16];
};

static int
die(const char *what)
{
	fprintf(stderr, "stream: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct event *
note(int kind, int64_t at)
{
	if (events.count == events.room) {
		events.room = events.room == 0 ? 65536 : 2 * events.room;
		events.list = realloc(events.list, events.room * sizeof(*events.list));
		if (events.list == NULL)
			die("memory");
	}
	struct event *event = &events.list[events.count++];
	*event = (struct event){ .kind = (typeof(event->kind))kind, .at = at };
	return event;
}

/* --- the datagrams ------------------------------------------------------------------------------------------------ */

static struct addrinfo *
resolve(const char *address, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *found;

	if (getaddrinfo(address, port, &hints, &found) != 0) {
		fprintf(stderr, "stream: %s %s is no address with a port\n", address, port);
		exit(2);
	}
	return found;
}

/* A socket whose remote end is given to each send: a connected one would keep the route that it began with. */
static int
open_socket(const struct addrinfo *local)
{
	int fd = socket(local->ai_family, SOCK_DGRAM | SOCK_NONBLOCK, 0), room = 1 << 22;

	if (fd < 0 || bind(fd, local->ai_addr, local->ai_addrlen) != 0)
		die("bind");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return fd;
}

static void
send_one(int fd, const struct addrinfo *remote)
{
	static uint32_t number;
	struct datagram datagram = { .number = number, .sent_at = now_us() };
	ssize_t sent = sendto(fd, &datagram, sizeof(datagram), 0, remote->ai_addr, remote->ai_addrlen);
	int error = sent < 0 ? errno : 0;
	struct event *event = note(sent < 0 ? EVENT_REFUSED : EVENT_SENT, datagram.sent_at);

	event->number = number++;
	event->more = (uint32_t)error;
}

static void
receive_all(int fd)
{
	struct datagram datagram;
	ssize_t got;

	while ((got = recv(fd, &datagram, sizeof(datagram), 0)) >= 0 || errno != EAGAIN) {
		if (got != sizeof(datagram))
			continue; /* an ICMP error, or not ours */
		struct event *event = note(EVENT_GOT, now_us());
		event->number = datagram.number;
		event->sent = datagram.sent_at;
	}
}

/* --- what the kernel tells of addresses and routes --------------------------------------------------------------- */

static int
open_netlink(void)
{
	struct sockaddr_nl us = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&us, sizeof(us)) != 0)
		die("netlink");
	return fd;
}

static void
note_address(struct nlmsghdr *message)
{
	struct ifaddrmsg *header = NLMSG_DATA(message);
	int len = (int)IFA_PAYLOAD(message);

	for (struct rtattr *attr = IFA_RTA(header); RTA_OK(attr, len); attr = RTA_NEXT(attr, len)) {
		if (attr->rta_type == IFA_LOCAL && RTA_PAYLOAD(attr) == sizeof(uint32_t))
			memcpy(&note(EVENT_ADDRESS, now_us())->more, RTA_DATA(attr), sizeof(uint32_t));
	}
}

static void
receive_netlink(int fd)
{
	_Alignas(struct nlmsghdr) char bytes[16384];
	ssize_t got;

	while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
		unsigned len = (unsigned)got;

		for (struct nlmsghdr *m = (struct nlmsghdr *)bytes; NLMSG_OK(m, len); m = NLMSG_NEXT(m, len)) {
			const struct rtmsg *route = NLMSG_DATA(m);
			if (m->nlmsg_type == RTM_NEWADDR)
				note_address(m);
			else if (m->nlmsg_type == RTM_NEWROUTE && route->rtm_dst_len == 0 && route->rtm_table == RT_TABLE_MAIN)
				note(EVENT_ROUTE, now_us());
		}
	}
}

/* --- the life of an end ------------------------------------------------------------------------------------------- */

static int
open_timer(unsigned rate)
{
	long interval = 1000000000L / rate;
	struct itimerspec every = { { .tv_nsec = interval }, { .tv_nsec = interval } };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);

	if (fd < 0 || timerfd_settime(fd, 0, &every, NULL) != 0)
		die("timer");
	return fd;
}

static int
open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK);
}

static void
run(int fd, const struct addrinfo *remote, unsigned rate)
{
	struct pollfd polls[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = open_timer(rate), .events = POLLIN },
		{ .fd = open_netlink(), .events = POLLIN },
		{ .fd = open_signals(), .events = POLLIN },
	};
	int64_t end = INT64_MAX;
	uint64_t due;

	while (now_us() < end) {
		poll(polls, 4, 100);
		receive_netlink(polls[2].fd);
		if (end == INT64_MAX && read(polls[1].fd, &due, sizeof(due)) == sizeof(due)) {
			for (due = due > BURST_MAX ? BURST_MAX : due; due > 0; due--)
				send_one(fd, remote);
		}
		receive_all(fd);
		if (end == INT64_MAX && (polls[3].revents & POLLIN) != 0) {
			end = now_us() + DRAIN_MS * 1000;
			polls[1].fd = polls[3].fd = -1;
		}
	}
}

static void
write_event(FILE *file, const struct event *event)
{
	char address[INET_ADDRSTRLEN];

	switch (event->kind) {
	case EVENT_SENT:
		fprintf(file, "sent %u %" PRId64 "\n", event->number, event->at);
		break;
	case EVENT_REFUSED:
		fprintf(file, "refused %u %" PRId64 " %u\n", event->number, event->at, event->more);
		break;
	case EVENT_GOT:
		fprintf(file, "got %u %" PRId64 " %" PRId64 "\n", event->number, event->sent, event->at);
		break;
	case EVENT_ADDRESS:
		inet_ntop(AF_INET, &event->more, address, sizeof(address));
		fprintf(file, "address %s %" PRId64 "\n", address, event->at);
		break;
	case EVENT_ROUTE:
		fprintf(file, "route %" PRId64 "\n", event->at);
		break;
	}
}

int
main(int argc, char **argv)
{
	unsigned rate = 1000;
	int option;

	while ((option = getopt(argc, argv, "r:")) == 'r')
		rate = (unsigned)strtoul(optarg, NULL, 10);
	if (option != -1 || argc - optind != 5 || rate < 1 || rate > 100000) {
		fprintf(stderr, "usage: stream [-r RATE] LOCAL PORT REMOTE PORT FILE\n");
		return 2;
	}
	argv += optind;
	run(open_socket(resolve(argv[0], argv[1])), resolve(argv[2], argv[3]), rate);
	FILE *file = fopen(argv[4], "w");
	if (file == NULL)
		die(argv[4]);
	for (size_t i = 0; i < events.count; i++)
		write_event(file, &events.list[i]);
	return fclose(file) == 0 ? 0 : die(argv[4]);
}
