"""The small picture of a person."""

from pychat.browser.dom import Element, set_data, set_text
from pychat.ui.faces import Face


def show_face(element: Element, face: Face | None) -> None:
    """Show the picture of somebody; without one, that of a link that nobody has opened yet."""
    set_data(element, "colour", "none" if face is None else str(face.colour))
    set_text(element.lastElementChild, "" if face is None else face.letter)
