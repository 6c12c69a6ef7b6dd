/* EXTEND and FREE, RFC 3103 9.10-9.13. */
#include "exchange.h"
#include "lease.h"
#include "log.h"
#include "registration.h"

/* The binding that the request is about; NULL, refused, when it is not the sender's. */
static struct binding *
own_binding(struct exchange *x)
{
	struct binding *b = binding_find(&x->ledger->bindings, x->request->bind_id);

	if (b != NULL && b->session == x->session)
		return b;
	refuse(&x->why, RSIP_BAD_BIND_ID, "this host has no binding %u", x->request->bind_id);
	return NULL;
}

/* The binding ends, and a FREE_RESPONSE says so. */
static void
end_binding(struct exchange *x, struct binding *b, enum lease_how how)
{
	message_init(x->reply, RSIP_FREE_RESPONSE);
	x->reply->has_client_id = x->reply->has_bind_id = true;
	x->reply->client_id = x->session->client_id;
	x->reply->bind_id = b->bind_id;
	lease_end(x->ledger, b, how);
}

/* A lease that is not renewed ends at once, and the FREE_RESPONSE is the answer (RFC 3103 9.10.3): so the host asks for
 * another binding while it still has time, instead of finding this one gone. */
enum rsip_error
request_extend(struct exchange *x)
{
	struct binding *b = own_binding(x);
	uint32_t asked_s = x->request->has_lease_time ? x->request->lease_time : 0;

	if (b == NULL)
		return x->why.error;
	if (x->session->host_addr != x->from->host_addr) /* request.c has seen that it is a move, and that it may */
		registration_move(x->ledger, x->session, x->from->host_addr, x->from->gateway_addr);
	if (lease_extend(x->ledger, b, asked_s, &x->why) != RSIP_OK) {
		log_info("lease", "not extended bind_id=%u why=\"%s\"", b->bind_id, x->why.text);
		end_binding(x, b, LEASE_NOT_EXTENDED);
		return RSIP_OK;
	}
	x->reply->has_bind_id = x->reply->has_lease_time = true;
	x->reply->bind_id = b->bind_id;
	x->reply->lease_time = lease_seconds_left(b->expires);
	return RSIP_OK;
}

enum rsip_error
request_free(struct exchange *x)
{
	struct binding *b = own_binding(x);

	if (b == NULL)
		return x->why.error;
	end_binding(x, b, LEASE_FREED);
	return RSIP_OK;
}
