/* Return probes of a tunnel: an echo request that goes to another end than the tunnel does, with bytes in it that only the
 * peer can read. Those to one end are alike until one is answered: an answer that was longer on its way than the next
 * probe took is as good. */
#ifndef RSIPC_ESP_PROBE_H
#define RSIPC_ESP_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../adoption/sa_backend.h"

struct inner;

#define ESP_PROBE_DATA 16
#define ESP_PROBE_LEN (20 + 8 + ESP_PROBE_DATA)

/* Zero-initialised. */
struct esp_probe {
	struct sa_end to; /* addr 0: no answer is waited for */
	uint8_t data[ESP_PROBE_DATA];
};

/* The inner packet of a probe of that end, from one of our inner addresses to the peer's. False when there is no
 * randomness. */
bool esp_probe_make(struct esp_probe *probe, struct sa_end end, ip4_t from, ip4_t to, uint8_t out[ESP_PROBE_LEN]);

/* Whether the inner packet is the answer that is waited for, which is none any more then. */
bool esp_probe_answered(struct esp_probe *probe, const struct inner *p);

#endif
