/* stream: a two-way stream of numbered datagrams, as of a call, between two network namespaces of this machine: sends at a
 * steady rate each way, writes down what each end sends and receives, with times, for a report of what was lost and when.
 *
 *   stream [-r RATE] NETNS ADDRESS FILE NETNS ADDRESS FILE    RATE datagrams a second (1000); NETNS: a path such as
 *                                                             /proc/PID/ns/net; ADDRESS: of IPv4 or IPv6; FILE: of that end
 *
 * Prints "flowing" when each end has heard the other. Runs until SIGTERM, drains until nothing comes any more, then writes
 * the files, a line an event, times in microseconds of CLOCK_MONOTONIC:
 *
 *   sent NUMBER TIME       refused NUMBER TIME ERRNO   (the kernel would not send it)       got NUMBER TIME
 *
 * In user-mode-linux each system call costs as much as the whole way of a packet through the kernel, and a clock is a
 * system call. What is measured is not to be the measuring: one process has both ends; a tick is one call to wait and one to
 * send each way; a datagram that leaves with its tick has the tick's time; what arrives has the time at which the kernel
 * had it, and is fetched rarely. */
#include "config.h" /* setns, recvmmsg */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
	PORT = 7000,
	PAYLOAD_LEN = 172, /* RTP with 20 ms of G.711 */
	DRAIN_MS = 500, /* and again, while anything comes */
	DRAINS_MAX = 20,
	FETCH_US = 20000,
	FETCH_MAX = 64,  /* datagrams a call */
	BURST_MAX = 100, /* after a stall, no more at once than the kernel's queues hold */
	ROOM = 1 << 22,  /* for what has arrived */
};

struct event {
	enum { EVENT_SENT, EVENT_REFUSED, EVENT_GOT } kind;
	uint32_t number;
	int error; /* EVENT_REFUSED: an errno */
	int64_t at;
};

struct end {
	int fd;
	struct addrinfo *address;
	const char *file;
	struct event *events;
	size_t count, room;
	size_t heard; /* datagrams that have arrived */
};

struct datagram {
	uint32_t number;
	uint8_t fill[PAYLOAD_LEN - 4];
};

static volatile sig_atomic_t stopped;

static int
die(const char *what)
{
	fprintf(stderr, "stream: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int64_t
clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
note(struct end *end, struct event event)
{
	if (end->count == end->room) {
		end->room = end->room == 0 ? 65536 : 2 * end->room;
		end->events = realloc(end->events, end->room * sizeof(*end->events));
		if (end->events == NULL)
			die("memory");
	}
	end->events[end->count++] = event;
}

/* --- the ends ----------------------------------------------------------------------------------------------------- */

static struct addrinfo *
resolve(const char *address)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *found;
	char port[8];

	snprintf(port, sizeof(port), "%d", PORT);
	if (getaddrinfo(address, port, &hints, &found) != 0) {
		fprintf(stderr, "stream: %s is no address\n", address);
		exit(2);
	}
	return found;
}

/* A socket stays in the namespace in which it was made. It is not connected: it would keep the route that it began with. */
static void
open_end(struct end *end, char **arguments)
{
	int space = open(arguments[0], O_RDONLY | O_CLOEXEC), on = 1, room = ROOM;

	end->address = resolve(arguments[1]);
	end->file = arguments[2];
	if (space < 0 || setns(space, CLONE_NEWNET) != 0)
		die(arguments[0]);
	close(space);
	end->fd = socket(end->address->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (end->fd < 0 || bind(end->fd, end->address->ai_addr, end->address->ai_addrlen) != 0)
		die(arguments[1]);
	setsockopt(end->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (setsockopt(end->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0)
		die("time stamps");
}

static void
send_one(struct end *end, const struct end *to, uint32_t number, int64_t at)
{
	struct datagram datagram = { .number = number };
	struct event event = { EVENT_SENT, number, 0, at };

	if (sendto(end->fd, &datagram, sizeof(datagram), 0, to->address->ai_addr, to->address->ai_addrlen) < 0) {
		event.kind = EVENT_REFUSED;
		event.error = errno;
	}
	note(end, event);
}

/* When the kernel had it, by CLOCK_REALTIME. */
static int64_t
stamp_of(struct msghdr *message)
{
	struct timespec stamp = { 0 };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
	}
	return (int64_t)stamp.tv_sec * 1000000 + stamp.tv_nsec / 1000;
}

static void
fetch(struct end *end, int64_t to_monotonic)
{
	static struct datagram datagrams[FETCH_MAX];
	static _Alignas(struct cmsghdr) char stamps[FETCH_MAX][CMSG_SPACE(sizeof(struct timespec))];
	struct mmsghdr messages[FETCH_MAX];
	struct iovec into[FETCH_MAX];
	int got;

	do {
		for (int i = 0; i < FETCH_MAX; i++) {
			into[i] = (struct iovec){ &datagrams[i], sizeof(datagrams[i]) };
			messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &into[i], .msg_iovlen = 1,
				.msg_control = stamps[i], .msg_controllen = sizeof(stamps[i]) } };
		}
		got = recvmmsg(end->fd, messages, FETCH_MAX, 0, NULL); /* less than nothing: none, or an ICMP error */
		for (int i = 0; i < got; i++) {
			if (messages[i].msg_len != sizeof(struct datagram))
				continue;
			note(end, (struct event){ EVENT_GOT, datagrams[i].number, 0, stamp_of(&messages[i].msg_hdr) + to_monotonic });
			end->heard++;
		}
	} while (got == FETCH_MAX || (got < 0 && errno != EAGAIN));
}

static void
fetch_both(struct end ends[2])
{
	int64_t to_monotonic = clock_us(CLOCK_MONOTONIC) - clock_us(CLOCK_REALTIME);

	fetch(&ends[0], to_monotonic);
	fetch(&ends[1], to_monotonic);
}

/* --- the life of a stream ----------------------------------------------------------------------------------------- */

static void
stop_cb(int signo)
{
	(void)signo;
	stopped = 1;
}

static int
open_timer(int64_t interval_us, int64_t start)
{
	struct itimerspec every = {
		{ interval_us / 1000000, interval_us % 1000000 * 1000 }, { start / 1000000, start % 1000000 * 1000 },
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	if (fd < 0 || timerfd_settime(fd, TFD_TIMER_ABSTIME, &every, NULL) != 0)
		die("timer");
	return fd;
}

static bool
is_flowing(const struct end ends[2])
{
	return ends[0].heard > 0 && ends[1].heard > 0;
}

static void
drain(struct end ends[2])
{
	size_t heard;

	for (int i = 0; i < DRAINS_MAX; i++) {
		heard = ends[0].heard + ends[1].heard;
		usleep(DRAIN_MS * 1000);
		fetch_both(ends);
		if (heard == ends[0].heard + ends[1].heard)
			break;
	}
}

static void
run(struct end ends[2], unsigned rate)
{
	int64_t interval = 1000000 / rate, tick = clock_us(CLOCK_MONOTONIC) + interval, fetched = tick;
	int timer = open_timer(interval, tick);
	uint32_t number = 0;
	uint64_t due;
	bool told = false;

	while (!stopped && read(timer, &due, sizeof(due)) == sizeof(due)) {
		int64_t at = due > 1 ? clock_us(CLOCK_MONOTONIC) : tick;

		tick += interval * (int64_t)due;
		for (due = due > BURST_MAX ? BURST_MAX : due; due > 0; due--, number++) {
			send_one(&ends[0], &ends[1], number, at);
			send_one(&ends[1], &ends[0], number, at);
		}
		if (at - fetched >= FETCH_US) {
			fetch_both(ends);
			fetched = at;
		}
		if (!told && is_flowing(ends)) {
			puts("flowing");
			fflush(stdout);
			told = true;
		}
	}
	drain(ends);
}

static void
write_end(const struct end *end)
{
	FILE *file = fopen(end->file, "w");

	if (file == NULL)
		die(end->file);
	for (size_t i = 0; i < end->count; i++) {
		const struct event *event = &end->events[i];

		if (event->kind == EVENT_REFUSED)
			fprintf(file, "refused %u %" PRId64 " %d\n", event->number, event->at, event->error);
		else
			fprintf(file, "%s %u %" PRId64 "\n", event->kind == EVENT_SENT ? "sent" : "got", event->number, event->at);
	}
	if (fclose(file) != 0)
		die(end->file);
}

int
main(int argc, char **argv)
{
	struct sigaction stop = { .sa_handler = stop_cb }; /* interrupts read(2) */
	struct end ends[2] = { 0 };
	unsigned rate = 1000;
	int option;

	while ((option = getopt(argc, argv, "r:")) == 'r')
		rate = (unsigned)strtoul(optarg, NULL, 10);
	if (option != -1 || argc - optind != 6 || rate < 1 || rate > 100000) {
		fprintf(stderr, "usage: stream [-r RATE] NETNS ADDRESS FILE NETNS ADDRESS FILE\n");
		return 2;
	}
	open_end(&ends[0], argv + optind);
	open_end(&ends[1], argv + optind + 3);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	run(ends, rate);
	for (int i = 0; i < 2; i++) {
		write_end(&ends[i]);
		freeaddrinfo(ends[i].address);
		free(ends[i].events);
	}
	return 0;
}
