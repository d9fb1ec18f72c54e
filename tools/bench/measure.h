/*
 * measure: the modes that put traffic on one server and say what came of it.
 *
 *   ping, claim, mixed    traffic of that kind, see traffic.h
 *   storm                 claims beside nothing, then beside the services (services.h): who "quiet" and "storm" in the sheet
 *   probe                 no server: one 4 KiB O_DIRECT write and its fdatasync after the other, on a file of zeros in --dir
 *
 * Figures are printed for people and, with --sheet, added to a sheet. A row fails, exit status 1, when
 *   - a connection or an answer is not as it should be, or a claim is lost: nobody else claims what a run draws;
 *   - an open loop reached less than 99 % of its rate;
 *   - a server that is said to be durable (--durable) answered more claims per flush than were waiting for an answer.
 * Rates of lost claims, and of a server that did not flush, do not go to the sheet.
 *
 * Threads: the main thread.
 */
#pragma once

#include <bench/options.h>

int measure_ping(const struct options *options);
int measure_claim(const struct options *options);
int measure_mixed(const struct options *options);
int measure_storm(const struct options *options);
int measure_probe(const struct options *options);
