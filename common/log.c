#include "log.h"

#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define LINE_MAX_LEN 2048
/* What a text becomes at most with all that is put around it: in JSON a backslash becomes two, and "a=b " ,"a":"b". */
#define LINE_EXPANDED_LEN (2 * LINE_MAX_LEN + 1024)

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static const int level_syslog[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

static const char *log_program = "rsip";
static enum log_target log_to = LOG_TO_STDERR;
static enum log_level log_max = LOG_LVL_INFO;
static bool log_json, log_errors_too;
static bool log_journal; /* standard error is the journal's */

/* Lines that wait for log_flush: no more than one write to a pipe keeps together. */
static struct { bool on; size_t len; char bytes[PIPE_BUF]; } gathered;

/* The journal tells a program by its environment which file is the journal, systemd.exec(5). */
static bool
is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 && fstat(fd, &st) == 0 && st.st_dev == dev &&
	       st.st_ino == ino;
}

void
log_init(const char *program, enum log_target to, enum log_level level, bool json)
{
	log_program = program;
	log_to = to;
	log_max = level;
	log_json = json;
	closelog();
	log_journal = to == LOG_TO_STDERR && is_journal(STDERR_FILENO);
	if (to == LOG_TO_SYSLOG)
		openlog(program, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void
log_errors_to_stderr(bool on)
{
	log_errors_too = on;
}

void
log_adjust(enum log_level level, bool json)
{
	log_max = level;
	log_json = json;
}

/* Copies text, escaping what could break a line or a terminal. Returns the length written, always NUL-terminated. */
static size_t
escape(char *dst, size_t cap, const char *src)
{
	size_t n = 0;

	for (; *src != '\0' && n + 5 < cap; src++) {
		unsigned char c = (unsigned char)*src;

		if (c < 0x20 || c > 0x7e)
			n += (size_t)snprintf(dst + n, cap - n, "\\x%02x", c);
		else
			dst[n++] = (char)c;
	}
	dst[n] = '\0';
	return n;
}

/* Writes a JSON string; the text is plain ASCII already. */
static void
json_string(FILE *f, const char *s, size_t len)
{
	fputc('"', f);
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"' || s[i] == '\\')
			fputc('\\', f);
		fputc(s[i], f);
	}
	fputc('"', f);
}

/* The length of the word at s; blanks inside double quotes do not end it. */
static size_t
word_len(const char *s)
{
	bool quoted = false;
	size_t n = 0;

	for (; s[n] != '\0' && (quoted || s[n] != ' '); n++) {
		if (s[n] == '"')
			quoted = !quoted;
	}
	return n;
}

/* Turns "event words key=value key=\"a b\"" into members: the words before the first pair are the event. */
static void
json_members(FILE *f, const char *text)
{
	size_t event_len = 0, len;
	const char *s = text;

	for (; *s != '\0'; s += len + strspn(s + len, " ")) {
		len = word_len(s);
		if (memchr(s, '=', len) != NULL)
			break;
		event_len = (size_t)(s - text) + len;
	}
	fputs(",\"event\":", f);
	json_string(f, text, event_len);
	for (; *s != '\0'; s += len + strspn(s + len, " ")) {
		len = word_len(s);
		const char *eq = memchr(s, '=', len);
		if (eq == NULL)
			continue;
		const char *value = eq + 1;
		size_t value_len = len - (size_t)(value - s);

		if (value_len >= 2 && value[0] == '"' && value[value_len - 1] == '"') {
			value++;
			value_len -= 2;
		}
		fputc(',', f);
		json_string(f, s, (size_t)(eq - s));
		fputc(':', f);
		json_string(f, value, value_len);
	}
}

/* Milliseconds of the time of day, and its text up to the second, which is made once a second. */
static long
time_of_day(char text[32])
{
	static char made[32];
	static time_t made_of = -1;
	struct timeval tv;
	struct tm tm;

	gettimeofday(&tv, NULL);
	if (tv.tv_sec != made_of) {
		gmtime_r(&tv.tv_sec, &tm);
		strftime(made, sizeof(made), "%Y-%m-%dT%H:%M:%S", &tm);
		made_of = tv.tv_sec;
	}
	memcpy(text, made, sizeof(made));
	return (long)tv.tv_usec / 1000;
}

/* Returns the length of the line, 0 when it cannot be made. */
static size_t
json_line(char *line, size_t cap, enum log_level level, const char *subsystem, const char *text)
{
	FILE *f = fmemopen(line, cap, "w");
	char when[32];
	long len, ms = time_of_day(when);

	if (f == NULL)
		return 0;
	fprintf(f, "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"program\":\"%s\",\"subsystem\":\"%s\"", when, ms,
	    level_names[level], log_program, subsystem);
	json_members(f, text);
	fputs("}\n", f);
	len = fflush(f) == 0 ? ftell(f) : 0; /* only what is flushed is known to have fitted */
	fclose(f);
	return len > 0 ? (size_t)len : 0;
}

/* A system call for each line would be as much as the rest of the line. */
static pid_t own_pid; /* 0: not known */

static void
forget_pid(void)
{
	own_pid = 0;
}

static pid_t
process_id(void)
{
	static bool forgets;

	if (!forgets)
		forgets = pthread_atfork(NULL, NULL, forget_pid) == 0;
	if (own_pid == 0 || !forgets)
		own_pid = getpid();
	return own_pid;
}

static size_t
plain_line(char *line, size_t cap, enum log_level level, const char *subsystem, const char *text)
{
	char when[32];
	long ms = time_of_day(when);
	int len = snprintf(line, cap, "%s.%03ldZ %s %s[%d] %s: %s\n", when, ms, level_names[level], log_program,
	    (int)process_id(), subsystem, text);

	return len > 0 && (size_t)len < cap ? (size_t)len : 0;
}

/* sd-daemon(3): what stands in front is the line's level. Time, program and process the journal writes down itself. */
static size_t
journal_line(char *line, size_t cap, enum log_level level, const char *subsystem, const char *text)
{
	int len = snprintf(line, cap, "<%d>", level_syslog[level]);

	if (log_json)
		return (size_t)len + json_line(line + len, cap - (size_t)len, level, subsystem, text);
	len += snprintf(line + len, cap - (size_t)len, "%s: %s\n", subsystem, text);
	return len > 0 && (size_t)len < cap ? (size_t)len : 0;
}

/* One write, so that lines of several processes do not mix. A lost log line is no reason to stop. */
static void
put(const char *bytes, size_t len)
{
	if (len > 0 && write(STDERR_FILENO, bytes, len) < 0)
		return;
}

void
log_flush(void)
{
	put(gathered.bytes, gathered.len);
	gathered.len = 0;
}

void
log_gather(bool on)
{
	log_flush();
	gathered.on = on;
}

static void
write_stderr(enum log_level level, const char *subsystem, const char *text)
{
	char line[LINE_EXPANDED_LEN];
	size_t len = (log_journal ? journal_line : log_json ? json_line : plain_line)(line, sizeof(line), level, subsystem, text);

	if (gathered.len + len > sizeof(gathered.bytes))
		log_flush();
	if (gathered.on && level >= LOG_LVL_INFO && len <= sizeof(gathered.bytes)) {
		memcpy(gathered.bytes + gathered.len, line, len);
		gathered.len += len;
		return;
	}
	log_flush();
	put(line, len);
}

static void __attribute__((format(printf, 3, 0)))
vlog(enum log_level level, const char *subsystem, const char *fmt, va_list ap)
{
	char raw[LINE_MAX_LEN], text[LINE_MAX_LEN];

	bool also = log_errors_too && level == LOG_LVL_ERROR && log_to != LOG_TO_STDERR;

	if (!also && (level > log_max || log_to == LOG_TO_NONE))
		return;
	vsnprintf(raw, sizeof(raw), fmt, ap);
	escape(text, sizeof(text), raw);
	if (log_to == LOG_TO_SYSLOG)
		syslog(level_syslog[level], "%s: %s", subsystem, text);
	if (also || log_to == LOG_TO_STDERR)
		write_stderr(level, subsystem, text);
}

#define LOG_FUNCTION(name, level)                        \
	void name(const char *subsystem, const char *fmt, ...) \
	{                                                      \
		va_list ap;                                          \
		va_start(ap, fmt);                                   \
		vlog(level, subsystem, fmt, ap);                     \
		va_end(ap);                                          \
	}

LOG_FUNCTION(log_error, LOG_LVL_ERROR)
LOG_FUNCTION(log_warn, LOG_LVL_WARN)
LOG_FUNCTION(log_info, LOG_LVL_INFO)
LOG_FUNCTION(log_debug, LOG_LVL_DEBUG)

void
log_warn_limited(struct log_limit *limit, const char *subsystem, const char *fmt, ...)
{
	char text[LINE_MAX_LEN];
	int64_t now = clock_now();
	va_list ap;

	if (limit->last_ms != 0 && now - limit->last_ms < 1000) {
		limit->suppressed++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (limit->suppressed > 0)
		log_warn(subsystem, "%s suppressed=%u", text, limit->suppressed);
	else
		log_warn(subsystem, "%s", text);
	limit->last_ms = now;
	limit->suppressed = 0;
}

void
log_fatal(const char *subsystem, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LVL_ERROR, subsystem, fmt, ap);
	va_end(ap);
	exit(1);
}
