/* One worker process: forked by the monitor, stripped of all that it does not need, and run. */
#ifndef RSIPD_CHILD_H
#define RSIPD_CHILD_H

#include <stddef.h>
#include <sys/types.h>

#include "priv.h"
#include "sandbox.h"

struct child_spec {
	const char *name;  /* of the process, at most 15 characters: "rsipd-relay" */
	const char *title; /* in place of its arguments: "rsipd: relay" */
	const struct priv_user *user;
	enum sandbox_role role;
	int nice;          /* relative to the parent; where the system does not allow it, 0 */
	const int *keep; /* descriptors that it keeps besides the standard ones; -1s are skipped */
	size_t n_keep;
	void (*log_start)(void *log_arg); /* sets the log up again, which was closed with the descriptors */
	void *log_arg;
	int (*run)(void *arg); /* its exit status */
	void *arg;
};

/* Returns the process's ID, or -1 after a line in the log. The child starts with no signal blocked, and gets SIGTERM
 * when its parent dies. The parent must have no signal handlers that would harm in the child. */
pid_t child_start(const struct child_spec *spec);

#endif
