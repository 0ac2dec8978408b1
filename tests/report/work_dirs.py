"""Work dirs as training leaves them, without any training."""

import json

import numpy as np

from mmseg.core.examples import ExampleWriter

CLASSES = ['road', 'traffic light', 'sky']
PALETTE = [[128, 64, 128], [250, 170, 30], [70, 130, 180]]
CALIBRATION = {
    'ece': 0.05,
    'confidence': [0.4, 0.0, 0.9],
    'accuracy': [0.5, 0.0, 0.85],
    'share': [0.3, 0.0, 0.7],
    'coverage': [0.5, 1.0],
    'risk': [0.1, 0.255],
}
CONFUSION = [[8, 1, 1, 0], [2, 2, 0, 0], [0, 0, 5, 0], [0, 0, 0, 0]]


def metrics(score, **more):
    per_class = {f'IoU.{name}': score + 0.1 * i for i, name in enumerate(CLASSES[:2])}
    return {'aAcc': 0.8, 'mIoU': score, **per_class, 'IoU.sky': None, **more}


def train_record(iteration, adapted):
    record = {'mode': 'train', 'iter': iteration, 'lr': 1e-4, 'loss': 3 / iteration, 'time': 0.5}
    record['decode.loss_seg'] = 1 / iteration
    if adapted:
        record |= {'pseudo_weight': 0.2, 'mix.loss_instance': 1.5, 'bank_drift': 0.1}
    return record


def write_run(folder, name='gta2cs_dida_s0', adapted=True, iterations=(10, 20, 30), score=0.3):
    """Write what a finished run leaves; `adapted` with a teacher, pseudo labels and a bank."""
    config = {'name': name, 'seed': 0, 'runner': {'max_iters': 30}}
    if adapted:
        config['uda'] = {'instance': {'num_entries': 5}}
    records = [{'seed': 0, 'git_revision': 'abc', 'command': 'python tools/train.py <x>'}]
    for i in iterations:
        records.append(train_record(i, adapted))
        networks = {'student': metrics(score, confusion=CONFUSION)}
        if adapted:
            drift = [None, None, None] if i == iterations[0] else [0.1, 0.2, None]
            bank = {'counts': [2, 1, 0], 'quotas': [2, 2, 1], 'drift': drift}
            records.append({'mode': 'bank', 'iter': i, **bank})
            sure = {'confident_share': 0.4, 'confident_acc': 0.9}
            networks['teacher'] = metrics(score + 0.1, confusion=CONFUSION, **sure)
            networks['teacher']['calibration'] = CALIBRATION
        records.append({'mode': 'val', 'iter': i, **networks})
    folder.mkdir(parents=True)
    write_lines(folder / '1.log.json', records)
    (folder / 'config.json').write_text(json.dumps(config))
    result = {'mIoU': 100 * score, 'seconds': 61.0, 'peak_memory_gb': 1.25}
    (folder / 'result.json').write_text(json.dumps(result))
    write_examples(folder, ['student', 'teacher'] if adapted else ['student'])
    return folder


def write_old_run(folder):
    """Write what runs left before reports: one evaluation without counts, no examples."""
    folder.mkdir(parents=True)
    records = [{'seed': 0}, train_record(10, True)]
    records.append({'mode': 'val', 'iter': 10, 'student': metrics(0.3), 'teacher': metrics(0.4)})
    write_lines(folder / '1.log.json', records)
    return folder


def write_examples(folder, networks, num=2):
    writer = ExampleWriter(folder, CLASSES, PALETTE)
    rng = np.random.default_rng(0)
    for number in range(num):
        image = rng.integers(0, 255, (30, 60, 3)).astype(np.uint8)
        labels = rng.integers(0, 3, (30, 60))
        labels[:5] = 255
        for network in networks:
            doubts = {
                f'entropy of {network}': np.linspace(0, 1, 1800, dtype=np.float32).reshape(30, 60)
            }
            pred = np.zeros_like(labels)
            writer.add(number, f'city/{number}.png', image, labels, pred, network, doubts)


def write_lines(path, records):
    path.write_text(''.join(json.dumps(record) + '\n' for record in records))


def write_mmsegmentation_run(folder, *, scale=1.0, logs=1, kinds=('IoU', 'Acc')):
    """Write logs with the keys of mmsegmentation 0.16; val records count the 500 val images."""
    folder.mkdir(parents=True)
    facts = {'env_info': 'sys.platform: linux', 'seed': 0, 'exp_name': 'run.py', 'config': 'x = 1'}
    step = 400 // logs
    for log in range(logs):
        records = [{**facts, 'mmseg_version': '0.16.0'}]
        for i in range(log * step + 50, (log + 1) * step + 1, 50):
            record = {'mode': 'train', 'epoch': 1, 'iter': i, 'lr': 6e-05, 'memory': 9792}
            records.append({**record, 'decode.loss_seg': 2 / i, 'loss': 2 / i, 'time': 1.5})
            if i % 100 == 0:
                score = scale * i / 1000
                values = {f'{k}.{name}': score for k in kinds for name in CLASSES[:2]}
                means = {f'm{kind}': score for kind in kinds}
                val = {'mode': 'val', 'epoch': 1, 'iter': 500, 'lr': 6e-05, 'aAcc': scale * 0.875}
                records.append({**val, **means, **values, f'{kinds[0]}.sky': float('nan')})
        write_lines(folder / f'2022010{log + 1}_000000.log.json', records)
    return folder
