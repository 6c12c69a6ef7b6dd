#include "ranges_of.h"

#include <stdlib.h>
#include <string.h>

static int
compare_ports(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

size_t
ranges_of_ports(const struct rsip_ports *ports, struct port_range out[255])
{
	uint16_t sorted[255];
	size_t n = 0;

	if (ports->form == RSIP_LIST_RANGE) {
		out[0] = (struct port_range){ ports->port[0], (uint16_t)(ports->port[0] + ports->number - 1) };
		return 1;
	}
	memcpy(sorted, ports->port, ports->number * sizeof(sorted[0]));
	qsort(sorted, ports->number, sizeof(sorted[0]), compare_ports);
	for (size_t i = 0; i < ports->number; i++) {
		if (n > 0 && sorted[i] == out[n - 1].last + 1)
			out[n - 1].last = sorted[i];
		else
			out[n++] = (struct port_range){ sorted[i], sorted[i] };
	}
	return n;
}

static int
compare_spis(const void *va, const void *vb)
{
	uint32_t a = *(const uint32_t *)va, b = *(const uint32_t *)vb;

	return a < b ? -1 : a > b;
}

size_t
ranges_of_spis(const struct rsip_spis *spis, struct spi_range *out, size_t max)
{
	static uint32_t sorted[RSIP_SPI_LIST_MAX];
	size_t n = 0;

	if (spis->form == RSIP_LIST_RANGE) {
		out[0] = (struct spi_range){ spis->spi[0], spis->spi[0] + spis->number - 1 };
		return 1;
	}
	memcpy(sorted, spis->spi, spis->number * sizeof(sorted[0]));
	qsort(sorted, spis->number, sizeof(sorted[0]), compare_spis);
	for (size_t i = 0; i < spis->number; i++) {
		if (n > 0 && sorted[i] == out[n - 1].last + 1)
			out[n - 1].last = sorted[i];
		else if (n < max)
			out[n++] = (struct spi_range){ sorted[i], sorted[i] };
		else
			return 0;
	}
	return n;
}
