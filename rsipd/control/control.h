/* The control process: the RSIP protocol, the leases and their store, the rsipctl socket and the metrics. It parses
 * what hosts send, so it holds no privilege: everything that needs one was opened for it by the monitor.
 *
 * What it still needs of the system: to read and write the database beside its -wal and -shm files (open, fcntl locks,
 * mmap, fsync, unlink in the directory of conf->state), to accept and write on the sockets below, and SCM_RIGHTS. */
#ifndef RSIPD_CONTROL_H
#define RSIPD_CONTROL_H

#include <stddef.h>

#include "addr.h"
#include "conf.h"
#include "dataplane.h"

/* What the monitor hands over, all non-blocking. tcp[i] and udp[i] belong to conf->listen[i]. */
struct control_fds {
	const int *tcp; /* listening stream sockets, port 4555; -1 where conf->tcp is off */
	const int *udp; /* bound datagram sockets, port 4555, also where conf->udp is off: hosts are told USE_TCP there */
	size_t n_listen;
	int ctl;     /* listening Unix stream socket for rsipctl */
	int metrics; /* listening TCP socket for HTTP, or -1 */
	int relay;   /* SOCK_SEQPACKET to the data plane, dataplane.h */
	int monitor; /* SOCK_SEQPACKET to the monitor, monitor_proto.h */
	const struct meters *meters;  /* may be NULL */
	const struct xdp_tables *xdp; /* NULL: there is no XDP data plane */
};

/* Runs the control process until SIGTERM or SIGINT; returns the exit status: 0 after a signal, 1 when it could not
 * start, having logged why. own are the gateway's own public addresses (own-address mode). Takes conf over; the rest
 * must outlive the call. Opens the database first: call it with the rights that it shall have while running. */
int control_main(struct conf *conf, const struct control_fds *fds, const ip4_t *own, size_t n_own,
                 const struct dp_counters *counters);

#endif
