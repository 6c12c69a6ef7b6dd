/* Section log of a config file, the same in all daemons. */
#ifndef RSIP_CFILE_LOG_H
#define RSIP_CFILE_LOG_H

#include <stdbool.h>

#include "cfile.h"
#include "log.h"

extern const struct cfile_option cfile_log_options[];

/* s may be NULL: there is no such section. Without an option: standard error, info, text. */
void cfile_log_read(const struct cfile_section *s, enum log_target *to, enum log_level *level, bool *json);

#endif
