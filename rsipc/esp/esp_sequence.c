#include "config.h"

#include "esp_sequence.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "sysctl.h"
#include "textfile.h"

#define MAGIC "rsip-esp-1\n"
#define BLOCK (1u << 20) /* a write to the disk for so many packets */
#define AHEAD 4          /* inbound: so many seconds of packets */
#define OUTBOUND 1       /* in a counter's first byte of id: the direction */
#define BOOT_ID "kernel/random/boot_id"
#define BOOT_ID_LEN 40

struct file_head { char magic[16], boot_id[BOOT_ID_LEN]; uint64_t n; };

struct esp_sequence {
	int fd; /* -1: no file */
	struct file_head *head;
	struct esp_counter *counters; /* behind the head */
	size_t n, size;
	uint64_t *foreseen; /* of each counter: its packets a second ago */
	bool rebooted;
};

/* How many counters a file has that is ours; 0 for a fresh one. */
static bool
read_head(int fd, const char *path, struct file_head *head)
{
	ssize_t n = pread(fd, head, sizeof(*head), 0);
	struct stat st;

	if (n == 0) {
		log_warn("esp", "sequence numbers begin anew, in a new file path=%s: keys that were used before must not be "
		         "used again", path);
		*head = (struct file_head){ .magic = MAGIC };
		return true;
	}
	if (n == sizeof(*head) && memcmp(head->magic, MAGIC, sizeof(MAGIC)) == 0 && fstat(fd, &st) == 0 &&
	    (uint64_t)st.st_size == sizeof(*head) + head->n * sizeof(struct esp_counter))
		return true;
	log_error("esp", "not a file of sequence numbers, or damaged path=%s: without it numbers would be used again; set "
	          "new keys, then remove it", path);
	return false;
}

static size_t
free_places(int fd, size_t n)
{
	static const struct esp_counter none;
	struct esp_counter c;
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		off_t at = (off_t)(sizeof(struct file_head) + i * sizeof(c));

		count += pread(fd, &c, sizeof(c), at) == sizeof(c) && memcmp(c.id, none.id, sizeof(c.id)) == 0;
	}
	return count;
}

/* With places for n keys that it does not know yet. It keeps those of tunnels that were taken out of the config, since
 * they may come back. */
static bool
map_file(struct esp_sequence *file, const char *path, size_t n)
{
	struct file_head head;
	size_t places;

	if (flock(file->fd, LOCK_EX | LOCK_NB) != 0) {
		log_error("esp", "the file is used by another program path=%s", path);
		return false;
	}
	if (!read_head(file->fd, path, &head))
		return false;
	places = free_places(file->fd, head.n);
	file->n = head.n + (n > places ? n - places : 0);
	file->size = sizeof(head) + file->n * sizeof(struct esp_counter);
	if (ftruncate(file->fd, (off_t)file->size) == 0)
		file->head = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
	if (file->head != NULL && file->head != MAP_FAILED)
		return true;
	log_error("esp", "cannot be mapped path=%s error=\"%s\"", path, strerror(errno));
	file->head = NULL;
	return false;
}

/* What this boot has not written may be older than what was used. */
static void
take_up(struct esp_sequence *file)
{
	char boot_id[SYSCTL_VALUE_MAX] = "";

	file->counters = (struct esp_counter *)(file->head + 1);
	memcpy(file->head->magic, MAGIC, sizeof(MAGIC));
	file->head->n = file->n;
	if (!sysctl_read(BOOT_ID, boot_id))
		boot_id[0] = '\0';
	boot_id[BOOT_ID_LEN - 1] = '\0';
	file->rebooted = boot_id[0] == '\0' || strcmp(file->head->boot_id, boot_id) != 0;
	for (size_t i = 0; i < file->n && file->rebooted; i++) {
		if (file->counters[i].sequence < file->counters[i].reserved)
			file->counters[i].sequence = file->counters[i].reserved;
	}
	memcpy(file->head->boot_id, boot_id, BOOT_ID_LEN);
	file->foreseen = mem_zero(file->n, sizeof(*file->foreseen));
	for (size_t i = 0; i < file->n; i++)
		file->foreseen[i] = file->counters[i].packets;
}

static bool
open_file(struct esp_sequence *file, const char *path, size_t n)
{
	textfile_make_directory(path);
	file->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file->fd >= 0)
		return map_file(file, path, n);
	log_error("esp", "cannot be opened path=%s error=\"%s\"", path, strerror(errno));
	return false;
}

struct esp_sequence *
esp_sequence_open(const char *path, size_t n)
{
	struct esp_sequence *file = mem_zero(1, sizeof(*file));

	file->fd = -1;
	if (path == NULL) {
		file->n = n;
		file->head = mem_zero(1, sizeof(*file->head) + n * sizeof(struct esp_counter));
	} else if (!open_file(file, path, n)) {
		esp_sequence_close(file);
		return NULL;
	}
	take_up(file);
	return file;
}

/* Nothing is reserved any more than what was used. */
static void
unmap_file(struct esp_sequence *file)
{
	for (size_t i = 0; i < file->n && file->counters != NULL; i++) {
		if (file->counters[i].reserved > file->counters[i].sequence)
			file->counters[i].reserved = file->counters[i].sequence;
	}
	msync(file->head, file->size, MS_SYNC);
	munmap(file->head, file->size);
}

void
esp_sequence_close(struct esp_sequence *file)
{
	if (file == NULL)
		return;
	if (file->fd < 0)
		free(file->head);
	else if (file->head != NULL)
		unmap_file(file);
	if (file->fd >= 0)
		close(file->fd);
	free(file->foreseen);
	free(file);
}

static struct esp_counter *
find_id(struct esp_sequence *file, const uint8_t id[32])
{
	for (size_t i = 0; i < file->n; i++) {
		if (memcmp(file->counters[i].id, id, 32) == 0)
			return &file->counters[i];
	}
	return NULL;
}

struct esp_counter *
esp_sequence_find(struct esp_sequence *file, const uint8_t *key, size_t len, bool outbound, uint64_t limit)
{
	static const uint8_t none[32];
	struct esp_counter *counter;
	uint8_t id[EVP_MAX_MD_SIZE] = { 0 };
	unsigned id_len;

	if (EVP_Digest(key, len, id, &id_len, EVP_sha256(), NULL) != 1)
		return NULL;
	id[0] = (uint8_t)((id[0] & ~OUTBOUND) | (outbound ? OUTBOUND : 0));
	if ((counter = find_id(file, id)) == NULL && (counter = find_id(file, none)) != NULL)
		memcpy(counter->id, id, sizeof(counter->id));
	if (counter != NULL && counter->sequence > limit)
		counter->sequence = limit;
	return counter;
}

bool
esp_sequence_reserve(struct esp_sequence *file, struct esp_counter *counter)
{
	uint64_t before = counter->reserved;

	counter->reserved = counter->sequence + BLOCK;
	if (file->fd < 0 || msync(file->head, file->size, MS_SYNC) == 0)
		return true;
	counter->reserved = before;
	log_error("esp", "sequence numbers cannot be reserved error=\"%s\": nothing is sent", strerror(errno));
	return false;
}

/* By packets and not by numbers: a peer may leave some of those out. */
static uint64_t
ahead_of(const struct esp_counter *counter, uint64_t packets)
{
	uint64_t ahead = AHEAD * packets;

	return counter->sequence <= UINT64_MAX - ahead ? counter->sequence + ahead : UINT64_MAX;
}

/* Only what is in the file already is written so, not where it is on the disk: the first reserve of an outbound number has
 * seen to that. */
void
esp_sequence_foresee(struct esp_sequence *file)
{
	bool news = false;

	for (size_t i = 0; i < file->n; i++) {
		struct esp_counter *c = &file->counters[i];
		uint64_t reserved = ahead_of(c, c->packets - file->foreseen[i]);

		if ((c->id[0] & OUTBOUND) == 0 && c->reserved != reserved) {
			c->reserved = reserved;
			news = true;
		}
		file->foreseen[i] = c->packets;
	}
	if (news && file->fd >= 0)
		sync_file_range(file->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}
