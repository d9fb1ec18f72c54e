/*
 * check: assertions that stay on in every build.
 *
 * CHECK states what cannot happen unless slotd itself is wrong. It prints the condition and where it stands to stderr
 * and aborts: a stopped server is repaired by restart and replay, a wrong one is not. One condition each, no side
 * effects. What the world may do (a full disk, bad input) is never a CHECK: see base/error.h.
 *
 * Threads: any.
 */
#pragma once

#define CHECK(condition) ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__, __func__))

/* Marks a place that cannot be reached; says why in words. */
#define WRONG(reason) check_failed(reason, __FILE__, __LINE__, __func__)

_Noreturn void check_failed(const char *condition, const char *file, int line, const char *function);
