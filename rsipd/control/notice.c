#include "notice.h"

#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "message.h"

static struct rsip_message notice; /* too large for the stack */

static void
begin(const struct session *s, enum rsip_msg_type type)
{
	message_init(&notice, type);
	notice.has_client_id = notice.has_counter = true;
	notice.client_id = s->client_id;
	notice.counter = 0; /* RFC 3103 10.1: MUST be */
}

size_t
notice_binding_ended(const struct session *s, uint32_t bind_id, uint8_t buf[NOTICE_MAX])
{
	begin(s, RSIP_FREE_RESPONSE);
	notice.has_bind_id = true;
	notice.bind_id = bind_id;
	return message_encode(&notice, buf, NOTICE_MAX);
}

size_t
notice_session_ended(const struct session *s, uint8_t buf[NOTICE_MAX])
{
	begin(s, RSIP_DE_REGISTER_RESPONSE);
	return message_encode(&notice, buf, NOTICE_MAX);
}

size_t
notice_violation(const struct session *s, const struct dp_violation *v, uint8_t buf[NOTICE_MAX])
{
	char local[IP4_STRLEN], remote[IP4_STRLEN], text[100];

	begin(s, RSIP_ERROR_RESPONSE);
	notice.error = (uint16_t)v->error;
	notice.has_bind_id = v->bind_id != 0;
	notice.bind_id = v->bind_id;
	snprintf(text, sizeof(text), "dropped a packet from %s port %u to %s port %u", ip4_str(v->local_addr, local),
	         v->local_port, ip4_str(v->remote_addr, remote), v->remote_port);
	notice.error_text = text;
	notice.error_text_len = (uint8_t)strlen(text);
	return message_encode(&notice, buf, NOTICE_MAX);
}

size_t
notice_register_first(uint8_t buf[NOTICE_MAX])
{
	static const char text[] = "the gateway drops your packets: it has no registration of yours";

	message_init(&notice, RSIP_ERROR_RESPONSE);
	notice.error = RSIP_REGISTER_FIRST;
	notice.has_counter = true;
	notice.counter = 0;
	notice.error_text = text;
	notice.error_text_len = sizeof(text) - 1;
	return message_encode(&notice, buf, NOTICE_MAX);
}

size_t
notice_bad_frame(uint8_t buf[NOTICE_MAX])
{
	static const char text[] = "an Overall Length below 4 cannot be followed: the connection ends here";

	message_init(&notice, RSIP_ERROR_RESPONSE);
	notice.error = RSIP_BAD_MESSAGE;
	notice.error_text = text;
	notice.error_text_len = sizeof(text) - 1;
	return message_encode(&notice, buf, NOTICE_MAX);
}
