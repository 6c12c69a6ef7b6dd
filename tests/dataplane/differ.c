/* One meaning: the cases of cases.h and frames by chance, through the fast path and through kernel and relay. A frame
 * that the fast path passes up goes to the relay beside it, so the two gateways compared, one with a fast path and one
 * without, are whole.
 *
 *   differ [-n FRAMES] [-t SECONDS] [-s SEED]
 *
 * FRAMES by chance, or as many as fit into SECONDS; default 1000000 without a limit of time. Every difference prints
 * the frame and fails. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compare.h"
#include "gateway.h"
#include "log.h"
#include "random_frame.h"

#define STATUS_SKIPPED 77
#define DIFFERENCES_MAX 10   /* then it gives up */
#define NEW_LIFE_EVERY 20000 /* frames; both gateways begin anew, and forget what they learned */

struct differ {
	struct fast_path *fast;
	struct gateway reference, beside; /* alone; and with the fast path before it */
	struct frame frame;
	struct outcome relayed;
	struct fast_result result;
	unsigned differences;
	uint64_t frames, forwarded, sent, dropped;
};

/* ---- one frame ---- */

static void
begin_life(struct differ *d)
{
	gateway_up(&d->reference, NULL);
	gateway_up(&d->beside, d->fast);
}

static void
end_life(struct differ *d)
{
	fast_path_follow(d->fast, NULL);
	gateway_down(&d->reference);
	gateway_down(&d->beside);
}

/* Runs d->frame through both gateways. False when they differ, which has been told. */
static bool
run_frame(struct differ *d, const char *what)
{
	struct outcome passed;
	const char *wrong;

	gateway_relays(&d->reference, &d->frame, &d->relayed);
	fast_path_run(d->fast, &d->frame, &d->result);
	if (d->result.verdict == FAST_PASSED)
		gateway_relays(&d->beside, &d->frame, &passed);
	d->frames++;
	d->forwarded += d->relayed.fate == FATE_SENT;
	d->sent += d->result.verdict == FAST_SENT;
	d->dropped += d->result.verdict == FAST_DROPPED;
	wrong = compare(&d->frame, &d->relayed, &d->result);
	if (wrong == NULL)
		return true;
	d->differences++;
	printf("FAIL: %s - %s\n", what, wrong);
	compare_print(stdout, &d->frame, &d->relayed, &d->result);
	return false;
}

/* ---- the cases ---- */

static void
later(struct differ *d, unsigned seconds)
{
	gateway_later(&d->reference, seconds);
	gateway_later(&d->beside, seconds);
}

/* The table has packets as the relay gets them: on the link one had a hop more to live. */
static bool
build(struct differ *d, enum direction direction, const struct test_packet *p)
{
	struct test_packet on_link = *p;

	if (direction == IN && on_link.ttl == 255)
		return false;
	if (direction == IN)
		on_link.ttl = (uint8_t)((on_link.ttl != 0 ? on_link.ttl : 64) + 1);
	return frame_build(&d->frame, direction, &on_link);
}

/* The first packet of a host to an SPI is for the relay to learn from; the next one is not. */
static bool
run_again(struct differ *d, const char *what)
{
	if (d->result.verdict != FAST_PASSED || strcmp(d->result.why, "spi_out") != 0)
		return true;
	if (!run_frame(d, what))
		return false;
	if (d->relayed.fate != FATE_SENT || d->result.verdict == FAST_SENT)
		return true;
	d->differences++;
	printf("FAIL: %s - the second packet to an SPI is passed up, too: %s\n", what, d->result.why);
	return false;
}

static bool
run_case(struct differ *d, const struct dp_case *c)
{
	for (size_t i = 0; i < COUNT(c->before) && c->before[i].packet.proto != 0; i++) {
		later(d, c->before[i].later_s);
		if (build(d, c->before[i].direction, &c->before[i].packet) && !run_frame(d, c->what))
			return false;
	}
	return !build(d, c->direction, &c->packet) || (run_frame(d, c->what) && run_again(d, c->what));
}

static void
run_cases(struct differ *d)
{
	unsigned good = 0;

	for (size_t i = 0; i < COUNT(cases); i++) {
		begin_life(d);
		good += run_case(d, &cases[i]);
		end_life(d);
	}
	if (good == COUNT(cases))
		printf("PASS: %zu cases: %llu frames, %llu of them by the fast path alone\n", COUNT(cases),
		       (unsigned long long)d->frames, (unsigned long long)(d->sent + d->dropped));
}

/* ---- chance ---- */

static double
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void
run_random(struct differ *d, uint64_t n, double limit, uint64_t seed)
{
	struct random_source r = { seed };
	double until = seconds_now() + limit;
	unsigned before = d->differences;
	uint64_t i;
	char what[64];

	d->frames = d->forwarded = d->sent = d->dropped = 0;
	begin_life(d);
	for (i = 0; i < n && d->differences < before + DIFFERENCES_MAX; i++) {
		if (limit != 0 && i % 1000 == 0 && seconds_now() >= until)
			break;
		if (i % NEW_LIFE_EVERY == NEW_LIFE_EVERY - 1) {
			end_life(d);
			begin_life(d);
		}
		random_frame(&r, &d->frame);
		snprintf(what, sizeof(what), "frame %llu of seed %llu", (unsigned long long)i, (unsigned long long)seed);
		run_frame(d, what);
	}
	end_life(d);
	printf("%llu frames of seed %llu: %llu to be forwarded, %llu of them by the fast path alone\n",
	       (unsigned long long)d->frames, (unsigned long long)seed, (unsigned long long)d->forwarded,
	       (unsigned long long)d->sent);
	if (d->differences == before && d->sent > 0)
		printf("PASS: no difference in %llu frames by chance\n", (unsigned long long)d->frames);
	else if (d->differences == before)
		printf("FAIL: the fast path sent none of the frames\n"), d->differences++;
}

int
main(int argc, char *argv[])
{
	uint64_t n = 1000000, seed = 1;
	struct differ d = { 0 };
	double limit = 0;
	const char *why;
	int option;

	while ((option = getopt(argc, argv, "n:t:s:")) != -1) {
		switch (option) {
		case 'n': n = strtoull(optarg, NULL, 0); break;
		case 't': limit = strtod(optarg, NULL); break;
		case 's': seed = strtoull(optarg, NULL, 0); break;
		default: fprintf(stderr, "usage: differ [-n FRAMES] [-t SECONDS] [-s SEED]\n"); return 2;
		}
	}
	log_init("differ", LOG_TO_STDERR, LOG_LVL_ERROR, false);
	d.fast = fast_path_up(&why);
	if (d.fast == NULL) {
		printf("SKIP: the fast path beside the relay - %s\n", why);
		return STATUS_SKIPPED;
	}
	run_cases(&d);
	run_random(&d, n, limit, seed);
	fast_path_down(d.fast);
	return d.differences == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
