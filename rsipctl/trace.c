#include "config.h"

#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "daemon.h"
#include "lease_source.h"
#include "lease_view.h"
#include "log.h"
#include "loop.h"
#include "options.h"
#include "priv.h"
#include "sandbox.h"
#include "teller.h"
#include "trace_filter.h"

#define TICK_MS 25
#define LEASES_EVERY 4   /* in ticks: sooner than packets are told of, so that a new lease is known by then */
#define PATHS_EVERY 1200 /* in ticks */

struct tracer {
	const struct options *options;
	struct loop *loop;
	struct loop_event *tick, *end, *sigint, *sigterm;
	struct lease_source *leases;
	struct capture *capture;
	struct teller teller;
	char *public_filter; /* of the public interface's capture now */
	unsigned ticks;
	bool lost_daemon;
	int status;
};

static int64_t
wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- while it runs ---- */

/* An end of the output that does not read any more is how pipes end. */
static void
output_failed(struct tracer *t)
{
	if (errno != EPIPE) {
		fprintf(stderr, "rsipctl: cannot write: %s\n", strerror(errno));
		t->status = EXIT_REFUSED;
	}
	loop_stop(t->loop);
}

/* all: what the interfaces may still hand out is not waited for. */
static void
drain(struct tracer *t, bool all)
{
	enum capture_got got;
	struct captured packet;
	bool more = true;

	while (more && (got = capture_next(t->capture, all, &packet)) == CAPTURE_PACKET)
		more = teller_packet(&t->teller, &packet);
	if (!teller_flush(&t->teller)) {
		output_failed(t);
	} else if (!more) {
		loop_stop(t->loop);
	} else if (got == CAPTURE_FAILED) {
		fprintf(stderr, "rsipctl: %s\n", capture_error(t->capture));
		t->status = EXIT_REFUSED;
		loop_stop(t->loop);
	}
}

/* Pools may have come or gone with a reload. */
static void
renew_filter(struct tracer *t)
{
	const json_t *data_plane = lease_source_data_plane(t->leases);
	char *filter = trace_filter_public(data_plane), error[CAPTURE_ERROR];

	if (strcmp(filter, t->public_filter) == 0) {
		free(filter);
		return;
	}
	if (!capture_set_filter(t->capture, trace_public_interface(data_plane), filter, error))
		fprintf(stderr, "rsipctl: packets of new pools are not seen: %s\n", error);
	free(t->public_filter);
	t->public_filter = filter;
}

static void
follow_leases(struct tracer *t)
{
	char error[CTL_ERROR_LEN];
	enum lease_news news = lease_source_update(t->leases, t->teller.view, wall_ms(), error);

	if (news == LEASES_FAILED && !t->lost_daemon)
		fprintf(stderr, "rsipctl: the leases are those of before: %s\n", error);
	else if (news != LEASES_FAILED && t->lost_daemon)
		fputs("rsipctl: the leases are followed again\n", stderr);
	t->lost_daemon = news == LEASES_FAILED;
	if (news == LEASES_NEW)
		renew_filter(t);
}

static void
tick_cb(void *arg)
{
	struct tracer *t = arg;

	t->ticks++;
	if (t->ticks % PATHS_EVERY == 0)
		lease_view_refresh_paths(t->teller.view);
	if (t->ticks % LEASES_EVERY == 0)
		follow_leases(t);
	loop_timer_set(t->tick, TICK_MS);
	drain(t, false);
}

static void
end_cb(void *arg)
{
	struct tracer *t = arg;

	drain(t, true);
	loop_stop(t->loop);
}

/* What was sent before the signal may not have been shown to us yet. A second signal does not wait. */
static void
signal_cb(void *arg)
{
	struct tracer *t = arg;

	if (t->end != NULL) {
		loop_stop(t->loop);
		return;
	}
	t->end = loop_timer(t->loop, end_cb, t);
	loop_timer_set(t->end, CAPTURE_PATIENCE_MS);
}

/* ---- setting up, as root ---- */

static bool
open_leases(struct tracer *t, const char *path)
{
	char error[CTL_ERROR_LEN];
	int fd = daemon_connect(path);

	if (fd < 0)
		return false;
	t->leases = lease_source_new(path, fd);
	t->teller.view = lease_view_new(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	if (lease_source_update(t->leases, t->teller.view, wall_ms(), error) == LEASES_NEW)
		return true;
	fprintf(stderr, "rsipctl: %s: %s\n", path, error);
	return false;
}

static bool
open_interface(struct tracer *t, const char *interface, const char *filter)
{
	char error[CAPTURE_ERROR];

	if (capture_add_live(t->capture, interface, filter, error))
		return true;
	fprintf(stderr, "rsipctl: cannot capture on %s\n", error);
	return false;
}

static bool
open_captures(struct tracer *t)
{
	const json_t *data_plane = lease_source_data_plane(t->leases), *value;
	const char *public = trace_public_interface(data_plane);
	size_t i;

	t->capture = capture_new();
	t->public_filter = trace_filter_public(data_plane);
	fputs("rsipctl: tracing on", stderr);
	json_array_foreach(json_object_get(data_plane, "private_interfaces"), i, value) {
		const char *private = json_string_value(value);

		if (private == NULL)
			continue;
		fprintf(stderr, " %s", private);
		if (!open_interface(t, private, TRACE_FILTER_PRIVATE))
			return false;
	}
	fprintf(stderr, " %s\n", public);
	return open_interface(t, public, t->public_filter);
}

/* With "-", the packets take the place of the lines. */
static bool
open_output(struct tracer *t)
{
	const struct options *o = t->options;
	char error[CAPTURE_ERROR];

	t->teller.json = o->json;
	t->teller.filter = &o->filter;
	t->teller.count = o->count;
	t->teller.out = o->write != NULL && strcmp(o->write, "-") == 0 ? NULL : stdout;
	if (o->write == NULL)
		return true;
	if ((t->teller.file = capture_file_create(o->write, error)) == NULL)
		fprintf(stderr, "rsipctl: %s\n", error);
	return t->teller.file != NULL;
}

/* Captures see what the kernel sees. */
static void
warn_fast_path(const struct tracer *t)
{
	const json_t *data_plane = lease_source_data_plane(t->leases);
	const char *name = json_string_value(json_object_get(data_plane, "data_plane"));
	const char *io = json_string_value(json_object_get(data_plane, "relay_io"));

	if (io != NULL && strcmp(io, "tun") != 0)
		fprintf(stderr, "rsipctl: relay-io is %s: packets are shown when they come, but may not be again when the relay has "
		                "sent them on\n", io);
	if (name != NULL && strcmp(name, "relay") != 0)
		fprintf(stderr, "rsipctl: the data plane is %s: packets that it forwards before the kernel sees them are not shown\n",
		        name);
}

/* Packets are looked at without any power. What libraries read when first used is read before. */
static bool
give_up_root(void)
{
	static char out_buffer[BUFSIZ];
	struct priv_user user;

	tzset();
	setvbuf(stdout, out_buffer, _IOFBF, sizeof(out_buffer));
	return priv_find_user(&user) && priv_drop(&user) && sandbox_apply(SANDBOX_TRACE);
}

static bool
set_up(struct tracer *t, const char *path)
{
	if (geteuid() != 0) {
		fputs("rsipctl: trace must be run as root: it captures packets\n", stderr);
		return false;
	}
	if (!open_leases(t, path)) {
		t->status = EXIT_NO_DAEMON;
		return false;
	}
	return open_captures(t) && open_output(t);
}

static void
run(struct tracer *t)
{
	t->loop = loop_new();
	t->tick = loop_timer(t->loop, tick_cb, t);
	t->sigint = loop_signal(t->loop, SIGINT, signal_cb, t);
	t->sigterm = loop_signal(t->loop, SIGTERM, signal_cb, t);
	loop_timer_set(t->tick, TICK_MS);
	loop_run(t->loop);
	loop_event_free(t->sigterm);
	loop_event_free(t->sigint);
	loop_event_free(t->end);
	loop_event_free(t->tick);
	loop_free(t->loop);
	fprintf(stderr, "rsipctl: %" PRIu64 " packets told of, %" PRIu64 " lost by the capture\n", t->teller.told,
	        capture_lost(t->capture));
}

int
trace_run(const struct options *o)
{
	struct tracer t = { .options = o, .status = EXIT_REFUSED };

	log_init("rsipctl", LOG_TO_STDERR, LOG_LVL_ERROR, false);
	signal(SIGPIPE, SIG_IGN);
	if (set_up(&t, daemon_socket(o->socket))) {
		warn_fast_path(&t);
		if (give_up_root()) {
			t.status = 0;
			run(&t);
		}
	}
	if (!capture_file_close(t.teller.file) && t.status == 0) {
		fprintf(stderr, "rsipctl: cannot write %s: %s\n", o->write, strerror(errno));
		t.status = EXIT_REFUSED;
	}
	capture_free(t.capture);
	lease_view_free(t.teller.view);
	lease_source_free(t.leases);
	free(t.public_filter);
	return t.status;
}
