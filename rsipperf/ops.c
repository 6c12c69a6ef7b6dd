#include "ops.h"

#include <string.h>

#include "message.h"
#include "plan.h"

#define COOKIE_MASK UINT64_C(0xffffffff00000000)

static const char *const names[OPS] = { "register", "assign", "extend", "free", "query", "deregister" };

const char *
op_name(enum op op)
{
	return names[op];
}

bool
op_parse(const char *name, size_t len, enum op *op)
{
	for (enum op i = 0; i < OPS; i++) {
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0) {
			*op = i;
			return true;
		}
	}
	return false;
}

static enum rsip_msg_type
request_type(const struct plan *plan, enum op op)
{
	switch (op) {
	case OP_REGISTER:
		return RSIP_REGISTER_REQUEST;
	case OP_EXTEND:
		return RSIP_EXTEND_REQUEST;
	case OP_FREE:
		return RSIP_FREE_REQUEST;
	case OP_QUERY:
		return RSIP_QUERY_REQUEST;
	case OP_DEREGISTER:
		return RSIP_DE_REGISTER_REQUEST;
	default:
		break;
	}
	switch (plan->method) {
	case RSIP_METHOD_RSA_IP:
		return RSIP_ASSIGN_REQUEST_RSA_IP;
	case RSIP_METHOD_RSIPSEC:
		return RSIP_ASSIGN_REQUEST_RSIPSEC;
	default:
		return RSIP_ASSIGN_REQUEST_RSAP_IP;
	}
}

/* Everything is left to the gateway but how much of it. */
static void
ask_for_lease(const struct plan *plan, struct rsip_message *m)
{
	m->local_addr = m->remote_addr = (struct rsip_address){ .type = RSIP_ADDR_IPV4, .any = true };
	m->remote_ports = (struct rsip_ports){ .form = RSIP_LIST_DONT_CARE, .number = 1 };
	m->local_ports = (struct rsip_ports){ .form = RSIP_LIST_DONT_CARE, .number = plan->ports };
	if (plan->method == RSIP_METHOD_RSIPSEC) { /* RFC 3104 6.2: "don't need" */
		m->local_ports = m->remote_ports = (struct rsip_ports){ .form = RSIP_LIST_DONT_NEED };
		m->spis.form = RSIP_LIST_DONT_CARE;
		m->spis.number = plan->spis;
		m->has_cookie = plan->cookies;
		m->cookie_value = 0;
		m->cookie_mask = COOKIE_MASK;
	}
}

size_t
op_request(const struct plan *plan, enum op op, uint32_t client_id, uint32_t bind_id, uint32_t counter, uint8_t *buf,
           size_t cap)
{
	static struct rsip_message m;

	message_init(&m, request_type(plan, op));
	m.has_counter = counter != 0;
	m.counter = counter;
	m.has_client_id = op != OP_REGISTER;
	m.client_id = client_id;
	m.has_bind_id = op == OP_EXTEND || op == OP_FREE;
	m.bind_id = bind_id;
	m.has_lease_time = plan->lease_s != 0;
	m.lease_time = plan->lease_s;
	if (op == OP_ASSIGN)
		ask_for_lease(plan, &m);
	return message_encode(&m, buf, cap);
}

bool
op_granted(const struct plan *plan, enum op op, const struct rsip_message *m)
{
	return m->type == rsip_msg_response_to(request_type(plan, op));
}
