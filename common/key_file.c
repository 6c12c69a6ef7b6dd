#include "config.h"

#include "key_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 4096

struct reading {
	const char *path;
	char *why;
	size_t why_size;
};

static bool __attribute__((format(printf, 2, 3)))
explain(const struct reading *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, r->why_size, fmt, ap);
	va_end(ap);
	return false;
}

static bool
check_file(const struct reading *r, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return explain(r, "%s: cannot be read: %s", r->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return explain(r, "%s: is no regular file", r->path);
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return explain(r, "%s: has mode %04o, others than its owner could get at the key; chmod 600 it", r->path,
		               (unsigned)st.st_mode & 07777);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return explain(r, "%s: belongs to user %u; root, or who runs this, must own a key", r->path, (unsigned)st.st_uid);
	if (st.st_size > FILE_MAX)
		return explain(r, "%s: has %lld bytes, more than a key; one line of hexadecimal digits is allowed", r->path,
		               (long long)st.st_size);
	return true;
}

static int
digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static bool
read_line(const struct reading *r, int line, const char *text, size_t len, struct authentication_key *key)
{
	for (size_t i = 0; i < len; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return explain(r, "%s:%d: the character at column %zu is no hexadecimal digit; a key is nothing else", r->path,
			               line, i + 1);
	}
	if (key->len != 0)
		return explain(r, "%s:%d: a second key; one file holds one", r->path, line);
	if (len % 2 != 0 || len < 2 * AUTHENTICATION_KEY_MIN || len > 2 * AUTHENTICATION_KEY_MAX)
		return explain(r, "%s:%d: a key of %zu digits; an even number from %d to %d is allowed, make one by openssl rand "
		               "-hex 32", r->path, line, len, 2 * AUTHENTICATION_KEY_MIN, 2 * AUTHENTICATION_KEY_MAX);
	for (size_t i = 0; i < len; i += 2)
		key->bytes[key->len++] = (uint8_t)(digit(text[i]) << 4 | digit(text[i + 1]));
	return true;
}

static bool
read_lines(const struct reading *r, const char *text, size_t len, struct authentication_key *key)
{
	const char *at = text, *end = text + len;

	for (int line = 1; at < end; line++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline != NULL ? newline : end;

		while (stop > at && isspace((unsigned char)stop[-1]))
			stop--;
		if (stop > at && *at != '#' && !read_line(r, line, at, (size_t)(stop - at), key))
			return false;
		at = newline != NULL ? newline + 1 : end;
	}
	return key->len > 0 || explain(r, "%s: there is no key in it; make one by openssl rand -hex 32", r->path);
}

bool
key_file_read(const char *path, struct authentication_key *key, char *why, size_t why_size)
{
	const struct reading r = { path, why, why_size };
	char text[FILE_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is refused, not waited for */
	ssize_t len;
	bool ok;

	*key = (struct authentication_key){ 0 };
	if (fd < 0)
		return explain(&r, "%s: cannot be read: %s", path, strerror(errno));
	ok = check_file(&r, fd);
	if (ok && (len = read(fd, text, sizeof(text))) < 0)
		ok = explain(&r, "%s: cannot be read: %s", path, strerror(errno));
	if (ok)
		ok = read_lines(&r, text, (size_t)len, key);
	close(fd);
	explicit_bzero(text, sizeof(text));
	if (!ok)
		authentication_wipe(key);
	return ok;
}
