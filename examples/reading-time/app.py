"""How long a text takes to read: the text of the request, or the attached files.

`plan` makes one step, `run` counts, `reply` writes the answer. The host calls each of them in a fresh instance.
"""

import json
import re

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import log
from wit_world.imports.types import (
    Action_Run,
    Check_Within,
    Expectation,
    Failure_Invalid,
    NumericRange,
    Output,
    Plan,
    Reply,
    Step,
)

WORDS_A_MINUTE = 230
# What stands before the text: "how long does it take to read: ..."
ASKED = re.compile(r"^.*?\bread(?:ing time)?\b[^:]*:\s*", re.IGNORECASE | re.DOTALL)


def text_of(request):
    """The attached texts, or else what stands behind the colon."""
    if request.attachments:
        try:
            return "\n".join(file.content.decode("utf-8") for file in request.attachments)
        except UnicodeDecodeError as error:
            raise Err(Failure_Invalid(f"an attached file is not UTF-8 text ({error}); save it as UTF-8 and send it again"))
    return ASKED.sub("", request.content, count=1)


class Handler(exports.Handler):
    def plan(self, request, context):
        counted = Expectation("/words", Check_Within(NumericRange(1.0, None)), "the text has words")
        return Plan([Step("count", "Count the words", Action_Run("{}"), [counted])], [])

    def run(self, step, inputs, attempt):
        words = len(re.findall(r"\w+(?:['’-]\w+)*", text_of(inputs.request)))
        log.write(log.Level.INFO, f"{words} words")
        seconds = round(words * 60 / WORDS_A_MINUTE)
        return Output(json.dumps({"words": words, "seconds": seconds}), None)

    def reply(self, request, results):
        count = json.loads(results[0].output)
        if count is None:
            return Reply("There is no text to read: put it behind a colon, or attach it.", None, [])
        minutes, seconds = divmod(count["seconds"], 60)
        time = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
        return Reply(f"{count['words']} words: about {time} to read.", json.dumps(count), [])
