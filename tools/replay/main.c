/*
 * slotd-replay: what is in a log, whether it is sound, and, when told to, its repair.
 *
 * Reads the directory of a stopped or a running slotd through the same reader that recovers it. But for --repair it never
 * writes and takes no lock. Of a running server it sees what was durable when it looked; a batch on its way is no
 * damage.
 *
 * Where a snapshot is, the log may begin behind lsn 1; --verify and --dump then go from the newest sound snapshot.
 *
 * --verify asks what the server asks at start: every block and record must be as written (I7), and the records must
 * make sense, one after the other, to an empty table (I1, I4).
 *
 *   options   the command line            scan     reading to the end       follow   reading on
 *   select    which records               format   a record as a line       totals   records in numbers
 *   rebuilt   the table behind the log    repair   damage  ->  judge, salvage, keep
 */
#include "repair.h"
#include "scan.h"

#include <io/disk_posix.h>
#include <signal.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	/* Whoever reads our output may go away (head): that is found out by writing. */
	signal(SIGPIPE, SIG_IGN);
	struct options options;
	int status;
	if (options_parse(&options, argc, argv, &status)) {
		struct error error = {0};
		struct disk disk;
		if (disk_posix_open(&disk, options.directory, DISK_READ_ONLY, &error)) {
			status = options.repair ? repair_run(&options) : scan_run(&options, &disk);
			disk_posix_close(&disk);
		} else {
			fprintf(stderr, "slotd-replay: %s\n", error.text);
			status = STATUS_NO_ANSWER;
		}
	}
	selection_fini(&options.selection);
	return status;
}
