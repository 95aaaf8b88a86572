"""Names for people nobody named. A name is a label for one entity id; it says nothing about who that person is."""

from collections.abc import Iterable, Mapping

from tasks.composer.draw import Draw

_LIST = """
Adair Addison Aeron Ainsley Alby Alex Alva Amari Andie Arden Ari Arlie Ashby Ashton Aubrey Auden Avery
Bailey Bellamy Berkeley Bevan Billie Blaine Blair Blake Bobbie Brady Breck Brett Bryn
Cael Cameron Campbell Carey Carlin Carson Casey Cassidy Channing Charlie Cleo Codie Corey Corin Corley Cory
Dacey Dakota Dana Darby Darcy Darian Daryl Delaney Devin Devon Dorian Drew
Edison Elia Ellery Elliot Ellison Eloy Emerson Emery Emlyn Emry Ennis Ezra
Fallon Farley Farrell Farren Finley Fran Frankie Freddie
Gerry Glenn Greer Guthrie Gwynn
Hadley Halsey Harley Harlow Harper Haru Hayden Hollis
Idris Ilya Imani Ira Izzy
Jackie Jaden Jael Jamie Jay Jaylen Jaz Jean Jessie Jody Jordan Jules
Kai Kamryn Kasey Keelan Kelly Kendall Kerry Kim Kiran Kirby Kit
Larkin Laurie Lee Leighton Lennox Lesley Leslie Linden Lindsay Lior Loren Lou Lowen
Marion Marley Marlo Marlow Maxie Merle Merritt Micah Mika Milan Mischa Monroe Morgan
Nat Nevin Nicky Nico Nikita Noor
Oakley Odell Ollie Oran Orly Osha
Paley Palmer Parker Pat Payton Peyton Presley
    Quincy Quinley Quinn
Ramsey Reese Remy Ren Renny Rian Ricki Riley River Robin Rory Rowan Rudy Rumi
Sacha Sam Sami Sandie Sandy Sasha Selby Shannon Shawn Shea Shelby Shiloh Sidney Skyler Stevie Sutton
Tal Tam Tatum Taylor Teagan Terry Tierney Tobin Toby Toni Tory Tristan
    Umi Uri
Val Valen Vanya Venn Vic
Wallis Whitney Wyatt Wynn
    Xan Xen Xoan
Yael Yan Yardley Yoshi Yuki Yuri
Zan Zev Ziggy Ziv Zuri
"""
NAMES: tuple[str, ...] = tuple(_LIST.split())
"""Given names that people of any gender bear."""

DISTINCT = 24
"""How many people of a cast get names unlike one another."""


def _alike(name: str, other: str) -> bool:
    """Whether a reader could take one name for the other: the same beginning, or the same ending of three letters."""
    return name[:3] == other[:3] or name[-3:] == other[-3:] or name.startswith(other) or other.startswith(name)


def assign_names(entity_ids: Iterable[str], draw: Draw) -> dict[str, str]:
    """A name for each id, all different, the first ``DISTINCT`` of them unlike one another and with their own initials.

    Those named first get the most distinct names, so give the ids in the order in which a reader meets them. A cast larger
    than the list gets pairs of names.
    """
    free = draw.order(NAMES)
    pairs = (f"{first} {second}" for first in free.copy() for second in NAMES if first != second)
    unlike = free.copy()  # every name so far
    names: dict[str, str] = {}
    initials: set[str] = set()
    for entity_id in entity_ids:
        if len(names) < DISTINCT:
            name = next((name for name in unlike if name[0] not in initials), unlike[0])
            unlike = [other for other in unlike if not _alike(other, name)]
        else:
            name = free[0] if free else next(pairs)
        if name in free:
            free.remove(name)
        initials.add(name[0])
        names[entity_id] = name
    return names


def give_names(names: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """``names`` with those that people gave; who had such a name by chance takes the one that it made free."""
    told = {**names, **given}
    for entity_id, name in given.items():
        for other in told:
            if other not in given and told[other] == name:
                told[other] = names[entity_id]
    return told
