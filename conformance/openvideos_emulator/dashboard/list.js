// Show a list of things as rows, one page of it at a time, and change only the rows that differ. Rows keep their
// elements, so that the focus, the scroll position and loaded pictures are kept.

import { say, stamp } from "./page.js";

export const PAGE = 100;

export class List {
  #element;
  #fallback;
  #make;
  #keyOf;
  #onTurn;
  #rows = new Map();
  #pages = stamp("pages");
  #isTurning = false;

  /** How many things the pages before hold. */
  skip = 0;

  /**
   * `make(item)` returns a row: its `element`, what opens it (`opener`) if anything does, `update(item)`, and `remove()`
   * if there is something to do. `onTurn` is called when another page is to be shown. `fallback` gets the focus when the
   * row that had it is gone.
   */
  constructor({ element, fallback, make, onTurn, keyOf = (item) => item.id }) {
    this.#element = element;
    this.#fallback = fallback;
    this.#make = make;
    this.#keyOf = keyOf;
    this.#onTurn = onTurn;
    element.after(this.#pages.element);
    this.#pages.part.newer.addEventListener("click", () => this.#turn(-PAGE));
    this.#pages.part.older.addEventListener("click", () => this.#turn(PAGE));
  }

  get length() {
    return this.#rows.size;
  }

  /** Show these things, in this order; `total` is how many there are, if that is known. */
  show(items, { hasMore, total = null }) {
    if (items.length === 0 && this.skip > 0) {
      this.skip = Math.max(0, this.skip - PAGE);
      this.#onTurn();
      return;
    }
    const refocus = this.#removeAllBut(new Set(items.map(this.#keyOf)));
    let place = this.#element.firstElementChild;
    for (const item of items) {
      const key = this.#keyOf(item);
      const row = this.#rows.get(key) ?? this.#make(item);
      this.#rows.set(key, row);
      row.update(item);
      if (row.element === place) place = place.nextElementSibling;
      else this.#element.insertBefore(row.element, place);
    }
    this.#showPages(hasMore, total);
    if (!this.#isTurning) refocus();
    else if (items.length) this.#begin();
  }

  /** Put the focus on a thing; on the heading of the list if it is gone. */
  focus(key) {
    (this.#rows.get(key)?.opener ?? this.#fallback).focus({ preventScroll: true });
  }

  #focusAt(index) {
    const element = this.#element.children[Math.min(index, this.length - 1)];
    this.focus([...this.#rows].find(([, row]) => row.element === element)?.[0]);
  }

  #turn(step) {
    this.skip = Math.max(0, this.skip + step);
    this.#isTurning = true;
    this.#onTurn();
  }

  /** Begin at the top of the page that was turned to. */
  #begin() {
    this.#isTurning = false;
    this.#element.scrollIntoView({ block: "start" });
    this.#focusAt(0);
  }

  #showPages(hasMore, total) {
    const { newer, older, range } = this.#pages.part;
    this.#pages.element.hidden = this.skip === 0 && !hasMore;
    newer.disabled = this.skip === 0;
    older.disabled = !hasMore;
    const shown = `${(this.skip + 1).toLocaleString()} to ${(this.skip + this.length).toLocaleString()}`;
    say(range, total === null ? shown : `${shown} of ${total.toLocaleString()}`);
  }

  #removeAllBut(kept) {
    const focused = document.activeElement?.closest("li");
    const index = focused ? Array.prototype.indexOf.call(this.#element.children, focused) : -1;
    for (const [key, row] of this.#rows) {
      if (kept.has(key)) continue;
      row.remove?.();
      row.element.remove();
      this.#rows.delete(key);
    }
    // The element with the focus is gone: move the focus to the one in its place.
    return () => {
      if (index >= 0 && !focused.isConnected) this.#focusAt(index);
    };
  }
}
