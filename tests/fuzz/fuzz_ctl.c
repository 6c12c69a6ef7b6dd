/* Bytes of a client of the control socket, as they come: JSON and its framing into requests. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl_conn.h"
#include "log.h"
#include "loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int open_conns;

static json_t *
three(void *cursor)
{
	return --*(int *)cursor >= 0 ? json_true() : NULL;
}

/* Answers in each of the ways that there are. */
static void
request_cb(struct ctl_conn *conn, const json_t *request, void *arg)
{
	const json_t *cmd = json_object_get(request, "cmd");
	static int left;

	(void)arg;
	if (!json_is_string(cmd)) {
		ctl_refuse(conn, "no cmd");
	} else if (json_string_length(cmd) == 4) {
		left = 3;
		ctl_answer_list(conn, three, &left, NULL);
	} else {
		ctl_answer(conn, json_incref((json_t *)request));
	}
}

static void
gone_cb(struct ctl_conn *conn, void *arg)
{
	(void)conn;
	(void)arg;
	open_conns--;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ctl_conn_ops ops = { request_cb, gone_cb };
	static struct loop *loop;
	char answers[4096];
	int fds[2];

	if (loop == NULL) {
		log_init("fuzz", LOG_TO_NONE, LOG_LVL_ERROR, false);
		loop = loop_new();
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
		abort();
	ctl_conn_new(loop, fds[0], &ops, NULL);
	open_conns++;
	/* What does not fit is sent as the server reads; it must not matter where the stream is cut. */
	while (size > 0 && open_conns > 0) {
		size_t part = size < 4000 ? size : 4000;
		ssize_t n = send(fds[1], data, part, MSG_NOSIGNAL);

		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
		loop_once(loop, false);
		while (recv(fds[1], answers, sizeof(answers), 0) > 0)
			continue;
	}
	close(fds[1]);
	while (open_conns > 0)
		loop_once(loop, false);
	return 0;
}
