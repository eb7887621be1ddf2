// Puts a post into the calendar: a schedule that fires once, at the given local time, and runs social/publish_post.
//
// The schedule's path comes from `key`, so the same key moves the schedule instead of making a second one.

import { ScheduleService, getWorkspace } from "windmill-client";
import { InvalidInput } from "/f/openanalyst/core/errors";
import { activity } from "/f/openanalyst/core/log_activity";
import { fits, lengthOn } from "/f/openanalyst/social/measure";
import { PLATFORMS, rulesOf } from "/f/openanalyst/social/platforms";

const LOCAL = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})$/;
const PUBLISH = "f/openanalyst/social/publish_post";

/**
 * @param platform where it will be posted
 * @param content the post
 * @param atMs when, UTC milliseconds
 * @param local the same moment on the user's clock, for example 2026-11-24T09:00
 * @param timeZone the user's time zone, an IANA name
 * @param key names the schedule: the id of the task that first made it
 * @param userFolder the user's folder, for example u/ada
 * @param nowMs the time now, UTC milliseconds: a moment that has passed is refused
 */
export async function main(
  platform: string,
  content: string,
  atMs: number,
  local: string,
  timeZone: string,
  key: string,
  userFolder: string,
  nowMs: number,
) {
  const rules = rulesOf(platform);
  if (rules === undefined) {
    throw new InvalidInput(`platform is "${platform}": use one of ${Object.keys(PLATFORMS).join(", ")}`);
  }
  if (typeof content !== "string" || content.trim() === "") {
    throw new InvalidInput("content is empty: write the post first");
  }
  if (!fits(rules, content)) {
    throw new InvalidInput(`content has ${lengthOn(rules, content)} of ${rules.limit} characters, as ${rules.name} counts: make it shorter`);
  }
  const time = LOCAL.exec(local ?? "");
  if (time === null || !Number.isFinite(atMs)) {
    throw new InvalidInput(`local is "${local}": give the time as 2026-11-24T09:00, and atMs as milliseconds`);
  }
  if (!(atMs > nowMs)) {
    throw new InvalidInput(`${local} has passed: choose a time to come`);
  }
  if (!/^[ug]\/[\w-]+$/.test(userFolder ?? "") || !/^[\w-]{1,100}$/.test(key ?? "")) {
    throw new InvalidInput("userFolder must look like u/ada, and key must be letters, digits, _ and -");
  }
  const [, year, month, day, hour, minute] = time.map(Number);
  const path = `${userFolder}/social/post_${key.replaceAll("-", "_")}`;
  const cron = `0 ${minute} ${hour} ${day} ${month} *`;
  const args = { platform, content, key, year, schedulePath: path, atMs };
  const summary = `Post on ${rules.name} at ${local.replace("T", " ")}`;
  const workspace = getWorkspace();
  const moved = await ScheduleService.existsSchedule({ workspace, path });
  if (moved) {
    await ScheduleService.updateSchedule({ workspace, path, requestBody: { schedule: cron, timezone: timeZone, args, summary, cron_version: "v2" } });
    await ScheduleService.setScheduleEnabled({ workspace, path, requestBody: { enabled: true } });
  } else {
    await ScheduleService.createSchedule({
      workspace,
      requestBody: { path, schedule: cron, timezone: timeZone, script_path: PUBLISH, is_flow: false, args, enabled: true, summary, cron_version: "v2" },
    });
  }
  return {
    schedule: { path, atMs, local, timeZone, cron, moved },
    $openanalyst: activity("post-scheduled", `${summary} (${timeZone})`, { path, platform, atMs }),
  };
}
