/* The values of a ports or SPI parameter, in whatever form they came, as ranges in order. */
#ifndef RSIPD_RANGES_OF_H
#define RSIPD_RANGES_OF_H

#include <stddef.h>

#include "addr.h"
#include "message.h"

/* form is RANGE or EACH, as message_decode leaves it: no value twice, none past the end. Returns how many ranges. */
size_t ranges_of_ports(const struct rsip_ports *ports, struct port_range out[255]);
size_t ranges_of_spis(const struct rsip_spis *spis, struct spi_range *out, size_t max); /* 0: more than max */

#endif
