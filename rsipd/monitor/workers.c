#include "config.h"

#include "workers.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "conf.h"
#include "conf_keys.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "ring_open.h"
#include "rings.h"
#include "meters.h"
#include "xdp_tables.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A worker that ends is back after 0.1 s; one that ends again and again, after 0.2, 0.4, ... 30 s; one that ran for a
 * minute starts over. */
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 30000
#define RAN_WELL_MS 60000
#define STOP_PATIENCE_MS 5000 /* for what has been asked to end */

/* A worker answers pings from its event loop. One that has been silent for a minute hangs, and is killed; less may be a
 * slow disk. Counted in pings, not by the clock, which goes on while the machine sleeps. */
#define PING_MS 10000
#define PINGS_UNANSWERED_MAX 6

/* Under overload the kernel's part of receiving takes all the time that it is given, for packets that the relay then has
 * no time for (receive livelock). The relay's work comes first: what is too much is dropped before it has cost anything. */
#define RELAY_NICE (-10)

struct worker {
	struct workers *all;
	enum worker_id id;
	pid_t pid;   /* 0 = does not run */
	int channel; /* our end of the socketpair to it, or -1 */
	int link;    /* its end of a socketpair whose other end the running peer has, for its next start; or -1 */
	bool renew;  /* its end is our wish */
	bool in_loop; /* has spoken or needs no time to start: to be pinged */
	unsigned unanswered;
	int64_t started, backoff_ms;
	struct loop_event *readable, *restart, *patience;
};

struct workers {
	struct workers_env *env;
	struct worker worker[WORKER_COUNT];
	struct loop_event *ping;
	bool served, stopping, told_stopped;
};

static const struct {
	const char *name, *process, *title;
	enum sandbox_role role;
	enum monitor_op new_peer; /* tells it of the other's new socket */
	int nice;
} traits[] = {
	[WORKER_CONTROL] = { "control", "rsipd-control", "rsipd: control", SANDBOX_CONTROL, MON_RELAY, 0 },
	[WORKER_RELAY] = { "relay", "rsipd-relay", "rsipd: relay", SANDBOX_RELAY, MON_CONTROL, RELAY_NICE },
};

static struct worker *
peer_of(struct worker *worker)
{
	return &worker->all->worker[worker->id == WORKER_CONTROL ? WORKER_RELAY : WORKER_CONTROL];
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- in the new process ------------------------------------------------------------------------------------------- */

static int
run_control(void *arg)
{
	const struct worker *worker = arg;
	struct workers_env *env = worker->all->env;

	/* The counters are the relay's to write. */
	mprotect(env->counters, sizeof(*env->counters), PROT_READ);
	meters_protect(env->relay.meters);
	xdp_tables_protect(env->relay.xdp);
	env->control.xdp = env->relay.xdp;
	log_errors_to_stderr(!worker->all->served);
	return control_main(env->conf, &env->control, env->place.own, env->place.n_own, env->counters);
}

static int
run_relay(void *arg)
{
	const struct worker *worker = arg;
	struct workers_env *env = worker->all->env;

	conf_keys_wipe(env->conf);
	return relay_main(&env->relay, &env->place.net, env->counters);
}

static pid_t
spawn(struct worker *worker, const int *keep, size_t n_keep, int (*run)(void *arg))
{
	struct workers_env *env = worker->all->env;
	const struct child_spec spec = {
		.name = traits[worker->id].process, .title = traits[worker->id].title, .role = traits[worker->id].role,
		.nice = traits[worker->id].nice, .user = &env->user, .keep = keep, .n_keep = n_keep, .log_start = env->log_start, .log_arg = env->arg,
		.run = run, .arg = worker,
	};

	return child_start(&spec);
}

static pid_t
spawn_control(struct worker *worker, int channel)
{
	struct control_fds *fds = &worker->all->env->control;
	const size_t n = 2 * fds->n_listen + 5;
	int *keep = mem_zero(n, sizeof(int));

	fds->relay = worker->link;
	fds->monitor = channel;
	memcpy(keep, fds->tcp, fds->n_listen * sizeof(int));
	memcpy(keep + fds->n_listen, fds->udp, fds->n_listen * sizeof(int));
	const int own[] = { fds->ctl, fds->metrics, fds->relay, fds->monitor, worker->all->env->alive };
	memcpy(keep + 2 * fds->n_listen, own, sizeof(own));
	pid_t pid = spawn(worker, keep, n, run_control);
	free(keep);
	return pid;
}

static pid_t
spawn_relay(struct worker *worker, int channel)
{
	struct relay_fds *fds = &worker->all->env->relay;

	fds->control = worker->link;
	fds->monitor = channel;
	const int own[] = { fds->tun, fds->ipip[RELAY_DF], fds->ipip[RELAY_FRAGMENT], fds->gre[RELAY_DF],
		                fds->gre[RELAY_FRAGMENT], fds->icmp, fds->probe, fds->sender, fds->questions, fds->news,
		                fds->control, fds->monitor, worker->all->env->alive };
	int keep[COUNT(own) + 2 * RELAY_RINGS_MAX + XDP_MAP_COUNT];
	size_t n = COUNT(own);

	memcpy(keep, own, sizeof(own));
	ring_open_xsk(fds);
	for (size_t i = 0; i < fds->n_rings; i++) {
		keep[n++] = fds->rings[i].fd;
		keep[n++] = fds->rings[i].xsk;
	}
	for (int map = 0; fds->xdp != NULL && map < XDP_MAP_COUNT; map++)
		keep[n++] = fds->xdp->fd[map];
	pid_t pid = spawn(worker, keep, n, run_relay);
	ring_close_xsk(fds);
	return pid;
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

static void
control_serves(struct workers *all)
{
	bool first = !all->served;

	all->served = true;
	log_info("monitor", "control process serves pid=%d", (int)all->worker[WORKER_CONTROL].pid);
	if (first)
		all->env->serving(all->env->arg);
}

static void
on_channel(int fd, void *arg)
{
	struct worker *worker = arg;
	struct workers *all = worker->all;
	struct monitor_msg msg;
	int passed, got = monitor_receive(fd, &msg, &passed);

	close_fd(&passed);
	if (got < 0) {
		/* Its end: workers_reap tells the rest. */
		loop_event_free(worker->readable);
		worker->readable = NULL;
	} else if (got > 0 && msg.op == MON_PONG) {
		worker->unanswered = 0;
	} else if (got > 0 && msg.op == MON_IN_STEP && worker->id == WORKER_RELAY) {
		all->env->in_step(all->env->arg);
	} else if (got > 0 && worker->id == WORKER_CONTROL) {
		worker->in_loop = true;
		if (msg.op == MON_READY)
			control_serves(all);
		else if (msg.op == MON_RELOADED || msg.op == MON_REFUSED)
			all->env->answered(&msg, all->env->arg);
		else if (msg.op == MON_LEFT)
			all->env->left(&msg, all->env->arg);
	}
}

void
workers_tell_data_plane(struct workers *all)
{
	const struct worker *control = &all->worker[WORKER_CONTROL];
	char text[MON_TEXT_MAX];

	snprintf(text, sizeof(text), "%s\n%s; the relay takes packets from %s", all->env->data_plane, all->env->data_plane_detail,
	         rings_text(&all->env->relay, 1 + all->env->place.net.n_private));
	if (control->pid != 0)
		monitor_send(control->channel, MON_DATA_PLANE, text, -1);
}

void
workers_tell_not_carried(struct workers *all, const char *text)
{
	const struct worker *control = &all->worker[WORKER_CONTROL];

	if (control->pid != 0)
		monitor_send(control->channel, MON_NOT_CARRIED, text, -1);
}

bool
workers_reload(struct workers *all, const struct conf *conf, int conf_fd, const char *path)
{
	const struct worker *control = &all->worker[WORKER_CONTROL];
	int keys = conf_keys_pack(conf);
	bool sent = control->pid != 0 && keys >= 0 && monitor_send(control->channel, MON_KEYS, NULL, keys) &&
	            monitor_send(control->channel, MON_RELOAD, path, conf_fd);

	if (keys >= 0)
		close(keys);
	return sent;
}

static void
ping(struct worker *worker)
{
	if (worker->pid == 0 || !worker->in_loop)
		return;
	if (worker->unanswered++ < PINGS_UNANSWERED_MAX) {
		monitor_send(worker->channel, MON_PING, NULL, -1); /* a full queue is no answer either */
		return;
	}
	log_error("monitor", "%s process hangs, killing it pid=%d", traits[worker->id].name, (int)worker->pid);
	kill(worker->pid, SIGKILL);
}

static void
on_ping(void *arg)
{
	struct workers *all = arg;

	for (int id = 0; id < WORKER_COUNT; id++)
		ping(&all->worker[id]);
	loop_timer_set(all->ping, PING_MS);
}

/* --- start -------------------------------------------------------------------------------------------------------- */

static bool
make_pair(int pair[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0)
		return true;
	log_error("monitor", "cannot make a socketpair error=\"%s\"", strerror(errno));
	return false;
}

/* Gives the worker its end of a fresh socketpair to its peer; the other end goes to the peer now or waits for it. */
static bool
link_workers(struct worker *worker)
{
	struct worker *peer = peer_of(worker);
	int pair[2];

	if (worker->link >= 0)
		return true; /* made when the peer started, and the peer still runs */
	if (!make_pair(pair))
		return false;
	worker->link = pair[0];
	close_fd(&peer->link);
	if (peer->pid == 0) {
		peer->link = pair[1];
		return true;
	}
	if (!monitor_send(peer->channel, traits[peer->id].new_peer, NULL, pair[1]))
		log_warn("monitor", "cannot reach the %s process error=\"%s\"", traits[peer->id].name, strerror(errno));
	close(pair[1]);
	return true;
}

static void
later(struct worker *worker)
{
	loop_timer_set(worker->restart, worker->backoff_ms);
	worker->backoff_ms = worker->backoff_ms * 2 < BACKOFF_MAX_MS ? worker->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static bool
can_work(const struct worker *worker)
{
	const struct workers_env *env = worker->all->env;

	return worker->id != WORKER_RELAY || env->relay_starts(env->arg);
}

static void
worker_start(struct worker *worker)
{
	int pair[2];
	pid_t pid;

	if (!can_work(worker) || !link_workers(worker) || !make_pair(pair)) {
		later(worker);
		return;
	}
	pid = worker->id == WORKER_CONTROL ? spawn_control(worker, pair[1]) : spawn_relay(worker, pair[1]);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		later(worker);
		return;
	}
	close_fd(&worker->link);
	worker->channel = pair[0];
	worker->readable = loop_readable(worker->all->env->loop, worker->channel, on_channel, worker);
	worker->pid = pid;
	worker->started = clock_now();
	worker->in_loop = worker->id == WORKER_RELAY; /* control loads its database first */
	worker->unanswered = 0;
	log_info("monitor", "%s process started pid=%d", traits[worker->id].name, (int)pid);
	if (worker->id == WORKER_CONTROL)
		workers_tell_data_plane(worker->all);
}

static void
on_restart(void *arg)
{
	worker_start(arg);
}

/* --- end ---------------------------------------------------------------------------------------------------------- */

static void
on_patience(void *arg)
{
	struct worker *worker = arg;

	if (worker->pid == 0)
		return;
	log_warn("monitor", "%s process does not end, killing it pid=%d", traits[worker->id].name, (int)worker->pid);
	kill(worker->pid, SIGKILL);
}

static void
worker_end(struct worker *worker)
{
	kill(worker->pid, SIGTERM);
	loop_timer_set(worker->patience, STOP_PATIENCE_MS);
}

void
workers_renew(struct workers *all, enum worker_id id)
{
	if (all->worker[id].pid == 0)
		return;
	all->worker[id].renew = true;
	worker_end(&all->worker[id]);
}

/* Control first: until then packets flow and leases can be freed. */
static void
stop_next(struct workers *all)
{
	for (int id = 0; id < WORKER_COUNT; id++) {
		if (all->worker[id].pid != 0) {
			worker_end(&all->worker[id]);
			return;
		}
	}
	if (!all->told_stopped)
		all->env->stopped(all->env->arg);
	all->told_stopped = true;
}

void
workers_stop(struct workers *all)
{
	if (all->stopping)
		return;
	all->stopping = true;
	for (int id = 0; id < WORKER_COUNT; id++)
		loop_timer_cancel(all->worker[id].restart);
	stop_next(all);
}

static void
log_end(const struct worker *worker, int status)
{
	const char *name = traits[worker->id].name;

	if (WIFSIGNALED(status))
		log_error("monitor", "%s process ended pid=%d signal=%d reason=\"%s%s\"", name, (int)worker->pid, WTERMSIG(status),
		          strsignal(WTERMSIG(status)), WTERMSIG(status) == SIGSYS ? ": it made one outside of its list" : "");
	else
		log_error("monitor", "%s process ended pid=%d status=%d", name, (int)worker->pid, WEXITSTATUS(status));
}

static void
worker_ended(struct worker *worker, int status)
{
	struct workers *all = worker->all;
	bool wanted = all->stopping || worker->renew;

	if (!wanted)
		log_end(worker, status);
	loop_timer_cancel(worker->patience);
	loop_event_free(worker->readable);
	worker->readable = NULL;
	close_fd(&worker->channel);
	close_fd(&peer_of(worker)->link); /* its other end is gone */
	worker->pid = 0;
	worker->renew = false;
	if (worker->id == WORKER_CONTROL)
		all->env->no_answer(all->env->arg);
	if (wanted || clock_now() - worker->started >= RAN_WELL_MS)
		worker->backoff_ms = BACKOFF_FIRST_MS;
	if (all->stopping)
		stop_next(all);
	else if (!all->served)
		all->env->failed(all->env->arg);
	else if (wanted)
		worker_start(worker);
	else
		later(worker);
}

void
workers_reap(struct workers *all)
{
	int status;

	for (int id = 0; id < WORKER_COUNT; id++) {
		struct worker *worker = &all->worker[id];
		if (worker->pid != 0 && waitpid(worker->pid, &status, WNOHANG) == worker->pid)
			worker_ended(worker, status);
	}
}

/* --- life --------------------------------------------------------------------------------------------------------- */

struct workers *
workers_start(struct workers_env *env)
{
	struct workers *all = mem_zero(1, sizeof(*all));

	all->env = env;
	for (int id = 0; id < WORKER_COUNT; id++) {
		struct worker *worker = &all->worker[id];

		worker->all = all;
		worker->id = (enum worker_id)id;
		worker->channel = worker->link = -1;
		worker->backoff_ms = BACKOFF_FIRST_MS;
		worker->restart = loop_timer(env->loop, on_restart, worker);
		worker->patience = loop_timer(env->loop, on_patience, worker);
	}
	all->ping = loop_timer(env->loop, on_ping, all);
	loop_timer_set(all->ping, PING_MS);
	/* The relay first: it forwards nothing before control tells it what, and then nothing waits for it. */
	worker_start(&all->worker[WORKER_RELAY]);
	worker_start(&all->worker[WORKER_CONTROL]);
	return all;
}

void
workers_free(struct workers *all)
{
	if (all == NULL)
		return;
	for (int id = 0; id < WORKER_COUNT; id++) {
		struct worker *worker = &all->worker[id];

		loop_event_free(worker->readable);
		loop_event_free(worker->restart);
		loop_event_free(worker->patience);
		close_fd(&worker->channel);
		close_fd(&worker->link);
	}
	loop_event_free(all->ping);
	free(all);
}
