/* May this host send this packet? (RFC 3103 10.4) A pure verdict: nothing is changed or learned. */
#ifndef RSIPD_EGRESS_H
#define RSIPD_EGRESS_H

#include "demux.h"
#include "encap.h"
#include "packet.h"

struct egress {
	struct demux_binding *binding; /* with which it is allowed */
	struct demux_key key;          /* local side: the source */
	bool early;                    /* a fragment of an address of his; its first one, which would tell, has not come */
	uint16_t error;                /* enum rsip_error that the host is told of, RSIP_OK for none */
};

/* p came from host through a tunnel of that kind. DP_NO_DROP with out->binding and out->key set, or why it is
 * dropped, with out->error and as much of out->key as could be read. */
enum dp_drop egress_check(struct demux *d, const struct demux_host *host, struct tunnel_kind tunnel,
                          const struct packet *p, struct egress *out);

#endif
