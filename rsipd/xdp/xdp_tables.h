/* The tables of the XDP programs (xdp_abi.h) as user space holds them: a descriptor of each map, and most
 * of them mapped into memory. They are made, or taken over from an earlier run, by the monitor as root; the workers
 * inherit the memory, the relay the descriptors too.
 *
 * Who may do what: since Linux 5.19, kernel.unprivileged_bpf_disabled forbids a process without CAP_BPF to make maps
 * and load programs, and nothing else: bpf(2) still looks up, updates and deletes elements of a map whose descriptor
 * it holds. So the relay, which applies control's messages and sees what packets teach, is the writer; it needs
 * bpf(2) in its list of system calls and no capability. Memory-mapped maps cost it no call at all, and are how
 * control reads counters, and stops what it takes back whether there is a relay or not: xdp_slots_stop. */
#ifndef RSIPD_XDP_TABLES_H
#define RSIPD_XDP_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "xdp_abi.h"

struct conf;

/* How many of each fit. What does not fit stays with the relay. */
struct xdp_sizes {
	uint32_t addresses;
	uint32_t port_tables; /* addresses whose ports are shared */
	uint32_t bindings;    /* entries: half as many more than the bindings that are to fit */
	uint32_t spi_lines, cookie_lines; /* of several blocks each, some of them free */
	uint32_t claims, ipsec, flows;
	uint32_t devices; /* one more than the highest ifindex */
	uint32_t cpus;
};

/* What the config asks for. */
void xdp_sizes_of(const struct conf *conf, struct xdp_sizes *sizes);

/* Lines for so many blocks. */
uint32_t xdp_lines(uint64_t blocks);

/* Entries of one map by these sizes, and the memory that all of them take when full, in bytes. */
uint32_t xdp_sizes_entries(const struct xdp_sizes *sizes, enum xdp_map map);
uint64_t xdp_sizes_memory(const struct xdp_sizes *sizes);

struct xdp_tables {
	int fd[XDP_MAP_COUNT];
	struct xdp_sizes sizes; /* as the maps are */
	struct xdp_ports *ports;
	struct xdp_binding *bindings;
	struct xdp_count *counts_in, *counts_out;
	struct xdp_terms *terms;
	struct xdp_line *spis, *cookies;
	struct xdp_totals *totals;
	struct xdp_state *state;
};

extern const char *const xdp_map_names[XDP_MAP_COUNT];

/* Takes the maps behind fd over (the caller's descriptors stay the caller's) and maps their memory. False after a
 * line in the log: a map is not what its name says, or memory is short. */
bool xdp_tables_open(struct xdp_tables *t, const int fd[XDP_MAP_COUNT]);
void xdp_tables_close(struct xdp_tables *t);
/* In this process their memory is read-only from now on, but for that of the bindings. t may be NULL. */
void xdp_tables_protect(struct xdp_tables *t);

/* Tells the programs of a device that they run on. roles: enum xdp_device_roles; number: 1 to XDP_EGRESS_MAX - 1, its
 * own for each device, or 0 where the driver cannot send redirected frames. Remembered paths are void then. False
 * after a line in the log. */
bool xdp_tables_device(struct xdp_tables *t, unsigned ifindex, const uint8_t mac[6], unsigned roles, unsigned number);
void xdp_tables_no_device(struct xdp_tables *t, unsigned ifindex);

/* Routes or neighbours may have changed: what the programs remember of paths is void. by_destination: see struct
 * xdp_state. Any process that has the memory may call it. */
void xdp_tables_paths(struct xdp_tables *t, bool by_destination);

/* The number of a tunnel's end here, for struct xdp_binding. False when there are too many. */
bool xdp_tables_gateway(struct xdp_tables *t, ip4_t addr, uint8_t *number);

/* The machine's own addresses; no more than XDP_OWN_MAX are looked at. */
void xdp_tables_own(struct xdp_tables *t, const ip4_t *own, size_t n);

/* The sum over all CPUs. */
void xdp_tables_totals(const struct xdp_tables *t, struct xdp_totals *sum);

/* "header", "fragment", ...; "unknown" for any other number. */
const char *xdp_pass_name(enum xdp_pass reason);

#endif
