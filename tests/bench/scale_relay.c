#include "scale_relay.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "demux.h"
#include "dp_server.h"
#include "log.h"
#include "meters.h"

static void
on_forgotten(const struct learned *item, void *arg)
{
	(void)item;
	(void)arg;
}

static void
on_host(struct demux_host *host, void *arg)
{
	(void)host;
	(void)arg;
}

static void
on_bound(struct demux_binding *b, const struct demux_binding *was, void *arg)
{
	uint64_t *n = arg;

	(void)b;
	__atomic_add_fetch(n, was == NULL, __ATOMIC_RELEASE);
}

static void
on_unbound(struct demux_binding *b, void *arg)
{
	uint64_t *n = arg;

	(void)b;
	__atomic_sub_fetch(n, 1, __ATOMIC_RELEASE);
}

static _Noreturn void
relay_main(int fd, uint32_t n_bindings, uint64_t *n_bound)
{
	const struct demux_events events = { on_forgotten, on_host, NULL };
	const struct demux_watcher watcher = { .bound = on_bound, .unbound = on_unbound, .arg = n_bound };
	struct demux *d = demux_new(&events);
	struct dp_server *s = dp_server_new(d);
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	demux_meter(d, meters_new(n_bindings));
	demux_watch(d, &watcher);
	dp_server_connect(s, fd);
	while (poll(&pollfd, 1, -1) >= 0 && dp_server_poll(s, clock_now()))
		;
	_exit(0);
}

void
scale_relay_start(struct scale_relay *relay, uint32_t n_bindings)
{
	uint64_t *n_bound = mmap(NULL, sizeof(*n_bound), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int pair[2];

	if (n_bound == MAP_FAILED || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0 ||
	    (relay->pid = fork()) < 0)
		log_fatal("scale", "no second process for the relay's tables");
	if (relay->pid == 0) {
		close(pair[0]);
		relay_main(pair[1], n_bindings, n_bound);
	}
	close(pair[1]);
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	relay->fd = pair[0];
	relay->n_bindings = n_bound;
}

void
scale_relay_end(struct scale_relay *relay)
{
	waitpid(relay->pid, NULL, 0);
}
