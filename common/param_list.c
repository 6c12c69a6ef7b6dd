/* The two parameters that are lists, Ports (RFC 3103 8.2) and SPI (RFC 3104 6.2): a number of one or two bytes, then no
 * value, one, or as many as the number says. */
#include <stdlib.h>
#include <string.h>

#include "param.h"
#include "rsip_proto.h"

/* What a list with that many values is, or ABSENT when the two numbers do not go together. */
static enum rsip_list_form
list_form(size_t number, size_t values)
{
	if (values == 0)
		return RSIP_LIST_DONT_CARE;
	if (values == 1)
		return RSIP_LIST_RANGE;
	return values == number ? RSIP_LIST_EACH : RSIP_LIST_ABSENT;
}

static size_t
list_values(enum rsip_list_form form, size_t number)
{
	return form == RSIP_LIST_EACH ? number : form == RSIP_LIST_RANGE ? 1 : 0;
}

static bool
ports_have_twins(const struct rsip_ports *ports)
{
	uint8_t seen[(UINT16_MAX + 1) / 8] = { 0 };

	for (size_t i = 0; i < ports->number; i++) {
		uint16_t port = ports->port[i];

		if (seen[port / 8] >> port % 8 & 1)
			return true;
		seen[port / 8] |= (uint8_t)(1u << port % 8);
	}
	return false;
}

/* Form and number agree, the number being at least 1, and every value is a port that can be leased. */
static bool
ports_ok(const struct rsip_ports *ports)
{
	switch (ports->form) {
	case RSIP_LIST_DONT_NEED:
		return ports->number == 0;
	case RSIP_LIST_DONT_CARE:
		return ports->number > 0;
	case RSIP_LIST_RANGE:
		return ports->number > 0 && ports->port[0] > 0 && ports->port[0] + ports->number - 1 <= UINT16_MAX;
	case RSIP_LIST_EACH:
		for (size_t i = 0; i < ports->number; i++) {
			if (ports->port[i] == 0)
				return false;
		}
		return ports->number > 1 && !ports_have_twins(ports);
	default:
		return false;
	}
}

/* RFC 3103 9.8.3: "a value of all 0's" is how some hosts write don't care, and so do the examples of Appendix C. */
static bool
all_port_0(const struct rsip_ports *ports, size_t values)
{
	for (size_t i = 0; i < values; i++) {
		if (ports->port[i] != 0)
			return false;
	}
	return true;
}

bool
param_read_ports(struct rbuf value, struct rsip_ports *out)
{
	bool dont_need = rbuf_left(&value) == 0;
	uint8_t number = dont_need ? 0 : rbuf_u8(&value);
	size_t values = rbuf_left(&value) / 2;

	out->number = number;
	out->form = dont_need ? RSIP_LIST_DONT_NEED : (uint8_t)list_form(number, values);
	if (out->form == RSIP_LIST_ABSENT)
		return false;
	for (size_t i = 0; i < values; i++)
		out->port[i] = rbuf_u16(&value);
	if (values > 0 && all_port_0(out, values))
		out->form = RSIP_LIST_DONT_CARE;
	return rbuf_left(&value) == 0 && ports_ok(out);
}

bool
param_write_ports(struct wbuf *w, const struct rsip_ports *ports)
{
	size_t values = list_values(ports->form, ports->number);

	if (!ports_ok(ports))
		return false;
	param_write_header(w, RSIP_PARAM_PORTS, ports->form == RSIP_LIST_DONT_NEED ? 0 : 1 + 2 * values);
	if (ports->form != RSIP_LIST_DONT_NEED)
		wbuf_u8(w, ports->number);
	for (size_t i = 0; i < values; i++)
		wbuf_u16(w, ports->port[i]);
	return true;
}

static int
compare_spis(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool
spis_have_twins(const struct rsip_spis *spis)
{
	uint32_t sorted[RSIP_SPI_LIST_MAX];

	memcpy(sorted, spis->spi, spis->number * sizeof(sorted[0]));
	qsort(sorted, spis->number, sizeof(sorted[0]), compare_spis);
	for (size_t i = 1; i < spis->number; i++) {
		if (sorted[i] == sorted[i - 1])
			return true;
	}
	return false;
}

static bool
spis_ok(const struct rsip_spis *spis)
{
	switch (spis->form) {
	case RSIP_LIST_DONT_CARE:
		return spis->number > 0;
	case RSIP_LIST_RANGE:
		return spis->number > 0 && spis->spi[0] <= UINT32_MAX - (spis->number - 1u);
	case RSIP_LIST_EACH:
		return spis->number > 1 && spis->number <= RSIP_SPI_LIST_MAX && !spis_have_twins(spis);
	default:
		return false;
	}
}

bool
param_read_spis(struct rbuf value, struct rsip_spis *out)
{
	size_t values;

	out->number = rbuf_u16(&value);
	values = rbuf_left(&value) / 4;
	out->form = values > RSIP_SPI_LIST_MAX ? RSIP_LIST_ABSENT : (uint8_t)list_form(out->number, values);
	if (out->form == RSIP_LIST_ABSENT)
		return false;
	for (size_t i = 0; i < values; i++)
		out->spi[i] = rbuf_u32(&value);
	return !value.bad && rbuf_left(&value) == 0 && spis_ok(out);
}

bool
param_write_spis(struct wbuf *w, const struct rsip_spis *spis)
{
	size_t values = list_values(spis->form, spis->number);

	if (!spis_ok(spis))
		return false;
	param_write_header(w, RSIP_PARAM_SPI, 2 + 4 * values);
	wbuf_u16(w, spis->number);
	for (size_t i = 0; i < values; i++)
		wbuf_u32(w, spis->spi[i]);
	return true;
}
