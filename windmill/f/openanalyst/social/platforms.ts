// What each platform allows and likes, and how it counts.

/**
 * How a platform counts a text.
 *
 * - `twitter`: weights of twitter-text 3 (developer.x.com, "Counting characters"): Latin and its like 1, all else 2, an emoji of any
 *   length 2, a link 23, after NFC.
 * - `mastodon`: characters as people see them, a link 23, a mention without its server
 *   (github.com/mastodon/mastodon, app/validators/status_length_validator.rb).
 * - `graphemes`: characters as people see them (Bluesky: `maxGraphemes` of the lexicon app.bsky.feed.post).
 * - `threads`: characters, an emoji as many as it has bytes in UTF-8 (developers.facebook.com/docs/threads).
 * - `utf16`: UTF-16 code units. TikTok documents them ("2200 in UTF-16 runes", developers.tiktok.com, Content Posting API).
 *   LinkedIn, Instagram, Facebook and Pinterest document "characters" alone: their editors count in JavaScript, and no other
 *   reading but bytes ever counts more, so that what fits by this one fits.
 * - `characters`: code points (Reddit: a title of 300 characters, counted in Python).
 * - `bytes`: bytes of UTF-8 (YouTube: `snippet.description`, "maximum length of 5000 bytes", developers.google.com/youtube).
 */
export type Counting = "twitter" | "mastodon" | "graphemes" | "threads" | "utf16" | "characters" | "bytes";

/** The rules of a platform. */
export interface Platform {
  /** Its name for people. */
  name: string;
  /** Most characters of a post, as the platform counts. */
  limit: number;
  /** A length that reads well there. */
  comfortable: number;
  /** How many hashtags are usual, and the most that are sensible or allowed (Instagram 30, Threads 1). */
  hashtags: { usual: number; most: number };
  /** How it counts. */
  counts: Counting;
  /** Most bytes of UTF-8, where the platform bounds them too. */
  maxBytes?: number;
  /** Whether paragraphs are usual. */
  paragraphs: boolean;
}

export const PLATFORMS: Record<string, Platform> = {
  twitter: { name: "Twitter", limit: 280, comfortable: 240, hashtags: { usual: 2, most: 5 }, counts: "twitter", paragraphs: false },
  linkedin: { name: "LinkedIn", limit: 3000, comfortable: 700, hashtags: { usual: 3, most: 10 }, counts: "utf16", paragraphs: true },
  instagram: { name: "Instagram", limit: 2200, comfortable: 500, hashtags: { usual: 5, most: 30 }, counts: "utf16", paragraphs: true },
  facebook: { name: "Facebook", limit: 63206, comfortable: 500, hashtags: { usual: 1, most: 10 }, counts: "utf16", paragraphs: true },
  threads: { name: "Threads", limit: 500, comfortable: 300, hashtags: { usual: 1, most: 1 }, counts: "threads", paragraphs: false },
  mastodon: { name: "Mastodon", limit: 500, comfortable: 400, hashtags: { usual: 3, most: 10 }, counts: "mastodon", paragraphs: true },
  bluesky: { name: "Bluesky", limit: 300, comfortable: 260, hashtags: { usual: 1, most: 5 }, counts: "graphemes", maxBytes: 3000, paragraphs: false },
  tiktok: { name: "TikTok", limit: 2200, comfortable: 150, hashtags: { usual: 4, most: 30 }, counts: "utf16", paragraphs: false },
  youtube: { name: "YouTube", limit: 5000, comfortable: 600, hashtags: { usual: 3, most: 15 }, counts: "bytes", paragraphs: true },
  pinterest: { name: "Pinterest", limit: 500, comfortable: 300, hashtags: { usual: 3, most: 20 }, counts: "utf16", paragraphs: false },
  reddit: { name: "Reddit", limit: 300, comfortable: 120, hashtags: { usual: 0, most: 0 }, counts: "characters", paragraphs: false },
};

/** The rules of a platform, if there are any. */
export function rulesOf(platform: string): Platform | undefined {
  return Object.hasOwn(PLATFORMS, platform) ? PLATFORMS[platform] : undefined;
}

/** The rules of every platform, or of one. */
export async function main(platform?: string) {
  return platform === undefined ? PLATFORMS : (rulesOf(platform) ?? null);
}
