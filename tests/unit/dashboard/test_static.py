"""What the dashboard ships to browsers: small, its own, and no more than it names."""

import re
from importlib.resources import files

STATIC = files("smart_api_integrations.dashboard") / "static"
MOST_BYTES = 50_000


def scripts():
    return {file.name: file.read_text("utf-8") for file in STATIC.iterdir() if file.name.endswith(".js")}


def test_all_scripts_together_are_small():
    assert sum(len(text.encode()) for text in scripts().values()) <= MOST_BYTES


def test_modules_import_only_each_other():
    found = scripts()
    for name, text in found.items():
        for imported in re.findall(r'^import .*?"([^"]+)";$', text, re.MULTILINE):
            assert imported.startswith("./"), name
            assert imported.removeprefix("./") in found, name


def test_no_script_makes_markup_or_code_out_of_text():
    for name, text in scripts().items():
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text
        ), name
