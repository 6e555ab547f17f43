"""What a trace looks like: a box for each lot and product that a GraphQL answer names, an arrow for each flow."""

from typing import Any

from graph.drawing.svg import Arrow, Box, draw, short, shorten


def draw_trace(node: dict[str, Any]) -> str:
    """The SVG of a node with its trace."""
    trace = node["trace"]
    boxes = {node["id"]: box_of(node, begins=True)}
    for entry in (*trace["lots"]["nodes"], *trace["products"]["nodes"]):
        one = entry.get("cacaoBatch") or entry["product"]
        boxes.setdefault(one["id"], box_of(one))
    arrows = []
    for flow in trace["flows"]["nodes"]:
        giver, taker = flow["from"]["id"], (flow["to"] or flow["product"])["id"]
        if giver in boxes and taker in boxes:
            arrows.append(Arrow(giver, taker, flow.get("quantityKg")))
    name = node.get("name") or f"Lot {node['lotNumber'] or node['cacaoBatchId']}"
    lots = len(trace["lots"]["nodes"])
    among = f"the nearest {lots} of {trace['lotCount']} lots" if lots < trace["lotCount"] else ""
    cut = " (more were not read)" if trace["truncated"] else ""
    return draw(f"{name}: {among or f'{lots} lots'}{cut}", [*boxes.values()], arrows)


def box_of(one: dict[str, Any], *, begins: bool = False) -> Box:
    """The box of a product, or of a batch."""
    link = f"/trace/{one['id']}"
    if "productId" in one:
        maker = (one["manufacturer"] or {}).get("name") or ""
        batch = f"product, batch {one['batchNumber']}" if one["batchNumber"] else "product"
        lines, stage = (one["name"], batch, maker), "PRODUCT"
    else:
        stage, kilograms = one["stage"], one.get("quantityKg")
        mass = f" · {short(kilograms)}" if kilograms else ""
        supplier = one["supplier"] or {"name": "", "country": None}
        country = f", {supplier['country']}" if supplier["country"] else ""
        lines = (
            f"{one['lotNumber'] or one['cacaoBatchId']}",
            f"{stage.lower()}{mass}",
            f"{supplier['name']}{country}",
        )
    held = one.get("onHold", False)
    return Box(one["id"], stage, tuple(map(shorten, lines)), link, begins=begins, held=held)
