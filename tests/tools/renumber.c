/* renumber: changes a machine's IPv4 addresses and default route from one instant to the next: all steps in one message to
 * the kernel, which does them in one system call, so that no packet and no program finds it in between.
 *
 *   renumber STEP...     -ADDRESS/LEN@DEVICE    the address is taken away (no error if it is not there)
 *                        +ADDRESS/LEN@DEVICE    it is given
 *                        via=GATEWAY            the default route
 *
 * Prints when the kernel began and when it had done, in microseconds of CLOCK_MONOTONIC. */
#include <errno.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/addr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/route.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#define STEPS_MAX 8

static int
die(const char *what, const char *why)
{
	fprintf(stderr, "renumber: %s: %s\n", what, why);
	exit(2);
}

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct nl_addr *
parse(const char *text)
{
	struct nl_addr *addr;

	if (nl_addr_parse(text, AF_INET, &addr) != 0)
		die(text, "no IPv4 address");
	return addr;
}

/* --- the steps ------------------------------------------------------------------------------------------------------ */

static struct nl_msg *
address_step(const char *step)
{
	char *text = strdup(step + 1), *device = text != NULL ? strchr(text, '@') : NULL;
	struct rtnl_addr *address = rtnl_addr_alloc();
	struct nl_addr *local;
	struct nl_msg *msg;
	int err;

	if (device == NULL)
		die(step, "ADDRESS/LEN@DEVICE is wanted");
	*device++ = '\0';
	local = parse(text);
	rtnl_addr_set_local(address, local);
	rtnl_addr_set_ifindex(address, (int)if_nametoindex(device));
	if (*step == '+')
		err = rtnl_addr_build_add_request(address, NLM_F_CREATE | NLM_F_REPLACE, &msg);
	else
		err = rtnl_addr_build_delete_request(address, 0, &msg);
	if (err != 0)
		die(step, nl_geterror(err));
	nl_addr_put(local);
	rtnl_addr_put(address);
	free(text);
	return msg;
}

static struct nl_msg *
route_step(const char *gateway)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	struct nl_addr *everything = nl_addr_build(AF_INET, "\0\0\0", 4), *via = parse(gateway);
	struct nl_msg *msg;
	int err;

	nl_addr_set_prefixlen(everything, 0);
	rtnl_route_nh_set_gateway(hop, via);
	rtnl_route_set_dst(route, everything);
	rtnl_route_set_scope(route, RT_SCOPE_UNIVERSE);
	rtnl_route_add_nexthop(route, hop);
	err = rtnl_route_build_add_request(route, NLM_F_CREATE | NLM_F_REPLACE, &msg);
	if (err != 0)
		die(gateway, nl_geterror(err));
	nl_addr_put(via);
	nl_addr_put(everything);
	rtnl_route_put(route);
	return msg;
}

static struct nl_msg *
step_message(const char *step)
{
	if (*step == '+' || *step == '-')
		return address_step(step);
	if (strncmp(step, "via=", 4) != 0)
		die(step, "a step is -ADDRESS/LEN@DEVICE, +ADDRESS/LEN@DEVICE or via=GATEWAY");
	return route_step(step + 4);
}

/* --- doing them ----------------------------------------------------------------------------------------------------- */

/* The kernel goes through the messages of one datagram before sendto(2) returns. */
static void
send_together(struct nl_sock *sock, struct nl_msg *const *msgs, int n)
{
	_Alignas(struct nlmsghdr) char bytes[8192];
	size_t len = 0;
	int err;

	for (int i = 0; i < n; i++) {
		struct nlmsghdr *header = nlmsg_hdr(msgs[i]);

		header->nlmsg_seq = (uint32_t)i;
		header->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
		if (len + NLMSG_ALIGN(header->nlmsg_len) > sizeof(bytes))
			die("messages", "too long");
		memcpy(bytes + len, header, header->nlmsg_len);
		len += NLMSG_ALIGN(header->nlmsg_len);
	}
	if ((err = nl_sendto(sock, bytes, len)) < 0)
		die("netlink", nl_geterror(err));
}

static bool
is_harmless(const char *step, int error)
{
	return error == 0 || (*step == '-' && error == -EADDRNOTAVAIL);
}

/* Every step is answered: false after a line for each that failed. */
static bool
read_answers(struct nl_sock *sock, char **steps, int n)
{
	_Alignas(struct nlmsghdr) char bytes[8192];
	bool good = true;

	while (n > 0) {
		ssize_t got = recv(nl_socket_get_fd(sock), bytes, sizeof(bytes), 0);
		int left = (int)got;

		if (got < 0)
			die("netlink", strerror(errno));
		for (struct nlmsghdr *m = (struct nlmsghdr *)bytes; nlmsg_ok(m, left); m = nlmsg_next(m, &left)) {
			const struct nlmsgerr *answer = nlmsg_data(m);

			if (m->nlmsg_type != NLMSG_ERROR)
				continue;
			n--;
			if (is_harmless(steps[m->nlmsg_seq], answer->error))
				continue;
			fprintf(stderr, "renumber: %s: %s\n", steps[m->nlmsg_seq], strerror(-answer->error));
			good = false;
		}
	}
	return good;
}

int
main(int argc, char **argv)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct nl_msg *msgs[STEPS_MAX];
	int n = argc - 1;
	int64_t began, done;

	if (n < 1 || n > STEPS_MAX) {
		fprintf(stderr, "usage: renumber STEP...   (-ADDRESS/LEN@DEVICE +ADDRESS/LEN@DEVICE via=GATEWAY)\n");
		return 2;
	}
	for (int i = 0; i < n; i++)
		msgs[i] = step_message(argv[i + 1]);
	if (nl_connect(sock, NETLINK_ROUTE) != 0)
		die("netlink", "cannot be opened");
	mlockall(MCL_CURRENT); /* nothing is to be paged in on the way, nor bound (-z now) */
	began = now_us();
	send_together(sock, msgs, n);
	done = now_us();
	if (!read_answers(sock, argv + 1, n))
		return 1;
	printf("%" PRId64 " %" PRId64 "\n", began, done);
	for (int i = 0; i < n; i++)
		nlmsg_free(msgs[i]);
	nl_socket_free(sock);
	return 0;
}
