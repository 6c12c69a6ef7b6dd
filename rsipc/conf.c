#include "conf.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "cfile_get.h"
#include "cfile_log.h"
#include "esp/esp_keys.h"
#include "ipsec.h"
#include "key_file.h"
#include "mem.h"

#define DAY 86400u
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static const struct cfile_option top_options[] = {
	{ "state", false }, { "control", false }, { "environment", false }, { "handover", false }, { 0 },
};
static const struct cfile_option gateway_options[] = {
	{ "address", false },  { "transport", false }, { "port", false },           { "vendor-id", false },
	{ "identity", false }, { "key-file", false },  { "authentication", false }, { 0 },
};
static const struct cfile_option lease_options[] = {
	{ "method", false }, { "ports", false },  { "max-ports", false },   { "port", false },     { "listen", false },
	{ "spis", false },
	{ "cookie", false }, { "remote", false }, { "remote-port", false }, { "ike-peer", false }, { "lease-time", false },
	{ 0 },
};
static const struct cfile_option tunnel_options[] = {
	{ "type", false }, { "gre-key", false }, { "driver", false }, { "device", false }, { "routes", true }, { 0 },
};
static const struct cfile_option ipsec_options[] = { { "strongswan", false }, { 0 } };
static const struct cfile_option command_options[] = { { "resolvers", true }, { 0 } };

static const struct cfile_kind kinds[] = {
	{ "", CFILE_ONCE, top_options },
	{ "gateway", CFILE_ONCE, gateway_options },
	{ "lease", CFILE_NAMED, lease_options },
	{ "tunnel", CFILE_ONCE, tunnel_options },
	{ "ipsec", CFILE_ONCE, ipsec_options },
	{ "command", CFILE_ONCE, command_options },
	{ "adoption", CFILE_ONCE, adoption_options },
	{ "esp", CFILE_ONCE, esp_options },
	{ "sa", CFILE_NAMED, esp_sa_options },
	{ "log", CFILE_ONCE, cfile_log_options },
	{ 0 },
};

static const struct cfile_word transports[] = { { "tcp", false }, { "udp", true }, { 0 } };
static const struct cfile_word authentications[] = { { "required", false }, { "optional", true }, { 0 } };
static const struct cfile_word methods[] = {
	{ "rsa-ip", RSIP_METHOD_RSA_IP }, { "rsap-ip", RSIP_METHOD_RSAP_IP }, { "rsipsec", RSIP_METHOD_RSIPSEC }, { 0 },
};
static const struct cfile_word cookies[] = { { "block", true }, { "learn", false }, { 0 } };
static const struct cfile_word tunnels[] = { { "ip-ip", RSIP_TUNNEL_IP_IP }, { "gre", RSIP_TUNNEL_GRE }, { 0 } };
static const struct cfile_word drivers[] = {
	{ "auto", CONF_DRIVER_AUTO }, { "kernel", CONF_DRIVER_KERNEL }, { "tun", CONF_DRIVER_TUN }, { 0 },
};

/* A section that the file need not have: one without options reads as all defaults, told by NULL here. */
static const struct cfile_value *
values_of(const struct cfile_section *s, const char *option)
{
	return s != NULL ? cfile_values(s, option) : NULL;
}

static ip4_t
read_address(const struct cfile_section *s, const char *option)
{
	const struct cfile_value *v = values_of(s, option);
	ip4_t addr = 0;

	if (v != NULL && cfile_get_ip4(s, option, v, &addr) && (addr >> 24 == 0 || addr >> 24 >= 224))
		cfile_error(cfile_section_file(s), v->line, "%s: %s is no host's address; a unicast IPv4 address is allowed", option,
		            v->text);
	return addr;
}

static void
read_key(const struct cfile_section *s, struct conf *conf)
{
	const char *path = cfile_path(s, "key-file", NULL);
	char why[512];

	if (path != NULL && !key_file_read(path, &conf->key, why, sizeof(why)))
		cfile_error(cfile_section_file(s), cfile_values(s, "key-file")->line, "key-file: %s", why);
}

static void
read_identity(const struct cfile_section *s, struct conf *conf)
{
	const struct cfile_value *identity = cfile_values(s, "identity"), *key = cfile_values(s, "key-file");
	const struct cfile_value *authentication = cfile_values(s, "authentication");

	conf->trusting = cfile_word(s, "authentication", authentications, false);
	if ((identity == NULL) != (key == NULL))
		cfile_error(cfile_section_file(s), (identity != NULL ? identity : key)->line, "identity and key-file go together; set "
		            "both, or leave both out");
	if (identity == NULL && authentication != NULL)
		cfile_error(cfile_section_file(s), authentication->line, "authentication says nothing without identity; set identity "
		            "and key-file, or leave it out");
	if (identity == NULL || key == NULL)
		return;
	if (!authentication_identity_ok(identity->text, strlen(identity->text)))
		cfile_error(cfile_section_file(s), identity->line, "identity: \"%s\" is not fit for a name; 1 to %d letters, digits, "
		            "dots, dashes, underscores and @", identity->text, AUTHENTICATION_IDENTITY_MAX);
	conf->identity = mem_strdup(identity->text);
	read_key(s, conf);
}

static void
read_gateway(const struct cfile *file, struct conf *conf)
{
	const struct cfile_section *s = cfile_section_next(file, "gateway", NULL);

	conf->gateway_port = RSIP_PORT;
	conf->vendor_id = RSIP_VENDOR_ID_DEFAULT;
	if (s == NULL) {
		if (!ipsec_wanted(conf) || cfile_section_next(file, "lease", NULL) != NULL)
			cfile_error(file, cfile_last_line(file), "there is no gateway section; add gateway { address = \"10.0.0.1\" }");
		return;
	}
	cfile_require(s, "address", "address = \"10.0.0.1\"");
	conf->gateway = read_address(s, "address");
	conf->gateway_port = (uint16_t)cfile_number(s, "port", RSIP_PORT, 1, UINT16_MAX);
	conf->udp = cfile_word(s, "transport", transports, false);
	conf->vendor_id = (uint16_t)cfile_number(s, "vendor-id", RSIP_VENDOR_ID_DEFAULT, 1, UINT16_MAX);
	read_identity(s, conf);
}

/* Options that the lease's method gives no meaning to are mistakes. */
static void
refuse_option(const struct cfile_section *s, const char *option, const char *allowed)
{
	const struct cfile_value *v = cfile_values(s, option);

	if (v != NULL)
		cfile_error(cfile_section_file(s), v->line, "%s has no meaning in a lease of this method; %s", option, allowed);
}

static void
refuse_options(const struct cfile_section *s, uint8_t method)
{
	if (method == RSIP_METHOD_RSA_IP) {
		refuse_option(s, "ports", "rsa-ip leases a whole address");
		refuse_option(s, "listen", "rsa-ip lets every peer in");
	}
	if (method != RSIP_METHOD_RSAP_IP) {
		refuse_option(s, "port", "it is allowed with rsap-ip");
		refuse_option(s, "max-ports", "it is allowed with rsap-ip");
	}
	if (method == RSIP_METHOD_RSIPSEC)
		refuse_option(s, "listen", "it is allowed with rsap-ip");
	if (method != RSIP_METHOD_RSIPSEC) {
		refuse_option(s, "spis", "it is allowed with rsipsec");
		refuse_option(s, "cookie", "it is allowed with rsipsec");
		refuse_option(s, "ike-peer", "it is allowed with rsipsec");
	}
}

static void
read_lease_ports(const struct cfile_section *s, struct conf_lease *lease)
{
	bool rsap = lease->method == RSIP_METHOD_RSAP_IP;
	const struct cfile_value *v = cfile_values(s, "port");

	if (lease->method == RSIP_METHOD_RSA_IP)
		return;
	lease->ports = (uint16_t)cfile_number(s, "ports", !rsap ? 0 : lease->listen ? 1 : 64, rsap ? 1 : 0, UINT16_MAX);
	lease->port = (uint16_t)cfile_number(s, "port", 0, 1, UINT16_MAX);
	if (v != NULL && (unsigned)lease->port + lease->ports - 1 > UINT16_MAX)
		cfile_error(cfile_section_file(s), v->line, "port: %u ports from %u on end beyond 65535; lower the one or the other",
		            lease->ports, lease->port);
}

/* Ports that were named by number, and those of servers, are what they are. */
static void
read_max_ports(const struct cfile_section *s, struct conf_lease *lease)
{
	const struct cfile_value *v = cfile_values(s, "max-ports");
	bool grows = lease->method == RSIP_METHOD_RSAP_IP && !lease->listen && lease->port == 0;
	uint32_t by_default = 4u * lease->ports < UINT16_MAX ? 4u * lease->ports : UINT16_MAX;

	lease->max_ports = lease->ports;
	if (!grows && v != NULL && lease->method == RSIP_METHOD_RSAP_IP)
		cfile_error(cfile_section_file(s), v->line, "max-ports: a lease with listen or port does not grow; leave it out");
	if (grows)
		lease->max_ports = (uint16_t)cfile_number(s, "max-ports", by_default, lease->ports, UINT16_MAX);
}

static void
read_lease(const struct cfile_section *s, struct conf_lease *lease)
{
	cfile_require_name(s);
	lease->name = mem_strdup(cfile_section_title(s));
	cfile_require(s, "method", "method = \"rsap-ip\"");
	lease->method = (uint8_t)cfile_word(s, "method", methods, RSIP_METHOD_RSAP_IP);
	refuse_options(s, lease->method);
	lease->listen = cfile_bool(s, "listen", false);
	read_lease_ports(s, lease);
	read_max_ports(s, lease);
	if (lease->method == RSIP_METHOD_RSIPSEC)
		lease->spis = (uint16_t)cfile_number(s, "spis", 16, 1, 16380);
	lease->cookie_block = cfile_word(s, "cookie", cookies, false);
	lease->ike_peer = read_address(s, "ike-peer");
	lease->remote = read_address(s, "remote");
	lease->remote_port = (uint16_t)cfile_number(s, "remote-port", 0, 1, UINT16_MAX);
	if (lease->remote_port != 0 && lease->remote == 0)
		cfile_error(cfile_section_file(s), cfile_values(s, "remote-port")->line,
		            "remote-port says nothing without remote; set both, or leave it out");
	lease->lease_s = cfile_duration(s, "lease-time", 0, 1, 365 * DAY);
}

static void
read_leases(const struct cfile *file, struct conf *conf)
{
	const struct cfile_section *s = NULL;

	while ((s = cfile_section_next(file, "lease", s)) != NULL) {
		conf->leases = mem_grow(conf->leases, conf->n_leases + 1, sizeof(*conf->leases));
		conf->leases[conf->n_leases] = (struct conf_lease){ 0 };
		read_lease(s, &conf->leases[conf->n_leases++]);
	}
	if (conf->n_leases == 0 && (conf->gateway != 0 || !ipsec_wanted(conf)))
		cfile_error(file, cfile_last_line(file), "there is no lease: nothing to ask the gateway for; add lease \"apps\" { "
		            "method = \"rsap-ip\" ports = 64 }");
}

static void
read_routes(const struct cfile_section *s, struct conf *conf)
{
	const struct cfile_value *v = values_of(s, "routes");
	struct ip4_prefix *routes = mem_zero(1, sizeof(*routes)); /* 0.0.0.0/0 */
	size_t n = v == NULL;

	for (; v != NULL; v = v->next) {
		routes = mem_grow(routes, n + 1, sizeof(*routes));
		routes[n] = (struct ip4_prefix){ 0 };
		if (strcmp(v->text, "default") != 0 && !cfile_get_prefix(s, "routes", v, &routes[n]))
			continue;
		n++;
	}
	conf->routes = routes;
	conf->n_routes = n;
}

static void
read_gre_key(const struct cfile *file, const struct cfile_section *s, struct conf *conf)
{
	const struct cfile_value *key = cfile_values(s, "gre-key");

	conf->gre_key = cfile_number(s, "gre-key", 0, 1, UINT32_MAX);
	if (key != NULL && conf->tunnel != RSIP_TUNNEL_GRE)
		cfile_error(file, key->line, "gre-key: only GRE has keys; set type = gre, or leave it out");
}

static void
read_tunnel(const struct cfile *file, struct conf *conf)
{
	const struct cfile_section *s = cfile_section_next(file, "tunnel", NULL);
	const struct cfile_value *device = values_of(s, "device");
	size_t len;

	conf->tunnel = RSIP_TUNNEL_IP_IP;
	conf->driver = CONF_DRIVER_AUTO;
	conf->device = mem_strdup(device != NULL ? device->text : "rsip0");
	read_routes(s, conf);
	if (s == NULL)
		return;
	conf->tunnel = (uint8_t)cfile_word(s, "type", tunnels, RSIP_TUNNEL_IP_IP);
	read_gre_key(file, s, conf);
	conf->driver = (enum conf_driver)cfile_word(s, "driver", drivers, CONF_DRIVER_AUTO);
	len = strlen(conf->device);
	if (len == 0 || len >= IFNAMSIZ || strspn(conf->device, NAME_CHARS) != len || conf->device[0] == '.')
		cfile_error(file, device->line, "device: \"%s\" is not a fit device name; 1 to %d letters, digits, dots, dashes and "
		            "underscores", conf->device, IFNAMSIZ - 1);
}

static void
read_command(const struct cfile *file, struct conf *conf)
{
	const struct cfile_section *s = cfile_section_next(file, "command", NULL);

	for (const struct cfile_value *v = values_of(s, "resolvers"); v != NULL; v = v->next) {
		conf->resolvers = mem_grow(conf->resolvers, conf->n_resolvers + 1, sizeof(ip4_t));
		if (cfile_get_ip4(s, "resolvers", v, &conf->resolvers[conf->n_resolvers]))
			conf->n_resolvers++;
	}
}

static void
read_paths(const struct cfile *file, struct conf *conf)
{
	const struct cfile_section *top = cfile_section_next(file, "", NULL);
	const struct cfile_section *ipsec = cfile_section_next(file, "ipsec", NULL);
	const struct cfile_value *control = cfile_values(top, "control");
	const size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	const char *path;

	conf->state = mem_strdup(cfile_path(top, "state", "/var/lib/rsip/rsipc.db"));
	conf->control = mem_strdup(cfile_path(top, "control", "/run/rsip/rsipc.sock"));
	if (control != NULL && strlen(conf->control) > max)
		cfile_error(file, control->line, "control: the path has %zu characters; a socket's path may have %zu",
		            strlen(conf->control), max);
	if ((path = cfile_path(top, "environment", NULL)) != NULL)
		conf->environment = mem_strdup(path);
	if ((path = cfile_path(top, "handover", NULL)) != NULL)
		conf->handover = mem_strdup(path);
	if (ipsec != NULL && (path = cfile_path(ipsec, "strongswan", NULL)) != NULL)
		conf->strongswan = mem_strdup(path);
}

/* Not looked at by conf_free's callers: a struct with faults never leaves this file. */
static struct conf *
read_all(const struct cfile *file)
{
	struct conf *conf = mem_zero(1, sizeof(*conf));

	adoption_conf_read(file, &conf->adoption);
	esp_conf_read(file, &conf->esp);
	read_gateway(file, conf);
	read_leases(file, conf);
	read_tunnel(file, conf);
	read_command(file, conf);
	read_paths(file, conf);
	cfile_log_read(cfile_section_next(file, "log", NULL), &conf->log_to, &conf->log_level, &conf->log_json);
	return conf;
}

/* They are looked at, and read again by who uses them: keys are nowhere longer than they must. */
static bool
keys_good(const struct esp_conf *conf, conf_report *report, void *arg)
{
	struct esp_sa_keys *keys;

	if (!esp_conf_on(conf))
		return true;
	keys = esp_keys_read(conf, report, arg);
	esp_keys_wipe(conf, keys);
	return keys != NULL;
}

struct conf *
conf_parse(const char *path, conf_report *report, void *arg)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct conf *conf = NULL;
	struct cfile *file;
	char line[512];

	if (fd < 0) {
		snprintf(line, sizeof(line), "%s: cannot be read: %s", path, strerror(errno));
		report(line, arg);
		return NULL;
	}
	if ((file = cfile_read(fd, path, kinds, report, arg)) != NULL) {
		conf = read_all(file);
		if (cfile_errors(file) > 0 || !keys_good(&conf->esp, report, arg)) {
			conf_free(conf);
			conf = NULL;
		}
		cfile_free(file);
	}
	close(fd);
	return conf;
}

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	for (size_t i = 0; i < conf->n_leases; i++)
		free(conf->leases[i].name);
	free(conf->identity);
	authentication_wipe(&conf->key);
	free(conf->leases);
	adoption_conf_clear(&conf->adoption);
	esp_conf_clear(&conf->esp);
	free(conf->routes);
	free(conf->resolvers);
	free(conf->device);
	free(conf->strongswan);
	free(conf->environment);
	free(conf->handover);
	free(conf->state);
	free(conf->control);
	free(conf);
}

bool
conf_lease_same(const struct conf_lease *a, const struct conf_lease *b)
{
	return strcmp(a->name, b->name) == 0 && a->method == b->method && a->listen == b->listen && a->ports == b->ports &&
	       a->port == b->port && a->spis == b->spis && a->cookie_block == b->cookie_block && a->remote == b->remote &&
	       a->remote_port == b->remote_port && a->ike_peer == b->ike_peer;
}

void
conf_exchange_leases(struct conf *a, struct conf *b)
{
	struct conf_lease *leases = a->leases;
	size_t n = a->n_leases;

	a->leases = b->leases;
	a->n_leases = b->n_leases;
	b->leases = leases;
	b->n_leases = n;
}

const struct conf_lease *
conf_command_lease(const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_leases; i++) {
		if (conf->leases[i].method == RSIP_METHOD_RSAP_IP && !conf->leases[i].listen)
			return &conf->leases[i];
	}
	return NULL;
}
