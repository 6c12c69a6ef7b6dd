/* The host agent as a whole: the agent's conversation with the gateway, and the host's network as the leases want it.
 * Everything of the program that lasts is in this struct; host.c ties its parts together. */
#ifndef RSIPC_HOST_H
#define RSIPC_HOST_H

#include <stdbool.h>
#include <stdint.h>

struct agent;
struct conf;
struct ctl_server;
struct gateway;
struct guests;
struct hostnet;
struct ipsec;
struct loop;
struct loop_event;
struct netlink;
struct netlink_watch;
struct state;
struct tunnel;

struct host {
	struct conf *conf;
	const char *path; /* its file, read again on SIGHUP; NULL: it is not */
	bool host_wide; /* false: only commands use leases, and the program ends with the last of them */
	int64_t started;
	struct loop *loop;
	struct state *state;
	struct netlink *nl;
	struct netlink_watch *watch, *near_watch; /* settled; each change, for our own address towards the gateway */
	struct agent *agent;
	struct gateway *gateway;
	struct tunnel *tunnel; /* NULL while nothing is leased */
	uint32_t tunnel_local, tunnel_remote; /* its ends, ip4_t */
	uint32_t tunnel_key;                  /* of GRE, 0 = none */
	struct hostnet *hostnet;
	struct ipsec *ipsec; /* NULL: the config has no tunnels, or this is an agent for commands */
	struct guests *guests;
	struct ctl_server *ctl;
	int ctl_fd;
	struct loop_event *wake, *update, *poll, *growth, *idle, *sigterm, *sigint, *sighup, *stopped, *woken;
};

/* Opens everything that needs root. path NULL: host_wide is false, the host itself uses no lease. conf and path are borrowed.
 * False after a line in the log: nothing is left behind then. *busy: another rsipc is running. */
bool host_open(struct host *host, struct conf *conf, const char *path, bool *busy);

/* Registers, leases, and keeps it all up until SIGTERM or SIGINT; then de-registers. */
void host_run(struct host *host);

/* Leaves no device, route, rule, setting or file behind. */
void host_close(struct host *host);

#endif
