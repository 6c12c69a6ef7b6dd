/* Which host a request proves to come from (common/authentication.h): what to make of the authentication that it ends
 * with, or of there being none. */
#ifndef RSIPD_PROOF_H
#define RSIPD_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"
#include "refusal.h"
#include "request.h"

struct conf_host;
struct exchange;
struct identity;
struct ledger;

enum proof_verdict {
	PROOF_NONE,    /* it is not authenticated */
	PROOF_FRESH,   /* by the identity, and never accepted before */
	PROOF_AGAIN,   /* by the identity, with the counter accepted last: nothing new, but perhaps a duplicate of RFC 3103 10.1 */
	PROOF_STALE,   /* by the identity, with a lower counter */
	PROOF_WRONG,   /* not made with that identity's key, or not for this way */
	PROOF_UNKNOWN, /* by an identity that the config does not name */
};

struct proof {
	enum proof_verdict verdict;
	const struct conf_host *host; /* whose key the MAC was made with; NULL with NONE, WRONG and UNKNOWN */
	struct identity *identity;    /* the same */
	uint64_t counter;
	uint8_t mac[RSIP_MAC_LEN];
};

/* Looks at one whole request, well formed or not. Changes nothing but that an identity gets its entry. */
void proof_read(struct proof *p, struct ledger *l, const struct requester *from, const uint8_t *bytes, size_t len);

/* Whether anybody may have sent the request: only a proof would make it its host's, and it has none that is fresh. */
bool proof_lacks(const struct exchange *x);

/* Whether the sender may be served; else refused, and counted. Whose registration x->session is decides as well. */
enum rsip_error proof_check(struct exchange *x);

/* The request has been answered: neither it nor what is older is accepted again. */
void proof_accept(const struct proof *p, struct ledger *l, bool durable);

/* Appends the gateway's authentication to the response in response[0..len), where the sender has proved who it is. Returns
 * the new length; 0 when it does not fit. */
size_t proof_answer(const struct proof *p, const struct requester *from, uint8_t *response, size_t len, size_t cap);

/* The same for a message of the gateway's own accord to a registered host; and for one in the place of a response that
 * was authenticated as *was, between these addresses, and answered the request with that MAC. */
struct session;
size_t proof_notice(struct ledger *l, const struct session *s, uint8_t *bytes, size_t len, size_t cap);
size_t proof_regret(const struct ledger *l, const struct rsip_auth *was, ip4_t host_addr, ip4_t gateway_addr,
                    const uint8_t *request_mac, uint8_t *bytes, size_t len, size_t cap);

#endif
