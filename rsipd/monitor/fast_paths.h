/* The kernel's routes, neighbours and addresses, as far as the XDP programs have to hear of them: what they remember of
 * paths is void when any changes, and no packet from elsewhere has an address of the machine for its source. */
#ifndef RSIPD_FAST_PATHS_H
#define RSIPD_FAST_PATHS_H

struct loop;
struct xdp_tables;
struct fast_paths;

/* Watches them for as long as loop runs, and tells the tables, which are borrowed. Never NULL: where the kernel does not
 * tell, the programs ask it again after a while by themselves (rsipd/xdp/bpf/next_hop.h). */
struct fast_paths *fast_paths_new(struct loop *loop, struct xdp_tables *tables);

void fast_paths_free(struct fast_paths *paths); /* accepts NULL */

#endif
