// The few things that the views do with elements. Text goes in as text, never as markup.

export function byId<T extends Element>(id: string, type: abstract new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`the page has no ${id}`);
  return element;
}

/** Writes only what changed: readers of the page are not told the same twice. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setData(element: HTMLElement | SVGElement, name: string, value: string): void {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

export function show(element: HTMLElement, visible: boolean): void {
  if (element.hidden === visible) element.hidden = !visible;
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  text = '',
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

export interface Row {
  root: HTMLElement;
}

/** Keeps one row for each key, in order; what stays is never built anew. */
export class Rows<Item, R extends Row> {
  private readonly rows = new Map<string, R>();

  constructor(
    private readonly parent: HTMLElement,
    private readonly keyOf: (item: Item) => string,
    private readonly build: (item: Item) => R,
    private readonly update: (row: R, item: Item) => void,
  ) {}

  show(items: readonly Item[]): void {
    const wanted = new Set(items.map(this.keyOf));
    for (const [key, row] of this.rows) {
      if (wanted.has(key)) continue;
      row.root.remove();
      this.rows.delete(key);
    }
    items.forEach((item, index) => {
      const key = this.keyOf(item);
      let row = this.rows.get(key);
      if (!row) {
        row = this.build(item);
        this.rows.set(key, row);
      }
      const at = this.parent.children[index];
      if (at !== row.root) this.parent.insertBefore(row.root, at ?? null);
      this.update(row, item);
    });
  }
}
