"""README and docs keep what they promise: their code runs, their commands and links exist."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import superpose

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
PAGES = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [p for p in PAGES if "_build" not in p.parts]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def run(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the python blocks of a page one after the other, as a reader would."""
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    for i, block in enumerate(blocks(text, "python")):
        exec(compile(block, f"block {i + 1}", "exec"), names)


@pytest.mark.slow
def test_the_code_of_the_readme_runs_and_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(README, tmp_path, monkeypatch)
    assert "R2 on rows not seen: 0." in capsys.readouterr().out
    assert (tmp_path / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_the_code_of_the_first_ten_minutes_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run((ROOT / "docs" / "start.md").read_text(), tmp_path, monkeypatch)
    assert (tmp_path / "report.html").exists()
    assert (tmp_path / "model.superpose").exists()


def test_the_first_screen_of_the_readme() -> None:
    """One picture and the code before line 35, about twelve lines of it, three badges at most."""
    first = "\n".join(README.splitlines()[:35])
    code = [line for line in blocks(first, "python")[0].splitlines() if line.strip()]
    assert 8 <= len(code) <= 14
    assert len(re.findall(r"!\[", first)) == 1
    assert len(re.findall(r"\[!\[", README)) <= 3


LINKED = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]


@pytest.mark.parametrize("page", LINKED, ids=[str(p.relative_to(ROOT)) for p in LINKED])
def test_links_to_files_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    local = [link for link in links if "://" not in link and not link.startswith("gallery/")]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "api").glob("*.md")), ids=lambda p: p.stem)
def test_an_api_page_lists_what_its_room_lists(page: Path) -> None:
    """Nothing public is left out of the interface pages, and nothing else is on them."""
    room = page.stem
    if room in {"index", "cli"}:
        pytest.skip("this page lists rooms or commands, not names")
    module = importlib.import_module(f"superpose.{room}")
    listed = re.findall(r"^   (\w+)$", page.read_text(), flags=re.MULTILINE)
    assert sorted(listed) == sorted(module.__all__)


def test_every_make_command_named_in_words_exists() -> None:
    words = README + (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"^make (\w+)|`make (\w+)", words, flags=re.MULTILINE))
    targets = set(re.findall(r"^(\w+):", MAKEFILE, flags=re.MULTILINE))
    assert {a or b for a, b in named} - targets == set()


def test_every_superpose_command_named_in_words_exists() -> None:
    typer = pytest.importorskip("typer")
    from superpose.cli import app

    text = README + (ROOT / "CHANGELOG.md").read_text() + "".join(p.read_text() for p in PAGES)
    named = set(re.findall(r"^superpose ([a-z]+)|`superpose ([a-z]+)", text, flags=re.MULTILINE))
    commands = set(typer.main.get_command(app).commands)
    assert {a or b for a, b in named} - commands == set()


def test_the_version_is_written_once_and_agreed_upon() -> None:
    assert f"\nversion: {superpose.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"## {superpose.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_public_list_can_be_imported_and_is_all_there_is() -> None:
    assert {name: getattr(superpose, name) is not None for name in superpose.__all__} == {
        "KSTClassifier": True,
        "KSTRegressor": True,
        "__version__": True,
    }
    assert set(superpose.__all__) <= set(dir(superpose))
    with pytest.raises(AttributeError, match="module 'superpose' has no attribute 'KSTTree'"):
        superpose.KSTTree  # noqa: B018
