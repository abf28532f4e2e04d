/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "net/call.h"
#include "net/verb.h"

static const struct call *called_with;
static char said[1024];

static int call_first(const struct call *call)
{
	called_with = call;
	return say_status(call, "first");
}

static int call_second(const struct call *call)
{
	called_with = call;
	return say_status(call, "second");
}

static int call_failing(const struct call *call)
{
	return -1;
}

static const struct verb first_verbs[] = {
	{"PAINT", "what [colour]", "", 1, 2, call_first},
	{"LOOK", "", "", 0, 0, call_first},
	{"SHARED", "", "", 0, 0, call_first},
	{"SAY", "word...", "", 1, REQUEST_ARGS_MAX, call_first},
	{.name = NULL},
};

static const struct verb second_verbs[] = {
	{"PAINTER", "", "", 0, 0, call_second},
	{"SHARED", "", "", 0, 0, call_second},
	{"FAIL", "", "", 0, 0, call_failing},
	{.name = NULL},
};

static const struct service first = {.name = "first", .verbs = first_verbs};
static const struct service silent = {.name = "silent"};
static const struct service second = {.name = "second", .verbs = second_verbs};
static const struct service *const offers[] = {&first, &silent, &second, NULL};

static const struct service *const *offered;

static int verb_open(void **state)
{
	offered = offers;
	called_with = NULL;
	return 0;
}

#define SLICE(literal)                       \
	(struct slice)                       \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static const struct verb *find(struct slice name)
{
	return verb_find(offers, &name);
}

static unsigned place; /* of the verb that was asked for */

/* Ask argv[0, argc). Returns what verb_service does; what is said is in said. */
static int ask(struct slice *argv, int argc)
{
	struct buf out = {0};
	const struct call call = {
		.argv = argv,
		.argc = argc,
		.out = &out,
		.protocol = &protocol_resp,
		.offers = offered,
		.verb = &place,
	};
	int result = verb_service.request(&call);

	assert_true(called_with == NULL || called_with == &call);
	assert_true(buf_len(&out) < sizeof(said));
	memset(said, 0, sizeof(said));
	if (buf_len(&out) > 0)
		memcpy(said, buf_data(&out), buf_len(&out));
	buf_free(&out);
	return result;
}

/* Ask name with a number of arguments. */
static void assert_says(struct slice name, int args, const char *expected)
{
	static struct slice argv[REQUEST_ARGS_MAX];

	argv[0] = name;
	for (int i = 1; i <= args; i++)
		argv[i] = SLICE("argument");
	assert_int_equal(ask(argv, args + 1), 0);
	assert_string_equal(said, expected);
}

/* ---- verb_find ---- */

static void a_verb_is_found_by_its_name(void **state)
{
	assert_ptr_equal(find(SLICE("PAINT")), &first_verbs[0]);
	assert_ptr_equal(find(SLICE("SAY")), &first_verbs[3]);
}

static void a_verb_is_found_in_any_case(void **state)
{
	assert_ptr_equal(find(SLICE("paint")), &first_verbs[0]);
	assert_ptr_equal(find(SLICE("pAiNtEr")), &second_verbs[0]);
}

static void the_whole_name_counts(void **state)
{
	assert_ptr_equal(find(SLICE("PAINTER")), &second_verbs[0]);
	assert_null(find(SLICE("PAIN")));
	assert_null(find(SLICE("PAINTE")));
	assert_null(find(SLICE("PAINTERS")));
	assert_null(find(SLICE("PAINT ")));
	assert_null(find(SLICE(" PAINT")));
	assert_null(find(SLICE("")));
}

static void a_name_need_not_end_in_nul(void **state)
{
	assert_ptr_equal(find((struct slice){"PAINTERS", 5}), &first_verbs[0]);
	assert_ptr_equal(find((struct slice){"PAINTERS", 7}), &second_verbs[0]);
}

static void a_nul_is_no_end_of_a_name(void **state)
{
	assert_null(find(SLICE("PAINT\0")));
	assert_null(find(SLICE("PAINT\0ER")));
	assert_null(find(SLICE("LOO\0")));
}

static void of_two_with_one_name_the_first_offered_is_found(void **state)
{
	static const struct service *const turned[] = {&second, &first, NULL};
	const struct slice name = SLICE("SHARED");

	assert_ptr_equal(verb_find(offers, &name), &first_verbs[2]);
	assert_ptr_equal(verb_find(turned, &name), &second_verbs[1]);
}

static void what_is_not_offered_is_not_found(void **state)
{
	static const struct service *const few[] = {&silent, &first, NULL};
	static const struct service *const none[] = {NULL};
	const struct slice name = SLICE("FAIL");

	assert_non_null(verb_find(offers, &name));
	assert_null(verb_find(few, &name));
	assert_null(verb_find(none, &name));
}

/* ---- requests ---- */

static void the_verb_that_is_named_answers(void **state)
{
	assert_says(SLICE("LOOK"), 0, "+first\r\n");
	assert_says(SLICE("painter"), 0, "+second\r\n");
}

static int call_repeating(const struct call *call)
{
	assert_int_equal(call->argc, 3);
	return say_bytes(call, call->argv[0].data, call->argv[0].len) < 0
		       ? -1
		       : say_bytes(call, call->argv[2].data, call->argv[2].len);
}

static void the_request_comes_as_it_was_with_the_name_first(void **state)
{
	static const struct verb verbs[] = {{"THREE", "a b", "", 2, 2, call_repeating},
					    {.name = NULL}};
	static const struct service service = {.name = "three", .verbs = verbs};
	static const struct service *const three[] = {&service, NULL};
	struct slice argv[] = {SLICE("tHree"), SLICE("one"), SLICE("t\r\n")};

	offered = three;
	assert_int_equal(ask(argv, 3), 0);
	assert_string_equal(said, "$5\r\ntHree\r\n$3\r\nt\r\n\r\n");
}

static void arguments_from_the_least_to_the_most_are_let_through(void **state)
{
	assert_says(SLICE("PAINT"), 1, "+first\r\n");
	assert_says(SLICE("PAINT"), 2, "+first\r\n");
	assert_says(SLICE("SAY"), 1, "+first\r\n");
	assert_says(SLICE("SAY"), REQUEST_ARGS_MAX - 1, "+first\r\n");
}

static void too_few_or_too_many_arguments_are_told_and_the_verb_is_not_called(void **state)
{
	assert_says(SLICE("paint"), 0,
		    "-ERR wrong number of arguments for 'paint' command; write PAINT what "
		    "[colour]\r\n");
	assert_says(SLICE("PAINT"), 3,
		    "-ERR wrong number of arguments for 'PAINT' command; write PAINT what "
		    "[colour]\r\n");
	assert_says(SLICE("SAY"), 0,
		    "-ERR wrong number of arguments for 'SAY' command; write SAY word...\r\n");
	assert_null(called_with);
}

static void an_unknown_verb_is_told_in_one_printable_line(void **state)
{
	assert_says(SLICE("NO\r\n\xffSUCH"), 0,
		    "-ERR unknown command 'NO???SUCH'; COMMAND lists those there are\r\n");
	assert_says(SLICE(""), 2, "-ERR unknown command ''; COMMAND lists those there are\r\n");
	assert_null(called_with);
}

static void of_a_long_unknown_verb_the_beginning_is_told(void **state)
{
	char name[1000], expected[200];

	memset(name, 'x', sizeof(name));
	snprintf(expected, sizeof(expected),
		 "-ERR unknown command '%.64s'; COMMAND lists those there are\r\n", name);
	assert_says((struct slice){name, sizeof(name)}, 0, expected);
}

static void what_the_verb_returns_is_returned(void **state)
{
	struct slice argv[] = {SLICE("FAIL")};

	assert_int_equal(ask(argv, 1), -1);
	assert_string_equal(said, "");
}

static void it_speaks_only_where_requests_have_names(void **state)
{
	assert_int_equal(verb_service.protocols, PROTOCOL_RESP);
	assert_int_equal(verb_service.flags & SERVICE_DATAGRAM, 0);
}

#define VERB_TEST(name) cmocka_unit_test_setup(name, verb_open)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VERB_TEST(a_verb_is_found_by_its_name),
		VERB_TEST(a_verb_is_found_in_any_case),
		VERB_TEST(the_whole_name_counts),
		VERB_TEST(a_name_need_not_end_in_nul),
		VERB_TEST(a_nul_is_no_end_of_a_name),
		VERB_TEST(of_two_with_one_name_the_first_offered_is_found),
		VERB_TEST(what_is_not_offered_is_not_found),
		VERB_TEST(the_verb_that_is_named_answers),
		VERB_TEST(the_request_comes_as_it_was_with_the_name_first),
		VERB_TEST(arguments_from_the_least_to_the_most_are_let_through),
		VERB_TEST(too_few_or_too_many_arguments_are_told_and_the_verb_is_not_called),
		VERB_TEST(an_unknown_verb_is_told_in_one_printable_line),
		VERB_TEST(of_a_long_unknown_verb_the_beginning_is_told),
		VERB_TEST(what_the_verb_returns_is_returned),
		VERB_TEST(it_speaks_only_where_requests_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
