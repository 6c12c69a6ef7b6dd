/* What the control process counts about its own work: messages, errors, leases. Its counters begin at 0 when it starts;
 * those of the data plane (struct dp_counters) live on over a restart of either. */
#ifndef RSIPD_STATS_H
#define RSIPD_STATS_H

#include <stdint.h>

#include "rsip_proto.h"

#define STATS_MESSAGES 32 /* message types by number; 0 = of no known type */
#define STATS_ERRORS 512  /* error codes by number */

/* The counters that are one number each, in the order of the documents: name, and help for the metrics. */
#define STATS_COUNTERS(X)                                                                             \
	X(duplicates, "UDP requests that a host repeated and that got the kept response again.")            \
	X(ignored, "Messages dropped without an answer.")                                                   \
	X(auth_missing, "Requests refused because they were not authenticated where they must be.")         \
	X(auth_unknown, "Requests refused because they named an identity that the gateway does not know.")  \
	X(auth_wrong, "Requests refused because their MAC was not that of their identity's key.")           \
	X(auth_replayed, "Authenticated requests refused because their counter was not above the last.")    \
	X(auth_foreign, "Requests refused because another identity holds the registration.")                \
	X(moves, "Registrations that followed their host to another address.")                              \
	X(moves_refused, "Moves refused.")                                                                  \
	X(rate_limited, "Requests refused because the host exceeded its rate.")                             \
	X(refused_silently, "Datagrams of those that went unanswered: a host far beyond its rate.")         \
	X(overflowed, "Datagrams lost because more came than could be served.")                             \
	X(connections, "TCP connections accepted.")                                                         \
	X(connections_refused, "TCP connections refused because there were too many.")                      \
	X(connections_displaced, "TCP connections closed, the longest idle first, to make room for others.") \
	X(registrations, "Hosts registered.")                                                               \
	X(registrations_expired, "Registrations that ended because nothing prolonged them.")                \
	X(bindings_granted, "Bindings granted.")                                                            \
	X(bindings_extended, "Leases of bindings extended.")                                                \
	X(bindings_freed, "Bindings that their host or an operator ended.")                                 \
	X(bindings_expired, "Bindings that ended because their lease did.")                                 \
	X(violations, "Flow policy violations that the data plane reported.")

struct stats {
	uint64_t requests[STATS_MESSAGES];  /* received, by type */
	uint64_t responses[STATS_MESSAGES]; /* sent, by type, asynchronous ones and errors included */
	uint64_t errors[STATS_ERRORS];      /* ERROR_RESPONSEs sent, by code */
#define X(name, help) uint64_t name;
	STATS_COUNTERS(X)
#undef X
	uint64_t open_connections; /* TCP, now: no counter */
};

/* Numbers that fit no array are counted as 0, so any type or code will do. */
void stats_request(struct stats *stats, int type);
void stats_response(struct stats *stats, int type);
void stats_error(struct stats *stats, enum rsip_error error); /* beside stats_response(ERROR_RESPONSE) */

#endif
