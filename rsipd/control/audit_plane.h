/* The part of the check that asks the data plane. Each question goes out behind all changes before it, with what memory
 * says at that moment, and is answered by the tables as those changes left them. */
#ifndef RSIPD_AUDIT_PLANE_H
#define RSIPD_AUDIT_PLANE_H

#include <stdbool.h>
#include <stdint.h>

#include "binding.h"
#include "dataplane.h"

struct audit_report;
struct gateway;

#define AUDIT_PLANE_WAITS UINT32_MAX /* the cost of a step that has to wait: for an answer, or to be able to ask */
#define AUDIT_STRAYS_MAX 64

struct audit_plane {
	const struct gateway *gw;
	struct audit_report *report;
	struct binding_cursor cursor;
	bool begun;
	struct dp_check_entry entries[DP_CHECK_MAX]; /* of the question that waits to be asked or answered */
	uint32_t n, number, n_bindings;
	bool full, asked, counted, done;
	int64_t since, asked_at; /* clock_now() of the latest answer and of the question */

	uint32_t slot;               /* the XDP programs' table of bindings: looked through up to here */
	struct audit_stray { uint32_t slot, bind_id; } strays[AUDIT_STRAYS_MAX];
	uint32_t n_strays;
};

void audit_plane_begin(struct audit_plane *c, const struct gateway *gw, struct audit_report *report);
void audit_plane_end(struct audit_plane *c);
unsigned audit_plane_step(struct audit_plane *c); /* cost; 0 at the end */

#endif
