"""What the phone shows: one scene, laid out once, drawn in every form.

A `View` (page and facts, made by the handset) becomes a `Scene` (`scene.build`): nodes with
role, accessible name, text, bounds in px and direction, and the marks that draw them. From the
scene come SVG (`svg`), PNG (`png`), terminal text (`terminal`), the XML of Android's
`uiautomator dump` and a JSON object (`hierarchy`). `touch` turns fingers and keys into what the
handset is told. `goldens` holds pictures to what a person approved.

Choices, and why:

1. Text is shaped by HarfBuzz with faces of pinned packages, and drawn as outlines. What is
   measured for a line break is what is drawn, an SVG needs no font, and no renderer reads a
   system's fonts: the same pixels anywhere.
2. Bidi is our own (`bidi`), held to the standard's conformance file: HarfBuzz shapes runs, it
   does not order them.
3. Right-to-left is the mirror image of left-to-right, letters aside; no block knows which way
   the language runs. Keypads are not mirrored, as on phones.
4. A page that does not fit is set tighter, then denser, then smaller, never clipped and never
   scrolled; a test holds every page in every language, on every device, at both text sizes.
5. A PNG is put together from stamps that resvg drew once. resvg by itself takes 75 ms for a
   tall phone, whatever is on it; a fifth of that is enough this way (`tools/bench screen`).
6. What others wrote (the server's text, an operator's name) loses all that could steer a
   terminal or a reader before it is laid out.

A new language: its tag in `catalog.LANGUAGES` and tools/catalogues.py, `tools/locales`, then
the translations; a new page: a row in `pages.PAGES`. Both then want pictures:
`firmware-sim screen goldens review --dir tests/screen/goldens`.
"""
