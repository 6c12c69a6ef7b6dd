/* The two worker processes, control and relay: started, connected to each other and to the monitor, started anew when
 * they end, and ended in order. The descriptors that they work on stay open here, so no connection and no packet queue
 * is lost with a process. */
#ifndef RSIPD_WORKERS_H
#define RSIPD_WORKERS_H

#include <stdbool.h>

#include "control.h"
#include "monitor_proto.h"
#include "netstate.h"
#include "priv.h"
#include "relay.h"

struct conf;
struct loop;
struct workers;

/* What the workers are given. Owned by the caller, who may change conf and place: a worker started later gets them. */
struct workers_env {
	struct loop *loop;
	struct priv_user user;
	struct conf *conf;
	struct netstate_place place;
	struct control_fds control; /* relay and monitor are filled in here */
	struct relay_fds relay;     /* control and monitor are filled in here */
	struct dp_counters *counters;
	int alive; /* a descriptor that workers keep for as long as they run: pidfile.h */
	const char *data_plane, *data_plane_detail; /* as MON_DATA_PLANE tells it; never NULL */
	void (*log_start)(void *arg); /* called in a new worker: opens its log */

	/* Called from the loop. */
	bool (*relay_starts)(void *arg); /* sees to it that relay's descriptors work; false: not now, try again later */
	void (*serving)(void *arg); /* control serves for the first time */
	void (*failed)(void *arg);  /* a worker ended before that: it cannot work */
	void (*answered)(const struct monitor_msg *msg, void *arg); /* MON_RELOADED or MON_REFUSED */
	void (*left)(const struct monitor_msg *msg, void *arg); /* MON_LEFT: to be answered by workers_tell_not_carried */
	void (*no_answer)(void *arg); /* control ended: what was asked of it goes unanswered */
	void (*in_step)(void *arg);   /* the relay knows all that control does, for the first time or after a restart */
	void (*stopped)(void *arg);   /* both have ended after workers_stop */
	void *arg;
};

/* Starts both; what becomes of it, env's functions tell. */
struct workers *workers_start(struct workers_env *env);

/* To be called on SIGCHLD. */
void workers_reap(struct workers *workers);

/* Ends both, control first, in some seconds at most; env->stopped tells when. Again while stopping: no effect. */
void workers_stop(struct workers *workers);
void workers_free(struct workers *workers); /* none runs any more; accepts NULL */

/* Hands the config file, which conf has been read from, to control, and the keys beside it. False: there is no control
 * process to ask now. */
bool workers_reload(struct workers *workers, const struct conf *conf, int conf_fd, const char *path);

/* Tells control that env's data_plane has changed. */
void workers_tell_data_plane(struct workers *workers);

/* Answers MON_LEFT. */
void workers_tell_not_carried(struct workers *workers, const char *text);

/* Ends the worker; as it was asked to, it is started anew at once. */
enum worker_id { WORKER_CONTROL, WORKER_RELAY, WORKER_COUNT };
void workers_renew(struct workers *workers, enum worker_id id);

#endif
