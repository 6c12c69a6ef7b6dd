/* IPv4 packets out of interfaces or a file, in the order of their times; the only user of libpcap in rsipctl. */
#ifndef RSIPCTL_CAPTURE_H
#define RSIPCTL_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/time.h>

#define CAPTURE_ERROR 512
#define CAPTURE_PATIENCE_MS 150 /* how much later than it came a packet is handed out at the most */

struct capture;
struct capture_file;

struct captured {
	struct timeval time;
	const char *interface; /* NULL in a file */
	const uint8_t *ip;     /* from the IPv4 header on; valid until the next call */
	size_t captured, len;  /* bytes there, and bytes that there were */
	size_t link_mtu;       /* of the interface; 0 in a file */
};

enum capture_got { CAPTURE_PACKET, CAPTURE_NONE /* nothing waits; of a file: the end */, CAPTURE_FAILED };

struct capture *capture_new(void);
void capture_free(struct capture *c); /* accepts NULL */

/* Both return false with a reason in error. A live source takes what filter (pcap-filter(7)) lets through; packets wait
 * in a buffer of the kernel's until they are fetched. Needs CAP_NET_RAW; what comes after does not. */
bool capture_add_live(struct capture *c, const char *interface, const char *filter, char error[CAPTURE_ERROR]);
bool capture_add_file(struct capture *c, const char *path, char error[CAPTURE_ERROR]);

/* Another filter for the live source; false with a reason. */
bool capture_set_filter(struct capture *c, const char *interface, const char *filter, char error[CAPTURE_ERROR]);

/* The oldest packet. An interface that is silent may yet hand out an older one, so it is waited for; with all, no more
 * is waited for. Passes over what is not IPv4. CAPTURE_FAILED: capture_error tells. */
enum capture_got capture_next(struct capture *c, bool all, struct captured *packet);
const char *capture_error(const struct capture *c);

/* Packets that the kernel could not keep for us since the beginning. */
uint64_t capture_lost(struct capture *c);

/* ---- a file for Wireshark ---- */

/* A capture file of bare IP packets (LINKTYPE_RAW): interfaces of different kinds go into one. "-" is standard output.
 * NULL with a reason. */
struct capture_file *capture_file_create(const char *path, char error[CAPTURE_ERROR]);
bool capture_file_put(struct capture_file *file, const struct captured *packet); /* false: cannot write, see errno */
bool capture_file_flush(struct capture_file *file);
bool capture_file_close(struct capture_file *file); /* accepts NULL */

#endif
