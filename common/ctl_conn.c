#include "config.h"

#include "ctl_conn.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "mem.h"

/* Of a list, in one turn of the loop: */
#define CHUNK_BYTES 65536
#define CHUNK_CALLS 2048 /* that many entries are looked at */

struct ctl_conn {
	struct loop *loop;
	const struct ctl_conn_ops *ops;
	void *arg;
	int fd, passed_fd;
	uid_t uid;
	struct loop_event *readable, *writable, *timer;
	struct evbuffer *out;
	bool busy;           /* a handler has a request and has not answered */
	bool eof;            /* the client says no more: close when all is answered */
	ctl_next *list_next; /* not NULL while a list is being written */
	bool list_begun;
	void *list_cursor;
	void (*list_done)(void *cursor);
	void (*on_close)(void *arg);
	void *on_close_arg;
	size_t in_len;
	char in[CTL_LINE_MAX];
};

int ctl_idle_ms = CTL_IDLE_MS, ctl_stall_ms = CTL_STALL_MS;

static struct log_limit limit;

static void writable_cb(int fd, void *arg);

/* ---- answers ---- */

static void
out_text(struct ctl_conn *conn, const char *text)
{
	if (evbuffer_add(conn->out, text, strlen(text)) != 0)
		log_fatal("ctl", "out of memory");
}

/* Appends the text of one value. */
static void
out_json(struct ctl_conn *conn, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	if (text == NULL)
		log_fatal("ctl", "out of memory");
	out_text(conn, text);
	free(text);
}

static void
conn_want_write(struct ctl_conn *conn)
{
	if (conn->writable == NULL) {
		conn->writable = loop_writable(conn->loop, conn->fd, writable_cb, conn);
		loop_timer_set(conn->timer, ctl_stall_ms);
	}
}

/* The request is answered: what is in out goes to the client in the next turn of the loop. */
static void
answered(struct ctl_conn *conn)
{
	conn->busy = false;
	if (conn->passed_fd >= 0)
		close(conn->passed_fd);
	conn->passed_fd = -1;
	conn_want_write(conn);
}

void
ctl_answer(struct ctl_conn *conn, json_t *document)
{
	if (document == NULL) {
		ctl_refuse(conn, "the daemon is out of memory");
		return;
	}
	out_text(conn, "{\"ok\":true,\"result\":");
	out_json(conn, document);
	out_text(conn, "}\n");
	json_decref(document);
	answered(conn);
}

void
ctl_refuse(struct ctl_conn *conn, const char *fmt, ...)
{
	char text[1024];
	json_t *reason;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if ((reason = json_string(text)) == NULL) /* not UTF-8, or cut within a character */
		reason = json_string("refused, for a reason that is not printable");
	out_text(conn, "{\"ok\":false,\"error\":");
	out_json(conn, reason);
	out_text(conn, "}\n");
	json_decref(reason);
	answered(conn);
}

void
ctl_working(struct ctl_conn *conn)
{
	out_text(conn, " ");
	conn_want_write(conn);
}

void
ctl_answer_list(struct ctl_conn *conn, ctl_next *next, void *cursor, void (*done)(void *cursor))
{
	out_text(conn, "{\"ok\":true,\"result\":[");
	conn->list_next = next;
	conn->list_begun = false;
	conn->list_cursor = cursor;
	conn->list_done = done;
	answered(conn);
}

static void
list_end(struct ctl_conn *conn)
{
	if (conn->list_next != NULL && conn->list_done != NULL)
		conn->list_done(conn->list_cursor);
	conn->list_next = NULL;
}

/* Fills out with the next chunk of the list that is being written, if there is one. */
static void
list_fill(struct ctl_conn *conn)
{
	for (int i = 0; i < CHUNK_CALLS && conn->list_next != NULL && evbuffer_get_length(conn->out) < CHUNK_BYTES; i++) {
		json_t *element = conn->list_next(conn->list_cursor);

		if (element == NULL) {
			list_end(conn);
			out_text(conn, "]}\n");
			return;
		}
		if (json_is_null(element))
			continue; /* the one null there is needs no reference count */
		if (conn->list_begun)
			out_text(conn, ",");
		conn->list_begun = true;
		out_json(conn, element);
		json_decref(element);
	}
}

int
ctl_take_fd(struct ctl_conn *conn)
{
	int fd = conn->passed_fd;

	conn->passed_fd = -1;
	return fd;
}

void
ctl_on_close(struct ctl_conn *conn, void (*cb)(void *arg), void *arg)
{
	conn->on_close = cb;
	conn->on_close_arg = arg;
}

/* ---- the client ---- */

/* Takes the first line out of the input, if there is a whole one, and carries it out. */
static void
take_line(struct ctl_conn *conn)
{
	const char *end = memchr(conn->in, '\n', conn->in_len);
	json_error_t fault;
	json_t *request;
	size_t len;

	if (end == NULL)
		return;
	len = (size_t)(end - conn->in);
	request = json_loadb(conn->in, len, JSON_REJECT_DUPLICATES, &fault);
	conn->in_len -= len + 1;
	memmove(conn->in, end + 1, conn->in_len);
	conn->busy = true;
	if (request == NULL)
		ctl_refuse(conn, "the request is not one line of JSON: %s at byte %d", fault.text, fault.position);
	else
		conn->ops->request(conn, request, conn->arg);
	json_decref(request);
}

void
ctl_conn_close(struct ctl_conn *conn)
{
	list_end(conn);
	if (conn->on_close != NULL)
		conn->on_close(conn->on_close_arg);
	conn->ops->gone(conn, conn->arg);
	loop_event_free(conn->readable);
	loop_event_free(conn->writable);
	loop_event_free(conn->timer);
	evbuffer_free(conn->out);
	if (conn->passed_fd >= 0)
		close(conn->passed_fd);
	close(conn->fd);
	free(conn);
}

/* Sends what the socket takes. Returns false when the client is gone. */
static bool
conn_flush(struct ctl_conn *conn)
{
	struct evbuffer_iovec part;

	while (evbuffer_peek(conn->out, -1, NULL, &part, 1) > 0) {
		ssize_t n = send(conn->fd, part.iov_base, part.iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		evbuffer_drain(conn->out, (size_t)n);
		loop_timer_set(conn->timer, ctl_stall_ms);
	}
	return true;
}

static bool
conn_quiet(const struct ctl_conn *conn)
{
	return !conn->busy && conn->list_next == NULL && evbuffer_get_length(conn->out) == 0;
}

/* Nothing to write: wait for the handler without limit, for the client with one. */
static void
conn_rest(struct ctl_conn *conn)
{
	loop_event_free(conn->writable);
	conn->writable = NULL;
	if (conn->busy || conn->on_close != NULL)
		loop_timer_cancel(conn->timer);
	else
		loop_timer_set(conn->timer, ctl_idle_ms);
}

/* Does what can be done now, at most one chunk and one request, so that no client holds up the loop. May free conn. */
static void
conn_step(struct ctl_conn *conn)
{
	list_fill(conn);
	if (!conn_flush(conn)) {
		ctl_conn_close(conn);
		return;
	}
	if (conn_quiet(conn))
		take_line(conn);
	if (!conn_quiet(conn) && !conn->busy)
		conn_want_write(conn);
	else if (!conn->busy && memchr(conn->in, '\n', conn->in_len) != NULL)
		conn_want_write(conn);
	else if (!conn->busy && conn->eof)
		ctl_conn_close(conn);
	else
		conn_rest(conn);
}

static void
writable_cb(int fd, void *arg)
{
	(void)fd;
	conn_step(arg);
}

/* The client says no more. What it asked is still answered. */
static void
conn_end_input(struct ctl_conn *conn)
{
	loop_event_free(conn->readable);
	conn->readable = NULL;
	conn->eof = true;
}

/* Keeps the descriptor that came with the bytes, in place of an earlier one. */
static void
keep_fd(struct ctl_conn *conn, struct msghdr *msg)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	if (cmsg == NULL || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS ||
	    cmsg->cmsg_len != CMSG_LEN(sizeof(int)))
		return;
	if (conn->passed_fd >= 0)
		close(conn->passed_fd);
	memcpy(&conn->passed_fd, CMSG_DATA(cmsg), sizeof(int));
}

/* One recvmsg into the free space of the line. */
static ssize_t
conn_receive(struct ctl_conn *conn)
{
	union { struct cmsghdr align; char space[CMSG_LEN(sizeof(int))]; } control;
	struct iovec iov = { .iov_base = conn->in + conn->in_len, .iov_len = sizeof(conn->in) - conn->in_len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space };
	ssize_t n;

	msg.msg_controllen = CMSG_LEN(sizeof(int)); /* room for one; the kernel closes any other */
	n = recvmsg(conn->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n >= 0)
		keep_fd(conn, &msg);
	return n;
}

static void
readable_cb(int fd, void *arg)
{
	struct ctl_conn *conn = arg;
	ssize_t n = conn_receive(conn);

	(void)fd;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		ctl_conn_close(conn);
		return;
	}
	conn->in_len += (size_t)n;
	if (n == 0) {
		conn_end_input(conn);
	} else if (conn->in_len == sizeof(conn->in)) {
		/* Either a line that is too long, or a client that asks on without waiting for answers. */
		log_warn_limited(&limit, "ctl", "client dropped reason=\"request longer than %d bytes\"", CTL_LINE_MAX);
		conn_end_input(conn);
		if (conn_quiet(conn) && memchr(conn->in, '\n', conn->in_len) == NULL)
			ctl_refuse(conn, "the request is longer than %d bytes", CTL_LINE_MAX);
	}
	conn_step(conn);
}

static void
timer_cb(void *arg)
{
	struct ctl_conn *conn = arg;

	if (!conn_quiet(conn))
		log_warn_limited(&limit, "ctl", "client dropped reason=\"does not read its answer\"");
	ctl_conn_close(conn);
}

struct ctl_conn *
ctl_conn_new(struct loop *loop, int fd, const struct ctl_conn_ops *ops, void *arg)
{
	struct ctl_conn *conn = mem_zero(1, sizeof(*conn));
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if ((conn->out = evbuffer_new()) == NULL)
		log_fatal("ctl", "out of memory");
	conn->loop = loop;
	conn->ops = ops;
	conn->arg = arg;
	conn->fd = fd;
	conn->passed_fd = -1;
	conn->uid = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 ? peer.uid : (uid_t)-1;
	conn->readable = loop_readable(loop, fd, readable_cb, conn);
	conn->timer = loop_timer(loop, timer_cb, conn);
	loop_timer_set(conn->timer, ctl_idle_ms);
	return conn;
}

bool
ctl_conn_is_admin(const struct ctl_conn *conn)
{
	return conn->uid == 0 || conn->uid == geteuid();
}
