// Reads CSV and JSON into rows, and computes columns.

export interface Column {
  name: string;
  count: number;
  sum: number;
  mean: number;
  median: number;
  min: number;
  max: number;
}

export interface Table {
  file: string;
  rows: number;
  columns: Column[];
  /** The first column that is no number, with the value of each row: the axis of a chart. */
  labels: { name: string; values: string[] } | null;
  /** The first numeric column's values, beside the labels. */
  series: { name: string; values: number[] } | null;
  problem: string | null;
}

const MAX_ROWS = 20000;
const MAX_CHART_ROWS = 50;

/** CSV as RFC 4180 has it: quotes, doubled quotes, line breaks inside them; `,`, `;` or tab, whichever the first line has most of. */
export function parseCsv(text: string): string[][] {
  const firstLine = text.slice(0, text.indexOf("\n") < 0 ? text.length : text.indexOf("\n"));
  const divider = [",", ";", "\t"].map((mark) => ({ mark, count: firstLine.split(mark).length })).sort((a, b) => b.count - a.count)[0].mark;
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  const source = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  for (let at = 0; at < source.length && rows.length <= MAX_ROWS; at += 1) {
    const char = source[at];
    if (quoted) {
      if (char === '"' && source[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else if (char === '"') {
        quoted = false;
      } else {
        cell += char;
      }
    } else if (char === '"' && cell === "") {
      quoted = true;
    } else if (char === divider) {
      row.push(cell);
      cell = "";
    } else if (char === "\n" || char === "\r") {
      if (char === "\r" && source[at + 1] === "\n") {
        at += 1;
      }
      row.push(cell);
      cell = "";
      if (row.length > 1 || row[0] !== "") {
        rows.push(row);
      }
      row = [];
    } else {
      cell += char;
    }
  }
  row.push(cell);
  if (row.length > 1 || row[0] !== "") {
    rows.push(row);
  }
  return rows;
}

/** A number, with or without digit groups, percent sign or spaces; anything else is none. */
export function asNumber(value: unknown): number | undefined {
  if (typeof value === "number") {
    return Number.isFinite(value) ? value : undefined;
  }
  if (typeof value !== "string") {
    return undefined;
  }
  const text = value.trim().replace(/%$/, "").replace(/(\d),(?=\d{3}(\D|$))/g, "$1");
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

/** The statistics of a column. */
export function column(name: string, values: number[]): Column {
  const sorted = [...values].sort((a, b) => a - b);
  const round = (number: number) => Math.round(number * 1e6) / 1e6;
  const sum = values.reduce((total, value) => total + value, 0);
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { name, count: values.length, sum: round(sum), mean: round(sum / values.length), median: round(median), min: sorted[0], max: sorted[sorted.length - 1] };
}

/** The rows of a JSON document: a list of objects, or the first such list in it. */
function rowsOfJson(value: unknown): Record<string, unknown>[] | undefined {
  if (Array.isArray(value)) {
    const rows = value.filter((row) => row !== null && typeof row === "object" && !Array.isArray(row));
    return rows.length > 0 ? rows : undefined;
  }
  if (value !== null && typeof value === "object") {
    for (const member of Object.values(value)) {
      const rows = rowsOfJson(member);
      if (rows !== undefined) {
        return rows;
      }
    }
    return [value as Record<string, unknown>];
  }
  return undefined;
}

/** A file as a table with its statistics. */
export function table(file: { name: string; mediaType: string; text: string }): Table {
  const empty = (problem: string): Table => ({ file: file.name, rows: 0, columns: [], labels: null, series: null, problem });
  let header: string[];
  let rows: unknown[][];
  if (file.mediaType.includes("json") || /\.json$/i.test(file.name)) {
    let value: unknown;
    try {
      value = JSON.parse(file.text);
    } catch (error) {
      return empty(`it is no JSON: ${(error as Error).message}`);
    }
    const objects = rowsOfJson(value);
    if (objects === undefined) {
      return empty("it holds no list of objects");
    }
    header = [...new Set(objects.slice(0, MAX_ROWS).flatMap((row) => Object.keys(row)))];
    rows = objects.slice(0, MAX_ROWS).map((row) => header.map((name) => row[name]));
  } else {
    const parsed = parseCsv(file.text);
    if (parsed.length < 2) {
      return empty("it has no rows below its header");
    }
    header = parsed[0].map((name, index) => name.trim() || `column ${index + 1}`);
    rows = parsed.slice(1);
  }
  const columns: Column[] = [];
  let labels: Table["labels"] = null;
  let series: Table["series"] = null;
  header.forEach((name, index) => {
    const values = rows.map((row) => row[index]);
    const present = values.filter((value) => value !== undefined && value !== null && String(value).trim() !== "");
    const numbers = present.map(asNumber).filter((number) => number !== undefined);
    // A column counts as numbers where nearly all of it is; the rest of its cells is left out of the sums.
    if (numbers.length > 0 && numbers.length >= present.length * 0.9) {
      columns.push(column(name, numbers));
      series ??= { name, values: rows.slice(0, MAX_CHART_ROWS).map((row) => asNumber(row[index]) ?? 0) };
    } else if (present.length > 0) {
      labels ??= { name, values: rows.slice(0, MAX_CHART_ROWS).map((row) => String(row[index] ?? "")) };
    }
  });
  return { file: file.name, rows: rows.length, columns, labels, series, problem: columns.length === 0 ? "it has no column of numbers" : null };
}

export async function main(files: { name: string; mediaType: string; text: string }[] = []) {
  return files.map(table);
}
