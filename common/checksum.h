/* The Internet checksum: whole (RFC 1071) and adjusted for one changed word (RFC 1624). */
#ifndef RSIP_CHECKSUM_H
#define RSIP_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* The value of the checksum field for these bytes, that field being zero in them. Over bytes that hold their right
 * checksum it is 0. */
uint16_t checksum(const void *bytes, size_t len);

/* The same with words that are summed up already, host order: those of a pseudo-header. */
uint16_t checksum_with(uint32_t start, const void *bytes, size_t len);

/* What the field becomes when one 16-bit word under it changes. */
uint16_t checksum_adjust(uint16_t field, uint16_t old_word, uint16_t new_word);

#endif
