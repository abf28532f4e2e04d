/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include "process/job.h"
#include "services/command.h"

static int commands_open(void **state)
{
	fixture_open(state);
	return jobs_init(&loop);
}

static int commands_close(void **state)
{
	commands_stop();
	jobs_kill();
	return fixture_close(state);
}

/* A generation of these commands, prepared. */
static struct settings *generation_of(const char *text)
{
	struct reason reason;
	char keys[512];
	struct settings *settings;

	snprintf(keys, sizeof(keys), "protocol = resp\nservices = commands\n%s", text);
	settings = generation_new(keys);
	assert_int_equal(commands_prepare(settings, &reason), 0);
	return settings;
}

/* Put them in force; the generation has no other reference then. */
static void use(const char *text)
{
	struct settings *settings = generation_of(text);

	commands_use(settings);
	settings_unref(settings);
}

static void those_in_force_are_those_of_the_last_generation(void **state)
{
	assert_null(command_first());
	use("[command a]\nexec = /bin/true\n[command b]\nexec = /bin/true\n");
	assert_string_equal(command_first()->section.name, "a");
	assert_string_equal(command_next(command_first())->section.name, "b");
	use("[command c]\nexec = /bin/true\n");
	assert_string_equal(command_first()->section.name, "c");
	assert_null(command_next(command_first()));
	use("");
	assert_null(command_first());
}

static void who_runs_one_keeps_it(void **state)
{
	struct command *command;
	struct slots *slots;

	use("[command a]\nexec = /bin/true\nmax_running = 3\n");
	command = command_ref(command_first());
	use("[command a]\nexec = /bin/true\nmax_running = 2\n");
	assert_ptr_not_equal(command, command_first());
	assert_int_equal(command->max_running, 3);
	assert_ptr_equal(command->places, command_first()->places);
	slots = &command->places->slots;
	assert_int_equal(slots->max_granted, 2);
	command_unref(command);
}

/* A connection may keep them for days. */
static void of_a_generation_that_is_kept_only_the_settings_stay(void **state)
{
	static const char text[] = "[command a]\nexec = /bin/true\n[command b]\nexec = /bin/true\n";
	int queues = queues_count();
	struct settings *kept = generation_of(text);
	struct command *a, *b, *running;

	commands_use(kept);
	assert_int_equal(queues_count(), queues + 2);
	a = command_first();
	b = command_next(a);
	running = command_ref(b);
	use("");
	assert_int_equal(queues_count(), queues + 1);
	assert_null(a->places);
	assert_non_null(b->places);
	command_unref(running);
	assert_int_equal(queues_count(), queues);
	assert_null(b->places);
	assert_string_equal(b->exec, "/bin/true");
	use("[command c]\nexec = /bin/true\n");
	settings_unref(kept);
	assert_int_equal(queues_count(), queues + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, commands_open, commands_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(those_in_force_are_those_of_the_last_generation),
		TEST(who_runs_one_keeps_it),
		TEST(of_a_generation_that_is_kept_only_the_settings_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
