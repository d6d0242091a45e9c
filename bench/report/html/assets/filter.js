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
