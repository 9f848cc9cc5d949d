// A map in small: the colours of its cells alone, for an entry of a legend.

import { colourOf } from "./colour_scale.js";
import { svgElement } from "./elements.js";

/**
 * @param {import("./rate_map.js").RateMap} map
 * @returns {SVGElement}
 */
export function miniMap({ cells, rates, widths }) {
  const squares = cells.flatMap((row, y) =>
    row.flatMap((cell, x) => {
      if (!cell) return [];
      const square = svgElement("rect", { x: x + 0.02, y, width: 0.96, height: 1.02 });
      square.style.fill = cell.fraction === null ? "var(--empty)" : colourOf(cell.fraction);
      return [square];
    }),
  );
  const box = { viewBox: `0 0 ${widths.length} ${rates.length}`, preserveAspectRatio: "none", "aria-hidden": "true" };
  return svgElement("svg", { ...box, class: "mini-map" }, ...squares);
}
