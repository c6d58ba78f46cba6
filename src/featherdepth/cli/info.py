"""`featherdepth info`: what models and networks are."""

from typing import Annotated, Any

import typer

from featherdepth.cli.options import AsJson
from featherdepth.cli.told import show

COMPLETION_CHANNELS = 5


def run(
    model: Annotated[
        str | None,
        typer.Argument(
            help="A model (name, folder or exported file) or a network; all if left out."
        ),
    ] = None,
    *,
    licenses: Annotated[
        bool, typer.Option("--licenses", help="What each model was made from, and its terms.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Parameters, MACs, kind, terms and card of models; sizes of networks."""
    from featherdepth import api
    from featherdepth.runtime.presets import DEFAULT

    result = api.info(model, licenses=licenses)
    shown = None if model is None or licenses or as_json else api.card(model)
    usual = DEFAULT if model is None else ""
    show(result, lambda found: _text(found, shown, usual, licenses=licenses), as_json=as_json)


def _text(result: dict[str, Any], card: str | None, usual: str, *, licenses: bool) -> str:
    blocks = []
    if result["models"]:
        columns = ("name", "network", "params", "macs", "size", "kind", "license", "bytes")
        blocks.append(_table(result["models"], columns))
    if usual:
        blocks.append(f"A command that is given no model takes {usual}.")
    blocks += [_exported(row["exported"]) for row in result["models"] if "exported" in row]
    if licenses:
        blocks += [_materials(row) for row in result["models"]]
    if result["networks"]:
        blocks.append(_table(result["networks"], ("name", "params", "macs")))
        blocks.append(
            "Networks with their usual settings; a model may have others. params: exact. macs:"
            " multiply-accumulates at 448x448, thop convention."
        )
    return "\n\n".join([*blocks, *([card] if card else [])])


def _table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> str:
    cells = [list(columns), *([_cell(row[name]) for name in columns] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    numeric = [isinstance(rows[0][name], int) for name in columns]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in cells
    )


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return "x".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _exported(said: dict[str, Any]) -> str:
    takes = "RGB in 0..1, b 3 h w" if said["input"] == "float" else "RGB of 8 bits, b h w 3"
    if said["channels"] == COMPLETION_CHANNELS:
        takes = "RGB in 0..1, aligned depth and measured points, b 5 h w"
    sides = "fixed" if said["fixed"] else "open"
    opset = f", opset {said['opset']}" if said["opset"] else ""
    kept = f"; in float32 stay {', '.join(said['kept'])}" if said["kept"] else ""
    return (
        f"exported in {said['precision']} by featherdepth {said['version']}{opset}; takes {takes},"
        f" sides {sides}{kept}"
    )


def _materials(row: dict[str, Any]) -> str:
    lines = [f"{row['name']}: {row['license']}, made from"]
    for item in row["materials"]:
        rest = [str(item[key]) for key in ("terms", "use") if item.get(key)]
        klass = f" (class {item['class']})" if item.get("class") else ""
        said = f": {'; '.join(rest)}" if rest else ""
        lines.append(f"  {item.get('name', 'unnamed')}{klass}{said}")
    return "\n".join(lines if row["materials"] else [f"{row['name']}: {row['license']}"])
