#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf.h"
#include "ctl_server.h"
#include "log.h"
#include "mem.h"

#define BACKLOG 256
#define UDP_BUFFER (1 << 20) /* bytes: a second of requests from some thousand hosts */

/* What an operator can do about a bind that failed. */
static const char *
bind_hint(int err)
{
	switch (err) {
	case EADDRINUSE: return "another program has it: stop that one, ss -lntup tells which it is";
	case EADDRNOTAVAIL: return "no interface has this address: ip address shows those that do";
	default: return strerror(err);
	}
}

/* A bound IPv4 socket, listening when it is a stream; -1 after a line in the log. */
static int
open_inet(int type, ip4_t addr, uint16_t port, const char *what)
{
	const struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(addr) };
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, size = UDP_BUFFER;
	char str[IP4_STRLEN];

	/* A stream's port is free at once after a restart; for datagrams this option would let two daemons share it. */
	if (fd >= 0 && type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd >= 0 && type == SOCK_DGRAM)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
	    (type != SOCK_STREAM || listen(fd, BACKLOG) == 0))
		return fd;
	log_error("listen", "cannot serve %s address=%s port=%u protocol=%s error=\"%s\"", what, ip4_str(addr, str), port,
	          type == SOCK_STREAM ? "tcp" : "udp", bind_hint(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool
open_rsip(const struct conf *conf, struct control_fds *fds)
{
	int *tcp = mem_zero(conf->n_listen, sizeof(int)), *udp = mem_zero(conf->n_listen, sizeof(int));
	bool good = true;

	for (size_t i = 0; i < conf->n_listen; i++) {
		tcp[i] = conf->tcp && good ? open_inet(SOCK_STREAM, conf->listen[i], RSIP_PORT, "RSIP") : -1;
		good = good && (!conf->tcp || tcp[i] >= 0);
		udp[i] = good ? open_inet(SOCK_DGRAM, conf->listen[i], RSIP_PORT, "RSIP") : -1;
		good = good && udp[i] >= 0;
	}
	fds->tcp = tcp;
	fds->udp = udp;
	fds->n_listen = conf->n_listen;
	return good;
}

static int
open_ctl(const char *path, gid_t group)
{
	int fd = ctl_server_listen(path);

	if (fd >= 0 && lchown(path, 0, group) == 0)
		return fd;
	log_error("listen", "cannot serve the control socket path=\"%s\" error=\"%s\"", path, bind_hint(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

bool
listen_open(const struct conf *conf, gid_t group, struct control_fds *fds)
{
	fds->ctl = fds->metrics = -1;
	if (open_rsip(conf, fds) &&
	    (!conf->metrics ||
	     (fds->metrics = open_inet(SOCK_STREAM, conf->metrics_addr, conf->metrics_port, "metrics")) >= 0) &&
	    (fds->ctl = open_ctl(conf->control, group)) >= 0)
		return true;
	listen_close(conf, fds);
	return false;
}

static void
close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	free((int *)fds);
}

void
listen_close(const struct conf *conf, struct control_fds *fds)
{
	close_all(fds->tcp, fds->n_listen);
	close_all(fds->udp, fds->n_listen);
	if (fds->metrics >= 0)
		close(fds->metrics);
	if (fds->ctl >= 0) {
		close(fds->ctl);
		unlink(conf->control);
	}
}
