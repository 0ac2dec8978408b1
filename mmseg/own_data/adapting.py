"""From a person's folders to an adapted network: one part after the other, none of them twice."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch

from mmseg.core.run_files import describe_run
from mmseg.experiments.runs import RESULT, RunFailed, RunStopped, train
from mmseg.selection.ranking import Candidate
from mmseg.selection.verdict import Verdict
from mmseg.utils.command import how_to_go_on
from mmseg.utils.environment import choose_device
from mmseg.utils.errors import UserError

from .handing_over import ONNX, WEIGHTS, how_to_use, write_network, write_onnx, write_results
from .judging import ADAPT, SOURCE_ONLY, Judgement, judge
from .memory import PROPOSED, Memory, memory_for
from .pace import Pace, measure_pace, schedule
from .pictures import Picture, look_into
from .plan import Layout, with_length
from .proposal import ITERATIONS, device_here, propose, write_config
from .request import Request
from .telling import Told

SUMMARY = 'summary.txt'
_MOST_SHOWN = 40
_ANSWERS = {
    'paid': 'adaptation paid',
    'did not pay': 'adaptation did not pay',
    "can't tell": "can't tell whether adaptation paid",
}


def prepare(request: Request, iterations: int | None, tell: Told) -> Memory:
    """Look, choose and write the configs, unless that is done.

    Args:
        request: What is asked for.
        iterations: Of training; None for what is usual here, until the time is known.
        tell: Told what was found.

    Raises:
        UserError: The folders do not hold what they should, or `out` holds something else.
    """
    if iterations is not None and iterations < 1:
        raise UserError(f'--iterations: expected 1 or more, got {iterations}')
    request.require_apart()
    memory = memory_for(request)
    if memory.get(PROPOSED):
        tell(*memory.get(PROPOSED))
        return memory
    proposed = Told()
    layout = Layout(request.out.absolute())
    propose(request, layout, iterations or ITERATIONS[device_here()], proposed)
    memory.set(PROPOSED, proposed.lines)
    tell.lines += proposed.lines
    return memory


def adapt(request: Request, minutes: float, iterations: int | None) -> None:
    """Adapt to a person's folders, as far as that is not done yet.

    Args:
        request: What is asked for.
        minutes: How long it may take.
        iterations: Of each training; None for what the time allows.

    Raises:
        UserError: See `prepare`; or the time does not suffice.
        SystemExit: A training failed, or was asked to stop.
    """
    began = time.monotonic()
    if not minutes > 0:
        raise UserError(f'--minutes: expected a positive number, got {minutes:g}')
    tell, layout = Told(), Layout(request.out.absolute())
    memory = prepare(request, iterations, tell)
    device = choose_device()
    pictures = look_into(request.target, request.others(request.target)).pictures
    plan = _settled(memory, layout, pictures, minutes, iterations, began, device, tell)
    for name in (SOURCE_ONLY, ADAPT):
        _train(layout, name, request.target_labels is not None)
    judgement = _judged(memory, layout, request, plan['num_shown'], device, tell)
    _hand_over(memory, layout, judgement, plan['num_shown'], pictures, device, tell)
    tell(f'all of it in {request.out}; to segment other images:', how_to_use(request.out))
    tell.keep(layout.root / SUMMARY)


def _settled(
    memory: Memory,
    layout: Layout,
    pictures: Sequence[Picture],
    minutes: float,
    iterations: int | None,
    began: float,
    device: torch.device,
    tell: Told,
) -> dict[str, Any]:
    """Settle how long the trainings are, and write it into the configs; once they have begun, keep.

    Returns:
        'minutes', 'iterations', 'num_shown' and a 'line' that tells of them.
    """
    plan = memory.get('plan')
    begun = [n for n in (SOURCE_ONLY, ADAPT) if describe_run(layout.run(n))]
    if plan and begun:
        if iterations not in (None, plan['iterations']):
            raise UserError(
                f'--iterations {iterations}: training has begun with {plan["iterations"]}: leave '
                'the option out, or give another --out'
            )
        tell(plan['line'])
        if minutes != plan['minutes']:
            tell(
                f'--minutes {minutes:g}: training has begun with {plan["iterations"]} iterations, '
                f'planned for {plan["minutes"]:g} minutes, and goes on with them'
            )
        return plan
    asked = {'minutes': minutes, 'asked_iterations': iterations}
    if not plan or any(plan[key] != value for key, value in asked.items()):
        length = _length(memory, layout, pictures, minutes, iterations, began, device)
        plan = {**asked, **length}
        memory.set('plan', plan)
    for name in (SOURCE_ONLY, ADAPT):
        config = json.loads(layout.config(name).read_text(encoding='utf-8'))
        write_config(with_length(config, plan['iterations']), layout.config(name))
    tell(plan['line'])
    return plan


def _length(
    memory: Memory,
    layout: Layout,
    pictures: Sequence[Picture],
    minutes: float,
    iterations: int | None,
    began: float,
    device: torch.device,
) -> dict[str, Any]:
    if iterations is not None:
        line = f'iterations: {iterations} of each training, as asked for'
        num_shown = min(_MOST_SHOWN, len(pictures))
        return {'iterations': iterations, 'num_shown': num_shown, 'line': line}
    if memory.get('pace') is None:
        print('measuring how long a step takes here', flush=True)
        memory.set('pace', asdict(measure_pace(layout, pictures, device)))
    pace = Pace(**memory.get('pace'))
    num_labelled = len(list((layout.target / 'val_images').glob('*')))
    spent = time.monotonic() - began
    found = schedule(minutes, pace, len(pictures), num_labelled, spent)
    line = (
        f'iterations: {found.iterations} of each training; a step takes {pace.adaptation:.2f} s of '
        f'the adaptation and {pace.source_only:.2f} s of source-only, together '
        f'{found.training / 60:.1f} of the {minutes:g} minutes; {found.others / 60:.1f} are for '
        f'choosing by {found.num_shown} images and for {len(pictures)} predictions'
    )
    return {'iterations': found.iterations, 'num_shown': found.num_shown, 'line': line}


def _train(layout: Layout, name: str, has_labels: bool) -> None:
    work_dir = layout.run(name)
    if (work_dir / RESULT).is_file():
        print(f'trained already: {work_dir}', flush=True)
        return
    print(f'\ntraining {name}', flush=True)
    is_begun = work_dir.is_dir()
    try:
        train(layout.config(name), work_dir, None, auto_resume=is_begun, validate=has_labels)
    except RunFailed as failure:
        raise SystemExit(failure.exit_code) from None
    except RunStopped:
        print(f'\nstopped; the same command goes on:\n{how_to_go_on()}', flush=True)
        raise SystemExit(130) from None


def _judged(
    memory: Memory,
    layout: Layout,
    request: Request,
    num_shown: int,
    device: torch.device,
    tell: Told,
) -> Judgement:
    if memory.get('judged') is None:
        said = Told()
        found = judge(layout, num_shown, request.target_labels is not None, device, said)
        guess = '' if request.target_labels else ', a guess: there are no labels of the target'
        said(f'{_ANSWERS[found.verdict.answer]}{guess}: {found.verdict.reason}')
        said(f'taken: {found.taken}')
        memory.set('judged', {'found': found, 'said': said.lines})
        tell.lines += said.lines
    else:
        tell(*memory.get('judged')['said'])
    adapted, source, verdict = memory.get('judged')['found']
    return Judgement(Candidate(*adapted), Candidate(*source), Verdict(*verdict))


def _hand_over(
    memory: Memory,
    layout: Layout,
    judgement: Judgement,
    num_shown: int,
    pictures: Sequence[Picture],
    device: torch.device,
    tell: Told,
) -> None:
    if memory.get('handed_over') is not None:
        tell(*memory.get('handed_over'))
        return
    said = Told()
    if not (layout.root / WEIGHTS).is_file():
        write_network(layout, judgement.taken, num_shown, device, said)
    if not (layout.root / ONNX).is_file():
        write_onnx(layout, said)
    write_results(layout, pictures, device, said)
    memory.set('handed_over', said.lines)
    tell.lines += said.lines
