/* Framing on TCP: whatever the segments, the messages come out whole and in order; what cannot be followed ends it. */
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "rsip_proto.h"
#include "run_suite.h"
#include "sockaddr.h"
#include "transport.h"

static struct loop *loop;
static struct stream *stream;
static int stream_fd;
static int peer; /* the other end, by hand */

/* What the stream told us. */
static uint8_t got[1 << 20];
static size_t got_len, got_messages;
static int ended; /* -1: not yet */
static bool free_in_message, free_in_ended, connected;
static size_t answer_len; /* to each message, 0 = none */
static const uint8_t answers[RSIP_MESSAGE_MAX];

static void
on_message(void *arg, struct stream *st, const uint8_t *bytes, size_t len)
{
	ck_assert_ptr_eq(arg, &loop);
	memcpy(got + got_len, bytes, len);
	got_len += len;
	got_messages++;
	if (answer_len > 0)
		stream_send(st, answers, answer_len);
	if (free_in_message) {
		stream_free(st);
		stream = NULL;
	}
}

static void
on_ended(void *arg, struct stream *st, enum stream_end why)
{
	(void)arg;
	ck_assert_int_eq(ended, -1);
	ended = (int)why;
	if (free_in_ended) {
		stream_free(st);
		stream = NULL;
	}
}

static void
on_connected(void *arg, struct stream *st)
{
	(void)arg;
	connected = true;
	stream_send(st, "\1\2\0\4", 4);
}

static const struct stream_events events = { on_connected, on_message, on_ended };

static void
setup(void)
{
	int fds[2];

	signal(SIGPIPE, SIG_IGN); /* as the daemons do */
	log_init("test", LOG_TO_NONE, LOG_LVL_ERROR, false);
	loop = loop_new();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	peer = fds[1];
	stream_fd = fds[0];
	stream = stream_accept(loop, stream_fd, &events, &loop);
	got_len = got_messages = answer_len = 0;
	ended = -1;
	free_in_message = free_in_ended = connected = false;
}

static void
teardown(void)
{
	stream_free(stream);
	close(peer);
	loop_free(loop);
}

static void
turns(int n)
{
	while (n-- > 0)
		loop_once(loop, false);
}

static void
put(const void *bytes, size_t len)
{
	ck_assert_int_eq(write(peer, bytes, len), (ssize_t)len);
}

/* n messages back to back: each with its number as its body, and as many bytes as its number says. */
static size_t
make_messages(uint8_t *buf, unsigned n)
{
	size_t len = 0;

	for (unsigned i = 0; i < n; i++) {
		uint16_t size = (uint16_t)(RSIP_HEADER_LEN + i);
		buf[len] = RSIP_VERSION;
		buf[len + 1] = RSIP_QUERY_REQUEST;
		buf[len + 2] = (uint8_t)(size >> 8);
		buf[len + 3] = (uint8_t)size;
		memset(buf + len + 4, (int)i, i);
		len += size;
	}
	return len;
}

/* Segments of every size up to the whole. */
START_TEST(segmentation)
{
	uint8_t sent[400];
	size_t len = make_messages(sent, 20), segment = (size_t)_i;

	for (size_t at = 0; at < len; at += segment) {
		put(sent + at, segment < len - at ? segment : len - at);
		turns(2);
	}
	ck_assert_uint_eq(got_messages, 20);
	ck_assert_uint_eq(got_len, len);
	ck_assert_mem_eq(got, sent, len);
	ck_assert_int_eq(ended, -1);
}
END_TEST

START_TEST(many_in_one_segment)
{
	static uint8_t sent[200000];
	size_t len = make_messages(sent, 300);

	put(sent, len);
	turns(30);
	ck_assert_uint_eq(got_messages, 300);
	ck_assert_mem_eq(got, sent, len);
}
END_TEST

START_TEST(largest_message)
{
	static uint8_t sent[RSIP_MESSAGE_MAX] = { 1, 14, 0xff, 0xff };

	for (size_t at = 0; at < sizeof(sent);) {
		ssize_t n = write(peer, sent + at, sizeof(sent) - at);
		if (n > 0)
			at += (size_t)n;
		turns(1);
	}
	turns(30); /* libevent reads 4096 bytes a turn */
	ck_assert_uint_eq(got_messages, 1);
	ck_assert_uint_eq(got_len, RSIP_MESSAGE_MAX);
}
END_TEST

/* An Overall Length below 4 cannot be skipped; what came before it is delivered, and answers can still be sent. */
START_TEST(bad_frame)
{
	static const uint8_t sent[] = { 1, 14, 0, 4, 1, 14, 0, 3, 1, 14, 0, 4 };
	uint8_t answer[8];

	put(sent, sizeof(sent));
	turns(3);
	ck_assert_uint_eq(got_messages, 1);
	ck_assert_int_eq(ended, STREAM_BAD_FRAME);
	stream_send(stream, "answer", 6);
	stream_finish(stream);
	stream = NULL;
	turns(3);
	ck_assert_int_eq(read(peer, answer, sizeof(answer)), 6);
	ck_assert_int_eq(read(peer, answer, sizeof(answer)), 0);
}
END_TEST

/* A version that we do not speak is a message all the same: its length can be followed. */
START_TEST(garbage_with_a_length)
{
	put("\x7f\xff\0\x8junk\1\2\0\4", 12);
	turns(3);
	ck_assert_uint_eq(got_messages, 2);
	ck_assert_int_eq(ended, -1);
}
END_TEST

START_TEST(requests_before_the_end_count)
{
	char answer[4];

	put("\1\2\0\4\1\2\0\4\1\2", 10);
	shutdown(peer, SHUT_WR);
	turns(3);
	ck_assert_uint_eq(got_messages, 2);
	ck_assert_int_eq(ended, STREAM_CLOSED);
	stream_send(stream, "late", 4); /* half closed: the peer still reads */
	stream_finish(stream);
	stream = NULL;
	turns(3);
	ck_assert_int_eq(read(peer, answer, sizeof(answer)), 4);
}
END_TEST

START_TEST(freed_inside_its_own_events)
{
	free_in_message = _i == 0;
	free_in_ended = _i == 1;
	put("\1\2\0\4\1\2\0\4", 8);
	shutdown(peer, SHUT_RDWR);
	turns(4);
	ck_assert_uint_eq(got_messages, _i == 0 ? 1 : 2);
	ck_assert_ptr_null(stream);
}
END_TEST

/* A peer that never reads is given up at a megabyte, not stored for. */
START_TEST(unread)
{
	static const uint8_t bytes[RSIP_MESSAGE_MAX] = { 1, 15, 0xff, 0xff };

	for (int i = 0; i < 40 && ended < 0; i++) {
		stream_send(stream, bytes, sizeof(bytes));
		turns(1);
	}
	ck_assert_int_eq(ended, STREAM_STALLED);
}
END_TEST

/* Sends more than the way to the peer holds. */
static void
fill(void)
{
	for (int i = 0; i < 8; i++) {
		stream_send(stream, answers, 60000);
		turns(2);
	}
}

static void
hang_up(void)
{
	close(peer);
	peer = -1;
}

static void
must_be_gone(void)
{
	turns(10);
	ck_assert_int_eq(ended, STREAM_CLOSED);
	stream_finish(stream);
	stream = NULL;
	turns(3);
	ck_assert_int_eq(fcntl(stream_fd, F_GETFD), -1);
}

/* A peer that asked, did not listen and is gone leaves nothing behind: neither where reading had stopped for it... */
START_TEST(gone_without_listening)
{
	fill();
	put("\1\2\0\4", 4);
	turns(2);
	hang_up();
	must_be_gone();
	ck_assert_uint_eq(got_messages, 0);
}
END_TEST

/* ...nor where it had said before that it would send no more... */
START_TEST(gone_after_its_last_request)
{
	put("\1\2\0\4", 4);
	shutdown(peer, SHUT_WR);
	turns(5);
	ck_assert_int_eq(ended, STREAM_CLOSED);
	fill();
	hang_up();
	must_be_gone();
}
END_TEST

/* ...nor where it goes with requests and answers on their ways. */
START_TEST(gone_at_once)
{
	answer_len = 30000;
	stream_send(stream, answers, 20000);
	put("\1\2\0\4\1\2\0\4\1\2\0\4\1\2\0\4", 16);
	hang_up();
	must_be_gone();
}
END_TEST

/* --- over loopback --- */

static int
listening(uint16_t *port)
{
	struct sockaddr_in addr = sockaddr_of(INADDR_LOOPBACK, 0);
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, len), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	getsockname(fd, (struct sockaddr *)&addr, &len);
	*port = ntohs(addr.sin_port);
	return fd;
}

/* One that asks and does not listen is not heard, until it listens. */
START_TEST(not_listened_to)
{
	static uint8_t sent[400];
	static char room[60000];
	size_t len = make_messages(sent, 20);
	ssize_t n;

	fill();
	put(sent, len);
	turns(20);
	ck_assert_uint_eq(got_messages, 0);
	for (int i = 0; i < 200; i++) {
		while ((n = read(peer, room, sizeof(room))) > 0)
			;
		turns(1);
	}
	ck_assert_uint_eq(got_messages, 20);
	ck_assert_mem_eq(got, sent, len);
	ck_assert_int_eq(ended, -1);
}
END_TEST

/* However many messages streams have ready, a turn of the loop has a bounded number of them: 128, and as many as one has at
 * a time. */
START_TEST(leaves_room_for_others)
{
	uint8_t sent[300][RSIP_HEADER_LEN];

	for (int i = 0; i < 300; i++)
		memcpy(sent[i], (uint8_t[]){ RSIP_VERSION, RSIP_QUERY_REQUEST, 0, RSIP_HEADER_LEN }, RSIP_HEADER_LEN);
	put(sent, sizeof(sent));
	turns(1);
	ck_assert_uint_gt(got_messages, 0);
	ck_assert_uint_lt(got_messages, 128 + 8);
	turns(10);
	ck_assert_uint_eq(got_messages, 300);
}
END_TEST

START_TEST(connects)
{
	uint16_t port;
	int fd = listening(&port);
	uint8_t bytes[8];
	struct stream *out = stream_connect(loop, INADDR_LOOPBACK, INADDR_LOOPBACK, port, &events, &loop);

	ck_assert_ptr_nonnull(out);
	for (int i = 0; i < 100 && !connected; i++)
		loop_once(loop, true);
	turns(2);
	int in = accept(fd, NULL, NULL);
	ck_assert_int_eq(recv(in, bytes, sizeof(bytes), 0), 4);
	ck_assert_int_eq(send(in, "\1\3\0\4", 4, 0), 4);
	for (int i = 0; i < 100 && got_messages == 0; i++)
		loop_once(loop, true);
	ck_assert_uint_eq(got_messages, 1);
	stream_free(out);
	close(in);
	close(fd);
}
END_TEST

START_TEST(refused)
{
	uint16_t port;

	close(listening(&port)); /* nobody is there any more */
	struct stream *out = stream_connect(loop, 0, INADDR_LOOPBACK, port, &events, &loop);
	for (int i = 0; out != NULL && i < 100 && ended < 0; i++)
		loop_once(loop, true);
	ck_assert(out == NULL || ended == STREAM_REFUSED);
	stream_free(out);
}
END_TEST

static size_t datagrams_got;

static void
on_datagram(void *arg, ip4_t peer_addr, uint16_t peer_port, const uint8_t *bytes, size_t len)
{
	struct datagrams **d = arg;

	ck_assert_uint_eq(peer_addr, INADDR_LOOPBACK);
	datagrams_got += len;
	datagrams_send(*d, peer_addr, peer_port, bytes, len);
}

static void
free_at_once(void *arg, ip4_t peer_addr, uint16_t peer_port, const uint8_t *bytes, size_t len)
{
	struct datagrams **d = arg;

	(void)peer_addr;
	(void)peer_port;
	(void)bytes;
	datagrams_got += len;
	datagrams_free(*d);
	*d = NULL;
}

/* As a host does whose gateway says that its registration is over; what else has come with it is not looked at. */
START_TEST(datagrams_freed_by_the_first)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	getsockname(fd, (struct sockaddr *)&addr, &len);
	struct datagrams *d = datagrams_new(loop, fd, free_at_once, &d);
	int host = datagrams_connect_socket(0, 0, INADDR_LOOPBACK, ntohs(addr.sin_port));
	datagrams_got = 0;
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(send(host, "over", 4, 0), 4);
	loop_once(loop, true);
	ck_assert_ptr_null(d);
	ck_assert_uint_eq(datagrams_got, 4);
	close(host);
}
END_TEST

START_TEST(datagrams_there_and_back)
{
	struct sockaddr_in addr = sockaddr_of(INADDR_LOOPBACK, 0);
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	uint8_t bytes[100];

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, len), 0);
	getsockname(fd, (struct sockaddr *)&addr, &len);
	struct datagrams *d = datagrams_new(loop, fd, on_datagram, &d);
	int host = datagrams_connect_socket(0, 0, INADDR_LOOPBACK, ntohs(addr.sin_port));
	ck_assert_int_ge(host, 0);
	ck_assert_int_eq(send(host, "hello", 5, 0), 5);
	ck_assert_int_eq(send(host, "", 0, 0), 0); /* an empty datagram is one too */
	loop_once(loop, true);
	ck_assert_uint_eq(datagrams_got, 5);
	ck_assert_int_eq(recv(host, bytes, sizeof(bytes), 0), 5);
	datagrams_free(d);
	close(host);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("transport");
	TCase *tc = tcase_create("transport");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, segmentation, 1, 25);
	tcase_add_test(tc, many_in_one_segment);
	tcase_add_test(tc, largest_message);
	tcase_add_test(tc, bad_frame);
	tcase_add_test(tc, garbage_with_a_length);
	tcase_add_test(tc, requests_before_the_end_count);
	tcase_add_loop_test(tc, freed_inside_its_own_events, 0, 2);
	tcase_add_test(tc, unread);
	tcase_add_test(tc, gone_without_listening);
	tcase_add_test(tc, gone_after_its_last_request);
	tcase_add_test(tc, gone_at_once);
	tcase_add_test(tc, not_listened_to);
	tcase_add_test(tc, leaves_room_for_others);
	tcase_add_test(tc, connects);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, datagrams_there_and_back);
	tcase_add_test(tc, datagrams_freed_by_the_first);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
