/* Takes TCP connections from a listening socket, and knows how many a process can hold. */
#ifndef RSIPD_ACCEPTOR_H
#define RSIPD_ACCEPTOR_H

#include <stddef.h>

#include "addr.h"

struct acceptor;
struct loop;

/* A connection has come; fd, non-blocking and close-on-exec, is the callee's. */
typedef void acceptor_cb(void *arg, int fd, ip4_t host_addr);

/* The socket is non-blocking and stays the caller's. Where the process or the machine has no descriptor left, connections
 * wait in the kernel's queue. */
struct acceptor *acceptor_new(struct loop *loop, int listen_fd, acceptor_cb *cb, void *arg);
void acceptor_free(struct acceptor *a); /* accepts NULL */

/* As many connections as leave enough descriptors for all else: other sockets, the database, clients of the control socket
 * and of the metrics. Raises the soft limit of descriptors, which is for programs that use select(2). */
size_t acceptor_connections_max(void);

#endif
