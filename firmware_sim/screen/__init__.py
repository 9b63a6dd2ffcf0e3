"""Scene tree to terminal text, SVG, PNG and UI-hierarchy XML; locales; fonts."""
