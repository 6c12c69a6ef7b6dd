#include "config.h"

#include "conf_read.h"

#include <ctype.h>
#include <net/if.h>
#include <string.h>
#include <sys/un.h>

#include "cfile_get.h"
#include "cfile_log.h"
#include "conf.h"
#include "mem.h"

#define DAY 86400u

static const struct cfile_option top_options[] = { { "local-networks", true }, { 0 } };

static const struct cfile_option gateway_options[] = {
	{ "private-interface", true }, { "public-interface", false }, { "listen", true },     { "transports", true },
	{ "data-plane", false },       { "state", false },            { "control", false },   { "vendor-id", false },
	{ "mss-clamp", false },        { "resolver", true },          { "relay-io", false },
	{ "history", false },          { "authentication", false },   { 0 },
};

static const struct cfile_option pool_options[] = {
	{ "addresses", true }, { "methods", true }, { "ports", false }, { "ike-ports", true },
	{ "spis", false },     { "tunnels", true }, { "upstream", false }, { 0 },
};

static const struct cfile_option policy_options[] = {
	{ "pools", true },         { "local-flow", false },   { "remote-flow", false }, { "registration", false },
	{ "lease", false },        { "max-lease", false },    { "hold-down", false },   { "max-bindings", false },
	{ "max-ports", false },    { "max-spis", false },     { "max-cookies", false }, { "rate", false },
	{ "tunnel-endpoint", false }, { "allow-remotes", true },
	{ "deny-remotes", true }, { 0 },
};

static const struct cfile_option host_options[] = {
	{ "policy", false }, { "identity", false }, { "key-file", false }, { "authentication", false }, { 0 },
};
static const struct cfile_option metrics_options[] = { { "listen", false }, { 0 } };

const struct cfile_kind conf_kinds[] = {
	{ "", CFILE_ONCE, top_options },
	{ "gateway", CFILE_ONCE, gateway_options },
	{ "pool", CFILE_NAMED, pool_options },
	{ "policy", CFILE_NAMED, policy_options },
	{ "host", CFILE_KEYED, host_options },
	{ "log", CFILE_ONCE, cfile_log_options },
	{ "metrics", CFILE_ONCE, metrics_options },
	{ 0 },
};

static const struct cfile_word data_planes[] = {
	{ "auto", CONF_DP_AUTO }, { "xdp", CONF_DP_XDP }, { "relay", CONF_DP_RELAY }, { 0 },
};

static const struct cfile_word relay_ios[] = {
	{ "auto", CONF_IO_AUTO }, { "rings", CONF_IO_RINGS }, { "tun", CONF_IO_TUN }, { 0 },
};

static const struct cfile_word authentications[] = { { "optional", false }, { "required", true }, { 0 } };

enum transport { TRANSPORT_TCP, TRANSPORT_UDP };
static const struct cfile_word transports[] = { { "tcp", TRANSPORT_TCP }, { "udp", TRANSPORT_UDP }, { 0 } };

static const struct cfile_word local_flows[] = { { "macro", RSIP_LOCAL_MACRO }, { "micro", RSIP_LOCAL_MICRO }, { 0 } };
static const struct cfile_word remote_flows[] = {
	{ "none", RSIP_REMOTE_NONE }, { "macro", RSIP_REMOTE_MACRO }, { "micro", RSIP_REMOTE_MICRO }, { 0 },
};

static size_t
sections_count(const struct cfile *file, const char *kind)
{
	size_t n = 0;

	for (const struct cfile_section *s = NULL; (s = cfile_section_next(file, kind, s)) != NULL;)
		n++;
	return n;
}

/* A device name as the kernel takes it; whether there is such a device shows at the start. */
static void
check_device(const struct cfile_section *s, const char *option, const struct cfile_value *value)
{
	size_t len = strlen(value->text);

	if (len == 0 || len >= IFNAMSIZ || strpbrk(value->text, "/ \t\n:") != NULL)
		cfile_error(cfile_section_file(s), value->line, "%s: \"%s\" is not a device name; 1 to %d characters, as ip link "
		            "shows them", option, value->text, IFNAMSIZ - 1);
}

static void
read_devices(const struct cfile_section *s, struct conf *conf)
{
	const struct cfile_value *first = cfile_values(s, "private-interface"), *public = cfile_values(s, "public-interface");

	conf->private_interfaces = mem_zero(cfile_values_count(first), sizeof(char *));
	for (const struct cfile_value *v = first; v != NULL; v = v->next) {
		check_device(s, "private-interface", v);
		for (const struct cfile_value *w = first; w != v; w = w->next) {
			if (strcmp(w->text, v->text) == 0)
				cfile_error(cfile_section_file(s), v->line, "private-interface: \"%s\" is listed twice; once is enough",
				            v->text);
		}
		if (public != NULL && strcmp(v->text, public->text) == 0)
			cfile_error(cfile_section_file(s), v->line, "private-interface: \"%s\" is the public interface too; hosts and "
			            "the Internet need two devices", v->text);
		conf->private_interfaces[conf->n_private_interfaces++] = mem_strdup(v->text);
	}
	if (public != NULL) {
		check_device(s, "public-interface", public);
		conf->public_interface = mem_strdup(public->text);
	}
}

static bool
is_host_address(ip4_t addr)
{
	return addr >> 24 != 0 && addr >> 24 < 224;
}

static void
read_listen(const struct cfile_section *s, struct conf *conf)
{
	const struct cfile_value *first = cfile_values(s, "listen");
	ip4_t addr;

	conf->listen = mem_zero(cfile_values_count(first), sizeof(ip4_t));
	for (const struct cfile_value *v = first; v != NULL; v = v->next) {
		if (!cfile_get_ip4(s, "listen", v, &addr))
			continue;
		if (!is_host_address(addr))
			cfile_error(cfile_section_file(s), v->line, "listen: %s is not an address to listen on; name an address of a "
			            "private interface", v->text);
		for (size_t i = 0; i < conf->n_listen; i++) {
			if (conf->listen[i] == addr)
				cfile_error(cfile_section_file(s), v->line, "listen: %s is listed twice; once is enough", v->text);
		}
		conf->listen[conf->n_listen++] = addr;
	}
}

#define DNS_PORT 53

/* ADDRESS, or ADDRESS:PORT. */
static void
read_resolvers(const struct cfile_section *s, struct conf *conf)
{
	const struct cfile_value *first = cfile_values(s, "resolver");

	conf->resolvers = mem_zero(cfile_values_count(first), sizeof(*conf->resolvers));
	for (const struct cfile_value *v = first; v != NULL; v = v->next) {
		struct conf_resolver *r = &conf->resolvers[conf->n_resolvers];

		if (!ip4_parse(v->text, &r->addr) && !ip4_port_parse(v->text, &r->addr, &r->port)) {
			cfile_error(cfile_section_file(s), v->line, "resolver: \"%s\" is no name server; write ADDRESS or ADDRESS:PORT",
			            v->text);
			continue;
		}
		r->port = r->port != 0 ? r->port : DNS_PORT;
		conf->n_resolvers++;
	}
}

static void
read_control(const struct cfile_section *s, struct conf *conf)
{
	const struct cfile_value *value = cfile_values(s, "control");
	const size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	conf->control = mem_strdup(cfile_path(s, "control", "/run/rsip/rsipd.sock"));
	if (value != NULL && strlen(value->text) > max)
		cfile_error(cfile_section_file(s), value->line, "control: the path has %zu characters; a socket's path may have %zu",
		            strlen(value->text), max);
}

static void
read_gateway(const struct cfile *file, struct conf *conf)
{
	const struct cfile_section *s = cfile_section_next(file, "gateway", NULL);
	unsigned served;

	if (s == NULL) {
		cfile_error(file, cfile_last_line(file), "there is no gateway section; add gateway { private-interface, "
		            "public-interface, listen }");
		return;
	}
	cfile_require(s, "private-interface", "private-interface = \"lan0\"");
	cfile_require(s, "public-interface", "public-interface = \"wan0\"");
	cfile_require(s, "listen", "listen = { \"10.0.0.1\" }");
	read_devices(s, conf);
	read_listen(s, conf);
	read_resolvers(s, conf);
	served = cfile_words(s, "transports", transports, 1u << TRANSPORT_TCP | 1u << TRANSPORT_UDP);
	conf->tcp = served & 1u << TRANSPORT_TCP;
	conf->udp = served & 1u << TRANSPORT_UDP;
	conf->data_plane = (enum conf_data_plane)cfile_word(s, "data-plane", data_planes, CONF_DP_AUTO);
#ifndef HAVE_XDP
	if (conf->data_plane == CONF_DP_XDP)
		cfile_error(file, cfile_values(s, "data-plane")->line, "data-plane: this rsipd is built without xdp; auto and relay "
		            "are allowed");
#endif
	conf->relay_io = (enum conf_relay_io)cfile_word(s, "relay-io", relay_ios, CONF_IO_AUTO);
	conf->state = mem_strdup(cfile_path(s, "state", "/var/lib/rsip/rsipd.db"));
	conf->history_s = cfile_duration(s, "history", 365 * DAY, 0, 3650 * DAY);
	read_control(s, conf);
	conf->vendor_id = (uint16_t)cfile_number(s, "vendor-id", RSIP_VENDOR_ID_DEFAULT, 1, UINT16_MAX);
	conf->mss_clamp = cfile_bool(s, "mss-clamp", false);
	conf->required = cfile_word(s, "authentication", authentications, false);
}

static const struct conf_pool *
pool_named(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_pools; i++) {
		if (strcmp(conf->pools[i].name, name) == 0)
			return &conf->pools[i];
	}
	return NULL;
}

static void
read_policy_pools(const struct cfile_section *s, const struct conf *conf, struct conf_policy *policy)
{
	const struct cfile_value *first = cfile_values(s, "pools");

	policy->pools = mem_zero(cfile_values_count(first), sizeof(*policy->pools));
	for (const struct cfile_value *v = first; v != NULL; v = v->next) {
		const struct conf_pool *pool = pool_named(conf, v->text);

		if (pool == NULL) {
			cfile_error(cfile_section_file(s), v->line, "pools: there is no pool \"%s\"; name pools of this file", v->text);
			continue;
		}
		for (size_t i = 0; i < policy->n_pools; i++) {
			if (policy->pools[i] == pool)
				cfile_error(cfile_section_file(s), v->line, "pools: \"%s\" is listed twice; once is enough", v->text);
		}
		policy->pools[policy->n_pools++] = pool;
	}
}

static void
read_policy_times(const struct cfile_section *s, struct conf_policy *policy)
{
	const struct cfile_value *lease = cfile_values(s, "lease"), *max = cfile_values(s, "max-lease");
	char lease_str[CFILE_DURATION_STRLEN], max_str[CFILE_DURATION_STRLEN];

	policy->registration_s = cfile_duration(s, "registration", 7200, 1, 365 * DAY);
	policy->lease_s = cfile_duration(s, "lease", 3600, 1, 365 * DAY);
	policy->max_lease_s = cfile_duration(s, "max-lease", 8 * 3600, 1, 365 * DAY);
	policy->hold_down_s = cfile_duration(s, "hold-down", 120, 0, DAY);
	if (policy->lease_s > policy->max_lease_s)
		cfile_error(cfile_section_file(s), lease != NULL ? lease->line : max->line, "lease of %s%s is longer than max-lease "
		            "of %s%s; shorten the one or raise the other", cfile_duration_str(policy->lease_s, lease_str),
		            lease == NULL ? " (default)" : "", cfile_duration_str(policy->max_lease_s, max_str),
		            max == NULL ? " (default)" : "");
}

static void
read_endpoint(const struct cfile_section *s, struct conf_policy *policy)
{
	const struct cfile_value *v = cfile_values(s, "tunnel-endpoint");

	if (v == NULL || !cfile_get_ip4(s, "tunnel-endpoint", v, &policy->tunnel_endpoint))
		return;
	if (!is_host_address(policy->tunnel_endpoint))
		cfile_error(cfile_section_file(s), v->line, "tunnel-endpoint: %s is not an address that a tunnel can end at; name "
		            "one of the gateway on the private side", v->text);
}

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

/* Names have a letter behind their last dot, addresses have none. */
static bool
is_name(const char *text)
{
	const char *last = strrchr(text, '.');

	return strspn(text, NAME_CHARS) == strlen(text) && isalpha((unsigned char)(last != NULL ? last[1] : text[0]));
}

static char *
lower_case(const char *text)
{
	char *copy = mem_strdup(text);

	for (char *c = copy; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

/* Without a remote flow policy the gateway does not look at peers. */
static void
read_remotes(const struct cfile_section *s, const char *option, const struct conf_policy *policy,
             struct conf_remotes *out)
{
	const struct cfile_value *first = cfile_values(s, option);

	out->prefixes = mem_zero(cfile_values_count(first), sizeof(*out->prefixes));
	out->names = mem_zero(cfile_values_count(first), sizeof(*out->names));
	if (first != NULL && policy->remote_flow == RSIP_REMOTE_NONE)
		cfile_error(cfile_section_file(s), first->line, "%s: remote-flow is none, so no peer is looked at; set it to "
		            "macro or micro", option);
	for (const struct cfile_value *v = first; v != NULL; v = v->next) {
		if (is_name(v->text))
			out->names[out->n_names++] = lower_case(v->text);
		else if (cfile_get_prefix(s, option, v, &out->prefixes[out->n_prefixes]))
			out->n_prefixes++;
	}
}

static void
read_policy(const struct cfile_section *s, const struct conf *conf, struct conf_policy *policy)
{
	cfile_require_name(s);
	policy->name = mem_strdup(cfile_section_title(s));
	cfile_require(s, "pools", "pools = { \"NAME\" }");
	read_policy_pools(s, conf, policy);
	policy->local_flow = (enum rsip_local_flow)cfile_word(s, "local-flow", local_flows, RSIP_LOCAL_MACRO);
	policy->remote_flow = (enum rsip_remote_flow)cfile_word(s, "remote-flow", remote_flows, RSIP_REMOTE_NONE);
	read_endpoint(s, policy);
	read_remotes(s, "allow-remotes", policy, &policy->allow);
	read_remotes(s, "deny-remotes", policy, &policy->deny);
	read_policy_times(s, policy);
	policy->max_bindings = cfile_number(s, "max-bindings", 64, 1, 65535);
	policy->max_ports = cfile_number(s, "max-ports", 1024, 0, 65535);
	policy->max_spis = cfile_number(s, "max-spis", 256, 0, 65535);
	policy->max_cookies = cfile_number(s, "max-cookies", 16, 0, 4096);
	policy->rate = cfile_number(s, "rate", 50, 1, 1000000);
}

/* A section for an identity is for who proves it, unless it says otherwise. */
static void
read_identity(const struct cfile_section *s, const struct conf *conf, struct conf_host *host)
{
	const struct cfile_value *identity = cfile_values(s, "identity"), *key = cfile_values(s, "key-file");
	const char *path = cfile_path(s, "key-file", NULL);

	host->required = cfile_word(s, "authentication", authentications, identity != NULL || conf->required);
	if (identity != NULL && !authentication_identity_ok(identity->text, strlen(identity->text)))
		cfile_error(cfile_section_file(s), identity->line, "identity: \"%s\" is not fit for a name; 1 to %d letters, digits, "
		            "dots, dashes, underscores and @", identity->text, AUTHENTICATION_IDENTITY_MAX);
	if ((identity == NULL) != (key == NULL))
		cfile_error(cfile_section_file(s), (identity != NULL ? identity : key)->line, "identity and key-file go together; set "
		            "both, or leave both out");
	if (identity == NULL || path == NULL)
		return;
	host->identity = mem_strdup(identity->text);
	host->key_file = mem_strdup(path);
	host->key_line = key->line;
}

static void
read_host(const struct cfile_section *s, const struct conf *conf, struct conf_host *host)
{
	const struct cfile_value title = { NULL, cfile_section_title(s), cfile_section_line(s) };
	const char *name = cfile_text(s, "policy", NULL);

	host->line = title.line;
	cfile_get_prefix(s, "host", &title, &host->prefix);
	read_identity(s, conf, host);
	cfile_require(s, "policy", "policy = \"NAME\"");
	for (size_t i = 0; name != NULL && i < conf->n_policies; i++) {
		if (strcmp(conf->policies[i].name, name) == 0)
			host->policy = &conf->policies[i];
	}
	if (name != NULL && host->policy == NULL)
		cfile_error(cfile_section_file(s), cfile_values(s, "policy")->line, "policy: there is no policy \"%s\"; name a "
		            "policy of this file", name);
}

static void
read_local_networks(const struct cfile_section *top, struct conf *conf)
{
	const struct cfile_value *first = cfile_values(top, "local-networks");

	conf->local_networks = mem_zero(cfile_values_count(first), sizeof(struct ip4_prefix));
	for (const struct cfile_value *v = first; v != NULL; v = v->next) {
		if (cfile_get_prefix(top, "local-networks", v, &conf->local_networks[conf->n_local_networks]))
			conf->n_local_networks++;
	}
}

static void
read_metrics(const struct cfile_section *s, struct conf *conf)
{
	const struct cfile_value *v = s != NULL ? cfile_values(s, "listen") : NULL;

	if (s == NULL || !cfile_require(s, "listen", "listen = \"127.0.0.1:9455\", or leave the section out"))
		return;
	conf->metrics = ip4_port_parse(v->text, &conf->metrics_addr, &conf->metrics_port);
	if (!conf->metrics)
		cfile_error(cfile_section_file(s), v->line, "listen: \"%s\" is not ADDRESS:PORT; write it like 127.0.0.1:9455",
		            v->text);
}

void
conf_read(const struct cfile *file, struct conf *conf)
{
	const struct cfile_section *s;

	read_gateway(file, conf);
	conf->pools = mem_zero(sections_count(file, "pool"), sizeof(*conf->pools));
	conf->pool_ranges = mem_zero(0, sizeof(*conf->pool_ranges)); /* grows with each pool */
	for (s = NULL; (s = cfile_section_next(file, "pool", s)) != NULL; conf->n_pools++)
		conf_read_pool(s, conf, &conf->pools[conf->n_pools]);
	conf->policies = mem_zero(sections_count(file, "policy"), sizeof(*conf->policies));
	for (s = NULL; (s = cfile_section_next(file, "policy", s)) != NULL; conf->n_policies++)
		read_policy(s, conf, &conf->policies[conf->n_policies]);
	conf->hosts = mem_zero(sections_count(file, "host"), sizeof(*conf->hosts));
	for (s = NULL; (s = cfile_section_next(file, "host", s)) != NULL; conf->n_hosts++)
		read_host(s, conf, &conf->hosts[conf->n_hosts]);
	read_local_networks(cfile_section_next(file, "", NULL), conf);
	cfile_log_read(cfile_section_next(file, "log", NULL), &conf->log_to, &conf->log_level, &conf->log_json);
	read_metrics(cfile_section_next(file, "metrics", NULL), conf);
}
