// Writes a report from metrics: Markdown with tables, a chart specification (Vega-Lite), where each number comes from, and what is missing.

/** A column of a file as the skill has read it. `shown` has its numbers as people read them. */
export interface Column {
  name: string;
  kind: string;
  count: number;
  missing: number;
  unreadable: number;
  unit?: string;
  shown?: { sum: string; mean: string; median: string; min: string; max: string };
  about?: string;
}

/** A file as the skill has read it. `notes` say what was left out and what was decided by a weak sign. */
export interface Table {
  file: string;
  rows: number;
  format: string;
  columns: Column[];
  notes: string[];
  series?: { label: string; name: string; isPart: boolean; names: string[]; values: number[] };
}

/** Most columns of one kind that a report shows. */
const MAX_COLUMNS = 60;

interface Metric {
  name: string;
  label: string;
  value: number;
  unit?: string;
  source: string;
}

function cell(value: unknown): string {
  return String(value ?? "").replaceAll("|", "\\|").replace(/\s+/g, " ");
}

function number(value: number): string {
  const [whole, part] = String(Math.round(value * 100) / 100).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return part === undefined ? grouped : `${grouped}.${part}`;
}

/** A bar chart of a file's first numbers, or else of the counts. */
function chartOf(title: string, metrics: Metric[], tables: Table[]) {
  const drawn = tables.find((table) => table.series)?.series;
  const file = tables.find((table) => table.series)?.file;
  const values = drawn
    ? drawn.values.map((value, index) => ({ label: drawn.names[index] ?? String(index + 1), value }))
    : tables.length > 0
      ? []
      : metrics.filter((metric) => metric.unit === undefined).map((metric) => ({ label: metric.label, value: metric.value }));
  if (values.length === 0) {
    return null;
  }
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: drawn ? `${drawn.name} (${file}${drawn.isPart ? `, the first ${values.length} rows` : ""})` : title,
    data: { values },
    mark: { type: "bar", tooltip: true },
    encoding: {
      x: { field: "label", type: "nominal", sort: null, title: drawn ? drawn.label : null },
      y: { field: "value", type: "quantitative", title: drawn ? drawn.name : null },
    },
  };
}

/** The part of the report about one file: its numbers, its other columns, and how it was read. */
function linesOf(table: Table): string[] {
  const lines = [`## ${cell(table.file)}`, "", `${number(table.rows)} ${table.rows === 1 ? "row" : "rows"}, ${table.format}.`, ""];
  const numeric = table.columns.filter((column) => column.shown);
  if (numeric.length > 0) {
    lines.push("| column | values | missing | sum | mean | median | least | most |", "|---|---:|---:|---:|---:|---:|---:|---:|");
    for (const column of numeric.slice(0, MAX_COLUMNS)) {
      const unit = column.unit && column.unit !== "%" ? ` (in ${column.unit})` : "";
      const { sum, mean, median, min, max } = column.shown!;
      const counts = [number(column.count), number(column.missing + column.unreadable)];
      lines.push(`| ${[cell(column.name + unit), ...counts, sum, mean, median, min, max].join(" | ")} |`);
    }
    lines.push("");
  }
  const others = table.columns.filter((column) => !column.shown);
  if (others.length > 0) {
    lines.push("Columns without sums:", "");
    for (const column of others.slice(0, MAX_COLUMNS)) {
      const about = column.about ?? (column.kind === "empty" ? "no values" : column.kind);
      const missing = column.missing + column.unreadable > 0 ? `; ${column.missing + column.unreadable} missing` : "";
      lines.push(`- ${cell(column.name)}: ${cell(about)}${missing}`);
    }
    lines.push("");
  }
  const more = Math.max(0, numeric.length - MAX_COLUMNS) + Math.max(0, others.length - MAX_COLUMNS);
  const notes = more > 0 ? [...table.notes, `${more} more columns are not shown`] : table.notes;
  if (notes.length > 0) {
    lines.push("How it was read:", "", ...notes.map((note) => `- ${cell(note)}`), "");
  }
  return lines;
}

/**
 * @param title the heading
 * @param metrics, tables, missing as analytics/fetch_metrics gives them
 * @param range the span that the numbers are of
 * @param displayName how the user is called
 * @param answers sentences that answer what was asked of a column
 */
export async function main(
  title = "Analytics report",
  metrics: Metric[] = [],
  tables: Table[] = [],
  missing: string[] = [],
  range: { label: string } | null = null,
  displayName: string | null = null,
  answers: string[] = [],
) {
  const lines: string[] = [`# ${title}`, ""];
  const about = [displayName ? `For ${displayName}.` : "", range ? `Numbers of: ${range.label}.` : ""].filter((text) => text !== "").join(" ");
  if (about !== "") {
    lines.push(about, "");
  }
  if (answers.length > 0) {
    lines.push(...answers.flatMap((answer) => [answer, ""]));
  }
  for (const table of tables) {
    lines.push(...linesOf(table));
  }
  if (metrics.length > 0) {
    lines.push("## What happened here", "", "| measure | value | source |", "|---|---:|---|");
    for (const metric of metrics) {
      lines.push(`| ${cell(metric.label)} | ${number(metric.value)}${metric.unit ? ` ${metric.unit}` : ""} | ${cell(metric.source)} |`);
    }
    lines.push("");
  }
  if (metrics.length === 0 && tables.length === 0) {
    lines.push("There are no numbers to report yet.", "");
  }
  if (missing.length > 0) {
    lines.push("## What is missing", "", ...missing.map((text) => `- ${text}`), "");
  }
  const files = tables.map((table) => `the attached file ${table.file}`);
  const sources = [...new Set([...files, ...metrics.map((metric) => metric.source)])];
  if (sources.length > 0) {
    lines.push(`Sources: ${sources.join("; ")}. Every number above was counted or computed from them.`);
  }
  return { report: { title, markdown: lines.join("\n").trim() + "\n", chart: chartOf(title, metrics, tables), sources, missing } };
}
