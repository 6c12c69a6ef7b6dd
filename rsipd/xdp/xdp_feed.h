/* The relay's tables, shown to the XDP programs: every binding that the demultiplexer takes in or gives up, every
 * cookie that it learns, is written to their tables at once, by the process that decides. So both data planes say the
 * same at every instant, and what does not fit the tables is simply not there: the programs pass its packets up.
 *
 * The tables may hold what an earlier relay knew. Packets go on by it; at the end of the first synchronisation what
 * was not told again goes. */
#ifndef RSIPD_XDP_FEED_H
#define RSIPD_XDP_FEED_H

#include <stdint.h>

#include "addr.h"

struct demux;
struct demux_host;
struct xdp_feed;
struct xdp_tables;

/* Follows d, which is empty now, from here on. gateway_addr: our end of the tunnels whose binding names none. All three
 * must outlive the feed. NULL when tables is NULL: the relay is alone. The other functions accept that. */
struct xdp_feed *xdp_feed_new(struct xdp_tables *tables, struct demux *d, ip4_t gateway_addr);

/* Stops following. The tables stay as they are. */
void xdp_feed_free(struct xdp_feed *feed);

/* host->path_mtu has changed. */
void xdp_feed_path_mtu(struct xdp_feed *feed, const struct demux_host *host);

#endif
