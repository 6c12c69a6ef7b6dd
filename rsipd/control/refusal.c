#include "refusal.h"

#include <stdarg.h>
#include <stdio.h>

#include "names.h"

enum rsip_error
refuse(struct refusal *r, enum rsip_error error, const char *fmt, ...)
{
	va_list ap;

	r->error = error;
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
	return error;
}

enum rsip_error
refuse_malformed(struct refusal *r, enum rsip_error error, uint8_t param)
{
	const char *name = rsip_param_name(param);

	switch (error) {
	case RSIP_UNSUPPORTED_RSIP_VERSION: return refuse(r, error, "this gateway speaks RSIP version 1 only");
	case RSIP_MISSING_PARAM:
		return refuse(r, error, "parameter %u (%s) is missing, or not in its place", param, name);
	case RSIP_DUPLICATE_PARAM:
		return refuse(r, error, "parameter %u (%s) is there more often than this message has it", param, name);
	case RSIP_EXTRA_PARAM: return refuse(r, error, "this message has no parameter %u (%s)", param, name);
	case RSIP_ILLEGAL_PARAM: return refuse(r, error, "RSIP has no parameter %u", param);
	case RSIP_BAD_PARAM:
		return refuse(r, error, "parameter %u (%s) has the wrong length, or a value that it cannot have", param,
		              name);
	case RSIP_ILLEGAL_MESSAGE: return refuse(r, error, "RSIP has no message of this type");
	default: return refuse(r, error, "the message ends too early, or its lengths contradict each other");
	}
}
