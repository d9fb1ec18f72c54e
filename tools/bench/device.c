/*
 * device: see device.h.
 */
#include <bench/device.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

bool device_open(struct device *device, const char *directory, struct error *error)
{
	struct stat status;
	if (stat(directory, &status) != 0) {
		return error_errno(error, errno, "looking for %s", directory);
	}
	char folder[64];
	char partition[80];
	snprintf(folder, sizeof folder, "/sys/dev/block/%u:%u", major(status.st_dev), minor(status.st_dev));
	snprintf(partition, sizeof partition, "%s/partition", folder);
	snprintf(device->path, sizeof device->path, "%s/%s", folder, access(partition, F_OK) == 0 ? "../stat" : "stat");
	if (access(device->path, R_OK) != 0) {
		return error_errno(error, errno, "the file system of %s has no block device that counts (%s)",
				   directory, device->path);
	}
	return true;
}

bool device_parse(const char *line, struct device_counts *counts)
{
	/* reads, merged, sectors, ms, WRITES, merged, SECTORS, ms, in flight, ms, ms, discards x 4, FLUSHES, ms */
	return sscanf(line, "%*u %*u %*u %*u %" SCNu64 " %*u %" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %*u %" SCNu64,
		      &counts->writes, &counts->sectors, &counts->flushes) == 3;
}

bool device_read(const struct device *device, struct device_counts *counts, struct error *error)
{
	char line[512] = "";
	FILE *file = fopen(device->path, "r");
	if (file == NULL) {
		return error_errno(error, errno, "opening %s", device->path);
	}
	const bool parsed = fgets(line, sizeof line, file) != NULL && device_parse(line, counts);
	fclose(file);
	return parsed || error_set(error, ERROR_UNSUPPORTED, "%s counts no flushes: '%s'", device->path, line);
}
