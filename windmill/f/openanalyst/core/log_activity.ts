// Writes an activity into the user's history. The host takes it out of the job's result when the job ends.

import { InvalidInput } from "/f/openanalyst/core/errors";
import type { Outbox } from "/f/openanalyst/core/send_ws_message";

/** An outbox with one activity. */
export function activity(kind: string, content: string, data: unknown = null): Outbox {
  return { messages: [], activities: [{ kind, content, data }] };
}

/** Several outboxes as one. */
export function together(...outboxes: Outbox[]): Outbox {
  return {
    messages: outboxes.flatMap((outbox) => outbox.messages),
    activities: outboxes.flatMap((outbox) => outbox.activities),
  };
}

/**
 * @param kind what happened, for example "post-published"
 * @param content one sentence about it
 * @param data anything that belongs to it
 */
export async function main(kind: string, content: string, data: unknown = null) {
  if (typeof kind !== "string" || kind.trim() === "") {
    throw new InvalidInput("kind is empty: say what happened, for example post-published");
  }
  if (typeof content !== "string" || content.trim() === "") {
    throw new InvalidInput("content is empty: give one sentence about what happened");
  }
  return { logged: true, $openanalyst: activity(kind, content, data) };
}
