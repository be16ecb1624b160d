// Asks one credential for a token of each scope in turn, and prints what came, as JSON.
//
//   node tokens.cjs SCOPE,SCOPE... WAY [WORD...]
"use strict";

const { credential } = require("./credential.cjs");

async function tokens(scopes, ...way) {
  const mine = credential(way);
  const found = [];
  for (const scope of scopes.split(",")) {
    found.push((await mine.getToken(scope)).token);
  }
  return { tokens: found };
}

tokens(...process.argv.slice(2))
  .catch(({ name, message }) => ({ error: name, message }))
  .then((said) => process.stdout.write(`${JSON.stringify(said)}\n`));
