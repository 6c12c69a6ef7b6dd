/* What check_network and its gateway tell each other over two pipes. The gateway is a process of its own because rsipd
 * and rsipc have modules of the same names, and because the clock of each test program is one. */
#ifndef TESTS_GATEWAY_PIPE_H
#define TESTS_GATEWAY_PIPE_H

#include <stdint.h>
#include <string.h>

enum gateway_pipe_kind {
	/* To the gateway. Each is answered with any number of datagrams, after a LIST of bindings, and GP_END. */
	GP_DATAGRAM, /* from host_addr, port */
	GP_TIME,     /* nothing but the time */
	GP_RESTART,  /* it is killed, and begins again from its database */
	GP_FORGET,   /* the same without its database */
	GP_FREE,     /* the operator frees the binding bind_id, if there is such a one */
	GP_LIST,     /* what is leased to whom? */
	/* From the gateway; a GP_DATAGRAM too, to host_addr, port. */
	GP_BINDING, /* host_addr, bind_id, port: the first one leased, len: how many */
	GP_END,
};

/* Host n has the addresses 10.0.0.11+n and, but for the last, 10.0.1.11+n; all but the last are identities with a key. */
#define GATEWAY_PIPE_HOST(n) (0x0a00000bu + (n))
#define GATEWAY_PIPE_OTHER_NET 0x100u
#define GATEWAY_PIPE_KEY_LEN 16
static inline void
gateway_pipe_identity(unsigned n, char identity[8], uint8_t key[GATEWAY_PIPE_KEY_LEN])
{
	memcpy(identity, "host-n", 7);
	identity[5] = (char)('0' + n);
	memset(key, (int)(0x50 + n), GATEWAY_PIPE_KEY_LEN);
}

/* The bytes of a datagram follow, len of them. */
struct gateway_pipe_frame {
	uint32_t kind, host_addr, port, len, bind_id, unused;
	int64_t now; /* milliseconds, never less than before */
};

#endif
