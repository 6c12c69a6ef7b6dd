#include "config.h"

#include "reload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "conf_keys.h"
#include "log.h"

#define CHUNK (1 << 20)

static void
log_fault(const char *line, void *arg)
{
	(void)arg;
	log_error("config", "refused: %s", line);
}

int
reload_copy(const char *path)
{
	int from = open(path, O_RDONLY | O_CLOEXEC), to = -1, saved;
	ssize_t n = -1;

	if (from >= 0)
		to = memfd_create("rsipd.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (to >= 0) {
		while ((n = sendfile(to, from, NULL, CHUNK)) > 0)
			;
	}
	saved = errno;
	if (from >= 0)
		close(from);
	if (n == 0 && fcntl(to, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return to;
	if (to >= 0)
		close(to);
	errno = saved;
	return -1;
}

struct conf *
reload_again(int fd, const char *path)
{
	struct conf *conf = conf_parse_fd(fd, path, log_fault, NULL);

	if (conf == NULL || conf_keys_read(conf, path, log_fault, NULL))
		return conf;
	conf_free(conf);
	return NULL;
}

struct conf *
reload_read(const char *path, int *fd)
{
	struct conf *conf;

	*fd = reload_copy(path);
	if (*fd < 0) {
		log_error("config", "cannot read path=\"%s\" error=\"%s\"", path, strerror(errno));
		return NULL;
	}
	conf = reload_again(*fd, path);
	if (conf == NULL) {
		close(*fd);
		*fd = -1;
	}
	return conf;
}
