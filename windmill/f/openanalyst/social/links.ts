// Links, mentions and hashtags in a text, as the platforms find them. Linear in the text.

import { isTopLevel } from "/f/openanalyst/social/top_level_domains";

/** A part of a text: where it begins, and where it ends, in UTF-16 code units. */
export interface Span {
  start: number;
  end: number;
}

/** A link. Behind a scheme it may end with a domain that is not in the list: nobody knows whether the platform has it in its own. */
export interface Link extends Span {
  isKnown: boolean;
}

/** How a platform finds links. */
export interface LinkRules {
  /** The schemes, as a pattern. */
  schemes: string;
  /** Whether a domain alone is a link. */
  bare: boolean;
  /** What a path may hold beside brackets, and what may be the last of it. */
  path: RegExp;
  last: RegExp;
}

/** twitter-text 3 (github.com/twitter/twitter-text, js/src/regexp): a link needs no scheme, but a real top-level domain. */
export const TWITTER: LinkRules = {
  schemes: "https?",
  bare: true,
  path: /[A-Za-z0-9\u00c0-\u024f\u0300-\u036f\u0400-\u04ff\u1e00-\u1eff!*';:=+,.$/%#[\]\u2013_~@|&?-]/,
  last: /[A-Za-z0-9\u00c0-\u024f\u0300-\u036f\u0400-\u04ff\u1e00-\u1eff=_#/+&-]/,
};

/** Mastodon (github.com/mastodon/mastodon, config/initializers/twitter_regex.rb): a scheme, and paths in any script. */
export const MASTODON: LinkRules = {
  schemes: "https?|dat|dweb|ipfs|ipns|ssb|gopher|gemini",
  bare: false,
  path: /[^\s<>]/,
  last: /[^\s!*"'「」<>;:=,.$%[\]~&|@?]/,
};

/** Longer ones are no links (twitter-text). */
const MAX_LINK = 4096;
const MAX_LABEL = 63;
/** The longest scheme with its `://`, and one character before it. */
const BEFORE = 10;
/** Letters, digits and marks of any script with dots: the domain stands in such a run. */
const RUN = /[\p{L}\p{N}\p{M}_.-]+/gu;
/** A domain without a scheme is of Latin letters. */
const LATIN_RUN = /[A-Za-z0-9\u00c0-\u024f\u1e00-\u1eff_.-]+/g;
/** What may not stand before a domain without a scheme. */
const GLUED_BARE = /[A-Za-z0-9@＠$#＃_./-]/;

/** The end of the domain that begins with the run `[start, end)` of a text, or -1: the longest that ends with a top-level domain. */
function domainEnd(text: string, start: number, end: number): number {
  let best = -1;
  let at = start;
  let owner = "";
  while (at < end) {
    const dot = text.indexOf(".", at);
    const stop = dot === -1 || dot > end ? end : dot;
    const label = text.slice(at, stop);
    // A subdomain may have a low line, a domain may not.
    if (owner !== "" && !owner.includes("_")) {
      // "example.comの": the letters behind belong to the sentence.
      const isLatin = label.charCodeAt(label.length - 1) < 0x80;
      const names = isLatin ? [label] : [label, /^[A-Za-z0-9-]*/.exec(label)?.[0] ?? ""];
      for (const name of names) {
        const isDomain = name !== "" && name.length <= MAX_LABEL && isTopLevel(name);
        if (isDomain && !/[A-Za-z0-9@]/.test(text.charAt(at + name.length))) {
          best = at + name.length;
          break;
        }
      }
    }
    if (label === "" || label.length > MAX_LABEL || label.startsWith("-") || label.endsWith("-")) {
      break;
    }
    owner = label;
    at = stop + 1;
  }
  return best;
}

/** The end of port, path and query behind a domain. Brackets count in pairs; punctuation at the end is the sentence's. */
function tailEnd(text: string, from: number, rules: LinkRules): number {
  let start = from;
  const port = /^:\d{1,5}(?!\d)/.exec(text.slice(from, from + 7));
  if (port !== null) {
    start += port[0].length;
  }
  if (text.charAt(start) !== "/" && text.charAt(start) !== "?") {
    return start;
  }
  const open: number[] = [];
  let end = start;
  for (; end < text.length; end += 1) {
    const char = text.charAt(end);
    if (char === "(") {
      open.push(end);
    } else if (char === ")") {
      if (open.pop() === undefined) {
        break;
      }
    } else if (!rules.path.test(char)) {
      break;
    }
  }
  if (open.length > 0) {
    end = open[0];
  }
  while (end > start && text.charAt(end - 1) !== ")" && !rules.last.test(text.charAt(end - 1))) {
    end -= 1;
  }
  return end;
}

/** The links of a text, in their order. */
export function links(text: string, rules: LinkRules): Link[] {
  const found: Link[] = [];
  if (!text.includes(".")) {
    return found;
  }
  const scheme = new RegExp(`(?:^|[^A-Za-z0-9@＠$#＃])((?:${rules.schemes})://)$`, "i");
  let done = 0;
  const add = (start: number, from: number, domain: number, isKnown = true) => {
    const end = tailEnd(text, domain, rules);
    if (end - start <= MAX_LINK) {
      found.push({ start, end, isKnown });
    }
    done = Math.max(from, end);
  };
  for (const run of text.matchAll(RUN)) {
    const runEnd = run.index + run[0].length;
    // A link's path was looked at already.
    const from = Math.max(run.index, done);
    if (from >= runEnd || !run[0].includes(".")) {
      continue;
    }
    const isBehindSlash = from > 0 && text.charAt(from - 1) === "/";
    const before = isBehindSlash ? scheme.exec(text.slice(Math.max(0, from - BEFORE), from)) : null;
    if (before !== null) {
      const domain = domainEnd(text, from, runEnd);
      const name = /^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+/.exec(text.slice(from, runEnd))?.[0] ?? "";
      if (domain !== -1) {
        add(from - before[1].length, from, domain);
      } else if (/\.[A-Za-z]+$/.test(name)) {
        add(from - before[1].length, from, from + name.length, false);
      }
      continue;
    }
    if (!rules.bare || isBehindSlash) {
      continue;
    }
    for (const latin of text.slice(from, runEnd).matchAll(LATIN_RUN)) {
      const start = from + latin.index;
      const isGlued = start > 0 && GLUED_BARE.test(text.charAt(start - 1));
      if (start < done || isGlued || /^[_.-]/.test(latin[0])) {
        continue;
      }
      const domain = domainEnd(text, start, start + latin[0].length);
      if (domain !== -1) {
        add(start, start, domain);
      }
    }
  }
  return found;
}

/** A text with each of the parts replaced. */
export function replaced<S extends Span>(text: string, spans: S[], by: (part: string, span: S) => string): string {
  const parts: string[] = [];
  let at = 0;
  for (const span of spans) {
    parts.push(text.slice(at, span.start), by(text.slice(span.start, span.end), span));
    at = span.end;
  }
  parts.push(text.slice(at));
  return parts.join("");
}

const MENTION = /(?<![=/\p{L}\p{N}\p{M}_])@([A-Za-z0-9_.-]+)(?:@([\p{L}\p{N}\p{M}_.-]+))?/gu;

/** Mentions: where they stand, and where the server's name begins, if they have one (Mastodon, app/models/account.rb, MENTION_RE). */
export function mentions(text: string): (Span & { server: number })[] {
  const found: (Span & { server: number })[] = [];
  for (const match of text.matchAll(MENTION)) {
    const isRemote = match[2] !== undefined && !/^[.-]|[.-]$/.test(match[1]);
    const server = match.index + 1 + match[1].length;
    let end = isRemote ? match.index + match[0].length : server;
    while (".-".includes(text.charAt(end - 1))) {
      end -= 1;
    }
    if (end > match.index + 1) {
      found.push({ start: match.index, end, server: Math.min(end, server) });
    }
  }
  return found;
}

/** What a hashtag may hold: letters and digits of any script with their marks, and what joins letters inside of a word (twitter-text). */
const HASHTAG = /(?<![\p{L}\p{N}\p{M}_&/])[#＃]([\p{L}\p{Nd}\p{M}_\u200c\u200d\u00b7\u05f3\u05f4\u30fb]+)/gu;

/** The hashtags of a text: never of digits alone, never the fragment of a link. */
export function hashtags(text: string): Span[] {
  const inLinks = links(text, TWITTER);
  let next = 0;
  const found: Span[] = [];
  for (const match of text.matchAll(HASHTAG)) {
    while (next < inLinks.length && inLinks[next].end <= match.index) {
      next += 1;
    }
    const inLink = next < inLinks.length && inLinks[next].start <= match.index;
    if (!inLink && /\p{L}/u.test(match[1])) {
      found.push({ start: match.index, end: match.index + match[0].length });
    }
  }
  return found;
}

/** The links, mentions and hashtags of a text. */
export async function main(text = "") {
  const words = (spans: Span[]) => spans.map(({ start, end }) => text.slice(start, end));
  return { links: words(links(text, TWITTER)), mentions: words(mentions(text)), hashtags: words(hashtags(text)) };
}
