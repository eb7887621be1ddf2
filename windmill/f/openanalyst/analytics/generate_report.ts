// Writes a report from metrics: Markdown with tables, a chart specification (Vega-Lite), where each number comes from, and what is missing.

import type { Table } from "/f/openanalyst/analytics/tables";

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
  const drawn = tables.find((table) => table.series !== null && table.labels !== null);
  const values = drawn
    ? drawn.series!.values.map((value, index) => ({ label: drawn.labels!.values[index] ?? String(index + 1), value }))
    : metrics.filter((metric) => metric.unit === undefined).map((metric) => ({ label: metric.label, value: metric.value }));
  if (values.length === 0) {
    return null;
  }
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: drawn ? `${drawn.series!.name} (${drawn.file})` : title,
    data: { values },
    mark: { type: "bar", tooltip: true },
    encoding: {
      x: { field: "label", type: "nominal", sort: null, title: drawn ? drawn.labels!.name : null },
      y: { field: "value", type: "quantitative", title: drawn ? drawn.series!.name : null },
    },
  };
}

/**
 * @param title the heading
 * @param metrics, tables, missing as analytics/fetch_metrics gives them
 * @param range the span that the numbers are of
 * @param displayName how the user is called
 */
export async function main(
  title = "Analytics report",
  metrics: Metric[] = [],
  tables: Table[] = [],
  missing: string[] = [],
  range: { label: string } | null = null,
  displayName: string | null = null,
) {
  const lines: string[] = [`# ${title}`, ""];
  const about = [displayName ? `For ${displayName}.` : "", range ? `Numbers of: ${range.label}.` : ""].filter((text) => text !== "").join(" ");
  if (about !== "") {
    lines.push(about, "");
  }
  if (metrics.length > 0) {
    lines.push("## What happened here", "", "| measure | value | source |", "|---|---:|---|");
    for (const metric of metrics) {
      lines.push(`| ${cell(metric.label)} | ${number(metric.value)}${metric.unit ? ` ${metric.unit}` : ""} | ${cell(metric.source)} |`);
    }
    lines.push("");
  }
  for (const table of tables.filter((table) => table.columns.length > 0)) {
    lines.push(`## ${cell(table.file)}`, "", `${table.rows} rows.`, "", "| column | values | sum | mean | median | least | most |", "|---|---:|---:|---:|---:|---:|---:|");
    for (const column of table.columns) {
      const numbers = [column.count, column.sum, column.mean, column.median, column.min, column.max].map(number);
      lines.push(`| ${cell(column.name)} | ${numbers.join(" | ")} |`);
    }
    lines.push("");
  }
  if (metrics.length === 0 && tables.every((table) => table.columns.length === 0)) {
    lines.push("There are no numbers to report yet.", "");
  }
  if (missing.length > 0) {
    lines.push("## What is missing", "", ...missing.map((text) => `- ${text}`), "");
  }
  const files = tables.filter((table) => table.columns.length > 0).map((table) => `the attached file ${table.file}`);
  const sources = [...new Set([...metrics.map((metric) => metric.source), ...files])];
  if (sources.length > 0) {
    lines.push(`Sources: ${sources.join("; ")}. Every number above was counted or computed from them.`);
  }
  return { report: { title, markdown: lines.join("\n").trim() + "\n", chart: chartOf(title, metrics, tables), sources, missing } };
}
