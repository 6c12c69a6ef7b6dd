/* Security associations as address adoption sees them, whoever carries them: the kernel (XFRM) or the ESP of our own.
 * One backend a process; several may be started side by side. Outer addresses are IPv4, inner ones anything.
 *
 * The unit is a tunnel: the pair of an inbound and an outbound SA of one peer that share their two outer ends. A rekey
 * makes a new tunnel beside the old one. */
#ifndef RSIPC_SA_BACKEND_H
#define RSIPC_SA_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

struct loop;

/* One end of the outer path: of UDP encapsulation (RFC 3948) address and port, of native ESP the address and port 0. */
struct sa_end { ip4_t addr; uint16_t port; };

static inline bool
sa_end_equal(struct sa_end a, struct sa_end b)
{
	return a.addr == b.addr && a.port == b.port;
}

struct sa_counts { uint64_t packets, bytes; };

/* The first member of the backend's own record of a tunnel, which is the backend's from added() to the return of
 * removed(). Only the backend writes it, but for `rule`. */
struct sa {
	char name[32];        /* for logs and displays: "reqid-7/c0ffee01", or what the key file calls it */
	uint32_t spi_in;
	uint32_t spi_out;     /* 0 while there is no outbound SA */
	struct sa_end local, remote; /* now: where packets leave from and go to */
	bool encap;           /* UDP; a tunnel without is shown, but never moved by what the peer sends */
	bool esn;
	/* This end has moved, with this tunnel or with one beside which it came, as a rekey's does. An IKE daemon of the peer's
	 * that has not followed, as libreswan does not, makes each new SA between the addresses of the beginning. */
	bool roamed;
	/* The highest sequence number of any packet that passed ICV and replay check, whatever its source; with ESN 64 bits
	 * (RFC 4303 2.2.1), else 32. Up to date when an event is called and after refresh(). */
	uint64_t newest;
	struct sa_counts in, out; /* since the SA was made; up to date after refresh() */
	void *rule;           /* belongs to adoption.c; NULL in added() */
};

struct sa_events {
	void (*added)(struct sa *sa, void *arg);
	void (*removed)(struct sa *sa, void *arg);
	/* A packet passed ICV and replay check, was newer than all before (sequence > newest of the moment before; newest
	 * does not count it yet), and came from another end than sa->remote. Never called for anything less: where a backend
	 * cannot tell which end sent the newest packet, it keeps silent and waits for the next. */
	void (*authentic)(struct sa *sa, struct sa_end from, uint64_t sequence, void *arg);
	/* The peer has answered probe() from this end: what it answered can only be known to who read the probe. */
	void (*answered)(struct sa *sa, struct sa_end from, void *arg);
	/* This end's address has gone from the machine, or another is now the way to the peer: local is what the tunnel
	 * should leave from. Only from backends that do not see to it themselves. */
	void (*local_changed)(struct sa *sa, struct sa_end local, void *arg);
	/* An IKE daemon has moved the tunnel from these ends to where it is now. It sends nothing that would tell the peer. */
	void (*moved_by_other)(struct sa *sa, struct sa_end local, struct sa_end remote, void *arg);
};

typedef void sa_drop_visit(const char *why, uint64_t packets, void *arg);

/* The functions that return int give 0 or an errno number. All are called from the loop's thread; events may be called
 * from inside start() (added) and move() (none), else from the loop only. */
struct sa_backend {
	const char *name; /* "kernel", "user" */

	/* False after a line in the log. Calls added() for all that is there. events and arg are borrowed until stop(). */
	bool (*start)(struct sa_backend *backend, struct loop *loop, const struct sa_events *events, void *arg);
	void (*stop)(struct sa_backend *backend); /* no removed() for what is left; the SAs themselves stay. Frees backend. */

	struct sa *(*next)(struct sa_backend *backend, const struct sa *after); /* NULL starts, NULL ends */
	void (*refresh)(struct sa_backend *backend, struct sa *sa); /* newest, in, out */

	/* The tunnel has these ends from now on: replay state, sequence numbers and lifetimes stay; what still comes for the
	 * old local address is taken until nothing does. sa->local and sa->remote have changed when it returns 0. */
	int (*move)(struct sa_backend *backend, struct sa *sa, struct sa_end local, struct sa_end remote);

	/* Sends one packet through the tunnel that says nothing and makes the peer adopt our address. It must raise the
	 * peer's replay window: Linux drops a packet of next header 59 (RFC 4303 2.6) before it does, so that its sequence
	 * number proves nothing there. What serves everywhere is an inner packet of protocol 59, TTL 1, from and to addresses
	 * that the tunnel's selectors allow; a user-space backend that cannot tell one sends next header 59. */
	int (*send_dummy)(struct sa_backend *backend, struct sa *sa);

	/* Sends a packet to `to`, not to sa->remote, that the peer answers whether it runs an agent or not, and moves nothing
	 * else. ENOTSUP: this backend cannot. */
	int (*probe)(struct sa_backend *backend, struct sa *sa, struct sa_end to);

	/* Tells how many of the tunnel's packets went no further, by why: names are those of JSON members. NULL: this backend
	 * does not count them by tunnel. */
	void (*drops)(struct sa_backend *backend, const struct sa *sa, sa_drop_visit *visit, void *arg);
};

#endif
