// Makes the part of an address out of a title: "Ten Things, Explained!" becomes "ten-things-explained".

import { write } from "openanalyst:skill/log@0.1.0";

/** What stands behind the colon, or the whole request. */
function titleOf(content) {
  const colon = content.indexOf(":");
  return (colon < 0 ? content : content.slice(colon + 1)).trim();
}

function slugOf(title) {
  const plain = title.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
}

export const handler = {
  plan(request) {
    if (titleOf(request.content) === "") {
      const question = { id: "title", text: "Which title shall become a slug?", options: [] };
      return { steps: [], questions: [question] };
    }
    const made = { pointer: "/slug", check: { tag: "matches", val: "^[a-z0-9]+(-[a-z0-9]+)*$" }, description: "the slug has letters or digits" };
    return { steps: [{ id: "slug", title: "Make the slug", action: { tag: "run", val: "{}" }, expects: [made] }], questions: [] };
  },

  run(_step, inputs) {
    const { content, answers } = inputs.request;
    const answer = answers.find((answer) => answer.questionId === "title" || answer.questionId === "*");
    const slug = slugOf(answer?.text ?? titleOf(content));
    if (slug === "") {
      // What is thrown is the failure of the WIT package.
      throw { tag: "invalid", val: "the title has no letters and no digits: give another one" };
    }
    write("info", `made ${slug}`);
    return { result: JSON.stringify({ slug }), summary: undefined };
  },

  reply(_request, results) {
    const { slug } = JSON.parse(results[0].output) ?? {};
    const content = slug === undefined ? `There is no slug: ${results[0].differences.join("; ")}` : `\`${slug}\``;
    return { content, data: results[0].output, questions: [] };
  },
};
