/*
 * slotd-bench: measures slotd and its peers, and proves that what it measures is right.
 *
 *   program.c     which mode runs                                 options.c      the command line
 *
 *   race.c        mode race: who gets the slot                    background.c   the two services beside it
 *   crew.c        the connections of a race, and its one moment   audit.c        the proof: server and log asked again
 *   ledger.c      the races run, and their winners                report.c       table, failures, progress
 *
 *   measure.c     modes ping, claim, mixed, storm                 services.c     what a storm is made of
 *   traffic.c     many connections, closed or open loop           schedule.c     when a request of an open loop is due
 *   peer_resp.c   slotd and Redis; PostgreSQL: tools/postgres     draw.c         the slot and the client of request i
 *   probe.c       mode probe: the device alone                    device.c       writes and flushes, as the kernel counts
 *   histogram.c   latencies                                       hgrm.c         their percentile table
 *
 *   figures.c     what was found, printed and kept                sheet.c        all that was kept, by repetition
 *   summary.c     mode summary: tables                            goals.c        the ratios, and what they are to be
 *   statistics.c  median and range
 *
 *   server.c      the server under test                           process.c      programs started beside the bench
 *   connection.c  ask and wait for the answer                     answer.c       RESP2 in words
 *
 * bench.sh starts the peers, runs all of it alternating, and writes docs/BENCHMARKS.md.
 */
#include <bench/program.h>
#include <stddef.h>

int main(int argc, char **argv)
{
	static const struct peer *const peers[] = {&peer_slotd, &peer_redis, NULL};
	return program_run(argc, argv, peers);
}
