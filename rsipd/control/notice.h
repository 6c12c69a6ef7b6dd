/* Messages that answer no request. The three that a gateway sends unasked (RFC 3103 10.1) have counter 0. Each is written
 * into buf and its length returned. */
#ifndef RSIPD_NOTICE_H
#define RSIPD_NOTICE_H

#include <stddef.h>
#include <stdint.h>

#include "dataplane.h"
#include "session.h"

#define NOTICE_MAX 512

size_t notice_binding_ended(const struct session *s, uint32_t bind_id, uint8_t buf[NOTICE_MAX]); /* FREE_RESPONSE */
size_t notice_session_ended(const struct session *s, uint8_t buf[NOTICE_MAX]); /* DE-REGISTER_RESPONSE */
/* ERROR_RESPONSE: the data plane dropped what the host sent (RFC 3103 10.4). */
size_t notice_violation(const struct session *s, const struct dp_violation *v, uint8_t buf[NOTICE_MAX]);

/* ERROR_RESPONSE, REGISTER_FIRST: to a host that tunnels packets and is not registered, or not any more. */
size_t notice_register_first(uint8_t buf[NOTICE_MAX]);

/* ERROR_RESPONSE: what came over TCP cannot be cut into messages. */
size_t notice_bad_frame(uint8_t buf[NOTICE_MAX]);

#endif
