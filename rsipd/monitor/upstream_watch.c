#include "config.h"

#include "upstream_watch.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"
#include "loop.h"
#include "mem.h"

#define SETTLE_MS 200 /* leases are taken and renewed one after the other: one reload for all of them */

struct upstream_watch {
	int fd;
	char **names; /* of the files, in their directories */
	size_t n_names;
	struct loop_event *readable, *settled;
	void (*changed)(void *arg);
	void *arg;
};

static bool
is_ours(const struct upstream_watch *watch, const struct inotify_event *event)
{
	for (size_t i = 0; event->len > 0 && i < watch->n_names; i++) {
		if (strcmp(watch->names[i], event->name) == 0)
			return true;
	}
	return false;
}

/* Another file of that name in another directory costs a reload that changes nothing. */
static void
readable_cb(int fd, void *arg)
{
	struct upstream_watch *watch = arg;
	union { struct inotify_event align; char bytes[4096]; } buffer;
	ssize_t n;

	while ((n = read(fd, &buffer, sizeof(buffer))) > 0) {
		const struct inotify_event *event;

		for (char *at = buffer.bytes; at < buffer.bytes + n; at += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)(const void *)at;
			if (is_ours(watch, event))
				loop_timer_set(watch->settled, SETTLE_MS);
		}
	}
}

static void
settled_cb(void *arg)
{
	struct upstream_watch *watch = arg;

	watch->changed(watch->arg); /* may free the watch */
}

/* The directory is watched, as the file is replaced by another one. */
static void
watch_file(struct upstream_watch *watch, const char *path)
{
	char *copy = mem_strdup(path), *slash = strrchr(copy, '/');
	const char *name = slash + 1, *directory = copy;

	if (slash == copy)
		directory = "/";
	*slash = '\0';
	watch->names = mem_grow(watch->names, watch->n_names + 1, sizeof(*watch->names));
	watch->names[watch->n_names++] = mem_strdup(name);
	if (inotify_add_watch(watch->fd, directory, IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE) < 0)
		log_error("upstream", "cannot be followed, make its directory and reload path=\"%s\" error=\"%s\"", path,
		          strerror(errno));
	free(copy);
}

struct upstream_watch *
upstream_watch_new(struct loop *loop, const struct conf *conf, void (*changed)(void *arg), void *arg)
{
	struct upstream_watch *watch;

	if (!conf_has_upstream(conf))
		return NULL;
	watch = mem_zero(1, sizeof(*watch));
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->fd < 0) {
		log_error("upstream", "files cannot be followed error=\"%s\"", strerror(errno));
		free(watch);
		return NULL;
	}
	watch->changed = changed;
	watch->arg = arg;
	watch->settled = loop_timer(loop, settled_cb, watch);
	watch->readable = loop_readable(loop, watch->fd, readable_cb, watch);
	for (size_t i = 0; i < conf->n_pools; i++) {
		if (conf->pools[i].upstream != NULL)
			watch_file(watch, conf->pools[i].upstream);
	}
	return watch;
}

void
upstream_watch_free(struct upstream_watch *watch)
{
	if (watch == NULL)
		return;
	loop_event_free(watch->readable);
	loop_event_free(watch->settled);
	for (size_t i = 0; i < watch->n_names; i++)
		free(watch->names[i]);
	free(watch->names);
	close(watch->fd);
	free(watch);
}
