/* The files of conversations, as README says they are written. */
#ifndef TESTS_SCRIPT_H
#define TESTS_SCRIPT_H

#include <stddef.h>

struct script_line {
	int number; /* in the file */
	char *text; /* with the lines that go on from it, without comments; never empty */
};

struct conversation {
	const char *file; /* its name, without the directory */
	const char *conf; /* the configuration that it is held under */
	char *title;
	struct script_line *lines;
	size_t n_lines;
};

struct script {
	struct conversation *list;
	size_t n;
};

/* Reads all .txt files of a directory, in the order of their names; never freed. What cannot be read ends the program. */
struct script script_read(const char *dir);

#endif
