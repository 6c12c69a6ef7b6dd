#include "message.h"

#include <string.h>

#include "extension.h"
#include "grammar.h"

void
message_set_vendor_id(uint16_t vendor_id)
{
	extension_set_vendor_id(vendor_id);
}

void
message_init(struct rsip_message *m, enum rsip_msg_type type)
{
	memset(m, 0, offsetof(struct rsip_message, n_tuples));
	m->type = (uint8_t)type;
	m->n_tuples = 0;
	m->spis.form = RSIP_LIST_ABSENT;
	m->spis.number = 0;
}

bool
rsip_msg_is_request(int type)
{
	return grammar_of(type) != NULL && type % 2 == 0; /* RFC 3103 Appendix B, RFC 3104 Appendix C */
}

int
rsip_msg_response_to(int request)
{
	return rsip_msg_is_request(request) ? request + 1 : 0;
}

int
message_frame_len(const void *bytes, size_t len)
{
	struct rbuf r;
	uint16_t overall;

	if (len < RSIP_HEADER_LEN)
		return 0;
	rbuf_init(&r, bytes, len);
	rbuf_u16(&r); /* version, type */
	overall = rbuf_u16(&r);
	return overall < RSIP_HEADER_LEN ? -1 : overall;
}

size_t
message_whole_len(const void *bytes, size_t len)
{
	int overall = message_frame_len(bytes, len);

	return overall > 0 && (size_t)overall < len ? (size_t)overall : len;
}
