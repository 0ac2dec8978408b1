"""What a run has left in its work dir: found, removed, set aside."""

import json
import os

import pytest

from mmseg.core.run_files import describe_run, leave_branch, remove_run, written_by_run

TIME, LATER = '20260101_120000', '20260102_120000'


def write(path, text='x'):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def log(work_dir, *records, name=TIME):
    lines = [json.dumps(record) + '\n' for record in ({'seed': 0}, *records)]
    return write(work_dir / f'{name}.log.json', ''.join(lines))


def checkpoints(work_dir, *names):
    for age, name in enumerate(names):
        os.utime(write(work_dir / name, name), (age, age))
    return work_dir


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*') if not p.is_dir())


def fill(work_dir):
    """Write one file of each kind that a run leaves."""
    log(work_dir, {'mode': 'train', 'iter': 6})
    checkpoints(work_dir, 'iter_6.pth', 'best_mIoU_iter_4.pth')
    (work_dir / 'latest.pth').symlink_to('iter_6.pth')
    for name in ('config.json', 'result.json', 'report.html', f'{TIME}.log'):
        write(work_dir / name)
    for name in ('debug/000001.png', 'preds/pre_log.out', 'preds/aachen/a_color.png'):
        write(work_dir / name)
    for name in ('report/examples.json', 'report/00/image.jpg', 'report/00/student.png'):
        write(work_dir / name)
    write(work_dir / 'non_finite/iter_3_rank_0.pth')
    write(work_dir / 'tf_logs/events.out.tfevents.1.host')
    write(work_dir / f'abandoned/{TIME}/iter_9.pth')


FOREIGN = (
    'notes.txt',
    'nohup.log',
    'mit_b5.pth',
    'debug/mine.png',
    'preds/mine.txt',
    'x/iter_1.pth',
)


@pytest.mark.parametrize(
    ('records', 'files', 'found'),
    [
        ([], [], None),
        ([], ['config.json', f'{TIME}.log'], None),
        ([{'mode': 'bank', 'iter': 0}], [], None),
        ([{'mode': 'train', 'iter': 50}], [], 'a log of 50 iterations'),
        ([{'mode': 'val', 'iter': 4}], ['iter_4.pth'], 'a log of 4 iterations, iter_4.pth'),
        ([], ['latest.pth'], 'latest.pth'),
        ([], ['mit_b5.pth'], None),
    ],
)
def test_describe_run__a_checkpoint_or_a_record_make_a_run(tmp_path, records, files, found):
    log(tmp_path, *records)
    for name in files:
        write(tmp_path / name)
    assert describe_run(tmp_path) == found


def test_describe_run__a_folder_that_is_not_there_holds_none(tmp_path):
    assert describe_run(tmp_path / 'gone') is None


def test_describe_run__a_damaged_log_counts(tmp_path):
    write(tmp_path / 'a.log.json', '\0\0\0\n')
    assert describe_run(tmp_path) == 'a log that cannot be read'


def test_remove_run__takes_all_that_a_run_writes_and_nothing_else(tmp_path):
    fill(tmp_path)
    for name in FOREIGN:
        write(tmp_path / name)
    new = write(tmp_path / f'{LATER}.log')
    remove_run(tmp_path, LATER)
    assert names(tmp_path) == sorted([*FOREIGN, new.name])
    assert not (tmp_path / 'report').exists() and not (tmp_path / 'abandoned').exists()


def test_remove_run__the_folder_goes_where_nothing_is_left(tmp_path):
    fill(tmp_path / 'run')
    remove_run(tmp_path / 'run')
    assert not (tmp_path / 'run').exists()


def test_remove_run__what_links_lead_to_stays(tmp_path):
    kept = [write(tmp_path / name) for name in ('store/000001.png', 'store/iter_6.pth')]
    work_dir = tmp_path / 'run'
    work_dir.mkdir()
    (work_dir / 'debug').symlink_to(tmp_path / 'store')
    (work_dir / 'iter_6.pth').symlink_to('../store/iter_6.pth')
    (work_dir / 'latest.pth').symlink_to('gone.pth')
    remove_run(work_dir, LATER)
    assert os.listdir(work_dir) == ['debug'] and all(path.is_file() for path in kept)


def test_written_by_run__through_links_too(tmp_path):
    fill(tmp_path)
    foreign = write(tmp_path / 'mit_b5.pth')
    (tmp_path.parent / 'link.pth').unlink(missing_ok=True)
    (tmp_path.parent / 'link.pth').symlink_to(tmp_path / 'iter_6.pth')
    assert written_by_run(tmp_path, tmp_path / 'latest.pth')
    assert written_by_run(tmp_path, tmp_path.parent / 'link.pth')
    assert not written_by_run(tmp_path, foreign)


def test_leave_branch__what_lies_beyond_becomes_a_work_dir_of_its_own(tmp_path):
    checkpoints(tmp_path, 'iter_2.pth', 'iter_4.pth', 'best_mIoU_iter_3.pth', 'iter_6.pth')
    (tmp_path / 'latest.pth').symlink_to('iter_6.pth')
    log(tmp_path, {'mode': 'train', 'iter': 6})
    for name in ('config.json', 'result.json', 'report/00/labels.png'):
        write(tmp_path / name)
    for name in ('debug/000001.png', 'debug/000005.png'):
        write(tmp_path / name)
    leave_branch(tmp_path, 2, tmp_path / 'iter_2.pth', LATER)
    aside = tmp_path / 'abandoned' / LATER
    assert names(aside) == [
        f'{TIME}.log.json',
        'best_mIoU_iter_3.pth',
        'config.json',
        'debug/000005.png',
        'iter_4.pth',
        'iter_6.pth',
        'latest.pth',
        'report/00/labels.png',
        'result.json',
    ]
    assert (aside / 'latest.pth').read_text() == 'iter_6.pth'
    here = [name for name in names(tmp_path) if not name.startswith('abandoned')]
    assert here == [
        f'{TIME}.log.json',
        'config.json',
        'debug/000001.png',
        'iter_2.pth',
        'latest.pth',
    ]
    assert (tmp_path / 'latest.pth').read_text() == 'iter_2.pth'


def test_leave_branch__a_run_that_goes_on_from_its_newest_moves_nothing(tmp_path):
    checkpoints(tmp_path, 'iter_2.pth', 'iter_4.pth')
    (tmp_path / 'latest.pth').symlink_to('iter_4.pth')
    leave_branch(tmp_path, 4, tmp_path / 'latest.pth', LATER)
    assert names(tmp_path) == ['iter_2.pth', 'iter_4.pth', 'latest.pth']


def test_leave_branch__from_the_beginning_nothing_is_the_latest(tmp_path):
    checkpoints(tmp_path, 'iter_2.pth')
    (tmp_path / 'latest.pth').symlink_to('iter_2.pth')
    leave_branch(tmp_path, 0, None, LATER)
    assert names(tmp_path) == [f'abandoned/{LATER}/iter_2.pth', f'abandoned/{LATER}/latest.pth']


def test_leave_branch__a_copy_in_place_of_a_link_is_renewed(tmp_path):
    checkpoints(tmp_path, 'iter_2.pth', 'iter_4.pth', 'latest.pth')
    leave_branch(tmp_path, 2, tmp_path / 'iter_2.pth', LATER)
    assert (tmp_path / 'latest.pth').read_text() == 'iter_2.pth'


def test_leave_branch__links_to_another_disk_still_lead_there(tmp_path):
    store = write(tmp_path / 'store.pth', 'far away')
    work_dir = checkpoints(tmp_path / 'run', 'iter_2.pth')
    (work_dir / 'iter_4.pth').symlink_to('../store.pth')
    leave_branch(work_dir, 2, work_dir / 'iter_2.pth', LATER)
    assert (work_dir / 'abandoned' / LATER / 'iter_4.pth').read_text() == 'far away'
    assert store.is_file() and not (work_dir / 'iter_4.pth').exists()
