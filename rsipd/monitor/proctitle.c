#include "config.h"

#include "proctitle.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

/* The kernel lays arguments and environment out behind each other and shows what is there now. */
static char *space;
static size_t space_len;

void
proctitle_init(int argc, char *argv[])
{
	char *end = argv[0], **copy;
	size_t n = 0;

	for (int i = 0; i < argc; i++) {
		if (argv[i] == end)
			end += strlen(end) + 1;
	}
	while (environ[n] != NULL) {
		if (environ[n] == end)
			end += strlen(end) + 1;
		n++;
	}
	copy = mem_zero(n + 1, sizeof(char *)); /* lives as long as the process */
	for (size_t i = 0; i < n; i++)
		copy[i] = mem_strdup(environ[i]);
	environ = copy;
	space = argv[0];
	space_len = (size_t)(end - argv[0]);
}

void
proctitle_set(const char *title)
{
	if (space_len == 0)
		return;
	memset(space, 0, space_len);
	snprintf(space, space_len, "%s", title);
}
