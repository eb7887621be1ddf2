// `console`, made when a script first uses it. Evaluates to a function that gets the runner's native `log(level, message)`, levels as
// in `Level`, and gives the object.

(function (log) {
  "use strict";
  const [DEBUG, INFO, WARN, ERROR] = [0, 1, 2, 3];

  // Objects are written as JSON in one line, because a job's log is read as text.

  /** What JSON has no word for, in words; circles end in "[Circular]". */
  function toJson(value) {
    const ancestors = [];
    return JSON.stringify(value, function (key, member) {
      if (typeof member === "bigint" || typeof member === "symbol" || typeof member === "function") {
        return String(member).slice(0, 100);
      }
      if (member instanceof Error) {
        return `${member.name}: ${member.message}`;
      }
      if (typeof member !== "object" || member === null) {
        return member;
      }
      while (ancestors.length > 0 && ancestors.at(-1) !== this) {
        ancestors.pop();
      }
      if (ancestors.includes(member)) {
        return "[Circular]";
      }
      const plain = member instanceof Map || member instanceof Set ? [...member] : member;
      ancestors.push(plain);
      return plain;
    });
  }

  function inspect(value) {
    if (value instanceof Error) {
      return `${value.name}: ${value.message}`;
    }
    if (typeof value !== "object" || value === null) {
      return String(value);
    }
    try {
      return toJson(value) ?? String(value);
    } catch {
      return Object.prototype.toString.call(value);
    }
  }

  const PLACEHOLDERS = {
    s: (value) => inspect(value),
    d: (value) => String(Number(value)),
    i: (value) => String(Math.trunc(Number(value))),
    f: (value) => String(Number(value)),
    j: (value) => inspect(value),
    o: (value) => inspect(value),
    O: (value) => inspect(value),
    c: () => "",
  };

  function format(values) {
    const rest = [...values];
    if (typeof rest[0] === "string" && rest.length > 1) {
      const text = rest.shift().replace(/%([sdifjoOc%])/g, (whole, kind) => {
        if (kind === "%") {
          return "%";
        }
        return rest.length > 0 ? PLACEHOLDERS[kind](rest.shift()) : whole;
      });
      rest.unshift(text);
    }
    return rest.map(inspect).join(" ");
  }

  let indent = "";
  const counts = new Map();
  const timers = new Map();
  const writer = (level) => (...values) => log(level, indent + format(values));
  const elapsed = (label) => `${label}: ${Date.now() - (timers.get(label) ?? Date.now())} ms`;
  const info = writer(INFO);
  const console = {
    debug: writer(DEBUG),
    log: info,
    info,
    warn: writer(WARN),
    error: writer(ERROR),
    trace: writer(DEBUG),
    dir: (value) => info(value),
    table: (value) => info(value),
    assert: (condition, ...values) => condition || log(ERROR, `${indent}Assertion failed${values.length ? ": " : ""}${format(values)}`),
    group(...values) {
      if (values.length > 0) {
        info(...values);
      }
      indent = (indent + "  ").slice(0, 40);
    },
    groupEnd() {
      indent = indent.slice(2);
    },
    count(label = "default") {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      info(`${label}: ${counts.get(label)}`);
    },
    time: (label = "default") => void timers.set(label, Date.now()),
    timeLog: (label = "default") => info(elapsed(label)),
    timeEnd(label = "default") {
      info(elapsed(label));
      timers.delete(label);
    },
  };
  console.groupCollapsed = console.group;
  return console;
});
