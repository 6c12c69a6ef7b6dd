/* `rsipctl check`: whether a gateway in service keeps the invariants of the design's section on leases, in memory, in
 * its database and in the data plane.
 *
 * It goes on in slices between requests, while leases come and go. Each comparison is of things as they are at one
 * instant: of memory with the rows that the same process would read, and of memory with what the data plane answers
 * after all that it was told before. So what changes meanwhile raises no alarm.
 *
 *	hosts      registrations: sums, deadlines, R >= B (invariants 3, 7); their rows (4)
 *	bindings   each is indexed, will expire, and stands in the database as it is (3, 4)
 *	addresses  what is leased of each is what bindings say, once, and not in quarantine (1, 2, 6)
 *	rows       the database has nothing else (4)
 *	plane      the relay's tables and the XDP programs' say what bindings do, and nothing else (5) */
#ifndef RSIPD_AUDIT_H
#define RSIPD_AUDIT_H

#include <jansson.h>

struct audit;
struct gateway;

struct audit_events {
	/* Once, in a later turn of the loop; the check is gone then. report is a new reference; NULL: the ledger was loaded
	 * anew meanwhile, and nothing can be said. */
	void (*done)(json_t *report, void *arg);
	void (*working)(void *arg); /* about once a second until then */
	void *arg;
};

struct audit *audit_start(const struct gateway *gw, const struct audit_events *events);
void audit_cancel(struct audit *c); /* done is not called */

#endif
