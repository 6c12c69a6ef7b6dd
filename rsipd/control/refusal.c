#include "refusal.h"

#include <stdarg.h>
#include <stdio.h>

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
