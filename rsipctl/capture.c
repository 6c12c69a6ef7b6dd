#include "config.h"

#include "capture.h"

#include <errno.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link_layer.h"
#include "mem.h"
#include "packet.h"
#include "wire.h"

#define SNAP_LEN 65600                 /* the longest packet with its link header */
#define KERNEL_BUFFER (8 * 1024 * 1024)
#define BLOCK_TIMEOUT_MS 50            /* how long the kernel gathers packets before it shows them */
#define SOURCES_MAX 65

struct source {
	pcap_t *pcap;
	char *interface; /* NULL: a file */
	size_t link_mtu;
	bool waiting; /* one packet has been read ahead */
	struct captured ahead;
};

struct capture {
	struct source sources[SOURCES_MAX];
	size_t n;
	char error[CAPTURE_ERROR];
};

struct capture *
capture_new(void)
{
	return mem_zero(1, sizeof(struct capture));
}

void
capture_free(struct capture *c)
{
	for (size_t i = 0; c != NULL && i < c->n; i++) {
		pcap_close(c->sources[i].pcap);
		free(c->sources[i].interface);
	}
	free(c);
}

const char *
capture_error(const struct capture *c)
{
	return c->error;
}

/* ---- sources ---- */

static bool
fail(char error[CAPTURE_ERROR], const char *what, const char *why)
{
	snprintf(error, CAPTURE_ERROR, "%s: %s", what, why);
	return false;
}

static size_t
link_mtu(const char *interface)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool told;

	strncpy(request.ifr_name, interface, sizeof(request.ifr_name) - 1);
	told = fd >= 0 && ioctl(fd, SIOCGIFMTU, &request) == 0 && request.ifr_mtu > 0;
	if (fd >= 0)
		close(fd);
	return told ? (size_t)request.ifr_mtu : 0;
}

static bool
set_filter(pcap_t *pcap, const char *filter)
{
	struct bpf_program program;
	bool done;

	if (pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0)
		return false;
	done = pcap_setfilter(pcap, &program) == 0;
	pcap_freecode(&program);
	return done;
}

static const char *
activate(pcap_t *pcap, const char *filter)
{
	char nonblock_error[PCAP_ERRBUF_SIZE];
	int status;

	pcap_set_snaplen(pcap, SNAP_LEN);
	pcap_set_timeout(pcap, BLOCK_TIMEOUT_MS);
	pcap_set_buffer_size(pcap, KERNEL_BUFFER);
	status = pcap_activate(pcap);
	if (status < 0)
		return status == PCAP_ERROR ? pcap_geterr(pcap) : pcap_statustostr(status);
	if (!link_layer_known(pcap_datalink(pcap)))
		return "not a kind of interface that we can read IP packets from";
	if (!set_filter(pcap, filter) || pcap_setnonblock(pcap, 1, nonblock_error) != 0)
		return pcap_geterr(pcap);
	return NULL;
}

static bool
add(struct capture *c, pcap_t *pcap, const char *interface)
{
	c->sources[c->n++] = (struct source){
		.pcap = pcap,
		.interface = interface != NULL ? mem_strdup(interface) : NULL,
		.link_mtu = interface != NULL ? link_mtu(interface) : 0,
	};
	return true;
}

bool
capture_add_live(struct capture *c, const char *interface, const char *filter, char error[CAPTURE_ERROR])
{
	char why[PCAP_ERRBUF_SIZE];
	const char *wrong;
	pcap_t *pcap;

	if (c->n == SOURCES_MAX)
		return fail(error, interface, "too many interfaces");
	if ((pcap = pcap_create(interface, why)) == NULL)
		return fail(error, interface, why);
	if ((wrong = activate(pcap, filter)) != NULL) {
		fail(error, interface, wrong);
		pcap_close(pcap);
		return false;
	}
	return add(c, pcap, interface);
}

bool
capture_add_file(struct capture *c, const char *path, char error[CAPTURE_ERROR])
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, why);

	if (pcap == NULL) {
		snprintf(error, CAPTURE_ERROR, "%s", why);
		return false;
	}
	if (!link_layer_known(pcap_datalink(pcap))) {
		fail(error, path, "not a capture of a kind of interface that we can read IP packets from");
		pcap_close(pcap);
		return false;
	}
	return add(c, pcap, NULL);
}

bool
capture_set_filter(struct capture *c, const char *interface, const char *filter, char error[CAPTURE_ERROR])
{
	for (size_t i = 0; i < c->n; i++) {
		struct source *s = &c->sources[i];

		if (strcmp(s->interface, interface) == 0)
			return set_filter(s->pcap, filter) || fail(error, interface, pcap_geterr(s->pcap));
	}
	return true;
}

uint64_t
capture_lost(struct capture *c)
{
	uint64_t lost = 0;
	struct pcap_stat stat;

	for (size_t i = 0; i < c->n; i++) {
		if (c->sources[i].interface != NULL && pcap_stats(c->sources[i].pcap, &stat) == 0)
			lost += stat.ps_drop;
	}
	return lost;
}

/* ---- packets ---- */

/* Short Ethernet frames are padded: what is no part of the packet goes. */
static size_t
without_padding(const struct rbuf *r)
{
	size_t len = rbuf_left(r), total = len >= IPV4_HEADER_LEN ? wire_get16(r->pos + 2) : 0;

	return total >= IPV4_HEADER_LEN && total < len ? total : len;
}

/* False when the frame has no IPv4 packet in it. */
static bool
take_frame(struct source *s, const struct pcap_pkthdr *header, const uint8_t *bytes)
{
	struct rbuf r;

	rbuf_init(&r, bytes, header->caplen);
	if (!link_layer_strip(&r, pcap_datalink(s->pcap)) || header->len < header->caplen)
		return false;
	s->ahead = (struct captured){
		.time = header->ts,
		.interface = s->interface,
		.ip = r.pos,
		.captured = without_padding(&r),
		.len = without_padding(&r) + (header->len - header->caplen),
		.link_mtu = s->link_mtu,
	};
	return s->waiting = true;
}

/* Reads ahead until there is a packet. False when the source has failed. */
static bool
read_ahead(struct capture *c, struct source *s)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int got = 1;

	while (!s->waiting && (got = pcap_next_ex(s->pcap, &header, &bytes)) == 1)
		take_frame(s, header, bytes);
	if (got != PCAP_ERROR)
		return true;
	snprintf(c->error, sizeof(c->error), "%s%s%s", s->interface != NULL ? s->interface : "",
	         s->interface != NULL ? ": " : "", pcap_geterr(s->pcap));
	return false;
}

static bool
is_old(const struct timeval *time)
{
	struct timeval now, age;

	gettimeofday(&now, NULL);
	timersub(&now, time, &age);
	return age.tv_sec > 0 || (age.tv_sec == 0 && age.tv_usec >= CAPTURE_PATIENCE_MS * 1000);
}

enum capture_got
capture_next(struct capture *c, bool all, struct captured *packet)
{
	struct source *oldest = NULL;
	bool complete = true;

	for (size_t i = 0; i < c->n; i++) {
		struct source *s = &c->sources[i];

		if (!read_ahead(c, s))
			return CAPTURE_FAILED;
		complete = complete && (s->waiting || s->interface == NULL);
		if (s->waiting && (oldest == NULL || timercmp(&s->ahead.time, &oldest->ahead.time, <)))
			oldest = s;
	}
	if (oldest == NULL || (!complete && !all && !is_old(&oldest->ahead.time)))
		return CAPTURE_NONE;
	*packet = oldest->ahead;
	oldest->waiting = false;
	return CAPTURE_PACKET;
}

/* ---- a file for Wireshark ---- */

struct capture_file {
	pcap_t *pcap;
	pcap_dumper_t *dumper;
};

struct capture_file *
capture_file_create(const char *path, char error[CAPTURE_ERROR])
{
	struct capture_file *file = mem_zero(1, sizeof(*file));

	file->pcap = pcap_open_dead(DLT_RAW, SNAP_LEN);
	if (file->pcap != NULL && (file->dumper = pcap_dump_open(file->pcap, path)) != NULL)
		return file;
	snprintf(error, CAPTURE_ERROR, "%s", file->pcap != NULL ? pcap_geterr(file->pcap) : "out of memory");
	if (file->pcap != NULL)
		pcap_close(file->pcap);
	free(file);
	return NULL;
}

bool
capture_file_put(struct capture_file *file, const struct captured *packet)
{
	const struct pcap_pkthdr header = {
		.ts = packet->time, .caplen = (bpf_u_int32)packet->captured, .len = (bpf_u_int32)packet->len,
	};

	pcap_dump((u_char *)file->dumper, &header, packet->ip);
	return !ferror(pcap_dump_file(file->dumper));
}

bool
capture_file_flush(struct capture_file *file)
{
	return pcap_dump_flush(file->dumper) == 0;
}

bool
capture_file_close(struct capture_file *file)
{
	bool done;

	if (file == NULL)
		return true;
	done = capture_file_flush(file);
	pcap_dump_close(file->dumper);
	pcap_close(file->pcap);
	free(file);
	return done;
}
