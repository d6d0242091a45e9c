"""The documentation as a site: `nox -s docs`."""  # noqa: INP001, Sphinx reads it by its path

project = "bench"
extensions = ["myst_parser"]
html_theme = "alabaster"
html_theme_options = {"description": "Why is this test slow here?", "fixed_sidebar": True, "page_width": "70rem"}
html_show_copyright = False
html_show_sourcelink = False
myst_heading_anchors = 3
exclude_patterns = ["_build"]
