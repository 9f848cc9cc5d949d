"""Pictures of pages in the documentation: what is on the screen, beside the picture that is kept."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from browser import resize
from selenium.webdriver import Chrome

MOVES = "canvas, output, .standing, [role=status], .readout"
"""Drawings, and words beside them, that are others at each step: they are not compared."""
IN_SIGHT = """const screen = {bottom: innerHeight, right: innerWidth};
return arguments[0].filter((selector) => ![...document.querySelectorAll(selector)].some((one) => {
  const box = one.getBoundingClientRect();
  return box.width > 0 && box.top >= 0 && box.bottom <= screen.bottom && box.right <= screen.right;
}))"""
BOXES = """return [...document.querySelectorAll(arguments[0])].map((one) => one.getBoundingClientRect())
  .map(({x, y, width, height}) => [x, y, width, height])"""
DIFFERENCE = """const [pictures, boxes, block, done] = arguments;
const shrunk = async (png) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  [canvas.width, canvas.height] = [Math.ceil(image.width / block), Math.ceil(image.height / block)];
  [pen.imageSmoothingEnabled, pen.imageSmoothingQuality] = [true, "high"];
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  const outside = (from, length) => [Math.floor(from / block) - 1, Math.ceil(length / block) + 2];
  for (const [left, top, wide, high] of boxes) {
    const [x, width] = outside(left, wide), [y, height] = outside(top, high);
    pen.fillRect(x, y, width, height);
  }
  return {size: [image.width, image.height].join(), data: pen.getImageData(0, 0, canvas.width, canvas.height).data};
};
Promise.all(pictures.map(shrunk)).then(([one, other]) => {
  if (one.size !== other.size) return done(1);
  let others = 0;
  for (let at = 0; at < one.data.length; at += 4)
    others += [0, 1, 2].some((colour) => Math.abs(one.data[at + colour] - other.data[at + colour]) > 40);
  done(others / (one.data.length / 4));
});"""
"""The share of blocks whose mean colour is another one; 1 where the sizes differ."""
BLOCK = 16
"""Pixels on a side: a letter more or less hardly changes the mean colour."""
LETTERS = """const pen = document.createElement("canvas").getContext("2d");
pen.font = getComputedStyle(document.body).font;
return pen.measureText("Which learning rates diverge? 0123456789").width;"""
"""How wide some words are, by which a typeface is known."""


def show(chromium: Chrome, page: Path, address: str, width: int, height: int) -> None:
    """Open a page on a screen of this size, without scroll bars."""
    resize(chromium, width, height)
    chromium.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    chromium.get("about:blank")
    chromium.get(page.resolve().as_uri() + address)


def width_of_letters(chromium: Chrome) -> float:
    """Of some words in the typeface of the page, in pixels: lines of another typeface break elsewhere."""
    width: float = chromium.execute_script(LETTERS)
    return width


def not_in_sight(chromium: Chrome, selectors: Sequence[str]) -> list[str]:
    """Which of these have nothing that lies on the screen as a whole."""
    missing: list[str] = chromium.execute_script(IN_SIGHT, list(selectors))
    return missing


def difference(chromium: Chrome, kept: bytes, taken: bytes) -> float:
    """The share of the screen in which a picture of the page differs from another, from 0 to 1.

    Args:
        chromium: At the page.
        kept: A picture, as PNG.
        taken: The other.

    Returns:
        1 where they are not of one size.
    """
    pictures = [base64.b64encode(one).decode() for one in (kept, taken)]
    boxes = chromium.execute_script(BOXES, MOVES)
    share: float = chromium.execute_async_script(DIFFERENCE, pictures, boxes, BLOCK)
    return share
