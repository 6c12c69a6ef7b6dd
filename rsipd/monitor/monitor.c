#include "config.h"

#include "monitor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "conf.h"
#include "device_watch.h"
#include "fast_path.h"
#include "listen.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "meters.h"
#include "netstate.h"
#include "notify.h"
#include "pidfile.h"
#include "pktio_open.h"
#include "priv.h"
#include "reload.h"
#include "rings.h"
#include "upstream_watch.h"
#include "workers.h"
#include "xdp_tables.h"

struct monitor {
	struct workers_env env; /* with all that the workers use, and the conf in force */
	const char *conf_path;
	bool background;
	void (*serving)(void);
	int text_fd;        /* the text of the conf in force, sealed */
	struct conf *asked; /* a reload that control has not answered yet */
	int asked_fd;       /* its text, where that is another; else -1 */
	bool again;         /* another one asked for meanwhile: of the file, */
	bool again_text;    /* or of the same text */
	struct upstream_watch *upstream;
	struct device_watch *devices;
	struct conf *next; /* what the life after this one goes by; NULL: there is none */
	int status;

	char *pid_path, *journal_path;
	int pid_fd;
	bool listening;
	struct netstate *netstate;
	struct fast_path *fast_path;
	bool leave; /* what forwards packets goes on without us */
	struct workers *workers;
	int signal_fd;
	struct loop_event *signals, *watchdog;
};

static void
log_open(const struct monitor *m)
{
	const struct conf *conf = m->env.conf;

	log_init("rsipd", m->background && conf->log_to == LOG_TO_STDERR ? LOG_TO_SYSLOG : conf->log_to, conf->log_level,
	         conf->log_json);
}

static void
log_open_in_worker(void *arg)
{
	log_open(arg);
}

/* --- resources, in the order of their use; monitor_release knows how far it got ----------------------------------- */

/* By a descriptor, not by handlers: the workers would inherit a handler, and libevent's writes into the loop. */
static bool
open_signals(int *fd)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	*fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (*fd < 0)
		log_error("monitor", "cannot watch signals error=\"%s\"", strerror(errno));
	return *fd >= 0;
}

static bool
open_counters(struct dp_counters **counters)
{
	*counters = mmap(NULL, sizeof(**counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (*counters != MAP_FAILED)
		return true;
	log_error("monitor", "no memory for the counters error=\"%s\"", strerror(errno));
	*counters = NULL;
	return false;
}

static struct meters *
open_meters(const struct conf *conf)
{
	struct xdp_sizes sizes;

	xdp_sizes_of(conf, &sizes);
	return meters_new(sizes.bindings);
}

static bool
open_data_plane(struct monitor *m)
{
	struct relay_fds *fds = &m->env.relay;

	netstate_wait_gone(m->netstate, PKTIO_TUN_NAME);
	fds->tun = pktio_open_tun(PKTIO_TUN_NAME);
	return fds->tun >= 0 && pktio_open_tunnels(fds);
}

static void
tell_data_plane(void *arg)
{
	struct monitor *m = arg;

	m->env.data_plane = fast_path_name(m->fast_path);
	m->env.data_plane_detail = fast_path_detail(m->fast_path);
	if (m->workers != NULL)
		workers_tell_data_plane(m->workers);
}

/* After the network state: what a dead rsipd had changed of the devices is put back by then. */
static void
open_fast_path(struct monitor *m)
{
	m->fast_path = fast_path_new(m->env.conf);
	m->env.relay.xdp = fast_path_tables(m->fast_path);
	tell_data_plane(m);
}

static bool
monitor_acquire(struct monitor *m)
{
	struct workers_env *env = &m->env;
	struct conf *conf = env->conf;

	if (!priv_check() || !priv_find_user(&env->user) || !priv_run_dir(conf->control))
		return false;
	m->pid_fd = env->alive = pidfile_open(m->pid_path);
	if (m->pid_fd < 0 || (m->netstate = netstate_open(m->journal_path)) == NULL)
		return false;
	if (!netstate_find(m->netstate, conf, &env->place) || !priv_state_dir(conf->state, &env->user))
		return false;
	if ((m->text_fd = reload_copy(m->conf_path)) < 0) {
		log_error("config", "cannot be read again path=\"%s\" error=\"%s\"", m->conf_path, strerror(errno));
		return false;
	}
	m->listening = listen_open(conf, env->user.gid, &env->control);
	env->relay.meters = open_meters(conf);
	env->control.meters = env->relay.meters;
	if (!m->listening || !open_signals(&m->signal_fd) || !open_counters(&env->counters) || !open_data_plane(m) ||
	    !netstate_apply(m->netstate, conf, &env->place, NULL) ||
	    !netstate_open_rings(m->netstate, conf, &env->place, &env->relay))
		return false;
	open_fast_path(m);
	return true;
}

/* Somebody may have removed the TUN by hand: the relay ends for it, and its successor gets a new one. */
static bool
on_relay_starts(void *arg)
{
	struct monitor *m = arg;
	int *tun = &m->env.relay.tun;

	if (*tun >= 0 && pktio_tun_there(*tun))
		return true;
	log_warn("monitor", "the TUN device is gone, making it anew device=%s", PKTIO_TUN_NAME);
	if (*tun >= 0)
		close(*tun);
	*tun = pktio_open_tun(PKTIO_TUN_NAME);
	return *tun >= 0 && netstate_renew_tun(m->netstate, m->env.conf, &m->env.place);
}

static void
close_data_plane(struct relay_fds *fds)
{
	rings_close(fds);
	const int all[] = { fds->tun, fds->ipip[RELAY_DF], fds->ipip[RELAY_FRAGMENT], fds->gre[RELAY_DF],
		                fds->gre[RELAY_FRAGMENT], fds->icmp, fds->probe };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i] >= 0)
			close(all[i]);
	}
}

static void
monitor_release(struct monitor *m)
{
	fast_path_free(m->fast_path, m->leave);
	if (m->leave)
		netstate_leave(m->netstate);
	else
		netstate_close(m->netstate);
	close_data_plane(&m->env.relay);
	if (m->signal_fd >= 0)
		close(m->signal_fd);
	if (m->env.counters != NULL)
		munmap(m->env.counters, sizeof(*m->env.counters));
	meters_free(m->env.relay.meters);
	if (m->listening)
		listen_close(m->env.conf, &m->env.control);
	if (m->text_fd >= 0)
		close(m->text_fd);
	pidfile_close(m->pid_fd, m->pid_path);
}

/* --- reload ------------------------------------------------------------------------------------------------------- */

static void reload_text(void *arg);

static void
reload_done(struct monitor *m)
{
	conf_free(m->asked);
	m->asked = NULL;
	if (m->asked_fd >= 0)
		close(m->asked_fd);
	m->asked_fd = -1;
	notify_send("READY=1");
	if (m->again) {
		m->again = m->again_text = false;
		raise(SIGHUP);
	} else if (m->again_text) {
		m->again_text = false;
		reload_text(m);
	}
}

/* Hands what was read, m->asked, to control. */
static void
reload_hand_over(struct monitor *m, int fd)
{
	if (m->asked == NULL) {
		log_error("config", "reload refused, the old config stays path=\"%s\"", m->conf_path);
		reload_done(m);
	} else if (!workers_reload(m->workers, m->asked, fd, m->conf_path)) {
		log_error("config", "cannot reload while the control process is away, ask again path=\"%s\"", m->conf_path);
		reload_done(m);
	}
}

static void
reload(struct monitor *m)
{
	if (m->asked != NULL) {
		m->again = true;
		return;
	}
	notify_reloading();
	m->asked = reload_read(m->conf_path, &m->asked_fd);
	reload_hand_over(m, m->asked_fd);
}

/* What another gateway leases to us has changed; what the operator may have written into the file meanwhile waits for
 * his own reload. */
static void
reload_text(void *arg)
{
	struct monitor *m = arg;

	if (m->asked != NULL) {
		m->again_text = true;
		return;
	}
	log_info("upstream", "what other gateways lease to us has changed");
	notify_reloading();
	m->asked = reload_again(m->text_fd, m->conf_path);
	reload_hand_over(m, m->text_fd);
}

static void
watch_upstream(struct monitor *m)
{
	upstream_watch_free(m->upstream);
	m->upstream = upstream_watch_new(m->env.loop, m->env.conf, reload_text, m);
}

/* Where the machine's own addresses have changed with the pools, the workers must learn of it from the start. */
static void
place_again(struct monitor *m, const struct conf *before)
{
	struct netstate_place place;

	if (!netstate_find(m->netstate, m->env.conf, &place) ||
	    !netstate_apply(m->netstate, m->env.conf, &place, before)) {
		log_error("config", "the network state is not all that the new config asks for");
		return;
	}
	bool new_own = memcmp(place.own, m->env.place.own, sizeof(place.own)) != 0;
	bool new_net = memcmp(&place.net, &m->env.place.net, sizeof(place.net)) != 0;
	m->env.place = place;
	netstate_rings_again(m->netstate, m->env.conf, &place, &m->env.relay);
	if (new_own)
		workers_renew(m->workers, WORKER_CONTROL);
	if (new_net)
		workers_renew(m->workers, WORKER_RELAY);
}

static void
reload_accepted(struct monitor *m)
{
	struct conf *before = m->env.conf;

	m->env.conf = m->asked;
	m->asked = NULL;
	if (m->asked_fd >= 0) { /* another text than before, and other files that it may refer to */
		close(m->text_fd);
		m->text_fd = m->asked_fd;
		m->asked_fd = -1;
		watch_upstream(m);
	}
	log_open(m);
	place_again(m, before);
	conf_free(before);
	log_info("config", "reloaded path=\"%s\"", m->conf_path);
}

static void
log_refusal(const char *reasons)
{
	char *copy = mem_strdup(reasons), *rest = copy, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (line[0] != '\0')
			log_error("config", "refused: %s", line);
	}
	free(copy);
}

static void
on_answer(const struct monitor_msg *msg, void *arg)
{
	struct monitor *m = arg;

	if (m->asked == NULL)
		return;
	if (msg->op == MON_RELOADED) {
		reload_accepted(m);
	} else {
		log_refusal(msg->text);
		log_error("config", "reload refused, the old config stays path=\"%s\"", m->conf_path);
	}
	reload_done(m);
}

static void
on_no_answer(void *arg)
{
	struct monitor *m = arg;

	if (m->asked == NULL)
		return;
	log_error("config", "the control process ended during the reload, the old config stays");
	reload_done(m);
}

/* --- leases without a pool ---------------------------------------------------------------------------------------- */

static void
on_left(const struct monitor_msg *msg, void *arg)
{
	struct monitor *m = arg;
	char *copy = mem_strdup(msg->text), *rest = copy, *line, str[IP4_STRLEN];
	struct monitor_msg answer = { .op = MON_NOT_CARRIED };
	size_t len = 0;
	ip4_t addr;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (ip4_parse(line, &addr) && !netstate_carry(m->netstate, m->env.conf, &m->env.place, addr))
			len += (size_t)snprintf(answer.text + len, sizeof(answer.text) - len, "%s\n", ip4_str(addr, str));
	}
	free(copy);
	workers_tell_not_carried(m->workers, answer.text);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void
on_serving(void *arg)
{
	struct monitor *m = arg;

	log_info("monitor", "serving config=\"%s\" control=\"%s\"", m->conf_path, m->env.conf->control);
	log_errors_to_stderr(false);
	notify_send("READY=1\nSTATUS=Serving");
	m->serving();
}

static void
on_in_step(void *arg)
{
	struct monitor *m = arg;

	fast_path_begin(m->fast_path, m->env.loop, tell_data_plane, m);
}

static void
on_failed(void *arg)
{
	struct monitor *m = arg;

	m->status = 1;
	workers_stop(m->workers);
}

static void
stop(struct monitor *m, bool leave)
{
	log_info("monitor", leave ? "stopping, for another rsipd to go on" : "stopping");
	m->leave = leave;
	conf_free(m->next);
	m->next = NULL;
	notify_send("STOPPING=1");
	workers_stop(m->workers);
}

/* As with SIGUSR1, but that the next rsipd is this one: what forwards on the devices that stayed goes on meanwhile. By the
 * conf in force; what the operator may have written into the file since waits for his reload. */
static void
on_other_devices(void *arg)
{
	struct monitor *m = arg;

	m->next = reload_again(m->text_fd, m->conf_path);
	if (m->next == NULL) {
		log_error("monitor", "cannot begin anew, mend what the config refers to and restart rsipd");
		return;
	}
	m->leave = true;
	workers_stop(m->workers);
}

/* The rings leave what is from the machine itself, or for it, to the kernel. */
static void
on_settled(void *arg)
{
	struct monitor *m = arg;

	if (netstate_readdressed(m->netstate))
		netstate_rings_again(m->netstate, m->env.conf, &m->env.place, &m->env.relay);
}

static void
on_stopped(void *arg)
{
	struct monitor *m = arg;

	loop_stop(m->env.loop);
}

static void
on_signal(int fd, void *arg)
{
	struct monitor *m = arg;
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD)
		workers_reap(m->workers);
	else if (info.ssi_signo == SIGHUP)
		reload(m);
	else
		stop(m, info.ssi_signo == SIGUSR1);
}

static void
on_watchdog(void *arg)
{
	struct monitor *m = arg;

	notify_send("WATCHDOG=1");
	loop_timer_set(m->watchdog, notify_watchdog_ms());
}

static void
monitor_serve(struct monitor *m)
{
	const struct device_events devices = { on_other_devices, on_settled, m };
	struct loop *loop = m->env.loop;

	m->signals = loop_readable(loop, m->signal_fd, on_signal, m);
	m->watchdog = loop_timer(loop, on_watchdog, m);
	if (notify_watchdog_ms() > 0)
		on_watchdog(m);
	m->workers = workers_start(&m->env);
	watch_upstream(m);
	m->devices = device_watch_new(&m->env, &devices);
	loop_run(loop);
	device_watch_free(m->devices);
	upstream_watch_free(m->upstream);
	workers_free(m->workers);
	if (m->next != NULL && m->asked != NULL)
		raise(SIGHUP); /* blocked, so it waits for the next life */
	conf_free(m->asked);
	loop_event_free(m->signals);
	loop_event_free(m->watchdog);
}

static void
monitor_init(struct monitor *m, struct conf *conf)
{
	m->env = (struct workers_env) {
		.conf = conf, .relay = RELAY_NO_FDS, .log_start = log_open_in_worker, .relay_starts = on_relay_starts,
		.serving = on_serving, .failed = on_failed, .answered = on_answer, .left = on_left, .no_answer = on_no_answer,
		.in_step = on_in_step, .stopped = on_stopped, .arg = m,
	};
	m->pid_fd = m->signal_fd = m->text_fd = m->asked_fd = -1;
	m->pid_path = priv_run_file(conf->control, ".pid");
	m->journal_path = priv_run_file(conf->control, ".undo");
}

/* One life. Takes *conf over, and leaves there what the next one shall go by, or NULL. */
static int
live(struct conf **conf, const char *conf_path, bool background, void (*serving)(void))
{
	struct monitor m = { .conf_path = conf_path, .background = background, .serving = serving };

	monitor_init(&m, *conf);
	log_errors_to_stderr(true);
	log_open(&m);
	m.env.loop = loop_new();
	if (monitor_acquire(&m))
		monitor_serve(&m);
	else
		m.status = 1;
	monitor_release(&m);
	if (m.status == 0 && m.next == NULL)
		log_info("monitor", "stopped");
	loop_free(m.env.loop);
	conf_free(m.env.conf);
	free(m.pid_path);
	free(m.journal_path);
	*conf = m.next;
	return m.status;
}

int
monitor_run(struct conf *conf, const char *conf_path, bool background, void (*serving)(void))
{
	int status = 0;

	signal(SIGPIPE, SIG_IGN);
	while (conf != NULL)
		status = live(&conf, conf_path, background, serving);
	return status;
}
