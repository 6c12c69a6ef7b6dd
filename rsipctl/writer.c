#include "config.h"

#include "writer.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#define COLUMNS_MAX 24
#define GAP 2 /* blanks between columns */

/* ---- single values ---- */

/* Copies text into a cell; what is no printable character of the locale becomes \xNN, so that a name chosen by a
 * stranger cannot steer the terminal or forge a line. */
static void
cell_text(char cell[CELL_MAX], const char *text)
{
	mbstate_t state = { 0 };
	size_t n = 0;

	for (size_t len; *text != '\0'; text += len) {
		wchar_t wc;

		len = mbrtowc(&wc, text, strnlen(text, MB_LEN_MAX), &state);
		if (n + MB_LEN_MAX + sizeof("..") > CELL_MAX) {
			strcpy(cell + n, "..");
			return;
		}
		if (len <= MB_LEN_MAX && iswprint((wint_t)wc)) {
			memcpy(cell + n, text, len);
			n += len;
		} else {
			n += (size_t)snprintf(cell + n, CELL_MAX - n, "\\x%02x", (unsigned char)*text);
			memset(&state, 0, sizeof(state));
			len = 1;
		}
	}
	cell[n] = '\0';
}

/* A list of words: "rsap-ip,rsipsec". */
static void
cell_words(char cell[CELL_MAX], const json_t *array)
{
	char words[CELL_MAX] = "", word[CELL_MAX];
	const json_t *value;
	size_t i, n = 0;

	json_array_foreach(array, i, value) {
		cell_plain(word, value);
		if (n < sizeof(words))
			n += (size_t)snprintf(words + n, sizeof(words) - n, "%s%s", i > 0 ? "," : "", word);
	}
	cell_text(cell, n > 0 ? words : "-");
}

void
cell_plain(char cell[CELL_MAX], const json_t *value)
{
	if (json_is_string(value))
		cell_text(cell, json_string_value(value));
	else if (json_is_integer(value))
		snprintf(cell, CELL_MAX, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		snprintf(cell, CELL_MAX, "%.3f", json_real_value(value));
	else if (json_is_boolean(value))
		strcpy(cell, json_is_true(value) ? "yes" : "no");
	else if (json_is_array(value))
		cell_words(cell, value);
	else
		strcpy(cell, "-");
}

void
cell_duration(char cell[CELL_MAX], const json_t *value)
{
	long long s = json_integer_value(value);

	if (!json_is_integer(value))
		cell_plain(cell, value);
	else if (s >= 86400)
		snprintf(cell, CELL_MAX, "%lldd %lldh", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		snprintf(cell, CELL_MAX, "%lldh %lldm", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		snprintf(cell, CELL_MAX, "%lldm %llds", s / 60, s % 60);
	else
		snprintf(cell, CELL_MAX, "%llds", s);
}

void
cell_size(char cell[CELL_MAX], const json_t *value)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double size = (double)json_integer_value(value);
	size_t i;

	if (!json_is_integer(value)) {
		cell_plain(cell, value);
		return;
	}
	if (size < 1024) {
		snprintf(cell, CELL_MAX, "%.0f B", size);
		return;
	}
	for (i = 0, size /= 1024; size >= 1023.95 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
		size /= 1024;
	snprintf(cell, CELL_MAX, "%.1f %s", size, units[i]);
}

void
cell_ranges(char cell[CELL_MAX], const json_t *value)
{
	char text[CELL_MAX] = "", first[CELL_MAX], last[CELL_MAX];
	const json_t *range;
	size_t i, n = 0;

	json_array_foreach(value, i, range) {
		bool pair = json_array_size(range) == 2;

		cell_plain(first, pair ? json_array_get(range, 0) : range);
		cell_plain(last, pair ? json_array_get(range, 1) : range);
		if (n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, strcmp(first, last) != 0 ? "%s%s-%s" : "%s%s",
			    i > 0 ? "," : "", first, last);
	}
	cell_text(cell, n > 0 ? text : "-");
}

/* ---- tables ---- */

/* Columns that the cell takes on a terminal. */
static int
cell_width(const char *cell)
{
	wchar_t wide[CELL_MAX];
	size_t n = mbstowcs(wide, cell, CELL_MAX);
	int width = n == (size_t)-1 ? -1 : wcswidth(wide, n);

	return width >= 0 ? width : (int)strlen(cell);
}

static void
put_blanks(FILE *out, int n)
{
	if (n > 0)
		fprintf(out, "%*s", n, "");
}

struct layout { int width[COLUMNS_MAX]; bool right[COLUMNS_MAX]; };

/* Cells are made twice, here for their widths and below for printing, in place of keeping a million of them. */
static void
measure(struct layout *layout, const json_t *rows, const struct column *columns)
{
	char cell[CELL_MAX];
	const json_t *row;
	size_t i;

	for (int c = 0; columns[c].heading != NULL && c < COLUMNS_MAX; c++) {
		layout->width[c] = cell_width(columns[c].heading);
		layout->right[c] = json_is_number(json_object_get(json_array_get(rows, 0), columns[c].member));
		json_array_foreach(rows, i, row) {
			columns[c].cell(cell, json_object_get(row, columns[c].member));
			if (cell_width(cell) > layout->width[c])
				layout->width[c] = cell_width(cell);
		}
	}
}

static void
put_cell(FILE *out, const struct layout *layout, const struct column *columns, int c, const char *cell)
{
	int pad = layout->width[c] - cell_width(cell);
	bool end = columns[c + 1].heading == NULL || c + 1 == COLUMNS_MAX;

	put_blanks(out, layout->right[c] ? pad : 0);
	fputs(cell, out);
	if (end)
		putc('\n', out);
	else
		put_blanks(out, GAP + (layout->right[c] ? 0 : pad));
}

static void
put_table(FILE *out, const json_t *rows, const struct column *columns, int indent)
{
	struct layout layout = { 0 };
	char cell[CELL_MAX];
	const json_t *row;
	size_t i;

	measure(&layout, rows, columns);
	put_blanks(out, indent);
	for (int c = 0; columns[c].heading != NULL && c < COLUMNS_MAX; c++)
		put_cell(out, &layout, columns, c, columns[c].heading);
	json_array_foreach(rows, i, row) {
		put_blanks(out, indent);
		for (int c = 0; columns[c].heading != NULL && c < COLUMNS_MAX; c++) {
			columns[c].cell(cell, json_object_get(row, columns[c].member));
			put_cell(out, &layout, columns, c, cell);
		}
	}
}

void
writer_table(FILE *out, const json_t *rows, const struct column *columns, const char *empty)
{
	if (json_array_size(rows) == 0)
		fprintf(out, "%s\n", empty);
	else
		put_table(out, rows, columns, 0);
}

/* ---- objects whose members are not known beforehand ---- */

static bool
ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && strcmp(name + n - m, suffix) == 0;
}

static cell_fn *
cell_for(const char *name)
{
	return ends_in(name, "_s") ? cell_duration : ends_in(name, "_bytes") ? cell_size : cell_plain;
}

/* "uptime_s" -> "uptime"; the names of RSIP messages, in capitals, stay as they are. */
static void
label(char text[CELL_MAX], const char *name)
{
	size_t len;

	cell_text(text, name);
	len = strlen(text);
	if (ends_in(text, "_s"))
		text[len - 2] = '\0';
	for (; *text != '\0' && !isupper((unsigned char)*text); text++) {
		if (*text == '_')
			*text = ' ';
	}
}

static void
put_rows(FILE *out, const json_t *rows, int indent)
{
	struct column columns[COLUMNS_MAX + 1] = { 0 };
	char headings[COLUMNS_MAX][CELL_MAX];
	const char *name;
	json_t *value;
	int n = 0;

	json_object_foreach(json_array_get(rows, 0), name, value) {
		if (n == COLUMNS_MAX)
			break;
		label(headings[n], name);
		for (char *c = headings[n]; *c != '\0'; c++)
			*c = (char)toupper((unsigned char)*c);
		columns[n] = (struct column){ headings[n], name, cell_for(name) };
		n++;
	}
	if (n > 0)
		put_table(out, rows, columns, indent);
}

static bool
is_rows(const json_t *value)
{
	return json_is_array(value) && json_is_object(json_array_get(value, 0));
}

/* Is this member shown on a line of its own? Zeroes of inner objects are not: most reasons never happen. */
static bool
is_line(const json_t *value, bool inner)
{
	if (json_is_object(value) || is_rows(value))
		return false;
	return !inner || !json_is_integer(value) || json_integer_value(value) != 0;
}

/* Returns whether there was a line to print. */
static bool
put_lines(FILE *out, json_t *object, int indent)
{
	char text[CELL_MAX];
	bool inner = indent > 2, any = false;
	const char *name;
	json_t *value;
	int width = 0;

	json_object_foreach(object, name, value) {
		label(text, name);
		if (is_line(value, inner) && cell_width(text) > width)
			width = cell_width(text);
	}
	json_object_foreach(object, name, value) {
		if (!is_line(value, inner))
			continue;
		any = true;
		label(text, name);
		put_blanks(out, indent);
		fputs(text, out);
		put_blanks(out, width + GAP - cell_width(text));
		cell_for(name)(text, value);
		fprintf(out, "%s\n", text);
	}
	return any;
}

static void
put_members(FILE *out, json_t *object, int indent)
{
	char text[CELL_MAX];
	const char *name;
	json_t *value;
	bool any = put_lines(out, object, indent);

	json_object_foreach(object, name, value) {
		if (!json_is_object(value) && !is_rows(value))
			continue;
		any = true;
		label(text, name);
		put_blanks(out, indent);
		fprintf(out, "%s:\n", text);
		if (json_is_object(value))
			put_members(out, value, indent + 2);
		else
			put_rows(out, value, indent + 2);
	}
	if (!any) {
		put_blanks(out, indent);
		fputs("none\n", out);
	}
}

void
writer_members(FILE *out, const json_t *object)
{
	put_members(out, (json_t *)object, 0);
}

void
writer_json(FILE *out, const json_t *document)
{
	json_dumpf(document, out, JSON_COMPACT | JSON_ENCODE_ANY);
	putc('\n', out);
}
