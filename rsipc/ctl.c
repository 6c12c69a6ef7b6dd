#include "ctl.h"

#include <errno.h>
#include <string.h>

#include "adoption/sas.h"
#include "document.h"
#include "guest.h"
#include "host.h"
#include "log.h"
#include "station.h"
#include "textfile.h"

static void
ask_status(struct ctl_conn *conn, const json_t *request, void *arg)
{
	(void)request;
	ctl_answer(conn, document_status(arg));
}

static void
ask_bindings(struct ctl_conn *conn, const json_t *request, void *arg)
{
	(void)request;
	ctl_answer(conn, document_bindings(arg));
}

static void
ask_stats(struct ctl_conn *conn, const json_t *request, void *arg)
{
	(void)request;
	ctl_answer(conn, document_stats(arg));
}

static void
ask_lease(struct ctl_conn *conn, const json_t *request, void *arg)
{
	guest_lease(((struct host *)arg)->guests, conn, request);
}

static void
ask_attach(struct ctl_conn *conn, const json_t *request, void *arg)
{
	(void)request;
	guest_attach(((struct host *)arg)->guests, conn);
}

static void
ask_used(struct ctl_conn *conn, const json_t *request, void *arg)
{
	guest_used(((struct host *)arg)->guests, conn, request);
}

static void
ask_release(struct ctl_conn *conn, const json_t *request, void *arg)
{
	(void)request;
	guest_release(((struct host *)arg)->guests, conn);
}

/* ---- what a host and a station have in common ---- */

static void
tell_sas(struct ctl_conn *conn, struct ipsec *ipsec)
{
	if (ipsec != NULL)
		ctl_answer(conn, sas_document(ipsec));
	else
		ctl_refuse(conn, "no tunnel is watched over: the config has no section adoption or esp");
}

static void
ask_sas(struct ctl_conn *conn, const json_t *request, void *arg)
{
	(void)request;
	tell_sas(conn, ((struct host *)arg)->ipsec);
}

static void
ask_station_sas(struct ctl_conn *conn, const json_t *request, void *arg)
{
	(void)request;
	tell_sas(conn, ((struct station *)arg)->ipsec);
}

static void
ask_station_status(struct ctl_conn *conn, const json_t *request, void *arg)
{
	(void)request;
	ctl_answer(conn, document_station(arg));
}

static void
ask_station_stats(struct ctl_conn *conn, const json_t *request, void *arg)
{
	(void)request;
	ctl_answer(conn, json_pack("{s:o}", "adoption", sas_counts(((struct station *)arg)->ipsec)));
}

const struct ctl_command ctl_commands[] = {
	{ "status", ask_status, false },
	{ "bindings", ask_bindings, false },
	{ "stats", ask_stats, false },
	{ "sas", ask_sas, false },
	{ "lease", ask_lease, true },
	{ "attach", ask_attach, true },
	{ "used", ask_used, true },
	{ "release", ask_release, true },
	{ NULL, NULL, false },
};

const struct ctl_command ctl_station_commands[] = {
	{ "status", ask_station_status, false },
	{ "stats", ask_station_stats, false },
	{ "sas", ask_station_sas, false },
	{ NULL, NULL, false },
};

int
ctl_listen(const char *path)
{
	int fd;

	textfile_make_directory(path);
	if ((fd = ctl_server_listen(path)) < 0)
		log_error("ctl", "control socket cannot be made path=%s error=\"%s\"%s", path, strerror(errno),
		          errno == EADDRINUSE ? ": another rsipc serves there" : "");
	return fd;
}
