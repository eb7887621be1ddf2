// Runs when a scheduled post falls due. With a connector for the platform it hands the post to it; without one it says that the post is due, and
// does not pretend more.
//
// A connector is a resource `{"script": "f/…/…"}` at `connectors/PLATFORM` in the user's folder, or in f/openanalyst/connectors for everybody.

import { ResourceService, ScheduleService, getWorkspace, runScriptByPath } from "windmill-client";
import { activity, together } from "/f/openanalyst/core/log_activity";
import { message } from "/f/openanalyst/core/send_ws_message";
import { fits, lengthOn } from "/f/openanalyst/social/measure";
import { rulesOf } from "/f/openanalyst/social/platforms";

/** The script that publishes on a platform, if one is configured. */
async function connectorFor(platform: string, userFolder: string): Promise<string | undefined> {
  const workspace = getWorkspace();
  for (const path of [`${userFolder}/connectors/${platform}`, `f/openanalyst/connectors/${platform}`]) {
    if (await ResourceService.existsResource({ workspace, path })) {
      const connector: any = await ResourceService.getResourceValue({ workspace, path });
      if (typeof connector?.script === "string") {
        return connector.script;
      }
    }
  }
  return undefined;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** The moment for which this run was scheduled. The machine's own clock may stand in another year than the user's. */
function dueMs(): number {
  const scheduled = Date.parse(process.env.WM_SCHEDULED_FOR ?? "");
  return Number.isNaN(scheduled) ? Date.now() : scheduled;
}

/**
 * Whether this run is one of an earlier year: cron has no year, so the schedule fires on its day of every year. `year` is that of the user's
 * calendar, which may be a day ahead of or behind UTC's.
 */
function isEarly(due: number, year: number, atMs: number | null): boolean {
  const at = typeof atMs === "number" ? atMs : Date.UTC(year, 0, 1);
  return due < at - DAY_MS;
}

/**
 * @param platform where
 * @param content the post
 * @param key the key of the schedule
 * @param year the year for which it was scheduled, in the user's time zone
 * @param schedulePath the schedule, which is switched off when it fired
 * @param atMs the moment for which it was scheduled, UTC milliseconds; schedules of earlier versions have only the year
 */
export async function main(platform: string, content: string, key: string, year: number, schedulePath: string, atMs: number | null = null) {
  const workspace = getWorkspace();
  if (isEarly(dueMs(), year, atMs)) {
    return { status: "waiting", detail: `it is for the year ${year}` };
  }
  const rules = rulesOf(platform);
  const name = rules?.name ?? platform;
  const userFolder = schedulePath.split("/").slice(0, 2).join("/");
  const script = await connectorFor(platform, userFolder);
  let outcome;
  if (rules !== undefined && !fits(rules, content)) {
    // The platform would refuse it, or cut it. It was scheduled before its length was checked, or changed in the schedule.
    const detail = `it has ${lengthOn(rules, content)} of ${rules.limit} characters, as ${name} counts, so nothing was published`;
    outcome = {
      status: "due",
      detail,
      $openanalyst: together(
        message(`Your ${name} post is due and too long`, `${content}\n\nIt was not published: ${detail}. Make it shorter, and post or schedule it again.`, "warning"),
        activity("post-due", `A post for ${name} fell due and was not published: it is too long`, { platform, key, schedulePath }),
      ),
    };
  } else if (script === undefined) {
    outcome = {
      status: "due",
      detail: `no connector for ${name} is configured, so nothing was published`,
      $openanalyst: together(
        message(`Your ${name} post is due`, `${content}\n\nNo connector for ${name} is configured, so it was not published. Post it now, or set up a connector.`, "warning"),
        activity("post-due", `A post for ${name} fell due and was not published: no connector`, { platform, key, schedulePath }),
      ),
    };
  } else {
    const published = await runScriptByPath(script, { platform, content, key });
    outcome = {
      status: "published",
      result: published,
      $openanalyst: together(
        message(`Published on ${name}`, content, "success"),
        activity("post-published", `A post was published on ${name}`, { platform, key, schedulePath, result: published }),
      ),
    };
  }
  // Once is enough. It comes last: a run that was cut off before this runs again.
  if (await ScheduleService.existsSchedule({ workspace, path: schedulePath })) {
    await ScheduleService.setScheduleEnabled({ workspace, path: schedulePath, requestBody: { enabled: false } });
  }
  return { platform, content, ...outcome };
}
