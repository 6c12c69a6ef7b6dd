/* Who sent the newest packet of an SA, where the kernel does not say; without a system call of its own.
 *
 * What the kernel gives: a mapping event for a packet that passed the ICV from another source than the SA's, without its
 * sequence number, and raised before the packet counts, so for a late packet inside the window as well; and, asked for,
 * the highest sequence number H that ever passed (the replay state, which moves only after the ICV). What neither says is
 * where the packet H came from. So from the first mapping event on a capture writes down source and sequence number of
 * every ESP header of that SPI, from any source, the current one included; a header may be forged, H cannot.
 *
 * Judged is an H that is higher than H was once the capture stood, so its packet went through the capture, and each H once:
 * its headers were there when H was, and one that comes later is a copy's. The packet came from one of those who sent a header with that number. Of these, one that is not the SA's own source and for whom the kernel
 * has told no mapping since the capture began never sent an authentic packet: struck out. Is one left, it is him. Are
 * several left, or none, nothing is judged and the next packet is waited for.
 *
 *  - A forger cannot pass for H's sender: he can put H into a header, but then two sources have sent it, the true one
 *    too, and it is not judged.
 *  - A forger who replays an old or late authentic packet from his address gets a mapping event and so is not struck
 *    out; but that packet is not H, and for the H that he puts into another header, see above.
 *  - Forged headers in great number cost the judgement, so the adoption, not more: it is denied as long as he guesses
 *    right. He who sends the peer's own packets first, being on the path, wins; adoption.h says so.
 *  - A capture that lost packets judges nothing before H has risen once more.
 *
 * Between the opening of the capture and the first look at H another processor may be at work on a packet that passed
 * the place of the capture before it was there. For the time of that one packet, microseconds, who knows the next sequence
 * number and holds an authentic late packet could be taken for its sender: that is somebody on the path.
 *
 * Packets that the kernel takes apart before they reach packet sockets (ESP in UDP GRO, Linux 6.8, only when the IKE
 * daemon asks for it) are not seen: then nothing is ever adopted. */
#ifndef RSIPC_VERDICT_H
#define RSIPC_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sa_backend.h"

#define VERDICT_HEADERS 8192 /* remembered, of those that H has not reached */
#define VERDICT_SOURCES 64   /* with a mapping, the latest */

struct verdict_header { struct sa_end source; uint32_t sequence; };

struct verdict {
	struct verdict_header headers[VERDICT_HEADERS];
	size_t n_headers;
	struct sa_end mapped[VERDICT_SOURCES];
	size_t n_mapped; /* ever */
	bool gap;        /* headers were lost, or the capture has only begun */
	uint64_t from;   /* only a higher H went through the capture as a whole, and was not judged yet */
};

void verdict_begin(struct verdict *verdict);

/* A header that was captured. False: no more fit, and it must be counted as lost. */
bool verdict_header(struct verdict *verdict, struct sa_end source, uint32_t sequence);
void verdict_mapping(struct verdict *verdict, struct sa_end source); /* that the kernel told */

/* H, asked of the kernel just now, before the headers that wait are added. */
void verdict_highest(struct verdict *verdict, uint64_t h);
void verdict_lost(struct verdict *verdict); /* headers were: all that were added go with them */

/* After both: the one source of the packet H. False: nobody's, several's, or not judged. own is the SA's source, of which
 * the kernel tells no mappings. What H has reached is forgotten. */
bool verdict_judge(struct verdict *verdict, uint64_t h, struct sa_end own, struct sa_end *source);

#endif
