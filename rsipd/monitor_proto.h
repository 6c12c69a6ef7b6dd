/* What the monitor and its children tell each other, over a SOCK_SEQPACKET socketpair for each child: one struct
 * monitor_msg a packet, with a descriptor beside it (SCM_RIGHTS) where the operation has one.
 *
 * Start: control sends MON_READY once it serves. A control process that ends before that has failed to start: the
 * monitor gives up with exit status 1; one that ends later is restarted.
 *
 * Reload (SIGHUP at the monitor): the monitor opens and checks the file, sends MON_RELOAD with it, and waits for
 * MON_RELOADED or MON_REFUSED before it touches routes and neighbours. Control refuses what cannot change while the
 * gateway runs (interfaces, listen addresses, transports, paths, metrics address). Leases outlive the pool they came
 * from: the monitor adds the routes of new pool addresses and leaves those of vanished ones until it exits. Control tells
 * it by MON_LEFT of those that are leased still, at its start before MON_READY and after each MON_RELOADED, so that they
 * are carried by a monitor as well that has not seen their pool. */
#ifndef RSIPD_MONITOR_PROTO_H
#define RSIPD_MONITOR_PROTO_H

#include <stdbool.h>
#include <stdint.h>

enum monitor_op {
	/* monitor -> control */
	MON_RELAY = 1, /* with a descriptor: control's end of the socketpair to a relay that was started anew */
	MON_RELOAD,    /* with a descriptor: the config file, open for reading; text is its path, for messages */
	/* control -> monitor */
	MON_READY,
	MON_RELOADED,
	MON_REFUSED, /* text: why, one fault a line */
	/* monitor -> control, at its start and with every change: text is what forwards, "xdp" or "relay", and on a second line
	 * how, or why not, in a sentence for rsipctl status */
	MON_DATA_PLANE,
	/* relay -> monitor: control has told it everything, and the fast path's tables, if there are any, are true */
	MON_IN_STEP,
	/* monitor -> relay */
	MON_CONTROL, /* with a descriptor: the relay's end of the socketpair to a control process that was started anew */
	/* monitor -> both, and their answer from the event loop: a worker that hangs is told from one that has nothing to do */
	MON_PING,
	MON_PONG,
	/* monitor -> control */
	MON_KEYS, /* with a descriptor: the keys of the config that the next MON_RELOAD brings (conf_keys.h) */
	/* control -> monitor: text is addresses, one a line, that no pool has and of which something is leased; and the answer,
	 * before which no more are told: those of them that the monitor cannot carry */
	MON_LEFT,
	MON_NOT_CARRIED,
};

#define MON_TEXT_MAX 2048

struct monitor_msg {
	uint32_t op;
	char text[MON_TEXT_MAX]; /* always terminated; "" where the operation has none */
};

/* Sends op with text (cut to what fits; NULL for none) and pass_fd (-1 for none, else stays the caller's too).
 * Returns false with errno set. */
bool monitor_send(int fd, enum monitor_op op, const char *text, int pass_fd);

/* Receives one message. Returns 1; 0 when there is none now (EAGAIN); -1 when the other end is gone or sent what is no
 * such message. *passed_fd is a descriptor that the caller owns (close-on-exec), or -1. */
int monitor_receive(int fd, struct monitor_msg *msg, int *passed_fd);

#endif
