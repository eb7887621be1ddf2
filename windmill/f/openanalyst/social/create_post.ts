// Writes a post by the platform's rules: length, hashtags, tone. Works without a language model: it frames the topic, and invents no facts and no numbers.
// Where a model has written a text, it is taken if it keeps the same rules.

import { InvalidInput } from "/f/openanalyst/core/errors";
import { hashtags as tagSpans } from "/f/openanalyst/social/links";
import { cut, fits, lengthOn } from "/f/openanalyst/social/measure";
import { PLATFORMS, rulesOf, type Platform } from "/f/openanalyst/social/platforms";
import { hashtagsFor } from "/f/openanalyst/social/tags";

/** Openings and closings for each tone; `{topic}` is replaced. */
const FRAMES: Record<string, { open: string[]; middle: string[]; close: string[] }> = {
  neutral: {
    open: ["Let's talk about {topic}.", "{Topic}: worth a closer look.", "What is really going on with {topic}?"],
    middle: [
      "There is a lot of noise around it, so it helps to ask what it changes in practice.",
      "The interesting part is not the headline, but what it means for everyday work.",
      "It is easy to have an opinion on it, and harder to say what to do about it.",
    ],
    close: ["What are you seeing?", "What is your take?", "Which part matters most to you?"],
  },
  professional: {
    open: ["A sober look at {topic}.", "A thought on {topic}.", "Where do we stand with {topic}?"],
    middle: [
      "The useful question is which decisions it changes, and for whom.",
      "Beyond the announcements, what counts is how it holds up in daily practice.",
    ],
    close: ["I look forward to your experience.", "How does your team approach it?"],
  },
  casual: {
    open: ["Okay, let's talk {topic}.", "So… {topic}.", "Been thinking about {topic} lately."],
    middle: ["Everybody has a hot take. I'd rather hear what actually works for you.", "Less hype, more real stories, please."],
    close: ["What's yours?", "Tell me!"],
  },
  funny: {
    open: ["{Topic} walked into a bar. Everybody had an opinion.", "My plan for today: read one thing about {topic}. I am now forty tabs deep."],
    middle: ["At this point my browser knows more about it than I do.", "I have strong views on it, all of them changed since breakfast."],
    close: ["Send help, or better links.", "What did I miss?"],
  },
  friendly: {
    open: ["Hello everyone! Today it's all about {topic}.", "Let's have a good chat about {topic}."],
    middle: ["Every view is welcome, whether you are new to it or have followed it for years."],
    close: ["How do you see it?", "I'd love to hear from you!"],
  },
  inspirational: {
    open: ["{Topic}: every change begins with somebody who tries.", "What could {topic} make possible?"],
    middle: ["Start small, learn openly, and share what you find on the way."],
    close: ["What will you try first?", "Who takes the first step with you?"],
  },
  bold: {
    open: ["Unpopular question: are we talking about {topic} in the wrong way?", "{Topic}. Time to be honest about it."],
    middle: ["Repeating the same three arguments helps nobody. Bring the one that changes a mind."],
    close: ["Prove me wrong.", "What does everybody get wrong about it?"],
  },
};

/** A number from a text, the same every time: it picks among wordings. */
function pick(text: string): number {
  let hash = 2166136261;
  for (const char of text) {
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619) >>> 0;
  }
  return hash;
}

/** The topic as a sentence begins: `AI trends`, but `iPhone` stays as it is. */
function atStart(topic: string): string {
  const first = String.fromCodePoint(topic.codePointAt(0) ?? 0);
  const upper = first.toUpperCase();
  const isNamed = /^\S*\p{Lu}/u.test(topic.slice(first.length)) || /\p{Script=Georgian}/u.test(first) || Array.from(upper).length !== 1;
  return isNamed || /^\S+[.@/]\S/u.test(topic) ? topic : upper + topic.slice(first.length);
}

interface Draft {
  content: string;
  hashtags: string[];
  /** How long it would be with the whole topic, if that does not fit. */
  cutFrom?: number;
}

/** One draft: as much of opening, middle, closing, link and hashtags as fits, in the order in which they matter. */
function draft(platform: Platform, topic: string, tone: string, url: string | undefined, room: number, seed: number): Draft {
  const frame = FRAMES[tone];
  const begun = atStart(topic);
  const fill = (text: string) => text.replace(/\{(t|T)opic\}/g, (_, letter) => (letter === "t" ? topic : begun));
  const open = fill(frame.open[seed % frame.open.length]);
  const middle = fill(frame.middle[(seed >>> 3) % frame.middle.length]);
  const close = fill(frame.close[(seed >>> 6) % frame.close.length]);
  const gap = platform.paragraphs ? "\n\n" : " ";
  const tags = hashtagsFor(topic, platform.hashtags.usual);
  const put = (text: string, hashtags: string[]) => {
    const tail = [url, hashtags.join(" ")].filter((part) => part !== undefined && part !== "").join(" ");
    return tail === "" ? text : `${text}${gap}${tail}`;
  };
  // A length that reads well is a wish, the platform's limit is none.
  for (const most of [room, platform.limit]) {
    const whole = [[open, middle, close], [open, close], [open]].map((parts) => ({ text: parts.join(gap), hashtags: tags }));
    const fewer = tags.map((_, index) => ({ text: open, hashtags: tags.slice(0, tags.length - 1 - index) }));
    for (const { text, hashtags } of [...whole, ...fewer]) {
      if (fits(platform, put(text, hashtags), most)) {
        return { content: put(text, hashtags), hashtags };
      }
    }
  }
  if (fits(platform, put(topic, []))) {
    return { content: put(topic, []), hashtags: tagsIn(topic) };
  }
  const content = cut(platform, topic, (kept) => put(kept, []));
  if (content === undefined) {
    const link = url === undefined ? "" : " and the link";
    throw new InvalidInput(`the topic${link} cannot be cut to ${platform.name}'s ${platform.limit} characters: give shorter ones`);
  }
  return { content, hashtags: tagsIn(content), cutFrom: lengthOn(platform, put(topic, [])) };
}

/** A text that is written already; with the model's name where a language model wrote it. */
interface Written {
  text: string;
  model?: string;
}

/** What the host says of a time before the user was asked, and what the user said then: whoever wrote a text since knows of it. */
const KNOWN_BEFORE = ["before the question: ", "the user says: "];

const LINK = /https?:\/\/\S+/giu;

function tagsIn(text: string): string[] {
  return tagSpans(text).map(({ start, end }) => text.slice(start, end));
}

/** Whether a link in a text is the one that was given, with no more than a sentence's punctuation behind it. */
function isGiven(link: string, url: string | undefined): boolean {
  return url !== undefined && link.startsWith(url) && !/[^\p{P}]/u.test(link.slice(url.length));
}

/** Why a written text cannot be the post; nothing where it can. */
function wrongWith(platform: Platform, text: unknown, url: string | undefined): string | undefined {
  if (typeof text !== "string" || text.trim() === "") {
    return "it is empty";
  }
  if (!fits(platform, text.trim())) {
    return `it has ${lengthOn(platform, text.trim())} of ${platform.limit} characters`;
  }
  const tags = tagsIn(text).length;
  if (tags > platform.hashtags.most) {
    return `it has ${tags} of at most ${platform.hashtags.most} hashtags`;
  }
  if (url !== undefined && !text.includes(url)) {
    return "it lacks the link";
  }
  if ((text.match(LINK) ?? []).some((link) => !isGiven(link, url))) {
    return "it has a link that nobody gave";
  }
  return undefined;
}

const MAX_SHOWN = 80;
/** Most UTF-16 code units of a topic. */
const MAX_TOPIC = 10_000;

/** The tone that can be written without a model, and a word about the one that was asked for where that is another. */
function toneOf(asked: unknown): { style: string; wanted: string; note?: string } {
  const wanted = (typeof asked === "string" ? asked : "").replace(/\s+/gu, " ").trim() || "neutral";
  const style = wanted.toLowerCase().replace(/ (tone|style|voice)$/, "");
  if (Object.hasOwn(FRAMES, style)) {
    return { style, wanted: style };
  }
  const chars = Array.from(wanted);
  const shown = chars.length > MAX_SHOWN ? `${chars.slice(0, MAX_SHOWN).join("")}…` : wanted;
  const note = `Without a language model I cannot write in the tone "${shown}": the wording is neutral.`;
  return { style: "neutral", wanted, note };
}

function cutNote(what: string, platform: Platform, from: number, to: number): string {
  const { name, limit } = platform;
  return `${what} is too long for ${name}: cut from ${from} to ${to} characters, as ${name} counts; the limit is ${limit}.`;
}

/** The written text, cut where nothing but its length is wrong. A model is asked for the length, so that its text is not cut. */
function offeredText(platform: Platform, written: Written, url: string | undefined): { text: string; note?: string } {
  const text = typeof written.text === "string" ? written.text.trim() : "";
  if (written.model !== undefined || text === "" || fits(platform, text)) {
    return { text };
  }
  if (url !== undefined && !text.includes(url)) {
    return { text };
  }
  // The link stays: it stands behind what is left of the words.
  const words = url === undefined ? text : text.replace(url, "").trim();
  const kept = cut(platform, words, (part) => (url === undefined ? part : `${part} ${url}`));
  if (kept === undefined) {
    return { text };
  }
  return { text: kept, note: cutNote("The text", platform, lengthOn(platform, text), lengthOn(platform, kept)) };
}

/**
 * @param platform one of the names in social/platforms
 * @param topic what it is about
 * @param tone neutral, professional, casual, funny, friendly, inspirational or bold; another is for a language model, and said so
 * @param url a link to put into it
 * @param differences what was wrong with an earlier attempt
 * @param written a text that is written already: taken in the first attempt, if it keeps the platform's rules
 */
export async function main(
  platform: string,
  topic: string,
  tone: string | null = "neutral",
  url?: string | null,
  differences: string[] = [],
  written: Written | null = null,
) {
  const rules = rulesOf(platform);
  if (rules === undefined) {
    throw new InvalidInput(`platform is "${platform}": use one of ${Object.keys(PLATFORMS).join(", ")}`);
  }
  const subject = typeof topic === "string" ? topic.replace(/\s+/gu, " ").trim() : "";
  if (subject === "") {
    throw new InvalidInput("topic is empty: say what the post shall be about");
  }
  if (subject.length > MAX_TOPIC) {
    throw new InvalidInput(`topic has ${subject.length} characters and ${MAX_TOPIC} are the most: say it in short`);
  }
  if (url !== undefined && url !== null && !/^https?:\/\/\S+$/i.test(url)) {
    throw new InvalidInput(`url is "${url}": it must begin with https:// or http://`);
  }
  const link = url ?? undefined;
  const asked = toneOf(tone);
  const complaints = (differences ?? []).map((difference) => String(difference).toLowerCase());
  const tooLong = complaints.some((complaint) => complaint.includes("more than") || complaint.includes("long") || complaint.includes("shorter"));
  const isSecond = complaints.some((complaint) => !KNOWN_BEFORE.some((words) => complaint.startsWith(words)));
  const room = tooLong ? Math.floor(rules.comfortable / 2) : Math.min(rules.limit, Math.max(rules.comfortable, 60));
  // Another attempt takes other words.
  const seed = pick(`${platform}|${subject.toLowerCase()}|${asked.style}`) + complaints.length;
  const own = (turn: number) => draft(rules, subject, asked.style, link, room, seed + turn * 37);
  const first = own(0);
  const alternatives = [1, 2].map((turn) => own(turn).content);
  const offer = written === null || written === undefined ? undefined : offeredText(rules, written, link);
  const wrong = offer && (isSecond ? "an earlier attempt was not as expected" : wrongWith(rules, offer.text, link));
  const isTaken = offer !== undefined && wrong === undefined;
  const model = isTaken && written?.model !== undefined ? String(written.model) : undefined;
  const content = isTaken ? offer.text : first.content;
  const hashtags = isTaken ? tagsIn(content) : first.hashtags;
  const length = lengthOn(rules, content);
  const offered = isTaken ? [first.content, ...alternatives] : alternatives;
  const ownCut = first.cutFrom === undefined ? undefined : cutNote("The topic", rules, first.cutFrom, length);
  const notes = [isTaken ? offer.note : ownCut, model === undefined ? asked.note : undefined].filter((note) => note !== undefined);
  return {
    post: {
      platform,
      platformName: rules.name,
      content,
      hashtags,
      length,
      limit: rules.limit,
      tone: model === undefined ? asked.style : asked.wanted,
      topic: subject,
      ...(model === undefined ? {} : { model }),
    },
    alternatives: offered.filter((text, index, all) => text !== content && all.indexOf(text) === index),
    checks: [
      { check: "length", met: fits(rules, content), detail: `${length} of ${rules.limit} characters` },
      { check: "hashtags", met: hashtags.length <= rules.hashtags.most, detail: `${hashtags.length} of at most ${rules.hashtags.most}` },
      ...(offer === undefined ? [] : [{ check: "written", met: isTaken, detail: wrong ?? "the written text keeps the rules" }]),
    ],
    // What the user must hear of: what was cut, and what could not be done.
    notes,
  };
}
