// Counts which words stand most often in a text: the one behind the colon, or the attached files.

import { write } from "openanalyst:skill/log@0.1.0";

const SHOWN = 5;
const SMALL_WORDS = new Set(["a", "an", "the", "and", "or", "of", "in", "on", "for", "to", "with", "at", "by", "is", "it", "was", "be"]);

function textOf(request) {
  if (request.attachments.length > 0) {
    const decoder = new TextDecoder();
    return request.attachments.map((file) => decoder.decode(new Uint8Array(file.content))).join("\n");
  }
  return request.content.slice(request.content.indexOf(":") + 1);
}

function frequent(text) {
  const counts = new Map();
  // The engine is built without Unicode's tables, so words are what stands between spaces and marks.
  for (const word of text.toLowerCase().match(/[^\s.,;:!?"'()\[\]{}<>*#/\\|–—…-]+/g) ?? []) {
    if (!SMALL_WORDS.has(word)) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, SHOWN);
}

export const handler = {
  plan() {
    const counted = { pointer: "/words/0", check: { tag: "present" }, description: "the text has words" };
    return { steps: [{ id: "count", title: "Count the words", action: { tag: "run", val: "{}" }, expects: [counted] }], questions: [] };
  },

  run(_step, inputs) {
    const words = frequent(textOf(inputs.request)).map(([word, count]) => ({ word, count }));
    write("info", `${words.length} words are shown`);
    return { result: JSON.stringify({ words }), summary: undefined };
  },

  reply(_request, results) {
    const words = JSON.parse(results[0].output)?.words ?? [];
    const lines = words.map(({ word, count }) => `| ${word} | ${count} |`);
    const content = lines.length > 0 ? ["| word | times |", "|---|---:|", ...lines].join("\n") : "There is no text: put it behind a colon, or attach it.";
    return { content, data: results[0].output, questions: [] };
  },
};
