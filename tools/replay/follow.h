/*
 * follow: a log that somebody writes, read as it grows, until SIGINT.
 *
 * A record is shown only when it is durable as far as a reader can know: when the block behind it was sealed knowing
 * so, when the next segment was begun, or when this program has flushed the file itself. A batch on its way, a spare
 * being prepared, a segment being begun are waited for. What looks like damage is believed when it still does after a
 * wait.
 *
 * Threads: one.
 */
#pragma once

#include "scan.h"

bool follow_log(struct scan *scan, struct error *error);
