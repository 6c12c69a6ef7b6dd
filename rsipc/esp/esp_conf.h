/* Sections `esp` and `sa NAME` of rsipc.conf: tunnels that are carried by this program, with keys set by hand. */
#ifndef RSIPC_ESP_CONF_H
#define RSIPC_ESP_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "cfile.h"
#include "esp_algorithm.h"
#include "esp_prefix.h"

/* What of a packet's DF the outer header gets (RFC 4301 8.1). An IPv6 packet counts as one with DF. */
enum esp_df { ESP_DF_COPY, ESP_DF_SET, ESP_DF_CLEAR };

struct esp_limits { uint64_t packets, bytes; }; /* UINT64_MAX = none */

/* One `sa` section: a pair of SAs, one for each direction. */
struct esp_sa_conf {
	char *name;
	ip4_t local;  /* 0 = what the kernel's routes choose, as they change */
	ip4_t remote;
	bool encap;   /* UDP, RFC 3948; else native ESP */
	uint16_t remote_port;
	uint32_t spi_in, spi_out;
	const struct esp_algorithm *algorithm;
	bool esn;
	uint32_t window;
	enum esp_df df;
	uint32_t keepalive_s; /* 0 = none */
	struct esp_limits soft, hard; /* of each direction */
	ip4_t probe_from, probe_to;   /* inner addresses of a return probe; 0 = none can be sent */
	struct esp_prefix *local_nets, *remote_nets; /* traffic selectors: what is inside goes between these */
	size_t n_local_nets, n_remote_nets;
};

struct esp_conf {
	char *device;
	char *keys;    /* path of the key file */
	char *state;   /* path of the sequence numbers */
	uint16_t port; /* of UDP encapsulation, here */
	unsigned mtu;  /* of the device; 0 = worked out from the path's */
	struct esp_prefix *addresses; /* of the device */
	size_t n_addresses;
	struct esp_sa_conf *sas;
	size_t n_sas;
};

extern const struct cfile_option esp_options[], esp_sa_options[];

/* Faults are reported to the file. esp_conf_clear frees what out points to. */
void esp_conf_read(const struct cfile *file, struct esp_conf *out);
void esp_conf_clear(struct esp_conf *conf);

/* Any tunnels at all? */
static inline bool
esp_conf_on(const struct esp_conf *conf)
{
	return conf->n_sas > 0;
}

#endif
