/* The relay's end of the socket to control (dataplane.h): messages in to the tables, reports out. Packets never wait
 * for control: a report that does not fit into the socket is told later (claims) or not at all (violations). */
#ifndef RSIPD_DP_SERVER_H
#define RSIPD_DP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane.h"
#include "demux.h"

struct dp_server;

struct dp_server *dp_server_new(struct demux *d);
void dp_server_free(struct dp_server *s);

/* Speaks with control at fd (taken over, non-blocking) from now on, in place of an earlier one; with nobody for -1. */
void dp_server_connect(struct dp_server *s, int fd);

/* Applies the messages that are there. False when control is gone. */
bool dp_server_poll(struct dp_server *s, int64_t now);

/* True when control has told everything that there is: the end of a synchronisation, and none begun since. */
bool dp_server_in_step(const struct dp_server *s);

/* Tells control of claims that it does not know. Call when a host has claimed, and now and then for those that did not
 * fit before. */
void dp_server_tell_claims(struct dp_server *s);

/* A learned item was forgotten for its age or quota. */
void dp_server_forgotten(struct dp_server *s, const struct learned *item);

/* host is who sent it, NULL when it is no host of ours. A few a second for each host are told. */
void dp_server_violation(struct dp_server *s, struct demux_host *host, const struct dp_violation *v, int64_t now);

#endif
