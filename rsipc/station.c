#include "station.h"

#include <signal.h>
#include <unistd.h>

#include "clock.h"
#include "conf.h"
#include "ctl.h"
#include "ctl_server.h"
#include "ipsec.h"
#include "log.h"
#include "loop.h"
#include "reload.h"
#include "state.h"

static void
signal_cb(void *arg)
{
	log_info("rsipc", "stopping");
	loop_stop(((struct station *)arg)->loop);
}

static void
reload_cb(void *arg)
{
	struct station *station = arg;

	reload_station(station->conf, station->path, station->ipsec);
}

static void
woken_cb(void *arg)
{
	ipsec_woken(((struct station *)arg)->ipsec);
}

bool
station_open(struct station *station, struct conf *conf, const char *path)
{
	bool busy;

	*station = (struct station){ .conf = conf, .path = path, .started = clock_now(), .ctl_fd = -1 };
	if ((station->state = state_open(conf->state, &busy)) == NULL)
		return false;
	station->loop = loop_new();
	if ((station->ctl_fd = ctl_listen(conf->control)) < 0 || (station->ipsec = ipsec_open(station->loop, conf)) == NULL) {
		station_close(station);
		return false;
	}
	station->ctl = ctl_server_new(station->loop, station->ctl_fd, ctl_station_commands, station);
	station->sigterm = loop_signal(station->loop, SIGTERM, signal_cb, station);
	station->sigint = loop_signal(station->loop, SIGINT, signal_cb, station);
	station->sighup = loop_signal(station->loop, SIGHUP, reload_cb, station);
	station->woken = loop_woken(station->loop, woken_cb, station);
	return true;
}

void
station_run(struct station *station)
{
	loop_run(station->loop);
}

void
station_close(struct station *station)
{
	if (station->ctl != NULL)
		ctl_server_free(station->ctl);
	ipsec_close(station->ipsec);
	if (station->ctl_fd >= 0) {
		close(station->ctl_fd);
		unlink(station->conf->control);
	}
	loop_event_free(station->sigterm);
	loop_event_free(station->sigint);
	loop_event_free(station->sighup);
	loop_event_free(station->woken);
	if (station->loop != NULL)
		loop_free(station->loop);
	state_close(station->state);
}
