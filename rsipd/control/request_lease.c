/* EXTEND and FREE, RFC 3103 9.10-9.13. */
#include "exchange.h"
#include "lease.h"

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

enum rsip_error
request_extend(struct exchange *x)
{
	struct binding *b = own_binding(x);
	enum rsip_error error;

	if (b == NULL)
		return x->why.error;
	error = lease_extend(x->ledger, b, x->request->has_lease_time ? x->request->lease_time : 0, &x->why);
	if (error != RSIP_OK)
		return error;
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
	x->reply->has_bind_id = true;
	x->reply->bind_id = b->bind_id;
	lease_end(x->ledger, b, LEASE_FREED);
	return RSIP_OK;
}
