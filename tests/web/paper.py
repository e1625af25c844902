"""A form as a browser without scripts shows it: read its fields, fill them in, and press its buttons."""

from html.parser import HTMLParser
from typing import Any, Self

from starlette.testclient import TestClient


class _Reader(HTMLParser):
    """Read the fields of the form `report`, its buttons, and the options of its lists."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: list[tuple[str, str]] = []
        self.buttons: list[str] = []
        self.choices: dict[str, list[str]] = {}
        self._inside = False
        self._name: str | None = None
        self._kind = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("id") == "report"
            self.action = given["action"] if self._inside else self.action
        if not self._inside:
            return
        name = given.get("name", "")
        match tag:
            case "input" if given.get("type") == "file":
                pass
            case "input" if given.get("type") in ("radio", "checkbox") and "checked" not in given:
                self.choices.setdefault(name, []).append(given.get("value", ""))
            case "input":
                self.fields.append((name, given.get("value", "")))
            case "textarea" | "select":
                self._name, self._kind = name, tag
                self.fields.append((name, ""))
                self.choices.setdefault(name, [])
            case "option" if self._kind == "select" and self._name is not None:
                self.choices[self._name].append(given["value"])
                if "selected" in given:
                    self.fields[-1] = (self._name, given["value"])
            case "button" if name == "do":
                self.buttons.append(given.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._kind == "textarea" and self._name is not None:
            self.fields[-1] = (self._name, self.fields[-1][1] + data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("textarea", "select"):
            self._name, self._kind = None, ""
        elif tag == "form":
            self._inside = False


class Paper:
    """A form on a page."""

    def __init__(self, browser: TestClient, page: Any) -> None:
        self.browser, self.page = browser, page
        self._read = _Reader()
        self._read.feed(page.text)
        assert self._read.action, page.text

    @property
    def buttons(self) -> list[str]:
        return self._read.buttons

    @property
    def fields(self) -> dict[str, str]:
        """Return the last value of each field."""
        return dict(self._read.fields)

    def all(self, name: str) -> list[str]:
        return [value for given, value in self._read.fields if given == name]

    def choices(self, name: str) -> list[str]:
        return self._read.choices.get(name, [])

    def fill(self, number: int, **values: str) -> Self:
        """Set the fields of one entry, for example `source__origin` for the origin in its source."""
        for name, value in values.items():
            self.write(f"e{number}-{name.replace('__', '-')}", value)
        return self

    def write(self, name: str, value: str) -> Self:
        assert name in self.fields, f"there is no field {name}, but: {', '.join(self.fields)}"
        self._read.fields = [(given, value if given == name else old) for given, old in self._read.fields]
        return self

    def choose(self, name: str, value: str) -> Self:
        """Choose a radio button."""
        offered = [*self.choices(name), *self.all(name)]
        assert value in offered, f"{name} offers no {value}, but: {', '.join(offered)}"
        self._read.fields = [(given, old) for given, old in self._read.fields if given != name] + [(name, value)]
        return self

    def send(self, button: str, **headers: str) -> Any:
        """Press a button and return the answer."""
        assert button in self.buttons, f"there is no button {button}, but: {', '.join(self.buttons)}"
        data: dict[str, list[str]] = {}
        for name, value in [*self._read.fields, ("do", button)]:
            data.setdefault(name, []).append(value)
        return self.browser.post(self._read.action, data=data, headers=headers)

    def press(self, button: str) -> "Paper":
        """Press a button and return the form in the answer."""
        return Paper(self.browser, self.send(button))


def opened(browser: TestClient, address: str) -> Paper:
    page = browser.get(address)
    assert page.status_code == 200, page.text
    return Paper(browser, page)
