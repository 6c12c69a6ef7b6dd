#include "agent_suite.h"

#include <stdlib.h>

struct world w;

static void
setup_udp(void)
{
	world_init(&w, true);
}

static void
setup_tcp(void)
{
	world_init(&w, false);
}

static void
teardown(void)
{
	world_end(&w);
}

static void
add(Suite *suite, const char *name, void (*setup)(void), const TTest *const *tests)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	for (; *tests != NULL; tests++)
		tcase_add_test(tc, *tests);
	suite_add_tcase(suite, tc);
}

int
agent_suite_run(const char *name, const TTest *const *udp_tests, const TTest *const *tcp_tests)
{
	Suite *suite = suite_create(name);
	SRunner *runner;
	int failed;

	add(suite, "udp", setup_udp, udp_tests);
	add(suite, "tcp", setup_tcp, tcp_tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
