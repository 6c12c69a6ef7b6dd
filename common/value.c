#include "value.h"

#include <stdio.h>

#include "log.h"

#define TEXT_MAX 255 /* bytes that are told of what is not UTF-8 */

json_t *
value_made(json_t *value)
{
	if (value == NULL)
		log_fatal("ctl", "out of memory");
	return value;
}

json_t *
value_count(uint64_t n)
{
	return value_made(json_integer((json_int_t)n));
}

json_t *
value_address(ip4_t addr)
{
	char text[IP4_STRLEN];

	return value_made(json_string(ip4_str(addr, text)));
}

json_t *
value_text(const char *text)
{
	char safe[4 * TEXT_MAX + 1];
	json_t *value = text == NULL ? json_null() : json_string(text);
	size_t n = 0;

	if (value != NULL)
		return value;
	for (; *text != '\0' && n + 5 <= sizeof(safe); text++) {
		unsigned char c = (unsigned char)*text;

		n += (size_t)snprintf(safe + n, sizeof(safe) - n, c < 0x80 ? "%c" : "\\x%02x", c);
	}
	safe[n] = '\0';
	return value_made(json_string(safe));
}

json_t *
value_hex(uint64_t value, int digits)
{
	return value_made(json_sprintf("0x%0*llx", digits, (unsigned long long)value));
}

json_t *
value_ports(const struct port_range *ports, size_t n)
{
	json_t *array = value_made(json_array());

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_pack("[i,i]", ports[i].first, ports[i].last));
	return array;
}

json_t *
value_spis(const struct spi_range *spis, size_t n)
{
	json_t *array = value_made(json_array());

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_pack("[o,o]", value_hex(spis[i].first, 8), value_hex(spis[i].last, 8)));
	return array;
}
