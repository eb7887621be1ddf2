// Sends a message to the user. The host takes it out of the job's result when the job ends, delivers it over the hub, and keeps it for the user's
// next connection if there is none now.

import { InvalidInput } from "/f/openanalyst/core/errors";

/** What the host takes out of a job's result. */
export interface Outbox {
  messages: { title: string; content: string; level: string }[];
  activities: { kind: string; content: string; data: unknown }[];
}

const LEVELS = ["info", "success", "warning", "error"];

/** An outbox with one message. */
export function message(title: string, content: string, level = "info"): Outbox {
  return { messages: [{ title, content, level }], activities: [] };
}

/**
 * @param content the message, Markdown, at most 16,000 characters
 * @param title one line above it
 * @param level info, success, warning or error
 */
export async function main(content: string, title = "Message", level = "info") {
  if (typeof content !== "string" || content.trim() === "") {
    throw new InvalidInput("content is empty: give the text of the message");
  }
  if (!LEVELS.includes(level)) {
    throw new InvalidInput(`level is "${level}": use one of ${LEVELS.join(", ")}`);
  }
  return { sent: true, $openanalyst: message(title, content, level) };
}
