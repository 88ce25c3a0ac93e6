"use strict";
// Numbers as a person reads them, the same as text/humanize.py writes them, and elements whose text can only be text.

function humanDuration(seconds) {
  if (seconds === null || seconds === undefined) return "-";
  if (seconds < 0) return "-" + humanDuration(-seconds);
  if (seconds === 0) return "0 s";
  if (seconds < 0.0009995) return (seconds * 1e6).toFixed(0) + " µs";
  if (seconds < 0.9995) return (seconds * 1e3).toFixed(0) + " ms";
  if (seconds < 9.995) return seconds.toFixed(2) + " s";
  if (seconds < 59.95) return seconds.toFixed(1) + " s";
  const two = (number) => String(number).padStart(2, "0");
  const whole = Math.round(seconds);
  if (whole < 3600) return Math.floor(whole / 60) + " min " + two(whole % 60) + " s";
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return Math.floor(minutes / 60) + " h " + two(minutes % 60) + " min";
  const hours = Math.round(seconds / 3600);
  return Math.floor(hours / 24) + " d " + two(hours % 24) + " h";
}

function words(identifier) {
  return identifier.replaceAll("_", " ");
}

function counted(count, one, many) {
  return count.toLocaleString("en") + " " + (count === 1 ? one : many || one + "s");
}

// Everything a page shows goes through here: strings become text nodes, never markup.
function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children) made.append(child);
  return made;
}
