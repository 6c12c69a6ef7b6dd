#include "esp_prefix.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The mask of byte i of a prefix. */
static uint8_t
mask(uint8_t len, unsigned i)
{
	if (len >= 8 * (i + 1))
		return 0xff;
	return len <= 8 * i ? 0 : (uint8_t)(0xff00 >> (len - 8 * i));
}

static bool
parse_len(const char *text, uint8_t max, uint8_t *out)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 3 || text[digits] != '\0' || atoi(text) > max)
		return false;
	*out = (uint8_t)atoi(text);
	return true;
}

bool
esp_prefix_parse(const char *text, struct esp_prefix *out)
{
	struct esp_prefix p = { .version = strchr(text, ':') != NULL ? 6 : 4 };
	const char *slash = strchr(text, '/');
	char addr[INET6_ADDRSTRLEN];
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);

	if (n >= sizeof(addr))
		return false;
	memcpy(addr, text, n);
	addr[n] = '\0';
	p.len = p.version == 4 ? 32 : 128;
	if (inet_pton(p.version == 4 ? AF_INET : AF_INET6, addr, p.addr) != 1 ||
	    (slash != NULL && !parse_len(slash + 1, p.len, &p.len)))
		return false;
	for (unsigned i = 0; i < sizeof(p.addr); i++) {
		if ((p.addr[i] & ~mask(p.len, i)) != 0)
			return false;
	}
	*out = p;
	return true;
}

const char *
esp_prefix_str(const struct esp_prefix *prefix, char buf[ESP_PREFIX_STRLEN])
{
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(prefix->version == 4 ? AF_INET : AF_INET6, prefix->addr, addr, sizeof(addr));
	snprintf(buf, ESP_PREFIX_STRLEN, "%s/%u", addr, prefix->len);
	return buf;
}

bool
esp_prefix_has(const struct esp_prefix *prefix, uint8_t version, const uint8_t *addr)
{
	unsigned whole = prefix->len / 8;

	if (prefix->version != version || memcmp(prefix->addr, addr, whole) != 0)
		return false;
	return prefix->len % 8 == 0 || ((prefix->addr[whole] ^ addr[whole]) & mask(prefix->len, whole)) == 0;
}

const struct esp_prefix *
esp_prefix_find(const struct esp_prefix *prefixes, size_t n, uint8_t version, const uint8_t *addr)
{
	const struct esp_prefix *best = NULL;

	for (size_t i = 0; i < n; i++) {
		if (esp_prefix_has(&prefixes[i], version, addr) && (best == NULL || prefixes[i].len > best->len))
			best = &prefixes[i];
	}
	return best;
}

void
esp_prefix_host(const struct esp_prefix *prefix, uint8_t addr[16])
{
	memcpy(addr, prefix->addr, 16);
	if (prefix->version == 4 && prefix->len < 31)
		addr[3] |= 1;
}
