/* Inner networks, IPv4 or IPv6: the traffic selectors of a tunnel (RFC 4301 4.4.1.1, addresses alone). */
#ifndef RSIPC_ESP_PREFIX_H
#define RSIPC_ESP_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ESP_PREFIX_STRLEN 50 /* an IPv6 address, "/128" and the NUL */

struct esp_prefix {
	uint8_t version; /* 4 or 6 */
	uint8_t len;
	uint8_t addr[16]; /* network order; IPv4 uses the first four */
};

/* "10.0.0.0/8", "2001:db8::/32", or an address; host bits must be 0. False, leaving *out alone, for anything else. */
bool esp_prefix_parse(const char *text, struct esp_prefix *out);
const char *esp_prefix_str(const struct esp_prefix *prefix, char buf[ESP_PREFIX_STRLEN]);

/* addr: 4 or 16 bytes in network order. */
bool esp_prefix_has(const struct esp_prefix *prefix, uint8_t version, const uint8_t *addr);

/* The longest of n prefixes that has the address; NULL when none has. */
const struct esp_prefix *esp_prefix_find(const struct esp_prefix *prefixes, size_t n, uint8_t version,
                                         const uint8_t *addr);

/* An address of the prefix that a host may have: the first, or in an IPv4 network with room the one behind it. */
void esp_prefix_host(const struct esp_prefix *prefix, uint8_t addr[16]);

#endif
