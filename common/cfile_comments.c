#include "cfile_comments.h"

#include <string.h>

#define WORD_ENDS " \t\r\n={}(),+" /* behind these libconfuse starts a new token */

/* Behind the string that starts at the quote at s, or at the end of the text. A backslash guards the next character. */
static char *
skip_string(char *s)
{
	char quote = *s++;

	while (*s != '\0' && *s != quote)
		s += *s == '\\' && s[1] != '\0' ? 2 : 1;
	return *s == '\0' ? s : s + 1;
}

static char *
blank_line(char *s)
{
	size_t len = strcspn(s, "\n");

	memset(s, ' ', len);
	return s + len;
}

/* Behind the comment at s, lines kept; NULL when it does not end. */
static char *
blank_block(char *s)
{
	char *end = strstr(s + 2, "*/");

	if (end == NULL)
		return NULL;
	for (end += 2; s < end; s++) {
		if (*s != '\n')
			*s = ' ';
	}
	return end;
}

bool
cfile_blank_comments(char *text)
{
	bool new_word = true;

	for (char *s = text; s != NULL && *s != '\0';) {
		if (*s == '"' || *s == '\'') {
			s = skip_string(s);
			new_word = true;
		} else if (*s == '#' || (new_word && s[0] == '/' && s[1] == '/')) {
			s = blank_line(s);
		} else if (new_word && s[0] == '/' && s[1] == '*') {
			s = blank_block(s);
			if (s == NULL)
				return false;
		} else {
			new_word = strchr(WORD_ENDS, *s) != NULL;
			s++;
		}
	}
	return true;
}
