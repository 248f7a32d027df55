/*
 * What the files of this program share. Each of them calls the functions of one part of
 * crossgate.h: as meant, with NULLs, with a wrong struct_size, with text that is not UTF-8.
 */
#ifndef CROSSGATE_TEST_CHECK_H
#define CROSSGATE_TEST_CHECK_H

#include "../says_nothing.h"
#include "crossgate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int failures;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

#define STATUS(expected, call) check_status(expected, call, #call, __FILE__, __LINE__)

void check_status(
    crossgate_status expected, crossgate_status got, const char *call, const char *file, int line);

/* Text as pointer and length. */
#define LITERAL(text) text, sizeof(text) - 1

/* A policy that must be right. */
crossgate_policy *build(const char *json);
/* Whether a string of the library is this text, with a NUL behind it. */
int equal(crossgate_str str, const char *text);
/* Makes both ready. */
void start(crossgate_request *request, crossgate_decision *decision, const char *method);
void add(crossgate_request *request, const char *name, const char *value);

void test_policies(const char *folder, const char *version);
void test_decisions(void);
void test_blocks(void);
void test_verdicts(void);
void test_responses(void);
void test_serving(const char *folder);

#endif
