#include "config.h"

#include "daemon.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl_client.h"
#include "options.h"

#define GATEWAY_SOCKET "/run/rsip/rsipd.sock"
#define HOST_SOCKET "/run/rsip/rsipc.sock"
#define TIMEOUT_MS 10000 /* of silence; a long answer may take longer in all */

const char *
daemon_socket(const char *given)
{
	if (given != NULL)
		return given;
	return access(GATEWAY_SOCKET, F_OK) != 0 && access(HOST_SOCKET, F_OK) == 0 ? HOST_SOCKET : GATEWAY_SOCKET;
}

int
daemon_connect(const char *path)
{
	int fd = ctl_client_connect(path);

	if (fd < 0)
		fprintf(stderr, errno == ENOENT || errno == ECONNREFUSED
		                    ? "rsipctl: no daemon at %s (%s): is rsipd or rsipc running?\n"
		                    : "rsipctl: cannot connect to %s: %s\n",
		    path, strerror(errno));
	return fd;
}

int
daemon_ask(int fd, const char *path, const char *command, const json_t *request, json_t **document)
{
	char error[CTL_ERROR_LEN];

	switch (ctl_client_ask(fd, request, -1, TIMEOUT_MS, document, error)) {
	case CTL_DONE:
		return 0;
	case CTL_REFUSED:
		fprintf(stderr, "rsipctl: %s: %s\n", command, error);
		return EXIT_REFUSED;
	default:
		fprintf(stderr, "rsipctl: %s: %s\n", path, error);
		return EXIT_NO_DAEMON;
	}
}
