// What a page's script finds as `js.textListener`: a listener that hands Python the text of a message and not the event
// around it. To make Python's proxy of an event takes a browser as long as all that the chat does with the message, and
// nothing that a browser offers to Python takes an event apart before.

globalThis.textListener = (hear) => ({ data }) => hear(typeof data === "string" ? data : "");
