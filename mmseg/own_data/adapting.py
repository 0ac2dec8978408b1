"""From a person's folders to an adapted network: one part after the other, none of them twice."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from mmseg.core.run_files import describe_run
from mmseg.experiments.runs import RESULT, RunFailed, RunStopped, train
from mmseg.selection.ranking import Candidate
from mmseg.selection.verdict import Verdict
from mmseg.utils.command import how_to_go_on
from mmseg.utils.environment import choose_device
from mmseg.utils.errors import UserError

from .distilling import (
    DISTILLED,
    STUDENTS,
    config_of_student,
    lay_out_predictions,
    weights_of,
    write_student,
)
from .handing_over import WEIGHTS, how_to_use, write_network, write_onnx, write_results
from .judging import ADAPT, SOURCE_ONLY, Judgement, judge
from .memory import PROPOSED, Memory, memory_for
from .pace import Pace, measure_pace, schedule
from .pictures import Picture, look_into
from .plan import Layout, with_length
from .proposal import ITERATIONS, propose, write_config
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

    Returns:
        The memory of the folder that is written to.

    Raises:
        UserError: The folders do not hold what they should, or `out` holds something else.
    """
    if iterations is not None and iterations < 1:
        raise UserError(f'--iterations: expected 1 or more, got {iterations}')
    request.require_apart()
    memory = memory_for(request)
    layout = Layout(request.out.absolute())
    length = iterations or ITERATIONS[choose_device().type]
    _once(memory, PROPOSED, lambda said: propose(request, layout, length, said), tell)
    return memory


def adapt(
    request: Request, minutes: float, iterations: int | None, student: str | None = None
) -> None:
    """Adapt to a person's folders, as far as that is not done yet.

    Args:
        request: What is asked for.
        minutes: How long it may take.
        iterations: Of each training; None for what the time allows.
        student: One of `STUDENTS` to be distilled in the end, which takes as many iterations more;
            None for none.

    Raises:
        UserError: See `prepare`; or the time does not suffice.
        SystemExit: A training failed, or was asked to stop.
    """
    began = time.monotonic()
    if not minutes > 0:
        raise UserError(f'--minutes: expected a positive number, got {minutes:g}')
    device, tell = choose_device(), Told()
    memory = prepare(request, iterations, tell)
    pictures = look_into(request.target, request.others(request.target)).pictures
    layout = Layout(request.out.absolute())
    work = _Adaptation(request, layout, memory, pictures, device, tell)
    with _ending_as_training():
        num_shown = work.settle_length(minutes, iterations, began)
        for name in (SOURCE_ONLY, ADAPT):
            work.train(name)
    work.hand_over(work.judge(num_shown), num_shown)
    if student is not None:
        work.distil(student)
    tell(f'all of it in {request.out}; to segment other images:', how_to_use(request.out))
    tell.keep(layout.root / SUMMARY)


@contextlib.contextmanager
def _ending_as_training() -> Iterator[None]:
    """End this process where a training has failed, which it has told, or was asked to stop."""
    try:
        yield
    except RunFailed as failure:
        raise SystemExit(failure.exit_code) from None
    except RunStopped:
        print(f'\nstopped; the same command goes on:\n{how_to_go_on()}', flush=True)
        raise SystemExit(130) from None


def _once(memory: Memory, name: str, part: Callable[[Told], object], tell: Told) -> None:
    """Do a part and keep what it tells; where it is done, tell that again."""
    lines = memory.get(name)
    if lines is not None:
        tell(*lines)
        return
    said = Told()
    part(said)
    memory.set(name, said.lines)
    tell.lines += said.lines


@dataclass(frozen=True)
class _Adaptation:
    """The parts that follow on the configs."""

    request: Request
    layout: Layout
    memory: Memory
    pictures: Sequence[Picture]
    device: torch.device
    tell: Told

    @property
    def has_labels(self) -> bool:
        return self.request.target_labels is not None

    def settle_length(self, minutes: float, iterations: int | None, began: float) -> int:
        """Settle how long the trainings are and write it into the configs; once begun, keep it.

        Returns:
            How many images networks are to be shown.
        """
        plan = self.memory.get('plan')
        if plan and any(describe_run(self.layout.run(name)) for name in (SOURCE_ONLY, ADAPT)):
            self._require_length(plan, minutes, iterations)
        else:
            asked = {'minutes': minutes, 'asked_iterations': iterations}
            if not plan or any(plan[key] != value for key, value in asked.items()):
                plan = {**asked, **self._length(minutes, iterations, began)}
                self.memory.set('plan', plan)
            for name in (SOURCE_ONLY, ADAPT):
                path = self.layout.config(name)
                config = json.loads(path.read_text(encoding='utf-8'))
                write_config(with_length(config, plan['iterations']), path)
            self.tell(plan['line'])
        return plan['num_shown']

    def _require_length(self, plan: dict[str, Any], minutes: float, iterations: int | None) -> None:
        begun = f'training has begun with {plan["iterations"]}'
        if iterations not in (None, plan['iterations']):
            raise UserError(
                f'--iterations {iterations}: {begun}: leave the option out, or give another --out'
            )
        self.tell(plan['line'])
        if minutes != plan['minutes']:
            self.tell(
                f'--minutes {minutes:g}: {begun} iterations, planned for {plan["minutes"]:g} '
                'minutes, and goes on with them'
            )

    def _length(self, minutes: float, iterations: int | None, began: float) -> dict[str, Any]:
        number = len(self.pictures)
        if iterations is not None:
            line = f'iterations: {iterations} of each training, as asked for'
            shown = min(_MOST_SHOWN, number)
            return {'iterations': iterations, 'num_shown': shown, 'line': line}
        if self.memory.get('pace') is None:
            print('measuring how long a step takes here', flush=True)
            measured = measure_pace(self.layout, self.pictures, self.device)
            self.memory.set('pace', asdict(measured))
        pace = Pace(**self.memory.get('pace'))
        num_labelled = len(list((self.layout.target / 'val_images').glob('*')))
        found = schedule(minutes, pace, number, num_labelled, time.monotonic() - began)
        line = (
            f'iterations: {found.iterations} of each training; a step takes {pace.adaptation:.2f} '
            f's of the adaptation and {pace.source_only:.2f} s of source-only, together '
            f'{found.training / 60:.1f} of the {minutes:g} minutes; {found.others / 60:.1f} are '
            f'for choosing by {found.num_shown} images and for {number} predictions'
        )
        return {'iterations': found.iterations, 'num_shown': found.num_shown, 'line': line}

    def train(self, name: str) -> None:
        """Train a config in a process of its own, or what is left to train of it."""
        work_dir = self.layout.run(name)
        if (work_dir / RESULT).is_file():
            print(f'trained already: {work_dir}', flush=True)
            return
        print(f'\ntraining {name}', flush=True)
        is_begun = work_dir.is_dir()
        config = self.layout.config(name)
        train(config, work_dir, None, auto_resume=is_begun, validate=self.has_labels)

    def judge(self, num_shown: int) -> Judgement:
        """Choose a network of each training, and say whether adaptation paid."""

        def decide(said: Told) -> None:
            found = judge(self.layout, num_shown, self.has_labels, self.device, said)
            guess = '' if self.has_labels else ', a guess: there are no labels of the target'
            said(f'{_ANSWERS[found.verdict.answer]}{guess}: {found.verdict.reason}')
            said(f'taken: {found.taken}')
            self.memory.set('found', found)

        _once(self.memory, 'judged', decide, self.tell)
        adapted, source, verdict = self.memory.get('found')
        return Judgement(Candidate(*adapted), Candidate(*source), Verdict(*verdict))

    def hand_over(self, judgement: Judgement, num_shown: int) -> None:
        """Write what is missing of the network, its predictions and the report."""
        layout, device = self.layout, self.device
        if not (layout.root / WEIGHTS).is_file():
            self.memory.set('calibrated', None)
        _once(
            self.memory,
            'calibrated',
            lambda said: write_network(layout, judgement.taken, num_shown, device, said),
            self.tell,
        )
        weights = layout.root / WEIGHTS
        if not weights.with_suffix('.onnx').is_file():
            write_onnx(layout.config(ADAPT), weights, self.tell)
        write_results(layout, self.pictures, device, self.tell)

    def distil(self, student: str) -> None:
        """Train a student by the predictions, and hand it over too.

        Raises:
            UserError: Another student was distilled here before.
        """
        layout, encoder = self.layout, STUDENTS[student]
        before = self.memory.get('student')
        if before not in (None, student):
            raise UserError(f'--distil {student}: {before} was distilled here: give another --out')
        if before is None:
            share = lay_out_predictions(layout, self.pictures)
            if not share:
                self.tell('not distilled: no pixel was predicted with a confidence to teach by')
                return
            weights = weights_of(encoder)
            source_only = json.loads(layout.config(SOURCE_ONLY).read_text(encoding='utf-8'))
            config = config_of_student(source_only, layout, encoder, weights)
            write_config(config, layout.config(DISTILLED))
            self.memory.set('student', student)
            self.tell(f'distilling into {student}: {share:.0%} of the predicted pixels are sure')
            if student == 'mit_b0' and weights is None:
                self.tell('pretrained/mit_b0.pth is not there: it begins with random weights')
        with _ending_as_training():
            self.train(DISTILLED)
        weights_file = layout.root / f'{DISTILLED}.pth'
        _once(self.memory, DISTILLED, lambda said: write_student(layout, said), self.tell)
        if not weights_file.with_suffix('.onnx').is_file():
            write_onnx(layout.config(DISTILLED), weights_file, self.tell)
