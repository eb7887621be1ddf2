// Hashtags from a topic: of whole words, in letters of any script with their marks.

import { TWITTER, links, replaced } from "/f/openanalyst/social/links";
import { EMOJI } from "/f/openanalyst/social/measure";

const SMALL_WORDS = new Set([
  "a", "an", "the", "and", "or", "of", "in", "on", "for", "to", "with", "at", "by", "from", "our", "my", "your", "new", "is", "are",
  "how", "what", "why", "its", "their", "this", "that", "as", "it", "we", "i",
]);
const MAX_LENGTH = 40;
/** Words of the topic that stand together in its first hashtag. */
const MOST_WORDS = 4;
/** Words of the topic that are looked at. */
const MAX_WORDS = 40;

/** A word of the topic as it may stand in a hashtag. */
interface Word {
  tag: string;
  /** Whether it may be a hashtag of its own: "dont" and "l'été" are no words alone. */
  standsAlone: boolean;
  isSmall: boolean;
}

/** `sale` is `Sale`; `iPhone` stays. Georgian has capitals that begin no word. */
function capital(word: string): string {
  const first = String.fromCodePoint(word.codePointAt(0) ?? 0);
  const upper = first.toUpperCase();
  const rest = word.slice(first.length);
  const stays = /\p{Lu}/u.test(rest) || /\p{Script=Georgian}/u.test(first) || Array.from(upper).length !== 1;
  return stays ? word : upper + rest;
}

/** What stands around a word. A sign in front or behind that changes the word stays with it. */
const BEGINS = /[\p{L}\p{N}@$£€¥₹]/u;
const ENDS = /[\p{L}\p{N}\p{M}+#%$£€¥₹°]/u;
/** What parts words without a space. */
const PARTS = /[,;:!?…()（）「」『』、。，！？；："“”«»]+/u;
/** A word with anything else cannot stand in a hashtag whole. */
const OTHER = /[^\p{L}\p{Nd}\p{M}_'’ʼ.&/\u2010-\u2015\u200c\u200d\u00b7\u05f3\u05f4\u30fb-]/u;

/** A word without the punctuation around it. */
function bare(written: string): string {
  const chars = Array.from(written);
  let from = 0;
  let to = chars.length;
  while (from < to && !BEGINS.test(chars[from])) {
    from += 1;
  }
  while (to > from && !ENDS.test(chars[to - 1])) {
    to -= 1;
  }
  return chars.slice(from, to).join("");
}

/** The words; what cannot stand in a hashtag whole (`C++`, `3.5`, `@ada`, a link, an emoji) is left out. */
function wordsOf(topic: string): Word[] {
  const found: Word[] = [];
  const plain = replaced(topic, links(topic, TWITTER), () => " ").replace(EMOJI, " ");
  for (const [number, written] of plain.trim().split(/\s+/u).entries()) {
    if (number >= MAX_WORDS) {
      break;
    }
    // "10:30" and "1,000" are numbers and no words.
    const isNumber = /\p{N}[.,:&/'’\u2010-\u2015-]+\p{N}/u.test(written);
    for (const token of isNumber ? [] : written.split(PARTS).map(bare)) {
      if (token !== "" && !OTHER.test(token)) {
        const parts = token.split(/[&/\u2010-\u2015-]+/u).map((part) => part.replace(/['’ʼ.]/gu, ""));
        found.push({
          tag: parts.filter((part) => part !== "").map(capital).join(""),
          standsAlone: !/['’ʼ]/u.test(token),
          isSmall: SMALL_WORDS.has(token.toLowerCase()),
        });
      }
    }
  }
  return found;
}

/** As many of the words together as make a hashtag that can be read. */
function together(words: Word[]): string {
  let whole = "";
  for (const { tag } of words.slice(0, MOST_WORDS)) {
    if (Array.from(whole + tag).length > MAX_LENGTH) {
      break;
    }
    whole += tag;
  }
  return whole;
}

/** At most `most` hashtags: the words of the topic together, then each of them. */
export function hashtagsFor(topic: string, most: number): string[] {
  const telling = wordsOf(topic).filter((word) => !word.isSmall && word.tag !== "");
  const alone = telling.filter((word) => word.standsAlone).map((word) => word.tag);
  const tags: string[] = [];
  for (const tag of [together(telling), ...alone]) {
    const length = Array.from(tag).length;
    const isNew = !tags.some((known) => known.toLowerCase() === tag.toLowerCase());
    if (isNew && length >= 2 && length <= MAX_LENGTH && /\p{L}/u.test(tag)) {
      tags.push(tag);
    }
  }
  return tags.slice(0, most).map((tag) => `#${tag}`);
}

/** The hashtags for a topic. */
export async function main(topic = "", most = 3) {
  return hashtagsFor(topic, most);
}
