// Hosts of static files give 404.html for an address that they do not have, such as that of a link whose "#" a messenger
// has encoded: it leads to the page, as pychat's own server does. Nothing of Python is here, and the host has seen the
// code already; no need that the browser's history keeps it, too.

(function () {
  "use strict";

  var encoded = /%(?:25)*23([^?]+)/.exec(location.pathname);
  if (encoded) location.replace("./#" + encoded[1]);
})();
