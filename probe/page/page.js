// Asks the probe for the bus every two seconds and draws it; keeps the last minutes of rates and backlogs for the small curves.

const INTERVAL_MS = 2000;
const POINTS = 90;
const SVG = "http://www.w3.org/2000/svg";

const history = new Map();

/** An element with attributes and children; text is never parsed as HTML. */
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== undefined));
  return node;
}

function show(id, ...children) {
  document.getElementById(id).replaceChildren(...children);
}

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

function count(value) {
  return value < 100_000 ? whole.format(value) : short.format(value);
}

function perSecond(rate) {
  if (rate === undefined) return "–";
  return `${rate < 10 ? Number(rate.toFixed(1)) : count(Math.round(rate))}/s`;
}

function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  const amount = value / 1024 ** power;
  return `${amount < 10 && power > 0 ? amount.toFixed(1) : Math.round(amount)} ${units[power]}`;
}

function duration(from, to) {
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

function badge(text, tone) {
  return element("span", { class: `badge ${tone}` }, text);
}

function fact(name, value) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, value));
}

/** A bar with its figures in words; where being full is a fault it warns from 85 % on. */
function meter(label, value, limit, { format, mayBeFull = false }) {
  if (!limit) return element("span", {}, format(value));
  const share = Math.min(1, value / limit);
  const fill = element("div", { class: share > 0.85 && !mayBeFull ? "fill full" : "fill" });
  fill.style.width = `${(share * 100).toFixed(1)}%`;
  const values = { "aria-valuemin": "0", "aria-valuemax": String(limit), "aria-valuenow": String(value) };
  const track = element("div", { class: "track", role: "meter", "aria-label": label, ...values }, fill);
  return element("div", { class: "meter" }, track, element("span", {}, `${format(value)} of ${format(limit)}`));
}

function remember(key, value) {
  const points = history.get(key) ?? [];
  points.push(value ?? 0);
  history.set(key, points.slice(-POINTS));
  return history.get(key);
}

function spark(points, label) {
  const svg = document.createElementNS(SVG, "svg");
  const top = Math.max(1, ...points);
  const line = document.createElementNS(SVG, "polyline");
  const place = (value, index) => `${((index + POINTS - points.length) / (POINTS - 1)) * 100},${23 - (value / top) * 21}`;
  line.setAttribute("points", points.map(place).join(" "));
  const about = { class: "spark", viewBox: "0 0 100 24", preserveAspectRatio: "none", role: "img", "aria-label": label };
  for (const [name, value] of Object.entries(about)) svg.setAttribute(name, value);
  svg.append(line);
  return svg;
}

const HEALTH = { ok: ["● healthy", "good"], degraded: ["▲ degraded", "warn"], down: ["■ no quorum", "bad"] };

function drawHeader(bus) {
  const [text, tone] = HEALTH[bus.health];
  const health = document.getElementById("health");
  document.title = `${bus.cluster}: ${text.slice(2)}`;
  show("cluster", bus.cluster);
  // Only a change is worth telling to a screen reader.
  if (health.textContent !== text) health.textContent = text;
  health.className = `badge ${tone}`;
  const { ready, expected, needed } = bus.quorum;
  const published = bus.canary ? bus.canary.ok + bus.canary.timeout + bus.canary.error : 0;
  const acknowledged = published > 0 ? `${((100 * bus.canary.ok) / published).toFixed(2)} % of ${count(published)}` : "none";
  show(
    "facts",
    fact("Meta leader", bus.metaLeader ?? "none"),
    fact("Servers ready", `${ready} of ${expected}, ${needed} needed`),
    fact("Canary acknowledged", acknowledged),
  );
}

function drawServers(bus) {
  show("servers", ...bus.servers.map((server) => serverCard(server, bus)));
}

function serverCard(server, bus) {
  const state = server.up ? (server.ready ? badge("● ready", "good") : badge("▲ not ready", "warn")) : badge("■ no answer", "bad");
  const heading = element("h3", {}, server.name, server.name === bus.metaLeader ? badge("meta leader", "") : undefined, state);
  if (!server.up) return element("li", { class: "card" }, heading);
  const figures = element(
    "dl",
    {},
    fact("Clients", count(server.connections)),
    fact("In", perSecond(server.rate)),
    fact("CPU", `${Math.round(server.cores * 100)} %`),
    fact("Memory", bytes(server.memoryBytes)),
  );
  const storage = meter(`JetStream storage of ${server.name}`, server.storageBytes, server.storageLimitBytes, { format: bytes });
  const since = element("p", { class: "quiet" }, `${server.version}, up ${duration(server.startedAt, bus.at)}`);
  return element("li", { class: "card" }, heading, figures, storage, since);
}

const TONES = { critical: "bad", warning: "warn" };

function drawAlerts(bus) {
  if (bus.alerts === undefined) {
    show("alerts", element("p", { class: "empty" }, "No Prometheus answers, so no rule is evaluated."));
  } else if (bus.alerts.length === 0) show("alerts", element("p", { class: "empty" }, "None is pending or firing."));
  else show("alerts", element("ul", { class: "alerts" }, ...bus.alerts.map((alert) => alertLine(alert, bus))));
}

function alertLine(alert, bus) {
  const mark = badge(`${alert.state === "firing" ? "■" : "□"} ${alert.severity} ${alert.state}`, TONES[alert.severity] ?? "");
  const since = element("time", { datetime: alert.since }, `for ${duration(alert.since, bus.at)}`);
  return element("li", {}, mark, element("strong", {}, alert.alert), element("span", {}, alert.summary), since);
}

function drawStreams(bus) {
  const rows = bus.streams.map((stream) => {
    const points = remember(`stream ${stream.account} ${stream.name}`, stream.rate);
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, `${stream.name} `, element("small", {}, stream.account)),
      element("td", {}, stream.leader ?? badge("■ none", "bad")),
      element("td", {}, copies(stream)),
      element("td", { class: "number" }, count(stream.messages)),
      element("td", { class: "number" }, perSecond(stream.rate)),
      element("td", {}, spark(points, `rate of ${stream.name}`)),
      element(
        "td",
        {},
        meter(`bytes of ${stream.name}`, stream.bytes, stream.limitBytes, { format: bytes, mayBeFull: !stream.refusesWhenFull }),
      ),
      element("td", { class: "number" }, count(stream.lag)),
    );
  });
  show("stream-rows", ...(rows.length > 0 ? rows : [nothing("No server holds a stream.", 8)]));
}

function copies({ current, wanted }) {
  const text = `${current} of ${wanted}`;
  return current >= wanted ? text : badge(`▲ ${text}`, current === 0 ? "bad" : "warn");
}

function drawConsumers(bus) {
  const rows = bus.consumers.map((consumer) => {
    const points = remember(`consumer ${consumer.account} ${consumer.stream} ${consumer.name}`, consumer.pending);
    const isBehind = consumer.backlogLimit !== undefined && consumer.pending > consumer.backlogLimit;
    const pending = count(consumer.pending);
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, `${consumer.name} `, element("small", {}, consumer.stream)),
      element("td", {}, consumer.leader ?? badge("■ none", "bad")),
      element("td", { class: "number" }, isBehind ? badge(`▲ ${pending}`, "warn") : pending),
      element("td", {}, spark(points, `backlog of ${consumer.name}`)),
      element("td", {}, meter(`unacknowledged of ${consumer.name}`, consumer.ackPending, consumer.maxAckPending, { format: count })),
      element("td", { class: "number" }, count(consumer.redelivered)),
      element("td", { class: "number" }, perSecond(consumer.rate)),
    );
  });
  show("consumer-rows", ...(rows.length > 0 ? rows : [nothing("No stream has a consumer.", 7)]));
}

function nothing(text, columns) {
  return element("tr", {}, element("td", { colspan: String(columns) }, text));
}

function drawLost() {
  const health = document.getElementById("health");
  health.textContent = "■ the probe does not answer";
  health.className = "badge bad";
}

async function refresh() {
  try {
    const answer = await fetch("/api/state", { signal: AbortSignal.timeout(INTERVAL_MS * 2) });
    const bus = await answer.json();
    for (const draw of [drawHeader, drawServers, drawAlerts, drawStreams, drawConsumers]) draw(bus);
    show("updated", `as of ${bus.at.slice(11, 19)} UTC`);
  } catch {
    // What stands there is from before; the line above says since when.
    drawLost();
  }
  setTimeout(refresh, INTERVAL_MS);
}

void refresh();
