// The module "windmill-client", as scripts import it: the same names, argument shapes and errors as the npm package, so that a script
// runs unchanged here and on a real Windmill. Nothing is decided here: every call goes to the host as `<Service>.<method>` with the
// client's own argument object, and the host checks the rights of the job's owner.
//
// Absent on purpose, because scripts here have no network, no tokens and no files: setClient, getIdToken, everything of S3, databases,
// DuckDB, approvals and Slack. Importing them fails by name when the script is loaded.

import { call as hostCall, progress as hostProgress, environment } from "openanalyst:host";

// ---- Calls -------------------------------------------------------------------------------------------------------------------

const STATUS_TEXTS = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  422: "Unprocessable Entity",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
};

/** What a call throws that Windmill answers with a status of 400 or more; `body` is the text of the answer. */
export class ApiError extends Error {
  constructor(operation, status, body) {
    const statusText = STATUS_TEXTS[status] ?? "Error";
    super(`${operation}: ${status} ${statusText}: ${body}`);
    this.name = "ApiError";
    this.url = operation;
    this.status = status;
    this.statusText = statusText;
    this.body = body;
  }
}

/** Calls the host. Values that JSON has no word for vanish, as they would over HTTP. */
function request(operation, data) {
  const answer = hostCall(operation, JSON.stringify({ workspace: getWorkspace(), ...data }));
  if (typeof answer === "string") {
    return JSON.parse(answer);
  }
  throw new ApiError(operation, answer.status, answer.message);
}

/** A class of the client: static methods that take one object and give a promise. */
function service(name, methods) {
  const members = {};
  for (const method of methods) {
    members[method] = async (data = {}) => request(`${name}.${method}`, data);
  }
  return new Proxy(members, {
    get(target, key) {
      if (key in target || typeof key === "symbol" || key === "then") {
        return target[key];
      }
      throw new TypeError(`${name}.${key} is not available to scripts here; available: ${methods.join(", ")}`);
    },
  });
}

export const JobService = service("JobService", [
  "runScriptByPath", // {path, requestBody, scheduledFor?, scheduledInSecs?, jobId?} → job id
  "runFlowByPath", // the same
  "runWaitResultScriptByPath", // {path, requestBody} → result
  "runWaitResultFlowByPath",
  "getJob", // {id, noLogs?} → QueuedJob or CompletedJob
  "getJobLogs", // {id} → text
  "getJobUpdates", // {id, running?, logOffset?}
  "getJobProgress", // {id} → percent or null
  "listJobs", // {scriptPathExact?, scriptPathStart?, running?, success?, createdAfter?, createdBefore?, perPage?, page?}
  "listQueue",
  "listCompletedJobs",
  "cancelQueuedJob", // {id, requestBody: {reason?}}
  "getCompletedJob", // {id}
  "getCompletedJobResult", // {id} → result
  "getCompletedJobResultMaybe", // {id, getStarted?} → {completed, success, started, result}
]);

export const ScheduleService = service("ScheduleService", [
  "createSchedule", // {requestBody: {path, schedule, timezone, script_path, is_flow, args, enabled?, cron_version?, summary?}}
  "updateSchedule", // {path, requestBody: {schedule, timezone, args, …}}
  "existsSchedule", // {path} → boolean
  "getSchedule", // {path}
  "listSchedules", // {path?, pathStart?, isFlow?, perPage?, page?}
  "setScheduleEnabled", // {path, requestBody: {enabled}}
  "deleteSchedule", // {path}
  "previewSchedule", // {requestBody: {schedule, timezone, cron_version?}} → list of times
]);

export const ScriptService = service("ScriptService", [
  "existsScriptByPath", // {path} → boolean
  "getScriptByPath", // {path}
  "createScript", // {requestBody: {path, summary, content, language, description?, …}} → hash
  "listScripts", // {pathStart?, perPage?, page?}
  "archiveScriptByPath", // {path}
  "deleteScriptByPath", // {path}
]);

export const FlowService = service("FlowService", [
  "createFlow", // {requestBody: {path, summary, value, …}}
  "updateFlow", // {path, requestBody}
  "existsFlowByPath", // {path} → boolean
  "getFlowByPath", // {path}
  "listFlows", // {pathStart?, perPage?, page?}
  "archiveFlowByPath", // {path, requestBody: {archived}}
  "deleteFlowByPath", // {path}
]);

export const VariableService = service("VariableService", [
  "createVariable", // {requestBody: {path, value, is_secret, description}}
  "updateVariable", // {path, requestBody: {value, …}}
  "existsVariable", // {path} → boolean
  "getVariable", // {path}
  "getVariableValue", // {path} → text
  "listVariable", // {pathStart?, perPage?, page?}
  "deleteVariable", // {path}
]);

export const ResourceService = service("ResourceService", [
  "createResource", // {requestBody: {path, value, resource_type, description?}}
  "updateResource", // {path, requestBody: {value, …}}
  "updateResourceValue", // {path, requestBody: {value}}
  "existsResource", // {path} → boolean
  "getResource", // {path}
  "getResourceValue", // {path} → value
  "getResourceValueInterpolated", // {path} → value, `$var:` and `$res:` replaced
  "listResource", // {pathStart?, resourceType?, perPage?, page?}
  "deleteResource", // {path}
]);

// ---- Who and where -----------------------------------------------------------------------------------------------------------

/** The workspace of the running job. */
export function getWorkspace() {
  return environment.WM_WORKSPACE ?? "no_workspace_found";
}

/** The path under which this script keeps its state. */
export function getStatePath() {
  const path = environment.WM_STATE_PATH_NEW ?? environment.WM_STATE_PATH;
  if (path === undefined) {
    throw new Error("State path not found in environment variables");
  }
  return path;
}

/** The job that started this one, or this one itself. */
export async function getRootJobId(jobId) {
  const id = jobId ?? environment.WM_JOB_ID;
  const job = await JobService.getJob({ id });
  return job.parent_job ?? id;
}

// ---- Variables, resources, state ---------------------------------------------------------------------------------------------

/** The value of a variable. */
export async function getVariable(path) {
  try {
    return await VariableService.getVariableValue({ path });
  } catch (error) {
    throw new Error(`Variable not found at ${path} or not visible to you: ${error.body ?? error.message}`, { cause: error });
  }
}

/** Sets a variable, making it if there is none. */
export async function setVariable(path, value, isSecretIfNotExist, descriptionIfNotExist) {
  if (await VariableService.existsVariable({ path })) {
    await VariableService.updateVariable({ path, requestBody: { value } });
  } else {
    const requestBody = { path, value, is_secret: isSecretIfNotExist ?? false, description: descriptionIfNotExist ?? "" };
    await VariableService.createVariable({ requestBody });
  }
}

/** The value of a resource, references in it replaced. */
export async function getResource(path, undefinedIfEmpty) {
  const at = path ?? getStatePath();
  try {
    return await ResourceService.getResourceValueInterpolated({ path: at });
  } catch (error) {
    if (undefinedIfEmpty && error.status === 404) {
      return undefined;
    }
    throw new Error(`Resource not found at ${at} or not visible to you: ${error.body ?? error.message}`, { cause: error });
  }
}

/** Sets a resource; one that does not exist is made only if its type is given. */
export async function setResource(value, path, initializeToTypeIfNotExist) {
  const at = path ?? getStatePath();
  if (await ResourceService.existsResource({ path: at })) {
    await ResourceService.updateResourceValue({ path: at, requestBody: { value } });
  } else if (initializeToTypeIfNotExist) {
    await ResourceService.createResource({ requestBody: { path: at, value, resource_type: initializeToTypeIfNotExist } });
  } else {
    throw new Error(`Resource at path ${at} does not exist and no type was provided to initialize it`);
  }
}

/** Follows `$res:path` to the resource it names; any other value is returned as it is. */
export async function resolveDefaultResource(value) {
  return typeof value === "string" && value.startsWith("$res:") ? getResource(value.slice(5), true) : value;
}

/** What this script remembered in an earlier run, or `undefined`. */
export async function getState(path) {
  return request("wmill.getState", { path: path ?? environment.WM_STATE_PATH_NEW ?? environment.WM_STATE_PATH }) ?? undefined;
}

/** Remembers a value for the next run of this script. */
export async function setState(state, path) {
  request("wmill.setState", { path: path ?? environment.WM_STATE_PATH_NEW ?? environment.WM_STATE_PATH, value: state });
}

export const getInternalState = getState;
export const setInternalState = setState;

// ---- Progress ----------------------------------------------------------------------------------------------------------------

let lastPercent = 0;

/** Says how far this job is, 0 to 100. `message` is an addition of this host; Windmill's second argument, a job id, is ignored. */
export async function setProgress(percent, _jobId, message) {
  const number = Number(percent);
  if (!Number.isFinite(number)) {
    throw new RangeError(`setProgress: ${percent} is not a number between 0 and 100`);
  }
  lastPercent = Math.min(100, Math.max(0, number));
  hostProgress(lastPercent, message);
}

/** How far a job is; without an id, this one. */
export async function getProgress(jobId) {
  return jobId === undefined || jobId === environment.WM_JOB_ID ? lastPercent : JobService.getJobProgress({ id: jobId });
}

// ---- Jobs --------------------------------------------------------------------------------------------------------------------

/** Starts a script and gives the job's id at once. */
export async function runScriptByPathAsync(path, args = {}, scheduledInSeconds = undefined) {
  return JobService.runScriptByPath({
    path,
    requestBody: args ?? {},
    scheduledInSecs: scheduledInSeconds ?? undefined,
    parentJob: environment.WM_JOB_ID,
  });
}

/** The older form of `runScriptByPathAsync`; scripts cannot be run by hash here. */
export async function runScriptAsync(path, hash, args, scheduledInSeconds = null) {
  refuseHash("runScriptAsync", path, hash);
  return runScriptByPathAsync(path, args, scheduledInSeconds);
}

/** Starts a flow and gives the job's id at once. With `doNotTrackInParent`, the job has no parent. */
export async function runFlowAsync(path, args = {}, scheduledInSeconds = null, doNotTrackInParent = true) {
  return JobService.runFlowByPath({
    path,
    requestBody: args ?? {},
    scheduledInSecs: scheduledInSeconds ?? undefined,
    parentJob: doNotTrackInParent ? undefined : environment.WM_JOB_ID,
  });
}

/** Runs a script and waits for its result. */
export async function runScriptByPath(path, args = {}, verbose = false) {
  return waitJob(await runScriptByPathAsync(path, args), verbose);
}

/** The older form of `runScriptByPath`. */
export async function runScript(path, hash, args, verbose = false) {
  refuseHash("runScript", path, hash);
  return runScriptByPath(path, args, verbose);
}

/** Runs a flow and waits for its result. */
export async function runFlow(path, args = {}, verbose = false) {
  return waitJob(await runFlowAsync(path, args, null, false), verbose);
}

function refuseHash(name, path, hash) {
  if (hash || !path) {
    throw new TypeError(`${name}: scripts are run by path here, not by hash; call runScriptByPath("f/…", args)`);
  }
}

/** Waits for a job and gives its result; throws what made it fail. */
export async function waitJob(jobId, verbose = false) {
  for (;;) {
    // The host waits, at most as long as one call may last; an unknown job is a 404.
    const state = request("wmill.waitJob", { id: jobId });
    if (state.completed) {
      if (state.success) {
        return state.result;
      }
      const error = state.result?.error;
      const reason = error ? `${error.name}: ${error.message}` : JSON.stringify(state.result);
      throw new Error(`Job ${jobId} was not successful: ${reason}`, { cause: error });
    }
    if (verbose) {
      console.log(`waiting for job ${jobId}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The result of a finished job. */
export async function getResult(jobId) {
  return JobService.getCompletedJobResult({ id: jobId });
}

/** Whether a job has finished, and with what: `{completed, success, result}`. */
export async function getResultMaybe(jobId) {
  return JobService.getCompletedJobResultMaybe({ id: jobId });
}

/** "WAITING", "RUNNING" or "COMPLETED". */
export async function getJobStatus(jobId) {
  const job = await JobService.getJob({ id: jobId, noLogs: true });
  return job.type === "CompletedJob" ? "COMPLETED" : job.running ? "RUNNING" : "WAITING";
}

/** Cancels a job. */
export async function cancelJob(jobId, reason) {
  return JobService.cancelQueuedJob({ id: jobId, requestBody: { reason } });
}

// ---- Bytes -------------------------------------------------------------------------------------------------------------------

/** Base64 of bytes. */
export function uint8ArrayToBase64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** Bytes of Base64. */
export function base64ToUint8Array(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
