/* An ERROR_RESPONSE in words. */
#ifndef RSIPC_REASON_H
#define RSIPC_REASON_H

#include <stddef.h>

struct rsip_message;

#define REASON_MAX 256 /* room for all that a message can say */

/* The gateway's own words (extension 6), "" if it sent none: terminated, cut between characters, and without quotes and
 * backslashes, with which whoever can send us a datagram would forge fields of the log. cap is at least 1. */
void reason_said(const struct rsip_message *m, char *text, size_t cap);

/* The same, or else what we know of the error. */
void reason_text(const struct rsip_message *m, char *text, size_t cap);

#endif
