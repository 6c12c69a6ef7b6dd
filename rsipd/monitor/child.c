#include "config.h"

#include "child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "proctitle.h"

static int
compare_fds(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* Closes every descriptor from 3 on that is not to be kept. */
static void
close_others(const int *keep, size_t n)
{
	int *sorted = mem_zero(n, sizeof(int));
	unsigned from = STDERR_FILENO + 1;

	memcpy(sorted, keep, n * sizeof(int));
	qsort(sorted, n, sizeof(int), compare_fds);
	for (size_t i = 0; i < n; i++) {
		if (sorted[i] < (int)from)
			continue;
		if ((unsigned)sorted[i] > from)
			close_range(from, (unsigned)sorted[i] - 1, 0);
		from = (unsigned)sorted[i] + 1;
	}
	close_range(from, ~0u, 0);
	free(sorted);
}

/* The monitor takes its signals from a descriptor and keeps them blocked. */
static void
unblock_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void
child_main(const struct child_spec *spec, pid_t parent)
{
	prctl(PR_SET_NAME, spec->name, 0, 0, 0);
	proctitle_set(spec->title);
	log_init("rsipd", LOG_TO_NONE, LOG_LVL_ERROR, false); /* lets go of the monitor's connection to syslog */
	close_others(spec->keep, spec->n_keep);
	setpgid(0, 0); /* Ctrl-C is for the monitor, which ends its workers in order */
	unblock_signals();
	spec->log_start(spec->log_arg);
	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + spec->nice);
	if (!priv_drop(spec->user))
		exit(1);
#ifdef RSIP_SANITIZERS
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* the leak checker looks at its own process from outside */
#endif
	/* Behind the change of user, which forgets it; and the parent may be dead already. */
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (getppid() != parent || !sandbox_apply(spec->role))
		exit(1);
	exit(spec->run(spec->arg));
}

pid_t
child_start(const struct child_spec *spec)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		child_main(spec, parent);
	if (pid < 0)
		log_error("monitor", "cannot fork process=%s error=\"%s\"", spec->name, strerror(errno));
	return pid;
}
