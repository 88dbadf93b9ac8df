"""Filling the environment, stage by stage, and knowing when it is full."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from _bootstrap import machine, torch_build
from _bootstrap.machine import SetupError
from _bootstrap.pip_runner import Pip, name_of, pins_of, read_requirements
from _bootstrap.virtual_env import VirtualEnv

OLDEST_PIP = (22, 2)  # the first with --dry-run
WHEELS_ONLY = ('--only-binary', ':all:')
# compiling all of torch takes longer than compiling what gets imported. The hosts are
# compiled: some of their files warn, and pip keeps that off the user's screen.
LAZY = ('--no-compile',)

# these go in with --no-deps: the metadata of two asks for opencv-python
HOSTS = ('mmengine', 'mmcv-lite', 'mmdet', 'mmsegmentation', 'mmpretrain', 'mmpose')
GUI_OPENCV = ('opencv-python', 'opencv-contrib-python')
RUN_FILES = (
    'core',
    'pose',
    'seg',
    'det',
    'pretrain',
    'demo',
    'synth',
    'host_deps',
    'no_deps',
)

DEV_FILES = ('dev', 'webui')


@dataclass(frozen=True)
class Options:
    """What the user may say about the environment."""

    torch: str = 'auto'
    """``'auto'``, ``'cpu'`` or ``'default'``."""
    index: str = ''
    """One more index to look for torch in."""
    probe: bool = True
    """Whether PyTorch's own CPU index may be tried."""
    disk_check: bool = True


@dataclass(frozen=True)
class Stage:
    """One resumable step of the installation."""

    name: str
    requirements: list[str]
    fingerprint: str


class Installer:
    """Brings one environment to what the checkout's requirements say.

    A stamp in the environment tells which stages are finished and for which
    requirements, so that a second start needs no pip and an interrupted one goes on
    where it stopped.
    """

    def __init__(
        self,
        root: Path,
        venv: VirtualEnv,
        options: Options,
        progress: machine.Progress,
    ):
        """Remember the checkout ``root`` and the rest; nothing is written yet."""
        self._root = root
        self._venv = venv
        self._options = options
        self._progress = progress
        self._gpu: bool | None = None

    def prepare(self, supported: tuple[tuple[int, int], tuple[int, int]], dev: bool):
        """Make everything ready that the jobs need, doing only what is missing.

        Args:
            supported: Oldest and newest Python that may be in the environment.
            dev: Bring the tools for lint and tests, too.
        """
        venv = self._venv
        if venv.version() and not self.pending(dev):
            self._progress.step(f'{self._shown()} is ready')
            return
        lock = venv.claim()
        with machine.exclusive(lock, self._progress):
            version = venv.version()
            has = '.'.join(map(str, version or ()))
            if version and not supported[0] <= version <= supported[1]:
                raise SetupError(
                    f'{self._shown()} is of Python {has}, which is not supported; '
                    'delete it, or choose another place with --venv PATH.'
                )
            if not version or not venv.has_pip():
                self._require_space(1.5)
                broken = (venv.folder / 'pyvenv.cfg').exists()
                doing = 'is broken; making it anew' if broken else 'is being made'
                self._progress.step(f'{self._shown()} {doing}')
                venv.create()
            elif version != sys.version_info[:2]:
                self._progress.step(f'{self._shown()} is of Python {has} and stays so')
            if self.pending(dev):
                self._install(dev)

    def pending(self, dev: bool) -> list[Stage]:
        """Return the stages that are not finished, or no longer true."""
        stamp = self._venv.read_stamp()
        done = stamp.get('stages', {})
        installed = self._venv.installed()
        pending = []
        for stage in self._stages(dev):
            gone = any(
                installed.get(name, '').partition('+')[0] != version
                for name, version in pins_of(stage.requirements).items()
            )
            wrong_build = (
                stage.name == 'torch'
                and stamp.get('torch') == 'cpu'
                and self._options.torch == 'auto'
                and self._has_gpu()
            )
            if done.get(stage.name) != stage.fingerprint or gone or wrong_build:
                pending.append(stage)
        return pending

    def _stages(self, dev: bool) -> list[Stage]:
        folder = self._root / 'requirements'
        run = read_requirements(*(folder / f'{name}.txt' for name in RUN_FILES))
        hosts = [line for line in run if name_of(line) in HOSTS]
        libraries = sorted({line for line in run if name_of(line) not in HOSTS})
        build = [
            (self._root / name).read_text(encoding='utf-8')
            for name in ('pyproject.toml', 'setup.py')
        ]
        torch = read_requirements(folder / 'torch.txt')
        stages = [
            self._stage('torch', torch, self._options.torch, self._options.index),
            self._stage('libraries', libraries),
            self._stage('hosts', hosts),
            self._stage('sapiens_mm', [], str(self._root), *build),
        ]
        if dev:
            # with gradio, or no test of the web page would run
            files = (folder / f'{name}.txt' for name in DEV_FILES)
            tools = read_requirements(*files)
            stages.append(self._stage('tools', tools))
        return stages

    def _stage(self, name: str, requirements: list[str], *more: str) -> Stage:
        text = json.dumps([self._venv.version(), requirements, more])
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        return Stage(name, requirements, digest)

    def _has_gpu(self) -> bool:
        if self._gpu is None:
            self._gpu = machine.has_nvidia_gpu()
        return self._gpu

    def _shown(self) -> str:
        with contextlib.suppress(ValueError):
            return str(self._venv.folder.relative_to(self._root))
        return str(self._venv.folder)

    def _require_space(self, need_gib: float) -> None:
        if self._options.disk_check:
            machine.require_space(self._venv.folder, need_gib)

    def _install(self, dev: bool) -> None:
        venv = self._venv
        scratch = venv.folder / 'pip-scratch'
        pip = Pip(venv.python, venv.log, scratch, self._progress)
        # what a killed run left
        shutil.rmtree(scratch, ignore_errors=True)
        venv.drop_unfinished()
        try:
            self._renew_pip(pip)
            for stage in self.pending(dev):
                self._run_stage(pip, stage)
                stamp = venv.read_stamp()
                stamp.setdefault('stages', {})[stage.name] = stage.fingerprint
                venv.write_stamp(stamp)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        used_gib = machine.disk_use_bytes(venv.folder) / machine.GIB
        self._progress.step(f'{self._shown()} is ready and takes {used_gib:.1f} GiB')

    def _renew_pip(self, pip: Pip) -> None:
        numbers = self._venv.installed().get('pip', '0.0').split('.')
        if tuple(int(n) for n in numbers[:2]) < OLDEST_PIP:
            self._progress.step('renewing pip')
            pip.install('--upgrade', 'pip')

    def _run_stage(self, pip: Pip, stage: Stage) -> None:
        if stage.name == 'torch':
            self._install_torch(pip, stage.requirements)
            return
        self._require_space(1.5)
        if stage.name == 'hosts':
            self._progress.step(f'installing {", ".join(HOSTS)}')
            pip.install(*WHEELS_ONLY, '--no-deps', *stage.requirements)
            self._mend_opencv(pip)
        elif stage.name == 'sapiens_mm':
            self._progress.step('installing sapiens_mm from this checkout')
            offline = ('--no-deps', '--no-build-isolation', '--no-index')
            pip.install(*offline, '--editable', str(self._root))
        else:
            count = len(stage.requirements)
            self._progress.step(f'installing {count} {stage.name} and what they need')
            pip.install(*WHEELS_ONLY, *LAZY, *stage.requirements)

    def _install_torch(self, pip: Pip, pins: list[str]) -> None:
        choice = torch_build.choose(
            pip,
            pins,
            self._progress,
            want=self._options.torch,
            gpu=self._has_gpu(),
            index=self._options.index,
            probe=self._options.probe,
        )
        installed = self._venv.installed().get('torch', '')
        if installed != pins_of(choice.requirements)['torch']:
            self._require_space(choice.need_gib)
            if installed:
                # pip takes 2.14.1+cpu for 2.14.1 and would leave it
                pip.uninstall('torch', 'torchvision')
        self._progress.step(f'installing {choice.label}')
        # torch alone would bring a setuptools that core.txt then replaces
        limits = ('--constraint', str(self._root / 'requirements' / 'core.txt'))
        arguments = (*limits, *choice.requirements, *choice.options)
        pip.install(*WHEELS_ONLY, *LAZY, *arguments)
        self._venv.write_stamp({**self._venv.read_stamp(), 'torch': choice.kind})

    def _mend_opencv(self, pip: Pip) -> None:
        installed = self._venv.installed()
        if opencv_remedy(installed, self._cv2_starts()) == 'swap':
            self._progress.step('OpenCV needs libGL here: taking the headless wheel')
            core = read_requirements(self._root / 'requirements' / 'core.txt')
            headless = [r for r in core if name_of(r) == 'opencv-python-headless']
            pip.uninstall(*(name for name in GUI_OPENCV if name in installed))
            # both wheels own cv2/, so removing one broke the other
            options = (*WHEELS_ONLY, '--no-deps', '--force-reinstall')
            pip.install(*options, *headless)
        if not self._cv2_starts():
            raise SetupError(
                'OpenCV is installed and does not start; this shows why: '
                f'{self._venv.python} -c "import cv2"'
            )

    def _cv2_starts(self) -> bool:
        return self._venv.ask('-c', 'import cv2') is not None


def opencv_remedy(installed: dict[str, str], works: bool) -> str:
    """Decide what to do about OpenCV.

    Args:
        installed: Name to version.
        works: Whether ``import cv2`` succeeds.

    Returns:
        ``'swap'`` if a wheel with windows, which needs libGL, is in the way of the
        headless one; ``'none'`` otherwise.
    """
    return 'swap' if not works and any(n in installed for n in GUI_OPENCV) else 'none'
