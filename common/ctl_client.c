#include "ctl_client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
ctl_client_connect(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(sun.sun_path, path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* Waits until the descriptor can be read or written. Returns 0, or -1 with errno. */
static int
await(int fd, short what, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = what };
	int n;

	while ((n = poll(&p, 1, timeout_ms)) < 0 && errno == EINTR)
		continue;
	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0 ? 0 : -1;
}

/* One sendmsg; the descriptor, if any, goes along with the first byte. */
static ssize_t
send_part(int fd, const char *bytes, size_t len, int pass_fd)
{
	union { struct cmsghdr align; char space[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct iovec iov = { .iov_base = (char *)bytes, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (pass_fd >= 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.space;
		msg.msg_controllen = sizeof(control.space);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &pass_fd, sizeof(int));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Returns 0, or -1 with errno. */
static int
send_all(int fd, const char *bytes, size_t len, int pass_fd, int timeout_ms)
{
	while (len > 0) {
		ssize_t n = send_part(fd, bytes, len, pass_fd);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (n < 0) {
			if (await(fd, POLLOUT, timeout_ms) != 0)
				return -1;
			continue;
		}
		pass_fd = -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Where jansson reads from. */
struct source { int fd, timeout_ms, err; };

static size_t
read_some(void *buffer, size_t len, void *arg)
{
	struct source *source = arg;
	ssize_t n = -1;

	if (await(source->fd, POLLIN, source->timeout_ms) == 0) {
		while ((n = read(source->fd, buffer, len)) < 0 && errno == EINTR)
			continue;
	}
	if (n < 0)
		source->err = errno;
	return n < 0 ? (size_t)-1 : (size_t)n;
}

static enum ctl_outcome __attribute__((format(printf, 2, 3)))
broken(char error[CTL_ERROR_LEN], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, CTL_ERROR_LEN, fmt, ap);
	va_end(ap);
	return CTL_BROKEN;
}

/* Takes the answer apart: {"ok":true,"result":...} or {"ok":false,"error":"..."}. */
static enum ctl_outcome
judge(json_t *answer, json_t **result, char error[CTL_ERROR_LEN])
{
	json_t *document = json_object_get(answer, "result");
	const char *reason = json_string_value(json_object_get(answer, "error"));
	bool ok = json_is_true(json_object_get(answer, "ok"));

	if (ok && document != NULL) {
		*result = json_incref(document);
		return CTL_DONE;
	}
	if (ok || reason == NULL)
		return broken(error, "the daemon's answer is neither a result nor an error");
	snprintf(error, CTL_ERROR_LEN, "%s", reason);
	return CTL_REFUSED;
}

enum ctl_outcome
ctl_client_ask(int fd, const json_t *request, int pass_fd, int timeout_ms, json_t **result,
    char error[CTL_ERROR_LEN])
{
	struct source source = { .fd = fd, .timeout_ms = timeout_ms };
	char *text = json_dumps(request, JSON_COMPACT);
	enum ctl_outcome outcome;
	json_error_t fault;
	json_t *answer;
	bool sent;

	*result = NULL;
	if (text == NULL)
		return broken(error, "out of memory");
	sent = send_all(fd, text, strlen(text), pass_fd, timeout_ms) == 0 && send_all(fd, "\n", 1, -1, timeout_ms) == 0;
	free(text);
	/* A daemon that has closed its end may have said why before: that is read below. */
	if (!sent && errno != EPIPE)
		return broken(error, "cannot send to the daemon: %s", strerror(errno));

	/* The parser stops at the brace that closes the answer; the newline behind it is blank space before the next. */
	answer = json_load_callback(read_some, &source, JSON_DISABLE_EOF_CHECK, &fault);
	if (source.err != 0)
		outcome = broken(error, "no answer from the daemon: %s", strerror(source.err));
	else if (answer == NULL && json_error_code(&fault) == json_error_premature_end_of_input)
		outcome = broken(error, "the daemon closed the connection before it had answered");
	else if (answer == NULL)
		outcome = broken(error, "the daemon's answer is not JSON: %s", fault.text);
	else
		outcome = judge(answer, result, error);
	json_decref(answer);
	return outcome;
}
