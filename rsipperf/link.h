/* How simulated hosts reach the gateway: each has an address of its own, which is how the gateway knows it. */
#ifndef RSIPPERF_LINK_H
#define RSIPPERF_LINK_H

#include <stddef.h>
#include <stdint.h>

struct loop;
struct plan;

/* What came for host, numbered from 0. The bytes are valid during the call. */
typedef void link_received(void *arg, uint32_t host, const uint8_t *bytes, size_t len);
/* The host's connection broke or could not be made: what it waits for will not come. TCP only. */
typedef void link_broken(void *arg, uint32_t host);

/* One socket for all hosts, whose addresses must be local: the sender of each datagram is set by IP_PKTINFO.
 * NULL after it has said on standard error what is wrong. */
struct link_udp *link_udp_open(struct loop *loop, const struct plan *plan, link_received *received, void *arg);
/* Sent by link_udp_flush at the latest. len must be below LINK_REQUEST_MAX. */
void link_udp_send(struct link_udp *link, uint32_t host, const void *bytes, size_t len);
void link_udp_flush(struct link_udp *link);
void link_udp_close(struct link_udp *link); /* accepts NULL */

#define LINK_REQUEST_MAX 256

/* A connection for each host, made when it first sends, and made again after it broke. */
struct link_tcp *link_tcp_open(struct loop *loop, const struct plan *plan, link_received *received, link_broken *broken,
                               void *arg);
void link_tcp_send(struct link_tcp *link, uint32_t host, const void *bytes, size_t len);
void link_tcp_close(struct link_tcp *link); /* accepts NULL */

#endif
