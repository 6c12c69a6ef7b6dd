#include "config.h"

#include "conf_keys.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf.h"
#include "key_file.h"

#define WHY_MAX 512

bool
conf_keys_read(struct conf *conf, const char *path, cfile_report *report, void *arg)
{
	char why[WHY_MAX], line[2 * WHY_MAX];
	bool ok = true;

	for (size_t i = 0; i < conf->n_hosts; i++) {
		struct conf_host *host = &conf->hosts[i];

		if (host->identity == NULL || key_file_read(host->key_file, &host->key, why, sizeof(why)))
			continue;
		snprintf(line, sizeof(line), "%s:%d: key-file: %s", path, host->key_line, why);
		report(line, arg);
		ok = false;
	}
	return ok;
}

/* As many records as there are sections, in their order, which is the same for the same text. */
int
conf_keys_pack(const struct conf *conf)
{
	int fd = memfd_create("rsipd.keys", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	bool ok = fd >= 0;

	for (size_t i = 0; ok && i < conf->n_hosts; i++)
		ok = write(fd, &conf->hosts[i].key, sizeof(conf->hosts[i].key)) == sizeof(conf->hosts[i].key);
	if (ok && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

bool
conf_keys_take(struct conf *conf, int fd)
{
	for (size_t i = 0; i < conf->n_hosts; i++) {
		struct conf_host *host = &conf->hosts[i];
		off_t at = (off_t)(i * sizeof(host->key));

		if (host->identity == NULL)
			continue;
		if (pread(fd, &host->key, sizeof(host->key), at) != sizeof(host->key) ||
		    host->key.len < AUTHENTICATION_KEY_MIN || host->key.len > AUTHENTICATION_KEY_MAX)
			return false;
	}
	return true;
}

void
conf_keys_wipe(struct conf *conf)
{
	for (size_t i = 0; i < conf->n_hosts; i++)
		authentication_wipe(&conf->hosts[i].key);
}
