#include "cfile_log.h"

#include "cfile_get.h"

const struct cfile_option cfile_log_options[] = { { "to", false }, { "level", false }, { "format", false }, { 0 } };

static const struct cfile_word targets[] = {
	{ "stderr", LOG_TO_STDERR }, { "syslog", LOG_TO_SYSLOG }, { "journal", LOG_TO_SYSLOG }, { "none", LOG_TO_NONE }, { 0 },
};
static const struct cfile_word levels[] = {
	{ "error", LOG_LVL_ERROR }, { "warn", LOG_LVL_WARN }, { "info", LOG_LVL_INFO }, { "debug", LOG_LVL_DEBUG }, { 0 },
};
static const struct cfile_word formats[] = { { "text", false }, { "json", true }, { 0 } };

void
cfile_log_read(const struct cfile_section *s, enum log_target *to, enum log_level *level, bool *json)
{
	*to = LOG_TO_STDERR;
	*level = LOG_LVL_INFO;
	*json = false;
	if (s == NULL)
		return;
	*to = (enum log_target)cfile_word(s, "to", targets, LOG_TO_STDERR);
	*level = (enum log_level)cfile_word(s, "level", levels, LOG_LVL_INFO);
	*json = cfile_word(s, "format", formats, false);
}
