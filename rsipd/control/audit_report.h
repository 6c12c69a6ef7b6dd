/* What `rsipctl check` has found, in words. */
#ifndef RSIPD_AUDIT_REPORT_H
#define RSIPD_AUDIT_REPORT_H

#include <jansson.h>
#include <stdint.h>

/* Where the fault lies: that says what to do about it. */
enum audit_fault {
	AUDIT_BOOKS,       /* memory contradicts itself */
	AUDIT_ROW_LOST,    /* memory has what the database has not, or has otherwise */
	AUDIT_ROW_STRAY,   /* the database has what memory has not */
	AUDIT_ROW_SINGLE,  /* a table of one row has it otherwise than memory */
	AUDIT_HISTORY,     /* the history is not as what is leased */
	AUDIT_PLANE,       /* the data plane's tables are not as what is leased */
	AUDIT_PLANE_AWAY,  /* it cannot be asked */
	AUDIT_FAULTS
};

#define AUDIT_FINDINGS_MAX 100 /* more are counted only */

struct audit_report {
	json_t *findings;
	uint64_t n_findings;
	uint64_t hosts, bindings, addresses, rows; /* looked at */
	uint64_t plane_bindings;                   /* that the data plane was asked about */
};

void audit_report_init(struct audit_report *r);
void audit_report_done(struct audit_report *r);

/* invariant is the number in the design's list, 1 to 7. */
void audit_report_add(struct audit_report *r, enum audit_fault fault, int invariant, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* {"ok":bool, "checked":{...}, "findings":[{"invariant", "what", "do"}], "more":n}: a new reference. */
json_t *audit_report_document(const struct audit_report *r);

#endif
