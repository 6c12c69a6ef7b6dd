#include "config.h"

#include "xdp_object.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "xdp/rsip.skel.h"

const char *const xdp_program_names[XDP_PROGRAM_COUNT] = {
	[XDP_PROGRAM_INBOUND] = "rsip_inbound",
	[XDP_PROGRAM_OUTBOUND] = "rsip_outbound",
	[XDP_PROGRAM_BOTH] = "rsip_both",
};

struct xdp_object {
	struct xdp_rsip *skeleton;
};

static char error_text[256];

const char *
xdp_object_error(void)
{
	return error_text;
}

__attribute__((format(printf, 1, 2))) static void
fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error_text, sizeof(error_text), format, args);
	va_end(args);
}

/* libbpf's own lines, among them the verifier's, are for developers. */
__attribute__((format(printf, 2, 0))) static int
print_debug(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[1024];

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	log_debug("xdp", "libbpf: %s", line);
	return 0;
}

static int
set_map(struct xdp_object *object, enum xdp_map map, const struct xdp_sizes *sizes, const int *reuse)
{
	struct bpf_map *m = bpf_object__find_map_by_name(object->skeleton->obj, xdp_map_names[map]);

	if (m == NULL)
		return -ENOENT;
	if (reuse != NULL)
		return bpf_map__reuse_fd(m, reuse[map]);
	return bpf_map__set_max_entries(m, xdp_sizes_entries(sizes, map));
}

struct xdp_object *
xdp_object_open(const struct xdp_sizes *sizes, const int reuse[XDP_MAP_COUNT])
{
	struct xdp_object *object = mem_zero(1, sizeof(*object));
	int err = 0;

	libbpf_set_print(print_debug);
	object->skeleton = xdp_rsip__open();
	if (object->skeleton == NULL) {
		fail("the embedded XDP programs cannot be read (%s)", strerror(errno));
		xdp_object_free(object);
		return NULL;
	}
	for (int map = 0; map < XDP_MAP_COUNT && err == 0; map++) {
		err = set_map(object, (enum xdp_map)map, sizes, reuse);
		if (err != 0)
			fail("the XDP table \"%s\" cannot be used (%s)", xdp_map_names[map], strerror(-err));
	}
	if (err == 0)
		return object;
	xdp_object_free(object);
	return NULL;
}

/* A kernel says little about why it refuses; what its errors mean here. */
static void
fail_load(int err, const struct xdp_sizes *sizes)
{
	if (err == -EPERM)
		fail("the kernel does not let rsipd load XDP programs; it needs the capabilities CAP_BPF, CAP_PERFMON and "
		     "CAP_NET_ADMIN");
	else if (err == -ENOMEM || err == -E2BIG)
		fail("there is no memory for the XDP tables, which take %llu MB by the pools of the config",
		     (unsigned long long)(xdp_sizes_memory(sizes) >> 20));
	else if (err == -ENOSYS)
		fail("this kernel is built without bpf(2) (CONFIG_BPF_SYSCALL)");
	else
		fail("this kernel does not accept the XDP programs (%s); they need Linux 5.19 with BTF, and log level debug "
		     "shows what it objects to", strerror(-err));
}

static void
sizes_of_object(const struct xdp_object *object, struct xdp_sizes *sizes)
{
	const struct xdp_rsip *s = object->skeleton;

	*sizes = (struct xdp_sizes) {
		.addresses = bpf_map__max_entries(s->maps.addrs),
		.port_tables = bpf_map__max_entries(s->maps.ports) - 1,
		.bindings = bpf_map__max_entries(s->maps.bindings),
		.spi_lines = bpf_map__max_entries(s->maps.spis),
		.cookie_lines = bpf_map__max_entries(s->maps.cookies),
		.claims = bpf_map__max_entries(s->maps.claims),
		.ipsec = bpf_map__max_entries(s->maps.ipsec),
		.flows = bpf_map__max_entries(s->maps.flows),
		.devices = bpf_map__max_entries(s->maps.devices),
		.cpus = bpf_map__max_entries(s->maps.totals),
	};
}

bool
xdp_object_load(struct xdp_object *object)
{
	int err = xdp_rsip__load(object->skeleton);
	struct xdp_sizes sizes;

	if (err == 0)
		return true;
	sizes_of_object(object, &sizes);
	fail_load(err, &sizes);
	return false;
}

struct bpf_object *
xdp_object_bpf(const struct xdp_object *object)
{
	return object->skeleton->obj;
}

int
xdp_object_program(const struct xdp_object *object, enum xdp_program program)
{
	return bpf_program__fd(bpf_object__find_program_by_name(object->skeleton->obj, xdp_program_names[program]));
}

void
xdp_object_maps(const struct xdp_object *object, int fd[XDP_MAP_COUNT])
{
	for (int map = 0; map < XDP_MAP_COUNT; map++)
		fd[map] = bpf_map__fd(bpf_object__find_map_by_name(object->skeleton->obj, xdp_map_names[map]));
}

void
xdp_object_free(struct xdp_object *object)
{
	if (object == NULL)
		return;
	xdp_rsip__destroy(object->skeleton);
	free(object);
}
