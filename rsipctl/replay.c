#include "config.h"

#include "replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "daemon.h"
#include "lease_source.h"
#include "lease_view.h"
#include "log.h"
#include "options.h"
#include "teller.h"

static int64_t
time_of(const struct captured *packet)
{
	return (int64_t)packet->time.tv_sec * 1000 + packet->time.tv_usec / 1000;
}

/* The table, at the time of the first packet: its learned cookies are as old as that. Returns an exit status. */
static int
load_leases(const struct options *o, struct lease_view *view, int64_t now)
{
	const char *path = daemon_socket(o->socket);
	char error[CTL_ERROR_LEN];
	struct lease_source *source;
	enum lease_news news;
	int fd;

	if (o->leases != NULL) {
		if (lease_file_load(o->leases, view, now, error))
			return 0;
		fprintf(stderr, "rsipctl: %s: %s\n", o->leases, error);
		return EXIT_REFUSED;
	}
	if ((fd = daemon_connect(path)) < 0)
		return EXIT_NO_DAEMON;
	source = lease_source_new(path, fd);
	news = lease_source_update(source, view, now, error);
	if (news == LEASES_FAILED)
		fprintf(stderr, "rsipctl: %s: %s\n", path, error);
	lease_source_free(source);
	return news == LEASES_FAILED ? EXIT_REFUSED : 0;
}

/* Returns an exit status. */
static int
run_packets(const struct options *o, struct capture *c, struct lease_view *view)
{
	struct teller t = { .out = stdout, .json = o->json, .elsewhere = true, .filter = &o->filter, .count = o->count,
		            .view = view };
	struct captured packet;
	enum capture_got got = capture_next(c, true, &packet);
	int status;

	if (got == CAPTURE_PACKET && (status = load_leases(o, view, time_of(&packet))) != 0)
		return status;
	while (got == CAPTURE_PACKET && teller_packet(&t, &packet))
		got = capture_next(c, true, &packet);
	if (!teller_flush(&t) && errno != EPIPE) {
		fprintf(stderr, "rsipctl: cannot write: %s\n", strerror(errno));
		return EXIT_REFUSED;
	}
	if (got == CAPTURE_FAILED) {
		fprintf(stderr, "rsipctl: %s\n", capture_error(c));
		return EXIT_REFUSED;
	}
	return 0;
}

int
replay_run(const struct options *o)
{
	char error[CAPTURE_ERROR];
	struct capture *c = capture_new();
	struct lease_view *view = lease_view_new(-1);
	int status = EXIT_REFUSED;

	log_init("rsipctl", LOG_TO_NONE, LOG_LVL_ERROR, false); /* what is wrong with a file is told once, by us */
	if (capture_add_file(c, o->words[1], error))
		status = run_packets(o, c, view);
	else
		fprintf(stderr, "rsipctl: %s\n", error);
	lease_view_free(view);
	capture_free(c);
	return status;
}
