#include "netlink_xfrm.h"

#include <errno.h>
#include <linux/xfrm.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "netlink_impl.h"

#define NEWS_BUFFER (1 << 20)
#define NEWS_MAX 8192          /* datagrams: more than the buffer holds, and an end where they come as fast as they are read */
#define ASK_MAX 32             /* questions in one go: an answer is a datagram, and a socket holds some 200 kB */
#define DATAGRAM_MAX (1 << 16) /* the kernel fills 32 kB at the most (netlink_dump) */

struct xfrm_nl { struct nl_sock *sock; };

struct xfrm_nl *
xfrm_nl_open(void)
{
	struct xfrm_nl *nl = mem_zero(1, sizeof(*nl));
	int err;

	nl->sock = netlink_must(nl_socket_alloc());
	nl_socket_disable_seq_check(nl->sock);
	nl_socket_disable_msg_peek(nl->sock); /* a datagram is one system call */
	nl_socket_set_msg_buf_size(nl->sock, DATAGRAM_MAX);
	if ((err = nl_connect(nl->sock, NETLINK_XFRM)) == 0)
		return nl;
	log_error("adoption", "the kernel's IPsec cannot be reached error=\"%s\": is the module xfrm_user there?",
	    nl_geterror(err));
	xfrm_nl_close(nl);
	return NULL;
}

struct xfrm_nl *
xfrm_nl_open_news(void)
{
	struct xfrm_nl *nl = xfrm_nl_open();
	int err;

	if (nl == NULL)
		return NULL;
	nl_socket_set_buffer_size(nl->sock, NEWS_BUFFER, 0);
	if ((err = nl_socket_add_memberships(nl->sock, XFRMNLGRP_SA, XFRMNLGRP_POLICY, XFRMNLGRP_EXPIRE, XFRMNLGRP_MAPPING,
	         XFRMNLGRP_MIGRATE, 0)) == 0 && (err = nl_socket_set_nonblocking(nl->sock)) == 0)
		return nl;
	log_error("adoption", "the kernel's IPsec cannot be watched error=\"%s\"", nl_geterror(err));
	xfrm_nl_close(nl);
	return NULL;
}

void
xfrm_nl_close(struct xfrm_nl *nl)
{
	if (nl == NULL)
		return;
	nl_socket_free(nl->sock);
	free(nl);
}

int
xfrm_nl_fd(const struct xfrm_nl *nl)
{
	return nl_socket_get_fd(nl->sock);
}

struct nl_msg *
xfrm_nl_message(int type, int flags, const void *fixed, size_t len)
{
	struct nl_msg *msg = netlink_must(nlmsg_alloc_simple(type, NLM_F_REQUEST | flags));

	if (nlmsg_append(msg, (void *)(uintptr_t)fixed, len, NLMSG_ALIGNTO) != 0)
		netlink_must(NULL);
	return msg;
}

void
xfrm_nl_free(struct nl_msg *msg)
{
	if (msg == NULL)
		return;
	explicit_bzero(nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
	nlmsg_free(msg);
}

static int
send_all(struct xfrm_nl *nl, struct nl_msg *const *msgs, size_t n, uint32_t *first)
{
	size_t len = 0;
	uint8_t *bytes, *to;
	int err;

	for (size_t i = 0; i < n; i++)
		len += NLMSG_ALIGN(nlmsg_hdr(msgs[i])->nlmsg_len);
	bytes = to = mem_zero(1, len);
	for (size_t i = 0; i < n; i++) {
		struct nlmsghdr *header = nlmsg_hdr(msgs[i]);

		header->nlmsg_seq = nl_socket_use_seq(nl->sock);
		header->nlmsg_pid = nl_socket_get_local_port(nl->sock);
		if (i == 0)
			*first = header->nlmsg_seq;
		memcpy(to, header, header->nlmsg_len);
		to += NLMSG_ALIGN(header->nlmsg_len);
	}
	err = nl_sendto(nl->sock, bytes, len);
	explicit_bzero(bytes, len);
	free(bytes);
	return err < 0 ? netlink_errno(err) : 0;
}

/* One datagram from the kernel: calls each for its messages until it says that this was the last. */
typedef bool each_fn(const struct nlmsghdr *header, void *arg);

static int
receive(struct xfrm_nl *nl, each_fn *each, void *arg, bool *last)
{
	struct sockaddr_nl from;
	unsigned char *bytes = NULL;
	int len = nl_recv(nl->sock, &from, &bytes, NULL), left = len;

	if (len <= 0)
		return len == 0 || len == -NLE_AGAIN ? EAGAIN : len == -NLE_NOMEM ? ENOBUFS : netlink_errno(len);
	for (struct nlmsghdr *header = (void *)bytes; from.nl_pid == 0 && nlmsg_ok(header, left) && !*last;
	     header = nlmsg_next(header, &left))
		*last = each(header, arg);
	explicit_bzero(bytes, (size_t)len);
	free(bytes);
	return 0;
}

static int
error_of(const struct nlmsghdr *header)
{
	const struct nlmsgerr *error = nlmsg_data(header);

	return nlmsg_valid_hdr(header, sizeof(*error)) ? -error->error : EIO;
}

/* ---- requests that change ---- */

struct acks { uint32_t first; size_t n, failed; int err; };

/* In their order: those that fail are always answered, the last in any case. */
static bool
ack(const struct nlmsghdr *header, void *arg)
{
	struct acks *acks = arg;
	uint32_t at = header->nlmsg_seq - acks->first;
	int err;

	if (header->nlmsg_type != NLMSG_ERROR || at >= acks->n)
		return false;
	if ((err = error_of(header)) != 0 && acks->err == 0) {
		acks->err = err;
		acks->failed = at;
	}
	return at == acks->n - 1;
}

int
xfrm_nl_do(struct xfrm_nl *nl, struct nl_msg *const *msgs, size_t n, size_t *failed)
{
	struct acks acks = { .n = n };
	bool last = n == 0;
	int err;

	if (n > 0)
		nlmsg_hdr(msgs[n - 1])->nlmsg_flags |= NLM_F_ACK;
	err = n > 0 ? send_all(nl, msgs, n, &acks.first) : 0;
	for (size_t i = 0; i < n; i++)
		xfrm_nl_free(msgs[i]);
	while (err == 0 && !last)
		err = receive(nl, ack, &acks, &last);
	if (failed != NULL)
		*failed = acks.failed;
	return err != 0 ? err : acks.err;
}

/* ---- questions ---- */

struct question { uint32_t seq; bool dump; xfrm_nl_visit *visit; void *arg; int err; };

static bool
answer(const struct nlmsghdr *header, void *arg)
{
	struct question *question = arg;

	if (header->nlmsg_seq != question->seq)
		return false;
	if (header->nlmsg_type == NLMSG_ERROR)
		question->err = error_of(header);
	else if (header->nlmsg_type != NLMSG_DONE)
		question->visit(header, question->arg);
	return !question->dump || header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE;
}

int
xfrm_nl_ask(struct xfrm_nl *nl, struct nl_msg *request, xfrm_nl_visit *visit, void *arg)
{
	struct question question = {
		.dump = (nlmsg_hdr(request)->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP, .visit = visit, .arg = arg,
	};
	bool last = false;
	int err = send_all(nl, &request, 1, &question.seq);

	xfrm_nl_free(request);
	while (err == 0 && !last)
		err = receive(nl, answer, &question, &last);
	return err != 0 ? err : question.err;
}

struct questions { uint32_t first; size_t n, left; xfrm_nl_visit *visit; void *arg; int err; };

static bool
one_answer(const struct nlmsghdr *header, void *arg)
{
	struct questions *questions = arg;
	int err = header->nlmsg_type == NLMSG_ERROR ? error_of(header) : 0;

	if (header->nlmsg_seq - questions->first >= questions->n)
		return false;
	if (header->nlmsg_type != NLMSG_ERROR)
		questions->visit(header, questions->arg);
	else if (questions->err == 0 && err != ESRCH && err != ENOENT)
		questions->err = err;
	return --questions->left == 0;
}

/* So many that their answers find room in the socket. */
static int
ask_some(struct xfrm_nl *nl, struct nl_msg *const *requests, size_t n, xfrm_nl_visit *visit, void *arg)
{
	struct questions questions = { .n = n, .left = n, .visit = visit, .arg = arg };
	bool last = false;
	int err = send_all(nl, requests, n, &questions.first);

	while (err == 0 && !last)
		err = receive(nl, one_answer, &questions, &last);
	return err != 0 ? err : questions.err;
}

int
xfrm_nl_ask_each(struct xfrm_nl *nl, struct nl_msg *const *requests, size_t n, xfrm_nl_visit *visit, void *arg)
{
	int err = 0;

	for (size_t i = 0; i < n && err == 0; i += ASK_MAX)
		err = ask_some(nl, requests + i, n - i < ASK_MAX ? n - i : ASK_MAX, visit, arg);
	for (size_t i = 0; i < n; i++)
		xfrm_nl_free(requests[i]);
	return err;
}

/* ---- news ---- */

struct news { xfrm_nl_visit *visit; void *arg; };

static bool
one_news(const struct nlmsghdr *header, void *arg)
{
	struct news *news = arg;

	news->visit(header, news->arg);
	return false;
}

int
xfrm_nl_news(struct xfrm_nl *nl, xfrm_nl_visit *visit, void *arg)
{
	struct news news = { visit, arg };
	bool last = false, lost = false;
	int err = 0;

	for (int i = 0; i < NEWS_MAX && ((err = receive(nl, one_news, &news, &last)) == 0 || err == ENOBUFS); i++)
		lost |= err == ENOBUFS;
	return lost ? ENOBUFS : err == EAGAIN ? 0 : err;
}
