// Computes engagement from given numbers: rates, best times, best posts. It adds nothing of its own, and says what is missing.

import { InvalidInput } from "/f/openanalyst/core/errors";

const REACTIONS = ["likes", "comments", "shares", "reposts", "retweets", "replies", "saves", "clicks", "reactions", "quotes", "bookmarks"];
const REACH = ["impressions", "views", "reach"];
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

type Row = Record<string, unknown>;

/** `public_metrics.like_count`, `Likes` and `like` are all `likes`. */
function plain(name: string): string {
  const last = name.slice(name.lastIndexOf(".") + 1).toLowerCase().trim();
  const word = last.replace(/^(number|total) of |^total /, "").replace(/[ _-]counts?$/, "");
  return word === "reply" ? "replies" : word === "reach" || word.endsWith("s") ? word : `${word}s`;
}

/** Only numbers count: a text such as "1.234" has two readings, between which the reader of the file decides. */
function numberIn(row: Row, names: string[]): number | undefined {
  let sum: number | undefined;
  for (const [name, value] of Object.entries(row)) {
    if (names.includes(plain(name)) && typeof value === "number" && Number.isFinite(value)) {
      sum = (sum ?? 0) + value;
    }
  }
  return sum;
}

/** A day in ISO 8601, with or without a time. Anything else, such as 03/02/2026, may mean two days and is not read. */
const ISO_DATE = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/** The moment of a text, and whether it names a time of day. A time without a zone is taken as UTC. */
function moment(value: unknown): { date: Date; hasTime: boolean } | undefined {
  const text = String(value ?? "").trim();
  if (!ISO_DATE.test(text)) {
    return undefined;
  }
  const hasTime = text.includes(":");
  const zoned = !hasTime || /(Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`;
  const date = new Date(zoned.replace(" ", "T"));
  return Number.isNaN(date.getTime()) ? undefined : { date, hasTime };
}

/** The largest of the numbers under these names: impressions and reach count the same people. */
function reachOf(row: Row): number | undefined {
  const all = REACH.map((name) => numberIn(row, [name])).filter((number) => number !== undefined);
  return all.length === 0 ? undefined : Math.max(...all);
}

function round(number: number): number {
  return Math.round(number * 10000) / 10000;
}

function mean(numbers: number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

/**
 * @param posts one row for each post, with what is known of it: likes, comments, shares, impressions, postedAt (ISO 8601), content, platform …; numbers as numbers
 * @param notes how the posts' files were read: what was left out, what was decided by a weak sign; handed on to the answer
 */
export async function main(posts: Row[] = [], notes: string[] = []) {
  if (!Array.isArray(posts)) {
    throw new InvalidInput("posts must be a list with one object for each post");
  }
  const missing: string[] = [];
  const counted = posts
    .map((row, index) => ({ row, index, reactions: numberIn(row, REACTIONS), reach: reachOf(row) }))
    .filter((post) => post.reactions !== undefined);
  if (posts.length === 0) {
    missing.push("no posts were given");
  } else if (counted.length < posts.length) {
    missing.push(`${posts.length - counted.length} of ${posts.length} posts have no numbers of reactions (${REACTIONS.join(", ")})`);
  }
  const withReach = counted.filter((post) => post.reach !== undefined && post.reach > 0);
  if (counted.length > 0 && withReach.length < counted.length) {
    missing.push(`${counted.length - withReach.length} posts have no impressions, views or reach, so they have no rate`);
  }
  const label = (post: (typeof counted)[number]) =>
    String(post.row.content ?? post.row.title ?? post.row.id ?? `post ${post.index + 1}`).slice(0, 80);
  const byTime: Record<string, number[]> = {};
  const byDay: Record<string, number[]> = {};
  let undated = 0;
  for (const post of counted) {
    const posted = moment(post.row.postedAt ?? post.row.posted_at ?? post.row.date ?? post.row.day);
    if (posted === undefined) {
      undated += 1;
      continue;
    }
    (byDay[DAYS[posted.date.getUTCDay()]] ??= []).push(post.reactions ?? 0);
    if (posted.hasTime) {
      (byTime[`${String(posted.date.getUTCHours()).padStart(2, "0")}:00`] ??= []).push(post.reactions ?? 0);
    }
  }
  if (undated > 0) {
    missing.push(`${undated} posts have no date such as 2026-11-03, so they say nothing about times`);
  }
  const best = (groups: Record<string, number[]>) =>
    Object.entries(groups)
      .map(([name, numbers]) => ({ name, posts: numbers.length, meanReactions: round(mean(numbers)) }))
      .sort((a, b) => b.meanReactions - a.meanReactions || a.name.localeCompare(b.name));
  return {
    engagement: {
      posts: posts.length,
      counted: counted.length,
      reactions: counted.length === 0 ? null : counted.reduce((sum, post) => sum + (post.reactions ?? 0), 0),
      meanReactions: counted.length === 0 ? null : round(mean(counted.map((post) => post.reactions ?? 0))),
      rate: withReach.length === 0 ? null : round(withReach.reduce((sum, post) => sum + (post.reactions ?? 0), 0) / withReach.reduce((sum, post) => sum + (post.reach ?? 0), 0)),
      bestDays: best(byDay),
      bestHours: best(byTime),
      top: [...counted]
        .sort((a, b) => (b.reactions ?? 0) - (a.reactions ?? 0) || a.index - b.index)
        .slice(0, 5)
        .map((post) => ({ post: label(post), reactions: post.reactions, rate: post.reach ? round((post.reactions ?? 0) / post.reach) : null })),
    },
    missing,
    notes,
  };
}
