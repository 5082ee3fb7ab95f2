import js

js.document.dispatchEvent(js.Event.new("pychat:ready"))
