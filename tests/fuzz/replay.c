/* Runs a fuzz target without libFuzzer: over every seed, every truncation of it, and every single bit of it flipped, so
 * always the same inputs. Seeds are the files named as arguments, or those of $srcdir/fuzz/corpus/X for fuzz_X. */
#include "config.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_MAX 65536
#define BEND_MAX 4096 /* of longer seeds only the first bytes are bent */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long runs;

/* Each input in an allocation of its exact size, so that a read past its end is seen. */
static void
run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		exit(1);
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	runs++;
}

static void
run_bent(uint8_t *data, size_t size)
{
	size_t bend = size < BEND_MAX ? size : BEND_MAX;

	run(data, size);
	for (size_t len = 0; len < bend; len++)
		run(data, len);
	for (size_t bit = 0; bit < bend * 8; bit++) {
		data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		run(data, size);
		data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void
run_file(const char *path)
{
	static uint8_t data[SEED_MAX];
	FILE *f = fopen(path, "rb");

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	run_bent(data, fread(data, 1, sizeof(data), f));
	fclose(f);
}

static int
run_corpus(const char *program)
{
	const char *srcdir = getenv("srcdir"), *name = strstr(program, "/fuzz_");
	char dir[1024], path[2048];
	struct dirent *entry;
	int seeds = 0;
	DIR *d;

	if (name == NULL) {
		fprintf(stderr, "%s: name the seeds\n", program);
		exit(1);
	}
	snprintf(dir, sizeof(dir), "%s/fuzz/corpus/%s", srcdir != NULL ? srcdir : ".", name + strlen("/fuzz_"));
	if ((d = opendir(dir)) == NULL) {
		perror(dir);
		exit(1);
	}
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		run_file(path);
		seeds++;
	}
	closedir(d);
	return seeds;
}

int
main(int argc, char **argv)
{
	int seeds = argc - 1;

	for (int i = 1; i < argc; i++)
		run_file(argv[i]);
	if (argc == 1)
		seeds = run_corpus(argv[0]);
	printf("%d seeds, %lu inputs\n", seeds, runs);
	return seeds > 0 ? 0 : 1;
}
