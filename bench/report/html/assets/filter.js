"use strict";
/* The filter, kept in the address: #diagnostic=…&host=…&status=…&at=section */
const FIELDS = ["diagnostic", "host", "status"];

function parseHash(hash) {
  const text = hash.replace(/^#/, "");
  if (!text.includes("=")) return { at: decoded(text) };
  const params = new URLSearchParams(text);
  const state = { at: params.get("at") || "" };
  for (const field of FIELDS) state[field] = params.get(field) || "";
  return state;
}

function decoded(text) {
  try { return decodeURIComponent(text); } catch (error) { return text; }
}

function makeHash(state) {
  const params = new URLSearchParams();
  for (const field of FIELDS) if (state[field]) params.set(field, state[field]);
  if (![...params].length) return state.at ? "#" + encodeURIComponent(state.at) : "";
  if (state.at) params.set("at", state.at);
  return "#" + params.toString();
}

/* Whether what carries these values is shown; what carries none of a field always is. */
function matches(filter, item) {
  return (!filter.diagnostic || item.diagnostic === undefined || item.diagnostic === filter.diagnostic)
    && (!filter.host || item.host === undefined || item.host === filter.host)
    && (!filter.status || item.state === undefined || item.state === filter.status);
}

/* Points of a trace that pass, all lists cut alike; null where nothing is left. */
function filteredTrace(trace, filter) {
  const meta = trace.meta;
  if (!meta) return trace;
  const size = Math.max(...Object.values(meta).map((value) => (Array.isArray(value) ? value.length : 0)), 0);
  const kept = [];
  for (let at = 0; at < size; at++) {
    const item = {};
    for (const field of Object.keys(meta)) item[field] = Array.isArray(meta[field]) ? meta[field][at] : meta[field];
    if (matches(filter, item)) kept.push(at);
  }
  if (kept.length === size) return trace;
  return cut(trace, size, kept);
}

function cut(value, size, kept) {
  if (Array.isArray(value)) return value.length === size ? kept.map((at) => value[at]) : value;
  if (value === null || typeof value !== "object") return value;
  const copy = {};
  for (const key of Object.keys(value)) copy[key] = cut(value[key], size, kept);
  return copy;
}
