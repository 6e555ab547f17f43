"""Draws a trace from a GraphQL answer: a box for each lot and product, an arrow for each flow."""

from typing import Any

from graph.drawing.svg import Arrow, Box, draw_svg, kilograms_text, shorten


def draw_trace(node: dict[str, Any]) -> str:
    """Return the SVG of a node with its trace."""
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
    return draw_svg(f"{name}: {among or f'{lots} lots'}{cut}", [*boxes.values()], arrows)


def box_of(item: dict[str, Any], *, begins: bool = False) -> Box:
    """Return the box of a product or of a batch."""
    link = f"/trace/{item['id']}"
    if "productId" in item:
        maker = (item["manufacturer"] or {}).get("name") or ""
        batch = f"product, batch {item['batchNumber']}" if item["batchNumber"] else "product"
        lines, stage = (item["name"], batch, maker), "PRODUCT"
    else:
        stage, kilograms = item["stage"], item.get("quantityKg")
        mass = f" · {kilograms_text(kilograms)}" if kilograms else ""
        supplier = item["supplier"] or {"name": "", "country": None}
        country = f", {supplier['country']}" if supplier["country"] else ""
        lines = (
            f"{item['lotNumber'] or item['cacaoBatchId']}",
            f"{stage.lower()}{mass}",
            f"{supplier['name']}{country}",
        )
    held = item.get("onHold", False)
    return Box(item["id"], stage, tuple(map(shorten, lines)), link, begins=begins, held=held)
