#include "config.h"

#include "ctl_who.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway.h"
#include "ledger.h"
#include "value.h"
#include "who_held.h"

struct question { ip4_t addr; enum tuple_kind kind; uint64_t value; int64_t at; };

static bool
read_kind(const char *word, enum tuple_kind *kind)
{
	static const enum tuple_kind asked[] = { TUPLE_PORT, TUPLE_SPI, TUPLE_COOKIE };

	for (size_t i = 0; word != NULL && i < sizeof(asked) / sizeof(asked[0]); i++) {
		if (strcmp(word, tuple_kind_name(asked[i])) == 0) {
			*kind = asked[i];
			return true;
		}
	}
	return false;
}

static bool
read_value(const char *text, enum tuple_kind kind, uint64_t *value)
{
	uint64_t max = kind == TUPLE_PORT ? UINT16_MAX : kind == TUPLE_SPI ? UINT32_MAX : UINT64_MAX;
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 0);
	return errno == 0 && *end == '\0' && *value <= max;
}

static bool
read_question(struct question *q, const json_t *request)
{
	const char *address = json_string_value(json_object_get(request, "address"));
	const json_t *at = json_object_get(request, "at");

	q->at = at != NULL ? json_integer_value(at) : WHO_NOW;
	return address != NULL && ip4_parse(address, &q->addr) && (at == NULL || json_is_integer(at)) &&
	       read_kind(json_string_value(json_object_get(request, "kind")), &q->kind) &&
	       read_value(json_string_value(json_object_get(request, "value")), q->kind, &q->value);
}

static void
add_holder(const struct store_holder *holder, void *arg)
{
	char host[IP4_STRLEN];

	json_array_append_new(arg, json_pack("{s:s, s:s?, s:I, s:I, s:I, s:o}", "host", ip4_str(holder->host, host),
	    "name", holder->name, "client_id", (json_int_t)holder->client_id, "bind_id", (json_int_t)holder->bind_id,
	    "from", (json_int_t)holder->from, "to", holder->to != 0 ? json_integer(holder->to) : json_null()));
}

void
ctl_who(struct ctl_conn *conn, const json_t *request, void *arg)
{
	const struct gateway *gw = arg;
	struct question q;
	json_t *holders;

	if (!read_question(&q, request)) {
		ctl_refuse(conn, "who needs an address, a kind (port, spi or cookie), its value, and for the past a time in seconds since 1970");
		return;
	}
	holders = json_array();
	if (who_held(gw->ledger, q.addr, q.kind, q.value, q.at, add_holder, holders)) {
		ctl_answer(conn, holders);
		return;
	}
	json_decref(holders);
	ctl_refuse(conn, "the history cannot be read; rsipd's log says why");
}
