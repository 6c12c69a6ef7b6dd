/* The way to a peer, as the kernel sees it now. */
#ifndef RSIPC_ESP_PATH_H
#define RSIPC_ESP_PATH_H

#include <stdbool.h>

#include "addr.h"

struct esp_path {
	ip4_t local;  /* what packets leave from */
	unsigned mtu; /* of the path, as far as it is known */
};

/* local: 0 = any. False, with errno, when there is no way. */
bool esp_path_look(ip4_t local, ip4_t remote, struct esp_path *out);

#endif
