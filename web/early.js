// What cannot wait for boot.js, which the browser runs when all of the page is read: a classic script, for which the
// parser stops. It is written for old browsers too, and runs where modules do not: from a file.

(function () {
  "use strict";

  // The code of a link is a secret: it leaves the address before the page can be seen, and before its icon is asked for,
  // or Firefox would keep it once more beside that. What the browser wrote down when it opened the address is out of
  // reach. Python takes the code from the state of the history entry, and that of a room only once it is there sealed, so
  // a reload finds it whenever it comes (pychat/browser/screens/visit.py).
  function takeCode() {
    var encoded = /%(?:25)*23(.+)$/.exec(location.search); // what was the sign “#” before a messenger's parameters
    var code = location.hash.slice(1) || (encoded ? encoded[1] : "");
    if (code) {
      var rest = location.pathname + (encoded ? "" : location.search);
      history.replaceState(Object.assign({}, history.state, { code: code }), "", rest);
    }
  }

  takeCode();
  // A link that is opened in this very tab: of its two events the first one, and before Python's own listener, which
  // comes later; for what Python makes of it is another entry of the history, which would have the address as it is.
  addEventListener("popstate", takeCode);

  // For the style sheet and boot.js: whoever comes by a link, or comes back to a room, is on the way in, and no host.
  var state = history.state;
  if (state && (state.code || state.rooms)) document.documentElement.dataset.arriving = "";

  // A browser tells once, and maybe before Python listens, that it can install the page. Then the page offers it itself, in
  // the settings (pychat/browser/screens/installing.py).
  addEventListener("beforeinstallprompt", function (event) {
    event.preventDefault();
    window.installPrompt = event;
  });

  // A file that is dropped beside a field would be opened in place of the chat, and so would a link. Text may be dropped
  // into a field.
  function keepOut(event) {
    var types = event.dataTransfer ? Array.from(event.dataTransfer.types) : [];
    var isField = event.target instanceof Element && event.target.matches("input, textarea");
    if (isField && types.indexOf("Files") < 0) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "none";
  }

  addEventListener("dragover", keepOut);
  addEventListener("drop", keepOut);

  // Words for where boot.js cannot say them, because it does not run.
  function say(sentence) {
    function show() {
      var text = document.getElementById("boot-text");
      var place = document.getElementById("boot-error");
      document.getElementById("boot-progress").hidden = text.hidden = true;
      place.textContent = sentence;
      place.hidden = false;
    }
    document.documentElement.dataset.boot = "failed";
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", show);
    else show();
  }

  var TOO_OLD = "This browser is too old for pychat. Open this page in a current Chrome, Edge, Firefox or Safari.";
  var boot = new URL("boot.js", document.currentScript.src).href;
  if (location.protocol === "file:") {
    say("pychat does not run from a file. Put this folder on a web server, and open its address.");
  } else if (!("noModule" in HTMLScriptElement.prototype)) {
    say(TOO_OLD);
  } else {
    addEventListener(
      "error",
      function (event) {
        if (document.documentElement.dataset.boot) return; // boot.js runs
        if (event.target.src === boot) say("pychat could not be loaded. Check your connection, then reload the page.");
        else if (event.filename === boot) say(TOO_OLD);
      },
      true
    );
  }
})();
