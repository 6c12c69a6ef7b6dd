/* The life of rsipc without an RSIP gateway: it sees to the machine's IPsec tunnels, and answers rsipctl. */
#ifndef RSIPC_STATION_H
#define RSIPC_STATION_H

#include <stdbool.h>
#include <stdint.h>

struct conf;
struct ctl_server;
struct ipsec;
struct loop;
struct loop_event;
struct state;

struct station {
	struct conf *conf;
	const char *path;
	int64_t started;
	struct loop *loop;
	struct state *state; /* its lock keeps a second rsipc out */
	struct ipsec *ipsec;
	struct ctl_server *ctl;
	int ctl_fd;
	struct loop_event *sigterm, *sigint, *sighup, *woken;
};

/* path: what SIGHUP reads again. Opens everything that needs root. False after a line in the log: nothing is left behind then. */
bool station_open(struct station *station, struct conf *conf, const char *path);
void station_run(struct station *station); /* until SIGTERM or SIGINT */
void station_close(struct station *station);

#endif
