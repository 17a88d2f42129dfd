"""The Labo's translatable names and sentences, by the codes that are stored and raised."""

from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from app import errors

CATEGORIES: dict[str, LazyString] = {
    "mail": _l("E-mails"),
    "summary": _l("Summaries"),
    "translation": _l("Translations"),
    "extraction": _l("Extraction"),
    "calculation": _l("Calculations"),
    "format": _l("Following a format"),
    "reading": _l("Answers from a text"),
    "honesty": _l("Not inventing"),
    "documents": _l("Answers from documents"),
    "images": _l("Answers about pictures"),
    "code": _l("Programs"),
    "other": _l("Other tasks"),
}
CHECKS: dict[str, LazyString] = {
    "contains": _l("expected words"),
    "forbidden": _l("forbidden words"),
    "equals": _l("exact answer"),
    "starts": _l("beginning"),
    "regex": _l("wording"),
    "language": _l("language"),
    "length": _l("length"),
    "numbers": _l("figures"),
    "json": _l("JSON"),
    "list": _l("list"),
    "table": _l("table"),
    "order": _l("order"),
    "citations": _l("cited passages"),
    "abstains": _l("says that it is not there"),
    "parses": _l("is valid Python"),
    "function": _l("has the function"),
    "reads": _l("reads its input"),
    "goes_on": _l("has a loop"),
    "hears": _l("asks for the keyboard"),
    "starts_up": _l("starts and shows something"),
    "moves": _l("what it shows changes"),
    "listens": _l("takes the keys that are pressed"),
    "lives": _l("keeps running"),
    "result": _l("result"),
}
FAILURES: dict[str, LazyString] = {
    "loop": _l("goes round in circles"),
    "wrong_language": _l("wrong language"),
    "empty_thinking": _l("empty thinking"),
    "endless_thinking": _l("endless thinking"),
    "echo": _l("repeats the question"),
    "cut": _l("cut answer"),
}
SENTENCES: dict[str, LazyString] = {
    # Of an answer
    "checks_passed": _l("Right on every point (%(passed)s of %(total)s)."),
    "checks_partly": _l("Right in part (%(passed)s of %(total)s)."),
    "checks_failed": _l("Mostly wrong (%(passed)s of %(total)s right)."),
    "essential_failed": _l("The essential is not there: %(check)s."),
    "answer_empty": _l("There is no answer."),
    "loop": _l("The answer goes round in circles."),
    "wrong_language": _l("The answer is not in the expected language."),
    "endless_thinking": _l("The model thought without end and did not answer."),
    "echo": _l("The answer repeats the question."),
    "check_undecided": _l("A check could not be decided in time: %(check)s. A person has to judge this answer."),
    "cut": _l("The answer was cut before its end (%(passed)s of %(total)s right)."),
    # Of a model
    "by_hand": _l("Judged by hand, by whoever measured it."),
    "model_not_asked": _l("No task was asked of it yet."),
    "model_failed": _l("Asked %(count)s times, and it never came to an answer."),
    "model_good": _l("Good, and quick enough."),
    "model_slow": _l("Good, but slow: %(seconds)s s for an answer."),
    "model_middling": _l("Quick enough, but of middling quality."),
    "model_middling_and_slow": _l("Of middling quality, and slow: %(seconds)s s for an answer."),
    "model_poor": _l("Too often wrong: %(quality)s of 100 in quality."),
    "model_wrong_language": _l("Answers in the wrong language %(count)s times of %(total)s."),
    # Of a choice
    "choice_none": _l("Nothing can be recommended yet: no model has succeeded, not even with reserve."),
    "choice_only": _l("It is the only one that can be recommended."),
    # Of a program
    "code_none": _l("There is no program in the answer."),
    "code_syntax": _l("The program is not valid Python: %(error)s (line %(line)s)."),
    "code_cut": _l("The program was cut before its end (line %(line)s): the answer was too long."),
    "code_lacks_function": _l("The program has no function “%(name)s” as it was asked for."),
    "code_lacks_reads": _l("The program does not read its input."),
    "code_lacks_goes_on": _l("The program has no loop: it would end at once."),
    "code_lacks_hears": _l("The program does not ask for the keyboard."),
    "code_not_run": _l("The program looks complete. It was not run: the administrator has not allowed it."),
    "code_sandbox_missing": _l("The program looks complete. It was not run: bubblewrap is not installed here."),
    "code_sandbox_old": _l("The program looks complete. It was not run: bubblewrap 0.8 or later is needed here."),
    "code_sandbox_refused": _l(
        "The program looks complete. It was not run: the system does not let bubblewrap do its work (%(cause)s)."
    ),
    "code_not_installed": _l(
        "The program looks complete. It was not run: %(name)s is not installed here (administrator: %(how)s)."
    ),
    "code_plays": _l("The program starts, runs for %(seconds)s s of its time and takes %(keys)s keys."),
    "code_crashed": _l("The program fails: %(error)s (line %(line)s)."),
    "code_ended_at_once": _l("The program ends at once, without showing anything that moves."),
    "code_ended_early": _l("The program ends by itself after %(seconds)s s of play."),
    "code_shows_nothing": _l("The program runs and shows nothing."),
    "code_nothing_moves": _l("The program starts, but nothing that it shows changes."),
    "code_deaf": _l("The program runs, but takes none of the keys that are pressed."),
    "code_hung": _l("The program hangs: it was stopped."),
    "code_memory": _l("The program takes too much memory: it was stopped."),
    "code_killed": _l("The program ended in a way that left nothing to judge: it was stopped, or stopped its player."),
    "code_windows_only": _l("The program needs “%(name)s”, which exists on Windows only: it was not tried to its end."),
    "code_needs_module": _l("The program needs “%(name)s”, which is not here: it was not tried to its end."),
    # Of verdicts that earlier versions stored
    "code_beyond_player": _l("The program uses “%(name)s”, which cannot be tried here."),
    "code_results": _l("%(right)s of %(all)s results are right."),
    # Of a task file
    "task_unreadable": _l("The server may not read this file."),
    "task_not_utf8": _l("This line is not written in UTF-8: save the file in that encoding."),
    "task_too_large": _l("This file is larger than %(limit)s kB."),
    "task_too_many": _l("This file has more than %(limit)s tasks: make two of it."),
    "task_bad_toml": _l(
        "This is not valid TOML. In each line: one name without accents, “=” and one value; each name only once; "
        "texts in quotes, or in three quotes over several lines; every bracket closed."
    ),
    "task_toml_number": _l("A number is too long."),
    "task_toml_deep": _l("Tables or lists stand too deeply in each other."),
    "task_not_a_table": _l("“%(key)s” stands outside any task: a task begins with its name in square brackets."),
    "task_bad_id": _l("“%(id)s” is no name for a task: 2 to 60 small letters without accents, figures and hyphens."),
    "task_taken": _l("There is a task “%(id)s” already: choose another name."),
    "task_one_at_a_time": _l("Exactly one task is expected here."),
    "task_missing_key": _l("“%(key)s” is missing."),
    "task_unknown_key": _l("“%(key)s” is not known here: is it misspelt?"),
    "task_want_text": _l("“%(key)s” must be a text in quotes."),
    "task_long_text": _l("“%(key)s” is longer than %(limit)s characters."),
    "task_many_entries": _l("“%(key)s” has more than %(limit)s entries."),
    "task_many_checks": _l("This task has more than %(limit)s checks."),
    "task_want_texts": _l("“%(key)s” must be a text or a list of texts."),
    "task_want_numbers": _l("“%(key)s” must be a number or a list of numbers."),
    "task_want_count": _l("“%(key)s” must be a whole number from 0 to %(limit)s."),
    "task_want_flag": _l("“%(key)s” must be true or false."),
    "task_want_choice": _l("“%(key)s” must be one of these: %(known)s."),
    "task_want_table": _l("“%(key)s” must be a table of names and values."),
    "task_want_tables": _l("“%(key)s” must be a list of tables."),
    "task_want_checks": _l("The checks of a task are written as [[name-of-the-task.check]]."),
    "task_without_checks": _l("This task has no check: its answers could not be judged."),
    "task_good_is_a_failure": _l("The good answer counts as a failure: %(failure)s."),
    "task_good_fails": _l("The good answer fails this check (%(check)s). It saw: %(detail)s"),
    "task_bad_passes": _l("The bad answer passes this check (%(check)s): a check that cannot fail is useless."),
    "task_bad_pattern": _l("This regular expression is not valid from its character %(place)s on: “%(near)s”."),
    "task_slow_pattern": _l("Searching an answer for this regular expression takes too long: let it repeat less."),
    "task_code_seconds": _l("“seconds” must be a number from %(least)s to %(most)s."),
    "task_code_no_calls": _l("Calls want the name of a function and at least one call."),
    "task_code_no_runs": _l("Lines want at least one run."),
    "task_code_call": _l("Each call has “args”, a list, and “returns”, and nothing else."),
    "task_code_run": _l("Each run has “input” and “output”, and nothing else."),
    "task_answer_elsewhere": _l("The answer does not stand on page %(page)s of a document “%(name)s” in this folder."),
    "task_no_such_image": _l("There is no picture “%(name)s” among those of the Labo."),
    "task_several_attached": _l(
        "A task has a document that is read whole, or passages, or a picture, not several of them."
    ),
    "task_code_and_checks": _l("A coding task has no checks: its program is tried."),
    "task_program_good": _l("The program of the good answer fails."),
    "task_program_bad": _l("The program of the bad answer does not fail: a task that cannot fail is useless."),
    "task_bad_schema": _l("This JSON schema is not valid: one of its words has a value that it cannot have."),
    "task_schema_pattern": _l(
        "“%(word)s” is not possible in a schema here: a check of the type regex looks for an expression."
    ),
    "task_schema_elsewhere": _l("“$ref” may lead to another part of the same schema only (#/…): nothing is fetched."),
}
# The Labo's own sentences for errors whose sentence in the chat speaks of the user's question or of its retry button.
ERRORS: dict[str, LazyString] = {
    "engine_unreachable": _l("%(engine)s does not answer."),
    "engine_load_failed": _l("The model %(model)s could not be loaded."),
    "engine_no_memory": _l("The model %(model)s needs more memory than this server has free."),
    "engine_busy": _l("%(engine)s had too much to do."),
    "engine_failed": _l("%(engine)s failed while answering."),
    "engine_cut": _l("%(engine)s stopped before the end of the answer."),
    "engine_garbled": _l("%(engine)s sent something that cannot be read."),
    "engine_silent": _l("%(engine)s was silent for too long."),
    "context_exceeded": _l("The question is too long for the context of the model."),
    "internal_error": _l("Something went wrong on the server."),
    "queue_full": _l("Too many questions were waiting."),
    "stopping": _l("The server was restarting."),
    "interrupted": _l("The server restarted meanwhile."),
    "database_busy": _l("The database is busy."),
}
NAMED = {"check": CHECKS, "failure": FAILURES, "category": CATEGORIES}
UNKNOWN = _l("No reason is known.")


def sentence(code: str, params: dict[str, Any] | None = None) -> str:
    """The sentence of a code in the current language; an unknown code (of another version) gives `UNKNOWN`."""
    named = {key: str(NAMED[key].get(value, value)) if key in NAMED else value for key, value in (params or {}).items()}
    return errors.filled(SENTENCES.get(code, UNKNOWN), named)


def error_sentence(code: str, params: dict[str, Any]) -> str:
    """The sentence of an error's code in the current language: the Labo's own, else the whole program's."""
    return errors.filled(ERRORS[code], params) if code in ERRORS else errors.sentence(code, params)
