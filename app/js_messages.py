"""The translated texts that the chat's JavaScript shows, by key.

Placeholders are written `{name}` and filled in by `static/js/lib/texts.js`; keys ending in
`_one` and `_other` are the plural forms that the script chooses between.
"""

from flask import current_app
from flask_babel import gettext as _


def renderer_messages() -> dict[str, str]:
    """Return the texts of the Markdown renderer and the copy buttons."""
    return {
        "copied": _("Copied"),
        "press_ctrl_c": _("Press Ctrl C"),
        "copy_refused": _("The browser did not copy. The text is selected: press Ctrl C."),
        "show_all": _("Show all"),
        "show_less": _("Show less"),
        "snippet": _("snippet"),
        "task_done": _("Done"),
        "task_open": _("To do"),
        "note": _("Note {number}"),
        "note_back": _("Back to note {number} in the text"),
        "too_heavy": _("This part is too large to be laid out. It is shown as it was written."),
        "too_long": _(
            "What follows is too long to be laid out: this is its beginning, as plain text. "
            "The copy button of the answer gives all of it."
        ),
    }


def js_messages() -> dict[str, str]:
    """Return all texts of the chat page."""
    return {
        **renderer_messages(),
        # The stages of an answer, from the queue to its last word.
        "stage_queued": _("In the queue"),
        "stage_queued_colon": _("Queued:"),
        "stage_loading": _("Loading model {model}"),
        "stage_reading": _("Reading your message"),
        "stage_thinking": _("Thinking"),
        "stage_writing": _("Writing"),
        "people_ahead_one": _("{n} person ahead of you"),
        "people_ahead_other": _("{n} people ahead of you"),
        "own_ahead_one": _("after your other answer"),
        "own_ahead_other": _("after your {n} other answers"),
        "next_in_line": _("you are next"),
        "people_and_wait": _("{people}, about {wait}"),
        "people_and_longer": _("{people}, longer than expected"),
        "share_and_left": _("{share}, {left} left"),
        "ordinal_one": _("st"),
        "ordinal_two": _("nd"),
        "ordinal_few": _("rd"),
        "ordinal_other": _("th"),
        "leg_queued": _("Queue"),
        "leg_loading": _("Model"),
        "leg_reading": _("Reading"),
        "leg_thinking": _("Thinking"),
        "leg_writing": _("Writing"),
        "thought": _("Thoughts"),
        "thought_for": _("Thought for {duration}"),
        "retry_in": _("retrying in {duration}"),
        # How answers end, announcements for screen readers, and failures.
        "answer_by": _("Answer by {model}"),
        "stopped": _("Stopped by you"),
        "stopped_after": _("Stopped by you at {duration}"),
        "interrupted": _("Answer interrupted"),
        "interrupted_at": _("Answer interrupted at {time}"),
        "redo_careful": _("Do it again with the careful model"),
        "redo_careful_in": _("Do it again with the careful model (about +{time})"),
        "left_out_one": _("The message above is no longer read"),
        "left_out_other": _("The {n} messages above are no longer read"),
        "left_out_documents_one": _(", nor this document: {names}"),
        "left_out_documents_other": _(", nor these documents: {names}"),
        "announce_sent": _("Message sent"),
        "announce_prepared": _("Question prepared, it leaves after this answer"),
        "announce_ready_one": _("Answer ready, {n} word"),
        "announce_ready_other": _("Answer ready, {n} words"),
        "announce_stopped": _("Answer stopped"),
        "announce_version": _("Version {n} of {count}"),
        "announce_saved": _("Question saved"),
        "announce_rated": _("Noted. You may say why."),
        "announce_unrated": _("Taken back"),
        "announce_interrupted": _("Answer interrupted"),
        "announce_failed": _("The answer failed"),
        "error_unreachable": _("The server cannot be reached. Your text is kept here: try again in a moment."),
        "error_connection_lost": _(
            "The connection was lost before the server answered. Reload the page to see where it is."
        ),
        "error_unexpected": _("Something went wrong on the server. Your text is kept."),
        # The details of an answer, and the state of the server.
        "words_per_second": _("words/s"),
        "tokens_per_second": _("tokens/s"),
        "share_cached": _("{share} already read"),
        "tokens_in": _("{tokens} tokens in {duration}"),
        "expected": _("{waited} (expected: {expected})"),
        "of_which_own": _("{total}, of which %(name)s: {own}", name=current_app.config["PRODUCT_NAME"]),
        "detail_queue": _("Waiting"),
        "detail_load": _("Loading the model"),
        "detail_reading": _("Reading"),
        "detail_first": _("First word after"),
        "detail_writing": _("Writing time"),
        "detail_total": _("In all"),
        "detail_words": _("Words"),
        "detail_energy": _("Energy of the processor"),
        "detail_prompt": _("Tokens read"),
        "detail_output": _("Tokens written"),
        "detail_thinking": _("Words of thought"),
        "weather_calm": _("Server calm"),
        "weather_busy": _("Server busy"),
        "weather_saturated": _("Server saturated"),
        "weather_down": _("Engine not running"),
        "status_nobody": _("nobody in the queue"),
        "status_working": _("one answer being written"),
        "status_waiting_one": _("{n} person in the queue"),
        "status_waiting_other": _("{n} people in the queue"),
        "status_ready": _("{model} is ready"),
        "status_asleep": _("{model} is loaded at the first question"),
        "status_usual": _("an answer takes about {duration}"),
        "status_next": _("next free in about {wait}"),
        "status_own": _("your question in about {wait}"),
        "status_late": _("wait: longer than expected"),
        # The page around the conversation: composer hints, sharing, search, greetings.
        "write": _("Write your question…"),
        "write_next": _("Prepare what comes next, it leaves after this answer…"),
        "hint": _("Answers may be wrong: check the figures before you use them."),
        "hint_running": _("You may close this page: the answer goes on and will be waiting here."),
        "share_made": _("The link is made: copy it."),
        "share_ended": _("The link opens nothing any more."),
        "share_moment": _("{moment}, {size}"),
        "share_size_one": _("{n} message"),
        "share_size_other": _("{n} messages"),
        "deleted": _("Deleted: {title}"),
        "turn_deleted": _("Turn deleted"),
        "reason_kept": _("Thank you, the reason is noted."),
        "still_writing": _("An answer is still being written: wait for its end, or stop it."),
        "undo": _("Undo"),
        "open": _("Open"),
        "archived": _("Archived: {title}"),
        "ready_elsewhere": _("Answer ready: {title}"),
        "search_latest": _("Latest conversations"),
        "search_found_one": _("{n} conversation"),
        "search_found_other": _("{n} conversations"),
        "search_documents_one": _("{n} document"),
        "search_documents_other": _("{n} documents"),
        "search_nothing": _("Nothing found in your conversations and documents."),
        "today": _("Today"),
        "good_day": _("Good day, {name}."),
        "good_evening": _("Good evening, {name}."),
        "start_morning": _("Where shall we start this morning?"),
        "start_afternoon": _("Where shall we start this afternoon?"),
        "start_evening": _("Where shall we start this evening?"),
        # The composer: context gauge, summary, prompts, pasted texts, instructions.
        "gauge": _("Context {share}"),
        "gauge_full": _("Context full"),
        "gauge_sentence": _(
            "About {used} of the {total} tokens that the model reads at once: the conversation, the instructions "
            "and your draft."
        ),
        "gauge_beyond": _(
            "The conversation, the instructions and your draft have about {used} tokens; the model reads {total} at "
            "once. The oldest messages will not be read."
        ),
        "gauge_cut": _(
            "The conversation is longer than the {total} tokens that the model reads at once: it reads the messages "
            "below the dashed line, the instructions and your draft, and nothing of what is above the line."
        ),
        "summary_question": _(
            "Summarise our conversation so far: the subject, the facts and figures, the decisions, and what is "
            "still open. Keep all that is needed to go on."
        ),
        "summary_lead": _("Summary of an earlier conversation, to go on from:"),
        "summary_coming": _("A summary is asked for; the new conversation opens when it is there."),
        "summary_failed": _("There is no summary: this conversation stays."),
        "prompts_found_one": _("{n} prompt, arrows to choose"),
        "prompts_found_other": _("{n} prompts, arrows to choose"),
        "prompt_mine": _("yours"),
        "prompt_shared": _("for everyone"),
        "place_to_fill": _("To fill in: {name}. Tab goes to the next place."),
        "places_left": _("“{name}” is still to be filled in. Send once more to leave it so."),
        "draft_memory": _("The browser has no room left: this draft is kept in this page only."),
        "attached": _("Pasted text"),
        "attached_nth": _("Pasted text {n}"),
        "attached_said": _("Long text folded: {size}"),
        "attached_lines_one": _("{n} line"),
        "attached_lines_other": _("{n} lines"),
        "attached_size": _("{lines}, {characters} characters"),
        "attached_below": _("(see the text below)"),
        "attached_preview": _("Look at {name}"),
        "attached_insert": _("Put {name} into the text"),
        "attached_remove": _("Remove {name}"),
        "instructions_saved": _("Instructions saved: the next question has the conversation read anew."),
        "instructions_kept": _("Instructions kept for the first question of this conversation."),
        # Documents: how far they are, what they cost, passages, the reader.
        "write_about": _("Ask your question about this document…"),
        "document_tokens_one": _("{n} token"),
        "document_tokens_other": _("{n} tokens"),
        "document_pages_one": _("{n} page"),
        "document_pages_other": _("{n} pages"),
        "document_slides_one": _("{n} slide"),
        "document_slides_other": _("{n} slides"),
        "document_parts_one": _("{n} part"),
        "document_parts_other": _("{n} parts"),
        "document_place_pages": _("Page {n}"),
        "document_place_slides": _("Slide {n}"),
        "document_place_parts": _("Part {n}"),
        "document_uploading": _("Sending {share}"),
        "document_waiting": _("Waiting to be opened"),
        "document_progress": _("page {done} of {total}"),
        "document_unreachable": _("The server cannot be reached: send the file again in a moment."),
        "document_read": _("Document read ✓"),
        "document_passages_pages_one": _("passages of page {pages}"),
        "document_passages_pages_other": _("passages of pages {pages}"),
        "document_passages_slides_one": _("passages of slide {pages}"),
        "document_passages_slides_other": _("passages of slides {pages}"),
        "document_passages_parts_one": _("passages of part {pages}"),
        "document_passages_parts_other": _("passages of parts {pages}"),
        "document_stop": _("Stop opening {name}"),
        "document_retry": _("Send {name} again"),
        "document_remove": _("Remove {name}"),
        "document_removed": _("Removed: {name}"),
        "document_not_ready": _("Your question leaves as soon as “{name}” is open."),
        "document_failed_still": _("“{name}” could not be used. Remove it, then send your question."),
        "document_cost": _("{tokens}, about {time} of reading"),
        "documents_whole_one": _("The whole document will be read: {cost}"),
        "documents_whole_other": _("The whole documents will be read: {cost}"),
        "documents_reading_one": _("The model reads the document while you write: {cost}"),
        "documents_reading_other": _("The model reads the documents while you write: {cost}"),
        "documents_read_one": _("The whole document: {tokens}, already read"),
        "documents_read_other": _("The whole documents: {tokens}, already read"),
        "documents_too_long_one": _(
            "Too long to be read whole ({tokens}; this model takes {limit}): you will choose passages of it."
        ),
        "documents_too_long_other": _(
            "Too long to be read whole ({tokens}; this model takes {limit}): you will choose passages of them."
        ),
        "documents_too_many_one": _("A question takes 10 files at most: {n} was left out."),
        "documents_too_many_other": _("A question takes 10 files at most: {n} were left out."),
        "passages_found_one": _("{n} passage found"),
        "passages_found_other": _("{n} passages found"),
        "passages_nothing": _("No passage found"),
        "passages_choose": _("The model reads those that are ticked, and nothing else of the document."),
        "passages_none": _(
            "No passage has these words. Use words that stand in the document, or open it to search in it."
        ),
        "passages_unproven": _(
            "These are the passages to read yourself: the Labo has not yet shown that {model} answers from passages "
            "without inventing."
        ),
        "passages_other": _("Take {model}, which can"),
        "passages_too_much": _("{tokens} tokens: {limit} at most"),
        "passages_open": _("Open {place} of {name} in the reader"),
        "cite": _("Source {n}: {name}, {place}"),
        "figures_unknown_one": _("This figure is not in the passages: {figures}."),
        "figures_unknown_other": _("These figures are not in the passages: {figures}."),
        "sources_unknown_one": _("This passage does not exist: {numbers}."),
        "sources_unknown_other": _("These passages do not exist: {numbers}."),
        "reader_nothing": _("Nothing found"),
        "reader_place": _("{n} of {count}"),
    }
