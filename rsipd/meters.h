/* What each binding has carried by the relay: counters in memory that both workers and their parent share, found by
 * bind ID. Written by the relay only; they survive its restart. A relay that has gone wrong spoils its figures and no other
 * process. What XDP has carried stands in its own tables. */
#ifndef RSIPD_METERS_H
#define RSIPD_METERS_H

#include <stdbool.h>
#include <stdint.h>

struct meter {
	uint32_t bind_id; /* 0 = nobody's */
	uint32_t pad;
	uint64_t in_packets, in_bytes; /* public -> host; inner bytes */
	uint64_t out_packets, out_bytes;
};

struct meters;

/* Shared with every process forked from now on. NULL after a line in the log: nothing is metered. The functions below
 * accept that. */
struct meters *meters_new(uint32_t n_bindings);
void meters_free(struct meters *m);
void meters_protect(struct meters *m); /* read-only in this process */

/* The binding's counters, which are zero when it is new. NULL: no room, it goes unmetered. Valid until meters_leave. */
struct meter *meters_take(struct meters *m, uint32_t bind_id);
void meters_leave(struct meter *meter); /* accepts NULL */
void meters_forget(struct meters *m, uint32_t bind_id); /* the binding has none any more, if it had */

const struct meter *meters_find(const struct meters *m, uint32_t bind_id); /* NULL: not metered */

/* Has those leave that keeps does not keep. */
void meters_sweep(struct meters *m, bool (*keeps)(uint32_t bind_id, void *arg), void *arg);

#endif
