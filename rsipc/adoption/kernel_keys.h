/* The keys of an SA of the kernel's, for a packet that the agent seals itself. */
#ifndef RSIPC_KERNEL_KEYS_H
#define RSIPC_KERNEL_KEYS_H

struct esp_transform;
struct kernel_state;

/* Seals as the kernel does for this SA, which has ->raw. NULL: its algorithm is none of rsipc/esp/esp_algorithm.h. */
struct esp_transform *kernel_keys_sealer(const struct kernel_state *state);

#endif
