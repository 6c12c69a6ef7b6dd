#include "reload.h"

#include <string.h>

#include "agent.h"
#include "conf.h"
#include "guest.h"
#include "ipsec.h"
#include "log.h"

static void
log_fault(const char *line, void *arg)
{
	(void)arg;
	log_error("config", "%s", line);
}

/* NULL after a line in the log. With a gateway we hold leases, and without one have nobody to ask for them. */
static struct conf *
read_again(const char *path, bool gateway)
{
	struct conf *fresh = conf_parse(path, log_fault, NULL);

	if (fresh != NULL && (fresh->gateway != 0) != gateway) {
		log_error("config", gateway ? "%s: there is no gateway section any more; stop rsipc to give its leases back"
		                            : "%s: there is a gateway section now; start rsipc anew", path);
		conf_free(fresh);
		fresh = NULL;
	}
	if (fresh == NULL)
		log_error("config", "not reloaded, all stays as it is path=%s", path);
	return fresh;
}

static void
take_adoption(struct conf *conf, struct conf *fresh, struct ipsec *ipsec)
{
	if (ipsec == NULL || !conf->adoption.on || !fresh->adoption.on)
		return;
	adoption_conf_exchange(&conf->adoption, &fresh->adoption);
	ipsec_conf_changed(ipsec);
}

bool
reload(struct conf *conf, const char *path, struct agent *agent, struct guests *guests, struct ipsec *ipsec)
{
	struct conf *fresh = read_again(path, true);

	if (fresh == NULL)
		return false;
	conf_exchange_leases(conf, fresh);
	agent_reload(agent);
	guests_set_like(guests, conf_command_lease(conf));
	take_adoption(conf, fresh, ipsec);
	conf_free(fresh);
	log_info("config", "reloaded leases=%zu adoption=%s: other sections count from the next start", conf->n_leases,
	    conf->adoption.on ? "yes" : "no");
	return true;
}

bool
reload_station(struct conf *conf, const char *path, struct ipsec *ipsec)
{
	struct conf *fresh = read_again(path, false);

	if (fresh == NULL)
		return false;
	take_adoption(conf, fresh, ipsec);
	conf_free(fresh);
	log_info("config", "reloaded adoption=%s: other sections count from the next start", conf->adoption.on ? "yes" : "no");
	return true;
}
