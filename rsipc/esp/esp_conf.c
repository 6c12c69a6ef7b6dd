#include "esp_conf.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "cfile_get.h"
#include "esp_replay.h"
#include "mem.h"
#include "wire.h"

#define SPI_MIN 256 /* RFC 4303 2.1 */
#define WINDOW_DEFAULT 1024
#define KEEPALIVE_DEFAULT 20 /* seconds, RFC 3948 4 */
#define NATT_PORT 4500
#define MTU_MIN 1280 /* IPv6 must fit */
#define NAME_LEN 31  /* of a tunnel: what struct sa has room for */
#define DEVICE_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

const struct cfile_option esp_options[] = {
	{ "device", false }, { "keys", false }, { "state", false }, { "port", false }, { "mtu", false }, { "addresses", true },
	{ 0 },
};
const struct cfile_option esp_sa_options[] = {
	{ "local", false },       { "remote", false },       { "encapsulation", false }, { "remote-port", false },
	{ "spi-in", false },      { "spi-out", false },      { "algorithm", false },     { "esn", false },
	{ "replay-window", false }, { "df", false },         { "keepalive", false },     { "local-networks", true },
	{ "remote-networks", true }, { "soft-packets", false }, { "hard-packets", false }, { "soft-bytes", false },
	{ "hard-bytes", false },  { "probe-from", false },   { "probe-to", false },      { 0 },
};
static const struct cfile_word encapsulations[] = { { "udp", true }, { "none", false }, { 0 } };
static const struct cfile_word df_words[] = {
	{ "copy", ESP_DF_COPY }, { "set", ESP_DF_SET }, { "clear", ESP_DF_CLEAR }, { 0 },
};

static void
wrong(const struct cfile_section *s, const struct cfile_value *v, const char *option, const char *allowed)
{
	cfile_error(cfile_section_file(s), v->line, "%s: \"%s\" is not allowed here; %s", option, v->text, allowed);
}

static ip4_t
read_address(const struct cfile_section *s, const char *option)
{
	const struct cfile_value *v = cfile_values(s, option);
	ip4_t addr = 0;

	if (v != NULL && cfile_get_ip4(s, option, v, &addr) && (addr >> 24 == 0 || addr >> 24 >= 224))
		wrong(s, v, option, "give the address of a host");
	return addr;
}

/* "0x1001" or decimal. */
static uint32_t
read_spi(const struct cfile_section *s, const char *option)
{
	const struct cfile_value *v = cfile_values(s, option);
	unsigned long long n;
	char *end;

	if (!cfile_require(s, option, "spi-in = 0x1001"))
		return 0;
	n = strtoull(v->text, &end, 0);
	if (v->text[0] >= '0' && v->text[0] <= '9' && *end == '\0' && n >= SPI_MIN && n <= UINT32_MAX)
		return (uint32_t)n;
	wrong(s, v, option, "0x100 to 0xffffffff is allowed");
	return 0;
}

/* A whole number, with K, M, G or T (powers of 1024) behind it if need be. */
static uint64_t
read_amount(const struct cfile_section *s, const char *option, uint64_t def)
{
	static const char units[] = "KMGT";
	const struct cfile_value *v = cfile_values(s, option);
	const char *unit;
	unsigned shift;
	uint64_t n;
	char *end;

	if (v == NULL)
		return def;
	n = strtoull(v->text, &end, 10);
	unit = *end != '\0' ? strchr(units, *end) : NULL;
	shift = unit != NULL ? 10u * (unsigned)(unit - units + 1) : 0;
	if (v->text[0] >= '1' && v->text[0] <= '9' && end - v->text < 19 && end[unit != NULL] == '\0' &&
	    (*end == '\0' || unit != NULL) && n <= UINT64_MAX >> shift)
		return n << shift;
	wrong(s, v, option, "a number is allowed, with K, M, G or T behind it for powers of 1024");
	return def;
}

/* The hard limit is never above what keeps the algorithm safe; the soft one is nine tenths of it. */
static void
read_limit(const struct cfile_section *s, const char *soft_option, const char *hard_option, uint64_t max,
    uint64_t *soft, uint64_t *hard)
{
	const struct cfile_value *v = cfile_values(s, hard_option);

	*hard = read_amount(s, hard_option, max);
	if (*hard > max)
		wrong(s, v, hard_option, "that is more than this algorithm may protect under one key");
	*soft = read_amount(s, soft_option, *hard / 10 * 9);
	if (*soft > *hard)
		wrong(s, cfile_values(s, soft_option), soft_option, "a soft limit is not above the hard one");
}

static void
read_limits(const struct cfile_section *s, struct esp_sa_conf *sa)
{
	uint64_t packets = sa->esn ? UINT64_MAX : UINT32_MAX, bytes = UINT64_MAX;

	if (sa->algorithm->max_bytes != 0)
		bytes = sa->algorithm->max_bytes;
	read_limit(s, "soft-packets", "hard-packets", packets, &sa->soft.packets, &sa->hard.packets);
	read_limit(s, "soft-bytes", "hard-bytes", bytes, &sa->soft.bytes, &sa->hard.bytes);
}

static struct esp_prefix *
read_prefixes(const struct cfile_section *s, const char *option, size_t *n)
{
	struct esp_prefix *list = NULL;

	for (const struct cfile_value *v = cfile_values(s, option); v != NULL; v = v->next) {
		list = mem_grow(list, *n + 1, sizeof(*list));
		if (esp_prefix_parse(v->text, &list[*n]))
			++*n;
		else
			wrong(s, v, option, "a network like 10.0.0.0/8 or 2001:db8::/32, host bits 0, or an address is allowed");
	}
	return list;
}

static const struct esp_algorithm *
read_algorithm(const struct cfile_section *s)
{
	const struct cfile_value *v = cfile_values(s, "algorithm");
	const struct esp_algorithm *algorithm = esp_algorithm_find(v != NULL ? v->text : "aes-256-gcm");

	if (algorithm != NULL)
		return algorithm;
	wrong(s, v, "algorithm", esp_algorithm_names());
	return esp_algorithm_find("aes-256-gcm");
}

static void
read_networks(const struct cfile_section *s, struct esp_sa_conf *sa)
{
	cfile_require(s, "local-networks", "local-networks = { \"10.1.0.0/16\" }");
	cfile_require(s, "remote-networks", "remote-networks = { \"10.2.0.0/16\" }");
	sa->local_nets = read_prefixes(s, "local-networks", &sa->n_local_nets);
	sa->remote_nets = read_prefixes(s, "remote-networks", &sa->n_remote_nets);
}

/* The guard of address adoption: both addresses or none, inside the networks. */
static void
read_probe(const struct cfile_section *s, struct esp_sa_conf *sa)
{
	const struct cfile_value *from = cfile_values(s, "probe-from"), *to = cfile_values(s, "probe-to");
	uint8_t addr[4];

	sa->probe_from = read_address(s, "probe-from");
	sa->probe_to = read_address(s, "probe-to");
	if ((from != NULL) != (to != NULL))
		wrong(s, from != NULL ? from : to, from != NULL ? "probe-from" : "probe-to", "set both probe-from and probe-to");
	wire_put32(addr, sa->probe_from);
	if (sa->probe_from != 0 && esp_prefix_find(sa->local_nets, sa->n_local_nets, 4, addr) == NULL)
		wrong(s, from, "probe-from", "an address of this machine in local-networks is allowed");
	wire_put32(addr, sa->probe_to);
	if (sa->probe_to != 0 && esp_prefix_find(sa->remote_nets, sa->n_remote_nets, 4, addr) == NULL)
		wrong(s, to, "probe-to", "an address of the peer in remote-networks is allowed");
}

/* Packets for the peer would go into the tunnel that they are to make. */
static void
refuse_loop(const struct cfile_section *s, const struct esp_sa_conf *sa)
{
	uint8_t addr[4];

	wire_put32(addr, sa->remote);
	if (sa->remote != 0 && esp_prefix_find(sa->remote_nets, sa->n_remote_nets, 4, addr) != NULL)
		wrong(s, cfile_values(s, "remote"), "remote", "the peer's outer address must not be in remote-networks");
}

static void
refuse_native(const struct cfile_section *s, const char *option)
{
	const struct cfile_value *v = cfile_values(s, option);

	if (v != NULL)
		wrong(s, v, option, "it has a meaning with encapsulation = \"udp\"");
}

static void
read_ends(const struct cfile_section *s, struct esp_sa_conf *sa)
{
	cfile_require(s, "remote", "remote = \"198.51.100.2\"");
	sa->local = read_address(s, "local");
	sa->remote = read_address(s, "remote");
	sa->encap = cfile_word(s, "encapsulation", encapsulations, true);
	sa->remote_port = sa->encap ? (uint16_t)cfile_number(s, "remote-port", NATT_PORT, 1, UINT16_MAX) : 0;
	sa->keepalive_s = cfile_duration(s, "keepalive", sa->encap ? KEEPALIVE_DEFAULT : 0, 0, 3600);
	if (!sa->encap) {
		refuse_native(s, "remote-port");
		refuse_native(s, "keepalive");
	}
}

static void
read_sa(const struct cfile_section *s, struct esp_sa_conf *sa)
{
	cfile_require_name(s);
	sa->name = mem_strdup(cfile_section_title(s));
	if (strlen(sa->name) > NAME_LEN)
		cfile_error(cfile_section_file(s), cfile_section_line(s), "the name \"%s\" is too long; %d characters are allowed",
		    sa->name, NAME_LEN);
	read_ends(s, sa);
	sa->spi_in = read_spi(s, "spi-in");
	sa->spi_out = read_spi(s, "spi-out");
	sa->algorithm = read_algorithm(s);
	sa->esn = cfile_bool(s, "esn", true);
	sa->window = cfile_number(s, "replay-window", WINDOW_DEFAULT, REPLAY_WINDOW_MIN, REPLAY_WINDOW_MAX);
	sa->df = (enum esp_df)cfile_word(s, "df", df_words, ESP_DF_COPY);
	read_limits(s, sa);
	read_networks(s, sa);
	read_probe(s, sa);
	refuse_loop(s, sa);
}

static void
refuse_same_spi(const struct cfile_section *s, const struct esp_conf *conf)
{
	const struct esp_sa_conf *last = &conf->sas[conf->n_sas - 1];

	for (const struct esp_sa_conf *sa = conf->sas; sa < last; sa++) {
		if (sa->spi_in == last->spi_in && sa->spi_in != 0)
			wrong(s, cfile_values(s, "spi-in"), "spi-in", "another sa has it: each needs one of its own");
	}
}

static void
read_device(const struct cfile_section *s, struct esp_conf *out)
{
	const char *device = s != NULL ? cfile_text(s, "device", "rsipesp0") : "rsipesp0";
	size_t len = strlen(device);

	out->device = mem_strdup(device);
	if (len >= IFNAMSIZ || strspn(device, DEVICE_CHARS) != len || device[0] == '.')
		wrong(s, cfile_values(s, "device"), "device", "1 to 15 letters, digits, dots, dashes and underscores");
}

void
esp_conf_read(const struct cfile *file, struct esp_conf *out)
{
	const struct cfile_section *s = cfile_section_next(file, "esp", NULL), *sa = NULL;

	*out = (struct esp_conf){ .port = NATT_PORT };
	read_device(s, out);
	out->keys = mem_strdup(s != NULL ? cfile_path(s, "keys", RSIP_CONFDIR "/esp.keys") : RSIP_CONFDIR "/esp.keys");
	out->state = mem_strdup(s != NULL ? cfile_path(s, "state", "/var/lib/rsip/esp.state") : "/var/lib/rsip/esp.state");
	if (s != NULL) {
		out->port = (uint16_t)cfile_number(s, "port", NATT_PORT, 1, UINT16_MAX);
		out->mtu = cfile_number(s, "mtu", 0, MTU_MIN, UINT16_MAX);
		out->addresses = read_prefixes(s, "addresses", &out->n_addresses);
	}
	while ((sa = cfile_section_next(file, "sa", sa)) != NULL) {
		out->sas = mem_grow(out->sas, out->n_sas + 1, sizeof(*out->sas));
		out->sas[out->n_sas] = (struct esp_sa_conf){ 0 };
		read_sa(sa, &out->sas[out->n_sas++]);
		refuse_same_spi(sa, out);
	}
	if (s != NULL && out->n_sas == 0)
		cfile_error(file, cfile_section_line(s), "section esp without any sa; add sa \"office\" { "
		            "remote = \"198.51.100.2\" ... }");
}

void
esp_conf_clear(struct esp_conf *conf)
{
	for (size_t i = 0; i < conf->n_sas; i++) {
		free(conf->sas[i].name);
		free(conf->sas[i].local_nets);
		free(conf->sas[i].remote_nets);
	}
	free(conf->sas);
	free(conf->addresses);
	free(conf->device);
	free(conf->keys);
	free(conf->state);
}
