/* Who leases which ports of a page of 256: ranges by their low bytes, sorted and disjoint. Few bindings share a page, so they
 * are found in a cache line or two, and a million of them take no more memory than they must. */
#ifndef RSIPD_PORT_PAGE_H
#define RSIPD_PORT_PAGE_H

#include <stdint.h>

struct demux_binding;
struct port_page; /* NULL: nothing is leased */

/* The owner of any port in the range, or NULL. */
struct demux_binding *port_page_owner(const struct port_page *page, uint8_t first, uint8_t last);

/* The range, in which nothing is leased, is the owner's from now on. Returns the page as it is then. */
struct port_page *port_page_add(struct port_page *page, uint8_t first, uint8_t last,
                                const struct demux_binding *owner);

/* The owner's ranges that begin in first..last are leased no more. */
struct port_page *port_page_remove(struct port_page *page, uint8_t first, uint8_t last, const struct demux_binding *owner);

#endif
