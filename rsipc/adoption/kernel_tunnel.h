/* The kernel backend's records, which its parts share:
 *
 *   kernel_backend.c   the functions of sa_backend.h
 *   kernel_news.c      what the kernel tells, which it hands to
 *   kernel_names.c     what SAs and policies there are, by name and in groups
 *   kernel_reading.c   which of them are tunnels
 *   kernel_heir.c      which take the place of one that we have moved
 *   kernel_source.c    who sent the newest packet of a tunnel
 *   kernel_way.c       where a tunnel should leave from
 *   kernel_shadow.c    what keeps a tunnel going while an IKE daemon follows it */
#ifndef RSIPC_KERNEL_TUNNEL_H
#define RSIPC_KERNEL_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel_align.h"
#include "kernel_names.h"
#include "sa_backend.h"

struct kernel_drain;
struct kernel_mappings;
struct kernel_probe;
struct loop;
struct loop_event;
struct netlink;
struct netlink_paths;
struct netlink_ways;
struct witness;
struct xfrm_nl;

struct tunnel {
	struct sa sa; /* first: it is what others hold */
	struct kernel_backend *backend;
	struct kernel_group *group; /* of its reqid */
	struct kernel_state in;
	struct kernel_state out; /* spi 0 = none */
	uint32_t spi_out;        /* the last that was not 0 */
	ip4_t way;               /* what the machine's routes said last time: from where to the peer */
	bool found;              /* in the last reading of its group */
	int64_t lost_at;         /* when it was first not found, 0 = it was */
	bool astray;             /* in the last reading: kernel_align.h */
	int64_t astray_at;       /* since when, 0 = it is not */
	bool moved;              /* ever, by us: the IKE daemon may know its outbound SA by another destination */
	struct kernel_ends laid; /* where the IKE daemon last laid it, or the one whose place it has taken */
	struct kernel_pair heir;   /* what takes its place, laid where it was; in 0 = nothing: kernel_heir.h */
	struct kernel_pair itself; /* it was such an heir */
	struct witness *witness;
	/* The inbound SA at the address that we have left, while it is drained: a peer that has moved at the same time still
	 * sends there, from an address that we do not know. */
	struct kernel_state old;
	struct witness *old_witness;
	struct kernel_probe *probe; /* NULL = never probed */
	bool unshadowed;              /* we have moved it, and no shadow is laid since: kernel_shadow.h */
	bool contradicted;            /* its shadows were, and are to end */
	int64_t shadowed;             /* until when its policies have shadows */
	struct loop_event *witnessed; /* timer: they may go */
	bool mapped;                  /* the kernel has told mappings since that was set */
	int64_t followed_at;          /* when the peer was last followed, 0 = never */
	bool to_judge, way_due;       /* it is in these lists of the backend's */
	struct tunnel *judge_prev, *judge_next, *way_prev, *way_next;
	struct tunnel *group_prev, *group_next; /* its group's: an older generation before a newer one */
	struct tunnel *prev, *next;
};

struct kernel_backend {
	struct sa_backend ops; /* first */
	bool migrate; /* the kernel may be asked to: kernel_move.h */
	struct loop *loop;
	const struct sa_events *events;
	void *arg;
	struct xfrm_nl *nl, *news;
	struct netlink *net;
	struct netlink_paths *paths;
	struct netlink_ways *ways; /* NULL = to be read: kernel_way.c */
	struct loop_event *readable, *told, *check_ways;
	struct loop_event *reread; /* timer */
	bool reread_soon;          /* it is set, and not put off by more news */
	bool reread_all;           /* not only what is due */
	struct kernel_names *names;
	struct kernel_mappings *mappings; /* not looked at yet: kernel_news.c */
	struct kernel_drain *drain;
	struct tunnel *tunnels;  /* utlist.h */
	struct tunnel *to_judge; /* utlist.h: kernel_source.c */
	struct tunnel *ways_due; /* utlist.h: kernel_way.c */
	bool contradicted;       /* a tunnel is: kernel_shadow.c */
	ip4_t begun_from, begun_before; /* the last kernel_way_begin() of these ways */
};

#endif
