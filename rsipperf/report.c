#include "report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "names.h"
#include "plan.h"
#include "rsip_proto.h"
#include "swarm.h"
#include "tally.h"

static double
ms(uint64_t us)
{
	return (double)us / 1e3;
}

static double
seconds_of(const struct tally *t)
{
	return (double)(t->ended_us - t->began_us) / 1e6;
}

/* --- live --- */

void
report_begin(struct report *r, const struct plan *plan, int64_t now_us)
{
	char first[IP4_STRLEN], gateway[IP4_STRLEN];

	memset(r, 0, sizeof(*r));
	r->plan = plan;
	r->last_us = now_us;
	r->live = !plan->quiet;
	if (plan->json)
		return;
	printf("%u hosts from %s, %s to %s port %u, %s, at most %u bindings a host, window %u, %u at once\n", plan->hosts,
	    ip4_str(plan->first_host, first), plan->tcp ? "TCP" : "UDP", ip4_str(plan->gateway, gateway), plan->port,
	    rsip_method_name(plan->method), plan->bindings, plan->window, plan->at_once);
	fflush(stdout);
}

void
report_live(struct report *r, const struct tally *t, const struct swarm *swarm, int64_t now_us)
{
	uint64_t before = r->last_tally == t ? r->last_answered : 0;
	uint64_t answered = tally_answered(t);
	double rate = (double)(answered - before) * 1e6 / (double)(now_us - r->last_us);
	bool terminal = isatty(STDERR_FILENO);

	r->last_us = now_us;
	r->last_tally = t;
	r->last_answered = answered;
	if (!r->live)
		return;
	fprintf(stderr, "%s%s: %.0f s, %.0f answers/s, %llu waiting, %llu hosts, %llu bindings, %llu refused, %llu lost%s",
	    terminal ? "\r\033[K" : "", t->name, (double)(now_us - t->began_us) / 1e6, rate,
	    (unsigned long long)swarm->waiting, (unsigned long long)swarm->n_registered,
	    (unsigned long long)swarm->n_bindings, (unsigned long long)tally_refused(t),
	    (unsigned long long)tally_lost(t), terminal ? "" : "\n");
	r->line_is_open = terminal;
}

/* --- table --- */

static void
print_row(const char *name, const struct tally_op *op, double seconds)
{
	const struct histogram *h = &op->waited;

	printf("  %-10s %10llu %10.0f %9.2f %9.2f %9.2f %9.2f %8llu %6llu %8llu\n", name, (unsigned long long)op->granted,
	    seconds > 0 ? (double)op->granted / seconds : 0, ms(histogram_at(h, 0.5)), ms(histogram_at(h, 0.9)),
	    ms(histogram_at(h, 0.99)), ms(h->max), (unsigned long long)op->refused, (unsigned long long)op->lost,
	    (unsigned long long)op->repeats);
}

/* The sum of all operations; the caller frees. */
static struct tally_op *
sum_of(const struct tally *t)
{
	struct tally_op *sum = mem_zero(1, sizeof(*sum));

	for (int i = 0; i < OPS; i++) {
		sum->sent += t->op[i].sent;
		sum->granted += t->op[i].granted;
		sum->refused += t->op[i].refused;
		sum->lost += t->op[i].lost;
		sum->repeats += t->op[i].repeats;
		histogram_merge(&sum->waited, &t->op[i].waited);
	}
	return sum;
}

static void
print_table(const struct tally *t)
{
	int rows = 0;

	printf("\n%s, %.2f s\n  %-10s %10s %10s %9s %9s %9s %9s %8s %6s %8s\n", t->name, seconds_of(t), "", "granted", "a second",
	    "p50 ms", "p90 ms", "p99 ms", "max ms", "refused", "lost", "repeated");
	for (int i = 0; i < OPS; i++) {
		if (t->op[i].sent == 0)
			continue;
		print_row(op_name(i), &t->op[i], seconds_of(t));
		rows++;
	}
	if (rows > 1) {
		struct tally_op *sum = sum_of(t);
		print_row("all", sum, seconds_of(t));
		free(sum);
	}
	fflush(stdout);
}

void
report_phase(struct report *r, struct tally *t)
{
	if (r->line_is_open)
		fputs("\r\033[K", stderr);
	r->line_is_open = false;
	if (!r->plan->json)
		print_table(t);
	r->phases[r->n_phases++] = t;
}

/* --- the end --- */

void
report_nobody(const struct report *r, const struct tally *t)
{
	char gateway[IP4_STRLEN], first[IP4_STRLEN];

	ip4_str(r->plan->gateway, gateway);
	ip4_str(r->plan->first_host, first);
	if (tally_answered(t) == 0)
		fprintf(stderr, "rsipperf: nothing answers at %s port %u: does rsipd listen there, and is %s a local address of this"
		    " machine that the gateway can reach?\n", gateway, r->plan->port, first);
	else
		fprintf(stderr, "rsipperf: %s lets no host register: has it a host section for %s and those that follow?\n",
		    gateway, first);
}

static uint64_t
errors_of(const struct report *r, int number)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < r->n_phases; i++)
		n += r->phases[i]->error[number];
	return n;
}

static void
print_errors(const struct report *r)
{
	bool any = false;
	uint64_t unasked = 0, unread = 0;

	for (int number = 0; number < TALLY_ERRORS; number++) {
		uint64_t n = errors_of(r, number);
		if (n > 0)
			printf("%s  %s: %llu\n", any ? "" : "\nerrors\n", rsip_error_name(number), (unsigned long long)n);
		any = any || n > 0;
	}
	for (unsigned i = 0; i < r->n_phases; i++) {
		unasked += r->phases[i]->unasked;
		unread += r->phases[i]->unread;
	}
	if (unasked > 0)
		printf("\n%llu messages that nobody waited for (notices, answers that came twice)\n", (unsigned long long)unasked);
	if (unread > 0)
		printf("\n%llu messages that are no RSIP\n", (unsigned long long)unread);
}

/* Three digits behind the point are what the clock is good for. */
static json_t *
rounded(double value)
{
	return json_real((double)(int64_t)(value * 1e3 + 0.5) / 1e3);
}

static json_t *
json_of_op(const char *name, const struct tally_op *op, double seconds)
{
	const struct histogram *h = &op->waited;

	return json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "operation", name,
	    "granted", (json_int_t)op->granted, "rate", rounded(seconds > 0 ? (double)op->granted / seconds : 0),
	    "p50_ms", rounded(ms(histogram_at(h, 0.5))), "p90_ms", rounded(ms(histogram_at(h, 0.9))),
	    "p99_ms", rounded(ms(histogram_at(h, 0.99))), "max_ms", rounded(ms(h->max)),
	    "refused", (json_int_t)op->refused, "lost", (json_int_t)op->lost, "repeated", (json_int_t)op->repeats);
}

static json_t *
json_of_phase(const struct tally *t)
{
	struct tally_op *sum = sum_of(t);
	json_t *ops = json_array();

	for (int i = 0; i < OPS; i++) {
		if (t->op[i].sent > 0)
			json_array_append_new(ops, json_of_op(op_name(i), &t->op[i], seconds_of(t)));
	}
	json_array_append_new(ops, json_of_op("all", sum, seconds_of(t)));
	free(sum);
	return json_pack("{s:s, s:o, s:o, s:I, s:I}", "phase", t->name, "seconds", rounded(seconds_of(t)), "operations", ops,
	    "unasked", (json_int_t)t->unasked, "unread", (json_int_t)t->unread);
}

static void
print_json(const struct report *r)
{
	json_t *phases = json_array(), *errors = json_object(), *all;
	char gateway[IP4_STRLEN];

	for (unsigned i = 0; i < r->n_phases; i++)
		json_array_append_new(phases, json_of_phase(r->phases[i]));
	for (int number = 0; number < TALLY_ERRORS; number++) {
		if (errors_of(r, number) > 0)
			json_object_set_new(errors, rsip_error_name(number), json_integer((json_int_t)errors_of(r, number)));
	}
	all = json_pack("{s:s, s:s, s:i, s:s, s:i, s:i, s:i, s:o, s:o}", "gateway", ip4_str(r->plan->gateway, gateway),
	    "transport", r->plan->tcp ? "tcp" : "udp", "hosts", (int)r->plan->hosts,
	    "method", rsip_method_name(r->plan->method), "bindings", (int)r->plan->bindings,
	    "window", (int)r->plan->window, "at_once", (int)r->plan->at_once, "phases", phases, "errors", errors);
	json_dumpf(all, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
	putchar('\n');
	json_decref(all);
}

int
report_end(struct report *r)
{
	uint64_t bad = 0;

	if (r->plan->json)
		print_json(r);
	else
		print_errors(r);
	for (unsigned i = 0; i < r->n_phases; i++) {
		bad += tally_refused(r->phases[i]) + tally_lost(r->phases[i]);
		free(r->phases[i]);
	}
	fflush(stdout);
	return bad > 0;
}
