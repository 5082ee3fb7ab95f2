"""The browser's side: the only package that imports JavaScript. No JavaScript object leaves it."""
