// Computes metrics from what it is given: the user's own posts, schedules, jobs and tasks, beside the tables of attached files. Each number says where it comes from;
// what is not there is named, and nothing is made up.

import type { Table } from "/f/openanalyst/analytics/generate_report";

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
 * @param tables attached files, as the skill has read them
 * @param range only what happened in this span; absent: everything
 * @param problems why other files could not be read
 */
export async function main(
  posts: Row[] = [],
  schedules: Row[] = [],
  jobs: Row[] = [],
  tasks: Row[] = [],
  tables: Table[] = [],
  range: Range | null = null,
  problems: string[] = [],
) {
  const metrics: Metric[] = [];
  const missing: string[] = [...(problems ?? [])];
  // Beside a file, its numbers are what was asked for: the user's own records are told where they were given.
  const hasFiles = (tables ?? []).length > 0;
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
  } else if (!hasFiles) {
    missing.push("You have no posts on record" + (range ? ` in ${range.label}` : "") + ".");
  }

  const active = (schedules ?? []).filter((schedule) => schedule.enabled);
  if ((schedules ?? []).length > 0) {
    add("schedules", "Schedules", schedules.length, "the workflow engine");
    add("schedules.active", "Schedules that will fire", active.length, "the workflow engine");
  } else if (!hasFiles) {
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
  } else if (!hasFiles) {
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

  if (!hasFiles) {
    missing.push("No file with numbers was attached, so there are no likes, clicks or other figures of a platform: attach its export as CSV or JSON.");
  }
  return { metrics, tables: tables ?? [], missing };
}
