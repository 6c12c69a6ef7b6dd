#include "config.h"

#include "leases.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon.h"
#include "lease_source.h"
#include "options.h"
#include "writer.h"

int
leases_run(const struct options *o)
{
	const char *path = daemon_socket(o->socket);
	int fd = daemon_connect(path), status = 0;
	char error[CTL_ERROR_LEN];
	struct lease_source *source;
	json_t *document;

	if (fd < 0)
		return EXIT_NO_DAEMON;
	source = lease_source_new(path, fd);
	if ((document = lease_source_document(source, error)) == NULL) {
		fprintf(stderr, "rsipctl: leases: %s\n", error);
		status = EXIT_REFUSED;
	} else {
		writer_json(stdout, document);
	}
	if (fflush(stdout) != 0) {
		fprintf(stderr, "rsipctl: cannot write: %s\n", strerror(errno));
		status = EXIT_REFUSED;
	}
	json_decref(document);
	lease_source_free(source);
	return status;
}
