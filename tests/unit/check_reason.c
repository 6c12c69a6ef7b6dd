/* What a gateway says in an ERROR_RESPONSE is of its own choosing, or a stranger's: it is made fit for one field of a log line,
 * and for JSON. */
#include <check.h>
#include <string.h>

#include "message.h"
#include "reason.h"
#include "run_suite.h"

static struct rsip_message m;

static const char *
said(const char *words, size_t cap)
{
	static char text[REASON_MAX];

	message_init(&m, RSIP_ERROR_RESPONSE);
	m.error = RSIP_REGISTRATION_DENIED;
	m.error_text = words;
	m.error_text_len = (uint8_t)strlen(words);
	memset(text, 'x', sizeof(text));
	reason_said(&m, text, cap);
	return text;
}

START_TEST(no_field_is_forged)
{
	ck_assert_str_eq(said("no \" error=OK text=\"fine", REASON_MAX), "no ' error=OK text='fine");
	ck_assert_str_eq(said("a\\", REASON_MAX), "a'");
	ck_assert_str_eq(said("", REASON_MAX), "");
}
END_TEST

START_TEST(cut_between_characters)
{
	ck_assert_str_eq(said("Büro", 5), "Bür");
	ck_assert_str_eq(said("Büro", 3), "B");
	ck_assert_str_eq(said("Büro", 6), "Büro");
	ck_assert_str_eq(said("Bü", 1), "");
}
END_TEST

START_TEST(longest)
{
	char words[UINT8_MAX + 1];

	memset(words, 'w', UINT8_MAX);
	words[UINT8_MAX] = '\0';
	ck_assert_str_eq(said(words, REASON_MAX), words);
}
END_TEST

START_TEST(words_of_our_own)
{
	char text[REASON_MAX];

	said("", REASON_MAX);
	reason_text(&m, text, sizeof(text));
	ck_assert_str_eq(text, "the gateway's policy does not admit this host: ask its operator");
	said("no", REASON_MAX);
	reason_text(&m, text, sizeof(text));
	ck_assert_str_eq(text, "no");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("reason");
	TCase *tc = tcase_create("reason");

	tcase_add_test(tc, no_field_is_forged);
	tcase_add_test(tc, cut_between_characters);
	tcase_add_test(tc, longest);
	tcase_add_test(tc, words_of_our_own);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
