/* TCP segments and UDP datagrams in capture files: the only user of libpcap. */
#ifndef RSIP_TESTS_CAPTURE_H
#define RSIP_TESTS_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

#include "addr.h"

struct segment {
	struct timeval time;
	ip4_t src, dst;
	uint16_t src_port, dst_port;
	bool tcp, syn, ended; /* TCP flags; ended is FIN or RST */
	uint32_t seq;
	const uint8_t *data; /* borrowed */
	size_t len;
};

typedef void capture_cb(void *arg, const struct segment *s);

/* Calls cb for each whole TCP or UDP packet over IPv4 in the file ("-" for standard input); others are passed over, IP
 * fragments counted in *fragments. Returns false after a line on standard error. */
bool capture_read(const char *path, capture_cb *cb, void *arg, unsigned long *fragments);

struct capture_out;

/* A new capture file, of raw IPv4 packets. Ends the program when it cannot be written. */
struct capture_out *capture_create(const char *path);
void capture_put(struct capture_out *out, const struct segment *s); /* at most 65000 bytes of data */
void capture_close(struct capture_out *out);

#endif
