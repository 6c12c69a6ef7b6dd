/* One message of control's (dataplane.h), checked and applied to the tables. */
#ifndef RSIPD_DP_APPLY_H
#define RSIPD_DP_APPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane.h"

struct demux;

/* What a message has done that the caller has to act on. */
enum dp_applied {
	DP_APPLIED,
	DP_APPLIED_BEGIN, /* a synchronisation has begun: what control knows is open */
	DP_APPLIED_END,   /* and ended: claims that it does not know are to be told */
	DP_APPLIED_CHECK, /* control asks: nothing has changed, dp_check_answer has the answer */
	DP_REFUSED,       /* logged, nothing changed: a defect of control's */
};

/* bytes is borrowed and need not be aligned. */
enum dp_applied dp_apply(struct demux *d, const void *bytes, size_t len, int64_t now);

/* The answer to a DP_CHECK that dp_apply has found good. Returns its length. */
#define DP_CHECKED_MAX (sizeof(struct dp_checked) + DP_CHECK_MAX * sizeof(struct dp_fault_entry))
size_t dp_check_answer(const struct demux *d, const void *question, uint8_t answer[DP_CHECKED_MAX]);

#endif
