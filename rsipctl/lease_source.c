#include "config.h"

#include "lease_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

#define TIMEOUT_MS 5000

struct lease_source {
	const char *path;
	int fd; /* -1: lost */
	json_int_t changes;
	json_t *data_plane; /* NULL: never updated */
};

struct lease_source *
lease_source_new(const char *path, int fd)
{
	struct lease_source *s = mem_zero(1, sizeof(*s));

	s->path = path;
	s->fd = fd;
	return s;
}

void
lease_source_free(struct lease_source *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	json_decref(s->data_plane);
	free(s);
}

const json_t *
lease_source_data_plane(const struct lease_source *s)
{
	return s->data_plane;
}

/* A new reference, or NULL. */
static json_t *
ask(struct lease_source *s, const char *command, char error[CTL_ERROR_LEN])
{
	json_t *request = json_pack("{s:s}", "cmd", command), *document = NULL;

	if (s->fd < 0 && (s->fd = ctl_client_connect(s->path)) < 0)
		snprintf(error, CTL_ERROR_LEN, "%s", strerror(errno));
	else if (ctl_client_ask(s->fd, request, -1, TIMEOUT_MS, &document, error) == CTL_BROKEN) {
		close(s->fd);
		s->fd = -1;
	}
	json_decref(request);
	return document;
}

/* A daemon started anew counts from the beginning: any other number is a change. */
static bool
has_changed(struct lease_source *s, json_int_t *changes, char error[CTL_ERROR_LEN])
{
	json_t *document = ask(s, "changes", error);

	*changes = json_integer_value(document);
	json_decref(document);
	return document != NULL && (s->data_plane == NULL || *changes != s->changes);
}

enum lease_news
lease_source_update(struct lease_source *s, struct lease_view *view, int64_t now, char error[CTL_ERROR_LEN])
{
	json_t *data_plane = NULL, *bindings = NULL;
	enum lease_news news = LEASES_FAILED;
	json_int_t changes;

	error[0] = '\0';
	if (!has_changed(s, &changes, error))
		return error[0] == '\0' ? LEASES_SAME : LEASES_FAILED;
	if ((data_plane = ask(s, "data-plane", error)) != NULL && (bindings = ask(s, "bindings", error)) != NULL &&
	    lease_view_load(view, data_plane, bindings, now, error)) {
		s->changes = changes;
		json_decref(s->data_plane);
		s->data_plane = json_incref(data_plane);
		news = LEASES_NEW;
	}
	json_decref(data_plane);
	json_decref(bindings);
	return news;
}

json_t *
lease_source_document(struct lease_source *s, char error[CTL_ERROR_LEN])
{
	json_t *data_plane = ask(s, "data-plane", error);
	json_t *bindings = data_plane != NULL ? ask(s, "bindings", error) : NULL;

	if (bindings != NULL)
		return json_pack("{s:o, s:o}", "data_plane", data_plane, "bindings", bindings);
	json_decref(data_plane);
	return NULL;
}

/* ---- files ---- */

bool
lease_document_load(const json_t *document, struct lease_view *view, int64_t now, char error[CTL_ERROR_LEN])
{
	const json_t *data_plane = json_object_get(document, "data_plane");

	if (json_is_array(document))
		return lease_view_load(view, NULL, document, now, error);
	if (json_is_object(data_plane))
		return lease_view_load(view, data_plane, json_object_get(document, "bindings"), now, error);
	snprintf(error, CTL_ERROR_LEN, "neither what \"rsipctl leases\" prints nor what \"rsipctl -j bindings\" does");
	return false;
}

bool
lease_file_load(const char *path, struct lease_view *view, int64_t now, char error[CTL_ERROR_LEN])
{
	json_error_t fault;
	json_t *document = json_load_file(path, 0, &fault);
	bool loaded;

	if (document == NULL) {
		snprintf(error, CTL_ERROR_LEN, "line %d: %s", fault.line, fault.text);
		return false;
	}
	loaded = lease_document_load(document, view, now, error);
	json_decref(document);
	return loaded;
}
