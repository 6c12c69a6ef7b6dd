#include "request.h"

#include <string.h>

#include "authentication.h"
#include "exchange.h"
#include "farewell.h"
#include "lease.h"
#include "log.h"
#include "message.h"
#include "names.h"
#include "rate.h"
#include "registration.h"
#include "rsip_proto.h"

#define STRANGERS_A_SECOND 200

/* RFC 3103 Appendix B, RFC 3104 Appendix C: what hosts send. */
static const struct handler {
	uint8_t type;
	bool needs_session, changes;
	exchange_handler *handle;
} handlers[] = {
	{ RSIP_REGISTER_REQUEST, false, true, request_register },
	{ RSIP_DE_REGISTER_REQUEST, true, true, request_de_register },
	{ RSIP_ASSIGN_REQUEST_RSA_IP, true, true, request_assign },
	{ RSIP_ASSIGN_REQUEST_RSAP_IP, true, true, request_assign },
	{ RSIP_ASSIGN_REQUEST_RSIPSEC, true, true, request_assign },
	{ RSIP_LISTEN_REQUEST, true, true, request_listen },
	{ RSIP_EXTEND_REQUEST, true, true, request_extend },
	{ RSIP_FREE_REQUEST, true, true, request_free },
	{ RSIP_QUERY_REQUEST, true, false, request_query },
};

static const struct handler *
handler_of(uint8_t type)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].type == type)
			return &handlers[i];
	}
	return NULL;
}

/* --- responses --- */

static size_t
encode(struct exchange *x, uint8_t *response, size_t cap)
{
	size_t len = message_encode(x->reply, response, cap);

	len = proof_answer(&x->proof, x->from, response, len, cap);
	if (len == 0)
		log_error("request", "cannot encode a response type=%s", rsip_msg_name(x->reply->type));
	else
		stats_response(x->svc->stats, x->reply->type);
	return len;
}

/* Whether the registration is the sender's, as far as that is to be proved: a client ID is told to nobody else. */
static bool
is_own(const struct exchange *x)
{
	return x->session->identity == NULL || x->session->identity == x->proof.identity;
}

/* RFC 3103 9.1: the error, the counter of the request, the IDs it is about; and a text for a person. */
static size_t
answer_error(struct exchange *x, enum rsip_error error, uint8_t *response, size_t cap)
{
	static struct log_limit limit;
	const struct rsip_message *request = x->request;
	struct rsip_message *reply = x->reply;
	char host[IP4_STRLEN];

	message_init(reply, RSIP_ERROR_RESPONSE);
	reply->error = (uint16_t)error;
	reply->has_counter = request->has_counter;
	reply->counter = request->counter;
	reply->has_client_id = request->has_client_id;
	reply->client_id = request->client_id;
	reply->has_bind_id = request->has_bind_id;
	reply->bind_id = request->bind_id;
	if (error == RSIP_ALREADY_REGISTERED && is_own(x)) { /* RFC 3103 10.2.1: so that a host that rebooted can leave first */
		reply->has_client_id = true;
		reply->client_id = x->session->client_id;
	}
	x->svc->stats->moves_refused += request->type == RSIP_EXTEND_REQUEST && request->has_move;
	reply->error_text = x->why.text;
	reply->error_text_len = (uint8_t)strlen(x->why.text);
	stats_error(x->svc->stats, error);
	log_warn_limited(&limit, "request", "refused host=%s request=%s error=%s why=\"%s\"",
	                 ip4_str(x->from->host_addr, host), rsip_msg_name(request->type), rsip_error_name((int)error),
	                 x->why.text);
	return encode(x, response, cap);
}

static size_t
answer(struct exchange *x, uint8_t *response, size_t cap)
{
	x->reply->has_counter = x->request->has_counter; /* RFC 3103 10.1; over TCP as well */
	x->reply->counter = x->request->counter;
	return encode(x, response, cap);
}

static size_t
ignore(struct exchange *x)
{
	x->svc->stats->ignored++;
	return 0;
}

const uint8_t *
request_mac(const uint8_t *request, size_t len)
{
	size_t whole = message_whole_len(request, len);

	return whole >= RSIP_MAC_LEN ? request + whole - RSIP_MAC_LEN : NULL;
}

size_t
request_failed(const struct service *svc, const struct requester *from, const uint8_t *mac, uint8_t *response, size_t len,
               size_t cap)
{
	static const char text[] = "the gateway could not write its lease database";
	static struct rsip_message was, error;
	uint8_t identity[UINT8_MAX];

	if (message_decode(&was, response, len) != RSIP_OK || was.type == RSIP_ERROR_RESPONSE)
		return len;
	message_init(&error, RSIP_ERROR_RESPONSE);
	error.error = RSIP_INTERNAL_SERVER_ERROR;
	error.has_counter = was.has_counter;
	error.counter = was.counter;
	error.has_client_id = was.type != RSIP_REGISTER_RESPONSE && was.has_client_id;
	error.client_id = was.client_id;
	error.error_text = text;
	error.error_text_len = sizeof(text) - 1;
	if (was.auth.algorithm != 0) /* the response's bytes go */
		was.auth.identity = memcpy(identity, was.auth.identity, was.auth.identity_len);
	len = message_encode(&error, response, cap);
	if (was.auth.algorithm == 0)
		return len;
	return proof_regret(svc->ledger, &was.auth, from->host_addr, from->gateway_addr, mac, response, len, cap);
}

/* --- checks before a handler --- */

/* RFC 3103 9.1.3: an ERROR_RESPONSE causes no error, nor does any other response, when it comes from the port that
 * gateways speak from: two of them could otherwise be made to answer each other for ever. */
static bool
is_from_gateway(const struct requester *from, uint8_t type)
{
	return from->transport == RSIP_UDP && from->port == RSIP_PORT && !rsip_msg_is_request(type);
}

/* RFC 3103 has no error for impatience; UNKNOWN_ERROR is for when all others are inappropriate (Appendix A). Those that
 * no host section covers share one small allowance. So do requests without the proof that they need: whoever forges the
 * address of a host would else use up that host's own. */
static bool
within_rate(struct exchange *x)
{
	const struct conf_policy *policy = x->session != NULL ? x->session->policy :
	                                       conf_policy_for(x->ledger->conf, x->from->host_addr);
	bool own = policy != NULL && !proof_lacks(x);
	unsigned rate = own ? policy->rate : STRANGERS_A_SECOND;

	if (rate_take(x->svc->rates, own ? x->from->host_addr : 0, rate))
		return true;
	x->svc->stats->rate_limited++;
	refuse(&x->why, RSIP_UNKNOWN_ERROR, "more than %u requests a second: slow down", rate);
	return false;
}

/* A flood of datagrams costs least where it is not answered: so those of other hosts do not drown in it. */
static bool
worth_a_refusal(struct exchange *x)
{
	if (x->from->transport == RSIP_TCP || rate_refusal(x->svc->rates, x->from->host_addr))
		return true;
	x->svc->stats->refused_silently++;
	return false;
}

/* RFC 3103 5: the transport of the first message is that of the whole registration. */
static enum rsip_error
check_transport(struct exchange *x)
{
	const struct session *s = x->session;

	if (s == NULL || s->transport == x->from->transport)
		return RSIP_OK;
	if (x->request->type == RSIP_REGISTER_REQUEST)
		return refuse(&x->why, RSIP_ALREADY_REGISTERED, "registered over %s", rsip_transport_name(s->transport));
	return refuse(&x->why, s->transport == RSIP_TCP ? RSIP_USE_TCP : RSIP_UNKNOWN_ERROR,
	              "registered over %s: the transport cannot change until de-registration",
	              rsip_transport_name(s->transport));
}

/* Whether the host may have its registration here from now on (extension 5). */
static enum rsip_error
check_move(struct exchange *x, struct session *own)
{
	if (x->session != NULL)
		return refuse(&x->why, RSIP_REGISTRATION_DENIED, "another host is registered from this address");
	if (conf_policy_for(x->ledger->conf, x->from->host_addr) == NULL)
		return refuse(&x->why, RSIP_REGISTRATION_DENIED, "no host section of this gateway covers this address");
	x->session = own;
	return RSIP_OK;
}

static bool
is_move(const struct rsip_message *request)
{
	return request->type == RSIP_EXTEND_REQUEST && request->has_move;
}

/* An identity is one host, which has one registration. From an address that it has not moved to, the host can only move
 * it, or end it; so it does when it has lost what it knew (RFC 3103 10.2.1). */
static enum rsip_error
check_place(struct exchange *x)
{
	struct session *own = x->proof.verdict == PROOF_FRESH ? x->proof.identity->session : NULL;
	char host[IP4_STRLEN];

	if (own == NULL || own == x->session)
		return RSIP_OK;
	if (is_move(x->request))
		return check_move(x, own);
	if (x->session == NULL && (x->request->type == RSIP_REGISTER_REQUEST || x->request->type == RSIP_DE_REGISTER_REQUEST)) {
		x->session = own;
		return RSIP_OK;
	}
	return refuse(&x->why, x->request->type == RSIP_REGISTER_REQUEST ? RSIP_REGISTRATION_DENIED : RSIP_REGISTER_FIRST,
	              "this identity is registered from %s", ip4_str(own->host_addr, host));
}

static enum rsip_error
check_sender(struct exchange *x, const struct handler *handler)
{
	if (handler->needs_session && x->session == NULL)
		return refuse(&x->why, RSIP_REGISTER_FIRST, "this host is not registered");
	if (handler->needs_session && x->request->client_id != x->session->client_id)
		return refuse(&x->why, RSIP_BAD_CLIENT_ID, "that is not this host's client ID");
	if (handler->changes && x->svc->read_only)
		return refuse(&x->why, RSIP_INTERNAL_SERVER_ERROR, "the gateway cannot write its lease database now");
	return RSIP_OK;
}

/* --- UDP: duplicates --- */

static struct replay_seq
sequence_of(const struct exchange *x)
{
	return (struct replay_seq){ x->from->port, x->request->counter };
}

/* In a registration that is authenticated, the counter of the authentication tells what is new; nothing that a stranger
 * could have sent gets the kept answer. */
static enum replay_verdict
replay_of(const struct exchange *x)
{
	const struct session *s = x->session;
	enum replay_verdict verdict;

	if (x->from->transport != RSIP_UDP || s == NULL || s->transport != RSIP_UDP)
		return REPLAY_NEW;
	verdict = replay_check(&s->replay, x->from->port, x->request->counter);
	if (s->identity == NULL)
		return verdict;
	return verdict == REPLAY_DUPLICATE && x->proof.verdict == PROOF_AGAIN && s->identity == x->proof.identity ?
	           REPLAY_DUPLICATE : REPLAY_NEW;
}

/* Of the requests that are behind a host's counter, two change nothing that has been done since: a REGISTER_REQUEST is
 * refused, and a DE-REGISTER_REQUEST with the right client ID cannot have been executed before. Both are what a host
 * sends that rebooted and has the same port again. */
static bool
harmless_when_old(uint8_t type)
{
	return type == RSIP_REGISTER_REQUEST || type == RSIP_DE_REGISTER_REQUEST;
}

/* The response that a duplicate gets again; 0 when the request is no duplicate, or has none. */
static size_t
repeat_answer(struct exchange *x, uint8_t *response, size_t cap)
{
	const struct session *s = x->session;
	size_t len = 0;

	if (s != NULL && s->replay.response_len <= cap) {
		memcpy(response, s->replay.response, s->replay.response_len);
		len = s->replay.response_len;
	}
	x->svc->stats->duplicates++;
	return len;
}

/* Keeps the answer for a duplicate, and with it the host's port and counter: so not of what anybody can send who knows no
 * more than the host's address. What ended the registration is kept apart from it. */
static void
keep_answer(struct exchange *x, bool changed, const uint8_t *response, size_t len)
{
	struct session *s = session_find(&x->ledger->sessions, x->from->host_addr);

	if (x->from->transport != RSIP_UDP)
		return;
	if (s != NULL && s->transport == RSIP_UDP)
		registration_note_reply(x->ledger, s, sequence_of(x), response, len, changed);
	else if (s == NULL && changed)
		farewell_note(x->svc->farewell, x->from->host_addr, sequence_of(x), response, len);
}

/* --- the whole way --- */

/* A host that registered without an identity is that of the first that it proves, once that can be written down. */
static bool
may_claim(const struct exchange *x)
{
	return x->session != NULL && x->session->identity == NULL && x->proof.verdict == PROOF_FRESH &&
	       x->proof.identity->session == NULL && x->request->client_id == x->session->client_id && !x->svc->read_only;
}

static size_t
serve(struct exchange *x, const struct handler *handler, uint8_t *response, size_t cap)
{
	enum rsip_error error;
	size_t len;

	if (may_claim(x))
		registration_claim(x->ledger, x->session, x->proof.identity);
	if ((error = check_sender(x, handler)) != RSIP_OK && x->session == NULL)
		return answer_error(x, error, response, cap);
	if (error == RSIP_OK) {
		message_init(x->reply, (enum rsip_msg_type)rsip_msg_response_to(x->request->type));
		x->reply->has_client_id = x->session != NULL;
		x->reply->client_id = x->session != NULL ? x->session->client_id : 0;
		error = handler->handle(x);
		if (error == LEASE_LATER)
			return REQUEST_LATER;
	}
	len = error == RSIP_OK ? answer(x, response, cap) : answer_error(x, error, response, cap);
	if (error == RSIP_OK || (handler->needs_session && error != RSIP_BAD_CLIENT_ID))
		keep_answer(x, error == RSIP_OK && handler->changes, response, len);
	return len;
}

static size_t
serve_decoded(struct exchange *x, uint8_t *response, size_t cap)
{
	const struct handler *handler = handler_of(x->request->type);
	enum replay_verdict replay = replay_of(x);
	enum rsip_error error;
	size_t len;

	if (replay == REPLAY_DUPLICATE)
		return repeat_answer(x, response, cap);
	if (replay == REPLAY_OLD && !harmless_when_old(x->request->type))
		return ignore(x);
	if (x->session == NULL && x->request->type == RSIP_DE_REGISTER_REQUEST && x->from->transport == RSIP_UDP &&
	    x->proof.verdict != PROOF_FRESH &&
	    (len = farewell_repeat(x->svc->farewell, x->from->host_addr, sequence_of(x), response, cap)) > 0) {
		x->svc->stats->duplicates++;
		return len;
	}
	if ((error = proof_check(x)) != RSIP_OK || (error = check_place(x)) != RSIP_OK || (error = check_transport(x)) != RSIP_OK)
		return answer_error(x, error, response, cap);
	return serve(x, handler, response, cap);
}

static enum rsip_error
check_message(struct exchange *x, enum rsip_error decoded)
{
	bool udp = x->from->transport == RSIP_UDP;

	if (udp && !x->ledger->conf->udp)
		return refuse(&x->why, RSIP_USE_TCP, "this gateway serves TCP only");
	if (decoded == RSIP_UNSUPPORTED_RSIP_VERSION) /* whatever type a number is there */
		return refuse_malformed(&x->why, decoded, x->request->fault_param);
	if (x->request->type != 0 && handler_of(x->request->type) == NULL)
		return refuse(&x->why, RSIP_ILLEGAL_MESSAGE, "hosts do not send this"); /* well formed or not */
	if (decoded != RSIP_OK)
		return refuse_malformed(&x->why, decoded, x->request->fault_param);
	if (udp && !x->request->has_counter) /* RFC 3103 10.1 */
		return refuse(&x->why, RSIP_MESSAGE_COUNTER_REQUIRED, "UDP needs a message counter");
	return RSIP_OK;
}

size_t
request_handle(struct service *svc, const struct requester *from, const uint8_t *bytes, size_t len, uint8_t *response,
               size_t cap)
{
	static struct rsip_message request, reply; /* too large for the stack */
	struct exchange x = { .svc = svc, .ledger = svc->ledger, .from = from, .request = &request, .reply = &reply };
	enum rsip_error error = message_decode(&request, bytes, len);
	size_t answered;

	if (!from->again)
		stats_request(svc->stats, error == RSIP_OK ? request.type : 0);
	proof_read(&x.proof, svc->ledger, from, bytes, message_whole_len(bytes, len));
	x.session = session_find(&svc->ledger->sessions, from->host_addr);
	if (is_from_gateway(from, len > 1 ? bytes[1] : 0))
		return ignore(&x);
	if (!from->again && !within_rate(&x))
		return error == RSIP_OK && worth_a_refusal(&x) ? answer_error(&x, RSIP_UNKNOWN_ERROR, response, cap) : ignore(&x);
	error = check_message(&x, error);
	answered = error != RSIP_OK ? answer_error(&x, error, response, cap) : serve_decoded(&x, response, cap);
	if (answered != REQUEST_LATER)
		proof_accept(&x.proof, svc->ledger, !svc->read_only);
	return answered;
}
