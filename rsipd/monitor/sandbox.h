/* System call filters of the two workers, and of rsipctl while it looks at packets: each may use what its job takes and
 * nothing else. A call outside of the list ends the process with SIGSYS; the monitor says so in the log and starts it anew. */
#ifndef RSIPD_SANDBOX_H
#define RSIPD_SANDBOX_H

#include <stdbool.h>

enum sandbox_role { SANDBOX_CONTROL, SANDBOX_RELAY, SANDBOX_TRACE };

/* For good. Needs no_new_privs. Returns false after a line in the log. Built with sanitizers it does nothing but say
 * so: their runtime needs too much. */
bool sandbox_apply(enum sandbox_role role);

#endif
