"""Runs that take as long as they are told, for processes that are to be ended."""

import os
import signal
import time
from pathlib import Path

from sapiens_mm.webui.request import Answer, Menu, PageRequest

MENU = Menu({task: ('tiny',) for task in ('pose', 'seg', 'depth', 'normal')}, False)


def build(folder, start_s=0.0):
    time.sleep(start_s)
    return run, MENU


def build_for_page(args, folder):
    def slow(asked):
        folder.joinpath('result').mkdir()
        yield from run(PageRequest(asked.image, models={'seg': 'sleep 60'}))

    return slow, MENU


def refuse_page(args, folder):
    raise ValueError(f'no model {args.checkpoint} in {folder.name}')


def refuse(kind):
    raise ModuleNotFoundError('no toaster') if kind == 'module' else ValueError(kind)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def run(asked):
    """Do what the label of a model says, in the order of the tasks."""
    answer = Answer()
    yield answer
    for task, label in asked.models.items():
        what, _, seconds = label.partition(' ')
        answer.doing = f'{task.title()}: running'
        if what == 'load':
            answer.doing, answer.loading = f'{task.title()}: loading the model', True
        yield answer
        answer.loading = False
        if what == 'die':
            die()
        if what == 'exit':
            os._exit(3)
        if what == 'raise':
            raise OSError('odd')
        time.sleep(float(seconds or 0))
        answer.images.append((Path(f'{task}.jpg'), f'{os.getpid()}'))
    answer.doing = ''
    yield answer


def reader(folder):
    def read(path):
        if path.name == 'hang.jpg':
            time.sleep(60)
        if path.name == 'die.jpg':
            die()
        with open(folder / 'read.txt', 'a') as file:
            print(path.name, file=file)
        yield f'{path.name} is not an image.' if path.suffix == '.txt' else ''

    return read, None
