// The drawing of a flow on a page. It is the one thing from outside that is markup: only known SVG elements and
// attributes of it are taken over, none of which can run or load anything.

import { byId, element } from "./common.js";

const ELEMENTS = new Set(["svg", "g", "path", "polygon", "polyline", "ellipse", "circle", "rect", "line", "text",
  "tspan", "title", "defs", "linearGradient", "stop", "a"]);
const ATTRIBUTES = new Set(["id", "class", "d", "points", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "rx", "ry",
  "r", "width", "height", "viewBox", "transform", "fill", "stroke", "stroke-width", "stroke-dasharray", "opacity",
  "fill-opacity", "stroke-opacity", "font-family", "font-size", "font-weight", "font-style", "text-anchor",
  "text-decoration", "offset", "stop-color", "stop-opacity", "gradientUnits", "dominant-baseline",
  "textLength", "xml:space"]);
const SVG = "http://www.w3.org/2000/svg";
const XLINK = "http://www.w3.org/1999/xlink";

function safeCopy(source) {
  const copy = document.createElementNS(SVG, source.localName === "a" ? "g" : source.localName);
  for (const attribute of source.attributes) {
    if (ATTRIBUTES.has(attribute.name)) copy.setAttribute(attribute.name, attribute.value);
  }
  const tip = source.localName === "a" && source.getAttributeNS(XLINK, "title");
  if (tip) {
    const title = document.createElementNS(SVG, "title");
    title.textContent = tip;
    copy.append(title);
  }
  for (const child of source.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) copy.append(document.createTextNode(child.data));
    else if (child.nodeType === Node.ELEMENT_NODE && ELEMENTS.has(child.localName)) {
      if (!(tip && child.localName === "title")) copy.append(safeCopy(child));
    }
  }
  return copy;
}

// The graph in #graph with the buttons of #zoom. `choose(name)` is called for a node that is clicked, `open(name)`
// for a sub-flow that is clicked twice.
export class GraphView {
  constructor(choose, open) {
    this.area = byId("graph");
    this.choose = choose;
    this.open = open;
    this.drawn = "";   // the drawing that is on the page
    this.size = null;  // width and height of it, in its own units
    this.zoom = null;  // null: as large as fits
    byId("smaller").addEventListener("click", () => this.changeZoom(1 / 1.25));
    byId("larger").addEventListener("click", () => this.changeZoom(1.25));
    byId("fit").addEventListener("click", () => this.changeZoom(null));
    this.area.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const factor = { "+": 1.25, "=": 1.25, "-": 1 / 1.25, "0": null }[event.key];
      if (factor !== undefined) { event.preventDefault(); this.changeZoom(factor); }
    });
    window.addEventListener("resize", () => this.applyZoom());
  }

  // `nodes`: id in the drawing -> [kind, name]. What is on the page already stays, with its scroll position.
  show(source, nodes) {
    byId("zoom").hidden = false;
    if (this.drawn === source) return;
    const area = this.area;
    // graph.css has the rules for the dark scheme; the policy of the page forbids styles in what is parsed, too.
    const plain = source.replace(/<style>[^]*?<\/style>/g, "");
    const parsed = new DOMParser().parseFromString(plain, "image/svg+xml").documentElement;
    if (parsed.localName !== "svg") {
      area.replaceChildren(element("p", "failure", "The drawing cannot be read."));
      return;
    }
    const focused = document.activeElement && area.contains(document.activeElement) ? document.activeElement.id : "";
    const svg = safeCopy(parsed);
    const box = (svg.getAttribute("viewBox") || "0 0 300 150").split(/\s+/).map(Number);
    this.size = { width: box[2], height: box[3] };
    const groups = new Map([...svg.querySelectorAll("g[id]")].map((group) => [group.id, group]));
    for (const [id, [kind, name]] of Object.entries(nodes)) {
      const node = groups.get(id);
      if (node) this.makeNode(node, kind, name);
    }
    const { scrollLeft, scrollTop } = area;
    area.replaceChildren(svg);
    this.applyZoom();
    area.scrollTo(scrollLeft, scrollTop);
    this.drawn = source;
    const again = focused && svg.querySelector("#" + CSS.escape(focused));
    if (again) again.focus();
  }

  showText(text) {
    byId("zoom").hidden = true;
    this.drawn = "";
    this.area.replaceChildren(element("p", "muted", text));
  }

  select(name) {
    for (const node of this.area.querySelectorAll("[data-name]")) {
      const chosen = node.dataset.name === name;
      node.classList.toggle("selected", chosen);
      node.setAttribute("aria-pressed", chosen);
    }
  }

  makeNode(node, kind, name) {
    node.setAttribute("tabindex", "0");
    node.setAttribute("role", "button");
    node.setAttribute("aria-label", `${kind} ${name}`);
    node.dataset.name = name;
    node.addEventListener("click", () => this.choose(name));
    if (kind === "flow") node.addEventListener("dblclick", () => this.open(name));
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.choose(name); }
    });
  }

  applyZoom() {
    const { area, size } = this;
    const svg = area.querySelector("svg");
    if (!svg || !size) return;
    const fit = Math.min((area.clientWidth - 32) / size.width, (area.clientHeight - 32) / size.height);
    // Small graphs are not blown up, and what would be too small to read is scrolled instead.
    const scale = this.zoom === null ? Math.min(1.33, Math.max(fit, 0.6)) : this.zoom;
    svg.setAttribute("width", Math.round(size.width * scale));
    svg.setAttribute("height", Math.round(size.height * scale));
    area.dataset.scale = scale;
  }

  changeZoom(factor) {
    this.zoom = factor === null ? null : Math.min(6, Math.max(0.1, Number(this.area.dataset.scale || 1) * factor));
    this.applyZoom();
  }
}
