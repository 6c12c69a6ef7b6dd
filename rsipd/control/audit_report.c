#include "config.h"

#include "audit_report.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const what_to_do[AUDIT_FAULTS] = {
	[AUDIT_BOOKS] = "this is a defect of rsipd, please report it: restart rsipd, which loads its books from the database",
	[AUDIT_ROW_LOST] = "somebody else wrote to the database, or the disk lost a write: see to that first; then end what is "
	                   "concerned with rsipctl free or deregister, so that its host leases anew",
	[AUDIT_ROW_STRAY] = "somebody else wrote to the database, or the disk lost a write: see to that first; then delete the "
	                    "row with sqlite3 while rsipd is stopped, or restart rsipd to have what it says",
	[AUDIT_ROW_SINGLE] = "somebody else wrote to the database, or the disk lost a write: see to that first; then write the row "
	                     "with sqlite3 as it is said here, before rsipd starts anew",
	[AUDIT_HISTORY] = "somebody else wrote to the database, or the disk lost a write: see to that; leases are not touched, "
	                  "but rsipctl who may answer wrongly about this one",
	[AUDIT_PLANE] = "reload rsipd (SIGHUP), which tells the data plane everything again, and check again; if it stays, "
	                "restart rsipd",
	[AUDIT_PLANE_AWAY] = "see rsipd's log for why the relay is away, and check again when it is back",
};

void
audit_report_init(struct audit_report *r)
{
	*r = (struct audit_report){ .findings = json_array() };
}

void
audit_report_done(struct audit_report *r)
{
	json_decref(r->findings);
}

void
audit_report_add(struct audit_report *r, enum audit_fault fault, int invariant, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (r->n_findings++ >= AUDIT_FINDINGS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *at = text; *at != '\0'; at++) { /* what a stray row says may be anything */
		if (*at < 0x20 || *at > 0x7e)
			*at = '?';
	}
	json_array_append_new(r->findings, json_pack("{s:i, s:s, s:s}", "invariant", invariant, "what", text, "do",
	    what_to_do[fault]));
}

json_t *
audit_report_document(const struct audit_report *r)
{
	size_t listed = json_array_size(r->findings);

	return json_pack("{s:b, s:{s:I, s:I, s:I, s:I, s:I}, s:O, s:I}", "ok", r->n_findings == 0, "checked",
	    "hosts", (json_int_t)r->hosts, "bindings", (json_int_t)r->bindings, "addresses", (json_int_t)r->addresses,
	    "rows", (json_int_t)r->rows, "data_plane_bindings", (json_int_t)r->plane_bindings, "findings", r->findings,
	    "more", (json_int_t)(r->n_findings - listed));
}
