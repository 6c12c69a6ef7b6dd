/* One binding in the tables of the programs: its entry, and what leads to it. */
#ifndef RSIPD_XDP_PUBLISH_H
#define RSIPD_XDP_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "demux_binding.h"
#include "learned.h"
#include "xdp_addrs.h"
#include "xdp_tables.h"

/* Whether the programs can serve the binding at all. */
bool xdp_publishable(const struct demux_binding *b);

/* A number that differs, but for a chance of 2^-64, when anything that control told of the binding does. */
uint64_t xdp_fingerprint(const struct demux_binding *b);

/* Fills the entry and its terms, not yet live, with all but flags and counters. gateway: the number of the tunnel's end
 * here. Returns the flags. */
uint8_t xdp_fill(struct xdp_tables *t, uint32_t slot, const struct demux_binding *b, uint8_t gateway);

/* Lets ports, SPIs, cookies and the address lead to the entry; and no longer. Of the latter, only what still leads to
 * it is changed. The record's counts follow; the caller writes it. */
void xdp_lead(struct xdp_tables *t, struct xdp_addrs *addrs, struct xdp_addr_record *r, const struct demux_binding *b,
              uint32_t slot);
void xdp_mislead(struct xdp_tables *t, struct xdp_addr_record *r, const struct demux_binding *b, uint32_t slot);

/* What is wrong with how the tables show a binding that has an entry; r is the record of its address. */
enum dp_fault xdp_shown_fault(const struct xdp_tables *t, const struct xdp_addr_record *r, const struct demux_binding *b);

/* Whom the programs take for the sender of ESP and AH from the host and address of b: slot, or nobody for 0. */
void xdp_lead_ipsec(struct xdp_tables *t, const struct demux_binding *b, uint32_t slot);

/* A learned cookie; slot 0 takes it away. False: no room. */
bool xdp_lead_claim(struct xdp_tables *t, const struct learned *item, uint32_t slot);

#endif
