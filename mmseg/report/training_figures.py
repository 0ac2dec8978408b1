"""Figures of training: scores, losses, learning rate, pseudo labels, speed."""

from collections.abc import Sequence

from mmseg.core.evaluation.percent import SCORES

from .drawing import COLOURS, Figure, Shown, line, over_iterations, per_run, present

# What the losses of adaptation are called by people; the first stand first.
_LOSSES = {
    'loss': 'all together',
    'decode.loss_seg': 'source',
    'mix.decode.loss_seg': 'mixed',
    'mix.loss_instance': 'instance',
    'src.loss_imnet_feat_dist': 'feature distance',
}
_OF_TEACHER = (
    ('confident_share', 'share that is confident', 'dot'),
    ('confident_acc', 'confident ones that are right', 'solid'),
    ('aAcc', 'all that are right', 'dash'),
)


def scores(runs: Sequence[Shown]) -> list[Figure]:
    """Draw mIoU, and what else was measured, over iterations."""
    figures = []
    for score in SCORES:
        traces = [
            line(s.run.curves.get(f'{score} {network}', []), **s.style(network), scale=100)
            for s in runs
            for network in s.run.networks
        ]
        title, layout = f'{score} on the validation images', over_iterations(runs, f'{score} in %')
        figures += present(Figure(score.lower(), title, traces, layout))
    return figures


def losses(runs: Sequence[Shown]) -> list[Figure]:
    """Draw all losses of a single run together, or each loss of several runs by itself."""
    logged = {name for s in runs for name in s.run.curves if 'loss' in name}
    names = [name for name in _LOSSES if name in logged] + sorted(logged.difference(_LOSSES))
    if len(runs) > 1:
        return [
            figure
            for index, name in enumerate(names)
            for figure in per_run(runs, name, f'loss-{index}', f'Loss: {_title(name)}', 'loss')
        ]
    traces = [
        line(runs[0].run.curves[name], _title(name), COLOURS[index % len(COLOURS)])
        for index, name in enumerate(names)
    ]
    return present(Figure('loss', 'Losses', traces, over_iterations(runs, 'loss')))


def learning_rate(runs: Sequence[Shown]) -> list[Figure]:
    """Draw the learning rate of the first group of parameters."""
    axis = {'exponentformat': 'e', 'nticks': 5}
    return per_run(runs, 'lr', 'lr', 'Learning rate', '', axis=axis)


def pseudo_labels(runs: Sequence[Shown]) -> list[Figure]:
    """Draw how many pixels the teacher is sure of, and how often it is right about them."""
    note = 'Share of the target pixels in a batch whose probability reaches the threshold.'
    title = 'Confident pseudo labels in training'
    share = per_run(
        runs, 'pseudo_weight', 'pseudo-share', title, '% of pixels', scale=100, note=note
    )
    traces = [
        line(
            s.run.curves[f'{key} teacher'],
            text if s.is_alone else f'{s.label}: {text}',
            COLOURS[index] if s.is_alone else s.colour,
            dash,
            scale=100,
        )
        for s in runs
        if 'confident_share teacher' in s.run.curves
        for index, (key, text, dash) in enumerate(_OF_TEACHER)
        if f'{key} teacher' in s.run.curves
    ]
    note = (
        'The pixels that would become pseudo labels, against the labels of validation images: '
        'measured at evaluations only, training sees nothing of it.'
    )
    layout = over_iterations(runs, '% of pixels', range=[0, 100])
    title = 'Confident pixels of the teacher, validation images'
    return share + present(Figure('pseudo-accuracy', title, traces, layout, note))


def speed(runs: Sequence[Shown]) -> list[Figure]:
    """Draw seconds an iteration and, where a GPU was used, its memory."""
    note = 'Evaluations and checkpoints are not counted in.'
    seconds = per_run(runs, 'time', 'speed', 'Seconds an iteration', 's', note=note)
    memory = per_run(runs, 'memory', 'memory', 'Most GPU memory so far', 'GiB', scale=1 / 1024)
    return seconds + memory


def _title(loss: str) -> str:
    return _LOSSES.get(loss, loss)
