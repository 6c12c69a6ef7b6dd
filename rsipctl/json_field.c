#include "config.h"

#include "json_field.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool
read_number(const json_t *value, uint32_t max, uint32_t *out)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || n > max)
		return false;
	*out = (uint32_t)n;
	return true;
}

static bool
read_hex(const json_t *value, uint64_t *out)
{
	const char *text = json_string_value(value);
	char *end;
	uint64_t n;

	if (text == NULL || strncmp(text, "0x", 2) != 0 || !isxdigit((unsigned char)text[2]) || strlen(text) > 18)
		return false;
	n = strtoull(text + 2, &end, 16);
	if (*end != '\0')
		return false;
	*out = n;
	return true;
}

bool
json_field_number(const json_t *object, const char *member, uint32_t max, uint32_t *out)
{
	return read_number(json_object_get(object, member), max, out);
}

bool
json_field_address(const json_t *object, const char *member, ip4_t *out)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text != NULL && ip4_parse(text, out);
}

bool
json_field_hex(const json_t *object, const char *member, uint64_t *out)
{
	return read_hex(json_object_get(object, member), out);
}

bool
json_field_ports(const json_t *object, const char *member, struct port_range *out, size_t max, uint16_t *n)
{
	const json_t *array = json_object_get(object, member), *pair;
	uint32_t first, last;
	size_t i;

	if (!json_is_array(array) || json_array_size(array) > max)
		return false;
	json_array_foreach(array, i, pair) {
		if (json_array_size(pair) != 2 || !read_number(json_array_get(pair, 0), UINT16_MAX, &first) ||
		    !read_number(json_array_get(pair, 1), UINT16_MAX, &last))
			return false;
		out[i] = (struct port_range){ (uint16_t)first, (uint16_t)last };
	}
	*n = (uint16_t)json_array_size(array);
	return true;
}

bool
json_field_spis(const json_t *object, const char *member, struct spi_range *out, size_t max, uint16_t *n)
{
	const json_t *array = json_object_get(object, member), *pair;
	uint64_t first, last;
	size_t i;

	if (!json_is_array(array) || json_array_size(array) > max)
		return false;
	json_array_foreach(array, i, pair) {
		if (json_array_size(pair) != 2 || !read_hex(json_array_get(pair, 0), &first) ||
		    !read_hex(json_array_get(pair, 1), &last) || first > UINT32_MAX || last > UINT32_MAX)
			return false;
		out[i] = (struct spi_range){ (uint32_t)first, (uint32_t)last };
	}
	*n = (uint16_t)json_array_size(array);
	return true;
}
