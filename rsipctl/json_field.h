/* Members of JSON objects by what they must be. Each returns false, leaving *out alone, when the member is missing or
 * something else. */
#ifndef RSIPCTL_JSON_FIELD_H
#define RSIPCTL_JSON_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

bool json_field_number(const json_t *object, const char *member, uint32_t max, uint32_t *out);
bool json_field_address(const json_t *object, const char *member, ip4_t *out);
bool json_field_hex(const json_t *object, const char *member, uint64_t *out); /* "0x5ac3": 1 to 16 digits */

/* [[first,last],...]; up to max of them, *n the number. */
bool json_field_ports(const json_t *object, const char *member, struct port_range *out, size_t max, uint16_t *n);
bool json_field_spis(const json_t *object, const char *member, struct spi_range *out, size_t max, uint16_t *n);

#endif
