#include "cfile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cfile_comments.h"
#include "cfile_impl.h"
#include "mem.h"

#define FILE_SIZE_MAX (4 << 20)

void
cfile_error(const struct cfile *file, int line, const char *fmt, ...)
{
	char text[1024], where[1536];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(where, sizeof(where), "%s:%d: %s", file->path, line, text);
	(*file->errors)++;
	file->report(where, file->arg);
}

unsigned
cfile_errors(const struct cfile *file)
{
	return *file->errors;
}

static void
section_check(const struct cfile *file, const struct cfile_section *added)
{
	for (const struct cfile_section *s = file->sections; s != added; s = s->next) {
		if (s->kind != added->kind)
			continue;
		if (added->kind->use == CFILE_ONCE)
			cfile_error(file, added->line, "section %s stands here again; one is allowed, the first is at line %d",
			            added->kind->name, s->line);
		else if (added->kind->use == CFILE_NAMED && strcmp(s->title, added->title) == 0)
			cfile_error(file, added->line, "%s \"%s\" stands here again; names must differ, the first is at line %d",
			            added->kind->name, added->title, s->line);
		else
			continue;
		return;
	}
}

struct cfile_section *
cfile_section_add(struct cfile *file, const struct cfile_kind *kind, const char *title, int line)
{
	struct cfile_section *section = mem_zero(1, sizeof(*section));

	section->file = file;
	section->kind = kind;
	section->title = mem_strdup(title != NULL ? title : "");
	section->line = line;
	*file->tail = section;
	file->tail = &section->next;
	section_check(file, section);
	return section;
}

static struct cfile_setting *
setting_find(const struct cfile_section *section, const char *name)
{
	struct cfile_setting *setting = section->settings;

	while (setting != NULL && strcmp(setting->name, name) != 0)
		setting = setting->next;
	return setting;
}

static struct cfile_setting *
setting_add(struct cfile_section *section, const struct cfile_option *option)
{
	struct cfile_setting *setting = mem_zero(1, sizeof(*setting));

	setting->name = option->name;
	setting->tail = &setting->first;
	setting->next = section->settings;
	section->settings = setting;
	return setting;
}

void
cfile_value_add(struct cfile_section *section, const struct cfile_option *option, const char *text, int line)
{
	struct cfile_setting *setting = setting_find(section, option->name);
	struct cfile_value *value = mem_zero(1, sizeof(*value));

	if (setting == NULL)
		setting = setting_add(section, option);
	value->text = mem_strdup(text);
	value->line = line;
	*setting->tail = value;
	setting->tail = (struct cfile_value **)&value->next;
}

static int
lines_count(const char *text)
{
	int n = *text != '\0';

	for (; (text = strchr(text, '\n')) != NULL && text[1] != '\0'; text++)
		n++;
	return n > 0 ? n : 1;
}

/* The whole file as a string without comments and with the end option behind it, which the caller frees; NULL after a
 * report. */
static char *
slurp(struct cfile *file, int fd)
{
	static const char end[] = "\n" CFILE_END_OPTION " = 1\n";
	struct stat st;
	ssize_t got = 0;
	size_t len = 0, till_zero;

	file->last_line = 1;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_SIZE_MAX) {
		cfile_error(file, 1, "cannot be read; a regular file of at most %d MiB is allowed", FILE_SIZE_MAX >> 20);
		return NULL;
	}
	char *text = mem_zero((size_t)st.st_size + sizeof(end), 1);
	while (len < (size_t)st.st_size && (got = pread(fd, text + len, (size_t)st.st_size - len, (off_t)len)) > 0)
		len += (size_t)got;
	till_zero = strlen(text);
	file->last_line = lines_count(text);
	if (got < 0)
		cfile_error(file, 1, "cannot be read: %s; check the disk", strerror(errno));
	else if (till_zero != len)
		cfile_error(file, file->last_line + (till_zero > 0 && text[till_zero - 1] == '\n'),
		            "holds a zero byte; a config file is plain text");
	else if (!cfile_blank_comments(text))
		cfile_error(file, file->last_line, "the file ends inside of a comment; close it with */");
	else
		return strcat(text, end);
	free(text);
	return NULL;
}

struct cfile *
cfile_read(int fd, const char *path, const struct cfile_kind *kinds, cfile_report *report, void *arg)
{
	struct cfile *file = mem_zero(1, sizeof(*file));

	file->path = mem_strdup(path);
	file->report = report;
	file->arg = arg;
	file->kinds = kinds;
	file->errors = mem_zero(1, sizeof(*file->errors));
	file->tail = &file->sections;
	cfile_section_add(file, kinds, NULL, 1);
	char *text = slurp(file, fd);
	bool good = text != NULL && cfile_parse(file, text);
	free(text);
	if (good)
		return file;
	cfile_free(file);
	return NULL;
}

static void
setting_free(struct cfile_setting *setting)
{
	for (struct cfile_value *value = setting->first, *next; value != NULL; value = next) {
		next = (struct cfile_value *)value->next;
		free((char *)value->text);
		free(value);
	}
	free(setting);
}

static void
section_free(struct cfile_section *section)
{
	for (struct cfile_setting *setting = section->settings, *next; setting != NULL; setting = next) {
		next = setting->next;
		setting_free(setting);
	}
	free(section->title);
	free(section);
}

void
cfile_free(struct cfile *file)
{
	if (file == NULL)
		return;
	for (struct cfile_section *section = file->sections, *next; section != NULL; section = next) {
		next = section->next;
		section_free(section);
	}
	free(file->errors);
	free(file->path);
	free(file);
}

const struct cfile_section *
cfile_section_next(const struct cfile *file, const char *kind, const struct cfile_section *after)
{
	const struct cfile_section *section = after == NULL ? file->sections : after->next;

	while (section != NULL && strcmp(section->kind->name, kind) != 0)
		section = section->next;
	return section;
}

const char *
cfile_section_title(const struct cfile_section *section)
{
	return section->title;
}

const char *
cfile_section_kind(const struct cfile_section *section)
{
	return section->kind->name;
}

int
cfile_section_line(const struct cfile_section *section)
{
	return section->line;
}

const struct cfile *
cfile_section_file(const struct cfile_section *section)
{
	return section->file;
}

int
cfile_last_line(const struct cfile *file)
{
	return file->last_line;
}

const struct cfile_value *
cfile_values(const struct cfile_section *section, const char *option)
{
	const struct cfile_setting *setting = setting_find(section, option);

	return setting == NULL ? NULL : setting->first;
}

size_t
cfile_values_count(const struct cfile_value *first)
{
	size_t n = 0;

	for (; first != NULL; first = first->next)
		n++;
	return n;
}
