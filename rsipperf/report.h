/* What a person or a program sees of a run: a live line a second, a table a phase, or one JSON document. */
#ifndef RSIPPERF_REPORT_H
#define RSIPPERF_REPORT_H

#include <stdbool.h>
#include <stdint.h>

struct plan;
struct swarm;
struct tally;

#define REPORT_PHASES 4

struct report {
	const struct plan *plan;
	struct tally *phases[REPORT_PHASES]; /* those that ended */
	unsigned n_phases;
	bool live;           /* the live line is wanted */
	bool line_is_open;   /* on a terminal the live line is written over */
	int64_t last_us;     /* of the last live line */
	uint64_t last_answered;
	const struct tally *last_tally;
};

void report_begin(struct report *r, const struct plan *plan, int64_t now_us);
void report_live(struct report *r, const struct tally *tally, const struct swarm *swarm, int64_t now_us);

/* Prints the table of the phase, unless JSON is wanted; takes the tally over. */
void report_phase(struct report *r, struct tally *tally);

/* Says on standard error that no host could register, and what to look at. */
void report_nobody(const struct report *r, const struct tally *tally);

/* Prints the errors by name, or the JSON document, and frees all. Returns the exit status: 0 when all that was asked for
 * was granted, else 1. */
int report_end(struct report *r);

#endif
