// A report about your own jobs and schedules, sent to you as a message. Made to be run by a schedule.

import { JobService, ScheduleService, getWorkspace } from "windmill-client";
import { main as fetchMetrics } from "/f/openanalyst/analytics/fetch_metrics";
import { main as generateReport } from "/f/openanalyst/analytics/generate_report";
import { message } from "/f/openanalyst/core/send_ws_message";

const STATUS = (job: any) => (job.type !== "CompletedJob" ? "running" : job.success ? "done" : job.canceled ? "cancelled" : "failed");

/**
 * @param title the heading of the report
 * @param displayName how you are called
 */
export async function main(title = "Analytics report", displayName: string | null = null) {
  const workspace = getWorkspace();
  const jobs: any[] = await JobService.listJobs({ workspace, perPage: 100 });
  const schedules: any[] = await ScheduleService.listSchedules({ workspace, perPage: 100 });
  const own = process.env.WM_PERMISSIONED_AS ?? "";
  const rows = jobs.map((job) => ({ path: job.script_path, status: STATUS(job), createdAtMs: new Date(job.created_at).getTime() }));
  const mine = schedules.filter((schedule) => own === "" || String(schedule.path).startsWith(`${own}/`));
  const { metrics, tables, missing } = await fetchMetrics([], mine, rows, [], [], null);
  // This script sees the workflow engine only; what it cannot see it does not call missing.
  const seen = missing.filter((text) => !text.startsWith("You have no posts") && !text.startsWith("No file"));
  const { report } = await generateReport(title, metrics, tables, seen, null, displayName);
  return { report, $openanalyst: message(title, report.markdown, "info") };
}
