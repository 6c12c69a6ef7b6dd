/* The part of the check that begins in the database: rows that memory knows nothing of. */
#ifndef RSIPD_AUDIT_ROWS_H
#define RSIPD_AUDIT_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "store_check.h"

struct audit_report;
struct ledger;

struct audit_rows {
	struct ledger *ledger;
	struct audit_report *report;
	bool begun;
	enum store_table table;
	int64_t after; /* the row looked at last */
	struct store_hold_row hold;
};

/* The cost (audit.c) of one step, 0 at the end. */
unsigned audit_rows_step(struct audit_rows *c);

#endif
