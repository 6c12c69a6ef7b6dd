#include "config.h"

#include "attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <xdp/libxdp.h>

#include "log.h"

static char reason[256];

const char *
attach_mode_name(enum attach_mode mode)
{
	return mode == ATTACH_NATIVE ? "native" : mode == ATTACH_GENERIC ? "generic" : "none";
}

const char *
attach_reason(void)
{
	return reason;
}

static enum xdp_attach_mode
libxdp_mode(enum attach_mode mode)
{
	return mode == ATTACH_NATIVE ? XDP_MODE_NATIVE : XDP_MODE_SKB;
}

static bool
is_ours(const struct xdp_program *program)
{
	return program != NULL && strncmp(xdp_program__name(program), ATTACH_PREFIX, strlen(ATTACH_PREFIX)) == 0;
}

/* ---- what the libraries say ---- */

/* Their words are for developers and go to the debug log; but what the kernel says of a refusal is the best reason. */
__attribute__((format(printf, 1, 0))) static void
take_line(const char *format, va_list args)
{
	static const char kernel_says[] = "Kernel error message: ";
	char line[512], *at;

	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	log_debug("xdp", "library: %s", line);
	if ((at = strstr(line, kernel_says)) != NULL)
		snprintf(reason, sizeof(reason), "%s", at + strlen(kernel_says));
}

__attribute__((format(printf, 2, 0))) static int
libbpf_line(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level != LIBBPF_DEBUG)
		take_line(format, args);
	return 0;
}

__attribute__((format(printf, 2, 0))) static int
libxdp_line(enum libxdp_print_level level, const char *format, va_list args)
{
	if (level != LIBXDP_DEBUG)
		take_line(format, args);
	return 0;
}

static void
listen_to_libraries(void)
{
	libbpf_set_print(libbpf_line);
	libxdp_set_print(libxdp_line);
}

/* ---- what is on a device ---- */

/* The programs on the device; NULL for none. */
static struct xdp_multiprog *
programs_on(unsigned ifindex)
{
	struct xdp_multiprog *mp = xdp_multiprog__get_from_ifindex((int)ifindex);

	return libxdp_get_error(mp) == 0 ? mp : NULL;
}

/* Ours among them, or NULL; it lives as long as mp. */
static struct xdp_program *
ours_among(const struct xdp_multiprog *mp)
{
	struct xdp_program *program = NULL;

	if (xdp_multiprog__is_legacy(mp)) {
		program = xdp_multiprog__main_prog(mp);
		return is_ours(program) ? program : NULL;
	}
	while ((program = xdp_multiprog__next_prog(program, mp)) != NULL && !is_ours(program))
		;
	return program;
}

enum attach_mode
attach_find(unsigned ifindex, bool *shared)
{
	enum attach_mode mode = ATTACH_NONE;

	listen_to_libraries();
	struct xdp_multiprog *mp = programs_on(ifindex);
	if (mp == NULL)
		return ATTACH_NONE;
	if (ours_among(mp) != NULL)
		mode = xdp_multiprog__attach_mode(mp) == XDP_MODE_SKB ? ATTACH_GENERIC : ATTACH_NATIVE;
	*shared = !xdp_multiprog__is_legacy(mp);
	xdp_multiprog__close(mp);
	return mode;
}

unsigned
attach_number(unsigned ifindex)
{
	__u32 id;

	return bpf_xdp_query_id((int)ifindex, 0, &id) == 0 ? id : 0;
}

/* ---- on, and off ---- */

/* The object has a program for each kind of device; the kernel need look at one only. */
static void
choose_program(struct bpf_object *object, const char *name)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, strcmp(bpf_program__name(program), name) == 0);
}

/* Alone on the device: no dispatcher, so libxdp has no exchange in one step. */
static int
detach_alone(const struct xdp_multiprog *mp, unsigned ifindex)
{
	DECLARE_LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = xdp_program__fd(xdp_multiprog__main_prog(mp)));
	__u32 flags = xdp_multiprog__attach_mode(mp) == XDP_MODE_SKB ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;

	return -bpf_xdp_detach((int)ifindex, flags, &opts);
}

static int
exchange_alone(const struct xdp_multiprog *mp, struct bpf_object *object, const char *name, unsigned ifindex)
{
	DECLARE_LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = xdp_program__fd(xdp_multiprog__main_prog(mp)));
	__u32 flags = xdp_multiprog__attach_mode(mp) == XDP_MODE_SKB ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	int err = -bpf_object__load(object);

	if (err != 0)
		return err;
	return -bpf_xdp_attach((int)ifindex, bpf_program__fd(bpf_object__find_program_by_name(object, name)), flags, &opts);
}

static int
attach_beside(struct bpf_object *object, const char *name, unsigned ifindex, enum attach_mode mode)
{
	DECLARE_LIBXDP_OPTS(xdp_program_opts, opts, .obj = object, .prog_name = name);
	struct xdp_program *program = xdp_program__create(&opts);
	int err = (int)-libxdp_get_error(program);

	if (err != 0)
		return err;
	err = -xdp_program__attach(program, (int)ifindex, libxdp_mode(mode), 0);
	xdp_program__close(program);
	return err;
}

static int
remove_from(const struct xdp_multiprog *mp, struct xdp_program *old, unsigned ifindex)
{
	if (xdp_multiprog__is_legacy(mp))
		return detach_alone(mp, ifindex);
	return -xdp_program__detach(old, (int)ifindex, xdp_multiprog__attach_mode(mp), 0);
}

/* Ours is there already. In another mode it must go first: the kernel has one mode at a time. */
static int
exchange(const struct xdp_multiprog *mp, struct xdp_program *old, struct bpf_object *object, const char *name,
         unsigned ifindex, enum attach_mode mode)
{
	int err;

	if (xdp_multiprog__attach_mode(mp) != libxdp_mode(mode)) {
		err = remove_from(mp, old, ifindex);
		return err != 0 ? err : attach_beside(object, name, ifindex, mode);
	}
	if (xdp_multiprog__is_legacy(mp))
		return exchange_alone(mp, object, name, ifindex);
	err = attach_beside(object, name, ifindex, mode);
	return err != 0 ? err : remove_from(mp, old, ifindex);
}

/* Another's, put there without a dispatcher, cannot be joined. */
static int
refuse_foreign(const struct xdp_multiprog *mp)
{
	snprintf(reason, sizeof(reason), "another XDP program, %s, has the device and does not share it; start that one by "
	         "libxdp's dispatcher (xdp-loader does), or take it away", xdp_program__name(xdp_multiprog__main_prog(mp)));
	return EBUSY;
}

static int
try_attach(struct bpf_object *object, const char *name, unsigned ifindex, enum attach_mode mode)
{
	struct xdp_multiprog *mp = programs_on(ifindex);
	struct xdp_program *old;
	int err;

	if (mp == NULL)
		return attach_beside(object, name, ifindex, mode);
	old = ours_among(mp);
	if (old != NULL)
		err = exchange(mp, old, object, name, ifindex, mode);
	else if (xdp_multiprog__is_legacy(mp) && xdp_multiprog__main_prog(mp) != NULL)
		err = refuse_foreign(mp);
	else
		err = attach_beside(object, name, ifindex, mode);
	xdp_multiprog__close(mp);
	return err;
}

/* Where the kernel gave no words of its own. */
static void
explain(int err)
{
	if (reason[0] != '\0')
		return;
	switch (err) {
	case EOPNOTSUPP:
		snprintf(reason, sizeof(reason), "the driver has no XDP in this mode");
		break;
	case EPERM:
	case EACCES:
		snprintf(reason, sizeof(reason), "not permitted; rsipd needs CAP_BPF, CAP_NET_ADMIN and CAP_SYS_ADMIN for it");
		break;
	case EBUSY:
	case EEXIST:
		snprintf(reason, sizeof(reason), "another XDP program has the device");
		break;
	case ENOMEM:
	case ENOSPC:
		snprintf(reason, sizeof(reason), "too little memory or too few queues for it: %s", strerror(err));
		break;
	default:
		snprintf(reason, sizeof(reason), "%s", strerror(err));
	}
}

int
attach_program(struct bpf_object *object, const char *program, unsigned ifindex, enum attach_mode mode)
{
	int err;

	listen_to_libraries();
	reason[0] = '\0';
	choose_program(object, program);
	err = try_attach(object, program, ifindex, mode);
	if (err != 0)
		explain(err);
	return err;
}

bool
attach_remove(unsigned ifindex)
{
	struct xdp_multiprog *mp;
	struct xdp_program *old;
	int err = 0;

	listen_to_libraries();
	reason[0] = '\0';
	if ((mp = programs_on(ifindex)) == NULL)
		return true;
	if ((old = ours_among(mp)) != NULL)
		err = remove_from(mp, old, ifindex);
	xdp_multiprog__close(mp);
	if (err != 0)
		explain(err);
	return err == 0;
}

void
attach_each(void (*each)(unsigned ifindex, const char *device, void *arg), void *arg)
{
	struct if_nameindex *devices = if_nameindex();
	bool shared;

	for (const struct if_nameindex *d = devices; d != NULL && d->if_index != 0; d++) {
		if (attach_find(d->if_index, &shared) != ATTACH_NONE)
			each(d->if_index, d->if_name, arg);
	}
	if (devices != NULL)
		if_freenameindex(devices);
}
