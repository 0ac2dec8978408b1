"""What the site does beyond mkdocs.yml: documents outside docs/, links to files of the code.

Documents are read in the repository as well, so their links name its files. On the site a link to
a document leads to its page, one to a module to its place in the reference, and one to any other
file to a page that shows it.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
# Documents outside docs/ and their pages.
DOCUMENTS = {
    'README.md': 'index.md',
    'README_zh.md': 'zh.md',
    'CONTRIBUTING.md': 'contributing.md',
    'CHANGELOG.md': 'changelog.md',
    'LICENSES.md': 'licences.md',
    'embedding_cache/README.md': 'banks.md',
}
LANGUAGES = {'.py': 'python', '.sh': 'sh', '.md': 'markdown', '.json': 'json'}

_FENCE = re.compile(r'(^```.*?^```)', re.MULTILINE | re.DOTALL)
_LINK = re.compile(r'(?<=\]\()([^()\s]+)(?=\))')
_MODULE = re.compile(r'^::: (\S+)', re.MULTILINE)
_EXAMPLE = re.compile(r'\n\n(>>> .*)\Z', re.DOTALL)

# File of the repository → its page on the site, with an anchor for a module.
_places: dict[str, str] = {}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the documents outside docs/, and a page for each file that a document links to."""
    # Files of the theme are among them, and what mkdocs.yml excludes.
    ours = [
        file
        for file in files
        if Path(str(file.abs_src_path)).is_relative_to(config.docs_dir)
        and not file.inclusion.is_excluded()
    ]
    for name, uri in DOCUMENTS.items():
        ours.append(File.generated(config, uri, abs_src_path=str(ROOT / name)))
        files.append(ours[-1])
    _places.clear()
    _places.update({_name(file): file.src_uri for file in ours})
    documents = [file for file in ours if file.is_documentation_page()]
    for file in documents:
        for module in _MODULE.findall(file.content_string):
            _places[f'{module.replace(".", "/")}.py'] = f'{file.src_uri}#{module}'
    for file in documents:
        for target in _targets(file):
            for path in _with_children(ROOT / target):
                _add_page(path, files, config)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to files of the repository lead to their pages."""
    if not page.file.abs_src_path:
        return markdown
    folder = PurePosixPath(_name(page.file)).parent

    def on_site(link: re.Match[str]) -> str:
        path, _, anchor = link[0].partition('#')
        place, _, module = _places.get(_resolved(folder, path), '').partition('#')
        if not place:
            return link[0]
        anchor = anchor or module
        start = posixpath.dirname(page.file.src_uri)
        return posixpath.relpath(place, start or '.') + (f'#{anchor}' if anchor else '')

    return _outside_fences(lambda text: _LINK.sub(on_site, text), markdown)


class HouseStyle(griffe.Extension):
    """Tells the reader of the code what it does not know by itself."""

    def on_module_members(self, *, mod: griffe.Module, **kwargs: Any) -> None:
        """Keep to the exports that are written out: others are old names, served on demand."""
        mod.exports = mod.exports and [name for name in mod.exports if isinstance(name, str)]

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Make a section of the examples at the end of a docstring."""
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLE.sub(_under_heading, obj.docstring.value)


def _under_heading(example: re.Match[str]) -> str:
    lines = example[1].rstrip().split('\n')
    return '\n\nExamples:\n' + '\n'.join(f'    {line}' if line else '' for line in lines)


def _name(file: File) -> str:
    """Return the path of a file within the repository."""
    return Path(str(file.abs_src_path)).relative_to(ROOT).as_posix()


def _resolved(folder: PurePosixPath, path: str) -> str:
    """Return the file of the repository that a document in `folder` means by a path."""
    return posixpath.normpath((folder / path).as_posix())


def _outside_fences(change: Callable[[str], str], markdown: str) -> str:
    """Apply a change to all of a document but its blocks of code."""
    parts = _FENCE.split(markdown)
    return ''.join(part if place % 2 else change(part) for place, part in enumerate(parts))


def _targets(document: File) -> Iterator[str]:
    """Yield the files of the repository that a document links to, and that have no page yet."""
    folder = PurePosixPath(_name(document)).parent
    for link in _LINK.findall(_FENCE.sub('', document.content_string)):
        target = _resolved(folder, link.partition('#')[0])
        if not re.match(r'\w+:|#', link) and target not in _places and (ROOT / target).exists():
            yield target


def _with_children(path: Path) -> list[Path]:
    return [path, *(child for child in sorted(path.glob('*')) if child.is_file())]


def _add_page(path: Path, files: Files, config: MkDocsConfig) -> None:
    """Add a page that shows a text file, or the names in a folder."""
    name = path.relative_to(ROOT).as_posix()
    if name in _places:
        return
    if path.is_dir():
        names = [child.name for child in _with_children(path)[1:]]
        body = '\n'.join(f'- [{child}]({path.name}/{child}.md)' for child in names)
    else:
        language = LANGUAGES.get(path.suffix, 'text')
        body = f'````{language}\n{path.read_text(encoding="utf-8")}````'
    page = f'---\nsearch:\n  exclude: true\nhide: [toc]\n---\n\n# {name}\n\n{body}\n'
    _places[name] = f'files/{name}.md'
    files.append(File.generated(config, _places[name], content=page))
