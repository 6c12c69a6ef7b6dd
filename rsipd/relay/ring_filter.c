#include "ring_filter.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>

#include "packet.h"

/* Offsets in the frame. */
enum { AT_ETHERTYPE = 12, AT_IP = ETH_HLEN, AT_FRAGMENT = AT_IP + 6, AT_TTL = AT_IP + IPV4_TTL,
       AT_PROTO = AT_IP + IPV4_PROTO, AT_SRC = AT_IP + IPV4_SRC, AT_DST = AT_IP + IPV4_DST };

#define FRAGMENT_BITS 0x3fff /* more fragments, offset */
#define PLAIN_HEADER 0x45    /* version 4, no options */

struct writer { struct ring_filter *f; uint32_t taken, left; };

static size_t
put(struct writer *w, uint16_t code, uint8_t yes, uint8_t no, uint32_t k)
{
	struct ring_filter *f = w->f;

	if (f->len == RING_FILTER_MAX) {
		f->full = true;
		return 0;
	}
	f->code[f->len] = (struct sock_filter){ code, yes, no, k };
	return f->len++;
}

static void
load(struct writer *w, uint16_t size, uint32_t at)
{
	put(w, BPF_LD | size | BPF_ABS, 0, 0, at);
}

static void
give(struct writer *w, uint32_t verdict)
{
	put(w, BPF_RET | BPF_K, 0, 0, verdict);
}

/* Leaves the frame when the comparison is true, resp. is not. */
static void
leave_if(struct writer *w, uint16_t comparison, uint32_t k)
{
	put(w, BPF_JMP | comparison | BPF_K, 0, 1, k);
	give(w, w->left);
}

static void
leave_unless(struct writer *w, uint16_t comparison, uint32_t k)
{
	put(w, BPF_JMP | comparison | BPF_K, 1, 0, k);
	give(w, w->left);
}

static void
plain_ipv4(struct writer *w, uint32_t frame_max)
{
	load(w, BPF_W, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE));
	leave_unless(w, BPF_JEQ, PACKET_HOST);
	load(w, BPF_W, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT));
	leave_if(w, BPF_JGT, 0);
	put(w, BPF_LD | BPF_W | BPF_LEN, 0, 0, 0);
	leave_if(w, BPF_JGT, frame_max);
	load(w, BPF_H, AT_ETHERTYPE);
	leave_unless(w, BPF_JEQ, ETH_P_IP);
	load(w, BPF_B, AT_IP);
	leave_unless(w, BPF_JEQ, PLAIN_HEADER);
	load(w, BPF_H, AT_FRAGMENT);
	leave_if(w, BPF_JSET, FRAGMENT_BITS);
}

static void
leave_own(struct writer *w, const struct ring_filter_site *site)
{
	for (size_t i = 0; i < site->n_own; i++)
		leave_if(w, BPF_JEQ, site->own[i]);
}

/* The kernel answers what has no hop to live, and drops what comes from nowhere (RFC 1812 5.3.7) or from itself. SCTP that
 * a device shall checksum only when it is sent is nothing that we can complete. */
static void
may_be_sent_on(struct writer *w, const struct ring_filter_site *site)
{
	load(w, BPF_B, AT_TTL);
	leave_unless(w, BPF_JGT, 1);
	load(w, BPF_B, AT_PROTO);
	leave_if(w, BPF_JEQ, IP_PROTO_SCTP);
	load(w, BPF_B, AT_SRC);
	leave_if(w, BPF_JEQ, 0);
	leave_if(w, BPF_JEQ, 127);
	leave_if(w, BPF_JGE, 224);
	load(w, BPF_W, AT_SRC);
	leave_own(w, site);
}

/* Taken when the accumulator is in one of the ranges: a binary search, jumps written out. */
static void
search(struct writer *w, const struct ip4_range *ranges, size_t n)
{
	if (n == 1) {
		leave_unless(w, BPF_JGE, ranges->first);
		leave_if(w, BPF_JGT, ranges->last);
		give(w, w->taken);
		return;
	}
	put(w, BPF_JMP | BPF_JGE | BPF_K, 0, 1, ranges[n / 2].first);
	size_t jump = put(w, BPF_JMP | BPF_JA, 0, 0, 0);
	search(w, ranges, n / 2);
	if (!w->f->full)
		w->f->code[jump].k = (uint32_t)(w->f->len - jump - 1);
	search(w, ranges + n / 2, n - n / 2);
}

static struct writer
begin(struct ring_filter *f, uint32_t frame_max, uint32_t taken, uint32_t left)
{
	struct writer w = { f, taken, left };

	f->len = 0;
	f->full = false;
	plain_ipv4(&w, frame_max);
	return w;
}

bool
ring_filter_public(struct ring_filter *f, const struct ring_filter_site *site, uint32_t frame_max, uint32_t taken,
                   uint32_t left)
{
	struct writer w = begin(f, frame_max, taken, left);

	may_be_sent_on(&w, site);
	load(&w, BPF_W, AT_DST);
	leave_own(&w, site);
	if (site->n_pools > 0)
		search(&w, site->pools, site->n_pools);
	else
		give(&w, left);
	return !f->full;
}

bool
ring_filter_private(struct ring_filter *f, const struct ring_filter_site *site, uint32_t frame_max, uint32_t taken,
                    uint32_t left)
{
	struct writer w = begin(f, frame_max, taken, left);

	load(&w, BPF_B, AT_PROTO);
	put(&w, BPF_JMP | BPF_JEQ | BPF_K, 2, 0, IP_PROTO_IPIP);
	leave_unless(&w, BPF_JEQ, IP_PROTO_GRE);
	load(&w, BPF_W, AT_DST);
	for (size_t i = 0; i < site->n_gateways; i++) {
		put(&w, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, site->gateways[i]);
		give(&w, taken);
	}
	give(&w, left);
	return !f->full;
}
