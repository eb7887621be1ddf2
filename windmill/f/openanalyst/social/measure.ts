// How long a text is on a platform, and how it is cut to fit. The one place where posts are measured: every script asks here.

import { count, starts } from "/f/openanalyst/social/graphemes";
import { MASTODON, TWITTER, hashtags, links, mentions, replaced } from "/f/openanalyst/social/links";
import { type LinkRules, type Span } from "/f/openanalyst/social/links";
import { rulesOf, type Platform } from "/f/openanalyst/social/platforms";

/** What a link counts on X and on Mastodon. */
const LINK_LENGTH = 23;
/** Places that are tried where the longest text that should fit does not. */
const MOST_TRIES = 64;
/** Stands at the end of a text that was cut. */
const MORE = "…";

/** A pictograph, but no digit, `#`, `*`, and no © or ® that is written as text. */
const PICTOGRAPH = String.raw`(?:[\u00A9\u00AE]\uFE0F|(?![0-9#*\u00A9\u00AE])\p{Emoji}(?!\uFE0E))`;
/** A skin tone, the sign for "as an emoji", or the tags of a flag such as England's. */
const MODIFIED = String.raw`(?:\p{EMod}|\uFE0F|[\u{E0020}-\u{E007E}]+\u{E007F})?`;
/** One emoji, however many code points it has: a flag, a keycap, or pictographs joined with ZWJ (UTS #51, ED-17). */
export const EMOJI = new RegExp(
  [
    String.raw`\p{RI}\p{RI}`,
    String.raw`[0-9#*]\uFE0F?\u20E3`,
    String.raw`${PICTOGRAPH}${MODIFIED}(?:\u200D(?![0-9#*])\p{Emoji}${MODIFIED})*`,
  ].join("|"),
  "gu",
);
/** What weighs 2 on X: everything outside of these ranges (twitter-text, config/v3.json). */
const HEAVY = /[^\u0000-\u10FF\u2000-\u200D\u2010-\u201F\u2032-\u2037]/gu;
const ASTRAL = /[\u{10000}-\u{10FFFF}]/gu;

function bytes(text: string): number {
  return text.replace(ASTRAL, "xxxx").replace(/[\u0800-\uFFFF]/g, "xxx").replace(/[\u0080-\u07FF]/g, "xx").length;
}

/** A text with as many letters as a link counts in the place of each. Where the platform may not know its domain, the more count. */
function shortened(text: string, rules: LinkRules, length: (text: string) => number): string {
  const counted = (link: string, isKnown: boolean) => (isKnown ? LINK_LENGTH : Math.max(LINK_LENGTH, length(link)));
  return replaced(text, links(text, rules), (link, { isKnown }) => "x".repeat(counted(link, isKnown)));
}

function weighed(text: string): number {
  return text.replace(EMOJI, "xx").replace(HEAVY, "xx").length;
}

/** The embedded engine reads the whole text again for each match of a pattern: a long one is counted piece by piece. */
const PIECE = 512;

/** The pieces of a text: each ends with a plain letter before a space, where no link, mention, emoji or character goes on. */
function pieces(text: string): string[] {
  const found: string[] = [];
  let start = 0;
  while (text.length - start > PIECE) {
    let end = text.indexOf(" ", start + PIECE);
    while (end !== -1 && (text.charCodeAt(end - 1) <= 0x20 || text.charCodeAt(end - 1) >= 0x7f)) {
      end = text.indexOf(" ", end + 1);
    }
    if (end === -1) {
      break;
    }
    found.push(text.slice(start, end));
    start = end;
  }
  found.push(text.slice(start));
  return found;
}

/** How long a text is by a platform's own counting. */
export function lengthOn(platform: Platform, text: string): number {
  return pieces(text).reduce((length, piece) => length + pieceLength(platform, piece), 0);
}

function pieceLength(platform: Platform, text: string): number {
  switch (platform.counts) {
    case "twitter":
      return weighed(shortened(text.normalize("NFC"), TWITTER, weighed));
    case "mastodon": {
      const plain = shortened(text, MASTODON, count);
      return count(replaced(plain, mentions(plain), (mention, { start, server }) => mention.slice(0, server - start)));
    }
    case "graphemes":
      return count(text);
    case "threads":
      return text.replace(EMOJI, (emoji) => "x".repeat(bytes(emoji))).replace(ASTRAL, "x").length;
    case "characters":
      return text.replace(ASTRAL, "x").length;
    case "bytes":
      return bytes(text);
    default:
      return text.length;
  }
}

/** Whether a text is no longer than the platform allows, or than `most`. */
export function fits(platform: Platform, text: string, most = platform.limit): boolean {
  return lengthOn(platform, text) <= most && (platform.maxBytes === undefined || bytes(text) <= platform.maxBytes);
}

/** Letters between which words have no spaces. */
const KANA = /\p{Script=Hiragana}/u;
const CJK = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;
const SPACELESS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const CJK_STOP = /[、。，！？；：」』）]/u;

/** Where a text may be cut: at its words, between letters of scripts without spaces, and anywhere between characters. */
function places(text: string): { words: number[]; letters: number[]; any: number[] } {
  const all: Span[] = [...links(text, TWITTER), ...links(text, MASTODON), ...mentions(text), ...hashtags(text)];
  const kept = all.sort((a, b) => a.start - b.start || b.end - a.end);
  const hasKana = KANA.test(text);
  const isWordEnd = (before: string, after: string) => {
    if (/\s/u.test(after) || CJK_STOP.test(before)) {
      return !/\s/u.test(before) && !CJK_STOP.test(after);
    }
    if (!CJK.test(before) && !CJK.test(after)) {
      return false;
    }
    // Japanese words mostly end with hiragana; without kana it is Chinese, where a word is one or two letters.
    return hasKana ? KANA.test(before) && /[\p{L}\p{N}]/u.test(after) && !KANA.test(after) : /[\p{L}\p{N}]/u.test(after);
  };
  const found = { words: [] as number[], letters: [] as number[], any: [] as number[] };
  let next = 0;
  let protectedTo = 0;
  let before = "";
  for (const at of starts(text)) {
    while (next < kept.length && kept[next].start < at) {
      protectedTo = Math.max(protectedTo, kept[next].end);
      next += 1;
    }
    const after = String.fromCodePoint(text.codePointAt(at) ?? 0);
    if (at > 0 && at >= protectedTo) {
      found.any.push(at);
      if (isWordEnd(before, after)) {
        found.words.push(at);
      }
      if (SPACELESS.test(before) || SPACELESS.test(after) || /\s/u.test(after)) {
        found.letters.push(at);
      }
    }
    before = after;
  }
  return found;
}

const LEADS_ON = /[\s,;:.、。，；：…([{"'“«„–—-]/u;

/** The text up to a place, without the punctuation that leads on. */
function upTo(text: string, at: number): string {
  let end = at;
  while (end > 0 && LEADS_ON.test(text.charAt(end - 1))) {
    end -= 1;
  }
  return text.slice(0, end);
}

/**
 * The text, cut so that `dress` of it fits; `dress` adds what has to stand around it. It is cut at a word where it has words, and
 * never inside of a character, a link, a mention or a hashtag. Nothing where no part of it fits.
 */
export function cut(platform: Platform, text: string, dress: (text: string) => string = (kept) => kept): string | undefined {
  // What is far behind the limit can never stand in the post.
  const head = text.slice(0, 16 * platform.limit);
  const end = (kept: string) => dress(`${kept}${MORE}`);
  const longest = (from: number[]): string => {
    let low = 0;
    let high = from.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (fits(platform, end(upTo(head, from[middle])))) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    // A longer text is longer on the platform, but for a link that the cut makes out of a word.
    for (const last = Math.max(0, low - MOST_TRIES); low > last; low -= 1) {
      const kept = upTo(head, from[low - 1]);
      if (fits(platform, end(kept))) {
        return kept;
      }
    }
    return "";
  };
  const { words, letters, any } = places(head);
  let best = longest(words);
  // One word at the beginning, and a long text without spaces behind it.
  if (lengthOn(platform, end(best)) * 2 < platform.limit) {
    const more = longest(letters);
    best = more.length > best.length ? more : best;
  }
  best ||= longest(any);
  return best === "" ? undefined : end(best);
}

/** How long a text is on a platform; nothing where the platform is not known. */
export async function main(platform = "twitter", text = "") {
  const rules = rulesOf(platform);
  return rules === undefined ? null : { length: lengthOn(rules, text), limit: rules.limit, fits: fits(rules, text) };
}
