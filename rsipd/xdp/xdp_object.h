/* The programs in the kernel. The compiled object is embedded in the daemon (a libbpf skeleton), so nothing is
 * compiled or searched for at run time. In a daemon that was built without it, xdp_object_load says so and fails. */
#ifndef RSIPD_XDP_OBJECT_H
#define RSIPD_XDP_OBJECT_H

#include <stdbool.h>

#include "xdp_tables.h"

/* rsip_inbound on the public interface, rsip_outbound on each private one, rsip_both where one interface is both. */
enum xdp_program { XDP_PROGRAM_INBOUND, XDP_PROGRAM_OUTBOUND, XDP_PROGRAM_BOTH, XDP_PROGRAM_COUNT };

extern const char *const xdp_program_names[XDP_PROGRAM_COUNT];

struct xdp_object;
struct bpf_object;

/* Why the last call failed, for people: what, why, what to do. */
const char *xdp_object_error(void);

/* Opens the object and sets its maps to these sizes, or to the maps behind reuse where that is not NULL; nothing is
 * in the kernel yet. NULL: see xdp_object_error. */
struct xdp_object *xdp_object_open(const struct xdp_sizes *sizes, const int reuse[XDP_MAP_COUNT]);

/* Makes the maps and loads the programs. Needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN. False: see xdp_object_error. */
bool xdp_object_load(struct xdp_object *object);

/* For libxdp, which loads a program itself, as an extension of its dispatcher. */
struct bpf_object *xdp_object_bpf(const struct xdp_object *object);

/* Descriptors of a loaded object; they are the object's. */
int xdp_object_program(const struct xdp_object *object, enum xdp_program program);
void xdp_object_maps(const struct xdp_object *object, int fd[XDP_MAP_COUNT]);

/* Closes it. What is attached or pinned stays in the kernel. Accepts NULL. */
void xdp_object_free(struct xdp_object *object);

#endif
