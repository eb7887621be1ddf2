// A template to copy into your own folder: writes a post and gives it back. Change the topic, or run it on a schedule.

import { main as createPost } from "/f/openanalyst/social/create_post";

export async function main(topic = "our week", platform = "linkedin", tone = "friendly") {
  return createPost(platform, topic, tone);
}
