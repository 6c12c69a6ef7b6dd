/* What the files of the engine know of each other; its users include engine.h. */
#ifndef RSIPD_ENGINE_IMPL_H
#define RSIPD_ENGINE_IMPL_H

#include "encap.h"
#include "engine.h"
#include "packet.h"

/* DP_NO_DROP, or why no packet with such an IP header goes any further, in either direction. */
enum dp_drop engine_header_fault(const struct packet *p);

/* A packet to an address of ours, header proven. sender: the host of ours that sent it, NULL for the public side. */
void engine_to_local(struct engine *e, struct packet *p, const struct demux_host *sender, struct verdict *v);

/* What the outer header of a tunnel packet said. */
struct outer_header {
	ip4_t src;
	struct tunnel_kind tunnel;
	uint8_t tos;
};

/* A packet that v->host sent through its tunnel, header proven. */
void engine_from_host(struct engine *e, const struct outer_header *outer, struct packet *p, struct verdict *v);

/* Makes an ICMP error about a packet the answer of v, unless none may be sent or too many were. */
void engine_answer_error(struct engine *e, const struct packet *about, uint8_t type, uint8_t code, uint16_t mtu,
                         struct verdict *v);

/* Answers an ICMP request to the gateway (RFC 3102 6.2), where it stands, or says why not. */
void engine_answer_query(struct engine *e, struct packet *request, struct verdict *v);

#endif
