// `URLSearchParams` and the `searchParams` of a `URL`, made when a script first uses one of them
// (https://url.spec.whatwg.org/#interface-urlsearchparams). Evaluates to a function that gives the class and the getter.

(function () {
  "use strict";

  const encode = (text) =>
    encodeURIComponent(text.toWellFormed()).replace(/[!'()~]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`).replaceAll("%20", "+");

  function decode(text) {
    const spaced = text.replaceAll("+", " ");
    try {
      return decodeURIComponent(spaced);
    } catch {
      // Bytes that are no UTF-8 stay as they are written.
      return spaced;
    }
  }

  function parse(text) {
    const parts = text.replace(/^\?/, "").split("&").filter((part) => part !== "");
    return parts.map((part) => {
      const at = part.indexOf("=");
      return at < 0 ? [decode(part), ""] : [decode(part.slice(0, at)), decode(part.slice(at + 1))];
    });
  }

  function pairsOf(init) {
    if (init === undefined || init === null) {
      return [];
    }
    if (typeof init !== "object") {
      return parse(String(init));
    }
    const pairs = typeof init[Symbol.iterator] === "function" ? [...init] : Object.entries(init);
    return pairs.map((pair) => {
      const [name, value, ...more] = pair;
      if (value === undefined || more.length > 0) {
        throw new TypeError("URLSearchParams: each pair has a name and a value");
      }
      return [String(name), String(value)];
    });
  }

  let follow;
  class URLSearchParams {
    #pairs;
    #url;
    static {
      follow = (params, url) => (params.#url = url);
    }
    constructor(init) {
      this.#pairs = pairsOf(init);
    }
    #changed() {
      if (this.#url) {
        this.#url.search = this.toString();
      }
    }
    get size() {
      return this.#pairs.length;
    }
    append(name, value) {
      this.#pairs.push([String(name), String(value)]);
      this.#changed();
    }
    delete(name, value) {
      this.#pairs = this.#pairs.filter(([key, text]) => key !== String(name) || (value !== undefined && text !== String(value)));
      this.#changed();
    }
    get(name) {
      return this.#pairs.find(([key]) => key === String(name))?.[1] ?? null;
    }
    getAll(name) {
      return this.#pairs.filter(([key]) => key === String(name)).map(([, value]) => value);
    }
    has(name, value) {
      return this.#pairs.some(([key, text]) => key === String(name) && (value === undefined || text === String(value)));
    }
    set(name, value) {
      const first = this.#pairs.findIndex(([key]) => key === String(name));
      if (first < 0) {
        this.#pairs.push([String(name), String(value)]);
      } else {
        this.#pairs[first] = [String(name), String(value)];
        this.#pairs = this.#pairs.filter(([key], index) => index <= first || key !== String(name));
      }
      this.#changed();
    }
    sort() {
      this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
      this.#changed();
    }
    forEach(callback, self) {
      for (const [name, value] of this.#pairs) {
        callback.call(self, value, name, this);
      }
    }
    *entries() {
      for (const [name, value] of this.#pairs) {
        yield [name, value];
      }
    }
    *keys() {
      for (const [name] of this.#pairs) {
        yield name;
      }
    }
    *values() {
      for (const [, value] of this.#pairs) {
        yield value;
      }
    }
    [Symbol.iterator]() {
      return this.entries();
    }
    toString() {
      return this.#pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
    }
  }

  const known = new WeakMap();
  function searchParams(url) {
    if (!known.has(url)) {
      const params = new URLSearchParams(url.search);
      follow(params, url);
      known.set(url, params);
    }
    return known.get(url);
  }

  return { URLSearchParams, searchParams };
});
