/* Section `adoption` of rsipc.conf. */
#ifndef RSIPC_ADOPTION_CONF_H
#define RSIPC_ADOPTION_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "cfile.h"

struct adoption_conf {
	bool on; /* there is such a section */
	struct ip4_prefix *allow; /* only addresses in one of these are adopted; none listed: any */
	size_t n_allow;
	uint32_t per_minute;      /* adoptions of one tunnel; 0 = no limit */
	bool return_probe;
	uint32_t keepalive_s;     /* after so long without a packet of ours one is sent; 0 = never */
	bool migrate;             /* the kernel is asked to move an SA in one step, where it can */
	uint32_t dummies;         /* packets sent after a move of ours, at most */
};

extern const struct cfile_option adoption_options[];

/* Of two whose sections both exist, the options that may change while tunnels follow: all but `migrate`. */
void adoption_conf_exchange(struct adoption_conf *a, struct adoption_conf *b);

/* Faults are reported to the file. adoption_conf_clear frees what out points to. */
void adoption_conf_read(const struct cfile *file, struct adoption_conf *out);
void adoption_conf_clear(struct adoption_conf *conf);

#endif
