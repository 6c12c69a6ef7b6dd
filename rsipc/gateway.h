/* The transport session with the gateway, over TCP or UDP (RFC 3103 5): the agent's ops->open, close and send. */
#ifndef RSIPC_GATEWAY_H
#define RSIPC_GATEWAY_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct conf;
struct gateway;
struct loop;

/* Never called from inside a gateway_ function. */
struct gateway_events {
	void (*up)(ip4_t host_addr, void *arg);    /* messages can be sent; our own address on the way there */
	void (*down)(const char *why, void *arg);  /* the session could not be had, or has ended */
	void (*message)(const void *bytes, size_t len, void *arg);
	void (*called)(const void *bytes, size_t len, void *arg); /* came to the port of RSIP, not to the session's */
};

struct gateway *gateway_new(struct loop *loop, const struct conf *conf, const struct gateway_events *events, void *arg);
void gateway_free(struct gateway *gateway);

void gateway_open(struct gateway *gateway);  /* a fresh session in place of any earlier one; up or down follows */
void gateway_close(struct gateway *gateway); /* no more events follow */
ip4_t gateway_host_addr(const struct gateway *gateway); /* of the session, present or last; 0: there was none */
ip4_t gateway_source(const struct gateway *gateway); /* our own address on the way to it now; 0: there is no way */
void gateway_send(struct gateway *gateway, const void *bytes, size_t len);

#endif
