"""A page taken apart with the parser of the standard library: what a browser would take for elements, and the text."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "hr", "img", "meta"}


@dataclass
class Node:
    """An element: its name, attributes, children in order, and the text inside it, at any depth."""

    name: str
    attributes: dict[str, str | None]
    children: list["Node"] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def all(self, name: str | None = None, kind: str | None = None) -> list["Node"]:
        """Descendants with a name and a class, in order."""
        found = []
        for child in self.children:
            fits = name in (None, child.name) and (
                kind is None or kind in (child.attributes.get("class") or "").split()
            )
            found += [child] if fits else []
            found += child.all(name, kind)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack = [Node("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in <{tag}>"
        node = Node(tag, dict(attrs))
        self.stack[-1].children.append(node)
        if tag not in VOID:
            self.stack.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack[-1].name == tag, f"</{tag}> closes <{self.stack[-1].name}>"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        for node in self.stack:
            node.pieces.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data!r}")


def read_page(text: str) -> Node:
    """The tree of a page or fragment; every element must be closed in order."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert len(reader.stack) == 1, f"<{reader.stack[-1].name}> is not closed"
    return reader.stack[0]
