#include "reload.h"

#include <string.h>

#include "agent.h"
#include "conf.h"
#include "guest.h"
#include "log.h"

static void
log_fault(const char *line, void *arg)
{
	(void)arg;
	log_error("config", "%s", line);
}

static struct conf *
read_again(const char *path)
{
	struct conf *fresh = conf_parse(path, log_fault, NULL);

	if (fresh != NULL && fresh->gateway == 0) {
		log_error("config", "%s: there is no gateway section any more; stop rsipc to give its leases back", path);
		conf_free(fresh);
		fresh = NULL;
	}
	return fresh;
}

bool
reload(struct conf *conf, const char *path, struct agent *agent, struct guests *guests)
{
	struct conf *fresh = read_again(path);

	if (fresh == NULL) {
		log_error("config", "not reloaded, all stays as it is path=%s", path);
		return false;
	}
	conf_exchange_leases(conf, fresh);
	agent_reload(agent);
	guests_set_like(guests, conf_command_lease(conf));
	conf_free(fresh);
	log_info("config", "reloaded leases=%zu: other sections count from the next start", conf->n_leases);
	return true;
}
