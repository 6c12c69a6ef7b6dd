#include "host.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "clock.h"
#include "conf.h"
#include "ctl.h"
#include "gateway.h"
#include "growth.h"
#include "guest.h"
#include "handover.h"
#include "hostnet.h"
#include "ike.h"
#include "ipsec.h"
#include "lease.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "netlink.h"
#include "ports_used.h"
#include "reload.h"
#include "state.h"
#include "textfile.h"
#include "tunnel.h"
#include "when.h"
#include "wish.h"

#define POLL_MS 30000       /* a path's MTU may grow again, and a device's name become free, of which nobody tells */
#define IDLE_FIRST_MS 30000 /* how long an agent for commands waits for the first of them */
#define SETTLE_MS 200       /* the machine has changed, when nothing has changed for so long */

/* ---- the agent's wishes and news ---- */

static void
op_open(void *arg)
{
	gateway_open(((struct host *)arg)->gateway);
}

static void
op_close(void *arg)
{
	gateway_close(((struct host *)arg)->gateway);
}

static void
op_send(const void *bytes, size_t len, void *arg)
{
	gateway_send(((struct host *)arg)->gateway, bytes, len);
}

static void
op_wake(int64_t when, void *arg)
{
	struct host *host = arg;

	if (when == WHEN_NEVER)
		loop_timer_cancel(host->wake);
	else
		loop_timer_at(host->wake, when);
}

static void
op_changed(void *arg)
{
	loop_deferred_raise(((struct host *)arg)->update);
}

static void
op_stopped(void *arg)
{
	loop_deferred_raise(((struct host *)arg)->stopped);
}

static const struct agent_ops agent_ops = {
	.open = op_open, .close = op_close, .send = op_send, .wake = op_wake, .changed = op_changed, .stopped = op_stopped,
};

/* ---- the gateway's ---- */

static void
gateway_up(ip4_t host_addr, void *arg)
{
	agent_up(((struct host *)arg)->agent, host_addr);
}

static void
gateway_down(const char *why, void *arg)
{
	agent_down(((struct host *)arg)->agent, why);
}

static void
gateway_message(const void *bytes, size_t len, void *arg)
{
	agent_input(((struct host *)arg)->agent, bytes, len);
}

static void
gateway_called(const void *bytes, size_t len, void *arg)
{
	agent_called(((struct host *)arg)->agent, bytes, len);
}

static const struct gateway_events gateway_events = {
	.up = gateway_up, .down = gateway_down, .message = gateway_message, .called = gateway_called,
};

/* ---- the network ---- */

static void
check_mtu(void *arg)
{
	struct host *host = arg;

	if (host->tunnel != NULL)
		hostnet_mtu(host->hostnet, host->tunnel);
}

static void
close_tunnel(struct host *host)
{
	guests_detach(host->guests);
	hostnet_down(host->hostnet);
	tunnel_close(host->tunnel);
	host->tunnel = NULL;
}

/* The tunnel's end at this host goes where the gateway sends to; and takes packets early where it will. */
static void
follow(struct host *host, ip4_t local)
{
	ip4_t next = agent_link_addr(host->agent);

	if (local != host->tunnel_local) {
		if (!tunnel_move(host->tunnel, local)) {
			close_tunnel(host);
			return;
		}
		host->tunnel_local = local;
		hostnet_mtu(host->hostnet, host->tunnel);
	}
	if (next != local)
		tunnel_expect(host->tunnel, next);
}

/* There is a tunnel while something is leased; it is made anew when its other end has moved, or its key is another. */
static void
update_tunnel(struct host *host, const struct wish *wish)
{
	struct tunnel_plan plan = {
		.device = host->host_wide ? host->conf->device : NULL,
		.kind = { .type = host->conf->tunnel, .gre_key = wish->gre_key },
		.driver = host->conf->driver,
		.local = wish->local,
		.remote = wish->remote,
	};

	if (host->tunnel != NULL && (wish->local == 0 || host->tunnel_remote != wish->remote ||
	                             host->tunnel_key != wish->gre_key))
		close_tunnel(host);
	if (host->tunnel != NULL)
		follow(host, wish->local);
	if (host->tunnel != NULL || wish->local == 0)
		return;
	host->tunnel = tunnel_open(host->loop, host->nl, &plan, check_mtu, host);
	host->tunnel_local = wish->local;
	host->tunnel_remote = wish->remote;
	host->tunnel_key = wish->gre_key;
}

static void
update_network(struct host *host)
{
	struct wish wish;

	wish_read(&wish, host->conf, host->agent, host->host_wide);
	update_tunnel(host, &wish);
	if (host->tunnel != NULL)
		hostnet_apply(host->hostnet, host->tunnel, &wish);
	wish_clear(&wish);
}

static void
put_file(const char *path, char *text)
{
	if (path != NULL)
		textfile_put(path, text);
	free(text);
}

/* They tell of the host's own leases; an agent for commands has none, and removes what a killed host-wide one left. */
static void
update_files(struct host *host)
{
	put_file(host->conf->strongswan, ike_strongswan(host->agent));
	put_file(host->conf->environment, ike_environment(host->conf, host->agent));
}

/* Only while the gateway can be asked: until then what an earlier run has handed over holds for as long as it says. */
static void
update_handover(struct host *host)
{
	int64_t expires;
	char *text;

	if (host->conf->handover == NULL || !host->host_wide || !agent_online(host->agent))
		return;
	text = handover_text(host->agent, &expires);
	handover_put(host->conf->handover, text, expires);
	free(text);
}

/* An agent for commands has nothing to live for when the last one is gone. */
static void
check_idle(struct host *host)
{
	if (host->host_wide)
		return;
	if (guests_count(host->guests) > 0)
		loop_timer_cancel(host->idle);
	else
		agent_stop(host->agent);
}

/* Once a turn of the loop, after all that came in: the state is on disk before the network uses it. */
static void
update_cb(void *arg)
{
	struct host *host = arg;
	unsigned guests = guests_count(host->guests);

	state_save(host->state, host->conf, host->agent);
	update_network(host);
	update_files(host);
	update_handover(host);
	guests_update(host->guests, host->tunnel);
	if (guests > 0)
		check_idle(host);
}

static bool
is_leased(const struct agent *agent, ip4_t addr)
{
	for (const struct lease *l = agent_leases(agent); l != NULL; l = l->next) {
		if (l->state == LEASE_HELD && l->grant.address == addr)
			return true;
	}
	return false;
}

/* The way to the gateway may begin at another address of ours now. Without an identity the host is its address to the
 * gateway, and keeps it for as long as it can be used; nor is the public address one to talk to the gateway from. */
static void
look_for_move(void *arg)
{
	struct host *host = arg;
	ip4_t addr;

	if (host->agent == NULL || host->conf->identity == NULL || (addr = gateway_source(host->gateway)) == 0)
		return;
	if (addr != gateway_host_addr(host->gateway) && !is_leased(host->agent, addr))
		agent_relocate(host->agent);
}

/* Addresses or routes of the machine have changed: other subnets may be attached now, and the path be another. */
static void
machine_changed(void *arg)
{
	look_for_move(arg);
	update_network(arg);
	check_mtu(arg);
}

static void
poll_cb(void *arg)
{
	struct host *host = arg;

	machine_changed(host);
	loop_timer_set(host->poll, POLL_MS);
}

static void
growth_cb(void *arg)
{
	struct host *host = arg;
	struct ports_used used;

	if (ports_used_read(&used))
		growth_step(host->conf, host->agent, &used);
	loop_timer_set(host->growth, GROWTH_INTERVAL_MS);
}

/* ---- running ---- */

static void
wake_cb(void *arg)
{
	agent_run(((struct host *)arg)->agent);
}

/* Where the machine is may have changed, too; and times in files are those of the wall clock. */
static void
woken_cb(void *arg)
{
	struct host *host = arg;

	ipsec_woken(host->ipsec);
	machine_changed(host);
	agent_woken(host->agent);
	loop_deferred_raise(host->update);
}

static void
signal_cb(void *arg)
{
	log_info("rsipc", "stopping");
	agent_stop(((struct host *)arg)->agent);
}

static void
watch_growth(struct host *host)
{
	if (growth_possible(host->conf))
		loop_timer_set(host->growth, GROWTH_INTERVAL_MS);
}

static void
reload_cb(void *arg)
{
	struct host *host = arg;

	if (reload(host->conf, host->path, host->agent, host->guests, host->ipsec))
		watch_growth(host);
}

static void
idle_cb(void *arg)
{
	agent_stop(((struct host *)arg)->agent);
}

static void
stopped_cb(void *arg)
{
	loop_stop(((struct host *)arg)->loop);
}

static void
make_events(struct host *host)
{
	host->wake = loop_timer(host->loop, wake_cb, host);
	host->poll = loop_timer(host->loop, poll_cb, host);
	host->idle = loop_timer(host->loop, idle_cb, host);
	host->growth = loop_timer(host->loop, growth_cb, host);
	host->update = loop_deferred(host->loop, update_cb, host);
	host->stopped = loop_deferred(host->loop, stopped_cb, host);
	host->woken = loop_woken(host->loop, woken_cb, host);
	host->sigterm = loop_signal(host->loop, SIGTERM, signal_cb, host);
	host->sigint = loop_signal(host->loop, SIGINT, signal_cb, host);
	if (host->path != NULL)
		host->sighup = loop_signal(host->loop, SIGHUP, reload_cb, host);
}

/* What a killed predecessor left is cleaned first; a device of that name that is still there is somebody else's. */
static bool
device_free(struct host *host)
{
	host->hostnet = hostnet_new(host->conf, host->nl, host->state);
	if (!host->host_wide || netlink_index(host->nl, host->conf->device) == 0)
		return true;
	log_error("tunnel", "there is a device of that name already device=%s: set device in section tunnel",
	    host->conf->device);
	return false;
}

static bool
open_ipsec(struct host *host)
{
	if (!host->host_wide || !ipsec_wanted(host->conf))
		return true;
	host->ipsec = ipsec_open(host->loop, host->conf);
	return host->ipsec != NULL;
}

bool
host_open(struct host *host, struct conf *conf, const char *path, bool *busy)
{
	*host = (struct host){ .conf = conf, .path = path, .host_wide = path != NULL, .started = clock_now(), .ctl_fd = -1 };
	if ((host->state = state_open(conf->state, busy)) == NULL)
		return false;
	host->loop = loop_new();
	if ((host->nl = netlink_open()) == NULL || !device_free(host) || (host->ctl_fd = ctl_listen(conf->control)) < 0 ||
	    (host->watch = netlink_watch(host->loop, SETTLE_MS, machine_changed, host)) == NULL ||
	    (host->near_watch = netlink_watch(host->loop, 0, look_for_move, host)) == NULL || !open_ipsec(host)) {
		host_close(host);
		return false;
	}
	host->gateway = gateway_new(host->loop, conf, &gateway_events, host);
	host->agent = agent_new(conf, host->host_wide, &agent_ops, host);
	host->guests = guests_new(host->agent, conf_command_lease(conf));
	host->ctl = ctl_server_new(host->loop, host->ctl_fd, ctl_commands, host);
	make_events(host);
	state_load(host->state, conf, host->agent);
	return true;
}

void
host_run(struct host *host)
{
	update_files(host); /* what is left of a killed predecessor says what is not so any more */
	loop_timer_set(host->poll, POLL_MS);
	if (!host->host_wide)
		loop_timer_set(host->idle, IDLE_FIRST_MS);
	else
		watch_growth(host);
	agent_run(host->agent);
	loop_run(host->loop);
}

static void
undo_network(struct host *host)
{
	if (host->tunnel != NULL)
		close_tunnel(host);
	put_file(host->conf->strongswan, NULL);
	put_file(host->conf->environment, NULL);
	if (host->host_wide)
		put_file(host->conf->handover, NULL);
}

static void
free_events(struct host *host)
{
	loop_event_free(host->wake);
	loop_event_free(host->update);
	loop_event_free(host->poll);
	loop_event_free(host->idle);
	loop_event_free(host->growth);
	loop_event_free(host->sigterm);
	loop_event_free(host->sigint);
	loop_event_free(host->sighup);
	loop_event_free(host->stopped);
	loop_event_free(host->woken);
}

void
host_close(struct host *host)
{
	if (host->agent != NULL) {
		state_save(host->state, host->conf, host->agent);
		undo_network(host);
		ctl_server_free(host->ctl);
		guests_free(host->guests);
		agent_free(host->agent);
	}
	ipsec_close(host->ipsec);
	gateway_free(host->gateway);
	hostnet_free(host->hostnet);
	netlink_unwatch(host->watch);
	netlink_unwatch(host->near_watch);
	netlink_close(host->nl);
	if (host->ctl_fd >= 0) {
		close(host->ctl_fd);
		unlink(host->conf->control);
	}
	free_events(host);
	loop_free(host->loop);
	state_close(host->state);
}
