/* Log lines as they reach standard error. */
#include "config.h"

#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "run_suite.h"

static int saved_stderr = -1;
static FILE *captured;
static char line[16384];

/* From here on, standard error goes into a file. */
static void
capture(void)
{
	saved_stderr = dup(STDERR_FILENO);
	captured = tmpfile();
	ck_assert(saved_stderr >= 0 && captured != NULL);
	ck_assert_int_ge(dup2(fileno(captured), STDERR_FILENO), 0);
}

static void
release(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	fclose(captured);
}

/* All that was logged since the last call. */
static const char *
logged(void)
{
	ssize_t n = pread(fileno(captured), line, sizeof(line) - 1, 0);

	ck_assert_int_ge(n, 0);
	line[n] = '\0';
	ck_assert_int_eq(ftruncate(fileno(captured), 0), 0);
	ck_assert_int_eq(lseek(fileno(captured), 0, SEEK_SET), 0);
	return line;
}

/* Standard error is restored first, as a failed check says why there. */
#define ENDS_WITH(text)                                                                                      \
	do {                                                                                                       \
		const char *got_ = logged();                                                                             \
		ck_assert_msg(strlen(got_) >= strlen(text) && strcmp(got_ + strlen(got_) - strlen(text), text) == 0,     \
		    "logged: %s", got_);                                                                                 \
	} while (0)

START_TEST(test_text)
{
	log_init("check", LOG_TO_STDERR, LOG_LVL_INFO, false);
	log_info("lease", "granted bind_id=%d reason=\"%s\"", 7, "as asked");
	ENDS_WITH("] lease: granted bind_id=7 reason=\"as asked\"\n");
	log_debug("lease", "not shown");
	ck_assert_str_eq(logged(), "");
	log_error("x", "a=1");
	ck_assert_ptr_nonnull(strstr(logged(), " error check["));
	log_init("check", LOG_TO_NONE, LOG_LVL_DEBUG, false);
	log_error("x", "a=1");
	ck_assert_str_eq(logged(), "");
}
END_TEST

/* As below systemd, which tells what standard error is; and when it is something else after all. */
START_TEST(test_journal)
{
	char stream[64];
	struct stat st;

	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("rsipd", LOG_TO_STDERR, LOG_LVL_INFO, false);
	log_warn("lease", "held bind_id=%u", 7);
	ck_assert_str_eq(logged(), "<4>lease: held bind_id=7\n");
	log_adjust(LOG_LVL_INFO, true);
	log_error("lease", "held bind_id=%u", 7);
	ck_assert_int_eq(strncmp(logged(), "<3>{", 4), 0);
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_init("rsipd", LOG_TO_STDERR, LOG_LVL_INFO, false);
	log_warn("lease", "held bind_id=%u", 7);
	ck_assert_ptr_nonnull(strstr(logged(), " warn rsipd["));
	unsetenv("JOURNAL_STREAM");
}
END_TEST

START_TEST(test_no_forged_lines)
{
	log_init("check", LOG_TO_STDERR, LOG_LVL_INFO, false);
	log_info("x", "name=%s", "a\nb\r\x1b[2J\x7f\xff");
	ENDS_WITH("] x: name=a\\x0ab\\x0d\\x1b[2J\\x7f\\xff\n");
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
END_TEST

static json_t *
logged_json(void)
{
	json_error_t err;
	json_t *object = json_loads(logged(), JSON_REJECT_DUPLICATES, &err);

	ck_assert_msg(object != NULL, "%s: %s", err.text, line);
	return object;
}

#define MEMBER(object, key) json_string_value(json_object_get(object, key))

START_TEST(test_json)
{
	log_init("check", LOG_TO_STDERR, LOG_LVL_INFO, true);
	log_warn("lease", "not granted bind_id=%d reason=\"no ports left\" name=%s", 7, "a\\b\nc");
	json_t *object = logged_json();
	ck_assert_str_eq(MEMBER(object, "level"), "warn");
	ck_assert_str_eq(MEMBER(object, "program"), "check");
	ck_assert_str_eq(MEMBER(object, "subsystem"), "lease");
	ck_assert_str_eq(MEMBER(object, "event"), "not granted");
	ck_assert_str_eq(MEMBER(object, "bind_id"), "7");
	ck_assert_str_eq(MEMBER(object, "reason"), "no ports left");
	ck_assert_str_eq(MEMBER(object, "name"), "a\\b\\x0ac");
	json_decref(object);
}
END_TEST

/* The longest texts, all of them to be escaped once more in JSON. The text may be cut, but it stays one line, and nothing
 * is read past its end. */
START_TEST(test_long_lines)
{
	char text[8192];

	memset(text, '\\', sizeof(text));
	for (size_t len = 0; len < sizeof(text); len += 61) {
		for (int json = 0; json < 2; json++) {
			log_init("check", LOG_TO_STDERR, LOG_LVL_INFO, json == 1);
			log_info("x", "%.*s", (int)len, text);
			const char *got = logged();
			ck_assert_msg(*got != '\0' && strchr(got, '\n') == got + strlen(got) - 1, "%zu: %s", len, got);
			if (json == 1) {
				json_t *object = json_loads(got, 0, NULL);
				ck_assert_msg(object != NULL, "%zu: not JSON: %s", len, got);
				json_decref(object);
			}
		}
	}
	memset(text, '\n', sizeof(text));
	log_info("x", "a=%.*s", (int)sizeof(text) - 1, text);
	ck_assert_ptr_nonnull(strstr(logged(), "\\\\x0a\\\\x0a"));
}
END_TEST

/* Withheld lines are counted, and told by the next one that is not. */
START_TEST(test_limited)
{
	struct log_limit limit = { 0, 0 };

	log_init("check", LOG_TO_STDERR, LOG_LVL_INFO, false);
	clock_set(5000, 0);
	log_warn_limited(&limit, "x", "flood n=%d", 1);
	ENDS_WITH(": flood n=1\n");
	for (int i = 0; i < 10; i++)
		log_warn_limited(&limit, "x", "flood n=2");
	ck_assert_str_eq(logged(), "");
	clock_set(5999, 0);
	log_warn_limited(&limit, "x", "flood n=3");
	ck_assert_str_eq(logged(), "");
	clock_set(6000, 0);
	log_warn_limited(&limit, "x", "flood n=4");
	ENDS_WITH(": flood n=4 suppressed=11\n");
	clock_set(7000, 0);
	log_warn_limited(&limit, "x", "flood n=5");
	ENDS_WITH(": flood n=5\n");
}
END_TEST

START_TEST(test_fatal)
{
	char last[60];
	int status;
	pid_t pid;

	log_init("check", LOG_TO_STDERR, LOG_LVL_ERROR, false);
	log_error("x", "a line of the process that it comes from");
	pid = fork();
	if (pid == 0)
		log_fatal("x", "no way out reason=%s", "test");
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	snprintf(last, sizeof(last), "[%d] x: no way out reason=test\n", (int)pid);
	ENDS_WITH(last);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, capture, release);
	tcase_add_test(tc, test_text);
	tcase_add_test(tc, test_journal);
	tcase_add_test(tc, test_no_forged_lines);
	tcase_add_test(tc, test_json);
	tcase_add_test(tc, test_long_lines);
	tcase_add_test(tc, test_limited);
	tcase_add_test(tc, test_fatal);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
