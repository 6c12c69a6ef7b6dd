#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPI_LOWEST 256 /* 0-255 are reserved, RFC 4303 2.1 */

/* Without printf: a busy gateway writes several for each lease. */
const char *
ip4_str(ip4_t addr, char buf[IP4_STRLEN])
{
	char *at = buf;

	for (int shift = 24; shift >= 0; shift -= 8) {
		unsigned byte = addr >> shift & 0xff;

		if (byte >= 100)
			*at++ = (char)('0' + byte / 100);
		if (byte >= 10)
			*at++ = (char)('0' + byte / 10 % 10);
		*at++ = (char)('0' + byte % 10);
		*at++ = '.';
	}
	at[-1] = '\0';
	return buf;
}

const char *
ip4_prefix_str(struct ip4_prefix prefix, char buf[IP4_PREFIX_STRLEN])
{
	char addr[IP4_STRLEN];

	snprintf(buf, IP4_PREFIX_STRLEN, "%s/%u", ip4_str(prefix.addr, addr), prefix.len);
	return buf;
}

ip4_t
ip4_mask(uint8_t prefix_len)
{
	return prefix_len == 0 ? 0 : UINT32_MAX << (32 - prefix_len);
}

bool
ip4_prefix_has(struct ip4_prefix prefix, ip4_t addr)
{
	return (addr & ip4_mask(prefix.len)) == prefix.addr;
}

struct ip4_prefix
ip4_range_first_prefix(struct ip4_range range)
{
	struct ip4_prefix prefix = { range.first, 32 };

	while (prefix.len > 0) {
		ip4_t wider = ip4_mask((uint8_t)(prefix.len - 1));

		if ((range.first & ~wider) != 0 || (range.first | ~wider) > range.last)
			break;
		prefix.len--;
	}
	return prefix;
}

bool
ip4_parse(const char *text, ip4_t *out)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		return false;
	*out = ntohl(in.s_addr);
	return true;
}

/* A whole string of digits, hexadecimal behind 0x, of at most max; no sign, no blank, no octal. */
static bool
number_parse(const char *text, uint32_t max, uint32_t *out)
{
	bool hex = strncmp(text, "0x", 2) == 0;
	const char *digits = hex ? text + 2 : text;
	size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
	unsigned long long value;

	if (n == 0 || digits[n] != '\0')
		return false;
	errno = 0;
	value = strtoull(digits, NULL, hex ? 16 : 10);
	if (errno != 0 || value > max)
		return false;
	*out = (uint32_t)value;
	return true;
}

/* Cuts "left<separator>right" in two; half is room for the left text. Returns the right text, or NULL when there is no
 * separator or the left text is too long to be anything. */
static const char *
split(const char *text, char separator, char *half, size_t cap)
{
	const char *at = strchr(text, separator);

	if (at == NULL || (size_t)(at - text) >= cap)
		return NULL;
	memcpy(half, text, (size_t)(at - text));
	half[at - text] = '\0';
	return at + 1;
}

/* "number" or "first-last", all of them low..high and first not above last. */
static bool
number_range_parse(const char *text, uint32_t low, uint32_t high, uint32_t *first, uint32_t *last)
{
	char half[16];
	const char *right = split(text, '-', half, sizeof(half));
	uint32_t a, b;

	if (!number_parse(right != NULL ? half : text, high, &a) || !number_parse(right != NULL ? right : text, high, &b))
		return false;
	if (a < low || b < a)
		return false;
	*first = a;
	*last = b;
	return true;
}

bool
ip4_prefix_parse(const char *text, struct ip4_prefix *out)
{
	char half[IP4_STRLEN];
	const char *len_text = split(text, '/', half, sizeof(half));
	uint32_t len = 32;
	ip4_t addr;

	if (!ip4_parse(len_text != NULL ? half : text, &addr))
		return false;
	if (len_text != NULL && !number_parse(len_text, 32, &len))
		return false;
	if ((addr & ~ip4_mask((uint8_t)len)) != 0)
		return false;
	*out = (struct ip4_prefix) { addr, (uint8_t)len };
	return true;
}

bool
ip4_range_parse(const char *text, struct ip4_range *out)
{
	char half[IP4_STRLEN];
	const char *right = split(text, '-', half, sizeof(half));
	struct ip4_range range;
	struct ip4_prefix prefix;

	if (right != NULL) {
		if (!ip4_parse(half, &range.first) || !ip4_parse(right, &range.last) || range.last < range.first)
			return false;
	} else {
		if (!ip4_prefix_parse(text, &prefix))
			return false;
		range = (struct ip4_range) { prefix.addr, prefix.addr | ~ip4_mask(prefix.len) };
	}
	*out = range;
	return true;
}

bool
port_range_parse(const char *text, struct port_range *out)
{
	uint32_t first, last;

	if (!number_range_parse(text, 1, UINT16_MAX, &first, &last))
		return false;
	*out = (struct port_range) { (uint16_t)first, (uint16_t)last };
	return true;
}

bool
spi_range_parse(const char *text, struct spi_range *out)
{
	return number_range_parse(text, SPI_LOWEST, UINT32_MAX, &out->first, &out->last);
}

bool
ip4_port_parse(const char *text, ip4_t *addr, uint16_t *port)
{
	char half[IP4_STRLEN];
	const char *port_text = split(text, ':', half, sizeof(half));
	struct port_range range;
	ip4_t parsed;

	if (port_text == NULL || !ip4_parse(half, &parsed) || !port_range_parse(port_text, &range) ||
	    range.first != range.last)
		return false;
	*addr = parsed;
	*port = range.first;
	return true;
}
