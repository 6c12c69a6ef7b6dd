#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "conf_fixed.h"
#include "conf_keys.h"
#include "ctl.h"
#include "ctl_server.h"
#include "dp_client.h"
#include "expire.h"
#include "farewell.h"
#include "gateway.h"
#include "history.h"
#include "lease.h"
#include "left.h"
#include "ledger.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "message.h"
#include "metrics.h"
#include "monitor_proto.h"
#include "name_watch.h"
#include "names.h"
#include "notice.h"
#include "proof.h"
#include "rate.h"
#include "request.h"
#include "registration.h"
#include "restore.h"
#include "server.h"
#include "stats.h"
#include "store.h"
#include "strangers.h"
#include "upstream.h"

#define STORE_RETRY_MS 5000 /* after a failed commit nothing is changed for so long */
#define WHY_MAX 400

struct control {
	struct conf *conf;
	const struct control_fds *fds;
	const ip4_t *own; /* the gateway's own public addresses */
	size_t n_own;
	struct loop *loop;
	struct store *store;
	struct name_watch *names;
	struct ledger ledger;
	struct stats stats;
	struct service service;
	struct dp_client *dp;
	struct server *server;
	struct gateway gateway;
	struct strangers strangers;
	char data_plane[16], data_plane_detail[512]; /* as the monitor told */
	struct ctl_server *ctl;
	struct metrics *metrics;
	struct history *history;
	struct left left; /* what the monitor has to be told of */
	struct loop_event *expiry, *committed, *store_retry, *monitor, *sigterm, *sigint;
	int keys_fd; /* of the config that a reload brings; -1: none */
	int status;
};

/* --- what happens to hosts without their asking --- */

static void
notify(struct control *c, const struct session *s, uint8_t bytes[NOTICE_MAX], size_t len, enum rsip_msg_type type)
{
	server_notify(c->server, s, bytes, proof_notice(&c->ledger, s, bytes, len, NOTICE_MAX));
	stats_response(&c->stats, type);
}

static void
on_binding_ended(void *arg, const struct session *s, const struct binding *b)
{
	struct control *c = arg;
	uint8_t bytes[NOTICE_MAX];

	notify(c, s, bytes, notice_binding_ended(s, b->bind_id, bytes), RSIP_FREE_RESPONSE);
}

static void
on_session_ended(void *arg, const struct session *s)
{
	struct control *c = arg;
	uint8_t bytes[NOTICE_MAX];

	notify(c, s, bytes, notice_session_ended(s, bytes), RSIP_DE_REGISTER_RESPONSE);
}

/* A host of ours may have been registered before the database was restored from an older copy. We do not know its port:
 * it listens on that of RSIP. Others are left alone. */
static void
call_stranger(struct control *c, ip4_t host_addr)
{
	static struct log_limit limit;
	uint8_t bytes[NOTICE_MAX];
	char host[IP4_STRLEN];

	if (conf_policy_for(c->conf, host_addr) == NULL || !strangers_take(&c->strangers, host_addr, clock_now()))
		return;
	log_warn_limited(&limit, "dataplane", "host without a registration sends packets, told to register host=%s",
	                 ip4_str(host_addr, host));
	server_call(c->server, host_addr, bytes, notice_register_first(bytes));
	stats_response(&c->stats, RSIP_ERROR_RESPONSE);
	stats_error(&c->stats, RSIP_REGISTER_FIRST);
}

static void
on_violation(void *arg, const struct dp_violation *v)
{
	static struct log_limit limit;
	struct control *c = arg;
	const struct session *s = session_find(&c->ledger.sessions, v->host_addr);
	uint8_t bytes[NOTICE_MAX];
	char host[IP4_STRLEN], local[IP4_STRLEN], remote[IP4_STRLEN];

	c->stats.violations++;
	if (s == NULL) {
		call_stranger(c, v->host_addr);
		return;
	}
	log_warn_limited(&limit, "dataplane", "violation host=%s error=%s local=%s:%u remote=%s:%u",
	                 ip4_str(v->host_addr, host), rsip_error_name((int)v->error), ip4_str(v->local_addr, local),
	                 v->local_port, ip4_str(v->remote_addr, remote), v->remote_port);
	notify(c, s, bytes, notice_violation(s, v, bytes), RSIP_ERROR_RESPONSE);
	stats_error(&c->stats, (enum rsip_error)v->error);
}

/* --- names --- */

static void
on_name_changed(void *arg, const struct remote_name *name)
{
	struct control *c = arg;

	lease_follow_name(&c->ledger, name);
	server_raise(c->server);
}

static void
on_names_answered(void *arg)
{
	const struct control *c = arg;

	server_resume(c->server);
}

/* --- expiry --- */

static void
arm_expiry(struct control *c)
{
	int64_t delay = expire_delay(&c->ledger);

	if (delay >= 0 && !c->service.read_only)
		loop_timer_at(c->expiry, clock_now() + delay);
	else
		loop_timer_cancel(c->expiry);
}

static void
on_expiry(void *arg)
{
	struct control *c = arg;

	expire_due(&c->ledger);
	server_raise(c->server); /* the commit sends what hosts are told, and arms the timer again */
}

/* --- the store --- */

static bool
load_ledger(struct control *c, char why[WHY_MAX])
{
	const struct dp_ops ops = dp_client_ops(c->dp);
	const struct ledger_events events = { on_binding_ended, on_session_ended, c };

	ledger_init(&c->ledger, c->conf, c->store, &c->stats, &ops, &events);
	c->ledger.names = name_watch_names(c->names);
	return restore_ledger(&c->ledger, why, WHY_MAX);
}

/* A commit failed: memory has what the disk has not. Nobody has been told of it, so the disk is right. */
static void
fall_back(struct control *c)
{
	char why[WHY_MAX];

	log_error("store", "commit failed: back to the last good state, nothing is granted for %d ms", STORE_RETRY_MS);
	ledger_done(&c->ledger);
	if (!load_ledger(c, why))
		log_fatal("store", "%s", why);
	dp_client_resync(c->dp, c->conf);
	c->service.read_only = true;
	loop_timer_set(c->store_retry, STORE_RETRY_MS);
}

static bool
on_commit_begin(void *arg)
{
	struct control *c = arg;

	dp_client_flush(c->dp); /* it reads while the disk writes, and knows of a grant when its host does */
	arm_expiry(c);
	return store_commit_begin(c->store);
}

static bool
on_commit_end(void *arg)
{
	struct control *c = arg;
	bool done = store_commit_end(c->store);

	if (!done) {
		fall_back(c);
		arm_expiry(c);
	}
	return done;
}

static void
on_committed(int fd, void *arg)
{
	struct control *c = arg;

	(void)fd;
	server_committed(c->server);
}

static bool
start_store(struct control *c, char why[WHY_MAX])
{
	int fd = store_start(c->store);

	if (fd < 0) {
		snprintf(why, WHY_MAX, "cannot start the thread that writes the lease database: %s", strerror(errno));
		return false;
	}
	c->committed = loop_readable(c->loop, fd, on_committed, c);
	return true;
}

static void
on_store_retry(void *arg)
{
	struct control *c = arg;

	c->service.read_only = false;
	arm_expiry(c);
}

static void
on_history(void *arg)
{
	struct control *c = arg;

	server_raise(c->server);
}

static bool
commit_for_ctl(void *arg)
{
	struct control *c = arg;

	return server_commit(c->server);
}

/* --- the monitor --- */

static void
add_line(const char *line, void *arg)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, MON_TEXT_MAX - len, "%s\n", line);
}

/* Goes on with telling the monitor. */
static void
tell_left(struct control *c)
{
	char text[MON_TEXT_MAX];

	if (left_next(&c->left, text))
		monitor_send(c->fds->monitor, MON_LEFT, text, -1);
	else
		left_done(&c->left);
}

static void
begin_left(struct control *c)
{
	left_find(&c->left, &c->ledger);
	if (c->left.n > 0)
		log_warn("lease", "leases of addresses that no pool has any more are carried until they end addresses=%zu", c->left.n);
	tell_left(c);
}

static void
on_not_carried(struct control *c, const char *text)
{
	left_withdraw(&c->ledger, text);
	server_raise(c->server);
	tell_left(c);
}

/* All of the new configuration, or nothing of it. */
static void
reload(struct control *c, int fd, const char *path)
{
	char text[MON_TEXT_MAX] = "";
	struct conf *conf = conf_parse_fd(fd, path, add_line, text), *old = c->conf;

	if (conf != NULL && !conf_keys_take(conf, c->keys_fd)) {
		add_line("the keys of its identities are not there", text);
		conf_free(conf);
		conf = NULL;
	}
	if (conf != NULL && !conf_may_follow(old, conf, text, sizeof(text))) {
		conf_free(conf);
		conf = NULL;
	}
	if (conf == NULL) {
		monitor_send(c->fds->monitor, MON_REFUSED, text, -1);
		return;
	}
	c->conf = conf;
	registration_set_conf(&c->ledger, conf);
	history_keep(c->history, conf->history_s);
	upstream_withdraw(&c->ledger, old);
	server_raise(c->server);
	dp_client_resync(c->dp, conf);
	name_watch_set_conf(c->names, conf);
	message_set_vendor_id(conf->vendor_id);
	log_adjust(conf->log_level, conf->log_json);
	conf_free(old);
	log_info("control", "reloaded bindings=%zu", binding_count(&c->ledger.bindings));
	monitor_send(c->fds->monitor, MON_RELOADED, NULL, -1);
	begin_left(c);
}

/* Two lines: which one, and how or why. */
static void
set_data_plane(struct control *c, char *text)
{
	char *detail = strchr(text, '\n');

	if (detail != NULL)
		*detail++ = '\0';
	snprintf(c->data_plane, sizeof(c->data_plane), "%.15s", text);
	snprintf(c->data_plane_detail, sizeof(c->data_plane_detail), "%.511s", detail != NULL ? detail : "");
}

static void
close_keys(struct control *c)
{
	if (c->keys_fd >= 0)
		close(c->keys_fd);
	c->keys_fd = -1;
}

static void
on_monitor(int fd, void *arg)
{
	struct control *c = arg;
	struct monitor_msg msg;
	int passed, got;

	while ((got = monitor_receive(fd, &msg, &passed)) > 0) {
		if (msg.op == MON_RELAY && passed >= 0) {
			fcntl(passed, F_SETFL, O_NONBLOCK);
			dp_client_connect(c->dp, passed);
			continue;
		}
		if (msg.op == MON_KEYS && passed >= 0) {
			close_keys(c);
			c->keys_fd = passed;
			continue;
		}
		if (msg.op == MON_RELOAD && passed >= 0) {
			reload(c, passed, msg.text);
			close_keys(c);
		}
		if (msg.op == MON_DATA_PLANE)
			set_data_plane(c, msg.text);
		if (msg.op == MON_NOT_CARRIED)
			on_not_carried(c, msg.text);
		if (msg.op == MON_PING)
			monitor_send(fd, MON_PONG, NULL, -1);
		if (passed >= 0)
			close(passed);
	}
	if (got < 0) {
		log_error("control", "the monitor is gone: ending");
		c->status = 1;
		loop_stop(c->loop);
	}
}

static void
on_signal(void *arg)
{
	struct control *c = arg;

	loop_stop(c->loop);
}

/* --- life --- */

static void
serve(struct control *c, const struct dp_counters *counters)
{
	const struct control_fds *fds = c->fds;

	for (size_t i = 0; i < fds->n_listen; i++)
		server_listen(c->server, c->conf->listen[i], fds->tcp[i], fds->udp[i]);
	dp_client_set_xdp(c->dp, fds->xdp);
	dp_client_connect(c->dp, fds->relay);
	c->gateway = (struct gateway){ .store = c->store, .ledger = &c->ledger, .stats = &c->stats, .data = counters, .meters = fds->meters,
	                               .xdp = fds->xdp, .data_plane = c->data_plane,
	                               .data_plane_detail = c->data_plane_detail, .started = clock_now(), .own = c->own,
	                               .n_own = c->n_own,
	                               .loop = c->loop, .dp = c->dp,
	                               .claims = dp_client_claims(c->dp), .changes = dp_client_changes(c->dp),
	                               .commit = commit_for_ctl, .arg = c };
	c->ctl = ctl_serve(c->loop, fds->ctl, &c->gateway);
	if (fds->metrics >= 0)
		c->metrics = metrics_new(c->loop, fds->metrics, &c->gateway);
	if (c->data_plane[0] == '\0')
		strcpy(c->data_plane, "relay"); /* until the monitor tells otherwise */
	c->monitor = loop_readable(c->loop, fds->monitor, on_monitor, c);
	c->sigterm = loop_signal(c->loop, SIGTERM, on_signal, c);
	c->sigint = loop_signal(c->loop, SIGINT, on_signal, c);
	arm_expiry(c);
	name_watch_begin(c->names);
	begin_left(c);
	monitor_send(fds->monitor, MON_READY, NULL, -1);
	loop_run(c->loop);
}

static void
make(struct control *c)
{
	const struct dp_client_events dp_events = { on_violation, c };
	const struct server_events server_events = { on_commit_begin, on_commit_end, c };
	const struct name_watch_events name_events = { on_name_changed, on_names_answered, c };

	c->loop = loop_new();
	c->service = (struct service){ .ledger = &c->ledger, .stats = &c->stats, .rates = rate_table_new(),
	                               .farewell = farewell_new() };
	c->dp = dp_client_new(c->loop, &c->ledger.bindings, c->conf, c->own, c->n_own, &dp_events);
	c->server = server_new(c->loop, &c->service, &server_events);
	c->names = name_watch_new(c->loop, c->conf, &name_events);
	c->expiry = loop_timer(c->loop, on_expiry, c);
	c->store_retry = loop_timer(c->loop, on_store_retry, c);
	c->history = history_new(c->loop, c->store, on_history, c);
	history_keep(c->history, c->conf->history_s);
	message_set_vendor_id(c->conf->vendor_id);
}

static void
unmake(struct control *c)
{
	loop_event_free(c->sigint);
	loop_event_free(c->sigterm);
	loop_event_free(c->monitor);
	metrics_free(c->metrics);
	if (c->ctl != NULL)
		ctl_server_free(c->ctl);
	loop_event_free(c->committed);
	loop_event_free(c->store_retry);
	history_free(c->history);
	left_done(&c->left);
	loop_event_free(c->expiry);
	server_free(c->server);
	dp_client_free(c->dp);
	ledger_done(&c->ledger);
	name_watch_free(c->names);
	store_close(c->store);
	farewell_free(c->service.farewell);
	rate_table_free(c->service.rates);
	close_keys(c);
	loop_free(c->loop);
	conf_free(c->conf);
}

int
control_main(struct conf *conf, const struct control_fds *fds, const ip4_t *own, size_t n_own,
             const struct dp_counters *counters)
{
	struct control *c = mem_zero(1, sizeof(*c));
	char why[WHY_MAX];
	int status;

	c->conf = conf;
	c->keys_fd = -1;
	c->fds = fds;
	c->own = own;
	c->n_own = n_own;
	signal(SIGPIPE, SIG_IGN);
	log_gather(true);
	c->store = store_open(conf->state, why, sizeof(why));
	if (c->store == NULL) {
		log_error("store", "%s", why);
		conf_free(conf);
		free(c);
		return 1;
	}
	make(c);
	if (load_ledger(c, why) && start_store(c, why)) {
		serve(c, counters);
		server_commit(c->server);
	} else {
		log_error("store", "%s", why);
		c->status = 1;
	}
	status = c->status;
	unmake(c);
	free(c);
	log_gather(false);
	return status;
}
