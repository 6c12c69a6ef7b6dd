#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "conf.h"
#include "ctl_client.h"
#include "growth.h"
#include "host.h"
#include "log.h"
#include "mem.h"
#include "namespace.h"
#include "ports_used.h"
#include "privileges.h"

#define START_TRIES 100 /* for an agent that we start: 5 s */
#define LEASE_MS 30000
#define ANSWER_MS 5000
#define END_TRIES 80 /* for the agent's de-registration: 4 s */
#define PAUSE_MS 50

struct session {
	struct conf *conf;
	int fd;      /* the control socket; the lease lasts as long as it is open */
	pid_t agent; /* one that we started, 0 = it was running */
	struct namespace_plan plan;
	struct port_range *ports;
	struct namespace *ns;
	bool grows;
};

static void
pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

/* ---- an agent to ask ---- */

static void
become_agent(struct conf *conf)
{
	struct host host;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool busy;

	setsid(); /* Ctrl-C is for the command */
	signal(SIGPIPE, SIG_IGN); /* as in main.c, and here only: the command is to have what its caller has */
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		close(null);
	}
	/* Standard error is the command's user's: no news but bad news. */
	log_init("rsipc", conf->log_to, conf->log_level == LOG_LVL_INFO ? LOG_LVL_WARN : conf->log_level, conf->log_json);
	if (!host_open(&host, conf, NULL, &busy))
		_exit(1);
	if (privileges_drop())
		host_run(&host);
	host_close(&host);
	_exit(0);
}

static bool
start_agent(struct session *s)
{
	s->agent = fork();
	if (s->agent == 0)
		become_agent(s->conf);
	if (s->agent < 0) {
		fprintf(stderr, "rsipc: cannot fork: %s\n", strerror(errno));
		return false;
	}
	for (int i = 0; i < START_TRIES; i++) {
		if ((s->fd = ctl_client_connect(s->conf->control)) >= 0)
			return true;
		if (waitpid(s->agent, NULL, WNOHANG) != 0) {
			s->agent = 0;
			break;
		}
		pause_ms(PAUSE_MS);
	}
	fprintf(stderr, "rsipc: the agent for the command did not start\n");
	return false;
}

static bool
reach_agent(struct session *s)
{
	s->fd = ctl_client_connect(s->conf->control);
	if (s->fd >= 0)
		return true;
	if (errno == ENOENT || errno == ECONNREFUSED)
		return start_agent(s);
	fprintf(stderr, "rsipc: cannot reach the running rsipc at %s: %s\n", s->conf->control, strerror(errno));
	return false;
}

/* Asks, and says why not if not. The caller owns the document. */
static json_t *
ask(const struct session *s, json_t *request, int pass_fd, int timeout_ms)
{
	char error[CTL_ERROR_LEN];
	json_t *result = NULL;
	enum ctl_outcome outcome = CTL_REFUSED;

	snprintf(error, sizeof(error), "out of memory");
	if (request != NULL)
		outcome = ctl_client_ask(s->fd, request, pass_fd, timeout_ms, &result, error);
	json_decref(request);
	if (outcome == CTL_DONE)
		return result;
	fprintf(stderr, "rsipc: %s\n", error);
	return NULL;
}

/* ---- the lease ---- */

static bool
read_ports(struct session *s, const json_t *ports)
{
	size_t n = json_array_size(ports);

	s->ports = mem_zero(n + 1, sizeof(*s->ports));
	for (size_t i = 0; i < n; i++) {
		int first, last;

		if (json_unpack(json_array_get(ports, i), "[i,i]", &first, &last) != 0 || first < 1 || last < first ||
		    last > UINT16_MAX)
			return false;
		s->ports[i] = (struct port_range){ (uint16_t)first, (uint16_t)last };
	}
	s->plan.ports = s->ports;
	s->plan.n_ports = n;
	return n > 0;
}

static bool
take_lease(struct session *s)
{
	const struct conf_lease *like = conf_command_lease(s->conf);
	json_t *document, *ports;
	const char *addr;
	int mtu = 0;
	bool sound;

	if (like == NULL) {
		fprintf(stderr, "rsipc: the config has no lease of method rsap-ip to take as the model; add one\n");
		return false;
	}
	s->grows = growth_allowed(like);
	document = ask(s, json_pack("{s:s, s:i}", "cmd", "lease", "ports", like->ports), -1, LEASE_MS);
	if (document == NULL)
		return false;
	sound = json_unpack(document, "{s:s, s:o, s:i}", "address", &addr, "ports", &ports, "mtu", &mtu) == 0 &&
	        ip4_parse(addr, &s->plan.addr) && read_ports(s, ports) && mtu > 0;
	s->plan.mtu = (unsigned)mtu;
	if (!sound)
		fprintf(stderr, "rsipc: the running rsipc gave an answer that makes no sense; is it of another version?\n");
	json_decref(document);
	return sound;
}

static bool
attach(struct session *s)
{
	json_t *document;
	int tun;

	if ((s->ns = namespace_enter(&s->plan, &tun)) == NULL)
		return false;
	document = ask(s, json_pack("{s:s}", "cmd", "attach"), tun, ANSWER_MS);
	close(tun);
	json_decref(document);
	return document != NULL;
}

/* ---- the lease grows: rsipc/growth.h ---- */

static bool
has_port(const struct port_range *ports, size_t n, struct port_range range)
{
	for (size_t i = 0; i < n; i++) {
		if (ports[i].first == range.first && ports[i].last == range.last)
			return true;
	}
	return false;
}

/* Where any range is left, all programs are kept from it before anything else. */
static bool
leaves_none(const struct port_range *before, size_t n, const struct namespace_plan *plan)
{
	for (size_t i = 0; i < n; i++) {
		if (!has_port(plan->ports, plan->n_ports, before[i]))
			return false;
	}
	return true;
}

static void
use_ports(struct session *s, const json_t *document)
{
	struct port_range *before = s->ports;
	size_t n = s->plan.n_ports;
	bool wider;

	if (!read_ports(s, json_object_get(document, "ports"))) {
		free(s->ports);
		s->plan.ports = s->ports = before;
		s->plan.n_ports = n;
		s->grows = false;
		return;
	}
	wider = leaves_none(before, n, &s->plan);
	if (!(wider && n == s->plan.n_ports) && !namespace_set_ports(s->ns, &s->plan, wider))
		s->grows = false;
	free(before);
}

static json_t *
count_used(const struct session *s)
{
	static struct ports_used used;
	json_t *counts;

	if (!ports_used_read(&used) || (counts = json_array()) == NULL)
		return NULL;
	for (size_t i = 0; i < s->plan.n_ports; i++)
		json_array_append_new(counts, json_pack("[i,i]", s->ports[i].first, (int)ports_used_count(&used, s->ports[i])));
	return json_pack("{s:s, s:o}", "cmd", "used", "ports", counts);
}

/* One look. What the agent cannot give now it may give later; one that is gone, or of another version, gives no more. */
static void
grow(struct session *s)
{
	json_t *request = count_used(s), *document = NULL;
	char error[CTL_ERROR_LEN];
	enum ctl_outcome outcome = CTL_BROKEN;

	if (request != NULL)
		outcome = ctl_client_ask(s->fd, request, -1, ANSWER_MS, &document, error);
	json_decref(request);
	if (outcome == CTL_DONE)
		use_ports(s, document);
	else if (outcome == CTL_BROKEN)
		s->grows = false;
	json_decref(document);
}

/* Says that the command is over, and waits until the gateway has its lease back. */
static void
give_back(struct session *s)
{
	json_t *document;

	if (s->fd < 0)
		return;
	document = s->plan.addr != 0 ? ask(s, json_pack("{s:s}", "cmd", "release"), -1, ANSWER_MS) : NULL;
	json_decref(document);
	close(s->fd);
	/* An agent of ours de-registers when it has no other commands. */
	for (int i = 0; s->agent > 0 && i < END_TRIES && waitpid(s->agent, NULL, WNOHANG) == 0; i++)
		pause_ms(PAUSE_MS);
}

/* ---- the command ---- */

static void
set_environment(const struct session *s)
{
	char addr[IP4_STRLEN], *ports = NULL;
	size_t len;
	FILE *f = open_memstream(&ports, &len);

	for (size_t i = 0; f != NULL && i < s->plan.n_ports; i++)
		fprintf(f, "%s%u-%u", i > 0 ? " " : "", s->plan.ports[i].first, s->plan.ports[i].last);
	if (f != NULL)
		fclose(f);
	setenv("RSIP_ADDRESS", ip4_str(s->plan.addr, addr), 1);
	setenv("RSIP_PORTS", ports != NULL ? ports : "", 1);
	setenv("RSIP_DEVICE", s->plan.device, 1);
	free(ports);
}

static _Noreturn void
execute(const struct session *s, char *const argv[], const sigset_t *mask)
{
	set_environment(s);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (!privileges_of_caller()) {
		fprintf(stderr, "rsipc: cannot become the user who ran sudo: %s\n", strerror(errno));
		_exit(COMMAND_FAILED);
	}
	execvp(argv[0], argv);
	fprintf(stderr, "rsipc: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* What the terminal sends goes to the command, too: only what a process sent to us is passed on. */
static int
wait_for(struct session *s, pid_t child, const sigset_t *signals)
{
	const struct timespec look = { .tv_nsec = GROWTH_INTERVAL_MS * 1000000 };
	int status;

	for (;;) {
		siginfo_t info;
		int signo = s->grows ? sigtimedwait(signals, &info, &look) : sigwaitinfo(signals, &info);

		if (signo < 0 && errno == EAGAIN)
			grow(s);
		if (signo == SIGCHLD && waitpid(child, &status, WNOHANG) == child)
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		if (signo > 0 && signo != SIGCHLD && info.si_code <= 0)
			kill(child, signo);
	}
}

static int
run(struct session *s, char *const argv[])
{
	static const int passed_on[] = { SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT };
	sigset_t signals, before;
	pid_t child;

	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		sigaddset(&signals, passed_on[i]);
	sigprocmask(SIG_BLOCK, &signals, &before);
	child = fork();
	if (child == 0)
		execute(s, argv, &before);
	if (child < 0) {
		fprintf(stderr, "rsipc: cannot fork: %s\n", strerror(errno));
		return COMMAND_FAILED;
	}
	return wait_for(s, child, &signals);
}

int
command_run(struct conf *conf, char *const argv[])
{
	struct session s = { .conf = conf, .fd = -1 };
	int status = COMMAND_FAILED;

	s.plan.device = conf->device;
	s.plan.resolvers = conf->resolvers;
	s.plan.n_resolvers = conf->n_resolvers;
	if (reach_agent(&s) && take_lease(&s) && attach(&s))
		status = run(&s, argv);
	give_back(&s);
	namespace_free(s.ns);
	free(s.ports);
	return status;
}
