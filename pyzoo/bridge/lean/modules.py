"""The modules of the Lean library: what imports what, and what changed."""

import hashlib
import re
from pathlib import Path

from pyzoo.errors import InputError

IMPORT = re.compile(r"^(?:public )?(?:meta )?import (?:all )?(\S+)$", re.MULTILINE)


def path_of(root: Path, module: str) -> Path:
    """`Spec.Num.Vec` is `Spec/Num/Vec.lean`."""
    return root.joinpath(*module.split(".")).with_suffix(".lean")


def text_of(root: Path, module: str) -> str:
    """A module's source. Raises InputError if there is none."""
    try:
        return path_of(root, module).read_text(encoding="utf-8")
    except OSError:
        raise InputError(f"{path_of(root, module)} is imported and does not exist") from None


def imports(root: Path, module: str) -> list[str]:
    """What a module imports, core modules included."""
    return IMPORT.findall(text_of(root, module))


def own(root: Path, module: str) -> bool:
    """Whether a module belongs to this library rather than to core Lean."""
    return module.split(".")[0] in ("Spec", "Eval") or path_of(root, module).is_file()


def family_module(root: Path, family: str) -> str:
    """The last part of a family's modules' names: `ResNet` for `resnet`."""
    return next(path.stem for path in (root / "Eval").glob("*.lean") if path.stem.lower() == family)


def in_order(root: Path, top: str) -> list[str]:
    """The library's modules that `top` reaches, each after those that it imports, `top` last."""
    done: list[str] = []
    open_: list[str] = []

    def visit(module: str) -> None:
        if module in done:
            return
        if module in open_:
            raise InputError(f"the imports of {module} go in a circle: {' -> '.join([*open_, module])}")
        open_.append(module)
        for other in imports(root, module):
            if own(root, other):
                visit(other)
        open_.pop()
        done.append(module)

    visit(top)
    return done


def hashes(root: Path, modules: list[str], toolchain: str) -> dict[str, str]:
    """The content hash of each module: of its text, its imports' hashes, and the toolchain. `modules` as by `in_order`."""
    found: dict[str, str] = {}
    for module in modules:
        parts = [toolchain, text_of(root, module), *(found[i] for i in imports(root, module) if i in found)]
        found[module] = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return found


def files(root: Path) -> set[str]:
    """Every module that lies under `Spec/`."""
    return {".".join(p.relative_to(root).with_suffix("").parts) for p in (root / "Spec").rglob("*.lean")}


def single_source(root: Path, top: str) -> str:
    """The sources of `top` and all that it imports as one module. A build of Lean that can't run the compiled code of
    another module can run this one."""
    modules = in_order(root, top)
    core = sorted({i for m in modules for i in imports(root, m) if not own(root, i)})
    parts = ["module", *(f"public import {name}" for name in core)]
    for module in modules:
        text = IMPORT.sub("", text_of(root, module))
        text = re.sub(r"\Amodule\n", "", text)
        parts.append(text if module == top else re.sub(r"^(@\[expose\] public .*section)$", r"\1 -- " + module, text, count=1,
                                                      flags=re.MULTILINE) + f"\nend -- {module}")
    return "\n".join(parts) + "\n"
