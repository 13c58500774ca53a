"""Whether a text is English: a guess that is cheap, and the same every time (pure)."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
# Words that several languages share (die, was, capital, per) tell nothing and are in neither set.
_ENGLISH = frozenset(
    """a an and are as at be but by can describe do does explain for from get give good has have he
    hello hi how i if in is it its list make me my name no not of on or our picture please she
    should so tell that the their there they this to total we were what when where which who why
    will with would write yes you your""".split()  # noqa: SIM905 - a list of words reads best
)
_OTHERS = frozenset(
    # German, French, Spanish, Italian, Portuguese, Dutch
    """aber auch auf bitte das dass dem den der ein eine einen er für ich ihr ist kann kein mein
    mir mit nicht oder sich sie sind und uns viel von warum wer wie wir wo zu zum
    au aux avec bonjour ce cette combien comment dans des du elle est et il je la le les mais
    merci nous où par pas pour pourquoi quand que quel quelle qui quoi sont sur un une vous
    al como con cuál cuánto de del dónde el ella en es esta este gracias hay hola las los muy más
    para pero por porque qué quién su una y yo
    che chi ciao cosa di dove gli ho io lo nel non perché più quale quando quanto sono è
    ao com da e em ela ele eu foi isso mas meu não o os ou qual quem sua também uma você é
    dat deze dit een geen het hoe ik je maar met naar niet ook op te van voor waar wat
    zijn""".split()  # noqa: SIM905
)


def is_english(text: str) -> bool:
    """Guess whether a text is English; a text without words to judge by counts as English."""
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return True
    foreign = sum(not _is_latin(character) for character in letters)
    if foreign * 3 > len(letters):
        return False
    found = [word.lower() for word in _WORD.findall(text)]
    english = sum(word in _ENGLISH for word in found)
    others = sum(word in _OTHERS for word in found)
    return others <= english


def _is_latin(character: str) -> bool:
    return character.isascii() or "LATIN" in unicodedata.name(character, "")
