#include "monitor_proto.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union fd_cmsg {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int))];
};

bool
monitor_send(int fd, enum monitor_op op, const char *text, int pass_fd)
{
	struct monitor_msg msg = { .op = op };
	struct iovec iov = { .iov_base = &msg, .iov_len = sizeof(msg) };
	union fd_cmsg control = { 0 };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (text != NULL)
		strncpy(msg.text, text, sizeof(msg.text) - 1);
	if (pass_fd >= 0) {
		hdr.msg_control = control.space;
		hdr.msg_controllen = sizeof(control.space);
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &pass_fd, sizeof(int));
	}
	return sendmsg(fd, &hdr, MSG_NOSIGNAL) == (ssize_t)sizeof(msg);
}

static int
passed_descriptor(struct msghdr *hdr)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(hdr);
	int fd = -1;

	if (cmsg != NULL && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS &&
	    cmsg->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(int));
	return fd;
}

int
monitor_receive(int fd, struct monitor_msg *msg, int *passed_fd)
{
	struct iovec iov = { .iov_base = msg, .iov_len = sizeof(*msg) };
	union fd_cmsg control;
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
	                      .msg_controllen = CMSG_LEN(sizeof(int)) }; /* in all of the space a second one would leak */
	ssize_t n;

	*passed_fd = -1;
	do {
		n = recvmsg(fd, &hdr, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	*passed_fd = passed_descriptor(&hdr);
	if (n == (ssize_t)sizeof(*msg) && (hdr.msg_flags & MSG_TRUNC) == 0 &&
	    memchr(msg->text, '\0', sizeof(msg->text)) != NULL)
		return 1;
	if (*passed_fd >= 0)
		close(*passed_fd);
	*passed_fd = -1;
	return -1;
}
