"""The layers of the package: who may import whom, and that importing it is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import sapiens_mm

PACKAGE = Path(sapiens_mm.__file__).parent
HOSTS = {'mmengine', 'mmcv', 'mmpose', 'mmseg', 'mmdet', 'mmpretrain'}

# room -> its layer; imports go down only. Files of the root are rooms of their own.
LAYERS = {
    **dict.fromkeys(
        ['paths', 'hosts', 'tables', 'pictures', 'files', 'commands', 'tasks'], 0
    ),
    **dict.fromkeys(['compat', 'layers', 'visualization', 'synth'], 1),
    **dict.fromkeys(['__init__', 'registry', 'vocabulary', 'video'], 2),
    **dict.fromkeys(['backbones', 'checkpoints', 'data'], 3),
    **dict.fromkeys(['engine'], 4),
    **dict.fromkeys(['pretrain', 'pose', 'seg', 'geometry'], 5),
    **dict.fromkeys(['apis', 'deploy', 'multitask', 'browse'], 6),
    **dict.fromkeys(['saving'], 7),
    **dict.fromkeys(['runs'], 8),
    **dict.fromkeys(['webui'], 9),
    **dict.fromkeys(['cli'], 10),
    **dict.fromkeys(['testing', '__main__'], 11),
}
CORE = {'mmengine', 'mmcv'}  # what every installation has
# room -> hosts its files may import at the top; inside functions nothing is asked
TOP_HOSTS = {
    'registry': CORE,
    'data': CORE,
    'browse': CORE,
    'runs': CORE,
    'cli': CORE,
    'saving': CORE,
    'vocabulary': CORE,
    'backbones': CORE,
    'checkpoints': CORE,
    'engine': CORE,
    'data': CORE,
    'pretrain': CORE | {'mmpretrain'},
    'pose': CORE | {'mmpose'},
    'seg': CORE | {'mmseg'},
    'geometry': CORE | {'mmseg'},
    'multitask': CORE | {'mmpose'},
    'apis': CORE,
    'deploy': CORE,
    '__main__': CORE,
}
HOST_ROOMS = {'pretrain', 'pose', 'seg', 'geometry'}


def room_of(path):
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix('.py')


FILES = [
    path
    for path in sorted(PACKAGE.rglob('*.py'))
    if '.mim' not in path.relative_to(PACKAGE).parts
]


def imports_of(path):
    """Yield (module, at the top of the file) for every import of a file.

    Imports for type checkers only do not run and do not count; those under another
    ``if`` or a ``try`` run with the file.
    """
    tree = ast.parse(path.read_text(encoding='utf-8'))
    parts = ('sapiens_mm', *path.relative_to(PACKAGE).with_suffix('').parts)

    def walk(node, top):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and 'TYPE_CHECKING' in ast.dump(child.test):
                continue
            if isinstance(child, ast.Import):
                yield from ((alias.name, top) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                module = child.module or ''
                if child.level:
                    module = '.'.join([*parts[: -child.level], *module.split('.')])
                if module == 'sapiens_mm':
                    yield from (
                        (f'{module}.{alias.name}', top) for alias in child.names
                    )
                else:
                    yield module.rstrip('.'), top
            function = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
            yield from walk(child, top and not isinstance(child, function))

    return list(walk(tree, True))


def our_rooms(path, top=None):
    """Rooms of ours that a file imports."""
    rooms = set()
    for module, at_top in imports_of(path):
        package, _, rest = module.partition('.')
        if package == 'sapiens_mm' and top in (None, at_top):
            room = rest.split('.')[0]
            rooms.add(room if room in LAYERS else '__init__')
    return rooms - {room_of(path)}


def test_every_room_has_a_layer():
    assert {room_of(path) for path in FILES} <= set(LAYERS)


def test_imports_go_down_only():
    wrong = []
    for path in FILES:
        room = room_of(path)
        at_top, lazily = our_rooms(path, top=True), our_rooms(path, top=False)
        wrong += [(path, other) for other in at_top if LAYERS[other] >= LAYERS[room]]
        # inside functions, neighbours are allowed
        wrong += [(path, other) for other in lazily if LAYERS[other] > LAYERS[room]]
    assert not wrong


def test_host_rooms_never_import_one_another():
    files = [path for path in FILES if room_of(path) in HOST_ROOMS]
    assert files
    assert not [path for path in files if our_rooms(path) & HOST_ROOMS]


def test_tables_and_the_generator_stand_alone():
    files = [path for path in FILES if room_of(path) in {'synth', 'tables'}]
    assert files
    assert not [
        path for path in files if our_rooms(path) - {'tables', 'pictures', 'files'}
    ]


def test_hosts_are_imported_where_they_are_allowed():
    wrong = []
    for path in FILES:
        at_top = {m.split('.')[0] for m, top in imports_of(path) if top}
        wrong += [
            (path, host)
            for host in at_top & HOSTS - TOP_HOSTS.get(room_of(path), set())
        ]
    assert not wrong


def test_host_rooms_do_not_guard_their_imports():
    wrong = []
    for path in FILES:
        if room_of(path) not in HOST_ROOMS | {'backbones'}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Try):
                inside = ast.walk(node)
                wrong += [
                    (path, n.lineno)
                    for n in inside
                    if isinstance(n, ast.Import | ast.ImportFrom)
                ]
    assert not wrong


def test_the_walk_sees_what_it_should(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], 'PACKAGE', tmp_path)
    file = tmp_path / 'pose' / 'part.py'
    file.parent.mkdir()
    file.write_text(
        'import mmpose.apis as a\n'
        'from sapiens_mm import hosts\n'
        'from . import near\n'
        'from ..seg.head import x\n'
        'if TYPE_CHECKING:\n    import mmdet\n'
        'try:\n    import mmcv\nexcept ImportError:\n    pass\n'
        'class A:\n    import numpy\n'
        'def f():\n    from mmseg import y\n'
    )
    assert imports_of(file) == [
        ('mmpose.apis', True),
        ('sapiens_mm.hosts', True),
        ('sapiens_mm.pose', True),
        ('sapiens_mm.seg.head', True),
        ('mmcv', True),
        ('numpy', True),
        ('mmseg', False),
    ]


def test_importing_the_package_is_light():
    code = (
        'import sys; before = set(sys.modules); import sapiens_mm; '
        'print(*sorted({m.partition(".")[0] for m in set(sys.modules) - before}))'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert 'sapiens_mm' in loaded
    assert loaded - {'sapiens_mm'} <= set(sys.stdlib_module_names)


def modules_of(node, package):
    """Return the names that an import may give modules of ours, relative ones too."""
    module = node.module or ''
    if node.level:
        module = '.'.join([*package[: len(package) + 1 - node.level], module])
    return {module.rstrip('.'), *(f'{module}.{a.name}'.lstrip('.') for a in node.names)}


def test_no_module_comes_back_to_itself():
    """Neither by an import inside a function nor by one for type checkers."""
    imports = {}
    for path in FILES:
        if path.name == '__init__.py':
            continue  # a package's names are those of its modules
        parts = ('sapiens_mm', *path.relative_to(PACKAGE).with_suffix('').parts)
        nodes = ast.walk(ast.parse(path.read_text(encoding='utf-8')))
        found = [
            modules_of(node, parts[:-1])
            for node in nodes
            if isinstance(node, ast.ImportFrom)
        ]
        imports['.'.join(parts)] = set().union(*found)
    assert 'sapiens_mm.pictures.headers' in imports['sapiens_mm.pictures.decode']
    # take away, again and again, what imports nothing that is left
    while leaves := {n for n, found in imports.items() if not found & imports.keys()}:
        for name in leaves:
            del imports[name]
    assert not imports, f'circles are among {sorted(imports)}'
