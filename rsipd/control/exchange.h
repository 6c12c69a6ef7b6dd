/* One request being served, between request.c and the request_*.c files that know the single messages. */
#ifndef RSIPD_EXCHANGE_H
#define RSIPD_EXCHANGE_H

#include "ledger.h"
#include "message.h"
#include "proof.h"
#include "refusal.h"
#include "request.h"
#include "stats.h"

struct exchange {
	struct service *svc;
	struct ledger *ledger; /* svc's */
	const struct requester *from;
	struct session *session; /* of the sender; NULL while it is unregistered */
	struct proof proof;      /* who the sender has proved to be */
	const struct rsip_message *request;
	struct rsip_message *reply; /* the empty response to the request */
	struct refusal why;
};

/* Carries out x->request and fills x->reply, or returns refuse(&x->why, ...). Client IDs have been checked, the reply's
 * client ID and counter are set by the caller. */
typedef enum rsip_error exchange_handler(struct exchange *x);

exchange_handler request_register, request_de_register; /* request_register.c */
exchange_handler request_assign, request_listen;        /* request_assign.c */
exchange_handler request_extend, request_free;          /* request_lease.c */
exchange_handler request_query;                         /* request_query.c */

#endif
