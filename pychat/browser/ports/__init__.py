"""The ports, made of the browser's own objects."""
