"""The words that scripts show in and around an answer that is laid out for reading, in the reader's language."""

from flask_babel import gettext as _


def reading_texts() -> dict[str, str]:
    """Every text that the renderer and the copy buttons may need."""
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
