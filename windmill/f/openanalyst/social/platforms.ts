// What each platform allows and likes.

/** The rules of a platform. */
export interface Platform {
  /** Its name for people. */
  name: string;
  /** Most characters of a post. */
  limit: number;
  /** A length that reads well there. */
  comfortable: number;
  /** How many hashtags are usual, and the most that are allowed. */
  hashtags: { usual: number; most: number };
  /** How many characters a link counts; 0: as many as it has. */
  link: number;
  /** Whether paragraphs are usual. */
  paragraphs: boolean;
}

export const PLATFORMS: Record<string, Platform> = {
  twitter: { name: "Twitter", limit: 280, comfortable: 240, hashtags: { usual: 2, most: 5 }, link: 23, paragraphs: false },
  linkedin: { name: "LinkedIn", limit: 3000, comfortable: 700, hashtags: { usual: 3, most: 10 }, link: 0, paragraphs: true },
  instagram: { name: "Instagram", limit: 2200, comfortable: 500, hashtags: { usual: 5, most: 30 }, link: 0, paragraphs: true },
  facebook: { name: "Facebook", limit: 63206, comfortable: 500, hashtags: { usual: 1, most: 10 }, link: 0, paragraphs: true },
  threads: { name: "Threads", limit: 500, comfortable: 300, hashtags: { usual: 1, most: 1 }, link: 0, paragraphs: false },
  mastodon: { name: "Mastodon", limit: 500, comfortable: 400, hashtags: { usual: 3, most: 10 }, link: 23, paragraphs: true },
  bluesky: { name: "Bluesky", limit: 300, comfortable: 260, hashtags: { usual: 1, most: 5 }, link: 0, paragraphs: false },
  tiktok: { name: "TikTok", limit: 2200, comfortable: 150, hashtags: { usual: 4, most: 30 }, link: 0, paragraphs: false },
  youtube: { name: "YouTube", limit: 5000, comfortable: 600, hashtags: { usual: 3, most: 15 }, link: 0, paragraphs: true },
  pinterest: { name: "Pinterest", limit: 500, comfortable: 300, hashtags: { usual: 3, most: 20 }, link: 0, paragraphs: false },
  reddit: { name: "Reddit", limit: 300, comfortable: 120, hashtags: { usual: 0, most: 0 }, link: 0, paragraphs: false },
};

const LINK = /https?:\/\/\S+/g;

/** How long a text is by a platform's own counting. */
export function lengthOn(platform: Platform, text: string): number {
  let length = Array.from(text).length;
  if (platform.link > 0) {
    for (const link of text.match(LINK) ?? []) {
      length += platform.link - Array.from(link).length;
    }
  }
  return length;
}

/** The rules of every platform, or of one. */
export async function main(platform?: string) {
  return platform === undefined ? PLATFORMS : (PLATFORMS[platform] ?? null);
}
