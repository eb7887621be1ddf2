// Writes a post by the platform's rules: length, hashtags, tone. Works without a language model: it frames the topic, and invents no facts and no numbers.
// Where a model has written a text, it is taken if it keeps the same rules.

import { InvalidInput } from "/f/openanalyst/core/errors";
import { PLATFORMS, lengthOn, type Platform } from "/f/openanalyst/social/platforms";

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

const SMALL_WORDS = new Set(["a", "an", "the", "and", "or", "of", "in", "on", "for", "to", "with", "at", "by", "from", "our", "my", "your", "new", "is", "are"]);

/** A number from a text, the same every time: it picks among wordings. */
function pick(text: string): number {
  let hash = 2166136261;
  for (const char of text) {
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619) >>> 0;
  }
  return hash;
}

function words(topic: string): string[] {
  return topic.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
}

/** Hashtags from the topic: the whole of it, then its words. */
function hashtagsFor(topic: string, most: number): string[] {
  const telling = words(topic).filter((word) => !SMALL_WORDS.has(word.toLowerCase()));
  const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
  const whole = telling.slice(0, 4).map(capital).join("");
  const candidates = [whole, ...telling.map(capital)].filter((tag) => tag.length >= 2 && tag.length <= 40 && !/^\d+$/.test(tag));
  const tags: string[] = [];
  for (const tag of candidates) {
    if (!tags.some((known) => known.toLowerCase() === tag.toLowerCase())) {
      tags.push(tag);
    }
  }
  return tags.slice(0, most).map((tag) => `#${tag}`);
}

interface Draft {
  content: string;
  hashtags: string[];
}

/** One draft: as much of opening, middle, closing, link and hashtags as fits, in the order in which they matter. */
function draft(platform: Platform, topic: string, tone: string, url: string | undefined, room: number, seed: number, wanted: number): Draft {
  const frame = FRAMES[tone] ?? FRAMES.neutral;
  const fill = (text: string) =>
    text.replaceAll("{topic}", topic).replaceAll("{Topic}", topic.charAt(0).toUpperCase() + topic.slice(1));
  const open = fill(frame.open[seed % frame.open.length]);
  const middle = fill(frame.middle[(seed >>> 3) % frame.middle.length]);
  const close = fill(frame.close[(seed >>> 6) % frame.close.length]);
  const gap = platform.paragraphs ? "\n\n" : " ";
  let hashtags = hashtagsFor(topic, wanted);
  const put = (parts: string[]) => {
    const text = parts.join(gap);
    const tail = [url, hashtags.join(" ")].filter((part) => part !== undefined && part !== "").join(" ");
    return tail === "" ? text : `${text}${gap}${tail}`;
  };
  for (const parts of [[open, middle, close], [open, close], [open]]) {
    const text = put(parts);
    if (lengthOn(platform, text) <= room) {
      return { content: text, hashtags };
    }
  }
  while (hashtags.length > 0) {
    hashtags = hashtags.slice(0, -1);
    if (lengthOn(platform, put([open])) <= room) {
      return { content: put([open]), hashtags };
    }
  }
  // A topic that is longer than the platform allows is cut at a word.
  const cut = Array.from(open).slice(0, Math.max(1, room - 1)).join("").replace(/\s+\S*$/u, "");
  return { content: `${cut}…`, hashtags: [] };
}

/** A text that is written already; with the model's name where a language model wrote it. */
interface Written {
  text: string;
  model?: string;
}

/** What the host says of a time before the user was asked, and what the user said then: whoever wrote a text since knows of it. */
const KNOWN_BEFORE = ["before the question: ", "the user says: "];

const LINK = /https?:\/\/\S+/gu;

function tagsIn(text: string): string[] {
  return text.replace(LINK, "").match(/#[\p{L}\p{N}_]+/gu) ?? [];
}

/** Why a written text cannot be the post; nothing where it can. */
function wrongWith(platform: Platform, text: unknown, url: string | undefined): string | undefined {
  if (typeof text !== "string" || text.trim() === "") {
    return "it is empty";
  }
  const length = lengthOn(platform, text);
  if (length > platform.limit) {
    return `it has ${length} of ${platform.limit} characters`;
  }
  const tags = tagsIn(text).length;
  if (tags > platform.hashtags.most) {
    return `it has ${tags} of at most ${platform.hashtags.most} hashtags`;
  }
  if (url !== undefined && !text.includes(url)) {
    return "it lacks the link";
  }
  if ((url === undefined ? text : text.replaceAll(url, "")).match(LINK) !== null) {
    return "it has a link that nobody gave";
  }
  return undefined;
}

/**
 * @param platform one of the names in social/platforms
 * @param topic what it is about
 * @param tone neutral, professional, casual, funny, friendly, inspirational or bold
 * @param url a link to put into it
 * @param differences what was wrong with an earlier attempt
 * @param written a text that is written already: taken in the first attempt, if it keeps the platform's rules
 */
export async function main(
  platform: string,
  topic: string,
  tone = "neutral",
  url?: string,
  differences: string[] = [],
  written: Written | null = null,
) {
  const rules = PLATFORMS[platform];
  if (rules === undefined) {
    throw new InvalidInput(`platform is "${platform}": use one of ${Object.keys(PLATFORMS).join(", ")}`);
  }
  const subject = typeof topic === "string" ? topic.replace(/\s+/gu, " ").trim() : "";
  if (subject === "") {
    throw new InvalidInput("topic is empty: say what the post shall be about");
  }
  if (url !== undefined && url !== null && !/^https?:\/\/\S+$/.test(url)) {
    throw new InvalidInput(`url is "${url}": it must begin with https:// or http://`);
  }
  const style = FRAMES[tone ?? "neutral"] === undefined ? "neutral" : (tone ?? "neutral");
  const complaints = (differences ?? []).map((difference) => String(difference).toLowerCase());
  const tooLong = complaints.some((complaint) => complaint.includes("more than") || complaint.includes("long") || complaint.includes("shorter"));
  const isSecond = complaints.some((complaint) => !KNOWN_BEFORE.some((words) => complaint.startsWith(words)));
  const room = tooLong ? Math.floor(rules.comfortable / 2) : Math.min(rules.limit, Math.max(rules.comfortable, 60));
  // Another attempt takes other words.
  const seed = pick(`${platform}|${subject.toLowerCase()}|${style}`) + complaints.length;
  const first = draft(rules, subject, style, url ?? undefined, room, seed, rules.hashtags.usual);
  const alternatives = [1, 2].map((turn) => draft(rules, subject, style, url ?? undefined, room, seed + turn * 37, rules.hashtags.usual).content);
  const isOffered = written !== null && written !== undefined;
  const wrong = isOffered ? (isSecond ? "an earlier attempt was not as expected" : wrongWith(rules, written.text, url ?? undefined)) : undefined;
  const isTaken = isOffered && wrong === undefined;
  const content = isTaken ? written.text.trim() : first.content;
  const hashtags = isTaken ? tagsIn(content) : first.hashtags;
  const length = lengthOn(rules, content);
  const offered = isTaken ? [first.content, ...alternatives] : alternatives;
  return {
    post: {
      platform,
      platformName: rules.name,
      content,
      hashtags,
      length,
      limit: rules.limit,
      tone: style,
      topic: subject,
      ...(isTaken && written.model !== undefined ? { model: String(written.model) } : {}),
    },
    alternatives: offered.filter((text, index, all) => text !== content && all.indexOf(text) === index),
    checks: [
      { check: "length", met: length <= rules.limit, detail: `${length} of ${rules.limit} characters` },
      { check: "hashtags", met: hashtags.length <= rules.hashtags.most, detail: `${hashtags.length} of at most ${rules.hashtags.most}` },
      ...(isOffered ? [{ check: "written", met: isTaken, detail: wrong ?? "the written text keeps the rules" }] : []),
    ],
  };
}
