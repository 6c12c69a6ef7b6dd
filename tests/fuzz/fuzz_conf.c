/* rsipd.conf: any bytes are accepted or refused with a reason; and lookups in what was accepted find their way. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
count(const char *line, void *arg)
{
	(void)line;
	(*(unsigned *)arg)++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("conf", MFD_CLOEXEC);
	unsigned faults = 0;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	struct conf *conf = conf_parse_fd(fd, "conf", count, &faults);
	if ((conf == NULL) != (faults > 0))
		abort();
	for (size_t i = 0; conf != NULL && i < conf->n_pool_ranges; i++) {
		if (conf_pool_of(conf, conf->pool_ranges[i].range.last) != conf->pool_ranges[i].pool)
			abort();
	}
	for (size_t i = 0; conf != NULL && i < conf->n_hosts; i++) {
		if (conf_policy_for(conf, conf->hosts[i].prefix.addr) == NULL)
			abort();
	}
	conf_free(conf);
	close(fd);
	return 0;
}
