/* The rule of address adoption, above any backend of sa_backend.h and without a system call of its own: a tunnel moves to
 * the outer source of an authentic packet that is newer than every packet before, and to nothing else.
 *
 * What that keeps out: forged packets (no ICV), replayed ones (replay check), and late ones, which a former attacker on
 * the path held back or the network reordered (not the newest). What it cannot keep out: who sits on the path now, or hears
 * it and is faster, can send the newest packet on from an address of his own, and so draws the tunnel's packets to it - not
 * their content - until the peer's next packet arrives from where the peer is. The guards narrow that:
 *
 *  - a list of prefixes that may be adopted at all;
 *  - a limit on how often a tunnel moves;
 *  - a return probe: traffic stays where it was until a packet sent to the new address was answered from there, so that
 *    no stranger's address can be made the target of a flood. */
#ifndef RSIPC_ADOPTION_H
#define RSIPC_ADOPTION_H

#include <stddef.h>
#include <stdint.h>

#include "sa_backend.h"

struct adoption;
struct adoption_conf;
struct adoption_counts {
	uint64_t adopted;      /* moves to where the peer is */
	uint64_t moved;        /* moves because our own address changed */
	uint64_t failed;       /* moves that the backend could not carry out */
	uint64_t stale;        /* authentic, but not newer than what the tunnel was moved by before */
	uint64_t not_allowed;  /* outside of the prefixes */
	uint64_t too_often;    /* over the rate limit */
	uint64_t probed;       /* return probes sent */
	uint64_t unanswered;   /* return probes without an answer */
	uint64_t dummies;      /* packets sent to make the peer adopt us */
};

/* What `rsipctl sas` shows of one tunnel beside what struct sa holds. */
struct adoption_view {
	uint64_t adopted, moved, refused;
	int64_t moved_at;         /* clock_now() of the last move of either kind, 0 = never */
	struct sa_end previous;   /* the remote end before the last adoption; addr 0 = none */
	struct sa_end candidate;  /* being probed; addr 0 = none */
};

/* Borrows conf and backend for its life. Never NULL. */
struct adoption *adoption_new(struct loop *loop, const struct adoption_conf *conf, struct sa_backend *backend);
/* Starts the backend with the rule's events; false after a line in the log. */
bool adoption_start(struct adoption *adoption);
/* The conf has other options now: each tunnel goes by them, and has the whole of its moves a minute. */
void adoption_conf_changed(struct adoption *adoption);
/* Stops the backend. Accepts NULL. */
void adoption_free(struct adoption *adoption);

/* The machine has slept, or stood still in some other way: a NAT before it may have forgotten the tunnels, whose peers are
 * told anew where they are. */
void adoption_woken(struct adoption *adoption);

/* The tunnel leaves from this end from now on, and the peer is told by dummies: a few, with growing gaps, until something
 * comes back or they are used up. Also what a backend's local_changed() leads to. */
void adoption_local(struct adoption *adoption, struct sa *sa, struct sa_end local);

const struct adoption_counts *adoption_counts(const struct adoption *adoption);
struct sa_backend *adoption_backend(const struct adoption *adoption);
void adoption_view(const struct sa *sa, struct adoption_view *out);

#endif
