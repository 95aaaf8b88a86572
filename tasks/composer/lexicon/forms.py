"""All kinds of facts and their forms, in one mapping."""

from tasks.composer.lexicon.company import COMPANY
from tasks.composer.lexicon.form import Forms
from tasks.composer.lexicon.memory import MEMORY
from tasks.composer.lexicon.people import PEOPLE
from tasks.composer.lexicon.together import TOGETHER
from tasks.composer.lexicon.world import WORLD

FORMS: dict[str, Forms] = {**COMPANY, **PEOPLE, **WORLD, **TOGETHER, **MEMORY}
