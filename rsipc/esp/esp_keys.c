#include "esp_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "esp_conf.h"
#include "mem.h"

#define FILE_MAX 262144
#define BLANKS " \t\r"

struct reader {
	const struct esp_conf *conf;
	struct esp_sa_keys *keys;
	bool *have; /* of each tunnel: in, out */
	int line;
	unsigned faults;
	esp_keys_report *report;
	void *arg;
};

__attribute__((format(printf, 2, 3))) static void
fault(struct reader *r, const char *fmt, ...)
{
	char what[256], line[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	if (r->line > 0)
		snprintf(line, sizeof(line), "%s:%d: %s", r->conf->keys, r->line, what);
	else
		snprintf(line, sizeof(line), "%s: %s", r->conf->keys, what);
	r->report(line, r->arg);
	r->faults++;
}

/* ---- the file ---- */

static bool
guarded(struct reader *r, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		fault(r, "is no regular file; keys are read from one");
	else if (st->st_uid != 0 && st->st_uid != geteuid())
		fault(r, "belongs to somebody else; chown it to root");
	else if ((st->st_mode & 077) != 0)
		fault(r, "others may read or change it (mode %04o); chmod 0600", (unsigned)st->st_mode & 07777);
	else if (st->st_size > FILE_MAX)
		fault(r, "has %lld bytes; %d are allowed", (long long)st->st_size, FILE_MAX);
	else
		return true;
	return false;
}

/* The file's text, FILE_MAX + 1 bytes for the caller to wipe and free; NULL after a fault. */
static char *
read_file(struct reader *r)
{
	int fd = open(r->conf->keys, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *text = NULL;
	struct stat st;
	ssize_t n = 0;

	if (fd < 0 || fstat(fd, &st) != 0) {
		fault(r, "cannot be read: %s", strerror(errno));
	} else if (guarded(r, &st)) {
		text = mem_zero(FILE_MAX + 1, 1);
		for (size_t len = 0; len < FILE_MAX && (n = read(fd, text + len, FILE_MAX - len)) > 0;)
			len += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	if (text != NULL && n < 0) {
		fault(r, "cannot be read: %s", strerror(errno));
		OPENSSL_cleanse(text, FILE_MAX);
		free(text);
		text = NULL;
	}
	return text;
}

/* ---- a line ---- */

static int
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal digits, blanks anywhere, 0x in front of a word. Returns how many bytes they are, or -1 when they are no
 * such thing; no more than max are kept. */
static int
read_hex(const char *text, uint8_t *out, size_t max)
{
	size_t digits = 0;

	for (bool begins = true; *text != '\0'; text++) {
		if (strchr(BLANKS, *text) != NULL) {
			begins = true;
			continue;
		}
		if (begins && text[0] == '0' && (text[1] | 0x20) == 'x') {
			text++;
		} else if (digit_of(*text) < 0) {
			return -1;
		} else {
			if (digits / 2 < max)
				out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | digit_of(*text));
			digits++;
		}
		begins = false;
	}
	return digits % 2 == 0 ? (int)(digits / 2) : -1;
}

/* The place of a tunnel; n_sas when there is none of that name. */
static size_t
find(const struct esp_conf *conf, const char *name)
{
	size_t i = 0;

	while (i < conf->n_sas && strcmp(conf->sas[i].name, name) != 0)
		i++;
	return i;
}

static void
take_key(struct reader *r, size_t sa, bool out, const char *hex)
{
	const struct esp_algorithm *algorithm = r->conf->sas[sa].algorithm;
	uint8_t *key = out ? r->keys[sa].out : r->keys[sa].in;
	int want = (int)esp_algorithm_key_len(algorithm), got = read_hex(hex, key, ESP_KEY_MAX);

	if (r->have[2 * sa + out])
		fault(r, "sa \"%s\" has a key for this direction already; one is allowed", r->conf->sas[sa].name);
	else if (got < 0)
		fault(r, "the key is not in hexadecimal; two digits a byte are allowed, with 0x in front and blanks between");
	else if (got != want)
		fault(r, "the key has %d bytes; %s takes %d: %u for the cipher and %u for the %s", got, algorithm->name, want,
		    algorithm->cipher_key, algorithm->salt + algorithm->auth_key, algorithm->salt != 0 ? "salt" : "HMAC");
	r->have[2 * sa + out] = true;
}

/* What stands in the place of a name is not told: where the name was left out, it is the key. */
static void
read_line(struct reader *r, char *line)
{
	char *rest = NULL, *name = strtok_r(line, BLANKS, &rest), *direction;
	size_t sa;

	if (name == NULL || name[0] == '#')
		return;
	direction = strtok_r(NULL, BLANKS, &rest);
	if ((sa = find(r->conf, name)) == r->conf->n_sas)
		fault(r, "the first word names no sa of the config; remove the line, or add the section");
	else if (direction == NULL || (strcmp(direction, "in") != 0 && strcmp(direction, "out") != 0))
		fault(r, "no direction behind the name; \"in\" and \"out\" are allowed");
	else
		take_key(r, sa, strcmp(direction, "out") == 0, rest);
}

static void
read_lines(struct reader *r, char *text)
{
	for (char *line; (line = strsep(&text, "\n")) != NULL;) {
		r->line++;
		read_line(r, line);
	}
	r->line = 0;
}

/* ---- all ---- */

/* Key number i: tunnel by tunnel, in and out. */
static const uint8_t *
key_at(const struct reader *r, size_t i)
{
	return i % 2 != 0 ? r->keys[i / 2].out : r->keys[i / 2].in;
}

/* The same key twice is the same nonces twice: such a pair of packets gives away their content, and with GCM the key of
 * their ICVs. */
static void
check_twins(struct reader *r)
{
	for (size_t i = 0; i < 2 * r->conf->n_sas; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct esp_sa_conf *a = &r->conf->sas[i / 2], *b = &r->conf->sas[j / 2];

			if (a->algorithm->cipher_key == b->algorithm->cipher_key &&
			    CRYPTO_memcmp(key_at(r, i), key_at(r, j), a->algorithm->cipher_key) == 0)
				fault(r, "sa \"%s\" %s and sa \"%s\" %s have the same key; each needs one of its own", b->name,
				    j % 2 != 0 ? "out" : "in", a->name, i % 2 != 0 ? "out" : "in");
		}
	}
}

static void
check_all(struct reader *r)
{
	for (size_t i = 0; i < 2 * r->conf->n_sas; i++) {
		const char *name = r->conf->sas[i / 2].name, *direction = i % 2 != 0 ? "out" : "in";

		if (!r->have[i])
			fault(r, "sa \"%s\" has no key for \"%s\"; add a line: %s %s 0x...", name, direction, name, direction);
	}
	if (r->faults == 0)
		check_twins(r);
}

struct esp_sa_keys *
esp_keys_read(const struct esp_conf *conf, esp_keys_report *report, void *arg)
{
	struct reader r = { .conf = conf, .report = report, .arg = arg };
	char *text = read_file(&r);

	if (text == NULL)
		return NULL;
	r.keys = mem_zero(conf->n_sas, sizeof(*r.keys));
	r.have = mem_zero(2 * conf->n_sas, sizeof(*r.have));
	read_lines(&r, text);
	if (r.faults == 0)
		check_all(&r);
	OPENSSL_cleanse(text, FILE_MAX);
	free(text);
	free(r.have);
	if (r.faults == 0)
		return r.keys;
	esp_keys_wipe(conf, r.keys);
	return NULL;
}

void
esp_keys_wipe(const struct esp_conf *conf, struct esp_sa_keys *keys)
{
	if (keys != NULL)
		OPENSSL_cleanse(keys, conf->n_sas * sizeof(*keys));
	free(keys);
}
