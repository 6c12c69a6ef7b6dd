/* Where a lease table comes from: the daemon, which is followed, or a file. */
#ifndef RSIPCTL_LEASE_SOURCE_H
#define RSIPCTL_LEASE_SOURCE_H

#include <jansson.h>
#include <stdint.h>

#include "ctl_client.h"
#include "lease_view.h"

struct lease_source;

enum lease_news { LEASES_SAME, LEASES_NEW, LEASES_FAILED };

/* The daemon behind the connection fd (taken over) to the socket at path (borrowed). */
struct lease_source *lease_source_new(const char *path, int fd);
void lease_source_free(struct lease_source *s); /* accepts NULL */

/* Asks whether anything has changed since the last time, and loads it into view if so. LEASES_FAILED with a reason in
 * error: view stays as it was, or is empty after the first time. A lost connection is made anew with the next call. */
enum lease_news lease_source_update(struct lease_source *s, struct lease_view *view, int64_t now,
                                    char error[CTL_ERROR_LEN]);

/* The "data-plane" document of the last update that did not fail; borrowed until the next. */
const json_t *lease_source_data_plane(const struct lease_source *s);

/* All that a table is made of, as one document that lease_file_load reads: a new reference, or NULL with a reason. */
json_t *lease_source_document(struct lease_source *s, char error[CTL_ERROR_LEN]);

/* A file with such a document, or with the array that "rsipctl -j bindings" prints. False with a reason. */
bool lease_file_load(const char *path, struct lease_view *view, int64_t now, char error[CTL_ERROR_LEN]);
bool lease_document_load(const json_t *document, struct lease_view *view, int64_t now, char error[CTL_ERROR_LEN]);

#endif
