/* Sections esp and sa, the file of keys, and the file of sequence numbers: what is taken, and each fault with its
 * line. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "esp_keys.h"
#include "esp_sequence.h"
#include "run_suite.h"

static char told[8192], dir[] = "/tmp/check_esp_conf.XXXXXX", conf_path[128], keys_path[128], state_path[128];

static void
setup(void)
{
	strcpy(dir, "/tmp/check_esp_conf.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(conf_path, sizeof(conf_path), "%s/c", dir);
	snprintf(keys_path, sizeof(keys_path), "%s/k", dir);
	snprintf(state_path, sizeof(state_path), "%s/s", dir);
	told[0] = '\0';
}

static void
teardown(void)
{
	unlink(conf_path);
	unlink(keys_path);
	unlink(state_path);
	rmdir(dir);
}

static void
collect(const char *line, void *arg)
{
	(void)arg;
	ck_assert_uint_lt(strlen(told) + strlen(line) + 2, sizeof(told));
	strcat(strcat(told, line), "\n");
}

static void
put(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	fclose(f);
	ck_assert_int_eq(chmod(path, mode), 0);
}

#define KEY_A "0x000102030405060708090a0b0c0d0e0f 10111213"
#define KEY_B "0xff0102030405060708090a0b0c0d0e0f10111213"
#define KEYS "# name way key\n\nt in " KEY_A "\n  t\tout " KEY_B "\n"
#define NETS " local-networks = 10.1.0.0/16 remote-networks = { 10.2.0.0/16, \"2001:db8::/32\" } "
#define SA "sa t { remote = 192.0.2.2 spi-in = 0x1001 spi-out = 4098 algorithm = aes-128-gcm" NETS

/* The config "esp { keys = ... } sa t { ... <more> }", with this file of keys. */
static struct conf *
parse(const char *sections, const char *keys)
{
	char text[2048];

	told[0] = '\0';
	snprintf(text, sizeof(text), "esp { keys = \"%s\" state = \"%s\" }\n%s", keys_path, state_path, sections);
	put(conf_path, text, 0644);
	put(keys_path, keys, 0600);
	return conf_parse(conf_path, collect, NULL);
}

START_TEST(defaults)
{
	struct conf *conf = parse(SA "}\n", KEYS);
	const struct esp_sa_conf *sa;

	ck_assert_msg(conf != NULL, "%s", told);
	ck_assert_uint_eq(conf->gateway, 0);
	ck_assert_str_eq(conf->esp.device, "rsipesp0");
	ck_assert_uint_eq(conf->esp.port, 4500);
	ck_assert_uint_eq(conf->esp.n_sas, 1);
	sa = &conf->esp.sas[0];
	ck_assert_str_eq(sa->name, "t");
	ck_assert_uint_eq(sa->remote, 0xc0000202);
	ck_assert(sa->encap && sa->esn);
	ck_assert_uint_eq(sa->remote_port, 4500);
	ck_assert_uint_eq(sa->spi_in, 0x1001);
	ck_assert_uint_eq(sa->spi_out, 4098);
	ck_assert_uint_eq(sa->window, 1024);
	ck_assert_uint_eq(sa->keepalive_s, 20);
	ck_assert_uint_eq(sa->df, ESP_DF_COPY);
	ck_assert_uint_eq(sa->hard.bytes, UINT64_C(1) << 44);
	ck_assert_uint_eq(sa->hard.packets, UINT64_MAX);
	ck_assert_uint_eq(sa->n_remote_nets, 2);
	ck_assert_uint_eq(sa->remote_nets[1].version, 6);
	conf_free(conf);
}
END_TEST

START_TEST(all_options)
{
	struct conf *conf = parse(SA "local = 192.0.2.1 encapsulation = none esn = no replay-window = 64 df = clear "
	                             "soft-packets = 10K hard-packets = 1M soft-bytes = 1G hard-bytes = 2T "
	                             "probe-from = 10.1.0.1 probe-to = 10.2.0.1 }\n", KEYS);
	const struct esp_sa_conf *sa;

	ck_assert_msg(conf != NULL, "%s", told);
	sa = &conf->esp.sas[0];
	ck_assert_uint_eq(sa->local, 0xc0000201);
	ck_assert(!sa->encap && !sa->esn);
	ck_assert_uint_eq(sa->remote_port, 0);
	ck_assert_uint_eq(sa->window, 64);
	ck_assert_uint_eq(sa->df, ESP_DF_CLEAR);
	ck_assert_uint_eq(sa->soft.packets, 10240);
	ck_assert_uint_eq(sa->hard.packets, 1048576);
	ck_assert_uint_eq(sa->soft.bytes, UINT64_C(1) << 30);
	ck_assert_uint_eq(sa->hard.bytes, UINT64_C(1) << 41);
	ck_assert_uint_eq(sa->probe_to, 0x0a020001);
	conf_free(conf);
}
END_TEST

/* Each on line 2 of the config. */
static const struct { const char *sections, *want; } faults[] = {
	{ "sa t { }", "remote" },
	{ "sa t { spi-in = 0x1001 spi-out = 0x1002" NETS "}", "remote" },
	{ "sa t { remote = 192.0.2.2 spi-in = 255 spi-out = 0x1002" NETS "}", "0x100 to 0xffffffff" },
	{ "sa t { remote = 192.0.2.2 spi-in = 0x1001x spi-out = 0x1002" NETS "}", "0x100 to 0xffffffff" },
	{ "sa t { remote = 192.0.2.2 spi-in = 0x100000000 spi-out = 0x1002" NETS "}", "0x100 to 0xffffffff" },
	{ SA "algorithm = null }", "algorithm" },
	{ SA "replay-window = 63 }", "64 to 4096" },
	{ SA "replay-window = 4097 }", "64 to 4096" },
	{ SA "hard-bytes = 17T }", "more than this algorithm" },
	{ SA "hard-bytes = 1X }", "K, M, G or T" },
	{ SA "hard-bytes = 99999999999999999999 }", "K, M, G or T" },
	{ SA "esn = no hard-packets = 8G }", "more than this algorithm" },
	{ SA "hard-packets = 10 soft-packets = 11 }", "not above" },
	{ SA "encapsulation = none remote-port = 4500 }", "encapsulation = \"udp\"" },
	{ SA "probe-to = 10.2.0.1 }", "set both" },
	{ SA "probe-from = 10.9.0.1 probe-to = 10.2.0.1 }", "local-networks" },
	{ SA "probe-from = 10.1.0.1 probe-to = 10.9.0.1 }", "remote-networks" },
	{ SA "} " "sa u { remote = 192.0.2.3 spi-in = 0x1001 spi-out = 0x1003" NETS "}", "another sa has it" },
	{ "sa t { remote = 10.2.0.9 spi-in = 0x1001 spi-out = 0x1002" NETS "}", "must not be in remote-networks" },
	{ "sa t { remote = 192.0.2.2 spi-in = 0x1001 spi-out = 0x1002 local-networks = 10.1.0.1/16 "
	  "remote-networks = 10.2.0.0/16 }", "host bits 0" },
	{ "sa t { remote = 192.0.2.2 spi-in = 0x1001 spi-out = 0x1002 }", "local-networks" },
	{ SA "} lease l { method = rsa-ip }", "no gateway section" },
};

START_TEST(config_fault)
{
	struct conf *conf = parse(faults[_i].sections, KEYS);

	ck_assert_msg(conf == NULL, "%s", faults[_i].sections);
	ck_assert_msg(strstr(told, ":2: ") != NULL && strstr(told, faults[_i].want) != NULL, "%s: %s", faults[_i].sections,
	    told);
}
END_TEST

/* line 0: the file as a whole. */
static const struct { const char *keys, *want; int line; mode_t mode; } key_faults[] = {
	{ "t in " KEY_A "\n", "has no key for \"out\"", 0, 0600 },
	{ KEYS "t in " KEY_A "\n", "already", 5, 0600 },
	{ KEYS "u in " KEY_A "\n", "the first word names no sa", 5, 0600 },
	{ KEYS KEY_A " in\n", "the first word names no sa", 5, 0600 },
	{ "t up " KEY_A "\n", "direction", 1, 0600 },
	{ "t\n", "direction", 1, 0600 },
	{ "\nt in 0x0011\n", "has 2 bytes; aes-128-gcm takes 20", 2, 0600 },
	{ "t in 0x001\n", "hexadecimal", 1, 0600 },
	{ "t in 0xzz\n", "hexadecimal", 1, 0600 },
	{ "t in\n", "has 0 bytes", 1, 0600 },
	{ "t in " KEY_A KEY_A KEY_A KEY_A KEY_A "\n", "hexadecimal", 1, 0600 },
	{ "t in " KEY_A " " KEY_A " " KEY_A " " KEY_A " " KEY_A "\n", "has 100 bytes", 1, 0600 },
	{ "t in " KEY_A "\nt out 0x000102030405060708090a0b0c0d0e0fffffffff\n", "the same key", 0, 0600 },
	{ KEYS, "others may read", 0, 0640 },
	{ KEYS, "others may read", 0, 0602 },
};

START_TEST(key_fault)
{
	struct conf *conf = parse(SA "}\n", KEYS);
	struct esp_sa_keys *keys;
	char want[256];

	ck_assert_msg(conf != NULL, "%s", told);
	put(keys_path, key_faults[_i].keys, key_faults[_i].mode);
	ck_assert_ptr_null(keys = esp_keys_read(&conf->esp, collect, NULL));
	if (key_faults[_i].line != 0)
		snprintf(want, sizeof(want), "%s:%d: ", keys_path, key_faults[_i].line);
	else
		snprintf(want, sizeof(want), "%s: ", keys_path);
	ck_assert_msg(strncmp(told, want, strlen(want)) == 0 && strstr(told, key_faults[_i].want) != NULL, "%s", told);
	ck_assert_msg(strstr(told, "0a0b") == NULL, "the key is told: %s", told);
	conf_free(conf);
}
END_TEST

START_TEST(keys_are_read)
{
	struct conf *conf = parse(SA "}\n", KEYS);
	struct esp_sa_keys *keys;

	ck_assert_msg(conf != NULL, "%s", told);
	ck_assert_ptr_nonnull(keys = esp_keys_read(&conf->esp, collect, NULL));
	ck_assert_uint_eq(keys[0].in[0], 0);
	ck_assert_uint_eq(keys[0].in[19], 0x13);
	ck_assert_uint_eq(keys[0].out[0], 0xff);
	ck_assert_uint_eq(keys[0].out[19], 0x13);
	esp_keys_wipe(&conf->esp, keys);
	conf_free(conf);
}
END_TEST

/* ---- sequence numbers ---- */

#define KEY ((const uint8_t *)"0123456789")

START_TEST(numbers_outlive_the_program)
{
	struct esp_sequence *file = esp_sequence_open(state_path, 2);
	struct esp_counter *out, *in;

	ck_assert_ptr_nonnull(file);
	out = esp_sequence_find(file, KEY, 10, true, UINT64_MAX);
	in = esp_sequence_find(file, KEY, 10, false, UINT64_MAX);
	ck_assert_ptr_ne(out, in);
	ck_assert_uint_eq(out->sequence, 0);
	ck_assert_ptr_null(esp_sequence_open(state_path, 2)); /* one program at a time */
	ck_assert(esp_sequence_reserve(file, out));
	ck_assert_uint_gt(out->reserved, 1000);
	out->sequence = 1234;
	in->sequence = 5678;
	esp_sequence_close(file);
	for (int round = 0; round < 3; round++) { /* another tunnel, and its file does not grow with every start */
		struct stat st;

		ck_assert_ptr_nonnull(file = esp_sequence_open(state_path, 2));
		ck_assert_uint_eq(esp_sequence_find(file, KEY, 10, true, UINT64_MAX)->sequence, 1234);
		ck_assert_uint_eq(esp_sequence_find(file, KEY, 10, false, UINT64_MAX)->sequence, 5678);
		ck_assert_uint_eq(esp_sequence_find(file, KEY, 9, true, UINT64_MAX)->sequence, 0);
		esp_sequence_close(file);
		ck_assert_int_eq(stat(state_path, &st), 0);
		ck_assert_int_lt(st.st_size, 600);
	}
}
END_TEST

/* The file as it is on the disk at this instant, found by another boot. */
static struct esp_sequence *
after_power_failure(struct esp_sequence *file)
{
	char saved[4096];
	size_t len;
	FILE *f;

	ck_assert_ptr_nonnull(f = fopen(state_path, "r"));
	len = fread(saved, 1, sizeof(saved), f);
	fclose(f);
	esp_sequence_close(file);
	memset(saved + 16, 'x', 20);
	ck_assert_ptr_nonnull(f = fopen(state_path, "w"));
	ck_assert_uint_eq(fwrite(saved, 1, len, f), len);
	fclose(f);
	ck_assert_ptr_nonnull(file = esp_sequence_open(state_path, 2));
	return file;
}

/* The machine went down: what was reserved may have been used. */
START_TEST(numbers_outlive_the_machine)
{
	struct esp_sequence *file = esp_sequence_open(state_path, 2);
	struct esp_counter *out = esp_sequence_find(file, KEY, 10, true, UINT64_MAX);
	uint64_t reserved;

	ck_assert(esp_sequence_reserve(file, out));
	reserved = out->reserved;
	out->sequence = 1234;
	file = after_power_failure(file);
	ck_assert_uint_eq(esp_sequence_find(file, KEY, 10, true, UINT64_MAX)->sequence, reserved);
	ck_assert_uint_eq(esp_sequence_find(file, KEY, 10, true, 1000)->sequence, 1000); /* never beyond the last */
	esp_sequence_close(file);
}
END_TEST

/* What came since the disk was written counts as received; of an idle tunnel nothing more than what was. */
START_TEST(received_numbers_outlive_the_machine)
{
	struct esp_sequence *file = esp_sequence_open(state_path, 2);
	struct esp_counter *in = esp_sequence_find(file, KEY, 10, false, UINT64_MAX);
	struct esp_counter *out = esp_sequence_find(file, KEY, 10, true, UINT64_MAX);

	ck_assert(esp_sequence_reserve(file, out));
	in->sequence = 1u << 31; /* with a jump */
	in->packets = 50;
	esp_sequence_foresee(file);
	file = after_power_failure(file);
	in = esp_sequence_find(file, KEY, 10, false, UINT64_MAX);
	ck_assert_uint_ge(in->sequence, (1u << 31) + 50);
	ck_assert_uint_lt(in->sequence, (1u << 31) + 1000);
	in->sequence = UINT64_MAX - 1;
	in->packets++;
	esp_sequence_foresee(file);
	ck_assert_uint_eq(in->reserved, UINT64_MAX);
	in->sequence = 7000;
	esp_sequence_foresee(file); /* a second without a packet */
	file = after_power_failure(file);
	ck_assert_uint_eq(esp_sequence_find(file, KEY, 10, false, UINT64_MAX)->sequence, 7000);
	esp_sequence_close(file);
}
END_TEST

START_TEST(strange_state_is_refused)
{
	put(state_path, "what is this?", 0600);
	ck_assert_ptr_null(esp_sequence_open(state_path, 2));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("esp_conf");
	TCase *tc = tcase_create("conf");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, all_options);
	tcase_add_loop_test(tc, config_fault, 0, sizeof(faults) / sizeof(faults[0]));
	tcase_add_loop_test(tc, key_fault, 0, sizeof(key_faults) / sizeof(key_faults[0]));
	tcase_add_test(tc, keys_are_read);
	tcase_add_test(tc, numbers_outlive_the_program);
	tcase_add_test(tc, received_numbers_outlive_the_machine);
	tcase_add_test(tc, numbers_outlive_the_machine);
	tcase_add_test(tc, strange_state_is_refused);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
