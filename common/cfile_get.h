/* What the options of a config file mean: each function reads one option of a section and returns its value, or def
 * when the option is not set. A value that is wrong is reported with its line, by what is wrong and what is allowed,
 * and def is returned: the caller goes on to the next option and looks at cfile_errors when done. */
#ifndef RSIP_CFILE_GET_H
#define RSIP_CFILE_GET_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "cfile.h"

struct cfile_word { const char *word; int value; }; /* tables end with a NULL word */

/* Text that is not empty. The result lives as long as the file. */
const char *cfile_text(const struct cfile_section *s, const char *option, const char *def);
const char *cfile_path(const struct cfile_section *s, const char *option, const char *def); /* starts with a slash */
uint32_t cfile_number(const struct cfile_section *s, const char *option, uint32_t def, uint32_t min, uint32_t max);
/* Seconds, from "90s", "30m", "2h", "7d", or a bare number of seconds. */
uint32_t cfile_duration(const struct cfile_section *s, const char *option, uint32_t def, uint32_t min, uint32_t max);
bool cfile_bool(const struct cfile_section *s, const char *option, bool def); /* yes/no, true/false, on/off */
int cfile_word(const struct cfile_section *s, const char *option, const struct cfile_word *words, int def);
/* A list of words: the set of their values as bits (1 << value). */
unsigned cfile_words(const struct cfile_section *s, const char *option, const struct cfile_word *words, unsigned def);
struct port_range cfile_ports(const struct cfile_section *s, const char *option, struct port_range def);
struct spi_range cfile_spis(const struct cfile_section *s, const char *option, struct spi_range def);

/* For the members of a list, and for what takes more than one value apart: reports when text is not such a thing. */
bool cfile_get_ip4(const struct cfile_section *s, const char *option, const struct cfile_value *value, ip4_t *out);
bool cfile_get_prefix(const struct cfile_section *s, const char *option, const struct cfile_value *value,
                      struct ip4_prefix *out);
bool cfile_get_number(const struct cfile_section *s, const char *option, const struct cfile_value *value, uint32_t min,
                      uint32_t max, uint32_t *out);

/* "2h", "90s": the shortest exact form; for messages. */
#define CFILE_DURATION_STRLEN 16
const char *cfile_duration_str(uint32_t seconds, char buf[CFILE_DURATION_STRLEN]);

/* Reports when the section does not set the option; example shows how to. */
bool cfile_require(const struct cfile_section *s, const char *option, const char *example);

/* Reports when the section's title is no fit name: names become metric labels and words in logs. */
bool cfile_require_name(const struct cfile_section *s);

#endif
