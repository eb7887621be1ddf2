// Makes or changes a schedule for any script, from plain arguments.

import { ScheduleService, getWorkspace } from "windmill-client";
import { InvalidInput } from "/f/openanalyst/core/errors";

/**
 * @param path where the schedule shall stand, for example u/ada/weekly
 * @param scriptPath what it runs
 * @param cron six fields, seconds first, Monday is 1
 * @param timeZone an IANA name
 * @param args with which arguments
 */
export async function main(path: string, scriptPath: string, cron: string, timeZone: string, args: Record<string, unknown> = {}, summary = "") {
  for (const [name, value] of Object.entries({ path, scriptPath, cron, timeZone })) {
    if (typeof value !== "string" || value === "") {
      throw new InvalidInput(`${name} is missing`);
    }
  }
  const workspace = getWorkspace();
  const changed = await ScheduleService.existsSchedule({ workspace, path });
  const sameScript = changed && (await ScheduleService.getSchedule({ workspace, path })).script_path === scriptPath;
  if (changed && !sameScript) {
    // An update cannot change what a schedule runs.
    await ScheduleService.deleteSchedule({ workspace, path });
  }
  if (sameScript) {
    await ScheduleService.updateSchedule({ workspace, path, requestBody: { schedule: cron, timezone: timeZone, args, summary, cron_version: "v2" } });
  } else {
    await ScheduleService.createSchedule({
      workspace,
      requestBody: { path, schedule: cron, timezone: timeZone, script_path: scriptPath, is_flow: false, args, enabled: true, summary, cron_version: "v2" },
    });
  }
  const next: string[] = await ScheduleService.previewSchedule({ requestBody: { schedule: cron, timezone: timeZone, cron_version: "v2" } });
  return { schedule: { path, scriptPath, cron, timeZone, changed }, next: next.slice(0, 3) };
}
