/* The part of the check that begins in memory: registrations and bindings by themselves and beside their rows, then what
 * is leased and held of each public address. */
#ifndef RSIPD_AUDIT_BOOKS_H
#define RSIPD_AUDIT_BOOKS_H

#include <stdint.h>

#include "addr.h"
#include "binding.h"
#include "session.h"

struct audit_place;
struct audit_report;
struct ledger;

struct audit_books {
	struct ledger *ledger;
	struct audit_report *report;
	struct id_cursor sessions;
	struct binding_cursor bindings;
	struct audit_place *places; /* uthash: the bindings of each public address, as they were come across */
	uint32_t seen_id;           /* bindings up to this one are in places; those granted since are looked up by ID */
	ip4_t *addrs;               /* those in use when the bindings had been walked */
	uint64_t n_addrs, next_addr;
};

void audit_books_begin(struct audit_books *c, struct ledger *l, struct audit_report *report);
void audit_books_end(struct audit_books *c);

/* One step of each phase, in this order: the cost (audit.c), 0 at the end of the phase. */
unsigned audit_books_host(struct audit_books *c);
unsigned audit_books_binding(struct audit_books *c);
unsigned audit_books_address(struct audit_books *c);

#endif
