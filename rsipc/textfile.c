#include "textfile.h"

#include <errno.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"

static bool
holds(const char *path, const char *text)
{
	size_t len = strlen(text);
	char *now = mem_zero(len + 2, 1);
	FILE *f = fopen(path, "re");
	bool same = f != NULL && fread(now, 1, len + 1, f) == len && memcmp(now, text, len) == 0;

	if (f != NULL)
		fclose(f);
	free(now);
	return same;
}

/* Writes beside the file and renames: a reader sees the old text or the new. */
static bool
replace(const char *path, const char *text)
{
	size_t len = strlen(path) + sizeof(".new");
	char *fresh = mem_zero(len, 1);
	bool done = false;
	FILE *f;

	snprintf(fresh, len, "%s.new", path);
	if ((f = fopen(fresh, "we")) != NULL) {
		done = fputs(text, f) >= 0 && fchmod(fileno(f), 0644) == 0;
		done = fclose(f) == 0 && done;
		done = done && rename(fresh, path) == 0;
		if (!done) {
			int saved = errno;
			unlink(fresh);
			errno = saved;
		}
	}
	free(fresh);
	return done;
}

void
textfile_put(const char *path, const char *text)
{
	if (text == NULL) {
		if (unlink(path) != 0 && errno != ENOENT)
			log_warn("file", "cannot be removed path=%s error=\"%s\"", path, strerror(errno));
	} else if (!holds(path, text) && !replace(path, text)) {
		log_error("file", "cannot be written path=%s error=\"%s\"", path, strerror(errno));
	}
}

void
textfile_make_directory(const char *path)
{
	char *copy = mem_strdup(path);

	if (mkdir(dirname(copy), 0755) != 0 && errno != EEXIST)
		log_debug("file", "directory cannot be made path=%s error=\"%s\"", path, strerror(errno));
	free(copy);
}
