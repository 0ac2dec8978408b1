"""A web page on which a person drops a picture and sees what a trained network sees in it.

python demo/web.py WORK_DIR
python demo/web.py CONFIG CHECKPOINT [--port 7860]
"""

import argparse
import html
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import Segmentation
from mmseg.apis.inference.uncertainty import ENTROPY, LEVELS, NETWORKS
from mmseg.apis.work_dir import find_run
from mmseg.core.visualization import heat_map, overlay, stretched
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError
from tools.demo import DEFAULT_INPUT, add_options, load_segmenter

try:
    import gradio as gr
except ModuleNotFoundError:
    sys.exit("error: gradio is missing; run: pip install '.[web]'")

_STYLE = Path(__file__).with_suffix('.css')
_FONT = ('system-ui', 'sans-serif')  # of the browser: nothing is fetched from elsewhere
_SURE = '#3b82a0'
_MEANING = {
    ENTROPY: 'class probabilities are spread out',
    NETWORKS: 'student and teacher disagree',
    LEVELS: 'classes and instances disagree',
}


def class_table(seen: Segmentation, classes: Sequence[str], palette: Sequence) -> str:
    """Write the classes that a picture shows as HTML, the largest first.

    Args:
        seen: What the network sees.
        classes: Class names (C).
        palette: Colours (C, 3), RGB.

    Returns:
        A table of colour, name, share of the pixels and mean confidence.
    """
    shares, sure = seen.shares(len(classes)), seen.class_confidence(len(classes))
    rows = [
        f'<tr><td><i style="background:{_css(palette[c])}"></i>'
        f'{html.escape(str(classes[c]))}</td>'
        f'{_bar(shares[c], _css(palette[c]))}<td class="number">{100 * shares[c]:.1f} %</td>'
        f'{_bar(sure[c], _SURE)}<td class="number">{100 * sure[c]:.0f} %</td></tr>'
        for c in np.argsort(-shares)
        if shares[c] > 0
    ]
    bar = '<th class="bar"></th>'
    head = (
        f'<th>class</th>{bar}<th class="number">share</th>{bar}<th class="number">confidence</th>'
    )
    return f'<table class="seen"><tr>{head}</tr>{"".join(rows)}</table>'


def _bar(share: float, colour: str) -> str:
    style = f'width:{100 * share:.1f}%;background:{colour}'
    return f'<td class="bar"><div><b style="{style}"></b></div></td>'


def _css(colour: Sequence[int]) -> str:
    return f'rgb({",".join(str(int(value)) for value in colour)})'


def _doubt(values: np.ndarray | None) -> Any:
    """Return what an image of the page becomes: a map of doubts, or hidden where there is none."""
    return gr.update(
        value=None if values is None else stretched(values), visible=values is not None
    )


def build_page(args: argparse.Namespace) -> gr.Blocks:
    """Load the network and lay the page out."""
    segmenter = load_segmenter(args)
    model = segmenter.model
    if not segmenter.takes_pictures:
        raise UserError(
            'the page takes colour pictures, the config reads others (color_type, to_float32 of '
            'LoadImageFromFile): use demo/image_demo.py on files'
        )

    def look(picture: np.ndarray | None) -> Segmentation | None:
        return None if picture is None else segmenter([picture[..., ::-1]])[0]

    def draw(picture: np.ndarray | None, seen: Segmentation | None, opacity: float) -> tuple:
        if picture is None or seen is None:
            return None, None, '', *(gr.update(visible=False) for _ in _MEANING)
        return (
            (picture, overlay(picture, seen.labels, model.PALETTE, opacity)),
            heat_map(seen.confidence),
            class_table(seen, model.CLASSES, model.PALETTE),
            *(_doubt(seen.uncertainty.get(kind)) for kind in _MEANING),
        )

    with gr.Blocks(title='DIDA', analytics_enabled=False, delete_cache=(3600, 3600)) as page:
        gr.HTML(
            '<h1>What the network sees</h1>'
            '<p>Drop a street scene: each pixel gets a class, and how sure the network is.</p>',
            elem_id='head',
        )
        seen = gr.State()
        with gr.Row():
            with gr.Column(scale=4):
                picture = gr.Image(
                    label='picture', sources=['upload', 'clipboard'], elem_id='picture', height=300
                )
                opacity = gr.Slider(0, 1, args.opacity, step=0.05, label='strength of the colours')
                gr.Examples([[str(DEFAULT_INPUT)]], [picture], label='or try this one')
            with gr.Column(scale=6):
                with gr.Tab('classes'):
                    slider = gr.ImageSlider(
                        label='picture | classes', elem_id='overlay', slider_position=35
                    )
                with gr.Tab('confidence'):
                    sure = gr.Image(
                        label='dark: unsure, bright: sure',
                        buttons=['download', 'fullscreen'],
                        elem_id='confidence',
                    )
                with gr.Tab('doubts', visible=args.uncertainty, elem_id='uncertainty'):
                    doubts = [
                        gr.Image(
                            label=f'bright: {meaning}',
                            buttons=['download', 'fullscreen'],
                            visible=False,
                        )
                        for meaning in _MEANING.values()
                    ]
                table = gr.HTML(elem_id='table')
        results = [slider, sure, table, *doubts]
        picture.change(look, picture, seen).then(draw, [picture, seen, opacity], results)
        opacity.change(
            draw,
            [picture, seen, opacity],
            results,
            trigger_mode='always_last',
            show_progress='hidden',
        )
    return page


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='a config, or a work dir with its newest checkpoint')
    parser.add_argument('checkpoint', nargs='?', help='checkpoint, where a config is given')
    parser.add_argument('--host', default='127.0.0.1', help='0.0.0.0 for others too [%(default)s]')
    parser.add_argument('--port', type=int, default=7860, help='[%(default)s]')
    args = add_options(parser).parse_args()
    if args.checkpoint is None:
        args.config, args.checkpoint = find_run(args.config)
    return args


def main() -> None:
    """Serve the page until Ctrl-C."""
    args = parse_args()
    build_page(args).queue(default_concurrency_limit=1).launch(
        server_name=args.host,
        server_port=args.port,
        theme=gr.themes.Soft(primary_hue='sky', font=_FONT, font_mono=('monospace',)),
        css_paths=_STYLE,
        footer_links=[],
        ssr_mode=False,
    )


if __name__ == '__main__':
    run_cli(main)
