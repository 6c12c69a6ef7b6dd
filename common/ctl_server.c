#include "config.h"

#include "ctl_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl_conn.h"
#include "log.h"
#include "loop.h"
#include "mem.h"

#define BACKLOG 128
#define ACCEPT_PAUSE_MS 1000 /* when the process has no descriptor left for a client */

struct ctl_server {
	struct loop *loop;
	int listen_fd;
	struct loop_event *acceptable; /* NULL during a pause */
	struct loop_event *pause;
	const struct ctl_command *commands;
	void *arg;
	struct ctl_conn *clients[CTL_CLIENTS_MAX]; /* NULL where there is none */
};

static struct log_limit limit;

/* Answers what names no command with the list of those that do. */
static void
refuse_unknown(const struct ctl_server *server, struct ctl_conn *conn)
{
	char known[512] = "";
	size_t len = 0;

	for (const struct ctl_command *c = server->commands; c->name != NULL && len < sizeof(known); c++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, " %s", c->name);
	ctl_refuse(conn, "no such command; this daemon knows:%s", known);
}

static void
run_request(struct ctl_conn *conn, const json_t *request, void *arg)
{
	const struct ctl_server *server = arg;
	const char *name = json_string_value(json_object_get(request, "cmd"));
	const struct ctl_command *c = server->commands;

	if (name == NULL) {
		ctl_refuse(conn, "a request is a JSON object with a string \"cmd\"");
		return;
	}
	while (c->name != NULL && strcmp(c->name, name) != 0)
		c++;
	if (c->name == NULL)
		refuse_unknown(server, conn);
	else if (c->admin && !ctl_conn_is_admin(conn))
		ctl_refuse(conn, "%s is for root only", c->name);
	else
		c->handler(conn, request, server->arg);
}

/* The place of a client in the table, or of a free entry when conn is NULL; NULL when there is none. */
static struct ctl_conn **
find_client(struct ctl_server *server, const struct ctl_conn *conn)
{
	for (size_t i = 0; i < CTL_CLIENTS_MAX; i++) {
		if (server->clients[i] == conn)
			return &server->clients[i];
	}
	return NULL;
}

static void
client_gone(struct ctl_conn *conn, void *arg)
{
	struct ctl_conn **place = find_client(arg, conn);

	if (place != NULL)
		*place = NULL;
}

static const struct ctl_conn_ops conn_ops = { .request = run_request, .gone = client_gone };

static void
turn_away(int fd)
{
	static const char text[] = "{\"ok\":false,\"error\":\"too many clients of the control socket; try again\"}\n";

	log_warn_limited(&limit, "ctl", "client turned away clients=%d", CTL_CLIENTS_MAX);
	if (send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("ctl", "client turned away in silence error=\"%s\"", strerror(errno));
	close(fd);
}

static void
acceptable_cb(int listen_fd, void *arg)
{
	struct ctl_server *server = arg;
	struct ctl_conn **place = find_client(server, NULL);
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0 && place != NULL) {
		*place = ctl_conn_new(server->loop, fd, &conn_ops, server);
	} else if (fd >= 0) {
		turn_away(fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		/* The client stays in the queue, so without a pause this would be called again and again. */
		log_warn_limited(&limit, "ctl", "cannot accept a client error=\"%s\"", strerror(errno));
		loop_event_free(server->acceptable);
		server->acceptable = NULL;
		loop_timer_set(server->pause, ACCEPT_PAUSE_MS);
	}
}

static void
start_accepting(void *arg)
{
	struct ctl_server *server = arg;

	server->acceptable = loop_readable(server->loop, server->listen_fd, acceptable_cb, server);
}

/* Takes away the file of a socket that nobody serves any more. A queue that is full has somebody behind it. */
static bool
clear_path(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat st;
	bool clear = false;

	if (lstat(at->sun_path, &st) != 0)
		clear = errno == ENOENT;
	else if (!S_ISSOCK(st.st_mode))
		errno = EEXIST;
	else if (fd >= 0 && (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 || errno == EAGAIN))
		errno = EADDRINUSE;
	else
		clear = fd >= 0 && unlink(at->sun_path) == 0;
	if (fd >= 0)
		close(fd);
	return clear;
}

/* The mode is right from the first moment on. */
static bool
bind_for_group(int fd, const struct sockaddr_un *at)
{
	mode_t old = umask(0117);
	bool bound = bind(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;

	umask(old);
	return bound;
}

int
ctl_server_listen(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	if (fd >= 0 && clear_path(&at) && bind_for_group(fd, &at) && listen(fd, BACKLOG) == 0)
		return fd;
	err = errno;
	if (fd >= 0)
		close(fd);
	errno = err;
	return -1;
}

struct ctl_server *
ctl_server_new(struct loop *loop, int listen_fd, const struct ctl_command *commands, void *arg)
{
	struct ctl_server *server = mem_zero(1, sizeof(*server));

	server->loop = loop;
	server->listen_fd = listen_fd;
	server->commands = commands;
	server->arg = arg;
	server->pause = loop_timer(loop, start_accepting, server);
	start_accepting(server);
	return server;
}

void
ctl_server_free(struct ctl_server *server)
{
	for (size_t i = 0; i < CTL_CLIENTS_MAX; i++) {
		if (server->clients[i] != NULL)
			ctl_conn_close(server->clients[i]);
	}
	loop_event_free(server->acceptable);
	loop_event_free(server->pause);
	free(server);
}
