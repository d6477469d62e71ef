/** The little of PromQL's grammar that is needed to name and to narrow the metrics of an expression. */

// In this order: strings, label lists of operators, ranges, numbers and durations, then a name with what follows it at once:
// the parenthesis of a function or aggregation, or the matchers of a metric.
const TOKEN =
  /"(?:[^"\\]|\\.)*"|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)|\[[^\]]*\]|\b\d[\w.]*|([a-zA-Z_:][\w:]*)(\s*(?:\b(?:by|without)\s*\([^)]*\)\s*)?\(|\s*\{(?:[^}"]|"(?:[^"\\]|\\.)*")*\})?/g;

const KEYWORDS = new Set(["and", "or", "unless", "bool", "offset", "inf", "nan", "by", "without", "on", "ignoring"]);

// Metrics of other exporters do not carry our target labels.
const FOREIGN = /^(kubelet|node|probe)_/;

/** Text as a PromQL string, quotes included. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** Text as a regular expression that matches it alone. */
export function quoteRegex(text: string): string {
  return text.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&");
}

/** Narrows every selector of `expr` to one bus by adding the matcher `nats_cluster="cluster"`; metrics of foreign exporters (kubelet, node, blackbox) are left alone. */
export function scopeTo(cluster: string, expr: string): string {
  const matcher = `nats_cluster=${quoted(cluster)}`;
  return expr.replace(TOKEN, (token, name: string | undefined, tail: string | undefined) => {
    if (name === undefined || !isMetric(name, tail) || FOREIGN.test(name)) return token;
    const matchers = tail === undefined ? "" : tail.trim().slice(1, -1).trim();
    return `${name}{${matchers === "" ? matcher : `${matcher}, ${matchers}`}}`;
  });
}

/** Names of the metrics and records that `expr` reads, sorted, each once. */
export function metricNames(expr: string): string[] {
  const names = [...expr.matchAll(TOKEN)].flatMap(([, name, tail]) => (name !== undefined && isMetric(name, tail) ? [name] : []));
  return [...new Set(names)].sort();
}

/** Labels that `expr` matches, each with its metric. */
export function labelMatchers(expr: string): { readonly metric: string; readonly label: string }[] {
  return [...expr.matchAll(TOKEN)].flatMap(([, name, tail]) => {
    if (name === undefined || tail === undefined || !isMetric(name, tail)) return [];
    return [...tail.matchAll(/([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"/g)].map(([, label]) => ({
      metric: name,
      label: label ?? "",
    }));
  });
}

function isMetric(name: string, tail: string | undefined): boolean {
  return !KEYWORDS.has(name.toLowerCase()) && !(tail?.endsWith("(") ?? false);
}
