#include "config.h"

#include "acceptor.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "log.h"
#include "loop.h"
#include "mem.h"

#define FDS_RESERVED 256 /* for everything but TCP connections */
#define CONNECTIONS_MAX 65536 /* or as many as the hard limit of descriptors leaves */
#define ACCEPT_A_TURN 64
#define PAUSE_MS 200

struct acceptor {
	struct loop *loop;
	int listen_fd;
	struct loop_event *acceptable; /* NULL during a pause */
	struct loop_event *pause;
	acceptor_cb *cb;
	void *arg;
};

/* What is in the queue stays there, so without a pause the loop would find it again and again. */
static void
rest(struct acceptor *a)
{
	static struct log_limit limit;

	log_warn_limited(&limit, "server", "cannot accept error=\"%s\"", strerror(errno));
	loop_event_free(a->acceptable);
	a->acceptable = NULL;
	loop_timer_set(a->pause, PAUSE_MS);
}

static void
on_acceptable(int listen_fd, void *arg)
{
	struct acceptor *a = arg;
	struct sockaddr_in peer;

	for (int i = 0; i < ACCEPT_A_TURN; i++) {
		socklen_t len = sizeof(peer);
		int fd = accept4(listen_fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			a->cb(a->arg, fd, ntohl(peer.sin_addr.s_addr));
			continue;
		}
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ECONNABORTED && errno != EINTR)
			rest(a);
		return;
	}
}

static void
go_on(void *arg)
{
	struct acceptor *a = arg;

	a->acceptable = loop_readable(a->loop, a->listen_fd, on_acceptable, a);
}

struct acceptor *
acceptor_new(struct loop *loop, int listen_fd, acceptor_cb *cb, void *arg)
{
	struct acceptor *a = mem_zero(1, sizeof(*a));

	a->loop = loop;
	a->listen_fd = listen_fd;
	a->cb = cb;
	a->arg = arg;
	a->pause = loop_timer(loop, go_on, a);
	go_on(a);
	return a;
}

void
acceptor_free(struct acceptor *a)
{
	if (a == NULL)
		return;
	loop_event_free(a->acceptable);
	loop_event_free(a->pause);
	free(a);
}

/* With a limit that leaves hardly more than the reserve, half of it. */
size_t
acceptor_connections_max(void)
{
	const rlim_t all = CONNECTIONS_MAX + FDS_RESERVED;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return FDS_RESERVED;
	if (limit.rlim_cur < all) {
		limit.rlim_cur = limit.rlim_max < all ? limit.rlim_max : all;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur <= 2 * FDS_RESERVED)
		return (size_t)limit.rlim_cur / 2;
	return limit.rlim_cur - FDS_RESERVED < CONNECTIONS_MAX ? (size_t)limit.rlim_cur - FDS_RESERVED : CONNECTIONS_MAX;
}
