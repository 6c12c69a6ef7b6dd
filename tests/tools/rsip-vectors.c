/* What the vectors are good for besides check_message: seeds of the fuzzer, and captures of everything that we send. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "message.h"
#include "message_print.h"
#include "random_message.h"
#include "tshark_view.h"
#include "vectors.h"

#define UDP_PAYLOAD_MAX 65000
#define START_TIME 1767225600 /* 2026-01-01 */
#define HOST 0x0a000002
#define GATEWAY 0x0a000001
#define HOST_PORT 49152

/* ---- all messages that we can send: what each accepted vector becomes when encoded, and random ones ---- */

typedef void message_cb(void *arg, struct rsip_message *m, const uint8_t *bytes, size_t len);

static void
encode(struct rsip_message *m, message_cb *cb, void *arg)
{
	static uint8_t bytes[RSIP_MESSAGE_MAX];
	size_t len = message_encode(m, bytes, sizeof(bytes));

	if (len == 0) {
		fprintf(stderr, "a message cannot be encoded\n");
		exit(1);
	}
	if (len <= UDP_PAYLOAD_MAX)
		cb(arg, m, bytes, len);
}

static void
each_message(const char *vector_dir, unsigned n_random, message_cb *cb, void *arg)
{
	static struct rsip_message m;
	struct vectors v;

	vectors_load(&v, vector_dir);
	for (size_t i = 0; i < v.n; i++) {
		if (v.list[i].verdict == VECTOR_ERROR)
			continue;
		message_decode(&m, v.list[i].bytes, v.list[i].len);
		encode(&m, cb, arg);
	}
	vectors_free(&v);
	for (unsigned seed = 0; seed < n_random; seed++) {
		random_message(&m, seed);
		encode(&m, cb, arg);
	}
}

/* ---- captures ---- */

struct writer {
	struct capture_out *out;
	struct segment to_gateway, to_host;
	struct segment *pending; /* the direction that pending bytes belong to */
	uint8_t bytes[4 * RSIP_MESSAGE_MAX];
	size_t len;
	long ms;
};

static void
put(struct writer *w, struct segment *s, const uint8_t *data, size_t len)
{
	s->time = (struct timeval) { .tv_sec = START_TIME + w->ms / 1000, .tv_usec = w->ms % 1000 * 1000 };
	s->data = data;
	s->len = len;
	capture_put(w->out, s);
	w->ms++;
}

static struct segment *
direction(struct writer *w, const struct rsip_message *m)
{
	return rsip_msg_is_request(m->type) ? &w->to_gateway : &w->to_host;
}

static void
print_text(const struct rsip_message *m)
{
	message_print(stdout, m);
	putchar('\n');
}

static void
put_datagram(void *arg, struct rsip_message *m, const uint8_t *bytes, size_t len)
{
	struct writer *w = arg;

	put(w, direction(w, m), bytes, len);
	print_text(m);
}

/* Sends some of the bytes that are pending; one segment in eight is sent twice. */
static void
put_segment(struct writer *w, size_t most)
{
	struct segment *s = w->pending;
	size_t len = 1 + (size_t)random() % (w->len < most ? w->len : most);

	put(w, s, w->bytes, len);
	if (random() % 8 == 0)
		put(w, s, w->bytes, len);
	s->seq += (uint32_t)len;
	memmove(w->bytes, w->bytes + len, w->len - len);
	w->len -= len;
}

static void
flush(struct writer *w)
{
	while (w->len > 0)
		put_segment(w, 9000);
}

/* Messages back to back in segments of any size; what is pending goes out when the direction turns. */
static void
put_stream(void *arg, struct rsip_message *m, const uint8_t *bytes, size_t len)
{
	struct writer *w = arg;
	struct segment *s = direction(w, m);

	if (w->pending != s || w->len > RSIP_MESSAGE_MAX)
		flush(w);
	w->pending = s;
	memcpy(w->bytes + w->len, bytes, len);
	w->len += len;
	while (w->len > 0 && random() % 2 == 0)
		put_segment(w, 1400);
	print_text(m);
}

static void
put_flag(struct writer *w, bool syn, bool ended)
{
	struct segment *both[] = { &w->to_gateway, &w->to_host };

	for (size_t i = 0; i < 2; i++) {
		both[i]->syn = syn;
		both[i]->ended = ended;
		put(w, both[i], NULL, 0);
		both[i]->seq += syn;
		both[i]->syn = both[i]->ended = false;
	}
}

static void
write_capture(const char *vector_dir, unsigned n_random, const char *path, bool tcp)
{
	static struct writer w;

	w.to_gateway = (struct segment) { .src = HOST, .dst = GATEWAY, .src_port = HOST_PORT, .dst_port = RSIP_PORT };
	w.to_host = (struct segment) { .src = GATEWAY, .dst = HOST, .src_port = RSIP_PORT, .dst_port = HOST_PORT };
	w.to_gateway.tcp = w.to_host.tcp = tcp;
	w.to_gateway.seq = 0xfffffff0; /* wraps early */
	w.out = capture_create(path);
	if (tcp)
		put_flag(&w, true, false);
	each_message(vector_dir, n_random, tcp ? put_stream : put_datagram, &w);
	flush(&w);
	if (tcp)
		put_flag(&w, false, true);
	capture_close(w.out);
}

/* ---- fuzz seeds ---- */

/* "messages-error-response-required-alone" */
static void
seed_name(const struct vector *v, char *name, size_t cap)
{
	char source[256];
	size_t n = 0;

	snprintf(source, sizeof(source), "%.*s-%s", (int)strcspn(v->where, "."), v->where, v->title);
	for (const char *s = source; *s != '\0' && n + 1 < cap; s++) {
		if (isalnum((unsigned char)*s))
			name[n++] = (char)tolower((unsigned char)*s);
		else if (n > 0 && name[n - 1] != '-')
			name[n++] = '-';
	}
	while (n > 0 && name[n - 1] == '-')
		n--;
	name[n] = '\0';
}

/* The accepted vectors; the fuzzer finds the way to the faulty ones by itself. */
static void
write_corpus(const char *vector_dir, const char *dir)
{
	struct vectors v;

	vectors_load(&v, vector_dir);
	for (size_t i = 0; i < v.n; i++) {
		char name[64], path[1024];
		FILE *f;

		if (v.list[i].verdict == VECTOR_ERROR)
			continue;
		seed_name(&v.list[i], name, sizeof(name));
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		f = fopen(path, "wb");
		if (f == NULL || fwrite(v.list[i].bytes, 1, v.list[i].len, f) != v.list[i].len || fclose(f) != 0) {
			perror(path);
			exit(1);
		}
	}
	vectors_free(&v);
}

/* ---- */

static void
view_cb(void *arg, struct rsip_message *m, const uint8_t *bytes, size_t len)
{
	(void)bytes;
	tshark_view_print(arg, m, len);
}

static _Noreturn void
usage(void)
{
	fputs("usage: rsip-vectors udp|tcp VECTORS COUNT FILE   a capture of all that we send, and COUNT random messages;\n"
	      "                                                 prints the messages\n"
	      "       rsip-vectors tshark VECTORS COUNT         what tshark shall show of the same\n"
	      "       rsip-vectors tshark-arguments             and the arguments that make it do so\n"
	      "       rsip-vectors corpus VECTORS DIRECTORY     seeds for fuzz_message\n",
	    stderr);
	exit(2);
}

int
main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (strcmp(command, "udp") == 0 && argc == 5)
		write_capture(argv[2], (unsigned)atoi(argv[3]), argv[4], false);
	else if (strcmp(command, "tcp") == 0 && argc == 5)
		write_capture(argv[2], (unsigned)atoi(argv[3]), argv[4], true);
	else if (strcmp(command, "tshark") == 0 && argc == 4)
		each_message(argv[2], (unsigned)atoi(argv[3]), view_cb, stdout);
	else if (strcmp(command, "tshark-arguments") == 0 && argc == 2)
		tshark_view_arguments(stdout);
	else if (strcmp(command, "corpus") == 0 && argc == 4)
		write_corpus(argv[2], argv[3]);
	else
		usage();
	return 0;
}
