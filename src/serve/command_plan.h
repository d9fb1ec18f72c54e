/*
 * command_plan: adding to a group what a command asks for (command_plan_f).
 *
 * Threads: a group belongs to one thread.
 */
#pragma once

#include <serve/command.h>
#include <serve/group.h>

/* Adds a change, and a place to the last one. NULL, having written why, if the group is full. */
struct group_change *plan_change(struct group *group, enum group_verb verb, struct reply *reply);
struct place *plan_place(struct group *group, struct reply *reply);
