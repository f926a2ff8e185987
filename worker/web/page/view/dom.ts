/** Typed access to what index.html promises. */

type ElementClass<Kind extends Element> = abstract new (...args: never[]) => Kind;

/** The element with this id. @throws Error when the page does not have it, which is a mistake in index.html. */
export function byId<Kind extends Element>(id: string, kind: ElementClass<Kind>): Kind {
  return expected(document.getElementById(id), kind, `#${id}`);
}

/** The first element inside `root` that matches. @throws Error when there is none. */
export function within<Kind extends Element>(root: ParentNode, selector: string, kind: ElementClass<Kind>): Kind {
  return expected(root.querySelector(selector), kind, selector);
}

/** A copy of the one element inside a template. */
export function instantiate(templateId: string): HTMLElement {
  const copy = byId(templateId, HTMLTemplateElement).content.cloneNode(true) as DocumentFragment;
  return expected(copy.firstElementChild, HTMLElement, `#${templateId} > *`);
}

/** One of the icons of index.html. */
export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.classList.add('icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#icon-${name}`);
  svg.append(use);
  return svg;
}

function expected<Kind extends Element>(element: Element | null, kind: ElementClass<Kind>, name: string): Kind {
  if (!(element instanceof kind)) throw new Error(`the page has no ${name} of the expected kind`);
  return element;
}
