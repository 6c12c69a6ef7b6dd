/* A set of ports as a bitmap: 8 KiB, whatever is in it, and steps of 64 ports at a time. */
#ifndef RSIPD_PORTBITS_H
#define RSIPD_PORTBITS_H

#include <stdbool.h>
#include <stdint.h>

struct portbits { uint64_t words[65536 / 64]; };

void portbits_set(struct portbits *set, uint16_t first, uint16_t last);
void portbits_clear(struct portbits *set, uint16_t first, uint16_t last);
uint32_t portbits_count(const struct portbits *set);
/* The lowest port of first..last that is in the set (or is not, for want false); -1 when there is none. */
int portbits_find(const struct portbits *set, bool want, uint16_t first, uint16_t last);

#endif
