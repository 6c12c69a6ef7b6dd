#include "config.h"

#include "redirect_watch.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "mem.h"
#include "xdp/redirect_watch.skel.h"

#define FRAME_LEN 60

struct redirect_watch {
	struct redirect_watch_bpf *skeleton;
};

static uint32_t
own_netns(void)
{
	struct stat st = { 0 };

	stat("/proc/self/ns/net", &st);
	return (uint32_t)st.st_ino;
}

struct redirect_watch *
redirect_watch_new(const char **why)
{
	struct redirect_watch *w = mem_zero(1, sizeof(*w));

	w->skeleton = redirect_watch_bpf__open();
	if (w->skeleton != NULL) {
		w->skeleton->rodata->redirect_netns = own_netns();
		if (redirect_watch_bpf__load(w->skeleton) == 0 && redirect_watch_bpf__attach(w->skeleton) == 0)
			return w;
	}
	*why = errno == EPERM ? "CAP_PERFMON is missing" : "this kernel has no BPF programs on raw trace points, or no BTF";
	redirect_watch_free(w);
	return NULL;
}

void
redirect_watch_free(struct redirect_watch *w)
{
	if (w == NULL)
		return;
	redirect_watch_bpf__destroy(w->skeleton);
	free(w);
}

bool
redirect_watch_add(struct redirect_watch *w, unsigned ifindex)
{
	const struct redirect_count none = { 0 };

	return bpf_map_update_elem(bpf_map__fd(w->skeleton->maps.redirect_counts), &ifindex, &none, BPF_ANY) == 0;
}

bool
redirect_watch_read(const struct redirect_watch *w, unsigned ifindex, struct redirect_count *count)
{
	return bpf_map_lookup_elem(bpf_map__fd(w->skeleton->maps.redirect_counts), &ifindex, count) == 0;
}

static int
run_probe(struct redirect_watch *w, const uint8_t *frame)
{
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = FRAME_LEN, .repeat = 1,
	                    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	return bpf_prog_test_run_opts(bpf_program__fd(w->skeleton->progs.redirect_probe), &opts);
}

int
redirect_watch_try(struct redirect_watch *w, unsigned ifindex, const uint8_t mac[6])
{
	uint8_t frame[FRAME_LEN] = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e };
	struct redirect_count before, after;

	memcpy(frame + 6, mac, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5;
	w->skeleton->bss->redirect_target = ifindex;
	if (!redirect_watch_read(w, ifindex, &before) || run_probe(w, frame) != 0 ||
	    !redirect_watch_read(w, ifindex, &after))
		return ENOSYS;
	if (after.lost > before.lost)
		return after.error != 0 ? -after.error : ENOBUFS;
	return after.sent > before.sent ? 0 : ENOSYS;
}
