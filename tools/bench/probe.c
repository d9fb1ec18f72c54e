/*
 * probe: mode probe of measure.h: what the device itself can do.
 *
 * The file holds zeros before anything is timed, so that no commit has to change what the file system knows about it: that
 * is the least any log on this file system can pay.
 */
#include <base/clock.h>
#include <bench/figures.h>
#include <bench/measure.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK_SIZE  4096
#define FILE_BLOCKS 4096 /* 16 MiB */
#define NS_PER_S    UINT64_C(1000000000)

static uint64_t now_ns(void)
{
	const struct clock clock = clock_real();
	return clock_monotonic_ns(&clock);
}

static bool fill_zeros(int file, const uint8_t *block, struct error *error)
{
	for (uint32_t i = 0; i < FILE_BLOCKS; i++) {
		if (pwrite(file, block, BLOCK_SIZE, (off_t)i * BLOCK_SIZE) != BLOCK_SIZE) {
			return error_errno(error, errno, "writing the probe's file");
		}
	}
	return fsync(file) == 0 || error_errno(error, errno, "flushing the probe's file");
}

static bool probe(int file, uint64_t seconds, struct histogram *latency_ns, struct error *error)
{
	uint8_t *block = aligned_alloc(BLOCK_SIZE, BLOCK_SIZE);
	if (block == NULL) {
		return error_set(error, ERROR_NO_MEMORY, "no memory for one block");
	}
	memset(block, 0, BLOCK_SIZE);
	bool good = fill_zeros(file, block, error);
	const uint64_t end_ns = now_ns() + seconds * NS_PER_S;
	uint64_t start_ns = now_ns();
	for (uint64_t i = 0; good && start_ns < end_ns; i++) {
		block[0] = (uint8_t)i;
		if (pwrite(file, block, BLOCK_SIZE, (off_t)(i % FILE_BLOCKS * BLOCK_SIZE)) != BLOCK_SIZE ||
		    fdatasync(file) != 0) {
			good = error_errno(error, errno, "writing and flushing a block");
		}
		const uint64_t done_ns = now_ns();
		histogram_add(latency_ns, done_ns - start_ns);
		start_ns = done_ns;
	}
	free(block);
	return good;
}

static bool probe_directory(const struct options *options, struct error *error)
{
	const int file = open(options->dir, O_TMPFILE | O_RDWR | O_DIRECT | O_CLOEXEC, 0600);
	if (file < 0) {
		return error_errno(error, errno, "making a file in %s", options->dir);
	}
	struct histogram latency_ns = {0};
	struct figures figures;
	bool good = probe(file, options->seconds, &latency_ns, error) && figures_open(&figures, options, error);
	close(file);
	if (good) {
		printf("%s %s:", options->row, options->who);
		figures_add(&figures, "rate", (double)NS_PER_S / histogram_average(&latency_ns));
		good = figures_add_latency(&figures, &latency_ns, error);
		putchar('\n');
		good = figures_close(&figures, error) && good;
	}
	return good;
}

int measure_probe(const struct options *options)
{
	struct error error;
	if (options->dir == NULL) {
		error_set(&error, ERROR_INVALID, "--dir is needed: where to write");
	} else if (probe_directory(options, &error)) {
		return 0;
	}
	fprintf(stderr, "FAIL: %s %s: %s\n", options->row, options->who, error.text);
	return 1;
}
