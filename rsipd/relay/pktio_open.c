#include "config.h"

#include "pktio_open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

#define SOCKET_BUFFER (4 * 1024 * 1024) /* some milliseconds of a fast link */
#define OUTER_TTL 64                    /* RFC 2003 3.1: what brings it to the end of the tunnel */

static int
fail(int fd, const char *what, const char *advice)
{
	log_error("relay", "cannot %s: %s; %s", what, strerror(errno), advice);
	if (fd >= 0)
		close(fd);
	return -1;
}

int
pktio_open_tun(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return fail(fd, "open /dev/net/tun", "load the tun module (modprobe tun) and run as root");
	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	if (ioctl(fd, TUNSETIFF, &request) != 0)
		return fail(fd, "make the TUN device", "is another gateway running, or CAP_NET_ADMIN missing?");
	return fd;
}

bool
pktio_tun_there(int tun)
{
	struct ifreq request = { 0 };

	return ioctl(tun, TUNGETIFF, &request) == 0;
}

/* A socket that only sends would otherwise be given a copy of every packet of its protocol. */
static bool
receive_nothing(int fd)
{
	struct sock_filter drop_all = { .code = BPF_RET | BPF_K, .k = 0 };
	struct sock_fprog program = { .len = 1, .filter = &drop_all };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

static bool
set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* IP_PMTUDISC_DO: DF set, and EMSGSIZE for what is longer than the path takes (RFC 2003 5.1). IP_PMTUDISC_DONT: no
 * DF, and the kernel fragments. */
static int
open_raw(int protocol, enum relay_df df)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	int discover = df == RELAY_DF ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT;
	bool done = fd >= 0 && set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, discover) &&
	            set_int(fd, IPPROTO_IP, IP_TTL, OUTER_TTL) && set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER);

	if (done && df == RELAY_DF)
		done = set_int(fd, IPPROTO_IP, IP_PKTINFO, 1) && set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER);
	else if (done)
		done = receive_nothing(fd);
	return done ? fd : fail(fd, "open a raw socket for tunnel packets", "CAP_NET_RAW and CAP_NET_ADMIN are needed");
}

/* Destination unreachable, time exceeded: what may be about a packet of a tunnel (RFC 2003 4). The kernel hands each
 * raw ICMP socket a copy. */
static int
open_icmp(void)
{
	struct icmp_filter keep = { .data = ~(1u << ICMP_DEST_UNREACH | 1u << ICMP_TIME_EXCEEDED) };
	int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
	bool done = fd >= 0 && setsockopt(fd, SOL_RAW, ICMP_FILTER, &keep, sizeof(keep)) == 0 &&
	            set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);

	return done ? fd : fail(fd, "open a raw socket for ICMP errors", "CAP_NET_RAW is needed");
}

static void
close_all(struct relay_fds *fds)
{
	int *all[] = { &fds->ipip[RELAY_DF], &fds->ipip[RELAY_FRAGMENT], &fds->gre[RELAY_DF], &fds->gre[RELAY_FRAGMENT],
		       &fds->icmp, &fds->probe };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (*all[i] >= 0)
			close(*all[i]);
		*all[i] = -1;
	}
}

bool
pktio_open_tunnels(struct relay_fds *fds)
{
	bool done = true;

	for (int df = 0; df < RELAY_DF_COUNT; df++) {
		fds->ipip[df] = open_raw(IPPROTO_IPIP, df);
		fds->gre[df] = open_raw(IPPROTO_GRE, df);
		done = done && fds->ipip[df] >= 0 && fds->gre[df] >= 0;
	}
	fds->icmp = open_icmp();
	fds->probe = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fds->probe < 0)
		fail(-1, "open a socket", "too many files open?");
	done = done && fds->icmp >= 0 && fds->probe >= 0;
	if (!done)
		close_all(fds);
	return done;
}
