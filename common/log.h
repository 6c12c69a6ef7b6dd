/* Logs: one line an event, "subsystem: event key=value ...", to standard error, syslog, or nowhere; JSON on request.
 * Where standard error is the journal of systemd, lines have their level there, and not what the journal knows itself.
 *
 * A message is written as an event word (or a few) followed by key=value pairs; a value with a blank in it is put in
 * double quotes: log_info("lease", "granted bind_id=%u address=%s reason=\"%s\"", ...). Bytes below 0x20 and above
 * 0x7e that reach a line are escaped as \xNN, so text from the network cannot forge lines. */
#ifndef RSIP_LOG_H
#define RSIP_LOG_H

#include <stdbool.h>

enum log_level { LOG_LVL_ERROR, LOG_LVL_WARN, LOG_LVL_INFO, LOG_LVL_DEBUG };
enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_NONE };

/* program names the lines in syslog and must outlive the log. May be called again, as after a reload. */
void log_init(const char *program, enum log_target to, enum log_level level, bool json);

/* Errors go to standard error too, wherever the rest goes: for the one who starts a daemon and waits to see it serve. */
void log_errors_to_stderr(bool on);

/* Another level and format from now on, at the same place. */
void log_adjust(enum log_level level, bool json);

void log_error(const char *subsystem, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const char *subsystem, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *subsystem, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *subsystem, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* While on, lines for information and below that go to standard error wait until log_flush, which the event loop calls before
 * it waits for anything; a warning or an error takes them along. For a daemon that writes many a turn. */
void log_gather(bool on);
void log_flush(void);

/* For what strangers can trigger: at most one line a second for each struct; the next line tells how many were
 * withheld as suppressed=N. Zero-initialised by the caller, usually static. */
struct log_limit { long long last_ms; unsigned suppressed; };
void log_warn_limited(struct log_limit *limit, const char *subsystem, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Logs an error, then exits with status 1. */
_Noreturn void log_fatal(const char *subsystem, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
