/* What a trace captures where, as pcap-filter(7) has it: the kernel passes over the rest for us. */
#ifndef RSIPCTL_TRACE_FILTER_H
#define RSIPCTL_TRACE_FILTER_H

#include <jansson.h>

/* On private interfaces: tunnels. */
#define TRACE_FILTER_PRIVATE "ip proto 4 or ip proto 47"

/* On the public one: what is to or from pool addresses, by the daemon's "data-plane" document. The caller frees it. */
char *trace_filter_public(const json_t *data_plane);

const char *trace_public_interface(const json_t *data_plane); /* borrowed, never NULL */

#endif
