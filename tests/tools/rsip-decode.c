/* Prints the RSIP messages in a capture file, one a line:
 *
 *   2026-01-31T12:00:00.000000Z 10.0.0.2:49152 > 10.0.0.1:4555 udp REGISTER_REQUEST counter=1
 *
 * A message that our decoder refuses is printed with the error, what could be read of it, and its bytes. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "message.h"
#include "message_print.h"
#include "names.h"
#include "tcp_stream.h"

#define BYTES_SHOWN 256

struct decode {
	uint16_t port;
	unsigned long messages, refused, fragments;
	struct tcp_streams *streams;
};

static void
print_where(const struct segment *s)
{
	char when[32], src[IP4_STRLEN], dst[IP4_STRLEN];
	struct tm tm;

	gmtime_r(&s->time.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	printf("%s.%06ldZ %s:%u > %s:%u %s ", when, (long)s->time.tv_usec, ip4_str(s->src, src), s->src_port,
	    ip4_str(s->dst, dst), s->dst_port, s->tcp ? "tcp" : "udp");
}

static void
print_refused(const struct rsip_message *m, enum rsip_error err, const uint8_t *bytes, size_t len)
{
	printf("refused error=%s", rsip_error_name(err));
	if (len >= 2)
		printf(" message=%s", rsip_msg_name(m->type));
	if (m->has_client_id)
		printf(" client_id=%" PRIu32, m->client_id);
	if (m->has_bind_id)
		printf(" bind_id=%" PRIu32, m->bind_id);
	if (m->has_counter)
		printf(" counter=%" PRIu32, m->counter);
	printf(" bytes=");
	for (size_t i = 0; i < len && i < BYTES_SHOWN; i++)
		printf("%02x", bytes[i]);
	if (len > BYTES_SHOWN)
		printf("... (%zu bytes)", len);
}

static void
print_message(struct decode *d, const struct segment *s, const uint8_t *bytes, size_t len)
{
	static struct rsip_message m;
	enum rsip_error err = message_decode(&m, bytes, len);

	print_where(s);
	if (err == RSIP_OK)
		message_print(stdout, &m);
	else
		print_refused(&m, err, bytes, len);
	putchar('\n');
	d->messages++;
	d->refused += err != RSIP_OK;
}

static void
stream_cb(void *arg, const struct segment *s, const uint8_t *data, size_t len, const char *trouble)
{
	if (trouble == NULL) {
		print_message(arg, s, data, len);
		return;
	}
	print_where(s);
	printf("%s\n", trouble);
}

static void
segment_cb(void *arg, const struct segment *s)
{
	struct decode *d = arg;

	if (s->src_port != d->port && s->dst_port != d->port)
		return;
	if (s->tcp)
		tcp_streams_add(d->streams, s);
	else
		print_message(d, s, s->data, s->len);
}

static _Noreturn void
usage(void)
{
	fputs("usage: rsip-decode [-p PORT] [-v VENDOR-ID] [-s] FILE...\n"
	      "Prints the RSIP messages in capture files (\"-\": standard input).\n"
	      "  -p PORT       the RSIP port, 4555 otherwise\n"
	      "  -v VENDOR-ID  the vendor ID of the extensions, 32473 otherwise\n"
	      "  -s            ends with a count, and with status 1 when a message was refused\n",
	    stderr);
	exit(2);
}

static uint16_t
number(const char *text)
{
	struct port_range range;

	if (!port_range_parse(text, &range) || range.first != range.last)
		usage();
	return range.first;
}

int
main(int argc, char **argv)
{
	struct decode d = { .port = RSIP_PORT };
	bool summary = false, read = true;
	int opt;

	while ((opt = getopt(argc, argv, "p:v:s")) != -1) {
		switch (opt) {
		case 'p':
			d.port = number(optarg);
			break;
		case 'v':
			message_set_vendor_id(number(optarg));
			break;
		case 's':
			summary = true;
			break;
		default:
			usage();
		}
	}
	if (optind == argc)
		usage();
	d.streams = tcp_streams_new(stream_cb, &d);
	for (int i = optind; i < argc; i++)
		read &= capture_read(argv[i], segment_cb, &d, &d.fragments);
	tcp_streams_free(d.streams);
	if (d.fragments > 0)
		fprintf(stderr, "rsip-decode: %lu IP fragments were passed over\n", d.fragments);
	if (summary)
		printf("%lu messages, %lu refused\n", d.messages, d.refused);
	return !read || (summary && d.refused > 0) ? 1 : 0;
}
