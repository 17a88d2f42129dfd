"""Who judges what: a coding task's program, an office task's answer."""

from dataclasses import dataclass

from app.bench.answers.judgement import Judgement
from app.bench.measuring.exchange import Heard
from app.bench.measuring.order import Cell
from app.bench.measuring.sampler import Question
from app.bench.programs import coding
from app.bench.tasks import office
from app.bench.tasks.reading import Task, Tasks
from app.errors import AppError

# Tokens that a model may think beside its answer, and those of a context that question and template take.
THINKING_TOKENS, ROOM_TOKENS = 2048, 512
# Of a context that is asked for: below that hardly a thought comes to its end.
LEAST_THINKING = 512


def least_context(task: Task, max_tokens: int, *, think: bool) -> int:
    """The smallest context that has room for a task's answer; in a smaller one every model fails alike."""
    answer = min(max_tokens or task.max_tokens, task.max_tokens) + (LEAST_THINKING if think else 0)
    return _taken(task) + answer


def _taken(task: Task) -> int:
    """What the question and what goes with it take of a context."""
    return ROOM_TOKENS + len(task.question.encode()) // 3


@dataclass(frozen=True, slots=True)
class Judge:
    """`run_code`: programs of models may be run, in the sandbox; `max_tokens` 0: each task's own."""

    tasks: Tasks
    run_code: bool
    max_tokens: int = 0

    def question(self, cell: Cell, context: int) -> Question:
        """What a task asks, and the longest answer. Raises unknown_task for one that was removed meanwhile."""
        task = self.tasks.get(cell.prompt)
        if task is None:
            raise AppError("unknown_task", task=cell.prompt)
        wanted = (self.max_tokens or task.max_tokens) + (THINKING_TOKENS if cell.setting.think else 0)
        room = max(64, context - _taken(task)) if context else wanted
        return Question(task.question, min(wanted, room))

    def runs(self, cell: Cell) -> bool:
        """Whether judging an answer takes the machine, since its program is run."""
        return self.run_code and self.tasks.tasks[cell.prompt].code is not None

    def judge(self, cell: Cell, heard: Heard) -> Judgement:
        """What an answer is worth."""
        task = self.tasks.tasks[cell.prompt]
        answer, thinking = "".join(heard.answer), "".join(heard.thinking)
        think = cell.setting.think
        if task.code:
            return coding.judge(task.code, answer, heard.reason, run=self.run_code, thinking=thinking, think=think)
        return office.judge(task, answer, thinking, heard.reason, think=think)
