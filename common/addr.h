/* IPv4 addresses, prefixes and ranges as values. An address is a uint32_t in HOST byte order everywhere in this
 * code base; only buf.c and the packet code swap bytes. */
#ifndef RSIP_ADDR_H
#define RSIP_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t ip4_t;

struct ip4_prefix { ip4_t addr; uint8_t len; };
struct ip4_range { ip4_t first, last; };          /* both ends included, in all ranges below */
struct port_range { uint16_t first, last; };
struct spi_range { uint32_t first, last; };

#define IP4_STRLEN 16        /* "255.255.255.255" and its NUL */
#define IP4_PREFIX_STRLEN 20 /* "255.255.255.255/32" and its NUL; room for any uint8_t behind the slash */

/* Writes dotted-quad text into buf and returns buf. */
const char *ip4_str(ip4_t addr, char buf[IP4_STRLEN]);
const char *ip4_prefix_str(struct ip4_prefix prefix, char buf[IP4_PREFIX_STRLEN]);

/* The parsers read the whole string and return false, leaving *out alone, when it is anything else. */
bool ip4_parse(const char *text, ip4_t *out);                       /* "10.0.0.1" */
bool ip4_prefix_parse(const char *text, struct ip4_prefix *out);    /* "10.0.0.0/8" with host bits 0, or an address */
bool ip4_range_parse(const char *text, struct ip4_range *out);      /* address, prefix, or "first-last" */
bool port_range_parse(const char *text, struct port_range *out);    /* "500" or "1024-65535"; port 0 is refused */
bool spi_range_parse(const char *text, struct spi_range *out);      /* "0x100-0xffffffff"; 0-255 are refused, RFC 4303 2.1 */
bool ip4_port_parse(const char *text, ip4_t *addr, uint16_t *port); /* "127.0.0.1:9455" */

ip4_t ip4_mask(uint8_t prefix_len);
bool ip4_prefix_has(struct ip4_prefix prefix, ip4_t addr);

/* The largest prefix that starts at range.first and ends inside it: splits a range into routes, in a loop. */
struct ip4_prefix ip4_range_first_prefix(struct ip4_range range);

#endif
