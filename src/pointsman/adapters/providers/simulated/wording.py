"""In which words does a simulated model answer?"""

from __future__ import annotations

import re
from random import Random

from pointsman.adapters.providers.simulated.asking import Asked
from pointsman.adapters.providers.simulated.personas import Persona

_WORD = re.compile(r"[^\W\d_]{3,}")
_CODE = re.compile(r"\b(code|function|python|bug|refactor|test|script|class|sql)\b", re.IGNORECASE)

_COMMON = frozenset(
    """about after all and any are answer because been but can could does for from give had has have
    how into its just know let like make may more most much need not now one our out over please
    should some such tell than that the their them then there these they this those use using want
    was were what when where which who why will with would you your""".split()  # noqa: SIM905 - read as prose
)

_ENGLISH = (
    "On {a}, the short version is that it depends on {b}, so start from what you can measure.",
    "A sound way to approach {a} is to separate what changes often from what does not.",
    "People who work with {a} usually underestimate how much {b} matters at the edges.",
    "If {a} is the goal, keep {b} small at first and let evidence decide what comes next.",
    "There is a trade-off between {a} and {b}: more of one tends to cost some of the other.",
    "It helps to write down what would count as success for {a} before touching {b}.",
    "Two things are easy to miss here: {a} has a history, and {b} has an owner.",
    "In practice I would check {a} against a simple baseline and only then refine {b}.",
    "The usual objection is that {b} makes {a} harder; it does, but only for the first step.",
    "To sum up, treat {a} as the constraint and {b} as the thing you may vary.",
)
_ARABIC = (
    "فيما يخص {a}، الجواب المختصر أن الأمر يتوقف على {b}، فابدأ بما يمكن قياسه.",
    "من المفيد أن نفصل في {a} بين ما يتغير كثيرا وما يبقى ثابتا.",
    "كثيرا ما يهمل الناس أثر {b} عند العمل على {a}.",
    "إذا كان {a} هو الهدف فاجعل {b} صغيرا في البداية ثم دع النتائج تقرر.",
    "هناك موازنة بين {a} و{b}، فزيادة أحدهما قد تنقص من الآخر.",
    "الخطوة التالية هي أن تكتب ما تعده نجاحا في {a} قبل أن تغير {b}.",
    "وخلاصة القول أن {a} هو القيد وأن {b} هو ما يمكن تعديله.",
)
_SNIPPET = """Here is a sketch:

```python
def {name}(items):
    \"\"\"A simulated sketch about {name}.\"\"\"
    return [item for item in items if item]
```
"""


def topic_words(asked: Asked, most: int = 6) -> list[str]:
    """The first telling words of the question, each once, in order."""
    words = dict.fromkeys(_WORD.findall(asked.topic[:2_000].lower()))
    return [word for word in words if word not in _COMMON][:most]


def prose(persona: Persona, asked: Asked, chance: Random, chars: int) -> str:
    """An answer of about `chars` characters that says who gives it and what it is about."""
    arabic = asked.in_arabic
    words = topic_words(asked) or (["السؤال", "السياق"] if arabic else ["the question", "context"])
    parts = [_opening(persona, asked, words)]
    if _CODE.search(asked.topic) and "coding" in persona.strengths and not arabic:
        name = next((word for word in words if word.isascii()), "sketch")
        parts.append(_SNIPPET.format(name=name))
    length = sum(map(len, parts))
    sentences = _ARABIC if arabic else _ENGLISH
    while length < chars:
        sentence = chance.choice(sentences).format(a=chance.choice(words), b=chance.choice(words))
        parts.append(sentence)
        length += len(sentence) + 1
    return " ".join(parts).replace("```\n ", "```\n")


def _opening(persona: Persona, asked: Asked, words: list[str]) -> str:
    who = persona.display_name or persona.name
    about = ("، " if asked.in_arabic else ", ").join(words)
    seen = asked.images
    if asked.in_arabic:
        image = f" وصلتني {seen} من الصور." if seen else ""
        return f"هذا جواب محاكى من النموذج {who}. سؤالك يدور حول: {about}.{image}"
    image = f" I received {seen} image{'s' if seen != 1 else ''} with it." if seen else ""
    tool = " I have taken the tool's result into account." if asked.answers_tool else ""
    return f"This is a simulated answer by {who}. You asked about: {about}.{image}{tool}"
