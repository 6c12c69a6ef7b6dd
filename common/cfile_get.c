#include "cfile_get.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN 63
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static const struct { char unit; uint32_t seconds; } units[] = {
	{ 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 },
};
#define N_UNITS (sizeof(units) / sizeof(units[0]))

/* option: "value" is not <what>; <allowed> */
static void
refuse(const struct cfile_section *s, const char *option, const struct cfile_value *value, const char *what,
       const char *allowed)
{
	cfile_error(cfile_section_file(s), value->line, "%s: \"%s\" is not %s; %s", option, value->text, what, allowed);
}

/* Decimal digits, all of the text up to *end. */
static bool
digits(const char *text, uint64_t *out, const char **end)
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 15)
		return false;
	*out = strtoull(text, NULL, 10);
	*end = text + n;
	return true;
}

const char *
cfile_text(const struct cfile_section *s, const char *option, const char *def)
{
	const struct cfile_value *value = cfile_values(s, option);

	if (value == NULL)
		return def;
	if (value->text[0] != '\0')
		return value->text;
	cfile_error(cfile_section_file(s), value->line, "%s is empty; give it a value or leave it out", option);
	return def;
}

const char *
cfile_path(const struct cfile_section *s, const char *option, const char *def)
{
	const struct cfile_value *value = cfile_values(s, option);

	if (value == NULL || value->text[0] == '/')
		return value == NULL ? def : value->text;
	refuse(s, option, value, "a full path", "start it with a slash");
	return def;
}

bool
cfile_get_number(const struct cfile_section *s, const char *option, const struct cfile_value *value, uint32_t min,
                 uint32_t max, uint32_t *out)
{
	char allowed[64];
	const char *end;
	uint64_t n;

	if (digits(value->text, &n, &end) && *end == '\0' && n >= min && n <= max) {
		*out = (uint32_t)n;
		return true;
	}
	snprintf(allowed, sizeof(allowed), "%u to %u is allowed", min, max);
	refuse(s, option, value, "a number in range", allowed);
	return false;
}

uint32_t
cfile_number(const struct cfile_section *s, const char *option, uint32_t def, uint32_t min, uint32_t max)
{
	const struct cfile_value *value = cfile_values(s, option);
	uint32_t n = def;

	if (value != NULL)
		cfile_get_number(s, option, value, min, max, &n);
	return n;
}

static bool
duration_parse(const char *text, uint64_t *seconds)
{
	const char *end;

	if (!digits(text, seconds, &end))
		return false;
	if (*end == '\0')
		return true;
	for (size_t i = 0; i < N_UNITS; i++) {
		if (*end == units[i].unit && end[1] == '\0') {
			*seconds *= units[i].seconds;
			return true;
		}
	}
	return false;
}

const char *
cfile_duration_str(uint32_t seconds, char buf[CFILE_DURATION_STRLEN])
{
	size_t i = 0;

	while (seconds == 0 ? units[i].unit != 's' : seconds % units[i].seconds != 0)
		i++;
	snprintf(buf, CFILE_DURATION_STRLEN, "%u%c", seconds / units[i].seconds, units[i].unit);
	return buf;
}

uint32_t
cfile_duration(const struct cfile_section *s, const char *option, uint32_t def, uint32_t min, uint32_t max)
{
	const struct cfile_value *value = cfile_values(s, option);
	char allowed[96], lo[CFILE_DURATION_STRLEN], hi[CFILE_DURATION_STRLEN];
	uint64_t seconds;

	if (value == NULL)
		return def;
	if (duration_parse(value->text, &seconds) && seconds >= min && seconds <= max)
		return (uint32_t)seconds;
	snprintf(allowed, sizeof(allowed), "%s to %s is allowed, as a number with s, m, h or d",
	         cfile_duration_str(min, lo), cfile_duration_str(max, hi));
	refuse(s, option, value, "a duration in range", allowed);
	return def;
}

/* "a, b, c" */
static const char *
words_str(const struct cfile_word *words, char *buf, size_t cap)
{
	size_t n = (size_t)snprintf(buf, cap, "allowed: ");

	for (const struct cfile_word *w = words; w->word != NULL && n < cap; w++)
		n += (size_t)snprintf(buf + n, cap - n, "%s%s", w == words ? "" : ", ", w->word);
	return buf;
}

static const struct cfile_word *
word_find(const struct cfile_section *s, const char *option, const struct cfile_word *words,
          const struct cfile_value *value)
{
	char allowed[256];

	for (const struct cfile_word *w = words; w->word != NULL; w++) {
		if (strcmp(w->word, value->text) == 0)
			return w;
	}
	refuse(s, option, value, "known here", words_str(words, allowed, sizeof(allowed)));
	return NULL;
}

int
cfile_word(const struct cfile_section *s, const char *option, const struct cfile_word *words, int def)
{
	const struct cfile_value *value = cfile_values(s, option);
	const struct cfile_word *found = value != NULL ? word_find(s, option, words, value) : NULL;

	return found != NULL ? found->value : def;
}

unsigned
cfile_words(const struct cfile_section *s, const char *option, const struct cfile_word *words, unsigned def)
{
	const struct cfile_value *value = cfile_values(s, option);
	unsigned set = 0;

	if (value == NULL)
		return def;
	for (; value != NULL; value = value->next) {
		const struct cfile_word *found = word_find(s, option, words, value);
		if (found != NULL)
			set |= 1u << found->value;
	}
	return set != 0 ? set : def;
}

bool
cfile_bool(const struct cfile_section *s, const char *option, bool def)
{
	static const struct cfile_word words[] = {
		{ "yes", true }, { "no", false }, { "true", true }, { "false", false }, { "on", true }, { "off", false }, { 0 },
	};

	return cfile_word(s, option, words, def);
}

bool
cfile_get_ip4(const struct cfile_section *s, const char *option, const struct cfile_value *value, ip4_t *out)
{
	if (ip4_parse(value->text, out))
		return true;
	refuse(s, option, value, "an IPv4 address", "write it like 10.0.0.1");
	return false;
}

bool
cfile_get_prefix(const struct cfile_section *s, const char *option, const struct cfile_value *value,
                 struct ip4_prefix *out)
{
	if (ip4_prefix_parse(value->text, out))
		return true;
	refuse(s, option, value, "an IPv4 prefix", "write it like 10.0.0.0/8, with no bits set behind the prefix");
	return false;
}

struct port_range
cfile_ports(const struct cfile_section *s, const char *option, struct port_range def)
{
	const struct cfile_value *value = cfile_values(s, option);
	struct port_range range = def;

	if (value != NULL && !port_range_parse(value->text, &range))
		refuse(s, option, value, "a port range", "write FIRST-LAST, 1 to 65535, the lower first");
	return range;
}

struct spi_range
cfile_spis(const struct cfile_section *s, const char *option, struct spi_range def)
{
	const struct cfile_value *value = cfile_values(s, option);
	struct spi_range range = def;

	if (value != NULL && !spi_range_parse(value->text, &range))
		refuse(s, option, value, "an SPI range", "write FIRST-LAST, 0x100 to 0xffffffff, the lower first");
	return range;
}

bool
cfile_require(const struct cfile_section *s, const char *option, const char *example)
{
	const char *title = cfile_section_title(s), *quote = title[0] != '\0' ? "\"" : "";

	if (cfile_values(s, option) != NULL)
		return true;
	cfile_error(cfile_section_file(s), cfile_section_line(s), "%s%s%s%s%s has no %s; add %s", cfile_section_kind(s),
	            title[0] != '\0' ? " " : "", quote, title, quote, option, example);
	return false;
}

bool
cfile_require_name(const struct cfile_section *s)
{
	const char *title = cfile_section_title(s);
	size_t len = strlen(title);

	if (len > 0 && len <= NAME_MAX_LEN && strspn(title, NAME_CHARS) == len)
		return true;
	cfile_error(cfile_section_file(s), cfile_section_line(s), "%s \"%s\": no fit name; 1 to %d letters, digits, dots, "
	            "dashes and underscores", cfile_section_kind(s), title, NAME_MAX_LEN);
	return false;
}
