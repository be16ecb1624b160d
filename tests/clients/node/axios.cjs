// Sends a GET with axios 0.x, which leaves TLS to a proxy, and prints status, type and phrase.
//
//   node axios.cjs URL [BEARER]
"use strict";

const axios = require("axios");

const [url, bearer] = process.argv.slice(2);
const headers = bearer ? { Authorization: `Bearer ${bearer}` } : {};
axios
  .get(url, { headers, validateStatus: null, timeout: 20000 })
  .then(({ status, statusText, data }) => ({ status, statusText, data }))
  .catch(({ name, message }) => ({ error: name, message }))
  .then((said) => process.stdout.write(`${JSON.stringify(said)}\n`));
