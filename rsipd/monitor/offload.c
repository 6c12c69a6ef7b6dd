#include "offload.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"

/* The kernel counts features by bits in blocks of 32; which bit a name has changes from kernel to kernel. */
#define BLOCK_BITS 32

static bool
ethtool(const char *device, void *command)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };
	bool done;

	if (fd < 0)
		return false;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	request.ifr_data = command;
	done = ioctl(fd, SIOCETHTOOL, &request) == 0;
	close(fd);
	return done;
}

static uint32_t
features_count(const char *device)
{
	struct ethtool_sset_info *query = mem_zero(1, sizeof(*query) + sizeof(query->data[0]));
	uint32_t count = 0;

	query->cmd = ETHTOOL_GSSET_INFO;
	query->sset_mask = 1ull << ETH_SS_FEATURES;
	if (ethtool(device, query) && query->sset_mask != 0)
		count = query->data[0];
	free(query);
	return count;
}

/* The feature's bit, or -1; *count becomes the number of bits in all. */
static int
feature_bit(const char *device, const char *feature, uint32_t *count)
{
	int bit = -1;

	*count = features_count(device);
	struct ethtool_gstrings *names = mem_zero(1, sizeof(*names) + (size_t)*count * ETH_GSTRING_LEN);
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = *count;
	if (*count > 0 && ethtool(device, names)) {
		for (uint32_t i = 0; i < names->len && bit < 0; i++) {
			if (strncmp((const char *)names->data + (size_t)i * ETH_GSTRING_LEN, feature, ETH_GSTRING_LEN) == 0)
				bit = (int)i;
		}
	}
	free(names);
	return bit;
}

static uint32_t
blocks_for(uint32_t count)
{
	return (count + BLOCK_BITS - 1) / BLOCK_BITS;
}

bool
offload_get(const char *device, const char *feature)
{
	uint32_t count;
	int bit = feature_bit(device, feature, &count);
	bool on = false;

	if (bit < 0)
		return false;
	struct ethtool_gfeatures *now = mem_zero(1, sizeof(*now) + blocks_for(count) * sizeof(now->features[0]));
	now->cmd = ETHTOOL_GFEATURES;
	now->size = blocks_for(count);
	if (ethtool(device, now))
		on = now->features[bit / BLOCK_BITS].active >> bit % BLOCK_BITS & 1;
	free(now);
	return on;
}

bool
offload_set(const char *device, const char *feature, bool on)
{
	uint32_t count;
	int bit = feature_bit(device, feature, &count);

	if (bit < 0)
		return !on;
	struct ethtool_sfeatures *change = mem_zero(1, sizeof(*change) + blocks_for(count) * sizeof(change->features[0]));
	change->cmd = ETHTOOL_SFEATURES;
	change->size = blocks_for(count);
	change->features[bit / BLOCK_BITS].valid = 1u << bit % BLOCK_BITS;
	change->features[bit / BLOCK_BITS].requested = on ? 1u << bit % BLOCK_BITS : 0;
	errno = 0;
	ethtool(device, change);
	free(change);
	if (offload_get(device, feature) == on)
		return true;
	log_warn("netstate", "cannot switch device=%s feature=%s to=%s error=\"%s\"", device, feature, on ? "on" : "off",
	         errno != 0 ? strerror(errno) : "the device insists");
	return false;
}
