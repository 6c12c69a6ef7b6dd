/* Big-endian integers inside packets, at offsets whose bounds packet.c has proven. */
#ifndef RSIP_WIRE_H
#define RSIP_WIRE_H

#include <stdint.h>

static inline uint16_t
wire_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t
wire_get32(const uint8_t *at)
{
	return (uint32_t)wire_get16(at) << 16 | wire_get16(at + 2);
}

static inline uint64_t
wire_get64(const uint8_t *at)
{
	return (uint64_t)wire_get32(at) << 32 | wire_get32(at + 4);
}

static inline void
wire_put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static inline void
wire_put32(uint8_t *at, uint32_t v)
{
	wire_put16(at, (uint16_t)(v >> 16));
	wire_put16(at + 2, (uint16_t)v);
}

#endif
