#include "reason.h"

#include <stdbool.h>
#include <stdio.h>

#include "message.h"
#include "names.h"

/* What a person can do about a refusal. */
static const struct advice { enum rsip_error error; const char *text; } advices[] = {
	{ RSIP_USE_TCP, "the gateway serves TCP only: set transport = \"tcp\"" },
	{ RSIP_FLOW_POLICY_VIOLATION, "the gateway wants the peer named: set remote and remote-port of the lease" },
	{ RSIP_UNSUPPORTED_MESSAGE, "the gateway does not serve this kind of lease" },
	{ RSIP_REGISTRATION_DENIED, "the gateway's policy does not admit this host: ask its operator" },
	{ RSIP_ALREADY_REGISTERED, "the gateway holds an older registration of this host and does not tell its client ID" },
	{ RSIP_BAD_TUNNEL_TYPE, "the gateway does not allow this tunnel: set type in section tunnel" },
	{ RSIP_LOCAL_ADDR_UNAVAILABLE, "the gateway has no free address now" },
	{ RSIP_LOCAL_ADDRPORT_UNAVAILABLE, "the gateway has not so many free ports now, or not for one host" },
	{ RSIP_LOCAL_ADDRPORT_INUSE, "the port is another's: set another port" },
	{ RSIP_LOCAL_ADDRPORT_UNALLOWED, "the gateway does not lease that port: set another port" },
	{ RSIP_REMOTE_ADDR_UNALLOWED, "the gateway does not allow that peer" },
	{ RSIP_REMOTE_ADDRPORT_UNALLOWED, "the gateway does not allow that peer and port" },
	{ RSIP_IPSEC_UNALLOWED, "the gateway does not allow IPsec for this host: ask its operator" },
	{ RSIP_IPSEC_SPI_UNAVAILABLE, "the gateway has not so many free SPIs now, or not for one host" },
};

static const char *
advice_for(enum rsip_error error)
{
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
		if (advices[i].error == error)
			return advices[i].text;
	}
	return rsip_error_name(error);
}

static bool
continues_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

void
reason_said(const struct rsip_message *m, char *text, size_t cap)
{
	size_t n = m->error_text_len;

	if (n >= cap) {
		for (n = cap - 1; n > 0 && continues_character(m->error_text[n]); n--)
			;
	}
	for (size_t i = 0; i < n; i++)
		text[i] = m->error_text[i] == '"' || m->error_text[i] == '\\' ? '\'' : m->error_text[i];
	text[n] = '\0';
}

void
reason_text(const struct rsip_message *m, char *text, size_t cap)
{
	if (m->error_text_len > 0)
		reason_said(m, text, cap);
	else
		snprintf(text, cap, "%s", advice_for(m->error));
}
