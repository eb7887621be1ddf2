// Computes metrics from what it is given: the user's own posts, schedules, jobs and tasks, and attached files. Each number says where it comes from;
// what is not there is named, and nothing is made up.

import { type Table, table } from "/f/openanalyst/analytics/tables";

type Row = Record<string, any>;

interface Metric {
  name: string;
  label: string;
  value: number;
  unit?: string;
  source: string;
}

interface Range {
  fromMs: number;
  toMs: number;
  label: string;
}

/**
 * @param posts the user's posts, from memory: {platform, content, atMs?, createdAtMs}
 * @param schedules the user's schedules: {path, enabled, next_at_ms}
 * @param jobs the user's jobs: {path, status, createdAtMs}
 * @param tasks the user's requests: {status, skill, acceptedAtMs, durationMs}
 * @param files attached files as text: {name, mediaType, text}
 * @param range only what happened in this span; absent: everything
 */
export async function main(
  posts: Row[] = [],
  schedules: Row[] = [],
  jobs: Row[] = [],
  tasks: Row[] = [],
  files: { name: string; mediaType: string; text: string }[] = [],
  range: Range | null = null,
) {
  const metrics: Metric[] = [];
  const missing: string[] = [];
  const within = (at: unknown) => range === null || range === undefined || (typeof at === "number" && at >= range.fromMs && at < range.toMs);
  const add = (name: string, label: string, value: number, source: string, unit?: string) =>
    metrics.push(unit === undefined ? { name, label, value, source } : { name, label, value, unit, source });

  const ownPosts = (posts ?? []).filter((post) => within(post.createdAtMs ?? post.atMs));
  if (ownPosts.length > 0) {
    add("posts", "Posts written", ownPosts.length, "your posts in memory");
    const platforms = [...new Set(ownPosts.map((post) => String(post.platform)))].sort();
    for (const platform of platforms) {
      add(`posts.${platform}`, `Posts for ${platform}`, ownPosts.filter((post) => post.platform === platform).length, "your posts in memory");
    }
  } else {
    missing.push("You have no posts on record" + (range ? ` in ${range.label}` : "") + ".");
  }

  const active = (schedules ?? []).filter((schedule) => schedule.enabled);
  if ((schedules ?? []).length > 0) {
    add("schedules", "Schedules", schedules.length, "the workflow engine");
    add("schedules.active", "Schedules that will fire", active.length, "the workflow engine");
  } else {
    missing.push("You have no schedules.");
  }

  const ownJobs = (jobs ?? []).filter((job) => within(job.createdAtMs));
  if (ownJobs.length > 0) {
    const done = ownJobs.filter((job) => job.status === "done").length;
    const failed = ownJobs.filter((job) => job.status === "failed").length;
    add("jobs", "Jobs", ownJobs.length, "the workflow engine");
    add("jobs.done", "Jobs that succeeded", done, "the workflow engine");
    add("jobs.failed", "Jobs that failed", failed, "the workflow engine");
    if (done + failed > 0) {
      add("jobs.success", "Success of jobs", Math.round((done / (done + failed)) * 1000) / 10, "the workflow engine", "%");
    }
  } else {
    missing.push("No jobs ran for you" + (range ? ` in ${range.label}` : "") + ".");
  }

  const ownTasks = (tasks ?? []).filter((task) => within(task.acceptedAtMs));
  if (ownTasks.length > 0) {
    const completed = ownTasks.filter((task) => task.status === "completed");
    add("tasks", "Requests", ownTasks.length, "your earlier requests");
    add("tasks.completed", "Requests completed", completed.length, "your earlier requests");
    const times = completed.map((task) => task.durationMs).filter((time) => typeof time === "number");
    if (times.length > 0) {
      add("tasks.duration", "Mean time of a request", Math.round(times.reduce((sum, time) => sum + time, 0) / times.length), "your earlier requests", "ms");
    }
  }

  const tables: Table[] = (files ?? []).map(table);
  for (const read of tables) {
    if (read.problem !== null) {
      missing.push(`The file ${read.file} gave no numbers: ${read.problem}.`);
    }
  }
  if (tables.length === 0) {
    missing.push("No file with numbers was attached, so there are no likes, clicks or other figures of a platform: attach its export as CSV or JSON.");
  }
  return { metrics, tables, missing };
}
