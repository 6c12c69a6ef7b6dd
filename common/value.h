/* Values as JSON, for the documents that daemons tell over their control sockets. Each function returns a new reference,
 * never NULL: out of memory ends the program. */
#ifndef RSIP_VALUE_H
#define RSIP_VALUE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

json_t *value_made(json_t *value); /* the value itself, if it is one */
json_t *value_count(uint64_t n);
json_t *value_address(ip4_t addr);
/* Text that someone else chose: where it is not UTF-8, its bytes beyond ASCII are told as \xNN. NULL is null. */
json_t *value_text(const char *text);
/* 64 bits have no place in a JSON number that every program can read. */
json_t *value_hex(uint64_t value, int digits);
json_t *value_ports(const struct port_range *ports, size_t n); /* [[first,last],...] */
json_t *value_spis(const struct spi_range *spis, size_t n);    /* [["0x%08x","0x%08x"],...] */

#endif
