#include "config.h"

#include "cleanup.h"

#include <stdlib.h>
#include <unistd.h>

#include "conf.h"
#include "fast_path.h"
#include "log.h"
#include "netstate.h"
#include "pidfile.h"
#include "priv.h"

/* Opening the journal of a dead rsipd puts back what it had changed; TUN and routes went with its last descriptor. */
static bool
put_back(const char *journal)
{
	struct netstate *state;

	if (access(journal, F_OK) != 0)
		return true;
	state = netstate_open(journal);
	netstate_close(state);
	return state != NULL;
}

int
cleanup_run(const struct conf *conf)
{
	char *pid_path = priv_run_file(conf->control, ".pid"), *journal = priv_run_file(conf->control, ".undo");
	int fd = -1;
	bool good;

	log_init("rsipd", LOG_TO_STDERR, conf->log_level, false);
	good = priv_check() && priv_run_dir(conf->control) && (fd = pidfile_open(pid_path)) >= 0;
	if (good) {
		good = fast_path_detach();
		good = put_back(journal) && good;
	}
	pidfile_close(fd, pid_path);
	free(pid_path);
	free(journal);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
