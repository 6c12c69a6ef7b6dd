/* Neighbours that do not answer, because they were asked in the name of another network's address: in a network namespace
 * of its own, with a peer that only listens. */
#include "config.h"

#include <arpa/inet.h>
#include <check.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"
#include "own_network.h"
#include "run_suite.h"

#define SILENT "192.0.2.50"

static int wire; /* ARP as the peer sees it */
static struct netlink *nl;

static void
setup(void)
{
	struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP) };
	struct timeval patience = { .tv_sec = 20 };

	ck_assert(ip("link add one type veth peer name two"));
	ck_assert(ip("link add other type veth peer name far"));
	ck_assert(ip("addr add 192.0.2.1/24 dev one"));
	ck_assert(ip("addr add 198.51.100.1/24 dev other"));
	/* What is asked for again within a minute has been asked for anew. */
	ck_assert(ip("ntable change name arp_cache dev one retrans 60000"));
	ck_assert(ip("link set two up arp off"));
	ck_assert(ip("link set one up"));
	ck_assert(ip("link set other up"));
	ck_assert(ip("neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev one nud reachable"));
	all.sll_ifindex = (int)if_nametoindex("two");
	wire = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ARP));
	ck_assert(wire >= 0 && bind(wire, (struct sockaddr *)&all, sizeof(all)) == 0);
	ck_assert(setsockopt(wire, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
	ck_assert_ptr_nonnull(nl = netlink_open());
}

static void
teardown(void)
{
	netlink_close(nl);
	close(wire);
	ip("link del one");
	ip("link del other");
}

static void
send_from(const char *address)
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, address, &from.sin_addr);
	inet_pton(AF_INET, SILENT, &to.sin_addr);
	ck_assert(bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0);
	ck_assert_int_eq(sendto(fd, "", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
	close(fd);
}

/* The next request on the wire is for the silent one, in the name of this address. */
static void
asked_by(const char *address)
{
	struct ether_arp arp;
	char sender[INET_ADDRSTRLEN], target[INET_ADDRSTRLEN];

	ck_assert_int_eq(recv(wire, &arp, sizeof(arp), 0), sizeof(arp));
	ck_assert_str_eq(inet_ntop(AF_INET, arp.arp_spa, sender, sizeof(sender)), address);
	ck_assert_str_eq(inet_ntop(AF_INET, arp.arp_tpa, target, sizeof(target)), SILENT);
}

START_TEST(the_next_packet_asks)
{
	send_from("198.51.100.1");
	asked_by("198.51.100.1");
	netlink_ask_anew(nl, if_nametoindex("one"));
	send_from("192.0.2.1");
	asked_by("192.0.2.1");
}
END_TEST

START_TEST(others_stay)
{
	send_from("198.51.100.1");
	asked_by("198.51.100.1");
	netlink_ask_anew(nl, if_nametoindex("other"));
	ck_assert(system("ip neigh show " SILENT " dev one | grep -q INCOMPLETE") == 0);
	netlink_ask_anew(nl, if_nametoindex("one"));
	ck_assert(system("ip neigh show " SILENT " dev one | grep -q INCOMPLETE") != 0);
	ck_assert(system("ip neigh show 192.0.2.9 dev one | grep -q 02:00:00:00:00:09") == 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("netlink_neighbours");
	TCase *all = tcase_create("neighbours");

	if (!own_network())
		return 77;
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, the_next_packet_asks);
	tcase_add_test(all, others_stay);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
