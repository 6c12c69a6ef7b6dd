/* Why a request is refused: the number for the host's program, the text for a person (error text extension). */
#ifndef RSIPD_REFUSAL_H
#define RSIPD_REFUSAL_H

#include <stdint.h>

#include "rsip_proto.h"

struct refusal {
	enum rsip_error error; /* RSIP_OK: not refused */
	char text[200];        /* what, why, what to do; "" when the number says it all */
};

/* Fills *r and returns error, so that a check can end in `return refuse(...)`. */
enum rsip_error refuse(struct refusal *r, enum rsip_error error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for what message_decode finds wrong, and with which parameter (its fault_param). */
enum rsip_error refuse_malformed(struct refusal *r, enum rsip_error error, uint8_t param);

#endif
