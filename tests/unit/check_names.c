/* Names of numbers, and text that may be shown. */
#include "config.h"

#include <check.h>
#include <string.h>

#include "names.h"
#include "rsip_proto.h"
#include "run_suite.h"
#include "utf8.h"

START_TEST(test_messages)
{
	ck_assert_str_eq(rsip_msg_name(1), "ERROR_RESPONSE");
	ck_assert_str_eq(rsip_msg_name(4), "DE-REGISTER_REQUEST");
	ck_assert_str_eq(rsip_msg_name(6), "ASSIGN_REQUEST_RSA-IP");
	ck_assert_str_eq(rsip_msg_name(9), "ASSIGN_RESPONSE_RSAP-IP");
	ck_assert_str_eq(rsip_msg_name(17), "LISTEN_RESPONSE");
	ck_assert_str_eq(rsip_msg_name(22), "ASSIGN_REQUEST_RSIPSEC");
	ck_assert_str_eq(rsip_msg_name(0), "UNKNOWN");
	ck_assert_str_eq(rsip_msg_name(18), "UNKNOWN");
	ck_assert_str_eq(rsip_msg_name(-1), "UNKNOWN");
	ck_assert_str_eq(rsip_msg_name(256 + 1), "UNKNOWN");
}
END_TEST

START_TEST(test_parameters)
{
	ck_assert_str_eq(rsip_param_name(1), "Address");
	ck_assert_str_eq(rsip_param_name(11), "Message Counter");
	ck_assert_str_eq(rsip_param_name(12), "Vendor Specific");
	ck_assert_str_eq(rsip_param_name(22), "SPI");
	ck_assert_str_eq(rsip_param_name(13), "UNKNOWN");
}
END_TEST

/* RFC 3103 Appendix A, RFC 3104 Appendix B: the first and last of each group, and none between the groups. */
START_TEST(test_errors)
{
	ck_assert_str_eq(rsip_error_name(RSIP_OK), "OK");
	ck_assert_str_eq(rsip_error_name(101), "UNKNOWN_ERROR");
	ck_assert_str_eq(rsip_error_name(106), "UNSUPPORTED_RSIP_VERSION");
	ck_assert_str_eq(rsip_error_name(201), "MISSING_PARAM");
	ck_assert_str_eq(rsip_error_name(208), "UNSUPPORTED_MESSAGE");
	ck_assert_str_eq(rsip_error_name(301), "REGISTER_FIRST");
	ck_assert_str_eq(rsip_error_name(311), "LOCAL_ADDRPORT_INUSE");
	ck_assert_str_eq(rsip_error_name(315), "REMOTE_ADDRPORT_UNALLOWED");
	ck_assert_str_eq(rsip_error_name(401), "IPSEC_UNALLOWED");
	ck_assert_str_eq(rsip_error_name(403), "IPSEC_SPI_INUSE");
	static const int none[] = { 1, 100, 107, 200, 209, 300, 316, 400, 404, 65535 };
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_str_eq(rsip_error_name(none[i]), "UNKNOWN");
}
END_TEST

START_TEST(test_config_words)
{
	static const struct { int number; const char *method, *tunnel; } words[] = { { 1, "rsa-ip", "ip-ip" },
		{ 2, "rsap-ip", "gre" }, { 3, "rsipsec", "l2tp" } };

	for (size_t i = 0; i < 3; i++) {
		ck_assert_str_eq(rsip_method_name(words[i].number), words[i].method);
		ck_assert_str_eq(rsip_tunnel_name(words[i].number), words[i].tunnel);
		ck_assert_int_eq(rsip_method_parse(words[i].method), words[i].number);
		ck_assert_int_eq(rsip_tunnel_parse(words[i].tunnel), words[i].number);
	}
	ck_assert_int_eq(rsip_method_parse("ip-ip"), 0);
	ck_assert_int_eq(rsip_method_parse(""), 0);
	ck_assert_int_eq(rsip_tunnel_parse("UNKNOWN"), 0);
	ck_assert_str_eq(rsip_method_name(0), "UNKNOWN");
	ck_assert_str_eq(rsip_tunnel_name(4), "UNKNOWN");
}
END_TEST

#define OK(text) ck_assert_msg(utf8_printable(text, sizeof(text) - 1), "refused: %s", #text)
#define NO(text) ck_assert_msg(!utf8_printable(text, sizeof(text) - 1), "taken: %s", #text)

/* RFC 3629: the first and the last character of each length, and what is just outside. */
START_TEST(test_utf8)
{
	OK("");
	OK(" ~");
	NO("\x1f");
	NO("\x7f");
	NO("\0");
	NO("\xc2\x80"); /* U+0080 and U+009F are control characters */
	NO("\xc2\x9f");
	OK("\xc2\xa0");
	OK("\xdf\xbf");
	NO("\xc1\xbf"); /* in too long a form */
	OK("\xe0\xa0\x80");
	NO("\xe0\x9f\xbf");
	OK("\xed\x9f\xbf");
	NO("\xed\xa0\x80"); /* surrogates */
	NO("\xed\xbf\xbf");
	OK("\xee\x80\x80");
	OK("\xef\xbf\xbf");
	OK("\xf0\x90\x80\x80");
	NO("\xf0\x8f\xbf\xbf");
	OK("\xf4\x8f\xbf\xbf");
	NO("\xf4\x90\x80\x80"); /* past U+10FFFF */
	NO("\xf8\x88\x80\x80\x80");
	NO("\x80");
	NO("\xe2\x82");
	NO("\xe2\x82 ");
	NO("a\xf0\x9f\x9a");
	OK("a\xf0\x9f\x9a\x80z");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("names");
	TCase *tc = tcase_create("names");

	tcase_add_test(tc, test_messages);
	tcase_add_test(tc, test_parameters);
	tcase_add_test(tc, test_errors);
	tcase_add_test(tc, test_config_words);
	tcase_add_test(tc, test_utf8);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
