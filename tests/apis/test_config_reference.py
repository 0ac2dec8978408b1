"""The document of config keys says what the code does."""

from pathlib import Path

from mmseg.apis.config_reference import COMMAND, reference

DOCUMENT = Path(__file__).resolve().parents[2] / 'docs/config.md'


def test_reference__the_document_is_current():
    is_current = DOCUMENT.read_text(encoding='utf-8') == reference()
    assert is_current, f'docs/config.md is not what the code says now: run {COMMAND}'


def test_reference__tells_of_settings_arguments_and_defaults():
    text = reference()
    assert '| `log_config.interval` | a whole number above 0 | `50` |' in text
    assert '### `DACS`\n\nAdapts a segmentor' in text
    # passed on by **kwargs to the base class, whose docstring tells what it is
    head = text.partition('### `DAFormerHead`')[2].partition('###')[0]
    assert '| `num_classes` | `int` |' in head
