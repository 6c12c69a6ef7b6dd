/* A pool that is leased from another gateway (RFC 3102 4.2.1): what rsipc holds there, as the file says that it keeps
 * for us (`handover` of rsipc.conf):
 *
 *	address = "203.0.113.9"                   # of ports, SPIs, cookies
 *	ports   = { "4096-4223", "9088-9215" }
 *	spis    = { "0x10000040-0x1000007f" }
 *	cookies = "0x5a00000000000000/8"          # a block of IKE cookies
 *	whole   = { "203.0.113.64" }              # addresses leased whole
 *	expires = "1795339999"                    # seconds since 1970
 *
 * Any of it may be missing; without the file the pool is empty. */
#ifndef RSIPD_CONF_UPSTREAM_H
#define RSIPD_CONF_UPSTREAM_H

#include "cfile.h"

struct conf;
struct conf_pool;

/* Reads the file that the pool's section names into *pool, and its addresses into conf's list too. pool->methods is
 * read already: a pool of rsa-ip takes the whole addresses, another the one with ports and SPIs. Faults of either file
 * are reported at the section's line. */
void conf_read_upstream(const struct cfile_section *s, struct conf *conf, struct conf_pool *pool);

#endif
