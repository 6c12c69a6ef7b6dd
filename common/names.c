#include "names.h"

#include <string.h>

#include "rsip_proto.h"

struct name { int number; const char *text; };

#define NAME_ROW(name, number, text) { number, text },
static const struct name msg_names[] = { RSIP_MSG_TYPES(NAME_ROW) };
static const struct name param_names[] = { RSIP_PARAM_TYPES(NAME_ROW) };
static const struct name error_names[] = { RSIP_ERRORS(NAME_ROW) };
static const struct name method_names[] = { RSIP_METHODS(NAME_ROW) };
static const struct name tunnel_names[] = { RSIP_TUNNEL_TYPES(NAME_ROW) };

static const char *
name_of(const struct name *table, size_t n, int number)
{
	for (size_t i = 0; i < n; i++) {
		if (table[i].number == number)
			return table[i].text;
	}
	return "UNKNOWN";
}

static int
number_of(const struct name *table, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(table[i].text, text) == 0)
			return table[i].number;
	}
	return 0;
}

#define COUNT(table) (sizeof(table) / sizeof(table[0]))

const char *
rsip_msg_name(int type)
{
	return name_of(msg_names, COUNT(msg_names), type);
}

const char *
rsip_param_name(int type)
{
	return name_of(param_names, COUNT(param_names), type);
}

const char *
rsip_error_name(int error)
{
	return name_of(error_names, COUNT(error_names), error);
}

const char *
rsip_method_name(int method)
{
	return name_of(method_names, COUNT(method_names), method);
}

const char *
rsip_tunnel_name(int tunnel)
{
	return name_of(tunnel_names, COUNT(tunnel_names), tunnel);
}

int
rsip_method_parse(const char *name)
{
	return number_of(method_names, COUNT(method_names), name);
}

int
rsip_tunnel_parse(const char *name)
{
	return number_of(tunnel_names, COUNT(tunnel_names), name);
}
